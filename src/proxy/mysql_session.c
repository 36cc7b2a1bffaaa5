/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "board/board.h"
#include "codec/mysql_answer.h"
#include "proxy/listener.h"
#include "proxy/log_text.h"
#include "proxy/mysql_commands.h"
#include "proxy/mysql_front.h"
#include "proxy/mysql_leg.h"
#include "proxy/mysql_refusal.h"
#include "proxy/section.h"
#include "proxy/tcp.h"
#include "proxy/tcp_session.h"

enum {
    ANSWER_MAX = 64 << 10, /* bytes of what a plugin says */
    WORDS_MAX = 512,       /* bytes of what a refusal says */
    FIRST_ID = 0x80000000, /* connections that clients are told */
    DRAIN_READS = 16,      /* of what a refused client still sends */
    REFUSAL_MAX = 1024,    /* bytes of a packet that refuses */
    LOGIN_SEQUENCE = 1,    /* of a client's login, behind the greeting */
    OLD_SWITCH_LEN = 1,    /* bytes of a switch to the plugin before 4.1 */
};

enum mysql_phase {
    PHASE_LOGIN,    /* greeted; the login is to come */
    PHASE_HOOK,     /* a script is asked, which waits */
    PHASE_DIAL,     /* a server is looked for */
    PHASE_GREETING, /* connected; the server is to greet */
    PHASE_AUTH,     /* the server has the login: what they say is relayed */
};

/* What is needed until the two sides are joined. */
struct mysql_entry {
    enum mysql_phase phase;
    struct mysql_leg client;
    struct mysql_leg server;
    struct greeting_facts told; /* to the client */
    struct mysql_login login;   /* settled; its texts are the session's */
    uint32_t server_can;        /* capabilities that hold on its side */
    uint8_t sequence;           /* of the last packet to or from the client */
    bool spoken;                /* the server's words have reached it */
    struct hook_conn conn;
    struct hook_login asked;
    bool refused;          /* a refusal has been written */
    struct mysql_err said; /* a server refused the connection; number 0: none */
    char state[MYSQL_STATE_LEN];
    char text[WORDS_MAX]; /* its words */
    char why[WORDS_MAX];  /* why a server was of no use */
};

struct mysql_session {
    struct mysql_entry *entry; /* NULL once joined */
    char *login;               /* the login's bytes: names point into it */
    struct mysql_commands commands;
};

static struct mysql_entry *
entry_of(const struct tcp_session *s)
{
    return ((const struct mysql_session *)s->guest)->entry;
}

static void run(struct tcp_session *s);

static void
start_timer(struct tcp_session *s, uint32_t ms)
{
    loop_start_timer(s->dial.engine->loop, &s->timer, ms);
}

/* --- refusals ------------------------------------------------------------- */

/* What the client has sent and nobody reads would have the kernel reset the
 * connection, and the refusal might be lost. */
static void
drain_client(struct tcp_session *s)
{
    struct engine *engine = s->dial.engine;

    for (int i = 0; i < DRAIN_READS && s->client.readable; i++)
        if (stream_read(&s->client, engine->scratch, ENGINE_SCRATCH) <= 0)
            break;
}

/* Writes a packet before the greeting, in the form of that moment. */
static void
refuse_early(struct tcp_session *s, enum mysql_refusal why, struct str words)
{
    char space[REFUSAL_MAX];
    struct buf out;

    buf_init(&out, space, sizeof(space));
    mysql_refusal_write(&out, why, str_slice(words, 0, WORDS_MAX), 0, 0);
    if (!out.failed && stream_write(&s->client, out.p, out.len) > 0)
        s->down.bytes += out.len;
    drain_client(s);
}

static uint32_t
client_can(const struct mysql_entry *e)
{
    return e->login.capabilities;
}

static void
send_last(struct tcp_session *s, struct mysql_entry *e)
{
    e->refused = true;
    if (mysql_leg_flush(&e->client) == 0)
        drain_client(s);
}

static void
refuse(struct tcp_session *s, enum mysql_refusal why, struct str words)
{
    struct mysql_entry *e = entry_of(s);

    if (e->refused)
        return;
    mysql_refusal_write(&e->client.out, why, words, (uint8_t)(e->sequence + 1),
                        client_can(e));
    send_last(s, e);
}

/* The words of the server that would not have us. */
static void
pass_refusal(struct tcp_session *s, struct mysql_entry *e)
{
    mysql_write_err(&e->client.out, (uint8_t)(e->sequence + 1), &e->said,
                    client_can(e));
    send_last(s, e);
}

static void
end(struct tcp_session *s, const char *flags, enum mysql_refusal why,
    const char *words)
{
    refuse(s, why, str_from(words));
    tcp_close(s, flags, words);
}

/* --- the server ----------------------------------------------------------- */

/* It is of no use; another one may be. */
static void
give_up_server(struct tcp_session *s, bool observe, const char *why)
{
    struct mysql_entry *e = entry_of(s);

    (void)snprintf(e->why, sizeof(e->why), "%s", why);
    e->phase = PHASE_DIAL;
    mysql_leg_reset(&e->server, NULL);
    tcp_retry(s, observe, e->why);
}

/* It does not want the connection: too many, host blocked. Its words are kept
 * for the client, should there be no other server. */
static void
on_server_refuses(struct tcp_session *s, const struct mysql_packet *packet)
{
    struct mysql_entry *e = entry_of(s);
    struct mysql_err err;
    struct buf text;

    if (mysql_read_err(&err, packet->p, packet->len) < 0) {
        give_up_server(s, true, "not the greeting of a MySQL server");
        return;
    }
    buf_init(&text, e->text, sizeof(e->text) - 1);
    log_text_write(&text, LOG_TEXT_NGINX, err.text, text.cap);
    e->text[text.len] = '\0';
    e->said = (struct mysql_err){
        .number = err.number,
        .state = str_from(err.number == 1040 ? "08004" : "HY000"),
        .text = str_make(e->text, text.len),
    };
    if (err.state.len == MYSQL_STATE_LEN) {
        memcpy(e->state, err.state.p, MYSQL_STATE_LEN);
        e->said.state = str_make(e->state, MYSQL_STATE_LEN);
    }
    give_up_server(s, true, e->text);
}

/* The login in the client's name, without an answer: the server asks for a
 * switch to the plugin that the user has. */
static void
log_in(struct tcp_session *s, const struct greeting_facts *facts)
{
    struct mysql_entry *e = entry_of(s);
    struct mysql_login login = e->login;
    const char *why;

    if (!mysql_front_login(&login, facts, &why)) {
        give_up_server(s, false, why);
        return;
    }
    e->server_can = login.capabilities;
    mysql_write_login(&e->server.out, LOGIN_SEQUENCE, &login);
    e->phase = PHASE_AUTH;
    start_timer(s, s->limits.connect_timeout_ms);
}

static void
on_greeting(struct tcp_session *s, const struct mysql_packet *packet)
{
    const struct server *server = s->server->server;
    struct mysql_greeting greeting;
    struct greeting_facts facts;

    if (mysql_lead(packet) == MYSQL_ERR) {
        on_server_refuses(s, packet);
        return;
    }
    if (packet->sequence != 0 ||
        mysql_read_greeting(&greeting, packet->p, packet->len) < 0) {
        give_up_server(s, true, "not the greeting of a MySQL server");
        return;
    }
    facts = mysql_front_facts(&greeting);
    greeting_note(s->dial.engine->board, server->row, &facts);
    log_in(s, &facts);
}

/* --- the client ----------------------------------------------------------- */

static void
dial(struct tcp_session *s)
{
    timer_stop(&s->timer);
    entry_of(s)->phase = PHASE_DIAL;
    tcp_dial(s);
}

static void
deny(struct tcp_session *s, struct str why)
{
    const struct engine *engine = s->dial.engine;

    counter_add(
        &board_section_counters(engine->board, engine->worker, s->section->row)
             ->denied,
        1);
    refuse(s, MYSQL_REFUSAL_DENIED, why);
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
        entry_of(s)->phase = PHASE_HOOK;
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

    if (hooks->login == NULL)
        dial(s);
    else
        decide(s, hooks->login(hooks->arg, &entry_of(s)->asked, &verdict),
               &verdict);
}

static void
prepare_question(struct tcp_session *s)
{
    struct mysql_entry *e = entry_of(s);

    e->conn = (struct hook_conn){
        .client = &s->client_addr,
        .listener = s->flow.listener,
        .section = s->section->conf->name,
    };
    e->asked = (struct hook_login){
        .conn = &e->conn,
        .user = e->login.user,
        .schema = s->flow.schema,
        .plugin = e->login.plugin,
        .attributes = e->login.attributes,
        .charset = e->login.charset,
        .wait_ms = s->limits.header_timeout_ms,
        .on_wake = on_wake,
    };
}

/* Keeps the login's bytes, since names point into them; the answer, which is to
 * a challenge of ours, is of no use to anybody. */
static ssize_t
keep_login(struct tcp_session *s, const struct mysql_packet *packet)
{
    struct mysql_session *m = s->guest;
    struct mysql_login *login = &m->entry->login;
    ssize_t got;

    m->login = malloc(packet->len + 1);
    if (m->login == NULL)
        return MYSQL_E_LENGTH;
    if (packet->len > 0)
        memcpy(m->login, packet->p, packet->len);
    got = mysql_read_login(login, (const uint8_t *)m->login, packet->len);
    if (got > 0 && login->answer.len > 0)
        memset(m->login + (login->answer.p - m->login), 0, login->answer.len);
    return got;
}

static void
on_login(struct tcp_session *s, const struct mysql_packet *packet)
{
    struct mysql_entry *e = entry_of(s);
    ssize_t got;

    if (packet->sequence != LOGIN_SEQUENCE) {
        end(s, "PR", MYSQL_REFUSAL_ORDER, "Got packets out of order");
        return;
    }
    e->sequence = packet->sequence;
    got = keep_login(s, packet);
    if (got < 0) {
        e->login = (struct mysql_login){.capabilities = 0};
        (void)snprintf(e->why, sizeof(e->why), "Bad handshake: %s",
                       mysql_error_text((enum mysql_error)got));
        end(s, "PR", MYSQL_REFUSAL_HANDSHAKE, e->why);
        return;
    }
    mysql_front_settle(&e->login, &e->told);
    if ((client_can(e) & MYSQL_CAN_PROTOCOL_41) == 0) {
        end(s, "PR", MYSQL_REFUSAL_TOO_OLD,
            "The client is older than MySQL 4.1 and cannot be served");
        return;
    }
    if (e->login.tls_request) {
        end(s, "PR", MYSQL_REFUSAL_HANDSHAKE,
            "Bad handshake: TLS is asked for, which was not offered");
        return;
    }
    s->flow.user = e->login.user;
    if (e->login.schema.len > 0)
        s->flow.schema = e->login.schema;
    prepare_question(s);
    ask(s);
}

/* --- the authentication --------------------------------------------------- */

static int
sift(struct tcp_pipe *pipe, size_t n)
{
    struct tcp_session *s = container_of(pipe, struct tcp_session, up);
    struct mysql_session *m = s->guest;
    ssize_t held =
        mysql_commands_sift(&m->commands, pipe->buffer, pipe->held, n);

    if (held < 0)
        return -1;
    pipe->held = (uint32_t)held;
    return 0;
}

static void
free_entry(struct mysql_session *m)
{
    if (m->entry == NULL)
        return;
    mysql_leg_fini(&m->entry->client);
    mysql_leg_fini(&m->entry->server);
    free(m->entry);
    m->entry = NULL;
}

static int
prime(struct tcp_session *s, struct mysql_entry *e)
{
    const struct engine *engine = s->dial.engine;
    struct str early = mysql_leg_rest(&e->client);
    struct str rest = mysql_leg_rest(&e->server);

    buf_str(&e->client.out, rest);
    if (e->client.out.failed || mysql_leg_unsent(&e->server) > 0) {
        errno = EPROTO;
        return -1;
    }
    if (pipe_prime(&s->up, engine, early.p, early.len) < 0)
        return -1;
    return pipe_prime(&s->down, engine, e->client.out.p + e->client.sent,
                      mysql_leg_unsent(&e->client));
}

/* Logged in. What was read with the last packets goes first. */
static void
join(struct tcp_session *s)
{
    struct mysql_session *m = s->guest;
    struct mysql_entry *e = m->entry;

    mysql_commands_init(&m->commands, client_can(e), e->server_can);
    s->up.sift = sift;
    if (prime(s, e) < 0) {
        tcp_close(s, "SD", strerror(errno));
        return;
    }
    free_entry(m);
    tcp_join(s);
}

static void
on_answer(struct tcp_session *s, const struct mysql_packet *packet)
{
    struct mysql_entry *e = entry_of(s);
    int lead = mysql_lead(packet);

    if (lead == MYSQL_EOF && packet->len == OLD_SWITCH_LEN) {
        end(s, "SH", MYSQL_REFUSAL_TOO_OLD,
            "The server asks for a password as before MySQL 4.1, which "
            "cannot be switched to");
        return;
    }
    e->sequence = packet->sequence;
    e->spoken = true;
    mysql_write_packet(&e->client.out, packet->sequence,
                       str_make((const char *)packet->p, packet->len));
    start_timer(s, s->limits.header_timeout_ms);
    if (lead == MYSQL_OK) {
        join(s);
    } else if (lead == MYSQL_ERR) {
        send_last(s, e);
        tcp_close(s, "--", "the server refused the login");
    }
}

static void
on_client_answer(struct tcp_session *s, const struct mysql_packet *packet)
{
    struct mysql_entry *e = entry_of(s);

    e->sequence = packet->sequence;
    mysql_write_packet(&e->server.out, packet->sequence,
                       str_make((const char *)packet->p, packet->len));
    start_timer(s, s->limits.header_timeout_ms);
}

/* --- bytes ---------------------------------------------------------------- */

static void
on_client_cut(struct tcp_session *s, enum mysql_leg_result result)
{
    struct mysql_entry *e = entry_of(s);

    if (result == MYSQL_LEG_TOO_LONG && e->phase == PHASE_LOGIN)
        end(s, "PR", MYSQL_REFUSAL_HANDSHAKE,
            "Bad handshake: the login is too long");
    else if (result == MYSQL_LEG_TOO_LONG)
        end(s, "PR", MYSQL_REFUSAL_HANDSHAKE,
            "Bad handshake: an answer is too long");
    else
        tcp_close(s, e->phase == PHASE_LOGIN ? "CR" : "CH",
                  "the client left while it logged in");
}

/* Until it has said a word to the client, another one can take its place. */
static void
on_server_cut(struct tcp_session *s, enum mysql_leg_result result)
{
    struct mysql_entry *e = entry_of(s);
    const char *why = "it closed during the login";

    if (result == MYSQL_LEG_BROKE)
        why = strerror(errno);
    else if (result == MYSQL_LEG_TOO_LONG)
        why = "not what a MySQL server says in a login";
    if (!e->spoken) {
        give_up_server(s, true, why);
        return;
    }
    upstream_observe(s->server->server);
    end(s, "SH", MYSQL_REFUSAL_BROKEN,
        "Lost connection to the server during the login");
}

/* One packet of the client's, if there is one. */
static bool
step_client(struct tcp_session *s)
{
    struct mysql_entry *e = entry_of(s);
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
        on_client_answer(s, &packet);
    return true;
}

static bool
step_server(struct tcp_session *s)
{
    struct mysql_entry *e = entry_of(s);
    struct mysql_packet packet;
    enum mysql_leg_result result =
        mysql_leg_next(&e->server, &packet, ANSWER_MAX);

    if (result == MYSQL_LEG_WAITS)
        return false;
    if (result != MYSQL_LEG_PACKET)
        on_server_cut(s, result);
    else if (e->phase == PHASE_GREETING)
        on_greeting(s, &packet);
    else
        on_answer(s, &packet);
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
    switch (entry_of(s)->phase) {
    case PHASE_LOGIN:
        return step_client(s);
    case PHASE_HOOK:
    case PHASE_DIAL:
        break;
    case PHASE_GREETING:
        return step_server(s) || step_waiting(s);
    case PHASE_AUTH:
        return step_server(s) || step_client(s);
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
    struct mysql_entry *e = entry_of(s);

    if (mysql_leg_flush(&e->client) < 0)
        tcp_close(s, "CH", strerror(errno));
    else if (e->phase == PHASE_AUTH && mysql_leg_flush(&e->server) < 0)
        on_server_cut(s, MYSQL_LEG_BROKE);
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

static int
begin(struct tcp_session *s)
{
    struct mysql_session *m = calloc(1, sizeof(*m));
    struct engine *engine = s->dial.engine;
    uint32_t id = engine->mysql_ids++ * BOARD_WORKERS_MAX + engine->worker;

    s->guest = m;
    if (m == NULL)
        return -1;
    m->entry = calloc(1, sizeof(*m->entry));
    if (m->entry == NULL)
        return -1;
    mysql_leg_init(&m->entry->client, &s->client);
    mysql_leg_init(&m->entry->server, NULL);
    mysql_front_common(&m->entry->told, s->flow.upstream);
    if (mysql_front_greet(&m->entry->client.out, &m->entry->told,
                          id | FIRST_ID) < 0)
        return -1;
    start_timer(s, s->limits.header_timeout_ms);
    run(s);
    return 0;
}

static void
connected(struct tcp_session *s)
{
    struct mysql_entry *e = entry_of(s);

    mysql_leg_reset(&e->server, &s->server->stream);
    e->phase = PHASE_GREETING;
    start_timer(s, s->limits.connect_timeout_ms);
    run(s);
}

static void
late(struct tcp_session *s)
{
    switch (entry_of(s)->phase) {
    case PHASE_LOGIN:
        end(s, "cR", MYSQL_REFUSAL_LATE,
            "Got timeout reading communication packets: no login came within "
            "header_timeout");
        return;
    case PHASE_GREETING:
        give_up_server(s, true, "no greeting came within connect_timeout");
        return;
    case PHASE_AUTH:
        if (!entry_of(s)->spoken)
            give_up_server(s, true, "no answer to the login came");
        else
            end(s, "cH", MYSQL_REFUSAL_LATE,
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
    char space[WORDS_MAX];

    (void)snprintf(space, sizeof(space), "Server shutdown in progress: %s",
                   why);
    refuse(s, MYSQL_REFUSAL_SHUTDOWN, str_from(space));
}

static void
leave(struct tcp_session *s)
{
    const struct mysql_session *m = s->guest;
    struct section_hooks *hooks = s->hooks;

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
    free_entry(m);
    mysql_commands_fini(&m->commands);
    free(m->login);
    free(m);
    s->guest = NULL;
}

static void
refused(struct tcp_session *s, struct str why)
{
    refuse_early(s, MYSQL_REFUSAL_HOST, why);
}

static void
failed(struct tcp_session *s, enum dial_result result)
{
    struct mysql_entry *e = entry_of(s);
    char space[WORDS_MAX];

    if (e->said.number != 0 && result == DIAL_FAILED)
        pass_refusal(s, e);
    else
        refuse(s, mysql_refusal_of(&s->dial, result),
               mysql_refusal_words(space, sizeof(space), &s->dial, result));
}

static void
failed_early(struct tcp_session *s, enum dial_result result)
{
    char space[WORDS_MAX];

    refuse_early(s, mysql_refusal_of(&s->dial, result),
                 mysql_refusal_words(space, sizeof(space), &s->dial, result));
}

static const struct tcp_prelude SWITCH = {
    .begin = begin,
    .run = run,
    .connected = connected,
    .late = late,
    .killed = killed,
    .leave = leave,
    .forget = forget,
    .refused = refused,
    .failed = failed,
};

static const struct tcp_prelude PASSTHROUGH = {
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
