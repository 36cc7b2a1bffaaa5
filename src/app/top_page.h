/* SPDX-License-Identifier: MIT */
/*
 * The page of `ctl top`: what two answers say, sorted, and drawn to fit a
 * terminal. What comes by the second is the difference to the page before.
 */
#ifndef APP_TOP_PAGE_H
#define APP_TOP_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

enum {
    TOP_NAME_MAX = 71,
    TOP_STATE_MAX = 20,
    TOP_TEXT_MAX = 64,
    TOP_PROCESSES_MAX = 66,
};

enum top_order {
    TOP_BY_LOAD,   /* work under way and queued */
    TOP_BY_RATE,   /* requests and sessions a second */
    TOP_BY_ERRORS, /* in all */
    TOP_BY_NAME,
    TOP_ORDERS, /* how many there are */
};

struct top_server {
    char name[TOP_NAME_MAX + 1]; /* UPSTREAM/SERVER */
    char state[TOP_STATE_MAX + 1];
    uint64_t active;
    uint64_t queued;
    uint64_t maxconn; /* 0: no limit */
    uint64_t weight;
    uint64_t total;
    uint64_t errors;
    uint64_t bytes; /* both ways */
    uint64_t rate;  /* of total, a second */
    uint64_t byte_rate;
};

struct top_process {
    char name[TOP_TEXT_MAX / 4];
    uint64_t pid;
    uint64_t cpu_ms;
    uint64_t memory_bytes;
    unsigned percent; /* of a CPU, since the page before */
};

struct top_page {
    char version[TOP_TEXT_MAX];
    char log_level[TOP_TEXT_MAX / 4];
    uint64_t at_ms; /* monotonic */
    uint64_t pid;
    uint64_t uptime_s;
    uint64_t now;
    uint64_t most;
    uint64_t limit;
    uint64_t connection_rate;
    uint64_t request_rate;
    struct top_server *servers;
    size_t server_count;
    struct top_process processes[TOP_PROCESSES_MAX];
    size_t process_count;
    bool has_rates; /* there was a page before */
};

/* What is drawn, and how. */
struct top_look {
    unsigned width;
    unsigned height; /* lines; 0: as many as it takes, ended by LF alone */
    bool colour;
    enum top_order order;
    size_t first; /* server; brought into range when it is drawn */
};

/* Reads both answers as of AT_MS; BEFORE is the page before, or NULL. -1
 * without memory. */
int
top_page_read(struct top_page *out, const struct top_page *before,
              struct str info, struct str servers, uint64_t at_ms) MUST_CHECK;
void top_page_fini(struct top_page *page);

/* Sorts the servers, and draws. */
void
top_page_draw(struct buf *out, struct top_page *page, struct top_look *look);

/* Servers on a page that LOOK has room for. */
size_t top_page_room(const struct top_look *look);

#endif
