/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_auth.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "board/board.h"
#include "proxy/capture.h"
#include "proxy/engine.h"
#include "proxy/log_text.h"
#include "proxy/mysql_challenge.h"
#include "proxy/mysql_front.h"
#include "proxy/mysql_retire.h"
#include "proxy/mysql_seat.h"
#include "proxy/mysql_secure.h"
#include "proxy/mysql_visible.h"
#include "proxy/pool.h"
#include "proxy/section.h"
#include "proxy/tcp.h"
#include "proxy/upstream.h"

enum {
    OLD_SWITCH_LEN = 1, /* bytes of a switch to the plugin before 4.1 */
};

/* --- the server ----------------------------------------------------------- */

/* It is of no use; another one may be. */
void
mysql_auth_give_up(struct tcp_session *s, bool observe, const char *why)
{
    struct mysql_entry *e = mysql_entry_of(s);

    if (why != e->why)
        (void)snprintf(e->why, sizeof(e->why), "%s", why);
    e->phase = PHASE_DIAL;
    mysql_leg_reset(&e->server, NULL);
    tcp_retry(s, observe, e->why);
}

static void
no_greeting(struct tcp_session *s)
{
    static const char why[] = "not the greeting of a MySQL server";

    capture_session(s, CAPTURE_MYSQL, why);
    mysql_auth_give_up(s, true, why);
}

/* It does not want the connection: too many, host blocked. Its words are kept
 * for the client, should there be no other server. */
static void
on_server_refuses(struct tcp_session *s, const struct mysql_packet *packet)
{
    struct mysql_entry *e = mysql_entry_of(s);
    struct mysql_err err;

    if (mysql_read_err(&err, packet->p, packet->len) < 0) {
        no_greeting(s);
        return;
    }
    e->said = (struct mysql_err){
        .number = err.number,
        .state = str_from(err.number == 1040 ? "08004" : "HY000"),
        .text = log_text_set(e->text, sizeof(e->text), err.text),
    };
    if (err.state.len == MYSQL_STATE_LEN) {
        memcpy(e->state, err.state.p, MYSQL_STATE_LEN);
        e->said.state = str_make(e->state, MYSQL_STATE_LEN);
    }
    mysql_auth_give_up(s, true, e->text);
}

/* The login as it may go to the server with this greeting; false: not at all,
 * and it is left. */
static bool
fit_login(struct tcp_session *s, struct mysql_login *login)
{
    const struct mysql_entry *e = mysql_entry_of(s);
    const char *why;

    *login = e->login;
    if (mysql_front_login(login, &e->server_facts, &why))
        return true;
    mysql_auth_give_up(s, false, why);
    return false;
}

static void
ask_for_tls(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);
    struct mysql_login login;

    if ((e->server_facts.capabilities & MYSQL_CAN_TLS) == 0) {
        mysql_auth_give_up(s, true, "it offers no TLS");
        return;
    }
    if (!fit_login(s, &login))
        return;
    mysql_write_tls_request(&e->server.out, MYSQL_LOGIN_SEQUENCE, &login);
    e->phase = PHASE_SERVER_TLS;
}

void
mysql_auth_log_in(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);
    bool secure = s->server->stream.tls != NULL;
    struct mysql_login login;

    if (!fit_login(s, &login))
        return;
    e->server_can = login.capabilities;
    e->server_mariadb = login.mariadb;
    if (secure)
        login.capabilities |= MYSQL_CAN_TLS;
    mysql_write_login(&e->server.out, MYSQL_LOGIN_SEQUENCE + secure, &login);
    e->phase = PHASE_AUTH;
    mysql_entry_timer(s, s->limits.connect_timeout_ms);
}

void
mysql_auth_greeting(struct tcp_session *s, const struct mysql_packet *packet)
{
    const struct server *server = s->server->server;
    struct mysql_entry *e = mysql_entry_of(s);
    struct mysql_greeting greeting;

    if (mysql_lead(packet) == MYSQL_ERR) {
        on_server_refuses(s, packet);
        return;
    }
    if (packet->sequence != 0 ||
        mysql_read_greeting(&greeting, packet->p, packet->len) < 0) {
        no_greeting(s);
        return;
    }
    ((struct mysql_session *)s->guest)->thread_id = greeting.thread_id;
    e->server_facts = mysql_front_facts(&greeting);
    greeting_note(s->dial.engine->board, server->row, &e->server_facts);
    if (server->tls == NULL)
        mysql_auth_log_in(s);
    else
        ask_for_tls(s);
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
    if (m->visible == NULL)
        return 0;
    mysql_visible_sent(m->visible, pipe->buffer->data, pipe->buffer->end);
    mysql_seat_note(s);
    return 0;
}

/* What the server says passes as it is, unless it asks for a password that may
 * not go on. */
static int
guard(struct tcp_pipe *pipe, size_t n)
{
    struct tcp_session *s = container_of(pipe, struct tcp_session, down);

    if (!mysql_secure_betrays(s, pipe->buffer->data, n))
        return 0;
    log_warn("session closed: in a change of user the server asks for the "
             "whole password, which may not leave over its connection without "
             "TLS: add tls to server " STR_FMT,
             STR_ARG(s->server->server->conf->name));
    errno = EACCES;
    return -1;
}

static int
watch(struct tcp_pipe *pipe, size_t n)
{
    struct tcp_session *s = container_of(pipe, struct tcp_session, down);
    struct mysql_session *m = s->guest;

    if (mysql_secure_shift(s) > 0 && guard(pipe, n) < 0)
        return -1;
    mysql_visible_said(m->visible, pipe->buffer->data, n);
    mysql_seat_note(s);
    if (m->visible->blind)
        pipe->sift = mysql_secure_shift(s) > 0 ? guard : NULL;
    return 0;
}

static int
prime(struct tcp_session *s, struct mysql_entry *e)
{
    const struct engine *engine = s->dial.engine;
    struct str early = mysql_leg_rest(&e->client);
    struct str rest = mysql_leg_rest(&e->server);
    size_t waiting = mysql_leg_unsent(&e->client);

    /* An OK may be longer than what a pipe takes at once. */
    if (mysql_leg_flush(&e->client) < 0)
        return -1;
    s->down.bytes += waiting - mysql_leg_unsent(&e->client);
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

/* Has the commands that follow be seen. */
static int
see(struct tcp_session *s, const struct mysql_entry *e)
{
    struct mysql_session *m = s->guest;
    const struct mysql_visible_conf conf = {
        .capabilities = mysql_entry_can(e) & e->server_can,
        .mariadb = e->server_mariadb,
        .change_can = e->server_can,
    };

    m->visible = mysql_visible_new(s, &conf);
    if (m->visible == NULL)
        return -1;
    mysql_seat_take(s);
    return 0;
}

/* What is primed may begin with the end of the login's OK; it is what the
 * server said behind that which is followed. */
static void
watch_server(struct tcp_session *s, const struct mysql_entry *e)
{
    struct mysql_session *m = s->guest;
    uint8_t *rest = e->server.in + e->server.start;
    size_t n = e->server.end - e->server.start;

    if (mysql_secure_guards(s)) {
        (void)mysql_secure_betrays(s, rest, n);
        s->down.sift = guard;
    }
    if (m->visible == NULL)
        return;
    mysql_visible_said(m->visible, rest, n);
    s->down.sift = watch;
    s->flow.retire = &mysql_retire;
}

/* Logged in. What was read with the last packets goes first. */
static void
join(struct tcp_session *s)
{
    struct mysql_session *m = s->guest;
    struct mysql_entry *e = m->entry;
    const struct mysql_commands_conf commands = {
        .client_can = mysql_entry_can(e),
        .server_can = e->server_can,
        .kill = s->section->conf->visible ? mysql_seat_kill : NULL,
        .kill_arg = s,
    };

    mysql_commands_init(&m->commands, &commands);
    s->up.sift = sift;
    s->up.room = MYSQL_COMMANDS_ROOM;
    if (s->section->conf->visible && see(s, e) < 0) {
        tcp_close(s, "PR", "out of memory");
        return;
    }
    if (prime(s, e) < 0) {
        tcp_close(s, "SD", strerror(errno));
        return;
    }
    watch_server(s, e);
    s->dial.reason = NULL; /* why another server was left, which goes now */
    mysql_entry_free(m);
    tcp_join(s);
}

static void
pass_answer(struct mysql_entry *e, const struct mysql_packet *packet)
{
    struct mysql_switch request;

    if (mysql_lead(packet) == MYSQL_EOF &&
        mysql_read_switch(&request, packet->p, packet->len) > 0) {
        mysql_challenge_fit(&request, &e->login);
        mysql_write_switch(&e->client.out, e->sequence, &request);
        return;
    }
    mysql_write_packet(&e->client.out, e->sequence,
                       str_make((const char *)packet->p, packet->len));
}

void
mysql_auth_answer(struct tcp_session *s, const struct mysql_packet *packet)
{
    struct mysql_entry *e = mysql_entry_of(s);
    int lead = mysql_lead(packet);

    if (lead == MYSQL_EOF && packet->len == OLD_SWITCH_LEN) {
        mysql_entry_end(
            s, "SH", MYSQL_REFUSAL_TOO_OLD,
            "The server asks for a password as before MySQL 4.1, which "
            "cannot be switched to");
        return;
    }
    if (mysql_secure_refuses(s, packet))
        return;
    e->sequence = (uint8_t)(packet->sequence + mysql_secure_shift(s));
    e->spoken = e->its_turn = true;
    pass_answer(e, packet);
    mysql_entry_timer(s, s->limits.header_timeout_ms);
    if (lead == MYSQL_OK) {
        join(s);
    } else if (lead == MYSQL_ERR) {
        mysql_entry_send_last(s, e);
        tcp_close(s, "--", "the server refused the login");
    }
}

void
mysql_auth_client(struct tcp_session *s, const struct mysql_packet *packet)
{
    struct mysql_entry *e = mysql_entry_of(s);
    int sequence = packet->sequence - mysql_secure_shift(s);

    e->sequence = packet->sequence;
    if (mysql_secure_bares(s, packet))
        return;
    e->its_turn = false;
    mysql_write_packet(&e->server.out, (uint8_t)sequence,
                       str_make((const char *)packet->p, packet->len));
    mysql_entry_timer(s, s->limits.header_timeout_ms);
}

/* Until it has said a word to the client, another one can take its place. */
void
mysql_auth_cut(struct tcp_session *s, enum mysql_leg_result result)
{
    struct mysql_entry *e = mysql_entry_of(s);
    const char *why = "it closed during the login";

    if (result == MYSQL_LEG_BROKE)
        why = strerror(errno);
    else if (result == MYSQL_LEG_TOO_LONG)
        why = "not what a MySQL server says in a login";
    if (result == MYSQL_LEG_TOO_LONG)
        capture_session(s, CAPTURE_MYSQL, why);
    if (!e->spoken) {
        mysql_auth_give_up(s, true, why);
        return;
    }
    upstream_observe(s->server->server);
    mysql_entry_end(s, "SH", MYSQL_REFUSAL_BROKEN,
                    "Lost connection to the server during the login");
}
