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

/* The variables; what stands between ${ and } is in template.c's table. */
enum template_variable {
    TEMPLATE_LITERAL,           /* no variable: the piece is its text */
    TEMPLATE_VAR_HOST,          /* lower case, without the port */
    TEMPLATE_VAR_URI,           /* the path after rewriting, decoded */
    TEMPLATE_VAR_PATH,          /* the same */
    TEMPLATE_VAR_ARGS,          /* the query */
    TEMPLATE_VAR_REQUEST_URI,   /* path and query as they came */
    TEMPLATE_VAR_REQUEST,       /* the request line as it came */
    TEMPLATE_VAR_METHOD,        /* GET, POST ... */
    TEMPLATE_VAR_SCHEME,        /* http or https */
    TEMPLATE_VAR_PROTOCOL,      /* HTTP/1.1 or HTTP/1.0 */
    TEMPLATE_VAR_STATUS,        /* of the response */
    TEMPLATE_VAR_BYTES_SENT,    /* to the client, with heads */
    TEMPLATE_VAR_BODY_BYTES,    /* to the client, without them */
    TEMPLATE_VAR_REMOTE_ADDR,   /* the client's address */
    TEMPLATE_VAR_REMOTE_PORT,   /* the client's port */
    TEMPLATE_VAR_SERVER_ADDR,   /* the address that it connected to */
    TEMPLATE_VAR_SERVER_PORT,   /* the port that it connected to */
    TEMPLATE_VAR_LISTENER,      /* the section's name */
    TEMPLATE_VAR_UPSTREAM,      /* the upstream's name */
    TEMPLATE_VAR_SERVER,        /* the used server's name */
    TEMPLATE_VAR_TIME_MS,       /* from the first to the end */
    TEMPLATE_VAR_CONNECT_MS,    /* until the server was connected */
    TEMPLATE_VAR_UPSTREAM_MS,   /* until the server's response began */
    TEMPLATE_VAR_RETRIES,       /* further attempts */
    TEMPLATE_VAR_REFERER,       /* request header */
    TEMPLATE_VAR_USER_AGENT,    /* request header */
    TEMPLATE_VAR_HTTP,          /* ${http_NAME}: request header NAME */
    TEMPLATE_VAR_LOG,           /* ${log_NAME}: what a log hook named NAME */
    TEMPLATE_VAR_TIME_LOCAL,    /* 24/Nov/2026:13:50:00 +0000 */
    TEMPLATE_VAR_TIME_ISO,      /* 2026-11-24T13:50:00+00:00 */
    TEMPLATE_VAR_WORKER,        /* the worker's number */
    TEMPLATE_VAR_SAMPLE,        /* how many records this one stands for */
    TEMPLATE_VAR_USER,          /* mysql: who logs in */
    TEMPLATE_VAR_SCHEMA,        /* mysql: the schema of the login */
    TEMPLATE_VAR_PROGRAM,       /* mysql: the program_name of the login */
    TEMPLATE_VAR_QUERIES,       /* visible mysql: statements */
    TEMPLATE_VAR_TRANSACTIONS,  /* visible mysql: that have ended */
    TEMPLATE_VAR_ERRORS,        /* visible mysql: answers that were one */
    TEMPLATE_VAR_ERROR,         /* visible mysql: number of the last one */
    TEMPLATE_VAR_DOCUMENT_ROOT, /* what the request is served from */
    TEMPLATE_VARIABLE_COUNT
};

struct template_piece {
    enum template_variable variable;
    struct str text; /* LITERAL: what to write. HTTP: the header's name in
                        lower case with - for _. LOG: the field's name.
                        Empty else */
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
int template_compile(struct template *out, struct arena *arena,
                     struct str source, enum template_phase phase, bool http,
                     char *why, size_t size) MUST_CHECK;

/* Does it hold no variable, so that its text is `source`? */
bool template_is_literal(const struct template *t);

/* What is known of VARIABLE, which is not TEMPLATE_LITERAL. */
const struct template_variable_info *
template_variable_info(enum template_variable variable);

#endif
