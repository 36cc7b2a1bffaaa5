/* SPDX-License-Identifier: MIT */
#include "app/stats_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "app/stats_head.h"
#include "base/log.h"
#include "codec/http1.h"
#include "net/loop.h"
#include "net/stream.h"

enum {
    INPUT_MAX = 20 * 1024, /* bytes of a head and a body */
    BODY_MAX = 4 * 1024,   /* of it a body */
    HEAD_MS = 10000,       /* a whole request has to come within */
    IDLE_MS = 60000,       /* of a connection that is kept */
    SEND_MS = 60000,       /* an answer has to be taken within, */
    SEND_RATE = 16,        /* and so many bytes a millisecond more */
    LINGER_MS = 5000,      /* for what a client sends after its answer */
    LATER_MS = 180000,     /* until the master has answered */
    ANSWER_MAX = 64 << 20, /* bytes */
    HEAD_MAX = 2048,       /* bytes of an answer's head */
    BASE_MAX = 1024,       /* bytes of where the page is */
};

enum client_state {
    CLIENT_READS,   /* a request, or nothing yet */
    CLIENT_LOGS_IN, /* who it is, is being found out */
    CLIENT_WAITS,   /* for what the master says */
    CLIENT_SENDS,   /* the answer */
    CLIENT_LINGERS, /* what still comes is dropped, so that a reset does not
                       eat the answer */
};

struct stats_client {
    struct list link;
    struct stats_clients *all;
    const struct config *config; /* a reference: of what follows */
    const struct stats_conf *conf;
    const struct listen_conf *listen; /* NULL: it comes through a worker */
    enum client_state state;
    struct stream stream;
    struct timer timer;
    struct deferred end; /* frees it */
    struct addr addr;
    char base[BASE_MAX + 1]; /* where the page is, by the worker's word */
    char input[INPUT_MAX];
    size_t input_len;
    struct http_request head;
    size_t request_len; /* of the one that is answered, with its body */
    char user[STATS_USER_MAX + 1];
    struct stats_login login;
    uint32_t ticket; /* the master's answer comes under it */
    bool keeps;      /* another request may follow */
    bool unread;     /* what was refused has not been read to its end */
    char head_memory[HEAD_MAX];
    struct buf out_head; /* of the answer */
    struct buf out;      /* and its body */
    size_t sent;         /* of both */
};

/* --- its end -------------------------------------------------------------- */

static void
close_client(struct stats_client *c)
{
    stream_close(&c->stream);
    timer_stop(&c->timer);
    loop_defer(c->all->loop, &c->end);
}

static void
free_client(struct stats_client *c)
{
    list_remove(&c->link);
    stats_login_cancel(&c->login, &c->all->auth);
    c->all->count--;
    buf_fini(&c->out);
    config_unref(c->config);
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
    loop_start_timer(c->all->loop, &c->timer, ms);
}

/* --- which configuration -------------------------------------------------- */

/* What listens in CONFIG where C has connected; NULL: nothing. */
static const struct stats_conf *
find_successor(const struct listen_conf **listen, const struct config *config,
               const struct stats_client *c)
{
    for (size_t i = 0; c->listen != NULL && i < config->stats_count; i++) {
        *listen =
            stats_conf_find_listen(&config->stats[i], c->listen->address.text);
        if (*listen != NULL)
            return &config->stats[i];
    }
    return NULL;
}

/* Between two requests. false: nobody listens there any more. */
static bool
follow(struct stats_client *c)
{
    const struct config *config = c->all->config;
    const struct listen_conf *listen = NULL;
    const struct stats_conf *conf;

    if (c->config == config)
        return true;
    conf = find_successor(&listen, config, c);
    if (conf == NULL)
        return false;
    config_unref(c->config);
    c->config = config_ref(config);
    c->conf = conf;
    c->listen = listen;
    return true;
}

static bool
has_successor(const struct stats_client *c)
{
    const struct listen_conf *listen;

    return c->config == c->all->config ||
           find_successor(&listen, c->all->config, c) != NULL;
}

/* --- an answer ------------------------------------------------------------ */

static void
forget_answer(struct stats_client *c)
{
    buf_fini(&c->out);
    buf_init_growing(&c->out, ANSWER_MAX);
}

/* The body is in C's `out`. */
static void
send_reply(struct stats_client *c, const struct stats_reply *reply)
{
    static const struct stats_reply full = {
        .status = 500, .type = "text/plain; charset=utf-8"};
    bool failed = c->out.failed;

    if (failed)
        forget_answer(c);
    buf_init(&c->out_head, c->head_memory, sizeof(c->head_memory));
    stats_head_write(&c->out_head, &(struct stats_head){
                                       .conf = c->conf,
                                       .reply = failed ? &full : reply,
                                       .body_len = c->out.len,
                                       .for_worker = c->listen == NULL,
                                       .keeps = c->keeps,
                                   });
    if (c->head.method == HTTP_METHOD_HEAD)
        forget_answer(c);
    c->sent = 0;
    c->state = CLIENT_SENDS;
    wait_for(c, SEND_MS + c->out.len / SEND_RATE);
    if (c->out_head.failed)
        close_client(c);
}

/* What the client takes now; true: all of it. */
static bool
send_answer(struct stats_client *c)
{
    size_t head_len = c->out_head.len;

    while (c->sent < head_len + c->out.len) {
        size_t in_head = c->sent < head_len ? c->sent : head_len;
        size_t in_body = c->sent - in_head;
        const struct iovec iov[] = {
            {c->out_head.p + in_head, head_len - in_head},
            {c->out.len > 0 ? c->out.p + in_body : NULL, c->out.len - in_body},
        };
        ssize_t n;

        if (!c->stream.writable)
            return false;
        n = stream_writev(&c->stream, iov, c->out.len > 0 ? 2 : 1);
        if (n < 0 && errno != EAGAIN)
            close_client(c);
        if (n < 0)
            return false;
        c->sent += (size_t)n;
    }
    return true;
}

/* The last answer is out. */
static bool
linger(struct stats_client *c)
{
    if (!c->unread || stream_shutdown(&c->stream) < 0) {
        close_client(c);
        return false;
    }
    c->state = CLIENT_LINGERS;
    wait_for(c, LINGER_MS);
    return true;
}

/* The request that was answered goes; whether there is more to do. */
static bool
end_request(struct stats_client *c)
{
    c->unread = c->unread || c->input_len > c->request_len;
    if (!c->keeps || c->all->leaving || !follow(c))
        return linger(c);
    memmove(c->input, c->input + c->request_len, c->input_len - c->request_len);
    c->input_len -= c->request_len;
    c->request_len = 0;
    c->unread = false;
    c->state = CLIENT_READS;
    forget_answer(c);
    wait_for(c, c->input_len > 0 ? HEAD_MS : IDLE_MS);
    return true;
}

/* --- a request ------------------------------------------------------------ */

static void
refuse(struct stats_client *c, int status, const char *words)
{
    const struct stats_reply reply = {.status = status,
                                      .type = "text/plain; charset=utf-8"};

    buf_printf(&c->out, "%d %s\n", status, words);
    send_reply(c, &reply);
}

static struct stats_request
request_of(struct stats_client *c, size_t head_len, const char *token)
{
    return (struct stats_request){
        .conf = c->conf,
        .uri = c->listen == NULL ? str_from(c->base) : c->conf->uri,
        .head = &c->head,
        .body = str_make(c->input + head_len, c->request_len - head_len),
        .client = &c->addr,
        .user = c->user,
        .token = token,
    };
}

static uint32_t
next_ticket(struct stats_clients *s)
{
    s->last_ticket =
        s->last_ticket == UINT32_MAX ? STATS_TICKET : s->last_ticket + 1;
    return s->last_ticket;
}

/* A page that an action leads to shows what that came to. */
static void
answer(struct stats_client *c, size_t head_len)
{
    struct stats_clients *s = c->all;
    struct stats_reply reply = {.status = 200};
    char token[STATS_TOKEN_LEN + 1];
    struct stats_request request;

    stats_auth_token(&s->auth, c->conf, c->user, token);
    request = request_of(c, head_len, token);
    request.ticket = next_ticket(s);
    if (c->head.method == HTTP_METHOD_GET &&
        str_equal(c->head.path, request.uri))
        stats_notice_take(&s->notices, &request, &reply);
    stats_answer(&c->out, &reply, &s->source, &request);
    if (reply.later) {
        c->ticket = request.ticket;
        c->state = CLIENT_WAITS;
        wait_for(c, LATER_MS);
        return;
    }
    if (reply.status == 303)
        stats_notice_keep(&s->notices, &request, &reply);
    send_reply(c, &reply);
}

/* The whole request is there. */
static void
take_request(struct stats_client *c, size_t head_len)
{
    const struct stats_reply ask = {.status = 401,
                                    .type = "text/plain; charset=utf-8"};

    c->request_len =
        head_len +
        (size_t)(c->head.content_length > 0 ? c->head.content_length : 0);
    c->unread = false;
    c->keeps = c->head.keep_alive && c->listen != NULL && has_successor(c) &&
               !c->all->leaving;
    switch (stats_auth_check(
        &c->all->auth, &c->login, c->conf, &c->addr,
        http_value(&c->head.fields, HTTP_HEADER_AUTHORIZATION), c->user)) {
    case STATS_LET_IN:
        answer(c, head_len);
        return;
    case STATS_ASK:
        buf_str(&c->out, STR("401 a user and a password are needed\n"));
        send_reply(c, &ask);
        return;
    case STATS_WAIT:
        refuse(c, 429, "too many wrong passwords: wait");
        return;
    case STATS_FAIL:
        refuse(c, 503, "the password cannot be compared now");
        return;
    case STATS_LATER:
        c->state = CLIENT_LOGS_IN;
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
    c->unread = true;
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

/* False: there is nothing more now, no room, or it has been closed. */
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

/* --- step by step --------------------------------------------------------- */

/* Whether there may be more to do now. Who leaves while others work for it is
 * noticed; what it sends ahead waits in its place. */
static bool
step(struct stats_client *c)
{
    switch (c->state) {
    case CLIENT_READS:
        return (c->input_len > 0 && parse_request(c)) || read_more(c);
    case CLIENT_LOGS_IN:
    case CLIENT_WAITS:
        return read_more(c);
    case CLIENT_SENDS:
        return send_answer(c) && end_request(c);
    case CLIENT_LINGERS:
        c->input_len = 0;
        return read_more(c);
    }
    return false;
}

static void
run(struct stats_client *c)
{
    while (stream_is_open(&c->stream) && step(c)) {
    }
}

static void
on_ready(struct stream *stream)
{
    run(container_of(stream, struct stats_client, stream));
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
    c->state = CLIENT_READS;
    take_request(c, c->request_len - body_len);
    run(c);
}

void
stats_clients_answer(struct stats_clients *s, uint32_t ticket, struct str text)
{
    list_for_each(node, &s->all)
    {
        struct stats_client *c = container_of(node, struct stats_client, link);
        struct stats_reply reply = {.status = 200};
        struct stats_request request;

        if (c->state != CLIENT_WAITS || c->ticket != ticket ||
            !stream_is_open(&c->stream))
            continue;
        request = request_of(c, c->request_len, "");
        stats_answer_later(&c->out, &reply, &s->source, &request, text);
        stats_notice_keep(&s->notices, &request, &reply);
        send_reply(c, &reply);
        run(c);
        return;
    }
}

/* --- life ----------------------------------------------------------------- */

bool
stats_clients_have_room(const struct stats_clients *s)
{
    return s->count < STATS_CLIENTS_MAX;
}

static void
init_client(struct stats_client *c, struct stats_clients *s,
            const struct stats_arrival *arrival)
{
    c->all = s;
    c->config = config_ref(arrival->config);
    c->conf = arrival->conf;
    c->listen = arrival->listen;
    c->addr = *arrival->addr;
    (void)snprintf(c->base, sizeof(c->base), STR_FMT, STR_ARG(arrival->base));
    memcpy(c->input, arrival->request.p, arrival->request.len);
    c->input_len = arrival->request.len;
    timer_init(&c->timer, on_timer);
    deferred_init(&c->end, on_end);
    stats_login_init(&c->login, on_turn);
    buf_init_growing(&c->out, ANSWER_MAX);
    list_init(&c->link);
    list_add_tail(&s->all, &c->link);
    s->count++;
}

void
stats_clients_add(struct stats_clients *s, const struct stats_arrival *arrival)
{
    bool fits =
        arrival->base.len <= BASE_MAX && arrival->request.len <= INPUT_MAX;
    struct stats_client *c = fits ? calloc(1, sizeof(*c)) : NULL;

    if (!fits)
        errno = E2BIG;
    if (c == NULL ||
        stream_open(&c->stream, s->loop, arrival->fd, on_ready) < 0) {
        log_warn("cannot serve a client of stats " STR_FMT ": %s",
                 STR_ARG(arrival->conf->name), strerror(errno));
        close(arrival->fd);
        free(c);
        return;
    }
    init_client(c, s, arrival);
    wait_for(c, HEAD_MS);
    run(c);
}

void
stats_clients_follow(struct stats_clients *s, const struct config *config)
{
    const struct config *before = s->config;

    s->config = config_ref(config);
    list_for_each(node, &s->all)
    {
        struct stats_client *c = container_of(node, struct stats_client, link);

        if (c->state == CLIENT_READS && c->input_len == 0 && !follow(c))
            close_client(c);
    }
    config_unref(before);
}

void
stats_clients_leave(struct stats_clients *s)
{
    s->leaving = true;
    list_for_each(node, &s->all)
    {
        struct stats_client *c = container_of(node, struct stats_client, link);

        if (c->state == CLIENT_READS && c->input_len == 0)
            close_client(c);
    }
}

int
stats_clients_init(struct stats_clients *s, struct loop *loop,
                   const struct config *config,
                   const struct stats_source *source)
{
    *s = (struct stats_clients){
        .loop = loop,
        .source = *source,
        .config = config_ref(config),
        .last_ticket = STATS_TICKET,
    };
    list_init(&s->all);
    return stats_auth_init(&s->auth, loop);
}

void
stats_clients_fini(struct stats_clients *s)
{
    list_for_each_safe(node, &s->all)
    {
        struct stats_client *c = container_of(node, struct stats_client, link);

        stream_close(&c->stream);
        timer_stop(&c->timer);
        free_client(c);
    }
    stats_auth_fini(&s->auth);
    config_unref(s->config);
    s->config = NULL;
}
