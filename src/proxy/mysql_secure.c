/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_secure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "codec/mysql_switch.h"
#include "net/tls.h"
#include "proxy/engine.h"
#include "proxy/listener.h"
#include "proxy/pool.h"
#include "proxy/section.h"
#include "proxy/secure.h"
#include "proxy/tcp.h"
#include "proxy/upstream.h"

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

/* Goes on with STREAM's, and keeps why it has failed. */
static enum mysql_secure_result
shake_hands(struct mysql_entry *e, struct stream *stream)
{
    if (tls_handshake(stream) == 0) {
        /* What the handshake has read may have more behind it. */
        stream->readable = true;
        return MYSQL_SECURE_DONE;
    }
    if (errno == EAGAIN)
        return MYSQL_SECURE_WAITS;
    tls_error_text(stream, errno, e->why, sizeof(e->why));
    return MYSQL_SECURE_FAILED;
}

enum mysql_secure_result
mysql_secure_client(struct tcp_session *s)
{
    return shake_hands(mysql_entry_of(s), &s->client);
}

/* --- the server ----------------------------------------------------------- */

static int
begin(struct tcp_session *s, struct mysql_entry *e)
{
    const struct server *server = s->server->server;
    struct stream *stream = &s->server->stream;

    if (mysql_leg_rest(&e->server).len > 0) {
        errno = EPROTO;
        return -1;
    }
    if (tls_connect(stream, server->tls, secure_name(server->conf)) < 0)
        return -1;
    tls_allow_cut(stream);
    mysql_leg_reset(&e->server, stream);
    return 0;
}

enum mysql_secure_result
mysql_secure_server(struct tcp_session *s)
{
    struct mysql_entry *e = mysql_entry_of(s);
    struct stream *stream = &s->server->stream;

    if (mysql_leg_unsent(&e->server) > 0)
        return MYSQL_SECURE_WAITS;
    if (!is_secure(stream) && begin(s, e) < 0) {
        (void)snprintf(e->why, sizeof(e->why), "no TLS: %s", strerror(errno));
        return MYSQL_SECURE_FAILED;
    }
    return shake_hands(e, stream);
}

/* --- passwords ------------------------------------------------------------ */

/* Plugins whose answer is the password itself, of a client that has TLS. */
static bool
is_clear(struct str plugin)
{
    return str_equal(plugin, STR("mysql_clear_password")) ||
           str_equal(plugin, STR("dialog")) ||
           str_equal(plugin, STR("sha256_password"));
}

/* The server wants the password itself, or its encryption by a key that it has
 * to be asked for: which of the two, each side concludes from its own leg. */
static bool
asks_for_all(const struct mysql_entry *e, const struct mysql_packet *packet)
{
    struct str said;

    return e->sha2 && mysql_read_more(&said, packet->p, packet->len) > 0 &&
           said.len == 1 && said.p[0] == MYSQL_SHA2_FULL;
}

bool
mysql_secure_refuses(struct tcp_session *s, const struct mysql_packet *packet)
{
    struct mysql_entry *e = mysql_entry_of(s);
    int shift = mysql_secure_shift(s);
    struct mysql_switch request;
    const char *why = NULL;

    if (mysql_lead(packet) == MYSQL_EOF &&
        mysql_read_switch(&request, packet->p, packet->len) > 0) {
        e->sha2 = str_equal(request.plugin, STR(MYSQL_SHA2_PLUGIN)) ||
                  str_equal(request.plugin, STR("sha256_password"));
        if (shift > 0 && is_clear(request.plugin))
            why = "The server asks for the password itself, which may not "
                  "leave over its connection without TLS: add tls to it";
    } else if (shift != 0 && mysql_lead(packet) == MYSQL_MORE_DATA &&
               asks_for_all(e, packet)) {
        why = shift > 0
                  ? "The server asks for the whole password, which the client "
                    "would send by its TLS alone: add tls to the server"
                  : "The server asks for the whole password, which this client "
                    "can send by TLS alone: connect with TLS";
    }
    if (why == NULL)
        return false;
    mysql_entry_end(s, "PH", MYSQL_REFUSAL_INSECURE, why);
    return true;
}

/* What is asked waits for its answer, so that nothing is behind it. */
bool
mysql_secure_betrays(const struct tcp_session *s, const uint8_t *p, size_t n)
{
    const struct mysql_session *m = s->guest;
    struct mysql_switch request;
    struct mysql_packet packet;
    struct str said;

    if (!m->commands.watch.answering || mysql_secure_shift(s) <= 0 ||
        mysql_read_packet(&packet, p, n, n) <= 0)
        return false;
    if (mysql_lead(&packet) == MYSQL_EOF)
        return mysql_read_switch(&request, packet.p, packet.len) > 0 &&
               is_clear(request.plugin);
    return mysql_lead(&packet) == MYSQL_MORE_DATA &&
           mysql_read_more(&said, packet.p, packet.len) > 0 && said.len == 1 &&
           said.p[0] == MYSQL_SHA2_FULL;
}
