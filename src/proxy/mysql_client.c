/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec/mysql_login.h"
#include "codec/mysql_switch.h"
#include "net/crypto.h"
#include "net/tls.h"
#include "proxy/log_text.h"
#include "proxy/mysql_front.h"

#define PLUGIN_UNKNOWN "no support for the user's plugin %s"

enum {
    OUT_MAX = 4096,        /* bytes of what is written at once */
    ATTRIBUTES_LEN = 64,   /* bytes of the attributes that are told */
    MAX_PACKET = 16 << 20, /* what is told to the server; more is never
                              taken than MYSQL_CLIENT_BUFFER */
    WANTED = MYSQL_CAN_MYSQL | MYSQL_CAN_PROTOCOL_41 | MYSQL_CAN_TRANSACTIONS |
             MYSQL_CAN_CHALLENGE | MYSQL_CAN_PLUGINS | MYSQL_CAN_ATTRIBUTES |
             MYSQL_CAN_LENENC | MYSQL_CAN_END_BY_OK,
};

static enum mysql_outcome broken(struct mysql_client *client, const char *fmt,
                                 ...) __attribute__((format(printf, 2, 3)));

static enum mysql_outcome
broken(struct mysql_client *client, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(client->reason, sizeof(client->reason), fmt, args);
    va_end(args);
    client->number = 0;
    return MYSQL_OUTCOME_BROKEN;
}

/* Where it has come to, for the words of a failure. */
static const char *
place_of(const struct mysql_client *client)
{
    switch (client->phase) {
    case MYSQL_CLIENT_GREETING:
        return "before its greeting";
    case MYSQL_CLIENT_TLS:
    case MYSQL_CLIENT_LOGIN:
        return "during the login";
    case MYSQL_CLIENT_READY:
    case MYSQL_CLIENT_RESULT:
        break;
    }
    return "during a query";
}

/* Writes all of it: a check's few bytes always fit into an empty socket. */
static enum mysql_outcome
write_all(struct mysql_client *client, const struct buf *out)
{
    ssize_t n;

    if (out->failed)
        return broken(client, "a name or an answer is too long for MySQL");
    n = stream_write(client->stream, out->p, out->len);
    if (n >= 0 && (size_t)n == out->len)
        return MYSQL_OUTCOME_WAIT;
    return broken(client, "%s %s", n < 0 ? strerror(errno) : "stuck",
                  place_of(client));
}

static enum mysql_outcome
write_answer(struct mysql_client *client, uint8_t sequence, const uint8_t *p,
             size_t n)
{
    char space[OUT_MAX];
    struct buf out;

    buf_init(&out, space, sizeof(space));
    mysql_write_packet(&out, sequence, str_make((const char *)p, n));
    return write_all(client, &out);
}

/* --- the login ------------------------------------------------------------ */

static struct str
challenge_of(const struct mysql_client *client)
{
    return str_make((const char *)client->challenge, client->challenge_len);
}

static void
set_plugin(struct mysql_client *client, struct str name, struct str challenge)
{
    size_t len = challenge.len;

    if (len > sizeof(client->challenge))
        len = sizeof(client->challenge);
    if (len > 0)
        memcpy(client->challenge, challenge.p, len);
    client->challenge_len = len;
    client->plugin = mysql_plugin_find(name);
    (void)log_text_set(client->plugin_name, sizeof(client->plugin_name), name);
}

static uint32_t
login_can(const struct mysql_client *client)
{
    uint32_t tls = client->tls == NULL ? 0 : MYSQL_CAN_TLS;

    return client->capabilities | tls;
}

static enum mysql_outcome
write_login(struct mysql_client *client)
{
    char attributes_space[ATTRIBUTES_LEN];
    uint8_t answer[MYSQL_ANSWER_MAX];
    struct mysql_login login = {
        .capabilities = login_can(client),
        .max_packet = MAX_PACKET,
        .charset = MYSQL_UTF8MB4,
        .user = client->user,
        .plugin = str_from(client->plugin_name),
    };
    ssize_t len = mysql_password_answer(answer, client->plugin,
                                        client->password, challenge_of(client));
    char space[OUT_MAX];
    struct buf out, attributes;

    if (len < 0)
        return broken(client, "no answer to the challenge of %s",
                      client->plugin_name);
    buf_init(&attributes, attributes_space, sizeof(attributes_space));
    mysql_write_attribute(&attributes, STR("program_name"), STR("moongate"));
    login.attributes = buf_text(&attributes);
    login.answer = str_make((const char *)answer, (size_t)len);
    buf_init(&out, space, sizeof(space));
    mysql_write_login(&out, client->sequence, &login);
    client->phase = MYSQL_CLIENT_LOGIN;
    return write_all(client, &out);
}

/* --- TLS ------------------------------------------------------------------ */

static enum mysql_outcome
no_tls(struct mysql_client *client, int error)
{
    char words[TLS_WORDS_MAX];

    return broken(client, "%s",
                  tls_error_text(client->stream, error, words, sizeof(words)));
}

/* Asks for it, which takes a number, and begins it. */
static enum mysql_outcome
ask_for_tls(struct mysql_client *client)
{
    const struct mysql_login login = {
        .capabilities = login_can(client),
        .max_packet = MAX_PACKET,
        .charset = MYSQL_UTF8MB4,
    };
    char space[OUT_MAX];
    struct buf out;

    if ((client->facts.capabilities & MYSQL_CAN_TLS) == 0)
        return broken(client, "it offers no TLS");
    if (client->start < client->end)
        return broken(client, "unexpected bytes behind the greeting");
    buf_init(&out, space, sizeof(space));
    mysql_write_tls_request(&out, client->sequence++, &login);
    if (write_all(client, &out) != MYSQL_OUTCOME_WAIT)
        return MYSQL_OUTCOME_BROKEN;
    if (tls_connect(client->stream, client->tls, client->tls_name) < 0)
        return no_tls(client, errno);
    tls_allow_cut(client->stream);
    client->phase = MYSQL_CLIENT_TLS;
    return MYSQL_OUTCOME_WAIT;
}

static enum mysql_outcome
shake_hands(struct mysql_client *client)
{
    if (tls_handshake(client->stream) < 0)
        return errno == EAGAIN ? MYSQL_OUTCOME_WAIT : no_tls(client, errno);
    client->stream->readable = true;
    return write_login(client);
}

static enum mysql_outcome
on_greeting(struct mysql_client *client, const struct mysql_packet *packet)
{
    struct mysql_greeting greeting;
    ssize_t got = mysql_read_greeting(&greeting, packet->p, packet->len);

    if (packet->sequence != 0 || got < 0)
        return broken(client, "not the greeting of a MySQL server");
    (void)log_text_set(client->version, sizeof(client->version),
                       mysql_bare_version(greeting.version));
    client->facts = mysql_front_facts(&greeting);
    client->greeted = true;
    client->capabilities = greeting.capabilities & WANTED;
    /* What a server's default plugin is need not be the user's: one that is
     * not known here is answered in the name of one that every server has. */
    if (mysql_plugin_find(greeting.plugin) == MYSQL_PLUGIN_OTHER ||
        mysql_plugin_find(greeting.plugin) == MYSQL_PLUGIN_ED25519)
        greeting.plugin = STR("mysql_native_password");
    set_plugin(
        client, greeting.plugin,
        str_make((const char *)greeting.challenge, greeting.challenge_len));
    client->sequence = (uint8_t)(packet->sequence + 1);
    return client->tls == NULL ? write_login(client) : ask_for_tls(client);
}

static enum mysql_outcome
on_switch(struct mysql_client *client, const struct mysql_packet *packet)
{
    uint8_t answer[MYSQL_ANSWER_MAX];
    struct mysql_switch request;
    ssize_t len = mysql_read_switch(&request, packet->p, packet->len);

    if (len < 0)
        return broken(client, "%s during the login",
                      mysql_error_text((enum mysql_error)len));
    set_plugin(client, request.plugin, request.data);
    len = mysql_password_answer(answer, client->plugin, client->password,
                                challenge_of(client));
    if (len < 0)
        return broken(client, "no answer to the challenge of %s",
                      client->plugin_name);
    return write_answer(client, (uint8_t)(packet->sequence + 1), answer,
                        (size_t)len);
}

/* The server wants the password itself, and has sent the key to hide it. */
static enum mysql_outcome
on_key(struct mysql_client *client, uint8_t sequence, struct str pem)
{
    uint8_t hidden[CRYPTO_RSA_MAX];
    ssize_t len = mysql_password_encrypt(
        hidden, sizeof(hidden), client->password, challenge_of(client), pem);

    if (len < 0)
        return broken(client, "no use for the server's public key");
    return write_answer(client, sequence, hidden, (size_t)len);
}

/* It wants the password itself, which TLS hides: with a NUL behind it. */
static enum mysql_outcome
on_clear(struct mysql_client *client, uint8_t sequence)
{
    char space[OUT_MAX];
    struct buf said;

    buf_init(&said, space, sizeof(space));
    buf_str(&said, client->password);
    buf_char(&said, '\0');
    if (said.failed)
        return broken(client, "the password is too long");
    return write_answer(client, sequence, (const uint8_t *)said.p, said.len);
}

static enum mysql_outcome
on_more(struct mysql_client *client, const struct mysql_packet *packet)
{
    static const uint8_t send_key = MYSQL_SHA2_SEND_KEY;
    uint8_t sequence = (uint8_t)(packet->sequence + 1);
    struct str said;
    ssize_t got = mysql_read_more(&said, packet->p, packet->len);

    /* Whatever an unknown plugin says is answered with nothing. */
    if (got > 0 && client->plugin == MYSQL_PLUGIN_OTHER)
        return write_answer(client, sequence, NULL, 0);
    if (got < 0 || client->plugin != MYSQL_PLUGIN_SHA2 || said.len == 0)
        return broken(client, "unexpected MySQL packet during the login");
    if (said.len > 1)
        return on_key(client, sequence, said);
    if (said.p[0] == MYSQL_SHA2_FAST)
        return MYSQL_OUTCOME_WAIT;
    if (said.p[0] != MYSQL_SHA2_FULL)
        return broken(client, "unexpected MySQL packet during the login");
    if (client->tls != NULL)
        return on_clear(client, sequence);
    return write_answer(client, sequence, &send_key, 1);
}

/* --- what the server says ------------------------------------------------- */

/* Is that why a login fails? The server's own words would say no more than that
 * the user has no access. */
static bool
is_plugin_unknown(const struct mysql_client *client)
{
    return client->phase == MYSQL_CLIENT_LOGIN &&
           client->plugin == MYSQL_PLUGIN_OTHER;
}

static enum mysql_outcome
refused(struct mysql_client *client, const struct mysql_err *err)
{
    struct buf out;

    client->number = err->number;
    if (is_plugin_unknown(client)) {
        (void)snprintf(client->reason, sizeof(client->reason), PLUGIN_UNKNOWN,
                       client->plugin_name);
        return MYSQL_OUTCOME_REFUSED;
    }
    buf_init(&out, client->reason, sizeof(client->reason) - 1);
    buf_uint(&out, err->number);
    if (err->state.len > 0) {
        buf_str(&out, STR(" ("));
        log_text_write(&out, LOG_TEXT_NGINX, err->state, out.cap - out.len);
        buf_char(&out, ')');
    }
    buf_str(&out, STR(": "));
    log_text_write(&out, LOG_TEXT_NGINX, err->text, out.cap - out.len);
    client->reason[out.len] = '\0';
    return MYSQL_OUTCOME_REFUSED;
}

static enum mysql_outcome
on_login(struct mysql_client *client, const struct mysql_packet *packet)
{
    struct mysql_ok ok;
    ssize_t got;

    switch (mysql_lead(packet)) {
    case MYSQL_EOF:
        return on_switch(client, packet);
    case MYSQL_MORE_DATA:
        return on_more(client, packet);
    case MYSQL_OK:
        got = mysql_read_ok(&ok, packet->p, packet->len);
        if (got < 0)
            break;
        client->phase = MYSQL_CLIENT_READY;
        return MYSQL_OUTCOME_DONE;
    default:
        break;
    }
    return broken(client, "unexpected MySQL packet during the login");
}

static enum mysql_outcome
on_row_packet(struct mysql_client *client, const struct mysql_packet *packet)
{
    struct str values[MYSQL_CLIENT_COLUMNS_MAX];
    size_t columns = client->result.columns;
    ssize_t got = mysql_read_row(values, columns, packet->p, packet->len);

    if (got < 0)
        return broken(client, "%s during a query",
                      mysql_error_text((enum mysql_error)got));
    client->on_row(client->arg, values, columns);
    return MYSQL_OUTCOME_WAIT;
}

static enum mysql_outcome
on_result(struct mysql_client *client, const struct mysql_packet *packet)
{
    int part = mysql_result_next(&client->result, packet->p, packet->len);

    if (part < 0)
        return broken(client, "%s during a query",
                      mysql_error_text((enum mysql_error)part));
    if (part == MYSQL_PART_COUNT &&
        client->result.columns > MYSQL_CLIENT_COLUMNS_MAX)
        return broken(client, "too many columns during a query");
    if (part == MYSQL_PART_ROW)
        return on_row_packet(client, packet);
    if (client->result.state != MYSQL_RESULT_DONE)
        return MYSQL_OUTCOME_WAIT;
    client->phase = MYSQL_CLIENT_READY;
    return MYSQL_OUTCOME_DONE;
}

static enum mysql_outcome
on_packet(struct mysql_client *client, const struct mysql_packet *packet)
{
    struct mysql_err err;

    if (mysql_lead(packet) == MYSQL_ERR) {
        if (mysql_read_err(&err, packet->p, packet->len) < 0)
            return broken(client, "unexpected MySQL packet %s",
                          place_of(client));
        return refused(client, &err);
    }
    switch (client->phase) {
    case MYSQL_CLIENT_GREETING:
        return on_greeting(client, packet);
    case MYSQL_CLIENT_LOGIN:
        return on_login(client, packet);
    case MYSQL_CLIENT_RESULT:
        return on_result(client, packet);
    case MYSQL_CLIENT_TLS:
    case MYSQL_CLIENT_READY:
        break;
    }
    return broken(client, "unexpected MySQL packet between queries");
}

/* --- bytes ---------------------------------------------------------------- */

/* Takes the packets that are there. */
static enum mysql_outcome
take_packets(struct mysql_client *client)
{
    enum mysql_outcome outcome = MYSQL_OUTCOME_WAIT;
    struct mysql_packet packet;

    while (outcome == MYSQL_OUTCOME_WAIT) {
        ssize_t got = mysql_read_packet(&packet, client->in + client->start,
                                        client->end - client->start,
                                        sizeof(client->in) - MYSQL_HEADER_LEN);

        if (got < 0 && client->phase == MYSQL_CLIENT_GREETING)
            return broken(client, "not the greeting of a MySQL server");
        if (got < 0)
            return broken(client, "%s %s",
                          mysql_error_text((enum mysql_error)got),
                          place_of(client));
        if (got == 0)
            return MYSQL_OUTCOME_WAIT;
        client->start += (size_t)got;
        outcome = on_packet(client, &packet);
    }
    return outcome;
}

static enum mysql_outcome
closed(struct mysql_client *client)
{
    if (is_plugin_unknown(client))
        return broken(client, PLUGIN_UNKNOWN, client->plugin_name);
    return broken(client, "closed %s", place_of(client));
}

/* WAIT: something was read, or there is nothing now. */
static enum mysql_outcome
read_some(struct mysql_client *client)
{
    size_t left = client->end - client->start;
    ssize_t got;

    memmove(client->in, client->in + client->start, left);
    client->start = 0;
    client->end = left;
    got = stream_read(client->stream, client->in + left,
                      sizeof(client->in) - left);
    if (got == 0)
        return closed(client);
    if (got < 0 && errno != EAGAIN)
        return broken(client, "%s %s", strerror(errno), place_of(client));
    if (got > 0) {
        client->end += (size_t)got;
        client->received += (size_t)got;
    }
    if (client->received > MYSQL_CLIENT_ANSWER_MAX)
        return broken(client, "too many bytes %s", place_of(client));
    return MYSQL_OUTCOME_WAIT;
}

static enum mysql_outcome
read_packets(struct mysql_client *client)
{
    enum mysql_outcome outcome = read_some(client);

    return outcome == MYSQL_OUTCOME_WAIT ? take_packets(client) : outcome;
}

enum mysql_outcome
mysql_client_step(struct mysql_client *client)
{
    enum mysql_outcome outcome = MYSQL_OUTCOME_WAIT;

    while (outcome == MYSQL_OUTCOME_WAIT) {
        if (client->phase == MYSQL_CLIENT_TLS) {
            outcome = shake_hands(client);
            if (client->phase == MYSQL_CLIENT_TLS)
                return outcome;
        } else if (client->stream->readable) {
            outcome = read_packets(client);
        } else {
            return MYSQL_OUTCOME_WAIT;
        }
    }
    return outcome;
}

/* --- the caller ----------------------------------------------------------- */

void
mysql_client_begin(struct mysql_client *client, struct stream *stream,
                   const struct mysql_client_conf *conf)
{
    client->stream = stream;
    client->user = conf->user;
    client->password = conf->password;
    client->tls = conf->tls;
    client->tls_name = conf->tls_name;
    client->phase = MYSQL_CLIENT_GREETING;
    client->greeted = false;
    client->number = 0;
    client->received = client->start = client->end = 0;
    client->reason[0] = client->version[0] = '\0';
}

enum mysql_outcome
mysql_client_query(struct mysql_client *client, struct str query,
                   mysql_row_fn on_row, void *arg)
{
    char space[OUT_MAX];
    struct buf out;

    client->on_row = on_row;
    client->arg = arg;
    client->number = 0;
    client->received = 0;
    client->phase = MYSQL_CLIENT_RESULT;
    mysql_result_init(&client->result, client->capabilities);
    buf_init(&out, space, sizeof(space));
    mysql_write_command(&out, MYSQL_COM_QUERY, query);
    return write_all(client, &out);
}

void
mysql_client_quit(struct mysql_client *client)
{
    char space[MYSQL_HEADER_LEN + 1];
    struct buf out;

    buf_init(&out, space, sizeof(space));
    mysql_write_command(&out, MYSQL_COM_QUIT, STR(""));
    (void)write_all(client, &out);
}
