/* SPDX-License-Identifier: MIT */
/*
 * What a FastCGI application writes to STDOUT, as the answer to an exchange:
 * a CGI head, in one piece or in several, and the body behind it.
 *
 *      STDOUT ─▶ answer_read_head ─▶ answer_begin ─▶ answer_add …
 *                        │              (what is passed on, body as it comes)
 *                        └─▶ answer_redirect ─▶ routed again
 *                               (X-Accel-Redirect; some fields are carried)
 */
#ifndef PROXY_FASTCGI_ANSWER_H
#define PROXY_FASTCGI_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "codec/cgi.h"

struct http_exchange;

struct fastcgi_answer {
    struct http_exchange *exchange;
    struct buf head;  /* of a head that came in pieces; else it is empty */
    size_t head_seen; /* bytes of it that were read in vain */
    bool begun;       /* the client's response has begun */
};

/* Nothing has come.  What an earlier answer has left is dropped before
 * (answer_drop). */
void answer_init(struct fastcgi_answer *answer, struct http_exchange *exchange);

/* Reads BYTES of STDOUT up to the end of the head; not called any more once
 * it was whole.  Above 0: it is, *HEAD points into BYTES or into the answer
 * until answer_drop, and *BODY is what stands behind it.  0: it is not whole,
 * and BYTES were put aside.  Below 0: a cgi_error, CGI_E_SIZE if what has to be
 * put aside is too long. */
ssize_t
answer_read_head(struct cgi_response *head, struct str *body,
                 struct fastcgi_answer *answer, struct str bytes) MUST_CHECK;

/* Begins the client's response with HEAD, but for the fields that are the
 * proxy's own to write, or for the proxy alone. */
void
answer_begin(struct fastcgi_answer *answer, const struct cgi_response *head);

/* Adds BYTES of the body to the response that has begun; what the client does
 * not take waits.  A failure marks the exchange as broken. */
void answer_add(struct fastcgi_answer *answer, struct str bytes);

/* Makes of the exchange a GET of URI, HEAD's X-Accel-Redirect, and carries
 * those of HEAD's fields over that go with a file.  The caller has it routed
 * again.  -1: URI names no path, and nothing of that was done. */
int answer_redirect(struct fastcgi_answer *answer,
                    const struct cgi_response *head, struct str uri) MUST_CHECK;

/* Gives its memory back.  It may be called again, and of one that is all 0. */
void answer_drop(struct fastcgi_answer *answer);

#endif
