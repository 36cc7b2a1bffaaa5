/* SPDX-License-Identifier: MIT */
/*
 * What the actions of an administrator came to, until the next page shows it:
 * that may be asked for by another connection.
 */
#ifndef APP_STATS_NOTICE_H
#define APP_STATS_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/stats_answer.h"
#include "app/stats_auth.h"
#include "base/addr.h"
#include "base/str.h"
#include "config/model.h"

enum {
    STATS_NOTICES_MAX = 16, /* more, and the oldest is forgotten */
};

struct stats_notice {
    char section[CONFIG_NAME_MAX + 1];
    char user[STATS_USER_MAX + 1];
    struct addr addr;  /* its host */
    uint64_t until_ms; /* 0: there is none */
    char text[STATS_NOTICE_MAX];
    bool is_error;
};

struct stats_notices {
    struct stats_notice all[STATS_NOTICES_MAX];
    unsigned next;
};

/* Keeps what REPLY says for the next page of who has sent R. */
void stats_notice_keep(struct stats_notices *n, const struct stats_request *r,
                       const struct stats_reply *reply);

/* Moves it to REPLY, if there is one. */
void stats_notice_take(struct stats_notices *n, const struct stats_request *r,
                       struct stats_reply *reply);

#endif
