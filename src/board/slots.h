/* SPDX-License-Identifier: MIT */
/*
 * Counted slots with a limit: how many connections a server, a section or the
 * whole program has now. Exact over all workers, without locks, and repaired
 * exactly after a worker was killed at any instruction.
 *
 * Memory, for workers w and slots s:
 *
 *     word[s]       { count:24, actor:8, seq:32 }   by everyone, by CAS only
 *     held[w][s]    { count:32, seq:32 }            by w
 *     intent[w]     { op:2, slot:16, seq:46 }       by w
 *     ack[o][w]     an intent of w                  by o
 *
 * Actor 0 is the master; worker w is actor w + 1. The stamp (actor, seq) of a
 * word names the operation that wrote it. To take (give is its mirror), w does
 *
 *     1  seq = the next of w's numbers
 *     2  intent[w] = { TAKE, s, seq }
 *     3  old = word[s]; stop here if old.count has reached the limit
 *     4  if old's stamp is the operation that intent[p] of another worker p
 *        names: ack[w][p] = intent[p]
 *     5  CAS word[s]: old -> { old.count + 1, w, seq }; if it fails, from 3
 *     6  held[w][s] = { + 1, seq }
 *     7  intent[w] = { NONE, seq }
 *
 * What holds: word[s].count is the number of TAKEs less the number of GIVEs
 * whose step 5 succeeded, since nothing else changes it. What must be shown:
 * when w dies anywhere, its part in that number can be computed.
 *
 * Claim 1. Outside 5 to 7, w's part of s is held[w][s].count; inside, it is
 * that, plus one if 5 has succeeded and 6 has not been done. 6 is one store
 * that also writes seq, so "6 was done" is held[w][s].seq == seq.
 *
 * Claim 2. With intent[w] = { TAKE, s, seq }, step 5 has succeeded if and only
 * if word[s] has the stamp (w, seq), or ack[o][w] == intent[w] for some o.
 *   <=  Only w writes that stamp, by 5. An o writes that acknowledgement only
 *       after it has seen the stamp and then the intent (4).
 *   =>  After 5 the stamp stands until some o replaces it by its own CAS. That
 *       CAS succeeds only on the very word that o read in 3, so in 4 o had seen
 *       the stamp. It had then read intent[w]; as 2 comes before 5 for w, and o
 *       saw 5, o saw this intent or a later one; w, which is still in this
 *       operation, has no later one. So o has stored the acknowledgement before
 *       its CAS. Nobody overwrites it: o itself writes ack[o][w] again only
 *       on seeing a stamp that agrees with an intent of w, and w's intent is
 *       this one until w is repaired.
 * The repairer reads the word first and the acknowledgements after, so a stamp
 * that is replaced in between is found there. This is why each o has a cell of
 * its own: with one cell for all, a slow o could put back an older number.
 *
 * Memory order. A killed process has done a prefix of its instructions, and all
 * their stores arrive; the compiler must keep 2, 5, 6, 7 in order (5 is acquire
 * and release, 7 is release). For others: o's read of the stamp (acquire) makes
 * w's step 2 visible to it; o's CAS (release) makes its step 4 visible to
 * whoever reads its stamp or one after it, since a chain of CAS keeps the
 * release. Waiting for the dead process orders all that it did before the
 * repair.
 *
 * Wrapping. seq has 46 bits in intents (a million operations a second for two
 * years), 32 in stamps and held. Step 1 skips a number whose low 32 bits stand
 * in held[w][s], and so in word[s] if it still has w's stamp: both come from
 * w's last change of s. So a stamp of an earlier round is never taken for this
 * operation's; nobody else can write w's stamp. What remains: o is stopped
 * between 3 and 5 for exactly a multiple of 2^32 operations of w, and w is
 * killed in the very operation that then has the same number, slot and count.
 *
 * A respawned worker goes on with the number in intent[w]; the repair comes
 * before it starts. So any number of deaths of one worker are one sequence.
 */
#ifndef BOARD_SLOTS_H
#define BOARD_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

struct board;

enum {
    SLOTS_MAX = 65536,         /* slots of a board */
    SLOT_LIMIT_MAX = 0xffffff, /* the highest count */
};

/* Takes one of SLOT for WORKER unless LIMIT are taken (0: SLOT_LIMIT_MAX are).
 * Was it taken? */
bool slot_take(struct board *b, unsigned worker, unsigned slot, uint32_t limit)
    __attribute__((warn_unused_result));

/* Gives back one that WORKER holds. */
void slot_give(struct board *b, unsigned worker, unsigned slot);

/* How many are taken now, by all workers. */
uint32_t slot_count(const struct board *b, unsigned slot);

/* How many of them WORKER holds. */
uint32_t slot_held(const struct board *b, unsigned worker, unsigned slot);

/* By the master, after WORKER has died and was waited for: gives back all that
 * it held. The other workers may go on meanwhile. */
void slots_repair(struct board *b, unsigned worker);

#endif
