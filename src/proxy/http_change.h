/* SPDX-License-Identifier: MIT */
/*
 * A response as hooks see it: what its head says, and changes of the head, from
 * the moment it is whole until it leaves (http_writer.h, on_head).  What frames
 * the message stays the writer's.
 */
#ifndef PROXY_HTTP_CHANGE_H
#define PROXY_HTTP_CHANGE_H

#include "base/mem.h"
#include "base/str.h"

enum {
    CHANGE_NUMBER_MAX = 24, /* bytes of a length as text */
};

struct http_exchange;

/* Value of the first field of this NAME, any case; p is NULL when there is
 * none.  Where the length is known before the head is framed, it is written to
 * SPACE.  It is valid until the head is changed. */
struct str change_find(const struct http_exchange *exchange, struct str name,
                       char space[CHANGE_NUMBER_MAX]);

/* Sets a field in place of all of that name; a VALUE whose p is NULL removes
 * them. 0, or -1 with errno (EINVAL: not a field's name or value; ENOMEM,
 * E2BIG: no room, and nothing is changed). Only before the head has left. */
int change_set(struct http_exchange *exchange, struct str name,
               struct str value) MUST_CHECK;

/* The same, beside those of that name. */
int change_add(struct http_exchange *exchange, struct str name,
               struct str value) MUST_CHECK;

/* Sets the status, 200 to 599. One that has no body drops what there is of it;
 * 0, or -1 with errno as above. */
int change_status(struct http_exchange *exchange, int status) MUST_CHECK;

/* Milliseconds from the choice of a server until its head was whole; below 0:
 * no server has answered. */
double change_upstream_ms(const struct http_exchange *exchange);

#endif
