/* SPDX-License-Identifier: MIT */
#include "app/stats_notice.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum {
    KEEP_MS = 60000, /* a browser follows at once */
};

static bool
is_of(const struct stats_notice *notice, const struct stats_request *r)
{
    return notice->until_ms > clock_ms() &&
           strcmp(notice->user, r->user) == 0 &&
           str_equal(str_from(notice->section), r->conf->name) &&
           addr_equal_host(&notice->addr, r->client);
}

void
stats_notice_keep(struct stats_notices *n, const struct stats_request *r,
                  const struct stats_reply *reply)
{
    struct stats_notice *notice = &n->all[n->next++ % STATS_NOTICES_MAX];

    *notice = (struct stats_notice){
        .addr = *r->client,
        .until_ms = clock_ms() + KEEP_MS,
        .is_error = reply->notice_is_error,
    };
    (void)snprintf(notice->section, sizeof(notice->section), STR_FMT,
                   STR_ARG(r->conf->name));
    (void)snprintf(notice->user, sizeof(notice->user), "%s", r->user);
    memcpy(notice->text, reply->notice, sizeof(notice->text));
}

void
stats_notice_take(struct stats_notices *n, const struct stats_request *r,
                  struct stats_reply *reply)
{
    for (unsigned i = 1; i <= STATS_NOTICES_MAX; i++) {
        unsigned at = (n->next + STATS_NOTICES_MAX - i) % STATS_NOTICES_MAX;
        struct stats_notice *notice = &n->all[at];

        if (!is_of(notice, r))
            continue;
        memcpy(reply->notice, notice->text, sizeof(reply->notice));
        reply->notice_is_error = notice->is_error;
        notice->until_ms = 0;
        return;
    }
}
