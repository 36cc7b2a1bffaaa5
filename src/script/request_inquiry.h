/* SPDX-License-Identifier: MIT */
/*
 * The inquiry (inquiry.h) about an exchange: what its `request` hooks decide.
 *
 *     EXCHANGE_HOOK   handler: the inquiry ◀── the client leaves: abort
 *           └◀── exchange_wake, and it is asked again
 *
 * How long the hooks of a request may wait in all is bounded by server_timeout,
 * in which the time that its body takes does not count: that is the client's, by
 * client_timeout.
 */
#ifndef SCRIPT_REQUEST_INQUIRY_H
#define SCRIPT_REQUEST_INQUIRY_H

#include "proxy/hook.h"
#include "script/script.h"

/* As `request` of struct section_hooks. */
enum hook_result
request_inquiry_ask(struct script_chain *chain, struct http_exchange *exchange,
                    struct hook_verdict *verdict);

#endif
