/* SPDX-License-Identifier: MIT */
#include "app/control_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/control_command.h"
#include "base/buf.h"
#include "base/log.h"
#include "net/stream.h"

enum {
    CLIENTS_MAX = 64,   /* more take the place of who says nothing, or wait
                           in the backlog */
    COMMAND_MAX = 1024, /* bytes of a command with its newline */
    IDLE_MS = 30000,    /* a client that does nothing is closed */
    LATER_MS = CONTROL_LATER_SECONDS * 1000, /* or one without its answer */
    ANSWER_MAX = 64 << 20,                   /* bytes */
    WHO_MAX = 64, /* bytes of a client's user and process */
};

struct client {
    struct list link;
    struct control_server *server;
    struct stream stream;
    struct timer idle;
    struct deferred end; /* frees it */
    char command[COMMAND_MAX];
    size_t command_len;
    bool answering;  /* there is a command; what is left to send is sent */
    uint32_t ticket; /* the answer comes later, under this; 0: it is here */
    struct buf answer;
    size_t sent;
    struct control_rest rest; /* what comes behind that */
};

/* Closes it, for somebody else; its memory goes at the end of the turn. */
static void
close_client(struct client *c)
{
    c->server->client_count--;
    stream_close(&c->stream);
    timer_stop(&c->idle);
    loop_defer(c->server->loop, &c->end);
}

static void
free_client(struct client *c)
{
    list_remove(&c->link);
    buf_fini(&c->answer);
    free(c);
}

static void
on_end(struct deferred *deferred)
{
    free_client(container_of(deferred, struct client, end));
}

static void
on_idle(struct timer *timer)
{
    close_client(container_of(timer, struct client, idle));
}

/* The next part of a long answer: the one before has been sent. */
static void
render_more(struct client *c)
{
    buf_reset(&c->answer);
    c->sent = 0;
    control_command_more(&c->answer, &c->rest, c->server->board);
}

/* Sends what the client takes; the end closes the connection. Behind a part of
 * a long answer others have their turn. */
static void
send_answer(struct client *c)
{
    if (c->sent == c->answer.len && c->rest.part != NULL)
        render_more(c);
    while (c->sent < c->answer.len && c->stream.writable) {
        ssize_t n = stream_write(&c->stream, c->answer.p + c->sent,
                                 c->answer.len - c->sent);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            close_client(c);
            return;
        }
        c->sent += (size_t)n;
    }
    if (c->sent < c->answer.len)
        return;
    if (c->answer.failed || c->rest.part == NULL ||
        stream_yield(&c->stream) < 0)
        close_client(c);
}

/* "uid=0 pid=4242": who is at the other end. */
static const char *
format_peer(char *text, size_t size, int fd)
{
    struct ucred peer = {.pid = 0};
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return "unknown";
    (void)snprintf(text, size, "uid=%ju pid=%jd", (uintmax_t)peer.uid,
                   (intmax_t)peer.pid);
    return text;
}

/* The answer so far is what the master is asked. */
static void
ask_for(struct client *c)
{
    struct control_server *s = c->server;

    s->last_ticket += s->last_ticket == UINT32_MAX ? 2 : 1;
    c->ticket = s->last_ticket;
    if (s->ask(s->ask_arg, c->ticket, buf_text(&c->answer)) == 0) {
        buf_reset(&c->answer);
        return;
    }
    c->ticket = 0;
    buf_reset(&c->answer);
    buf_printf(&c->answer, "error the master cannot be asked: %s\n",
               strerror(errno));
}

static void
answer(struct client *c, struct str command)
{
    char who[WHO_MAX];
    bool later;

    c->answering = true;
    later = control_command_run(&c->answer, &c->rest, c->server->board, command,
                                format_peer(who, sizeof(who), c->stream.fd));
    if (c->answer.failed) {
        c->rest.part = NULL;
        buf_reset(&c->answer);
        buf_str(&c->answer, STR("error there is no memory for the answer\n"));
    } else if (later) {
        ask_for(c);
    }
}

/* Reads on until there is a line, or nothing more. */
static void
read_command(struct client *c)
{
    while (!c->answering && c->stream.readable) {
        char *end;
        ssize_t n = stream_read(&c->stream, c->command + c->command_len,
                                sizeof(c->command) - c->command_len);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            close_client(c);
            return;
        }
        c->command_len += (size_t)n;
        end = memchr(c->command, '\n', c->command_len);
        if (end != NULL)
            answer(c, str_make(c->command, (size_t)(end - c->command)));
        else if (c->command_len == sizeof(c->command))
            answer(c, str_make(c->command, c->command_len));
    }
}

static void
on_ready(struct stream *stream)
{
    struct client *c = container_of(stream, struct client, stream);

    if (!c->answering)
        read_command(c);
    if (!c->answering || !stream_is_open(stream))
        return;
    loop_start_timer(c->server->loop, &c->idle,
                     c->ticket == 0 ? IDLE_MS : LATER_MS);
    if (c->ticket == 0)
        send_answer(c);
}

/* The one that has come first and has asked for nothing yet: who says nothing
 * keeps nobody out. NULL: all have asked. */
static struct client *
find_silent(struct control_server *s)
{
    list_for_each(node, &s->clients)
    {
        struct client *c = container_of(node, struct client, link);

        if (!c->answering && stream_is_open(&c->stream))
            return c;
    }
    return NULL;
}

static bool
admit(struct acceptor *acceptor)
{
    struct control_server *s =
        container_of(acceptor, struct control_server, acceptor);

    return s->client_count < CLIENTS_MAX || find_silent(s) != NULL;
}

static void
dismiss(struct acceptor *acceptor)
{
    (void)acceptor; /* nothing was taken for the admission */
}

static void
on_client(struct acceptor *acceptor, int fd, const struct addr *addr)
{
    struct control_server *s =
        container_of(acceptor, struct control_server, acceptor);
    struct client *c = calloc(1, sizeof(*c));

    (void)addr;
    if (c == NULL || stream_open(&c->stream, s->loop, fd, on_ready) < 0) {
        log_warn("cannot serve a client of the control socket: %s",
                 strerror(errno));
        close(fd);
        free(c);
        return;
    }
    if (s->client_count >= CLIENTS_MAX)
        close_client(find_silent(s));
    c->server = s;
    timer_init(&c->idle, on_idle);
    deferred_init(&c->end, on_end);
    buf_init_growing(&c->answer, ANSWER_MAX);
    list_init(&c->link);
    list_add_tail(&s->clients, &c->link);
    s->client_count++;
    loop_start_timer(s->loop, &c->idle, IDLE_MS);
    on_ready(&c->stream);
}

static struct client *
find_client(struct control_server *s, uint32_t ticket)
{
    list_for_each(node, &s->clients)
    {
        struct client *c = container_of(node, struct client, link);

        if (c->ticket == ticket && stream_is_open(&c->stream))
            return c;
    }
    return NULL;
}

void
control_server_answer(struct control_server *s, uint32_t ticket,
                      struct str text)
{
    struct client *c = find_client(s, ticket);

    if (ticket == 0 || c == NULL)
        return;
    c->ticket = 0;
    buf_str(&c->answer, text);
    loop_start_timer(s->loop, &c->idle, IDLE_MS);
    send_answer(c);
}

int
control_server_start(struct control_server *s, struct loop *loop,
                     struct board *board, int fd, control_ask_fn ask,
                     void *ask_arg)
{
    *s = (struct control_server){
        .acceptor = {.on_client = on_client,
                     .admit = admit,
                     .dismiss = dismiss},
        .loop = loop,
        .board = board,
        .fd = fd,
        .ask = ask,
        .ask_arg = ask_arg,
    };
    list_init(&s->clients);
    return fd < 0 ? 0 : acceptor_start(&s->acceptor, loop, fd);
}

void
control_server_pause(struct control_server *s)
{
    if (s->fd >= 0)
        acceptor_stop(&s->acceptor);
}

bool
control_server_is_asked(const struct control_server *s)
{
    list_for_each(node, &s->clients)
    {
        const struct client *c = container_of(node, struct client, link);

        if (stream_is_open(&c->stream) && c->ticket == 0)
            return true;
    }
    return false;
}

/* After the loop has run: what was put off has been done. */
void
control_server_stop(struct control_server *s)
{
    if (s->fd >= 0)
        acceptor_stop(&s->acceptor);
    list_for_each_safe(node, &s->clients)
    {
        struct client *c = container_of(node, struct client, link);

        stream_close(&c->stream);
        timer_stop(&c->idle);
        free_client(c);
    }
}
