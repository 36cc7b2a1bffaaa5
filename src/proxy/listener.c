/* SPDX-License-Identifier: MIT */
#include "proxy/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "board/board.h"
#include "board/slots.h"
#include "board/usage.h"
#include "net/tls.h"
#include "proxy/engine.h"
#include "proxy/http_section.h"
#include "proxy/section.h"

void
listener_init(struct listener *listener, struct runtime *runtime,
              const struct listen_conf *conf, const struct addr *addr)
{
    *listener = (struct listener){
        .runtime = runtime,
        .conf = conf,
        .addr = *addr,
        .fd = -1,
    };
    map_init(&listener->names);
}

void
listener_fini(struct listener *listener)
{
    if (listener->fd >= 0) {
        acceptor_stop(&listener->acceptor);
        close(listener->fd);
        listener->fd = -1;
    }
    map_fini(&listener->names);
    tls_server_unref(listener->tls);
    free(listener->sections);
}

/* "*.example" is kept as ".example".  Two sections with one name behind one
 * listener: the first has it, as in nginx. */
static int
add_names(struct listener *listener, struct section *section)
{
    const struct http_conf *http = section->conf->http;

    for (size_t i = 0; http != NULL && i < http->server_name_count; i++) {
        struct str name = http->server_names[i];

        if (name.len > 1 && name.p[0] == '*')
            name = str_make(name.p + 1, name.len - 1);
        if (map_put(&listener->names, name, section) < 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

int
listener_add(struct listener *listener, struct section *section,
             bool default_server)
{
    size_t size = (listener->section_count + 1) * sizeof(section);
    struct section **sections = realloc(listener->sections, size);

    if (sections == NULL)
        return -1;
    sections[listener->section_count++] = section;
    listener->sections = sections;
    if (default_server || listener->fallback == NULL)
        listener->fallback = section;
    return add_names(listener, section);
}

struct http_section *
listener_find_http(const struct listener *listener, struct str host)
{
    struct section *section = map_get(&listener->names, host);

    for (size_t i = 0; section == NULL && i < host.len; i++) {
        if (host.p[i] == '.')
            section =
                map_get(&listener->names, str_make(host.p + i, host.len - i));
    }
    if (section == NULL)
        section = listener->fallback;
    return http_section_of(section);
}

static bool
take_section(struct listener *l, uint32_t most)
{
    struct engine *engine = l->engine;

    return slot_take(engine->board, engine->worker,
                     board_section_slot(engine->board, l->fallback->row), most);
}

/* Room in the whole program, and in a section whose clients wait for it, is
 * taken before a connection is accepted, so that no limit is ever passed. */
static bool
admit(struct acceptor *acceptor)
{
    struct listener *l = container_of(acceptor, struct listener, acceptor);
    struct engine *engine = l->engine;

    if (!slot_take(engine->board, engine->worker, board_global_slot(),
                   l->max_connections))
        return false;
    if (l->answers_full || take_section(l, l->fallback->conf->max_connections))
        return true;
    slot_give(engine->board, engine->worker, board_global_slot());
    return false;
}

void
listener_dismiss(struct listener *l)
{
    struct engine *engine = l->engine;

    slot_give(engine->board, engine->worker,
              board_section_slot(engine->board, l->fallback->row));
    slot_give(engine->board, engine->worker, board_global_slot());
}

static void
dismiss(struct acceptor *acceptor)
{
    struct listener *l = container_of(acceptor, struct listener, acceptor);

    if (l->answers_full)
        slot_give(l->engine->board, l->engine->worker, board_global_slot());
    else
        listener_dismiss(l);
}

/* It is taken for a client who is there: nobody is told that a section is full
 * because of a place that another worker has taken for one who might come. Who
 * is told so counts, too, until it is gone. */
static void
find_place(struct listener *l)
{
    l->full = !take_section(l, l->fallback->conf->max_connections);
    if (l->full)
        (void)take_section(l, 0);
}

static void
on_client(struct acceptor *acceptor, int fd, const struct addr *client)
{
    struct listener *l = container_of(acceptor, struct listener, acceptor);
    struct section_client direct = {.fd = fd, .addr = client};
    const struct board *board = l->engine->board;

    usage_note_connections(board->usage,
                           slot_count(board, board_global_slot()));
    if (l->answers_full)
        find_place(l);
    if (l->greet != NULL) {
        l->greet(l, fd, client);
        return;
    }
    if (l->full)
        section_client_full(&direct);
    l->fallback->on_client(l, &direct);
}

int
listener_start(struct listener *listener, struct engine *engine,
               uint32_t max_connections, int fd)
{
    listener->engine = engine;
    listener->max_connections = max_connections;
    listener->fd = fd;
    listener->acceptor.on_client = on_client;
    listener->acceptor.admit = admit;
    listener->acceptor.dismiss = dismiss;
    listener->acceptor.probes = listener->fallback->conf->limits.tcp_keepalive;
    return acceptor_start(&listener->acceptor, engine->loop, fd);
}

void
listener_pause(struct listener *listener)
{
    if (listener->fd >= 0)
        acceptor_stop(&listener->acceptor);
}

void
listener_yield(struct listener *listener)
{
    listener_pause(listener);
    listener->fd = -1;
}

void
listener_move(const struct listener *from, const struct listener *to)
{
    struct engine *engine = to->engine;
    struct board *board = engine->board;
    int before = from->fallback->row;
    int now = to->fallback->row;
    bool taken;

    if (before == now)
        return;
    taken = slot_take(board, engine->worker, board_section_slot(board, now), 0);
    (void)taken; /* without a limit it always is */
    slot_give(board, engine->worker, board_section_slot(board, before));
}
