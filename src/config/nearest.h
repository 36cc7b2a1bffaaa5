/* SPDX-License-Identifier: MIT */
/*
 * Which of the known names did somebody mean who wrote another? The nearest by
 * edit distance (insert, delete, replace, swap two neighbours; case counts
 * little), if it is near enough to be worth naming.
 */
#ifndef CONFIG_NEAREST_H
#define CONFIG_NEAREST_H

#include "base/str.h"

enum {
    NEAREST_NAME_MAX = 48, /* longer names are like no other */
};

struct nearest {
    struct str wanted;
    struct str best;   /* absent: none was near enough so far */
    unsigned distance; /* of the best, in halves of an edit */
};

/* Begins a search for WANTED, which is kept by reference. */
void nearest_init(struct nearest *nearest, struct str wanted);

/* Considers NAME, kept by reference; of equals the first one stays. */
void nearest_offer(struct nearest *nearest, struct str name);

/* Considers every word of WORDS, which are parted by blanks. */
void nearest_offer_words(struct nearest *nearest, const char *words);

/* Writes "; did you mean 'NAME'?", or nothing where no name was near enough;
 * returns TEXT. */
const char *
nearest_hint(const struct nearest *nearest, char *text, size_t size);

#endif
