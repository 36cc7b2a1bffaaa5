/* SPDX-License-Identifier: MIT */
/*
 * The last messages that were not understood, on the board: what came, from
 * whom, and at which byte it was wrong. Each worker writes a ring of its own,
 * which outlives it; a row that it was killed in the middle of is passed over,
 * and the next one is written there.
 *
 *     rings[worker] [ row | row | row ... ]
 *                      ▲ count % CAPTURES_KEPT: the next
 *
 * Secrets do not come here: whoever captures has masked them.
 */
#ifndef BOARD_CAPTURES_H
#define BOARD_CAPTURES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "board/rows.h"

enum {
    CAPTURES_KEPT = 16,       /* of each worker */
    CAPTURE_BYTES_MAX = 1024, /* of the message; a window, if it is longer */
    CAPTURE_WHY_MAX = 119,    /* bytes of what is wrong; more is cut */
    CAPTURE_CLIENT_MAX = 63,  /* of its address */
    CAPTURE_WORDS = 192,      /* of a row */
    CAPTURE_NOWHERE = -1,     /* no byte is at fault, or it is not known */
};

enum capture_kind {
    CAPTURE_REQUEST, /* the head of an HTTP request */
    CAPTURE_BODY,    /* of a request; its bytes are not kept */
    CAPTURE_PROXY,   /* a PROXY header */
    CAPTURE_FASTCGI, /* a FastCGI server's answer */
    CAPTURE_LOGIN,   /* of a MySQL client; its bytes are not kept */
    CAPTURE_MYSQL,   /* a MySQL server's packet; likewise */
};

/* What there is of a message. Texts end with a NUL. */
struct capture {
    uint64_t at_ms;  /* wall time */
    uint64_t number; /* of this worker's, from 1 */
    int64_t fault;   /* which byte of the whole is wrong; CAPTURE_NOWHERE */
    uint64_t total;  /* bytes that had come */
    uint64_t from;   /* which of them is the first one here */
    uint32_t len;    /* of `bytes` */
    uint8_t kind;    /* enum capture_kind */
    char why[CAPTURE_WHY_MAX + 1];
    char client[CAPTURE_CLIENT_MAX + 1];
    char section[BOARD_NAME_MAX + 1]; /* "http web" */
    char server[BOARD_NAME_MAX + 1];  /* UPSTREAM/SERVER; "": none */
    char bytes[CAPTURE_BYTES_MAX];
};

struct capture_row {
    _Atomic uint32_t version;              /* odd: it is being written */
    _Atomic uint64_t words[CAPTURE_WORDS]; /* struct capture */
};

struct capture_ring {
    _Alignas(64) _Atomic uint64_t count; /* that were ever written */
    struct capture_row rows[CAPTURES_KEPT];
};

/* By the worker: keeps CAPTURE, whose number is set here. */
void captures_add(struct board *b, unsigned worker, struct capture *capture);

/* All that WORKER has ever captured. */
uint64_t captures_count(const struct board *b, unsigned worker);

/* The one that is I before the last one, 0 to CAPTURES_KEPT - 1; false: there
 * is none, or it is being written. */
bool captures_read(struct capture *out, const struct board *b, unsigned worker,
                   unsigned i);

#endif
