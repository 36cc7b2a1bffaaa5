/* SPDX-License-Identifier: MIT */
/*
 * An inquiry: the `request` hooks of a section are asked about one exchange, in
 * order, until one decides. Each runs in a task (task.h), at once; so one that
 * does not wait costs little more than a call. While one waits:
 *
 *     EXCHANGE_HOOK   handler: the inquiry ◀── the client leaves: abort
 *           │                 │
 *           │      end of a turn: it has ended; the next script ...
 *           └◀── exchange_wake, and inquiry_ask answers
 *
 * How long the hooks of a request may wait in all is bounded by server_timeout,
 * in which the time that its body takes does not count.
 */
#ifndef SCRIPT_INQUIRY_H
#define SCRIPT_INQUIRY_H

#include "proxy/hook.h"
#include "script/script.h"

/* Asks, or asks again after HOOK_WAIT: as `request` of struct section_hooks. */
enum hook_result
inquiry_ask(struct script_chain *chain, struct http_exchange *exchange,
            struct hook_verdict *verdict);

/* Frees one that is over; NULL does nothing. */
void inquiry_free(struct inquiry *inquiry);

#endif
