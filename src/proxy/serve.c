/* SPDX-License-Identifier: MIT */
#include "proxy/serve.h"

#include "proxy/arrival.h"
#include "proxy/engine.h"
#include "proxy/http_conn.h"
#include "proxy/listener.h"
#include "proxy/mysql_session.h"
#include "proxy/runtime.h"
#include "proxy/section.h"
#include "proxy/tcp.h"

static section_accept_fn
accept_fn_of(enum section_kind kind)
{
    switch (kind) {
    case SECTION_HTTP:
        return http_accept;
    case SECTION_TCP:
        return tcp_accept;
    case SECTION_MYSQL:
        return mysql_accept;
    }
    return tcp_accept;
}

int
serve_start(struct runtime *runtime, const int *fds)
{
    uint32_t most = runtime->engine->max_connections;

    for (size_t i = 0; i < runtime->section_count; i++) {
        struct section *section = runtime->sections[i];

        section->on_client = accept_fn_of(section->conf->kind);
    }
    for (size_t i = 0; i < runtime->listener_count; i++) {
        struct listener *listener = &runtime->listeners[i];

        if (listener->conf->accept_proxy)
            listener->greet = arrival_accept;
        listener->answers_full =
            listener->fallback->conf->kind == SECTION_MYSQL;
        if (fds[i] >= 0 &&
            listener_start(listener, runtime->engine, most, fds[i]) < 0)
            return -1;
    }
    return 0;
}

void
serve_pause(struct runtime *runtime)
{
    for (size_t i = 0; i < runtime->listener_count; i++)
        listener_pause(&runtime->listeners[i]);
}

void
serve_yield(struct runtime *runtime)
{
    for (size_t i = 0; i < runtime->listener_count; i++)
        listener_yield(&runtime->listeners[i]);
}
