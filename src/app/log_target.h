/* SPDX-License-Identifier: MIT */
/*
 * One place where log lines and access records go: a stream or file that takes
 * text, which is gathered, or a receiver behind a link (log_link.h). Writing
 * never waits for a reader; what is not taken is counted as lost.
 *
 *     entry ──▶ text ─▶ pending ── flush ──▶ writev ──▶ stderr, stdout, file
 *          └──▶ head of syslog or journald ──▶ link ──▶ receiver
 */
#ifndef APP_LOG_TARGET_H
#define APP_LOG_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/log_link.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/model.h"

struct addresses;

/* One thing to write, line or record. */
struct log_entry {
    pid_t pid;
    enum log_level level;
    bool is_line; /* records have their own date, where they have one */
    struct str text;
};

struct log_target {
    const struct log_conf *conf;
    int fd;               /* of text; else -1 */
    struct log_link link; /* of what is not text */
    struct buf pending;   /* text that was not written yet */
    unsigned lines;       /* in it */
    uint64_t lost;        /* lines of text that it did not take */
    uint64_t reported;    /* of them, those that were spoken of */
};

/* Opens what CONF names, with the ADDRESSES that are known. 0; or -1, and *WHY
 * or else errno says why: it is to be closed all the same. CONF must outlive
 * it. */
int log_target_open(struct log_target *t, const struct log_conf *conf,
                    struct addresses *addresses, const char **why) MUST_CHECK;

/* The same without opening a file: FD is its own from then on; -1: it has not
 * come. */
int log_target_adopt(struct log_target *t, const struct log_conf *conf,
                     struct addresses *addresses, int fd,
                     const char **why) MUST_CHECK;
void log_target_close(struct log_target *t);

/* In a child that writes, too: the link is its own from now on. */
void log_target_own(struct log_target *t);

/* Does it take text, or have a link? */
bool log_target_is_text(const struct log_target *t);

/* "file:/var/log/x", as the configuration has it. */
void log_target_name(const struct log_conf *conf, char *text, size_t size);

/* Writes E, in the name of HOST, if its level is one that is wanted. */
void log_target_put(struct log_target *t, const struct log_entry *e,
                    const char *host);

/* Writes what was gathered, or has waited. */
void log_target_flush(struct log_target *t);

/* Opens it again, if it is a file; true when it has a new descriptor. When it
 * cannot be opened, the old one stays, and a line says so. */
bool log_target_reopen(struct log_target *t);

/* It writes to FD from now on, which becomes its own. */
void log_target_replace(struct log_target *t, int fd);

/* Lines and records that nobody will ever get, and why that is. */
uint64_t log_target_lost(const struct log_target *t);
const char *log_target_reason(const struct log_target *t);

#endif
