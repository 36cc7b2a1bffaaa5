/* SPDX-License-Identifier: MIT */
#include "app/stats_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/message.h"
#include "base/log.h"
#include "config/model.h"

/* --- listeners ------------------------------------------------------------ */

static bool
admit(struct acceptor *acceptor)
{
    const struct stats_listener *l =
        container_of(acceptor, struct stats_listener, acceptor);

    return stats_clients_have_room(&l->server->clients);
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
    const struct stats_arrival arrival = {
        .fd = fd,
        .config = l->server->clients.config,
        .conf = l->conf,
        .listen = l->listen,
        .addr = addr,
        .base = STR(""),
        .request = STR(""),
    };

    stats_clients_add(&l->server->clients, &arrival);
}

static size_t
count_listens(const struct config *config)
{
    size_t count = 0;

    for (size_t i = 0; i < config->stats_count; i++)
        count += config->stats[i].listen_count;
    return count;
}

static void
add_listener(struct stats_server *s, struct stats_listeners *to,
             const struct stats_conf *conf, const struct listen_conf *listen,
             int fd)
{
    to->all[to->count++] = (struct stats_listener){
        .acceptor = {.on_client = on_client,
                     .admit = admit,
                     .dismiss = dismiss},
        .server = s,
        .conf = conf,
        .listen = listen,
        .fd = fd,
    };
}

/* None of them accepts yet. */
static int
make_listeners(struct stats_listeners *out, struct stats_server *s,
               const struct config *config, const int *fds)
{
    *out = (struct stats_listeners){
        .all = calloc(count_listens(config) + 1, sizeof(*out->all)),
    };
    if (out->all == NULL)
        return -1;
    for (size_t i = 0; i < config->stats_count; i++) {
        const struct stats_conf *conf = &config->stats[i];

        for (size_t k = 0; k < conf->listen_count; k++)
            add_listener(s, out, conf, &conf->listens[k], *fds++);
    }
    return 0;
}

static int
open_listeners(struct stats_listeners *listeners, struct loop *loop)
{
    int result = 0;

    for (size_t i = 0; i < listeners->count; i++) {
        struct stats_listener *l = &listeners->all[i];

        if (l->fd >= 0 && acceptor_start(&l->acceptor, loop, l->fd) < 0)
            result = -1;
    }
    return result;
}

static void
pause_listeners(struct stats_listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->all[i].acceptor.loop != NULL)
            acceptor_stop(&listeners->all[i].acceptor);
    }
}

static void
close_listeners(struct stats_listeners *listeners)
{
    pause_listeners(listeners);
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->all[i].fd >= 0)
            close(listeners->all[i].fd);
    }
    free(listeners->all);
    *listeners = (struct stats_listeners){.count = 0};
}

/* --- clients of workers --------------------------------------------------- */

/* Takes what is before the next END off *REST. */
static struct str
take_word(struct str *rest, char end)
{
    ptrdiff_t at = str_find_char(*rest, end, 0);
    struct str word = str_slice(*rest, 0, at < 0 ? rest->len : (size_t)at);

    *rest = str_slice(*rest, word.len + (at < 0 ? 0 : 1), rest->len);
    return word;
}

/* An answer that needs no client: it fits into any socket. */
static void
turn_away(int fd, const char *why)
{
    static const char busy[] = "Status: 503\r\nContent-Length: 0\r\n\r\n";

    log_warn("a request to the statistics is refused: %s", why);
    (void)send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

/* Clients of a Unix socket have no address to tell them by. */
static int
read_client(struct addr *addr, struct str word)
{
    char text[ADDR_TEXT_MAX];

    if (str_equal(word, STR("unix:"))) {
        *addr = (struct addr){.len = sizeof(sa_family_t)};
        addr->sa.sa_family = AF_UNIX;
        return 0;
    }
    if (word.len >= sizeof(text))
        return -1;
    memcpy(text, word.p, word.len);
    text[word.len] = '\0';
    return addr_parse(addr, text, NULL);
}

/* A worker may be a moment ahead with a configuration that all have agreed
 * to. */
static void
take_client(struct stats_server *s, const struct message *m)
{
    struct stats_arrival arrival = {.fd = m->fd, .config = s->clients.config};
    struct str rest = m->text;
    struct str name = take_word(&rest, ' ');
    struct addr addr;

    arrival.base = take_word(&rest, ' ');
    arrival.addr = &addr;
    if (read_client(&addr, take_word(&rest, '\n')) < 0) {
        turn_away(m->fd, "it has no client");
        return;
    }
    arrival.request = rest;
    arrival.conf = config_find_stats(arrival.config, name);
    if (arrival.conf == NULL && s->next != NULL) {
        arrival.config = s->next;
        arrival.conf = config_find_stats(s->next, name);
    }
    if (arrival.conf == NULL)
        turn_away(m->fd, "its section is not served here");
    else if (!stats_clients_have_room(&s->clients))
        turn_away(m->fd, "there are too many clients");
    else
        stats_clients_add(&s->clients, &arrival);
}

static void
on_link(struct watch *watch)
{
    struct stats_server *s = container_of(watch, struct stats_server, link);
    struct message m;

    switch (message_receive(&m, watch_fd(watch))) {
    case MESSAGE_NONE:
        return;
    case MESSAGE_CLOSED:
        watch_stop(watch);
        s->linked = false;
        return;
    case MESSAGE_GOT:
        break;
    }
    if (m.fd >= 0)
        take_client(s, &m);
}

/* --- another configuration ------------------------------------------------ */

void
stats_server_offer(struct stats_server *s, const struct message *m)
{
    fd_places_take(&s->offered, m);
}

int
stats_server_stage(struct stats_server *s, const struct config *config,
                   struct buf *why)
{
    if (!fd_places_are_whole(&s->offered, count_listens(config))) {
        buf_str(why, STR("the sockets of [stats] have not come\n"));
        return -1;
    }
    if (make_listeners(&s->staged, s, config, s->offered.fds) < 0) {
        buf_str(why, STR("there is no memory for its statistics\n"));
        return -1;
    }
    fd_places_forget(&s->offered);
    s->next = config;
    return 0;
}

void
stats_server_drop(struct stats_server *s)
{
    fd_places_close(&s->offered);
    close_listeners(&s->staged);
    s->next = NULL;
}

/* The sockets that stay are the same ones by other descriptors: who waits there
 * is told of at once. */
void
stats_server_commit(struct stats_server *s)
{
    if (s->next == NULL)
        return;
    close_listeners(&s->listeners);
    s->listeners = s->staged;
    s->staged = (struct stats_listeners){.count = 0};
    stats_clients_follow(&s->clients, s->next);
    s->next = NULL;
    if (!s->clients.leaving &&
        open_listeners(&s->listeners, s->clients.loop) < 0)
        log_error("cannot serve the statistics at all addresses: %s",
                  strerror(errno));
}

/* --- life ----------------------------------------------------------------- */

int
stats_server_start(struct stats_server *s, struct loop *loop,
                   const struct config *config, const int *fds, int link,
                   const struct stats_source *source)
{
    *s = (struct stats_server){.next = NULL};
    if (stats_clients_init(&s->clients, loop, config, source) < 0 ||
        make_listeners(&s->listeners, s, config, fds) < 0 ||
        open_listeners(&s->listeners, loop) < 0)
        return -1;
    if (link < 0)
        return 0;
    if (watch_start(&s->link, loop, link, on_link) < 0)
        return -1;
    s->linked = true;
    return 0;
}

void
stats_server_answer(struct stats_server *s, uint32_t ticket, struct str text)
{
    stats_clients_answer(&s->clients, ticket, text);
}

void
stats_server_leave(struct stats_server *s)
{
    pause_listeners(&s->listeners);
    stats_clients_leave(&s->clients);
}

void
stats_server_stop(struct stats_server *s)
{
    if (s->linked)
        watch_stop(&s->link);
    stats_server_drop(s);
    close_listeners(&s->listeners);
    stats_clients_fini(&s->clients);
}
