/* SPDX-License-Identifier: MIT */
#include "proxy/http_dispatch.h"

#include "base/log.h"
#include "proxy/fastcgi_client.h"
#include "proxy/http_answer.h"
#include "proxy/http_exchange.h"
#include "proxy/http_section.h"
#include "proxy/http_stats.h"
#include "proxy/static.h"
#include "proxy/upstream.h"
#include "proxy/variable.h"

static void
take_route_of_hook(struct http_exchange *exchange,
                   const struct hook_verdict *verdict)
{
    flow_route(&exchange->flow, verdict->upstream, verdict->server);
    exchange->routed_by_hook = true;
}

/* A script that was to deny must not let through when it is broken. */
static void
on_hook_failed(struct http_exchange *exchange)
{
    if (exchange->section->section.conf->script_failure == SCRIPT_FAILURE_DENY)
        exchange_fail(exchange, 500, "PR");
}

/* Does what the hooks have decided. */
static void
follow_hooks(struct http_exchange *exchange, enum hook_result result,
             const struct hook_verdict *verdict)
{
    exchange->flow.priority = verdict->priority;
    switch (result) {
    case HOOK_PASS:
    case HOOK_WAIT:
        return;
    case HOOK_ROUTE:
        take_route_of_hook(exchange, verdict);
        return;
    case HOOK_REPLY:
        exchange->term[0] = 'L';
        exchange->term[1] = 'R';
        exchange_reply_verdict(exchange, verdict);
        return;
    case HOOK_DENY:
        log_info("request denied by a script: " STR_FMT " section=" STR_FMT,
                 STR_ARG(verdict->reason), STR_ARG(exchange->flow.section));
        exchange_fail(exchange, 403, "PR");
        return;
    case HOOK_FAILED:
        on_hook_failed(exchange);
        return;
    case HOOK_LATE:
        exchange_fail(exchange, 504, "sR");
        return;
    }
}

/* false: a hook waits. */
static bool
ask_hooks(struct http_exchange *exchange)
{
    const struct section_hooks *hooks = exchange->hooks;
    struct hook_verdict verdict = {0};
    enum hook_result result;

    exchange->state = EXCHANGE_ROUTE;
    if (hooks->request == NULL)
        return true;
    result = hooks->request(hooks->arg, exchange, &verdict);
    if (result == HOOK_WAIT) {
        exchange->state = EXCHANGE_HOOK;
        return false;
    }
    follow_hooks(exchange, result, &verdict);
    return true;
}

/* What the route says of limits, over what the section and upstream say. */
static void
take_limits(struct http_exchange *exchange)
{
    const struct route_conf *route =
        exchange->route == NULL ? NULL : exchange->route->conf;

    limits_merge(&exchange->limits, exchange->section->section.conf,
                 exchange->flow.upstream->conf);
    if (route == NULL)
        return;
    exchange->max_body_bytes = route->max_body_bytes;
    if (route->server_timeout_ms != 0)
        exchange->limits.server_timeout_ms = route->server_timeout_ms;
}

static void
go_upstream(struct http_exchange *exchange)
{
    take_limits(exchange);
    if (exchange_is_too_large(exchange)) {
        exchange_fail(exchange, 413, "PR");
        return;
    }
    if (!fastcgi_prepare(exchange))
        return;
    exchange->state = exchange_wants_body(exchange) && !exchange->body_whole
                          ? EXCHANGE_BODY
                          : EXCHANGE_START;
}

static void
go_redirect(struct http_exchange *exchange)
{
    const struct route_conf *conf = exchange->route->conf;

    exchange_redirect(exchange, (int)conf->redirect_code,
                      variable_field(conf->redirect_url, exchange));
}

static void
go_static(struct http_exchange *exchange)
{
    exchange->state = EXCHANGE_ANSWER;
    static_serve(exchange);
}

static void
go_to_target(struct http_exchange *exchange)
{
    enum route_target target = exchange->route == NULL
                                   ? ROUTE_TO_STATIC
                                   : exchange->route->conf->target;

    switch (target) {
    case ROUTE_TO_STATIC:
        go_static(exchange);
        return;
    case ROUTE_TO_INTERNAL:
        if (exchange->reroutes > 0)
            go_static(exchange);
        else
            exchange_fail(exchange, 404, NULL);
        return;
    case ROUTE_TO_DENY:
        exchange_fail(exchange, 403, "PR");
        return;
    case ROUTE_TO_REDIRECT:
        go_redirect(exchange);
        return;
    case ROUTE_TO_UPSTREAM:
        flow_route(&exchange->flow, exchange->route->upstream, NULL);
        go_upstream(exchange);
        return;
    case ROUTE_TO_STATS:
        http_stats_prepare(exchange);
        return;
    }
}

static void
start_handler(struct http_exchange *exchange)
{
    exchange->state = EXCHANGE_ANSWER;
    if (!exchange->routed_by_hook &&
        exchange->route->conf->target == ROUTE_TO_STATS)
        http_stats_start(exchange);
    else
        fastcgi_start(exchange);
}

static void
find_route(struct http_exchange *exchange)
{
    exchange->state = EXCHANGE_ANSWER;
    if (exchange_is_hidden(exchange->path)) {
        exchange_fail(exchange, 404, NULL);
        return;
    }
    exchange->root = (struct str){0};
    exchange->route = http_routes_find(
        &exchange->section->routes, exchange->path, exchange->groups,
        EXCHANGE_GROUPS_MAX, &exchange->group_count);
    if (exchange->group_count < 0)
        exchange_fail(exchange, 500, "PR");
    else if (exchange->routed_by_hook)
        go_upstream(exchange);
    else
        go_to_target(exchange);
}

bool
http_dispatch(struct http_exchange *exchange)
{
    switch (exchange->state) {
    case EXCHANGE_NEW:
    case EXCHANGE_HOOK:
        return ask_hooks(exchange);
    case EXCHANGE_ROUTE:
        find_route(exchange);
        return true;
    case EXCHANGE_START:
        start_handler(exchange);
        return true;
    case EXCHANGE_BODY:
    case EXCHANGE_ANSWER:
    case EXCHANGE_FINISHED:
        return false;
    }
    return false;
}
