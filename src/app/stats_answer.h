/* SPDX-License-Identifier: MIT */
/*
 * What a request to the statistics is answered with.
 */
#ifndef APP_STATS_ANSWER_H
#define APP_STATS_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/http.h"
#include "config/model.h"

struct board;
struct script_texts;
struct stats_auth;

enum {
    STATS_NONCE_LEN = 24,   /* letters */
    STATS_NOTICE_MAX = 512, /* bytes of what an action came to */
};

/* What is shown. ASK has the master do what only it can; the answer comes under
 * TICKET. */
struct stats_source {
    struct board *board;
    const struct script_texts *texts;
    int (*ask)(void *arg, uint32_t ticket, struct str text);
    void *ask_arg;
};

struct stats_request {
    const struct stats_conf *conf;
    struct str uri; /* of the page, for this client */
    const struct http_request *head;
    struct str body;
    const struct addr *client;
    const char *user;  /* who logged in; "": nobody */
    const char *token; /* that this user's forms carry */
    uint32_t ticket;   /* under which the master may be asked */
};

struct stats_reply {
    int status;
    const char *type;                /* of the body */
    const char *allow;               /* methods, for 405; or NULL */
    struct str location;             /* p NULL: none */
    char nonce[STATS_NONCE_LEN + 1]; /* of a page; else empty */
    bool later;                      /* the master has been asked */
    char notice[STATS_NOTICE_MAX];   /* to be shown next; else empty */
    bool notice_is_error;
};

/* Answers R, with the body in OUT. NOTICE, where it is not empty, is what the
 * last action of this client came to. */
void
stats_answer(struct buf *out, struct stats_reply *reply,
             const struct stats_source *source, const struct stats_request *r);

/* The same once the master has said TEXT. */
void stats_answer_later(struct buf *out, struct stats_reply *reply,
                        const struct stats_source *source,
                        const struct stats_request *r, struct str text);

#endif
