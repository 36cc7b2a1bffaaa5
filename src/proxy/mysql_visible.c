/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_visible.h"

#include <stdlib.h>

#include "base/log.h"
#include "proxy/engine.h"
#include "proxy/section.h"
#include "proxy/tcp_session.h"

/* --- what is told --------------------------------------------------------- */

static void
open_ledger(struct mysql_ledger *l, const struct tcp_session *s)
{
    struct engine *engine = s->dial.engine;

    mysql_ledger_init(l, &engine->mysql_families, engine->board, engine->worker,
                      s->section->conf->name);
}

void
mysql_visible_never(struct tcp_session *s, const char *why)
{
    struct mysql_ledger ledger;

    log_debug("a session is blind: %s section=" STR_FMT, why,
              STR_ARG(s->section->conf->name));
    open_ledger(&ledger, s);
    mysql_ledger_blind(&ledger);
}

/* Nothing is said of it from here on that might be wrong. */
static void
go_blind(struct mysql_visible *v, const char *why)
{
    if (v->blind)
        return;
    v->blind = true;
    v->busy = v->in_transaction = v->bound = false;
    mysql_visible_never(v->session, why);
}

/* The names that the server has agreed to are the session's. */
static void
settle(struct mysql_visible *v, bool anew)
{
    struct flow *flow = &v->session->flow;

    flow->user = v->place.user;
    flow->schema = v->place.schema;
    mysql_ledger_enter(&v->ledger, flow->user, flow->schema, anew);
}

/* --- the outside ---------------------------------------------------------- */

struct mysql_visible *
mysql_visible_new(struct tcp_session *s, const struct mysql_visible_conf *conf)
{
    struct mysql_visible *v = calloc(1, sizeof(*v));

    if (v == NULL)
        return NULL;
    v->session = s;
    open_ledger(&v->ledger, s);
    mysql_place_init(&v->place, s->flow.user, s->flow.schema, conf->change_can);
    if (!conf->logging_in)
        settle(v, true);
    s->visible = v;
    return v;
}

void
mysql_visible_free(struct mysql_visible *v)
{
    if (v == NULL)
        return;
    mysql_ledger_leave(&v->ledger);
    v->session->visible = NULL;
    free(v);
}

void
mysql_visible_sent(struct mysql_visible *v, uint8_t *p, size_t n)
{
    (void)v;
    (void)p;
    (void)n;
    (void)go_blind;
}

void
mysql_visible_said(struct mysql_visible *v, uint8_t *p, size_t n)
{
    (void)v;
    (void)p;
    (void)n;
}

struct mysql_count
mysql_visible_count(const struct mysql_visible *v)
{
    if (v == NULL || v->blind || !v->logged_in)
        return (struct mysql_count){.known = false};
    return (struct mysql_count){
        .known = true,
        .queries = v->queries,
        .transactions = v->transactions,
        .errors = v->errors,
        .error = v->error,
    };
}

bool
mysql_visible_is_loose(const struct mysql_visible *v)
{
    return v->logged_in && !v->blind && !v->busy && !v->in_transaction &&
           !v->bound;
}
