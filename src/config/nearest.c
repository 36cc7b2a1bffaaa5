/* SPDX-License-Identifier: MIT */
/* The optimal string alignment distance, with three rows of its table. */
#include "config/nearest.h"

#include <ctype.h>
#include <stdio.h>

enum {
    EDIT = 2, /* the cost of an edit; another case alone costs half of it */
};

static unsigned
replace_cost(char a, char b)
{
    if (a == b)
        return 0;
    return tolower((unsigned char)a) == tolower((unsigned char)b) ? 1 : EDIT;
}

static unsigned
least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned
distance(struct str a, struct str b)
{
    unsigned rows[3][NEAREST_NAME_MAX + 1];
    unsigned *before = rows[0];
    unsigned *above = rows[1];
    unsigned *row = rows[2];

    for (unsigned j = 0; j <= b.len; j++)
        above[j] = before[j] = j * EDIT;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *next = before;

        row[0] = i * EDIT;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned cost = above[j - 1] + replace_cost(a.p[i - 1], b.p[j - 1]);

            cost = least(cost, least(above[j], row[j - 1]) + EDIT);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
                a.p[i - 2] == b.p[j - 1])
                cost = least(cost, before[j - 2] + EDIT);
            row[j] = cost;
        }
        before = above;
        above = row;
        row = next;
    }
    return above[b.len];
}

void
nearest_init(struct nearest *nearest, struct str wanted)
{
    *nearest = (struct nearest){.wanted = wanted};
    /* A third of the name may differ, one edit always. */
    nearest->distance =
        EDIT * ((unsigned)(wanted.len < 3 ? 3 : wanted.len) / 3) + 1;
}

void
nearest_offer(struct nearest *nearest, struct str name)
{
    unsigned d;

    if (name.len > NEAREST_NAME_MAX || nearest->wanted.len > NEAREST_NAME_MAX)
        return;
    d = str_equal_nocase(nearest->wanted, name)
            ? 1
            : distance(nearest->wanted, name);
    if (d >= nearest->distance)
        return;
    nearest->distance = d;
    nearest->best = name;
}

void
nearest_offer_words(struct nearest *nearest, const char *words)
{
    struct str rest = str_from(words);

    while (rest.len > 0) {
        ptrdiff_t blank = str_find_char(rest, ' ', 0);
        size_t len = blank < 0 ? rest.len : (size_t)blank;

        if (len > 0)
            nearest_offer(nearest, str_slice(rest, 0, len));
        rest = str_slice(rest, len + 1, rest.len);
    }
}

const char *
nearest_hint(const struct nearest *nearest, char *text, size_t size)
{
    text[0] = '\0';
    if (nearest->best.p != NULL)
        (void)snprintf(text, size, "; did you mean '" STR_FMT "'?",
                       STR_ARG(nearest->best));
    return text;
}
