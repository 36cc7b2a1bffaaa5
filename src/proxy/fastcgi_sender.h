/* SPDX-License-Identifier: MIT */
/*
 * A request on its way to a FastCGI server, as records.  The body is whole
 * before it begins, so each write takes what there is and the first one is
 * often the last.
 *
 *      out  [ BEGIN | PARAMS... | header of STDIN ]
 *      body [ the record's data ]                    ─▶ one writev
 *      end  [ the empty STDIN, after the last ]
 */
#ifndef PROXY_FASTCGI_SENDER_H
#define PROXY_FASTCGI_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/fcgi.h"

struct buffer;
struct buffer_pool;
struct fastcgi_script;
struct http_exchange;
struct server;
struct spool;
struct stream;

/* What is left of `out` goes first, then the record's data, then `end`. */
struct fastcgi_sender {
    struct buffer_pool *pool;
    struct spool *body;
    struct buf out;           /* begin, parameters, or a record's header */
    struct buffer *out_space; /* its memory, unless they are large */
    size_t out_taken;
    uint64_t data_left; /* of the record whose header is in `out` */
    uint8_t end[FCGI_HEADER_LEN];
    size_t end_taken;
    bool last;                /* the record is the last one: `end` follows */
    bool done;                /* all is sent, or the server does not want it */
    struct buffer *file_data; /* bytes of the body's file, as they are sent */
    uint64_t bytes; /* sent; 0: the request can still simply go elsewhere */
};

enum sender_result {
    SENDER_FINE,    /* all is sent, or it waits for an edge */
    SENDER_STOPPED, /* the server takes no more; it may have answered before */
    SENDER_LOST,    /* the server took nothing at all; errno says why */
    SENDER_BROKEN,  /* the body cannot be read, or the parameters are too many,
                       or there is no memory */
};

/* Nothing to send yet; BODY is at the first byte to send.  Buffers that an
 * earlier request has left are dropped before (sender_drop). */
void sender_init(struct fastcgi_sender *sender, struct buffer_pool *pool,
                 struct spool *body);

/* Puts the request of the exchange for SERVER together; what fails at it shows
 * in sender_run.  KEEP: the server is asked to leave the connection open. */
void sender_begin(struct fastcgi_sender *sender, struct http_exchange *exchange,
                  const struct fastcgi_script *script,
                  const struct server *server, bool keep);

/* Sends what the server takes.  After SENDER_LOST and SENDER_BROKEN it is not
 * called again. */
enum sender_result
sender_run(struct fastcgi_sender *sender, struct stream *stream) MUST_CHECK;

/* Gives its buffers back.  It may be called again, and of one that is all 0. */
void sender_drop(struct fastcgi_sender *sender);

#endif
