/* SPDX-License-Identifier: MIT */
/*
 * What control writes of a server: what its checks see, whether it is up, what
 * the administrator wants of it, how much work it gets, and why. Whatever shows
 * in views is noted as a change (changes.h).
 */
#ifndef BOARD_STATE_H
#define BOARD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "board/rows.h"

/* How many checks bring it up and take it down; 0 and 0: it is not checked. */
void board_set_check(struct board *b, int row, int32_t rise, int32_t fall);

/* What the last check came to, and the time. WORDS are cut at
 * BOARD_WORDS_MAX. */
void board_note_check(struct board *b, int row, enum check_status status,
                      struct str words, uint32_t took_us);

/* How many checks in a row have failed, or have passed while it was down. */
void board_set_counts(struct board *b, int row, int32_t fails, int32_t passes);

/* Up or down, and since when, if that is a change; WHY (cut at BOARD_WORDS_MAX)
 * are the words of the reason. */
void board_set_up(struct board *b, int row, bool up, struct str why);

/* How long it has been down in all, this outage included. */
uint64_t board_down_ms(const struct board *b, int row);

/* Each notes the time when it is a change. A new weight counts in full, until
 * somebody says what it is now. */
void board_set_admin(struct board *b, int row, enum server_admin admin);
void board_set_weight(struct board *b, int row, int32_t weight);

/* By the master: the configuration has it no more, or again, in which case it
 * is ready. */
void board_set_removed(struct board *b, int row, bool removed);

/* The weight that policies see. */
void board_set_weight_now(struct board *b, int row, int32_t weight);

/* The words of the last check, and the reason why the server is up or down,
 * copied to TEXT (BOARD_WORDS_MAX + 1 bytes). */
const char *board_check_words(const struct board *b, int row, char *text);
const char *board_reason(const struct board *b, int row, char *text);

/* Does the server get new work? Up, ready, of a weight above 0; as views say
 * (proxy/roster.h, roster_serves). */
bool board_in_service(const struct board *b, int row);

#endif
