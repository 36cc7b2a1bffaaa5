/* SPDX-License-Identifier: MIT */
/*
 * Text with variables: "/srv/${host}/www" compiled into pieces, so that
 * expanding it is one walk and no search. Plain data; who knows the values
 * (the proxy) does the walk.
 *
 *     "/srv/"  ${host}  "/www"
 *     literal  variable literal
 */
#ifndef CONFIG_TEMPLATE_H
#define CONFIG_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/str.h"

/* When a variable has a value; each includes the ones above it. */
enum template_phase {
    TEMPLATE_CONNECTED, /* a client has connected */
    TEMPLATE_REQUEST,   /* a request head has been read (http only) */
    TEMPLATE_SERVER,    /* a server has been picked */
    TEMPLATE_RESPONSE,  /* the response's head is known (http only) */
    TEMPLATE_LOG,       /* the exchange or session is over */
};

/*
 * The variables: id, name, since which phase, whether only [http] has it, a
 * sentence for the manual. The names are what stands between ${ and }.
 */
#define TEMPLATE_VARIABLES(X)                                                  \
    X(HOST, "host", REQUEST, true,                                             \
      "the requested host in lower case, without the port")                    \
    X(URI, "uri", REQUEST, true,                                               \
      "the path after rewriting, decoded and normalised")                      \
    X(PATH, "path", REQUEST, true, "the same as uri")                          \
    X(ARGS, "args", REQUEST, true, "the query, without the question mark")     \
    X(REQUEST_URI, "request_uri", REQUEST, true,                               \
      "path and query as the client sent them")                                \
    X(REQUEST, "request", REQUEST, true, "the request line as it came")        \
    X(METHOD, "method", REQUEST, true, "GET, POST and so on")                  \
    X(SCHEME, "scheme", REQUEST, true, "http or https")                        \
    X(PROTOCOL, "protocol", REQUEST, true, "HTTP/1.1 or HTTP/1.0")             \
    X(STATUS, "status", RESPONSE, true, "the status code of the response")     \
    X(BYTES_SENT, "bytes_sent", LOG, false,                                    \
      "bytes sent to the client, heads included")                              \
    X(BODY_BYTES, "body_bytes", LOG, true,                                     \
      "bytes of the body sent to the client")                                  \
    X(REMOTE_ADDR, "remote_addr", CONNECTED, false, "the client's address")    \
    X(REMOTE_PORT, "remote_port", CONNECTED, false, "the client's port")       \
    X(SERVER_ADDR, "server_addr", CONNECTED, false,                            \
      "the address that the client connected to")                              \
    X(SERVER_PORT, "server_port", CONNECTED, false,                            \
      "the port that the client connected to")                                 \
    X(LISTENER, "listener", CONNECTED, false,                                  \
      "the name of the section that accepted the connection")                  \
    X(UPSTREAM, "upstream", SERVER, false, "the name of the upstream")         \
    X(SERVER, "server", SERVER, false, "the name of the server that was used") \
    X(TIME_MS, "time_ms", LOG, false,                                          \
      "milliseconds from the first to the end")                                \
    X(CONNECT_MS, "connect_ms", SERVER, false,                                 \
      "milliseconds until the server was connected")                           \
    X(UPSTREAM_MS, "upstream_ms", RESPONSE, true,                              \
      "milliseconds until the head of the server's response")                  \
    X(RETRIES, "retries", SERVER, false, "further attempts that were made")    \
    X(REFERER, "referer", REQUEST, true, "the Referer header")                 \
    X(USER_AGENT, "user_agent", REQUEST, true, "the User-Agent header")        \
    X(HTTP, "http_", REQUEST, true,                                            \
      "http_NAME: the request header NAME, - written as _")                    \
    X(TIME_LOCAL, "time_local", CONNECTED, false,                              \
      "the time, as 24/Nov/2026:13:50:00 +0000")                               \
    X(TIME_ISO, "time_iso", CONNECTED, false,                                  \
      "the time, as 2026-11-24T13:50:00+00:00")                                \
    X(WORKER, "worker", CONNECTED, false, "the number of the worker")          \
    X(DOCUMENT_ROOT, "document_root", REQUEST, true,                           \
      "the root that the request is served from")

enum template_variable {
    TEMPLATE_LITERAL, /* no variable: the piece is its text */
#define X(id, name, phase, http_only, sentence) TEMPLATE_VAR_##id,
    TEMPLATE_VARIABLES(X)
#undef X
    TEMPLATE_VARIABLE_COUNT
};

struct template_piece {
    enum template_variable variable;
    struct str text; /* LITERAL: what to write. HTTP: the header's name in
                        lower case with - for _. Empty else */
};

struct template
{
    const struct template_piece *pieces; /* in the order of writing */
    size_t piece_count;                  /* 0: the empty text */
    struct str source;                   /* as it was written */
};

struct template_variable_info {
    const char *name;          /* between ${ and } */
    enum template_phase phase; /* since when it has a value */
    bool http_only;            /* [tcp] and [mysql] never have it */
    const char *sentence;      /* for the manual */
};

/* Compiles SOURCE (kept by reference) into memory of ARENA. Refuses unknown
 * variables, an open "${", and those that have no value in PHASE, or none
 * outside of [http] when HTTP is false. A "$" that is not followed by "{" is a
 * literal. -1 with WHY (SIZE bytes) filled; *OUT is then untouched. */
MUST_CHECK int
template_compile(struct template *out, struct arena *arena, struct str source,
                 enum template_phase phase, bool http, char *why, size_t size);

/* Does it hold no variable, so that its text is `source`? */
bool template_is_literal(const struct template *t);

/* What is known of VARIABLE, which is not TEMPLATE_LITERAL. */
const struct template_variable_info *
template_variable_info(enum template_variable variable);

#endif
