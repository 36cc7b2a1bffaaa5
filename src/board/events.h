/* SPDX-License-Identifier: MIT */
/*
 * What has happened, for whoever runs the program: the last EVENTS_KEPT events
 * with their time and their cause, in a ring on the board that every process
 * writes to, without locks.
 *
 *     last ─▶ the newest event's number; event N lies in cell N % EVENTS_KEPT
 *     cell    { number, writer | kind, time, words }
 *
 * Who writes takes a number, then the cell by one CAS, which names the writer,
 * fills it, and publishes the number. A reader takes what it copied only if the
 * cell had the number before and after. A writer that is killed in the middle
 * leaves a cell that is taken; whoever comes to it a round later sees that the
 * process is gone, and takes it over. One that is merely slow keeps its cell,
 * and the other event is lost: that takes EVENTS_KEPT of them meanwhile.
 */
#ifndef BOARD_EVENTS_H
#define BOARD_EVENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct board;

enum {
    EVENTS_KEPT = 128,
    EVENT_WORDS_MAX = 223, /* bytes of an event's words */
};

enum event_kind {
    EVENT_DOWN,   /* a server or an upstream went out of service */
    EVENT_UP,     /* it is in service */
    EVENT_ADMIN,  /* somebody changed something */
    EVENT_SCRIPT, /* another version of a script, or the old one stays */
    EVENT_QUARANTINE,
    EVENT_WORKER, /* a process died, or was replaced */
    EVENT_RELOAD,
    EVENT_UPGRADE,
    EVENT_KINDS, /* how many there are */
};

struct event_line {
    uint64_t number; /* from 1 */
    uint64_t wall_ms;
    enum event_kind kind;
    char words[EVENT_WORDS_MAX + 1];
};

/* In shared memory. */
struct event_cell {
    _Atomic uint64_t owner;  /* pid << 32 | the number's last 32 bits, while it
                                is written; 0: it is not */
    _Atomic uint64_t number; /* of the event that is whole; 0: none */
    uint64_t wall_ms;
    uint32_t kind;
    char words[EVENT_WORDS_MAX + 1];
};

struct event_ring {
    _Atomic uint64_t last; /* number that was given out */
    struct event_cell cells[EVENTS_KEPT];
};

/* Notes an event, by any process. Words beyond EVENT_WORDS_MAX are cut, control
 * characters become blanks. */
void event_note(struct board *b, enum event_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The number of the newest event; 0: there is none. */
uint64_t events_last(const struct board *b);

/* Event NUMBER; false: it is gone, or is not whole. */
bool event_read(struct event_line *out, const struct board *b, uint64_t number);

/* "down", "up", "admin" ...: a word for outputs that programs read. */
const char *event_kind_word(enum event_kind kind);

#endif
