/* SPDX-License-Identifier: MIT */
/*
 * Keeps what was not understood for `show errors` (board/captures.h).
 *
 * What may be secret does not get there: of heads, the values of fields whose
 * name says that they authorise somebody or identify a session are masked, and
 * nothing behind the head is kept; of MySQL and of bodies there are no bytes.
 */
#ifndef PROXY_CAPTURE_H
#define PROXY_CAPTURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "board/captures.h"

struct addr;
struct engine;
struct section_conf;
struct server;
struct tcp_session;

struct capture_facts {
    enum capture_kind kind;
    const struct section_conf *section;
    const struct server *server; /* NULL: none has a part in it */
    const struct addr *client;
    const char *why;  /* in words, as the log has it */
    const uint8_t *p; /* the N bytes that had come; NULL: they are not kept */
    size_t n;
    int64_t fault; /* which of them is wrong, or CAPTURE_NOWHERE */
};

/* A codec's reader: below 0, the N bytes at P are refused. */
typedef ssize_t (*capture_read_fn)(const uint8_t *p, size_t n);

/* Which of the N bytes at P, which READ refuses, is the one that it refuses
 * them for: the last of the shortest beginning that it refuses, too. */
int64_t capture_fault(capture_read_fn read, const uint8_t *p, size_t n);

/* Keeps FACTS, in the place of the oldest that this worker has kept. */
void capture_note(struct engine *engine, const struct capture_facts *facts);

/* The same for a MySQL session: its client's login or what its server says was
 * not understood. */
void
capture_session(struct tcp_session *s, enum capture_kind kind, const char *why);

#endif
