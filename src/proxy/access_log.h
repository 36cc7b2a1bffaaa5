/* SPDX-License-Identifier: MIT */
/*
 * One record for each exchange or TCP session, in the section's format:
 * combined (Apache's), httplog and tcplog (HAProxy's fields in HAProxy's
 * order), json, or a template of variables.  It goes to engine->record without
 * a newline; the target is the section's index in the configuration.
 */
#ifndef PROXY_ACCESS_LOG_H
#define PROXY_ACCESS_LOG_H

#include <stdbool.h>

#include "base/str.h"

struct http_exchange;
struct tcp_session;

/* Has the `log` hooks of an exchange's section called, now that it is over, and
 * writes its record, if the section keeps one. */
void access_log_http(struct http_exchange *exchange);

/* Whether json has a member of this NAME, so that no script may add one. */
bool access_log_has_member(struct str name);

/* Writes the record of a session that is over. */
void access_log_tcp(struct tcp_session *session);

#endif
