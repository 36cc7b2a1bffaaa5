/* SPDX-License-Identifier: MIT */
/*
 *            old: a b c d            A step to the right leaves a line out, one
 *     new:  x . . . . .             down puts one in, one along the diagonal
 *           b . .\. . .             keeps it. For each number of steps that are
 *           c . . .\. .             not diagonal, the furthest place on every
 *                                   diagonal is kept, and the way is read from
 *                                   these backwards.
 */
#include "base/diff.h"

#include <stdlib.h>

#include "base/hash.h"

struct line {
    struct str text;
    uint32_t hash;
};

struct lines {
    struct line *items;
    size_t count;
};

/* What lies between the common head and tail. */
struct middle {
    const struct line *old;
    const struct line *now;
    int old_count;
    int now_count;
};

static int
split(struct lines *out, struct str text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len && count < DIFF_LINES_MAX; i++)
        count += text.p[i] == '\n';
    *out = (struct lines){.items = calloc(count, sizeof(*out->items))};
    if (out->items == NULL)
        return -1;
    for (size_t from = 0; from < text.len && out->count < count;) {
        ptrdiff_t at = str_find_char(text, '\n', from);
        size_t to = at < 0 ? text.len : (size_t)at;
        struct line *line = &out->items[out->count++];

        line->text = str_slice(text, from, to);
        line->hash = hash_murmur(line->text.p, line->text.len, 0);
        from = to + 1;
    }
    return 0;
}

static bool
same(const struct line *a, const struct line *b)
{
    return a->hash == b->hash && str_equal(a->text, b->text);
}

/* --- the way -------------------------------------------------------------- */

/* The furthest places of D steps lie at D * D in the record, which so has room
 * for all that have fewer; diagonal K of them is at D + K. */
static int *
places(int *record, int d)
{
    return record + (size_t)d * (size_t)d;
}

/* The furthest place on diagonal K with D steps, before it is followed: right
 * from the diagonal below, or down from the one above. */
static int
step(int *record, int d, int k)
{
    const int *before;

    if (d == 0)
        return 0;
    before = places(record, d - 1) + (d - 1);
    if (k == -d || (k != d && before[k - 1] < before[k + 1]))
        return before[k + 1];
    return before[k - 1] + 1;
}

static int
follow(const struct middle *m, int x, int k)
{
    while (x < m->old_count && x - k < m->now_count &&
           same(&m->old[x], &m->now[x - k]))
        x++;
    return x;
}

/* How many steps it takes, up to MOST; -1: more. A place may lie beyond an end
 * of a text, where there is nothing to follow. */
static int
search(const struct middle *m, int *record, int most)
{
    for (int d = 0; d <= most; d++) {
        int *now = places(record, d) + d;

        for (int k = -d; k <= d; k += 2) {
            now[k] = follow(m, step(record, d, k), k);
            if (now[k] >= m->old_count && now[k] - k >= m->now_count)
                return d;
        }
    }
    return -1;
}

/* Marks the lines that go and come, from the end of the way to its start. */
static void
mark(const struct middle *m, int *record, int d, bool *gone, bool *come)
{
    int k = m->old_count - m->now_count;

    for (; d > 0; d--) {
        const int *before = places(record, d - 1) + (d - 1);

        if (k == -d || (k != d && before[k - 1] < before[k + 1])) {
            k++;
            come[before[k] - k] = true;
        } else {
            k--;
            gone[before[k]] = true;
        }
    }
}

/* Marks the changes; of too many, all lines. -1 without memory. */
static int
compare(const struct middle *m, bool *gone, bool *come)
{
    int sum = m->old_count + m->now_count;
    int most = sum < DIFF_CHANGES_MAX ? sum : DIFF_CHANGES_MAX;
    int *record =
        calloc((size_t)(most + 1) * (size_t)(most + 1) + 1, sizeof(*record));
    int d;

    if (record == NULL)
        return -1;
    d = search(m, record, most);
    if (d >= 0)
        mark(m, record, d, gone, come);
    for (int i = 0; d < 0 && i < m->old_count; i++)
        gone[i] = true;
    for (int i = 0; d < 0 && i < m->now_count; i++)
        come[i] = true;
    free(record);
    return 0;
}

/* --- the result ----------------------------------------------------------- */

static void
add(struct diff *d, enum diff_kind kind, struct str text, size_t old,
    size_t now)
{
    d->lines[d->count++] = (struct diff_line){
        .kind = kind,
        .text = text,
        .old_number = (unsigned)old + 1,
        .new_number = (unsigned)now + 1,
    };
    d->out += kind == DIFF_OUT;
    d->in += kind == DIFF_IN;
}

/* What goes stands before what comes in its place. */
static void
collect(struct diff *d, const struct lines *old, const struct lines *now,
        const bool *gone, const bool *come)
{
    size_t i = 0, k = 0;

    while (i < old->count || k < now->count) {
        if (i < old->count && gone[i]) {
            add(d, DIFF_OUT, old->items[i].text, i, k);
            i++;
        } else if (k < now->count && come[k]) {
            add(d, DIFF_IN, now->items[k].text, i, k);
            k++;
        } else {
            add(d, DIFF_SAME, now->items[k].text, i, k);
            i++;
            k++;
        }
    }
}

static size_t
common_head(const struct lines *old, const struct lines *now)
{
    size_t n = 0;

    while (n < old->count && n < now->count &&
           same(&old->items[n], &now->items[n]))
        n++;
    return n;
}

static size_t
common_tail(const struct lines *old, const struct lines *now, size_t head)
{
    size_t n = 0;

    while (
        n < old->count - head && n < now->count - head &&
        same(&old->items[old->count - 1 - n], &now->items[now->count - 1 - n]))
        n++;
    return n;
}

static int
make(struct diff *d, const struct lines *old, const struct lines *now)
{
    size_t head = common_head(old, now);
    size_t tail = common_tail(old, now, head);
    const struct middle middle = {
        .old = old->items + head,
        .now = now->items + head,
        .old_count = (int)(old->count - head - tail),
        .now_count = (int)(now->count - head - tail),
    };
    bool *gone = calloc(old->count + 1, sizeof(*gone));
    bool *come = calloc(now->count + 1, sizeof(*come));
    int result = -1;

    d->lines = calloc(old->count + now->count + 1, sizeof(*d->lines));
    if (gone != NULL && come != NULL && d->lines != NULL &&
        compare(&middle, gone + head, come + head) == 0) {
        collect(d, old, now, gone, come);
        result = 0;
    }
    free(gone);
    free(come);
    return result;
}

int
diff_init(struct diff *d, struct str old, struct str now)
{
    struct lines old_lines = {0}, now_lines = {0};
    int result = -1;

    *d = (struct diff){0};
    if (split(&old_lines, old) == 0 && split(&now_lines, now) == 0)
        result = make(d, &old_lines, &now_lines);
    free(old_lines.items);
    free(now_lines.items);
    if (result < 0)
        diff_fini(d);
    return result;
}

void
diff_fini(struct diff *d)
{
    free(d->lines);
    d->lines = NULL;
    d->count = 0;
}
