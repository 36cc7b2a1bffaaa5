/* SPDX-License-Identifier: MIT */
/*
 * The MySQL sessions whose commands are followed, on the board: who they are,
 * which server they are on, and under which numbers the client and the server
 * know them. What ends another session finds it here, whichever worker has it.
 *
 *     heads[worker] | keys[worker][seat] | seats[worker][seat]
 *
 * Each worker writes its own seats alone, and all read them. Of a row whose
 * `version` is odd, or changes meanwhile, the writer is at work: it is looked
 * at again, or passed over. A worker that dies leaves its seats to the master,
 * who clears them.
 */
#ifndef BOARD_SEATS_H
#define BOARD_SEATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "board/rows.h"

enum {
    SEAT_NONE = -1,
    SEATS_MAX = 16384,    /* of one worker */
    SEAT_NAME_MAX = 63,   /* bytes of a user or schema; more is cut */
    SEAT_CLIENT_MAX = 63, /* of its address */
    SEAT_WORDS = 27,      /* of the facts */
};

enum seat_state {
    SEAT_IDLE,
    SEAT_BUSY, /* a command is not yet answered */
    SEAT_IN_TRANSACTION,
};

struct seat_facts {
    uint64_t since_ms;  /* wall time of the login */
    uint32_t id;        /* as the client knows it; never 0 */
    uint32_t thread_id; /* as the server does */
    int32_t server;     /* its row */
    int32_t section;    /* its row */
    uint8_t user_len;
    uint8_t schema_len;
    char user[SEAT_NAME_MAX];
    char schema[SEAT_NAME_MAX];
    char client[SEAT_CLIENT_MAX + 1]; /* its address, with a NUL */
};

struct seat_head {
    _Alignas(64) _Atomic uint32_t top; /* beyond it no seat was ever taken */
    uint32_t hint;                     /* where a free one may be */
};

struct seat_row {
    _Atomic uint32_t version;
    _Atomic uint8_t state;
    _Atomic uint64_t words[SEAT_WORDS]; /* struct seat_facts */
};

/* Sets user and schema, cut where they are too long. */
void
seat_set_names(struct seat_facts *facts, struct str user, struct str schema);

/* Takes a seat of WORKER for a session. KEY says who its client is, and is 0
 * where that is not known; others with the same one are found by it.
 * SEAT_NONE: there is no room. */
int seat_take(struct board *b, unsigned worker, const struct seat_facts *facts,
              uint64_t key);
void seat_give(struct board *b, unsigned worker, int seat);

/* Others facts than when it was taken; what it does now. */
void seat_change(struct board *b, unsigned worker, int seat,
                 const struct seat_facts *facts);
void
seat_set_state(struct board *b, unsigned worker, int seat, enum seat_state s);

/* How many seats of WORKER to look at, and one of them; false: nobody sits
 * there. */
unsigned seat_count(const struct board *b, unsigned worker);
bool seat_read(const struct board *b, unsigned worker, int seat,
               struct seat_facts *facts, enum seat_state *state);

/* The session that the client knows as ID. */
bool seat_find_id(const struct board *b, uint32_t id, struct seat_facts *out);

/* The one session of the client with this KEY, which is not 0, if it is busy.
 * false: it is not, or there are none or several. */
bool
seat_find_busy(const struct board *b, uint64_t key, struct seat_facts *out);

/* Who logs in: a KEY of these words, which nobody can foresee. */
uint64_t seat_key(const struct board *b, struct str client, struct str user,
                  struct str process);

/* By the master: forgets the seats of a worker that is dead. */
void seats_clear(struct board *b, unsigned worker);

#endif
