/* SPDX-License-Identifier: MIT */
#include "app/stats_server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "board/board.h"
#include "codec/http1.h"
#include "net/loop.h"
#include "net/stream.h"

enum {
    CLIENTS_MAX = 64,      /* more wait in the backlog */
    INPUT_MAX = 20 * 1024, /* bytes of a head and a body */
    BODY_MAX = 4 * 1024,   /* of it a body */
    HEAD_MS = 10000,       /* a whole request has to come within */
    IDLE_MS = 60000,       /* of a connection that is kept */
    SEND_MS = 60000,       /* a client takes nothing: it is closed */
    LATER_MS = 180000,     /* until the master has answered */
    ANSWER_MAX = 64 << 20, /* bytes */
    HEAD_MAX = 2048,       /* bytes of an answer's head */
};

struct stats_client {
    struct list link;
    struct stats_server *server;
    const struct stats_conf *conf;
    struct stream stream;
    struct timer timer;
    struct deferred end; /* frees it */
    struct addr addr;
    char input[INPUT_MAX];
    size_t input_len;
    struct http_request head;
    size_t request_len; /* of the one that is answered, with its body */
    char user[STATS_USER_MAX + 1];
    struct stats_login login;
    bool logs_in;    /* who it is, is being found out */
    uint32_t ticket; /* the master's answer is waited for; 0: it is not */
    bool keeps;      /* another request may follow */
    struct buf out;  /* the answer */
    size_t sent;
    char notice[STATS_NOTICE_MAX]; /* of its last action, for its next page */
    bool notice_is_error;
};

/* --- its end -------------------------------------------------------------- */

static void
close_client(struct stats_client *c)
{
    stream_close(&c->stream);
    timer_stop(&c->timer);
    loop_defer(c->server->loop, &c->end);
}

static void
free_client(struct stats_client *c)
{
    list_remove(&c->link);
    stats_login_cancel(&c->login, &c->server->auth);
    c->server->client_count--;
    buf_fini(&c->out);
    explicit_bzero(c->input, sizeof(c->input)); /* there is a password in it */
    free(c);
}

static void
on_end(struct deferred *deferred)
{
    free_client(container_of(deferred, struct stats_client, end));
}

static void
on_timer(struct timer *timer)
{
    close_client(container_of(timer, struct stats_client, timer));
}

static void
wait_for(struct stats_client *c, uint64_t ms)
{
    loop_start_timer(c->server->loop, &c->timer, ms);
}

/* --- an answer ------------------------------------------------------------ */

static void
put_policy(struct buf *to, const char *nonce)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "default-src 'none'; style-src 'nonce-%s'; script-src "
                   "'nonce-%s'; connect-src 'self'; form-action 'self'; "
                   "base-uri 'none'; frame-ancestors 'none'",
                   nonce, nonce);
    http1_write_field(to, STR("Content-Security-Policy"), str_from(text));
}

static void
put_head(struct buf *to, const struct stats_client *c,
         const struct stats_reply *reply, size_t body_len)
{
    char challenge[CONFIG_NAME_MAX + 256];

    http1_write_status(to, reply->status);
    http1_write_field(to, STR("Date"), clock_http_date());
    http1_write_field(to, STR("Content-Type"), str_from(reply->type));
    http1_write_field_uint(to, STR("Content-Length"), body_len);
    http1_write_field(to, STR("Cache-Control"), STR("no-store"));
    http1_write_field(to, STR("X-Content-Type-Options"), STR("nosniff"));
    http1_write_field(to, STR("X-Frame-Options"), STR("DENY"));
    /* With no-referrer browsers send the forms with "Origin: null". */
    http1_write_field(to, STR("Referrer-Policy"), STR("same-origin"));
    if (reply->nonce[0] != '\0')
        put_policy(to, reply->nonce);
    if (reply->allow != NULL)
        http1_write_field(to, STR("Allow"), str_from(reply->allow));
    if (reply->location.p != NULL)
        http1_write_field(to, STR("Location"), reply->location);
    if (reply->status == 401) {
        (void)snprintf(challenge, sizeof(challenge),
                       "Basic realm=\"" STR_FMT "\", charset=\"UTF-8\"",
                       STR_ARG(c->conf->realm));
        http1_write_field(to, STR("WWW-Authenticate"), str_from(challenge));
    }
    if (reply->status == 429)
        http1_write_field(to, STR("Retry-After"), STR("10"));
    if (!c->keeps)
        http1_write_field(to, STR("Connection"), STR("close"));
    http1_write_end(to);
}

/* Its head stands before BODY, which is left out for HEAD. */
static void
make_answer(struct stats_client *c, const struct stats_reply *reply,
            const struct buf *body)
{
    static const struct stats_reply full = {
        .status = 500, .type = "text/plain; charset=utf-8"};
    char memory[HEAD_MAX];
    struct buf head;

    buf_init(&head, memory, sizeof(memory));
    put_head(&head, c, body->failed ? &full : reply,
             body->failed ? 0 : body->len);
    buf_reset(&c->out);
    buf_str(&c->out, buf_text(&head));
    if (!body->failed && c->head.method != HTTP_METHOD_HEAD)
        buf_str(&c->out, buf_text(body));
    c->sent = 0;
    if (c->out.failed || head.failed)
        close_client(c);
}

/* The request that was answered goes; whether another one may follow. */
static bool
end_request(struct stats_client *c)
{
    if (!c->keeps) {
        close_client(c);
        return false;
    }
    memmove(c->input, c->input + c->request_len, c->input_len - c->request_len);
    c->input_len -= c->request_len;
    c->request_len = 0;
    buf_fini(&c->out);
    buf_init_growing(&c->out, ANSWER_MAX);
    c->sent = 0;
    wait_for(c, c->input_len > 0 ? HEAD_MS : IDLE_MS);
    return true;
}

/* What the client takes now; true: all of it. */
static bool
send_answer(struct stats_client *c)
{
    while (c->sent < c->out.len) {
        ssize_t n;

        if (!c->stream.writable)
            return false;
        n = stream_write(&c->stream, c->out.p + c->sent, c->out.len - c->sent);
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n < 0) {
            close_client(c);
            return false;
        }
        c->sent += (size_t)n;
        wait_for(c, SEND_MS);
    }
    return true;
}

/* --- a request ------------------------------------------------------------ */

static void
refuse(struct stats_client *c, int status, const char *words)
{
    struct stats_reply reply = {.status = status,
                                .type = "text/plain; charset=utf-8"};
    char memory[256];
    struct buf body;

    buf_init(&body, memory, sizeof(memory));
    buf_printf(&body, "%d %s\n", status, words);
    make_answer(c, &reply, &body);
}

static struct stats_request
request_of(struct stats_client *c, size_t head_len, const char *token)
{
    return (struct stats_request){
        .conf = c->conf,
        .head = &c->head,
        .body = str_make(c->input + head_len, c->request_len - head_len),
        .client = &c->addr,
        .user = c->user,
        .token = token,
    };
}

static uint32_t
next_ticket(struct stats_server *s)
{
    s->last_ticket =
        s->last_ticket == UINT32_MAX ? STATS_TICKET : s->last_ticket + 1;
    return s->last_ticket;
}

/* What an action came to is shown on the next page of this connection. */
static void
take_notice(struct stats_client *c, struct stats_reply *reply)
{
    memcpy(reply->notice, c->notice, sizeof(reply->notice));
    reply->notice_is_error = c->notice_is_error;
    c->notice[0] = '\0';
}

static void
keep_notice(struct stats_client *c, const struct stats_reply *reply)
{
    if (reply->status != 303)
        return;
    memcpy(c->notice, reply->notice, sizeof(c->notice));
    c->notice_is_error = reply->notice_is_error;
}

static void
answer(struct stats_client *c, size_t head_len)
{
    struct stats_server *s = c->server;
    struct stats_reply reply = {.status = 200};
    char token[STATS_TOKEN_LEN + 1];
    struct stats_request request;
    struct buf body;

    stats_auth_token(&s->auth, c->conf, c->user, token);
    request = request_of(c, head_len, token);
    request.ticket = next_ticket(s);
    if (c->head.method == HTTP_METHOD_GET &&
        str_equal(c->head.path, c->conf->uri))
        take_notice(c, &reply);
    buf_init_growing(&body, ANSWER_MAX);
    stats_answer(&body, &reply, &s->source, &request);
    if (reply.later) {
        c->ticket = request.ticket;
        wait_for(c, LATER_MS);
    } else {
        keep_notice(c, &reply);
        make_answer(c, &reply, &body);
    }
    buf_fini(&body);
}

/* The whole request is there. */
static void
take_request(struct stats_client *c, size_t head_len)
{
    struct stats_reply ask = {.status = 401,
                              .type = "text/plain; charset=utf-8"};
    struct buf body;
    char words[] = "401 a user and a password are needed\n";

    c->request_len =
        head_len +
        (size_t)(c->head.content_length > 0 ? c->head.content_length : 0);
    c->keeps = c->head.keep_alive;
    c->logs_in = false;
    switch (stats_auth_check(
        &c->server->auth, &c->login, c->conf, &c->addr,
        http_value(&c->head.fields, HTTP_HEADER_AUTHORIZATION), c->user)) {
    case STATS_LET_IN:
        answer(c, head_len);
        return;
    case STATS_ASK:
        buf_init(&body, words, sizeof(words) - 1);
        body.len = sizeof(words) - 1;
        make_answer(c, &ask, &body);
        return;
    case STATS_WAIT:
        refuse(c, 429, "too many wrong passwords: wait");
        return;
    case STATS_FAIL:
        refuse(c, 503, "the password cannot be compared now");
        return;
    case STATS_LATER:
        c->logs_in = true;
        wait_for(c, LATER_MS);
        return;
    }
}

/* True: there was one, and it is being answered. */
static bool
parse_request(struct stats_client *c)
{
    ssize_t taken = http1_read_request(&c->head, (const uint8_t *)c->input,
                                       c->input_len, 0);

    c->keeps = false;
    c->request_len = c->input_len;
    if (taken <= 0)
        c->head.method = HTTP_METHOD_OTHER; /* not the last one's */
    if (taken < 0) {
        refuse(c, http1_error_status((enum http1_error)taken),
               http1_error_text((enum http1_error)taken));
        return true;
    }
    if (taken == 0 && c->input_len == sizeof(c->input)) {
        refuse(c, 431, "the head is too large");
        return true;
    }
    if (taken == 0)
        return false;
    if (c->head.chunked || c->head.content_length > BODY_MAX) {
        refuse(c, 413, "the body is too large, or of unknown length");
        return true;
    }
    if (c->head.content_length > 0 &&
        (size_t)taken + (size_t)c->head.content_length > c->input_len)
        return false;
    take_request(c, (size_t)taken);
    return true;
}

/* False: there is nothing more now, or it has been closed. */
static bool
read_more(struct stats_client *c)
{
    ssize_t n;

    if (!c->stream.readable || c->input_len == sizeof(c->input))
        return false;
    n = stream_read(&c->stream, c->input + c->input_len,
                    sizeof(c->input) - c->input_len);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0) {
        close_client(c);
        return false;
    }
    if (c->input_len == 0)
        wait_for(c, HEAD_MS);
    c->input_len += (size_t)n;
    return true;
}

static void
step(struct stats_client *c)
{
    while (stream_is_open(&c->stream) && c->ticket == 0 && !c->logs_in) {
        if (c->out.len > 0) {
            if (!send_answer(c) || !end_request(c))
                return;
        } else if ((c->input_len == 0 || !parse_request(c)) && !read_more(c)) {
            return;
        }
    }
}

static void
on_ready(struct stream *stream)
{
    step(container_of(stream, struct stats_client, stream));
}

/* What is asked for has been waiting in its place. */
static void
on_turn(struct stats_login *login)
{
    struct stats_client *c = container_of(login, struct stats_client, login);
    size_t body_len =
        (size_t)(c->head.content_length > 0 ? c->head.content_length : 0);

    if (!stream_is_open(&c->stream))
        return;
    take_request(c, c->request_len - body_len);
    step(c);
}

void
stats_server_answer(struct stats_server *s, uint32_t ticket, struct str text)
{
    list_for_each(node, &s->clients)
    {
        struct stats_client *c = container_of(node, struct stats_client, link);
        struct stats_reply reply = {.status = 200};
        struct stats_request request;
        char token[STATS_TOKEN_LEN + 1] = "";
        char memory[STATS_NOTICE_MAX + 2];
        struct buf body;

        if (c->ticket != ticket || !stream_is_open(&c->stream))
            continue;
        c->ticket = 0;
        request = request_of(c, c->request_len, token);
        buf_init(&body, memory, sizeof(memory));
        stats_answer_later(&body, &reply, &s->source, &request, text);
        keep_notice(c, &reply);
        make_answer(c, &reply, &body);
        step(c);
        return;
    }
}

/* --- clients -------------------------------------------------------------- */

static bool
admit(struct acceptor *acceptor)
{
    const struct stats_listener *l =
        container_of(acceptor, struct stats_listener, acceptor);

    return l->server->client_count < CLIENTS_MAX;
}

static void
dismiss(struct acceptor *acceptor)
{
    (void)acceptor; /* nothing was taken for the admission */
}

static void
on_client(struct acceptor *acceptor, int fd, const struct addr *addr)
{
    struct stats_listener *l =
        container_of(acceptor, struct stats_listener, acceptor);
    struct stats_server *s = l->server;
    struct stats_client *c = calloc(1, sizeof(*c));

    if (c == NULL || stream_open(&c->stream, s->loop, fd, on_ready) < 0) {
        log_warn("cannot serve a client of stats " STR_FMT ": %s",
                 STR_ARG(l->conf->name), strerror(errno));
        close(fd);
        free(c);
        return;
    }
    c->server = s;
    c->conf = l->conf;
    c->addr = *addr;
    timer_init(&c->timer, on_timer);
    deferred_init(&c->end, on_end);
    stats_login_init(&c->login, on_turn);
    buf_init_growing(&c->out, ANSWER_MAX);
    list_init(&c->link);
    list_add_tail(&s->clients, &c->link);
    s->client_count++;
    wait_for(c, HEAD_MS);
    step(c);
}

/* --- life ----------------------------------------------------------------- */

static int
start_listener(struct stats_server *s, const struct stats_conf *conf, int fd)
{
    struct stats_listener *l = &s->listeners[s->listener_count];

    if (fd < 0)
        return 0;
    *l = (struct stats_listener){
        .acceptor = {.on_client = on_client,
                     .admit = admit,
                     .dismiss = dismiss},
        .server = s,
        .conf = conf,
    };
    if (acceptor_start(&l->acceptor, s->loop, fd) < 0)
        return -1;
    s->listener_count++;
    return 0;
}

int
stats_server_start(struct stats_server *s, struct loop *loop,
                   const struct config *config, const int *fds,
                   const struct stats_source *source)
{
    size_t count = 0;

    *s = (struct stats_server){
        .loop = loop,
        .source = *source,
        .last_ticket = STATS_TICKET,
    };
    list_init(&s->clients);
    for (size_t i = 0; i < config->stats_count; i++)
        count += config->stats[i].listen_count;
    s->listeners = calloc(count + 1, sizeof(*s->listeners));
    if (s->listeners == NULL || stats_auth_init(&s->auth, loop) < 0)
        return -1;
    for (size_t i = 0; i < config->stats_count; i++) {
        const struct stats_conf *conf = &config->stats[i];

        for (size_t k = 0; k < conf->listen_count; k++) {
            if (start_listener(s, conf, *fds++) < 0)
                return -1;
        }
    }
    return 0;
}

void
stats_server_pause(struct stats_server *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        acceptor_stop(&s->listeners[i].acceptor);
}

void
stats_server_stop(struct stats_server *s)
{
    stats_server_pause(s);
    list_for_each_safe(node, &s->clients)
    {
        struct stats_client *c = container_of(node, struct stats_client, link);

        stream_close(&c->stream);
        timer_stop(&c->timer);
        free_client(c);
    }
    stats_auth_fini(&s->auth);
    free(s->listeners);
}
