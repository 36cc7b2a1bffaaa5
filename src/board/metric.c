/* SPDX-License-Identifier: MIT */
#include "board/metric.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "board/metric_layout.h"
#include "board/robust.h"

enum {
    CACHE_LINE = 64,
};

_Static_assert((int)METRIC_NAME_MAX <= (int)METRIC_VALUE_MAX, "one text");

static size_t
round_up(size_t n)
{
    return (n + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

static size_t
cells_offset(unsigned series)
{
    return round_up(sizeof(struct metric_table) +
                    series * sizeof(struct metric_series));
}

static uint32_t
cell_limit(const struct metric_table *t)
{
    return t->series_max * METRIC_SERIES_CELLS;
}

size_t
metric_size(unsigned series, unsigned actors)
{
    if (series == 0)
        return 0;
    return cells_offset(series) +
           (size_t)actors * series * METRIC_SERIES_CELLS * sizeof(double);
}

double *
metric_cells(struct metric_table *t, unsigned actor)
{
    void *cells = (char *)t + cells_offset(t->series_max);

    return (double *)cells + (size_t)actor * cell_limit(t);
}

int
metric_init(struct metric_table *t, unsigned series, unsigned actors)
{
    t->series_max = series;
    t->actors = actors;
    atomic_store(&t->top, actors);
    return robust_init(&t->mutex);
}

void
metric_set_top(struct metric_table *t, unsigned actors)
{
    atomic_store(&t->top, actors);
}

/* --- the lock ------------------------------------------------------------- */

static void
chain_add(struct metric_table *t, uint32_t number)
{
    struct metric_series *series = &t->series[number];
    uint32_t *chain = &t->chains[series->hash % METRIC_CHAINS];

    series->chain = *chain;
    *chain = 1 + number;
}

/* Whoever had the lock was killed: a series may have been counted and not be
 * found, or its chain be cut. */
static void
rebuild(struct metric_table *t)
{
    memset(t->chains, 0, sizeof(t->chains));
    for (uint32_t i = 0; i < METRIC_FAMILIES_MAX; i++)
        t->families[i].series_count = 0;
    for (uint32_t i = 0; i < atomic_load(&t->series_count); i++) {
        chain_add(t, i);
        t->families[t->series[i].family].series_count++;
    }
}

static void
lock(struct metric_table *t)
{
    if (pthread_mutex_lock(&t->mutex) != EOWNERDEAD)
        return;
    rebuild(t);
    (void)pthread_mutex_consistent(&t->mutex);
}

static void
unlock(struct metric_table *t)
{
    pthread_mutex_unlock(&t->mutex);
}

/* --- families ------------------------------------------------------------- */

static struct str
text_str(const struct metric_text *text)
{
    return str_make(text->text, text->len);
}

static void
set_text(struct metric_text *text, struct str s)
{
    size_t n = s.len < sizeof(text->text) ? s.len : sizeof(text->text);

    text->len = (uint8_t)n;
    if (n > 0)
        memcpy(text->text, s.p, n);
}

static bool
is_same(const struct metric_family *family, const struct metric_conf *conf)
{
    if (family->kind != conf->kind ||
        family->label_count != conf->label_count ||
        family->bound_count != conf->bound_count)
        return false;
    for (unsigned i = 0; i < conf->label_count; i++) {
        if (!str_equal(text_str(&family->labels[i]), conf->labels[i]))
            return false;
    }
    for (unsigned i = 0; i < conf->bound_count; i++) {
        if (family->bounds[i] != conf->bounds[i])
            return false;
    }
    return true;
}

/* Is NAME that of a series which a histogram HISTOGRAM shows? */
static bool
is_part_of(struct str name, struct str histogram)
{
    struct str rest;

    if (!str_starts_with(name, histogram))
        return false;
    rest = str_slice(name, histogram.len, name.len);
    return str_equal(rest, STR("_bucket")) || str_equal(rest, STR("_sum")) ||
           str_equal(rest, STR("_count"));
}

static bool
clashes(const struct metric_family *family, const struct metric_conf *conf)
{
    struct str name = text_str(&family->name);

    return (family->kind == METRIC_HISTOGRAM && is_part_of(conf->name, name)) ||
           (conf->kind == METRIC_HISTOGRAM && is_part_of(name, conf->name));
}

static void
fill_family(struct metric_family *family, const struct metric_conf *conf)
{
    size_t help =
        conf->help.len < METRIC_HELP_MAX ? conf->help.len : METRIC_HELP_MAX;

    family->kind = (uint8_t)conf->kind;
    family->label_count = (uint8_t)conf->label_count;
    family->bound_count = (uint8_t)conf->bound_count;
    family->help_len = (uint8_t)help;
    family->series_max = conf->series_max;
    memcpy(family->help, conf->help.p, help);
    set_text(&family->name, conf->name);
    for (unsigned i = 0; i < conf->label_count; i++)
        set_text(&family->labels[i], conf->labels[i]);
    memcpy(family->bounds, conf->bounds, sizeof(family->bounds));
}

/* A number, or METRIC_NONE with errno. */
static int
open_family(struct metric_table *t, const struct metric_conf *conf)
{
    uint32_t count = atomic_load(&t->family_count);

    for (uint32_t i = 0; i < count; i++) {
        const struct metric_family *family = &t->families[i];

        if (str_equal(text_str(&family->name), conf->name)) {
            errno = EEXIST;
            return is_same(family, conf) ? (int)i : METRIC_NONE;
        }
        if (clashes(family, conf)) {
            errno = EINVAL;
            return METRIC_NONE;
        }
    }
    if (count == METRIC_FAMILIES_MAX) {
        errno = ENOSPC;
        return METRIC_NONE;
    }
    fill_family(&t->families[count], conf);
    atomic_store(&t->family_count, count + 1);
    return (int)count;
}

int
metric_open(struct metric_table *t, const struct metric_conf *conf)
{
    int family;

    lock(t);
    family = open_family(t, conf);
    unlock(t);
    return family;
}

/* --- series --------------------------------------------------------------- */

/* Bytes of the character at P, of which N are there; 0: it is none. */
static size_t
char_len(const uint8_t *p, size_t n)
{
    return p[0] < 0x80 ? 1 : utf8_len(p, n);
}

/* As it will be shown: whole characters, and '?' for what is none. */
static void
set_value(struct metric_text *text, struct str value)
{
    size_t i = 0;

    text->len = 0;
    while (i < value.len) {
        size_t n = char_len((const uint8_t *)value.p + i, value.len - i);
        const char *from = n == 0 ? "?" : value.p + i;
        size_t room = sizeof(text->text) - text->len;

        n = n == 0 ? 1 : n;
        if (n > room)
            return;
        memcpy(text->text + text->len, from, n);
        text->len = (uint8_t)(text->len + n);
        i += n;
    }
}

/* WANTED has all but its cell. */
static int
find_series(const struct metric_table *t, const struct metric_series *wanted,
            unsigned labels)
{
    uint32_t next = t->chains[wanted->hash % METRIC_CHAINS];

    while (next != 0) {
        const struct metric_series *series = &t->series[next - 1];
        unsigned i = 0;

        if (series->hash == wanted->hash && series->family == wanted->family) {
            while (i < labels && str_equal(text_str(&series->values[i]),
                                           text_str(&wanted->values[i])))
                i++;
            if (i == labels)
                return (int)series->cell;
        }
        next = series->chain;
    }
    return METRIC_NONE;
}

/* The first cell that no series has. */
static uint32_t
next_cell(const struct metric_table *t)
{
    uint32_t count = atomic_load(&t->series_count);
    const struct metric_series *last;

    if (count == 0)
        return 0;
    last = &t->series[count - 1];
    return last->cell + metric_cell_count(&t->families[last->family]);
}

static int
add_series(struct metric_table *t, const struct metric_series *wanted)
{
    uint32_t count = atomic_load(&t->series_count);
    uint32_t cell = next_cell(t);
    struct metric_family *family = &t->families[wanted->family];

    if (count == t->series_max ||
        cell + metric_cell_count(family) > cell_limit(t) ||
        (family->series_max > 0 && family->series_count >= family->series_max))
        return METRIC_NONE;
    t->series[count] = *wanted;
    t->series[count].cell = cell;
    atomic_store(&t->series_count, count + 1);
    chain_add(t, count);
    family->series_count++;
    return (int)cell;
}

int
metric_series(struct metric_table *t, int family,
              const struct metric_values *values)
{
    struct metric_series wanted = {.family = (uint32_t)family};
    unsigned labels = t->families[family].label_count;
    int cell;

    wanted.hash = (uint32_t)family;
    for (unsigned i = 0; i < labels; i++) {
        struct metric_text *text = &wanted.values[i];

        set_value(text, values->at[i]);
        wanted.hash = hash_murmur(text, text->len + 1u, wanted.hash);
    }
    lock(t);
    cell = find_series(t, &wanted, labels);
    if (cell == METRIC_NONE)
        cell = add_series(t, &wanted);
    unlock(t);
    if (cell == METRIC_NONE)
        atomic_fetch_add_explicit(&t->dropped, 1, memory_order_relaxed);
    return cell;
}

/* --- numbers -------------------------------------------------------------- */

static const double *
cells_of(const struct metric_table *t, unsigned actor)
{
    const void *cells = (const char *)t + cells_offset(t->series_max);

    return (const double *)cells + (size_t)actor * cell_limit(t);
}

double
metric_sum(const struct metric_table *t, uint32_t cell)
{
    unsigned top = atomic_load(&t->top);
    double sum = 0;

    for (unsigned i = 0; i < top; i++)
        sum += cells_of(t, i)[cell];
    return top < t->actors ? sum + cells_of(t, t->actors - 1)[cell] : sum;
}

void
metric_forget_actor(struct metric_table *t, unsigned actor)
{
    double *cells = metric_cells(t, actor);
    uint32_t count = atomic_load(&t->series_count);

    for (uint32_t i = 0; i < count; i++) {
        const struct metric_series *series = &t->series[i];

        if (t->families[series->family].kind == METRIC_GAUGE)
            cells[series->cell] = 0;
    }
}
