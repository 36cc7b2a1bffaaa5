/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_visible.h"

#include <stdlib.h>

#include "base/log.h"
#include "proxy/engine.h"
#include "proxy/pool.h"
#include "proxy/section.h"
#include "proxy/tcp_session.h"
#include "proxy/upstream.h"

/* Of two such commands before the first is answered. */
static const char TWICE[] = "the user or the schema is changed twice at once";

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

/* The server has agreed to the login. */
static void
log_in(struct mysql_visible *v)
{
    v->logged_in = true;
    settle(v, true);
    if ((v->follow.capabilities & (MYSQL_CAN_COMPRESS | MYSQL_CAN_ZSTD)) != 0)
        go_blind(v, "it is compressed");
}

/* --- commands ------------------------------------------------------------- */

/* Of a query, its text: where there may be parameters before it, and are none,
 * two bytes say so. */
static size_t
text_offset(const struct mysql_visible *v, const uint8_t *head, size_t n)
{
    if ((v->follow.capabilities & MYSQL_CAN_QUERY_ATTRIBUTES) == 0)
        return 1;
    return n >= 3 && head[1] == 0 && head[2] == 1 ? 3 : 1;
}

static void
begin_query(struct mysql_visible *v, const uint8_t *head, size_t n)
{
    size_t at = text_offset(v, head, n);

    mysql_words_begin(&v->words, v->several);
    mysql_words_add(&v->words, head + at, n - at);
}

/* What it is of itself. */
static void
note_command(struct mysql_visible *v, const uint8_t *head, size_t n)
{
    switch (head[0]) {
    case MYSQL_COM_QUERY:
        begin_query(v, head, n);
        break;
    case MYSQL_COM_EXECUTE:
    case MYSQL_COM_BULK:
        break;
    case MYSQL_COM_SET_OPTION: /* 0: several statements in a query */
        v->several = n > 1 && head[1] == 0;
        v->bound = true;
        return;
    case MYSQL_COM_PREPARE:
    case MYSQL_COM_INIT_DB:
        v->bound = true;
        return;
    default:
        return;
    }
    v->queries++;
    mysql_ledger_add(v->ledger.queries);
}

static void
on_command(struct mysql_visible *v)
{
    const struct mysql_framer *up = &v->follow.up;

    v->command = up->head[0];
    note_command(v, up->head, up->head_len);
    if (mysql_place_begin(&v->place, up->head, up->head_len) < 0)
        go_blind(v, TWICE);
    else
        mysql_place_add(&v->place, up->head, up->head_len);
}

static void
on_text(struct mysql_visible *v, const uint8_t *p, size_t n)
{
    mysql_place_add(&v->place, p, n);
    if (v->command == MYSQL_COM_QUERY)
        mysql_words_add(&v->words, p, n);
}

/* The words of a query may say that it changes the schema, though it does not
 * begin with that. */
static void
end_query(struct mysql_visible *v)
{
    mysql_words_end(&v->words);
    v->bound |= v->words.bound;
    if (v->words.uses)
        mysql_place_used(&v->place);
}

static void
on_command_end(struct mysql_visible *v)
{
    bool waited = v->place.wait != MYSQL_PLACE_NOTHING;

    if (mysql_place_end(&v->place) < 0)
        go_blind(v, "a change of user cannot be read");
    if (v->command == MYSQL_COM_QUERY)
        end_query(v);
    if (!waited)
        v->place_number = v->follow.begun - 1;
    else if (v->command == MYSQL_COM_QUERY && v->words.uses)
        go_blind(v, TWICE);
}

/* --- answers -------------------------------------------------------------- */

/* A Galera node that does not serve says so to every statement; to a command
 * that is new, or none, each server does. */
static bool
is_failure(const struct mysql_follow_result *r)
{
    return r->error == MYSQL_NOT_PREPARED &&
           (r->command == MYSQL_COM_QUERY || r->command == MYSQL_COM_INIT_DB ||
            r->command == MYSQL_COM_PREPARE || r->command == MYSQL_COM_EXECUTE);
}

static void
on_error(struct mysql_visible *v, const struct mysql_follow_result *r)
{
    struct tcp_session *s = v->session;

    v->errors++;
    v->error = r->error;
    mysql_ledger_error(&v->ledger, s->flow.user, s->flow.schema, r->error);
    if (is_failure(r) && s->server != NULL)
        upstream_observe(s->server->server);
}

/* An error has no status: what it did to a transaction the next answer says. */
static void
note_status(struct mysql_visible *v, uint16_t status)
{
    bool open = (status & MYSQL_IN_TRANSACTION) != 0;

    if (v->in_transaction && !open) {
        v->transactions++;
        mysql_ledger_add(v->ledger.transactions);
    }
    v->in_transaction = open;
}

/* The result is one of the command that changes user or schema. */
static void
note_place(struct mysql_visible *v, const struct mysql_follow_result *r)
{
    bool anew = v->place.wait == MYSQL_PLACE_USER;

    if (mysql_place_answered(&v->place, r->error == 0))
        settle(v, anew);
}

/* What the session had is gone, unless a command is behind this one. */
static bool
is_fresh(const struct mysql_visible *v, const struct mysql_follow_result *r)
{
    return r->error == 0 && v->follow.begun == v->follow.answered &&
           (r->command == MYSQL_COM_RESET ||
            r->command == MYSQL_COM_CHANGE_USER);
}

static void
on_result(struct mysql_visible *v)
{
    const struct mysql_follow_result *r = &v->follow.result;
    uint32_t number = v->follow.answered - (r->last ? 1 : 0);

    if (!v->logged_in) {
        if (r->error == 0)
            log_in(v);
        return;
    }
    if (r->error != 0)
        on_error(v, r);
    if (r->told)
        note_status(v, r->status);
    if (r->command != 0 && v->place.wait != MYSQL_PLACE_NOTHING &&
        v->place_number == number)
        note_place(v, r);
    if (is_fresh(v, r))
        v->bound = v->words.bound = false;
}

/* --- the outside ---------------------------------------------------------- */

struct mysql_visible *
mysql_visible_new(struct tcp_session *s, const struct mysql_visible_conf *conf)
{
    struct mysql_visible *v = calloc(1, sizeof(*v));

    if (v == NULL)
        return NULL;
    v->session = s;
    v->several = (conf->capabilities & MYSQL_CAN_MULTI_STATEMENTS) != 0;
    open_ledger(&v->ledger, s);
    mysql_place_init(&v->place, s->flow.user, s->flow.schema, conf->change_can);
    mysql_follow_init(&v->follow, conf->capabilities, conf->mariadb,
                      conf->logging_in);
    s->visible = v;
    if (!conf->logging_in)
        log_in(v);
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
    enum mysql_follow_event event = MYSQL_FOLLOW_OTHER;
    size_t at = 0, used;

    while (!v->blind && event != MYSQL_FOLLOW_MORE) {
        bool text = v->follow.in_command;

        event = mysql_follow_sent(&v->follow, p + at, n - at, &used);
        if (text)
            on_text(v, p + at, used);
        at += used;
        if (event == MYSQL_FOLLOW_COMMAND)
            on_command(v);
        else if (event == MYSQL_FOLLOW_COMMAND_END)
            on_command_end(v);
        else if (event == MYSQL_FOLLOW_LOST)
            go_blind(v, "what the client sent is not known here");
    }
    v->busy = !v->blind && mysql_follow_is_busy(&v->follow);
}

void
mysql_visible_said(struct mysql_visible *v, uint8_t *p, size_t n)
{
    enum mysql_follow_event event = MYSQL_FOLLOW_OTHER;
    size_t at = 0, used;

    while (!v->blind && event != MYSQL_FOLLOW_MORE) {
        event = mysql_follow_said(&v->follow, p + at, n - at, &used);
        at += used;
        if (event == MYSQL_FOLLOW_RESULT)
            on_result(v);
        else if (event == MYSQL_FOLLOW_LOST)
            go_blind(v, "what the server said is not known here");
    }
    v->busy = !v->blind && mysql_follow_is_busy(&v->follow);
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
