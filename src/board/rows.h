/* SPDX-License-Identifier: MIT */
/*
 * What lies on the board: its rows, and a process's handle to all tables. What
 * is done with them stands in board.h and slots.h.
 */
#ifndef BOARD_ROWS_H
#define BOARD_ROWS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"
#include "board/check_status.h"
#include "board/counters.h"

enum {
    BOARD_WORKERS_MAX = 254, /* of all generations (numbers.h); they and the
                                master are actors of 8 bits (slots.h) */
    BOARD_ROWS_MAX = 32767,  /* of one kind; each fits 16 bits (changes.h),
                                as do all slots (slots.h) */
    BOARD_NAME_MAX = 71,     /* bytes of a row's name */
    BOARD_ADDRESS_MAX = 127, /* bytes of a server's address, as text */
    BOARD_WORDS_MAX = 127,   /* bytes of a check's words */
    BOARD_VERSION_MAX = 31,  /* bytes of the program's version */
    BOARD_HOOKS_MAX = 14,    /* hooks that are counted; the script floor
                                numbers them */
    BOARD_HOOK_NAME_MAX = 15,
    BOARD_NONE = -1, /* no such row */
    BOARD_RING_BYTES_MAX = 64 * 1024 * 1024,
    BOARD_CHANGES_KEPT = 1024, /* of each upstream; a power of two */
    BOARD_ADDRS_MAX = 8,       /* addresses of one server */
    GREETING_WORDS = 8,        /* of what a server says of itself */
    STRIKES_MAX = 3,           /* that quarantine a script (strikes.h) */
    BOARD_HASH_LEN = 12,       /* digits of a script's version */
};

/* How many rows of each kind the board has room for. */
struct board_limits {
    unsigned workers; /* 1 to BOARD_WORKERS_MAX; they are numbered from 0 */
    unsigned upstreams;
    unsigned servers;
    unsigned sections;
    unsigned scripts;
    unsigned entries;  /* that may wait in queues at once (queue.h) */
    size_t ring_bytes; /* of each worker's log ring: a power of two */
    size_t dict_bytes; /* of dictionaries (dict.h); 0: there are none */
    unsigned series;   /* of metrics (metric.h); 0: there are none */
    unsigned seats;    /* of each worker (seats.h); 0: there are none */
    unsigned vacant;   /* of the workers, the last ones, nobody is at first */
};

enum board_kind {
    BOARD_UPSTREAMS,
    BOARD_SERVERS,
    BOARD_SECTIONS,
    BOARD_SCRIPTS,
    BOARD_KINDS, /* how many there are */
};

enum server_admin {
    SERVER_READY, /* in service */
    SERVER_DRAIN, /* no new work; what it has may end */
    SERVER_MAINT, /* out of service */
};

struct row_name {
    _Atomic bool used; /* set once the row is filled */
    uint8_t len;
    char text[BOARD_NAME_MAX + 1]; /* with a NUL */
};

/* The name; NULL where the row is free. */
static inline struct str
row_text(const struct row_name *name)
{
    if (!atomic_load_explicit(&name->used, memory_order_acquire))
        return str_make(NULL, 0);
    return str_make(name->text, name->len);
}

/* The words of the last check. The writer fills the text that readers are not
 * looking at, then turns `shown`. */
struct server_words {
    _Atomic uint32_t shown; /* 0 or 1 */
    char text[2][BOARD_WORDS_MAX + 1];
};

/* The addresses that a server's name means. */
struct address_set {
    uint32_t count; /* 0: it is not known */
    struct addr addrs[BOARD_ADDRS_MAX];
};

/* What a server's name means now (addresses.h). `version` goes up with every
 * new answer, and the last bit of it says which set holds. */
struct server_addresses {
    _Atomic uint32_t version;
    struct address_set sets[2];
};

/* What it says of itself in MySQL's greeting; greeting.h. */
struct server_greeting {
    _Atomic uint64_t words[GREETING_WORDS];
    _Atomic uint64_t seal; /* over the words; 0: nothing is known */
};

struct server_row {
    _Alignas(64) struct row_name name; /* UPSTREAM/SERVER */
    /* By the master, from the configuration. */
    char address[BOARD_ADDRESS_MAX + 1];
    _Alignas(64) int32_t upstream; /* row of its upstream */
    _Atomic int32_t maxconn;       /* 0: no limit */
    _Atomic bool backup;
    _Atomic bool removed; /* it is in the configuration no more; sessions that
                             it has go on */
    /* By control. */
    _Atomic bool up;
    _Atomic uint8_t admin;          /* enum server_admin */
    _Atomic uint8_t check_status;   /* enum check_status, of the last check */
    _Atomic int32_t weight;         /* 0 to 256, as configured or set */
    _Atomic int32_t weight_now;     /* 0 to 256, as policies see it */
    _Atomic int32_t rise;           /* passed checks that bring it up */
    _Atomic int32_t fall;           /* failed ones that take it down; 0: it is
                                       not checked */
    _Atomic int32_t fails;          /* failed checks in a row */
    _Atomic int32_t passes;         /* passed ones in a row, while down */
    _Atomic uint32_t check_us;      /* how long the last check took */
    _Atomic uint64_t checked_ms;    /* wall time of its end; 0: none yet */
    _Atomic uint64_t since_ms;      /* wall time of the last change of state */
    _Atomic uint64_t check_fails;   /* all that have failed while it was up */
    _Atomic uint32_t downs;         /* how often it went down */
    _Atomic uint64_t down_ms;       /* of the outages that are over */
    _Atomic uint64_t down_since_ms; /* wall time of this one; 0: it is up */
    struct server_words check;      /* the last check's */
    struct server_words reason;     /* why it is up or down, drained ... */
    struct server_addresses addresses;
    /* By everyone. */
    _Alignas(64) _Atomic uint64_t failures; /* that live traffic has seen */
    _Atomic uint64_t latency;               /* latency.h */
    _Atomic uint64_t rebalance;             /* rebalance.h; 0: none */
    _Atomic uint32_t rebalance_sessions;
    struct server_greeting greeting;
};

struct upstream_row {
    _Alignas(64) struct row_name name;
    /* By everyone. */
    _Alignas(64) _Atomic uint64_t turn; /* board_turn */
    _Atomic uint64_t retire_us;         /* rebalance.h */
    _Atomic int32_t chosen;        /* 1 + row of a single writer; 0: none */
    _Atomic uint64_t change_count; /* changes.h; so are the last of them */
    _Alignas(64) _Atomic uint64_t changes[BOARD_CHANGES_KEPT];
};

/* One queue; queue.h. */
struct queue_row {
    _Alignas(64) _Atomic uint32_t waiting; /* granted ones too */
    uint32_t granted;                      /* of them */
    uint32_t root;                         /* of the heap; 0: empty */
    uint64_t paced_ms;                     /* of the last portion let go */
    /* For the outputs, since the start. */
    _Atomic uint64_t entered;
    _Atomic uint64_t expired;    /* of them, who waited for too long */
    _Atomic uint64_t waited_ms;  /* of all that have left */
    _Atomic uint32_t longest_ms; /* of one */
    _Atomic uint32_t most;       /* who waited at once */
};

struct queue_entry;
struct queue_table;

struct section_row {
    _Alignas(64) struct row_name name;   /* "http NAME", "tcp NAME" ... */
    _Atomic int32_t max_connections;     /* by the master; 0: no limit */
    char listens[BOARD_ADDRESS_MAX + 1]; /* likewise: its addresses as text */
};

/* A version of a script, as it is shown (versions.h). */
struct script_version {
    uint32_t generation;                /* since which it is in use; 0: none */
    char hash[BOARD_HASH_LEN + 1];      /* of its bytes, in hexadecimal */
    char previous[BOARD_HASH_LEN + 1];  /* of the one before; "": none */
    char confirmed[BOARD_HASH_LEN + 1]; /* that comes back unless this one is
                                           confirmed; "": none waits */
    uint64_t since_ms;                  /* wall time */
    uint64_t confirm_by_ms;             /* wall time; 0: it need not be */
};

struct script_row {
    _Alignas(64) struct row_name name;
    _Atomic uint32_t hooks; /* bits: those with counts; script_counts.h */
    /* By the master; versions.h. */
    _Atomic uint32_t version_turn; /* goes up; its last bit says which of them
                                      holds */
    struct script_version versions[2];
    /* By everyone; strikes.h. */
    _Alignas(64) _Atomic uint8_t verdict; /* enum strike_fault; 0: it is in
                                             use */
    _Atomic uint32_t strike_count;
    _Atomic uint64_t strikes_ms[STRIKES_MAX]; /* monotonic; the last ones */
    _Atomic uint64_t verdict_ms;              /* wall time; 0: none */
};

struct worker_row {
    /* By the master. */
    _Alignas(64) _Atomic int32_t pid; /* 0: not running */
    _Atomic uint32_t generation;      /* of the configuration it runs */
    _Atomic uint32_t restarts;        /* after a death */
    _Atomic uint64_t started_ms;      /* wall time */
    _Atomic bool waits_on; /* the last one has left entries in queues, which
                              whoever takes its place takes out, too */
    /* By the master that has claimed it; numbers.h. */
    _Atomic bool vacant;
    _Atomic int32_t master;    /* its pid; 0: it has not said */
    _Atomic uint64_t since_ms; /* wall time of the claim */
    /* By the worker. */
    _Alignas(64) _Atomic uint64_t heartbeat_ms; /* monotonic time */
    _Atomic int32_t script;      /* 1 + row of the one that runs; 0: none */
    _Atomic uint64_t heap_bytes; /* of the scripts' memory, at the last beat */
    _Atomic uint32_t script_generation; /* of the scripts it runs */
};

struct board_header {
    uint64_t magic;
    uint32_t layout; /* BOARD_LAYOUT of the program that made it */
    struct board_limits limits;
    uint64_t size;                       /* bytes of the whole */
    uint64_t started_ms;                 /* wall time */
    uint64_t secret;                     /* that keys depend on (seats.h) */
    _Atomic uint64_t added[BOARD_KINDS]; /* rows, by the master; names.h */
    _Atomic uint64_t states;     /* changes of servers' states, and deaths */
    _Atomic uint64_t log_lost;   /* by the log's targets; control writes it */
    _Atomic uint32_t worker_top; /* beyond it no worker ever was */
    char version[BOARD_VERSION_MAX + 1];
    char hook_names[BOARD_HOOKS_MAX][BOARD_HOOK_NAME_MAX + 1];
};

struct capture_ring;
struct dict_table;
struct event_ring;
struct history_series;
struct history_table;
struct metric_table;
struct pool_row;
struct usage_table;
struct seat_head;
struct seat_row;
struct names;
struct slots;

/* A process's handle: where the tables are mapped, and the eventfds by which
 * processes wake each other. Children inherit it. */
struct board {
    int fd;
    size_t size;
    struct board_header *header;
    struct worker_row *workers;
    struct upstream_row *upstreams;
    struct server_row *servers;
    struct section_row *sections;
    struct script_row *scripts;
    struct slots *slots;
    struct server_counters *server_counters;   /* [worker][server] */
    struct section_counters *section_counters; /* [worker][section] */
    struct script_counters *script_counters;   /* script_counts.h */
    char *rings;                               /* [worker], ring_stride each */
    size_t ring_stride;
    struct names *names; /* [BOARD_KINDS] */
    struct queue_table *queue_table;
    struct queue_row *queues; /* upstreams, then servers */
    struct queue_entry *queue_entries;
    int wakes[BOARD_WORKERS_MAX]; /* of each worker */
    int control_wake;
    struct seat_head *seat_heads;  /* [worker]; seats.h */
    _Atomic uint64_t *seat_keys;   /* [worker][seat] */
    struct seat_row *seats;        /* likewise */
    struct dict_table *dicts;      /* NULL: there are none; dict.h */
    struct metric_table *metrics;  /* likewise; metric.h */
    double *latency_weights;       /* latency.h */
    struct usage_table *usage;     /* usage.h */
    struct pool_row *pools;        /* pools.h */
    _Atomic uint32_t *kept;        /* [worker][upstream]; likewise */
    struct capture_ring *captures; /* [worker]; captures.h */
    struct event_ring *events;     /* events.h */
    struct history_table *history; /* history.h; so are the series */
    struct history_series *history_series;
};

/* Workers are looked at up to here: rows beyond were never touched, and cost
 * no memory. */
static inline unsigned
board_worker_top(const struct board *b)
{
    return atomic_load_explicit(&b->header->worker_top, memory_order_acquire);
}

/* Slots (slots.h): one for the whole program, one a server, one a section. */
static inline unsigned
board_global_slot(void)
{
    return 0;
}

static inline unsigned
board_server_slot(int row)
{
    return 1 + (unsigned)row;
}

static inline unsigned
board_section_slot(const struct board *b, int row)
{
    return 1 + b->header->limits.servers + (unsigned)row;
}

#endif
