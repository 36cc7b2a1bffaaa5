/* SPDX-License-Identifier: MIT */
/*
 * What has changed between two texts, line by line: the shortest way from one
 * to the other (Myers, "An O(ND) Difference Algorithm and Its Variations",
 * 1986), within bounds. Texts that differ in more than DIFF_CHANGES_MAX lines
 * are said to differ in all lines between their common head and tail.
 */
#ifndef BASE_DIFF_H
#define BASE_DIFF_H

#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    DIFF_LINES_MAX = 100000, /* of either text; the rest is not looked at */
    DIFF_CHANGES_MAX = 1000,
};

enum diff_kind {
    DIFF_SAME, /* in both */
    DIFF_OUT,  /* in the old text alone */
    DIFF_IN,   /* in the new one alone */
};

struct diff_line {
    enum diff_kind kind;
    struct str text;     /* without its newline; in one of the texts */
    unsigned old_number; /* from 1; of DIFF_IN: of the next one */
    unsigned new_number; /* likewise */
};

struct diff {
    struct diff_line *lines;
    size_t count;
    size_t out; /* of them */
    size_t in;
};

/* Compares; -1 without memory. End with diff_fini; both texts outlive it. */
int diff_init(struct diff *d, struct str old, struct str now) MUST_CHECK;
void diff_fini(struct diff *d);

#endif
