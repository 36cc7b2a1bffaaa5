/* SPDX-License-Identifier: MIT */
/*
 * What clients of the control socket ask of the master and needs nothing of it
 * but what is on the board.
 */
#ifndef APP_MASTER_VERBS_H
#define APP_MASTER_VERBS_H

#include <stdbool.h>

#include "app/master_request.h"
#include "base/buf.h"

struct board;

/* "log level LEVEL": all processes log from that level on. Appends the answer.
 */
void master_verb_log(struct buf *answer, struct board *board,
                     const struct master_request *request);

/* "stop [graceful]": sets *GRACEFUL and appends the answer; false: it is asked
 * for in words that mean nothing, which the answer says, and nothing stops. */
bool master_verb_stop(struct buf *answer, bool *graceful,
                      const struct master_request *request);

#endif
