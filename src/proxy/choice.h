/* SPDX-License-Identifier: MIT */
/*
 * The choice: the one server of an upstream to which its policy sends all work,
 * in all workers; a single writer, for instance. It lies on the board, so it
 * outlives workers, and is changed by whoever finds that it has to be.
 */
#ifndef PROXY_CHOICE_H
#define PROXY_CHOICE_H

struct upstream;

enum {
    CHOICE_NONE = -1, /* no server is chosen */
};

/* The index of the chosen server, or CHOICE_NONE. */
int choice_get(const struct upstream *upstream);

/* Chooses server TO where FROM, as choice_get answered it, is chosen still, and
 * logs that. Nothing changes where one of the two came into service, or left
 * it, after this worker last looked: who looked later may have chosen already,
 * and would be overruled. Which server is chosen now, or CHOICE_NONE. */
int choice_set(struct upstream *upstream, int from, int to);

#endif
