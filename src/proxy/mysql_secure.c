/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_secure.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "codec/mysql_switch.h"
#include "net/tls.h"
#include "proxy/engine.h"
#include "proxy/listener.h"
#include "proxy/mysql_auth.h"
#include "proxy/pool.h"
#include "proxy/section.h"
#include "proxy/tcp.h"
#include "proxy/upstream.h"

enum {
    RSA_MIN = 128, /* bytes of what the shortest key in use encrypts */
    RSA_STEP = 64, /* lengths of keys are multiples of it */
};

static bool
is_secure(const struct stream *stream)
{
    return stream->tls != NULL;
}

int
mysql_secure_shift(const struct tcp_session *s)
{
    return (int)is_secure(&s->client) - (int)is_secure(&s->server->stream);
}

/* --- the client ----------------------------------------------------------- */

/* What came behind its request is of the handshake. */
void
mysql_secure_accept(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);

    if (tls_accept(&s->client, s->listener->tls, mysql_leg_rest(&e->client)) <
        0) {
        log_error("cannot begin TLS: out of memory section=" STR_FMT,
                  STR_ARG(s->section->conf->name));
        tcp_close(s, "PR", "out of memory");
        return;
    }
    tls_allow_cut(&s->client);
    mysql_leg_reset(&e->client, &s->client);
    e->phase = PHASE_CLIENT_TLS;
}

bool
mysql_secure_client(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);

    if (tls_handshake(&s->client) == 0) {
        e->phase = PHASE_LOGIN;
        s->client.readable = true;
        return true;
    }
    if (errno == EAGAIN)
        return false;
    tls_error_text(&s->client, errno, e->why, sizeof(e->why));
    log_debug("no TLS with a client: %s section=" STR_FMT, e->why,
              STR_ARG(s->section->conf->name));
    /* Who could not shake hands would not understand an error either. */
    tcp_close(s, "CR", "the TLS handshake with the client failed");
    return false;
}

/* --- the server ----------------------------------------------------------- */

static const char *
name_of(const struct server_conf *conf)
{
    if (conf->tls.name.p != NULL)
        return conf->tls.name.p;
    return conf->address.is_unix ? "" : conf->address.host.p;
}

void
mysql_secure_ask(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);

    if ((e->server_facts.capabilities & MYSQL_CAN_TLS) == 0) {
        mysql_auth_give_up(s, true, "it offers no TLS");
        return;
    }
    mysql_auth_write_login(s, true);
    if (mysql_entry_of(s)->phase == PHASE_GREETING)
        e->phase = PHASE_SERVER_TLS;
}

static int
begin(struct tcp_session *s, struct mysql_entry *e)
{
    const struct server *server = s->server->server;
    struct stream *stream = &s->server->stream;

    if (mysql_leg_rest(&e->server).len > 0) {
        errno = EPROTO;
        return -1;
    }
    if (tls_connect(stream, server->tls, name_of(server->conf)) < 0)
        return -1;
    tls_allow_cut(stream);
    mysql_leg_reset(&e->server, stream);
    return 0;
}

bool
mysql_secure_server(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);
    struct stream *stream = &s->server->stream;
    char why[TLS_WORDS_MAX];

    if (mysql_leg_unsent(&e->server) > 0)
        return false;
    if ((is_secure(stream) || begin(s, e) == 0) && tls_handshake(stream) == 0) {
        stream->readable = true;
        e->phase = PHASE_GREETING;
        mysql_auth_write_login(s, false);
        return true;
    }
    if (errno == EAGAIN)
        return false;
    tls_error_text(stream, errno, why, sizeof(why));
    mysql_auth_give_up(s, true, why);
    return true;
}

/* --- passwords ------------------------------------------------------------ */

/* Nobody reads along. To clients a Unix socket is so or not, each as it thinks;
 * servers hold it for safe. */
static bool
server_is_safe(const struct tcp_session *s)
{
    return is_secure(&s->server->stream) ||
           s->server->server->conf->address.is_unix;
}

static bool
client_decides(const struct tcp_session *s)
{
    return s->listener->addr.sa.sa_family == AF_UNIX;
}

/* Why an answer that is the password itself may not pass; NULL: it may. */
static const char *
why_not_clear(const struct tcp_session *s, struct str plugin)
{
    bool client = is_secure(&s->client), server = server_is_safe(s);

    if (str_equal(plugin, STR("mysql_clear_password")) && !server)
        return "The server asks for the password itself, which may not "
               "leave over its connection without TLS: add tls to it";
    if (str_equal(plugin, STR("dialog")) && client && !server)
        return "The server asks for the password itself, which may not "
               "leave over its connection without TLS: add tls to it";
    return NULL;
}

/* Why the whole password cannot come to the server, where each side concludes
 * from its own leg whether it is said as it is, or encrypted by a key that has
 * to be asked for; NULL: it can. */
static const char *
why_not_whole(const struct tcp_session *s)
{
    bool client = is_secure(&s->client), server = server_is_safe(s);

    if (client && !server)
        return "The server asks for the whole password, which the client "
               "would send by its TLS alone: add tls to the server";
    if (!client && server && !client_decides(s))
        return "The server asks for the whole password, which this client "
               "can send by TLS alone: connect with TLS";
    return NULL;
}

static const char *
why_no_switch(struct tcp_session *s, struct str plugin)
{
    struct mysql_entry *e = mysql_entry_of(s);
    const char *why = why_not_clear(s, plugin);

    e->sha2 = str_equal(plugin, STR(MYSQL_SHA2_PLUGIN));
    e->whole = 0;
    if (why != NULL || !str_equal(plugin, STR("sha256_password")))
        return why;
    /* It has the password said whole at once. */
    e->whole = MYSQL_SHA256_SEND_KEY;
    return why_not_whole(s);
}

bool
mysql_secure_refuses(struct tcp_session *s, const struct mysql_packet *packet)
{
    struct mysql_entry *e = mysql_entry_of(s);
    struct mysql_switch request;
    const char *why = NULL;
    struct str said;

    if (mysql_lead(packet) == MYSQL_EOF &&
        mysql_read_switch(&request, packet->p, packet->len) > 0) {
        why = why_no_switch(s, request.plugin);
    } else if (e->sha2 && mysql_read_more(&said, packet->p, packet->len) > 0 &&
               said.len == 1 && said.p[0] == MYSQL_SHA2_FULL) {
        e->whole = MYSQL_SHA2_SEND_KEY;
        why = why_not_whole(s);
    }
    if (why == NULL)
        return false;
    mysql_entry_end(s, "PH", MYSQL_REFUSAL_INSECURE, why);
    return true;
}

bool
mysql_secure_bares(struct tcp_session *s, const struct mysql_packet *packet)
{
    struct mysql_entry *e = mysql_entry_of(s);
    uint8_t key = e->whole;

    e->whole = 0;
    if (key == 0 || server_is_safe(s) || packet->len == 0)
        return false;
    /* There is no password; or its key is asked for. */
    if (packet->len == 1 && (packet->p[0] == 0 || packet->p[0] == key))
        return false;
    /* Encrypted at once, by a key that the client knows: as long as RSA has it,
     * which hardly any password is. */
    if (packet->len >= RSA_MIN && packet->len % RSA_STEP == 0)
        return false;
    mysql_entry_end(s, "CH", MYSQL_REFUSAL_INSECURE,
                    "The password may not leave as it is over the server's "
                    "connection without TLS: add tls to it");
    return true;
}

bool
mysql_secure_may_change(const struct tcp_session *s)
{
    return !is_secure(&s->client) || server_is_safe(s) ||
           !mysql_entry_of(s)->server_facts.sha2;
}
