/* SPDX-License-Identifier: MIT */
/*
 * The compiler of "${...}" texts: two passes over the source, one that counts
 * and checks, one that fills the pieces.
 */
#include "config/template.h"

#include <ctype.h>
#include <stdio.h>

#include "config/memory.h"
#include "config/nearest.h"

enum {
    HEADER_MAX = 64, /* bytes of NAME in ${http_NAME} and ${log_NAME} */
};

/* clang-format off */
static const struct template_variable_info VARIABLES[] = {
    [TEMPLATE_VAR_HOST] = {
        "host", TEMPLATE_REQUEST, true,
        "The requested host in lower case, without the port."},
    [TEMPLATE_VAR_URI] = {
        "uri", TEMPLATE_REQUEST, true,
        "The path after rewriting, decoded and normalised."},
    [TEMPLATE_VAR_PATH] = {
        "path", TEMPLATE_REQUEST, true,
        "The same as uri."},
    [TEMPLATE_VAR_ARGS] = {
        "args", TEMPLATE_REQUEST, true,
        "The query, without the question mark."},
    [TEMPLATE_VAR_REQUEST_URI] = {
        "request_uri", TEMPLATE_REQUEST, true,
        "Path and query as the client sent them."},
    [TEMPLATE_VAR_REQUEST] = {
        "request", TEMPLATE_REQUEST, true,
        "The request line as it came."},
    [TEMPLATE_VAR_METHOD] = {
        "method", TEMPLATE_REQUEST, true,
        "GET, POST and so on."},
    [TEMPLATE_VAR_SCHEME] = {
        "scheme", TEMPLATE_REQUEST, true,
        "http or https."},
    [TEMPLATE_VAR_PROTOCOL] = {
        "protocol", TEMPLATE_REQUEST, true,
        "HTTP/1.1 or HTTP/1.0."},
    [TEMPLATE_VAR_STATUS] = {
        "status", TEMPLATE_RESPONSE, true,
        "The status code of the response."},
    [TEMPLATE_VAR_BYTES_SENT] = {
        "bytes_sent", TEMPLATE_LOG, false,
        "Bytes sent to the client, heads included."},
    [TEMPLATE_VAR_BODY_BYTES] = {
        "body_bytes", TEMPLATE_LOG, true,
        "Bytes of the body sent to the client."},
    [TEMPLATE_VAR_REMOTE_ADDR] = {
        "remote_addr", TEMPLATE_CONNECTED, false,
        "The client's address."},
    [TEMPLATE_VAR_REMOTE_PORT] = {
        "remote_port", TEMPLATE_CONNECTED, false,
        "The client's port."},
    [TEMPLATE_VAR_SERVER_ADDR] = {
        "server_addr", TEMPLATE_CONNECTED, false,
        "The address that the client connected to."},
    [TEMPLATE_VAR_SERVER_PORT] = {
        "server_port", TEMPLATE_CONNECTED, false,
        "The port that the client connected to."},
    [TEMPLATE_VAR_LISTENER] = {
        "listener", TEMPLATE_CONNECTED, false,
        "The name of the section that accepted the connection."},
    [TEMPLATE_VAR_UPSTREAM] = {
        "upstream", TEMPLATE_SERVER, false,
        "The name of the upstream."},
    [TEMPLATE_VAR_SERVER] = {
        "server", TEMPLATE_SERVER, false,
        "The name of the server that was used."},
    [TEMPLATE_VAR_TIME_MS] = {
        "time_ms", TEMPLATE_LOG, false,
        "Milliseconds from the beginning to the end."},
    [TEMPLATE_VAR_CONNECT_MS] = {
        "connect_ms", TEMPLATE_SERVER, false,
        "Milliseconds until the server was connected."},
    [TEMPLATE_VAR_UPSTREAM_MS] = {
        "upstream_ms", TEMPLATE_RESPONSE, true,
        "Milliseconds until the server's response began."},
    [TEMPLATE_VAR_RETRIES] = {
        "retries", TEMPLATE_SERVER, false,
        "Further attempts that were made."},
    [TEMPLATE_VAR_REFERER] = {
        "referer", TEMPLATE_REQUEST, true,
        "The Referer header."},
    [TEMPLATE_VAR_USER_AGENT] = {
        "user_agent", TEMPLATE_REQUEST, true,
        "The User-Agent header."},
    [TEMPLATE_VAR_HTTP] = {
        "http_", TEMPLATE_REQUEST, true,
        "With a NAME behind it: that request header, its - written as _."},
    [TEMPLATE_VAR_LOG] = {
        "log_", TEMPLATE_LOG, true,
        "With a NAME behind it: what a script's log hook returned for it."},
    [TEMPLATE_VAR_TIME_LOCAL] = {
        "time_local", TEMPLATE_CONNECTED, false,
        "The time, as 24/Nov/2026:13:50:00 +0000."},
    [TEMPLATE_VAR_TIME_ISO] = {
        "time_iso", TEMPLATE_CONNECTED, false,
        "The time, as 2026-11-24T13:50:00+00:00."},
    [TEMPLATE_VAR_WORKER] = {
        "worker", TEMPLATE_CONNECTED, false,
        "The number of the worker."},
    [TEMPLATE_VAR_SAMPLE] = {
        "sample", TEMPLATE_LOG, false,
        "How many records this one stands for, by log_sample; 1 for errors."},
    [TEMPLATE_VAR_USER] = {
        "user", TEMPLATE_LOG, false,
        "The user who logs in, in mysql sections."},
    [TEMPLATE_VAR_SCHEMA] = {
        "schema", TEMPLATE_LOG, false,
        "The schema that the login names, in mysql sections; with visible = on "
        "the last one."},
    [TEMPLATE_VAR_PROGRAM] = {
        "program", TEMPLATE_LOG, false,
        "The program that the login names, in mysql sections."},
    [TEMPLATE_VAR_QUERIES] = {
        "queries", TEMPLATE_LOG, false,
        "Statements that were sent, in mysql sections with visible = on."},
    [TEMPLATE_VAR_TRANSACTIONS] = {
        "transactions", TEMPLATE_LOG, false,
        "Transactions that have ended; likewise."},
    [TEMPLATE_VAR_ERRORS] = {
        "errors", TEMPLATE_LOG, false,
        "Errors that the server answered; likewise."},
    [TEMPLATE_VAR_ERROR] = {
        "error", TEMPLATE_LOG, false,
        "The number of the last of them; likewise."},
    [TEMPLATE_VAR_DOCUMENT_ROOT] = {
        "document_root", TEMPLATE_REQUEST, true,
        "The root that the request is served from."},
};
/* clang-format on */

/* How a fault says that a variable comes too early. */
static const char *const PHASE_WORDS[] = {
    [TEMPLATE_CONNECTED] = "when a client has connected",
    [TEMPLATE_REQUEST] = "when the request has been read",
    [TEMPLATE_SERVER] = "when a server has been picked",
    [TEMPLATE_RESPONSE] = "when the response has begun",
    [TEMPLATE_LOG] = "in access_log, when all is over",
};

struct compiler {
    struct str rest; /* what was not read yet */
    enum template_phase phase;
    bool http;
    char *why;
    size_t size;
};

const struct template_variable_info *
template_variable_info(enum template_variable variable)
{
    return &VARIABLES[variable];
}

bool
template_is_literal(const struct template *t)
{
    return t->piece_count == 0 ||
           (t->piece_count == 1 && t->pieces[0].variable == TEMPLATE_LITERAL);
}

/* Is NAME one of VARIABLE's, with a name of its own behind the variable's? Sets
 * *REST to that. */
static bool
is_prefixed(struct str name, enum template_variable variable, struct str *rest)
{
    struct str prefix = str_from(VARIABLES[variable].name);

    if (!str_starts_with(name, prefix) || name.len == prefix.len ||
        name.len - prefix.len > HEADER_MAX)
        return false;
    for (size_t i = prefix.len; i < name.len; i++)
        if (!isalnum((unsigned char)name.p[i]) && name.p[i] != '_')
            return false;
    *rest = str_slice(name, prefix.len, name.len);
    return true;
}

/* Which variable NAME is; sets *REST for ${http_NAME} and ${log_NAME}. */
static enum template_variable
find_variable(struct str name, struct str *rest)
{
    for (enum template_variable v = 1; v < TEMPLATE_VARIABLE_COUNT; v++)
        if (v != TEMPLATE_VAR_HTTP && v != TEMPLATE_VAR_LOG &&
            str_equal(name, str_from(VARIABLES[v].name)))
            return v;
    if (is_prefixed(name, TEMPLATE_VAR_HTTP, rest))
        return TEMPLATE_VAR_HTTP;
    if (is_prefixed(name, TEMPLATE_VAR_LOG, rest))
        return TEMPLATE_VAR_LOG;
    return TEMPLATE_LITERAL;
}

static int
refuse_unknown(const struct compiler *c, struct str name)
{
    struct nearest nearest;
    char hint[64];

    nearest_init(&nearest, name);
    for (enum template_variable v = 1; v < TEMPLATE_VARIABLE_COUNT; v++)
        nearest_offer(&nearest, str_from(VARIABLES[v].name));
    (void)snprintf(c->why, c->size, "unknown variable ${" STR_FMT "}%s",
                   STR_ARG(name), nearest_hint(&nearest, hint, sizeof(hint)));
    return -1;
}

/* May VARIABLE stand here? */
static int
check_variable(const struct compiler *c, enum template_variable variable,
               struct str name)
{
    const struct template_variable_info *info = &VARIABLES[variable];

    if (info->http_only && !c->http) {
        (void)snprintf(c->why, c->size,
                       "${" STR_FMT "} has a value in [http] only",
                       STR_ARG(name));
        return -1;
    }
    if (info->phase > c->phase) {
        (void)snprintf(c->why, c->size,
                       "${" STR_FMT "} has no value here, but only %s",
                       STR_ARG(name), PHASE_WORDS[info->phase]);
        return -1;
    }
    return 0;
}

/* Where the next "${" is, or the end. */
static size_t
literal_len(struct str s)
{
    for (size_t i = 0; i + 1 < s.len; i++)
        if (s.p[i] == '$' && s.p[i + 1] == '{')
            return i;
    return s.len;
}

/* Takes one piece from the rest: 1, 0 at the end, -1 with *why. */
static int
next_piece(struct compiler *c, struct template_piece *out)
{
    size_t len = literal_len(c->rest);
    struct str header = {.p = NULL};
    struct str name;
    ptrdiff_t end;

    if (c->rest.len == 0)
        return 0;
    if (len > 0) {
        *out = (struct template_piece){.variable = TEMPLATE_LITERAL,
                                       .text = str_slice(c->rest, 0, len)};
        c->rest = str_slice(c->rest, len, c->rest.len);
        return 1;
    }
    end = str_find_char(c->rest, '}', 2);
    if (end < 0) {
        (void)snprintf(c->why, c->size, "'${' without its '}'");
        return -1;
    }
    name = str_slice(c->rest, 2, (size_t)end);
    out->variable = find_variable(name, &header);
    out->text = header;
    if (out->variable == TEMPLATE_LITERAL)
        return refuse_unknown(c, name);
    if (check_variable(c, out->variable, name) != 0)
        return -1;
    c->rest = str_slice(c->rest, (size_t)end + 1, c->rest.len);
    return 1;
}

/* "User_Agent" as requests are searched for it: "user-agent". */
static void
spell_header(struct template_piece *piece, struct arena *arena)
{
    char *text = memory_alloc(arena, piece->text.len + 1);

    for (size_t i = 0; i < piece->text.len; i++)
        text[i] = piece->text.p[i] == '_'
                      ? '-'
                      : (char)tolower((unsigned char)piece->text.p[i]);
    piece->text.p = text;
}

int
template_compile(struct template *out, struct arena *arena, struct str source,
                 enum template_phase phase, bool http, char *why, size_t size)
{
    struct compiler c = {source, phase, http, why, size};
    struct template_piece piece;
    struct template_piece *pieces;
    size_t count = 0;
    int result;

    while ((result = next_piece(&c, &piece)) > 0)
        count++;
    if (result < 0)
        return -1;
    pieces = memory_alloc(arena, count * sizeof(*pieces));
    c.rest = source;
    for (size_t i = 0; i < count; i++) {
        (void)next_piece(&c, &pieces[i]);
        if (pieces[i].variable == TEMPLATE_VAR_HTTP)
            spell_header(&pieces[i], arena);
    }
    *out = (struct template){
        .pieces = pieces, .piece_count = count, .source = source};
    return 0;
}
