/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "board/counters.h"
#include "board/seats.h"
#include "proxy/listener.h"
#include "proxy/mysql_auth.h"
#include "proxy/mysql_entry.h"
#include "proxy/mysql_front.h"
#include "proxy/mysql_passing.h"
#include "proxy/mysql_seat.h"
#include "proxy/mysql_secure.h"
#include "proxy/mysql_visible.h"
#include "proxy/runtime.h"
#include "proxy/section.h"
#include "proxy/tcp.h"

enum {
    ANSWER_MAX = 64 << 10, /* bytes of what a plugin says */
    FIRST_ID = 0x80000000, /* connections that clients are told */
    IDS_OF_WORKER = FIRST_ID / BOARD_WORKERS_MAX, /* before they come again */
};

static void run(struct tcp_session *s);

/* --- the client ----------------------------------------------------------- */

static void
dial(struct tcp_session *s)
{
    timer_stop(&s->timer);
    mysql_seat_route(s);
    mysql_entry_of(s)->phase = PHASE_DIAL;
    tcp_dial(s);
}

static void
deny(struct tcp_session *s, struct str why)
{
    counter_add(&runtime_section_counters(s->section)->denied, 1);
    mysql_entry_refuse(s, MYSQL_REFUSAL_DENIED, why);
    tcp_close(s, "PR", "refused by a script");
}

static void ask(struct tcp_session *s);

static void
on_wake(struct hook_login *asked)
{
    struct mysql_entry *e = container_of(asked, struct mysql_entry, asked);
    struct tcp_session *s =
        container_of(e->client.stream, struct tcp_session, client);

    if (s->reason != NULL || e->phase != PHASE_HOOK)
        return;
    ask(s);
    run(s);
}

/* What the section's `login` says. */
static void
decide(struct tcp_session *s, enum hook_result result,
       const struct hook_verdict *verdict)
{
    switch (result) {
    case HOOK_WAIT:
        mysql_entry_of(s)->phase = PHASE_HOOK;
        return;
    case HOOK_ROUTE:
        flow_route(&s->flow, verdict->upstream, verdict->server);
        break;
    case HOOK_DENY:
        log_info("login refused by a script: " STR_FMT " section=" STR_FMT,
                 STR_ARG(verdict->reason), STR_ARG(s->section->conf->name));
        deny(s, verdict->reason);
        return;
    case HOOK_FAILED:
        deny(s, STR("Access denied: the script that decides has failed"));
        return;
    case HOOK_LATE:
        deny(s, STR("Access denied: the script that decides took too long"));
        return;
    case HOOK_PASS:
    case HOOK_REPLY:
        break;
    }
    if (verdict->priority != 0)
        s->flow.priority = verdict->priority;
    dial(s);
}

static void
ask(struct tcp_session *s)
{
    struct section_hooks *hooks = s->hooks;
    struct hook_verdict verdict = {0};

    decide(s, hooks->login(hooks->arg, &mysql_entry_of(s)->asked, &verdict),
           &verdict);
}

static void
prepare_question(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);

    e->conn = tcp_hook_conn(s);
    e->asked = (struct hook_login){
        .conn = &e->conn,
        .user = e->login.user,
        .schema = s->flow.schema,
        .plugin = e->login.plugin,
        .attributes = e->login.attributes,
        .charset = e->login.charset,
        .tls = s->client.tls != NULL,
        .wait_ms = s->limits.header_timeout_ms,
        .on_wake = on_wake,
    };
}

/* Keeps the login's bytes in m->login, since names point into them; the answer,
 * which is to a challenge of ours, is of no use to anybody. */
static ssize_t
keep_login(struct mysql_session *m, const struct mysql_packet *packet)
{
    struct mysql_login *login = &m->entry->login;
    ssize_t got;

    if (packet->len > 0)
        memcpy(m->login, packet->p, packet->len);
    got = mysql_read_login(login, (const uint8_t *)m->login, packet->len);
    if (got > 0 && login->answer.len > 0)
        memset(m->login + (login->answer.p - m->login), 0, login->answer.len);
    return got;
}

/* Is it a login, with TLS where that has to be? Else the session goes on with a
 * handshake, or is over. */
static bool
suits_tls(struct tcp_session *s)
{
    const struct listener *listener = s->listener;
    struct mysql_session *m = s->guest;
    struct mysql_entry *e = m->entry;
    bool has = s->client.tls != NULL;

    if (e->login.tls_request && (listener->tls == NULL || has)) {
        mysql_entry_end(
            s, "PR", MYSQL_REFUSAL_HANDSHAKE,
            "Bad handshake: TLS is asked for, which was not offered");
        return false;
    }
    if (e->login.tls_request) {
        free(m->login);
        m->login = NULL;
        e->login = (struct mysql_login){.capabilities = 0};
        mysql_secure_accept(s);
        return false;
    }
    if (!has && listener->conf->tls.required) {
        mysql_entry_end(s, "PR", MYSQL_REFUSAL_INSECURE,
                        "Connections without TLS are not taken here");
        return false;
    }
    return true;
}

static void
on_login(struct tcp_session *s, const struct mysql_packet *packet)
{
    struct mysql_session *m = s->guest;
    struct mysql_entry *e = m->entry;
    ssize_t got;

    if (packet->sequence != MYSQL_LOGIN_SEQUENCE + (s->client.tls != NULL)) {
        mysql_entry_end(s, "PR", MYSQL_REFUSAL_ORDER,
                        "Got packets out of order");
        return;
    }
    e->sequence = packet->sequence;
    m->login = malloc(packet->len + 1);
    if (m->login == NULL) {
        log_error("cannot keep a login: out of memory section=" STR_FMT,
                  STR_ARG(s->section->conf->name));
        tcp_close(s, "PR", "out of memory");
        return;
    }
    got = keep_login(m, packet);
    if (got < 0) {
        e->login = (struct mysql_login){.capabilities = 0};
        (void)snprintf(e->why, sizeof(e->why), "Bad handshake: %s",
                       mysql_error_text((enum mysql_error)got));
        mysql_entry_end(s, "PR", MYSQL_REFUSAL_HANDSHAKE, e->why);
        return;
    }
    mysql_front_settle(&e->login, &e->told);
    if ((mysql_entry_can(e) & MYSQL_CAN_PROTOCOL_41) == 0) {
        mysql_entry_end(
            s, "PR", MYSQL_REFUSAL_TOO_OLD,
            "The client is older than MySQL 4.1 and cannot be served");
        return;
    }
    if (!suits_tls(s))
        return;
    s->flow.user = e->login.user;
    if (e->login.schema.len > 0)
        s->flow.schema = e->login.schema;
    s->flow.program =
        mysql_find_attribute(e->login.attributes, STR("program_name"));
    if (s->hooks->login == NULL) {
        dial(s);
        return;
    }
    prepare_question(s);
    ask(s);
}

/* --- bytes ---------------------------------------------------------------- */

static void
on_client_cut(struct tcp_session *s, enum mysql_leg_result result)
{
    struct mysql_entry *e = mysql_entry_of(s);

    if (result == MYSQL_LEG_TOO_LONG && e->phase == PHASE_LOGIN)
        mysql_entry_end(s, "PR", MYSQL_REFUSAL_HANDSHAKE,
                        "Bad handshake: the login is too long");
    else if (result == MYSQL_LEG_TOO_LONG)
        mysql_entry_end(s, "PR", MYSQL_REFUSAL_HANDSHAKE,
                        "Bad handshake: an answer is too long");
    else
        tcp_close(s, e->phase == PHASE_LOGIN ? "CR" : "CH",
                  "the client left while it logged in");
}

/* One packet of the client's, if there is one. */
static bool
step_client(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);
    size_t max = e->phase == PHASE_LOGIN ? MYSQL_LOGIN_MAX : ANSWER_MAX;
    struct mysql_packet packet;
    enum mysql_leg_result result = mysql_leg_next(&e->client, &packet, max);

    if (result == MYSQL_LEG_WAITS)
        return false;
    if (result != MYSQL_LEG_PACKET)
        on_client_cut(s, result);
    else if (e->phase == PHASE_LOGIN)
        on_login(s, &packet);
    else
        mysql_auth_client(s, &packet);
    return true;
}

static bool
step_server(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);
    struct mysql_packet packet;
    enum mysql_leg_result result =
        mysql_leg_next(&e->server, &packet, ANSWER_MAX);

    if (result == MYSQL_LEG_WAITS)
        return false;
    if (result != MYSQL_LEG_PACKET)
        mysql_auth_cut(s, result);
    else if (e->phase == PHASE_GREETING)
        mysql_auth_greeting(s, &packet);
    else
        mysql_auth_answer(s, &packet);
    return true;
}

/* Who could not shake hands would not understand an error either. */
static bool
step_client_tls(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);

    switch (mysql_secure_client(s)) {
    case MYSQL_SECURE_WAITS:
        return false;
    case MYSQL_SECURE_DONE:
        e->phase = PHASE_LOGIN;
        return true;
    case MYSQL_SECURE_FAILED:
        break;
    }
    log_debug("no TLS with a client: %s section=" STR_FMT, e->why,
              STR_ARG(s->section->conf->name));
    tcp_close(s, "CR", "the TLS handshake with the client failed");
    return false;
}

static bool
step_server_tls(struct tcp_session *s)
{
    switch (mysql_secure_server(s)) {
    case MYSQL_SECURE_WAITS:
        return false;
    case MYSQL_SECURE_DONE:
        mysql_auth_log_in(s);
        return true;
    case MYSQL_SECURE_FAILED:
        break;
    }
    mysql_auth_give_up(s, true, mysql_entry_of(s)->why);
    return true;
}

/* Nobody reads what it sends meanwhile, but one that is gone is noticed. */
static bool
step_waiting(struct tcp_session *s)
{
    if (stream_is_deserted(&s->client))
        tcp_close(s, s->flow.queued ? "CQ" : "CC",
                  "the client left while it waited");
    return false;
}

static bool
step(struct tcp_session *s)
{
    switch (mysql_entry_of(s)->phase) {
    case PHASE_LOGIN:
        return step_client(s);
    case PHASE_CLIENT_TLS:
        return step_client_tls(s);
    case PHASE_HOOK:
    case PHASE_DIAL:
        break;
    case PHASE_GREETING:
        return step_server(s) || step_waiting(s);
    case PHASE_SERVER_TLS:
        return step_server_tls(s) || step_waiting(s);
    case PHASE_AUTH:
        /* What it says out of turn is for later, or for nobody: a flood of it
         * must not look like a server that takes nothing. */
        return step_server(s) ||
               (mysql_entry_of(s)->its_turn ? step_client(s) : step_waiting(s));
    }
    return step_waiting(s);
}

static bool
is_under_way(const struct tcp_session *s)
{
    return s->reason == NULL && s->logging_in;
}

static void
flush(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);

    bool speaks = e->phase == PHASE_AUTH || e->phase == PHASE_SERVER_TLS;

    if (mysql_leg_flush(&e->client) < 0)
        tcp_close(s, "CH", strerror(errno));
    else if (speaks && mysql_leg_flush(&e->server) < 0)
        mysql_auth_cut(s, MYSQL_LEG_BROKE);
}

static void
run(struct tcp_session *s)
{
    do {
        if (is_under_way(s))
            flush(s);
    } while (is_under_way(s) && step(s));
}

/* --- the prelude ---------------------------------------------------------- */

/* No other worker gives the same; of its own, none that a session still has. */
static uint32_t
next_id(struct engine *engine)
{
    struct seat_facts other;
    uint64_t n;
    uint32_t id;

    do {
        n = engine->mysql_ids++;
        id = FIRST_ID |
             (uint32_t)(n % IDS_OF_WORKER * BOARD_WORKERS_MAX + engine->worker);
    } while (n >= IDS_OF_WORKER && seat_find_id(engine->board, id, &other));
    return id;
}

static int
begin(struct tcp_session *s)
{
    struct mysql_session *m = calloc(1, sizeof(*m));

    s->guest = m;
    if (m == NULL)
        return -1;
    m->seat = SEAT_NONE;
    m->entry = calloc(1, sizeof(*m->entry));
    if (m->entry == NULL)
        return -1;
    mysql_leg_init(&m->entry->client, &s->client);
    mysql_leg_init(&m->entry->server, NULL);
    m->id = next_id(s->dial.engine);
    mysql_front_common(&m->entry->told, s->flow.upstream);
    if (s->listener->tls != NULL)
        m->entry->told.capabilities |= MYSQL_CAN_TLS;
    if (mysql_front_greet(&m->entry->client.out, &m->entry->told, m->id) < 0)
        return -1;
    mysql_entry_timer(s, s->limits.header_timeout_ms);
    run(s);
    return 0;
}

static void
connected(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);

    mysql_leg_reset(&e->server, &s->server->stream);
    e->phase = PHASE_GREETING;
    mysql_entry_timer(s, s->limits.connect_timeout_ms);
    run(s);
}

static void
late(struct tcp_session *s)
{
    switch (mysql_entry_of(s)->phase) {
    case PHASE_CLIENT_TLS:
        tcp_close(s, "cR", "no TLS handshake came within header_timeout");
        return;
    case PHASE_LOGIN:
        mysql_entry_end(
            s, "cR", MYSQL_REFUSAL_LATE,
            "Got timeout reading communication packets: no login came within "
            "header_timeout");
        return;
    case PHASE_GREETING:
        mysql_auth_give_up(s, true, "no greeting came within connect_timeout");
        return;
    case PHASE_SERVER_TLS:
        mysql_auth_give_up(s, true,
                           "no TLS handshake came within connect_timeout");
        return;
    case PHASE_AUTH:
        if (!mysql_entry_of(s)->spoken)
            mysql_auth_give_up(s, true, "no answer to the login came");
        else
            mysql_entry_end(
                s, "cH", MYSQL_REFUSAL_LATE,
                "Got timeout reading communication packets: the login was not "
                "over within header_timeout");
        return;
    case PHASE_HOOK:
    case PHASE_DIAL:
        return;
    }
}

static void
killed(struct tcp_session *s, const char *why)
{
    char space[MYSQL_WORDS_MAX];

    (void)snprintf(space, sizeof(space), "Server shutdown in progress: %s",
                   why);
    mysql_entry_refuse(s, MYSQL_REFUSAL_SHUTDOWN, str_from(space));
}

static void
leave(struct tcp_session *s)
{
    const struct mysql_session *m = s->guest;
    struct section_hooks *hooks = s->hooks;

    mysql_seat_give(s);
    if (m != NULL && m->entry != NULL && m->entry->phase == PHASE_HOOK &&
        hooks->login_abort != NULL)
        hooks->login_abort(hooks->arg, &m->entry->asked);
}

static void
forget(struct tcp_session *s)
{
    struct mysql_session *m = s->guest;

    if (m == NULL)
        return;
    mysql_entry_free(m);
    mysql_passing_free(m->passing);
    mysql_visible_free(m->visible);
    mysql_commands_fini(&m->commands);
    free(m->login);
    free(m);
    s->guest = NULL;
}

static void
full(struct tcp_session *s)
{
    char space[MYSQL_WORDS_MAX];
    int len = snprintf(space, sizeof(space),
                       "Too many connections: section '" STR_FMT
                       "' has its max_connections",
                       STR_ARG(s->section->conf->name));

    mysql_entry_refuse_early(s, MYSQL_REFUSAL_FULL,
                             str_make(space, (size_t)len));
}

static void
refused(struct tcp_session *s, struct str why)
{
    mysql_entry_refuse_early(s, MYSQL_REFUSAL_HOST, why);
}

static void
failed(struct tcp_session *s, enum dial_result result)
{
    struct mysql_entry *e = mysql_entry_of(s);
    char space[MYSQL_WORDS_MAX];
    enum mysql_refusal why;

    if (e->said.number != 0 && result == DIAL_FAILED) {
        mysql_entry_pass_refusal(s, e);
        return;
    }
    why = mysql_refusal_of(&s->dial, result);
    mysql_entry_refuse(
        s, why, mysql_refusal_words(space, sizeof(space), &s->dial, why));
}

static void
failed_early(struct tcp_session *s, enum dial_result result)
{
    char space[MYSQL_WORDS_MAX];
    enum mysql_refusal why = mysql_refusal_of(&s->dial, result);

    mysql_entry_refuse_early(
        s, why, mysql_refusal_words(space, sizeof(space), &s->dial, why));
}

static int
meet(struct tcp_session *s)
{
    struct mysql_session *m = calloc(1, sizeof(*m));

    s->guest = m;
    if (m == NULL)
        return -1;
    m->seat = SEAT_NONE;
    return mysql_passing_begin(s);
}

static const struct tcp_prelude SWITCH = {
    .begin = begin,
    .run = run,
    .connected = connected,
    .late = late,
    .killed = killed,
    .leave = leave,
    .forget = forget,
    .full = full,
    .refused = refused,
    .failed = failed,
};

static const struct tcp_prelude PASSTHROUGH = {
    .meet = meet,
    .forget = forget,
    .full = full,
    .refused = refused,
    .failed = failed_early,
};

void
mysql_accept(struct listener *listener, const struct section_client *client)
{
    switch (listener->fallback->conf->handshake) {
    case HANDSHAKE_SWITCH:
        tcp_open(listener, client, &SWITCH);
        break;
    case HANDSHAKE_PASSTHROUGH:
        tcp_open(listener, client, &PASSTHROUGH);
        break;
    }
}
