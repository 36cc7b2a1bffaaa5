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
    bool is_clear = str_equal(plugin, STR("mysql_clear_password")) ||
                    (client && str_equal(plugin, STR("dialog")));

    if (is_clear && !server)
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
mysql_secure_guards(struct tcp_session *s)
{
    struct mysql_session *m = s->guest;

    if (mysql_secure_shift(s) <= 0)
        return false;
    mysql_framer_init(&m->answers);
    return true;
}

/* The name of a plugin is whole in the first bytes, or none that matters. */
static bool
asks_for_password(const struct tcp_session *s, const struct mysql_framer *said)
{
    const char *p = (const char *)said->head;
    struct str plugin;

    if (said->head_len < 2)
        return false;
    if (said->head[0] == MYSQL_MORE_DATA)
        return said->len == 2 && said->head[1] == MYSQL_SHA2_FULL;
    if (said->head[0] != MYSQL_EOF)
        return false;
    plugin = str_make(p + 1, strnlen(p + 1, said->head_len - 1));
    return why_not_clear(s, plugin) != NULL ||
           str_equal(plugin, STR("sha256_password"));
}

bool
mysql_secure_betrays(struct tcp_session *s, uint8_t *p, size_t n)
{
    struct mysql_session *m = s->guest;
    bool found = false;
    enum mysql_frame frame;
    size_t at = 0, used;

    do {
        frame = mysql_framer_next(&m->answers, p + at, n - at, &used);
        at += used;
        if (frame == MYSQL_FRAME_HEAD && m->commands.watch.answering)
            found = found || asks_for_password(s, &m->answers);
    } while (frame != MYSQL_FRAME_MORE);
    return found;
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
