/* SPDX-License-Identifier: MIT */
/*
 * The records of a FastCGI server's answer, as they are read.  Content is
 * handed on in place, as far as it has come; only a header or an END_REQUEST
 * that is cut waits here.
 *
 *      receiver_read ─▶ [ rest | what the stream had ]     in the scratch
 *      receiver_next ─▶ STDOUT  STDOUT  STDERR  …  MORE    ─▶ read again
 *                       …  END                             ─▶ over
 */
#ifndef PROXY_FASTCGI_RECEIVER_H
#define PROXY_FASTCGI_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"
#include "base/str.h"
#include "codec/fcgi.h"

struct stream;

struct fastcgi_receiver {
    const uint8_t *p; /* what was read and is not yet taken: in the reader's
                         space, so nothing of it stays there */
    size_t n;
    uint8_t rest[FCGI_HEADER_LEN]; /* of it, what is no whole header or end */
    size_t rest_len;
    struct fcgi_header record; /* that is being read */
    size_t content_left;
    size_t padding_left;
    bool ended;         /* END_REQUEST has come */
    uint8_t end_status; /* of RECEIVER_END: an fcgi_status */
    const char *reason; /* of RECEIVER_WRONG, in words */
    uint64_t bytes;     /* received; 0: nothing of an answer has come */
};

enum receiver_event {
    RECEIVER_MORE,   /* all is taken: read again */
    RECEIVER_STDOUT, /* bytes of the answer */
    RECEIVER_STDERR, /* bytes for the log */
    RECEIVER_END,    /* the request has ended, with `end_status` */
    RECEIVER_WRONG,  /* what came is no answer, for `reason` */
};

/* Nothing has come. */
void receiver_init(struct fastcgi_receiver *receiver);

/* Reads once into the SIZE bytes at SPACE, which is not to be used for anything
 * else until receiver_next has answered RECEIVER_MORE.  As stream_read. */
ssize_t receiver_read(struct fastcgi_receiver *receiver, struct stream *stream,
                      uint8_t *space, size_t size) MUST_CHECK;

/* What comes next in that which was read; for STDOUT and STDERR *BYTES are
 * these, as long as the space is.  Records of other types and for other
 * requests are passed over.  After RECEIVER_END and RECEIVER_WRONG it is not
 * called again. */
enum receiver_event
receiver_next(struct str *bytes, struct fastcgi_receiver *receiver) MUST_CHECK;

/* Whether the answer has ended and nothing stands behind it, which would be
 * taken for the next one. */
bool receiver_is_spent(const struct fastcgi_receiver *receiver);

#endif
