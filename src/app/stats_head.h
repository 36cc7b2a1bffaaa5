/* SPDX-License-Identifier: MIT */
/*
 * The head of an answer of the statistics: to a client of its own as HTTP/1.1,
 * to a worker as a CGI program writes it.
 */
#ifndef APP_STATS_HEAD_H
#define APP_STATS_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "app/stats_answer.h"
#include "base/buf.h"

struct stats_head {
    const struct stats_conf *conf;
    const struct stats_reply *reply;
    size_t body_len;
    bool for_worker;
    bool keeps; /* another request may follow */
};

void stats_head_write(struct buf *to, const struct stats_head *h);

#endif
