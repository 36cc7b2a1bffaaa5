/* SPDX-License-Identifier: MIT */
/*
 * The head of a syslog message, in the BSD form (RFC 3164) or the IETF form
 * (RFC 5424), and of a datagram to journald. What is said follows it as it is.
 */
#ifndef APP_SYSLOG_H
#define APP_SYSLOG_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/log.h"
#include "config/model.h"

struct syslog_head {
    enum log_format format;
    bool local; /* to /dev/log: RFC 3164 has no host name there */
    unsigned facility;
    enum log_level level;
    const char *host; /* full; RFC 3164 takes the part before the first dot */
    pid_t pid;        /* of who says it */
};

/* Appends the head, for the time of the cached clock. */
void syslog_write_head(struct buf *out, const struct syslog_head *head);

/* Appends the fields of journald's own protocol, up to that whose value is
 * TEXT.
 */
void syslog_write_journal_head(struct buf *out, const struct syslog_head *head,
                               struct str text);

#endif
