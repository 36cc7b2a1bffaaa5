/* SPDX-License-Identifier: MIT */
/*
 * What is counted, as one table: a name, its kind, and a sentence. The rows in
 * shared memory, their sums and every output are made from it, so a counter is
 * added here and nowhere else.
 *
 * Every worker has rows of its own and is the only one that writes them;
 * readers add the rows of all workers. A count is therefore a plain load and
 * store.
 */
#ifndef BOARD_COUNTERS_H
#define BOARD_COUNTERS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "board/times.h"

enum counter_kind {
    COUNTER_TOTAL, /* only grows */
    COUNTER_BYTES, /* only grows, and is shown as a size */
};

/* One row for each worker and server. */
#define SERVER_COUNTERS(X)                                             \
    X(connections, TOTAL, "Connections opened to the server")          \
    X(connect_errors, TOTAL, "Connections that could not be opened")   \
    X(requests, TOTAL, "Requests and sessions given to the server")    \
    X(errors, TOTAL, "Requests and sessions that the server failed")   \
    X(retries, TOTAL, "Attempts made again after one on this server")  \
    X(redispatches, TOTAL, "Retries that went to another server")      \
    X(retired, TOTAL, "Sessions ended since another server came back") \
    X(waited, TOTAL, "Requests and sessions that waited in a queue")   \
    X(waited_ms, TOTAL, "Milliseconds that they waited")               \
    X(bytes_in, BYTES, "Bytes sent to the server")                     \
    X(bytes_out, BYTES, "Bytes received from the server")              \
    X(responses_1xx, TOTAL, "Responses with status 100 to 199")        \
    X(responses_2xx, TOTAL, "Responses with status 200 to 299")        \
    X(responses_3xx, TOTAL, "Responses with status 300 to 399")        \
    X(responses_4xx, TOTAL, "Responses with status 400 to 499")        \
    X(responses_5xx, TOTAL, "Responses with status 500 to 599")        \
    X(responses_other, TOTAL, "Responses with another status")

/* One row for each worker and http, tcp or mysql section. */
#define SECTION_COUNTERS(X)                                           \
    X(connections, TOTAL, "Connections accepted from clients")        \
    X(requests, TOTAL, "Requests read; on tcp and mysql: sessions")   \
    X(denied, TOTAL, "Refused by a script, a rule or a limit")        \
    X(errors, TOTAL, "Ended by a client's fault or without a server") \
    X(bytes_in, BYTES, "Bytes received from clients")                 \
    X(bytes_out, BYTES, "Bytes sent to clients")

/* One row for each worker, hook and script. */
#define SCRIPT_COUNTERS(X)                                     \
    X(calls, TOTAL, "Hooks called")                            \
    X(errors, TOTAL, "Hooks that raised or answered nonsense") \
    X(fallbacks, TOTAL, "Decisions taken by the built-in behaviour instead")

#define COUNTER_ATOMIC(name, kind, sentence) _Atomic uint64_t name;
#define COUNTER_PLAIN(name, kind, sentence)  uint64_t name;

enum {
    COUNTER_ROW_ALIGN = 64, /* a cache line: rows of two workers share none */
};

/* The rows in shared memory. */
struct server_counters {
    _Alignas(COUNTER_ROW_ALIGN) SERVER_COUNTERS(COUNTER_ATOMIC)
};

struct section_counters {
    _Alignas(COUNTER_ROW_ALIGN) SECTION_COUNTERS(COUNTER_ATOMIC)
};

struct script_counters {
    /* Of calls; script/stopwatch.h says of which. */
    _Alignas(COUNTER_ROW_ALIGN) struct times times;
    SCRIPT_COUNTERS(COUNTER_ATOMIC)
};

/* The sums. */
struct server_totals {
    SERVER_COUNTERS(COUNTER_PLAIN)
};

struct section_totals {
    SECTION_COUNTERS(COUNTER_PLAIN)
};

struct script_totals {
    SCRIPT_COUNTERS(COUNTER_PLAIN)
};

/* One counter, for whoever prints them all: a total is the uint64_t at OFFSET
 * of the struct of totals. */
struct counter_info {
    const char *name;
    enum counter_kind kind;
    const char *sentence;
    size_t offset;
};

extern const struct counter_info server_counter_infos[];
extern const size_t server_counter_count;
extern const struct counter_info section_counter_infos[];
extern const size_t section_counter_count;
extern const struct counter_info script_counter_infos[];
extern const size_t script_counter_count;

/* Adds N to a counter of the caller's own row: no other process writes it, so
 * no locked instruction is needed, and readers never see half a number. */
static inline void
counter_add(_Atomic uint64_t *counter, uint64_t n)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

/* Counts a response under its status class. */
static inline void
counter_add_status(struct server_counters *c, int status)
{
    _Atomic uint64_t *const classes[] = {
        &c->responses_other, &c->responses_1xx, &c->responses_2xx,
        &c->responses_3xx,   &c->responses_4xx, &c->responses_5xx,
    };
    int class = status / 100;

    counter_add(classes[class >= 1 && class <= 5 ? class : 0], 1);
}

#endif
