/* SPDX-License-Identifier: MIT */
#include "script/shared_calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/dict.h"
#include "board/metric.h"
#include "proxy/engine.h"
#include "proxy/runtime.h"
#include "script/script.h"

enum {
    PRIVATE_DICT_BYTES = 1 << 20,
    PRIVATE_SERIES = 256,
    CACHE_LINE = 64,
};

_Static_assert((int)SHARED_DONE == (int)DICT_DONE &&
                   (int)SHARED_TOO_LONG == (int)DICT_TOO_LONG,
               "answers are the same");
_Static_assert((int)SHARED_BOOLEAN == (int)DICT_BOOLEAN &&
                   (int)SHARED_NUMBER == (int)DICT_NUMBER &&
                   (int)SHARED_STRING == (int)DICT_STRING,
               "kinds are the same");

/* Strings of values are written here; good until the next one is. */
static char value_text[DICT_VALUE_MAX];

/* What is being said of a metric. */
static struct metric_conf metric_conf;
static struct metric_values metric_values;

/* --- where they are ------------------------------------------------------- */

/* A script that is checked may fill dictionaries as it loads, and name metrics;
 * there is no board then, and nobody to share with. SIZE zero bytes that begin
 * a cache line, as the board's tables do; or NULL. */
static void *
private_memory(size_t size)
{
    void *mem = aligned_alloc(CACHE_LINE, size);

    if (mem != NULL)
        memset(mem, 0, size);
    return mem;
}

static struct dict_table *
private_dicts(void)
{
    static void *kept;
    void *mem;

    if (kept != NULL)
        return kept;
    mem = private_memory(PRIVATE_DICT_BYTES);
    if (mem != NULL && dict_init(mem, PRIVATE_DICT_BYTES) == 0)
        kept = mem;
    else
        free(mem);
    return kept;
}

static struct metric_table *
private_metrics(void)
{
    static void *kept;
    void *mem;

    if (kept != NULL)
        return kept;
    mem = private_memory(metric_size(PRIVATE_SERIES, 1));
    if (mem != NULL && metric_init(mem, PRIVATE_SERIES, 1) == 0)
        kept = mem;
    else
        free(mem);
    return kept;
}

static const struct board *
board_of(const struct scripts *scripts)
{
    const struct engine *engine = scripts->runtime->engine;

    return engine == NULL ? NULL : engine->board;
}

static struct dict_table *
dicts(const struct scripts *scripts)
{
    const struct board *board = board_of(scripts);

    if (board == NULL || board->dicts == NULL)
        return private_dicts();
    return board->dicts;
}

static struct metric_table *
metrics(const struct scripts *scripts)
{
    const struct board *board = board_of(scripts);

    if (board == NULL || board->metrics == NULL)
        return private_metrics();
    return board->metrics;
}

/* --- dictionaries --------------------------------------------------------- */

static struct dict_place
place_of(const struct shared_place *place, const char *key, size_t len)
{
    return (struct dict_place){place->dict, str_make(key, len)};
}

static struct dict_value
value_of(const struct shared_value *value)
{
    return (struct dict_value){
        .kind = (enum dict_kind)value->kind,
        .number = value->number,
        .p = value->p,
        .len = value->len,
    };
}

static int
open_dict(struct dict_table *table, const char *name, size_t len)
{
    return dict_open(table, str_make(name, len));
}

static int
get(const struct shared_place *place, const char *key, size_t len,
    struct shared_value *out)
{
    const struct dict_place at = place_of(place, key, len);
    struct dict_value value;
    enum dict_result result =
        dict_get(place->table, &at, clock_ms(), &value, value_text);

    if (result == DICT_DONE)
        *out = (struct shared_value){
            .kind = (int32_t)value.kind,
            .number = value.number,
            .p = value.p,
            .len = value.len,
        };
    return (int)result;
}

static int
set(const struct shared_place *place, const char *key, size_t len,
    const struct shared_value *value, double ttl_ms)
{
    const struct dict_place at = place_of(place, key, len);
    const struct dict_value given = value_of(value);

    return (int)dict_set(place->table, &at, &given, (uint64_t)ttl_ms,
                         clock_ms());
}

static int
add(const struct shared_place *place, const char *key, size_t len,
    const struct shared_value *value, double ttl_ms)
{
    const struct dict_place at = place_of(place, key, len);
    const struct dict_value given = value_of(value);

    return (int)dict_add(place->table, &at, &given, (uint64_t)ttl_ms,
                         clock_ms());
}

static int
incr(const struct shared_place *place, const char *key, size_t len,
     struct shared_value *value, const double *init, double ttl_ms)
{
    const struct dict_place at = place_of(place, key, len);

    return (int)dict_incr(place->table, &at, value->number, init,
                          (uint64_t)ttl_ms, clock_ms(), &value->number);
}

static int
erase(const struct shared_place *place, const char *key, size_t len)
{
    const struct dict_place at = place_of(place, key, len);

    return (int)dict_delete(place->table, &at, clock_ms());
}

/* --- metrics -------------------------------------------------------------- */

static void
metric_begin(int kind)
{
    metric_conf = (struct metric_conf){.kind = (enum metric_kind)kind};
}

static void
metric_label(const char *name, size_t len)
{
    if (metric_conf.label_count < METRIC_LABELS_MAX)
        metric_conf.labels[metric_conf.label_count++] = str_make(name, len);
}

static void
metric_bound(double bound)
{
    if (metric_conf.bound_count < METRIC_BOUNDS_MAX)
        metric_conf.bounds[metric_conf.bound_count++] = bound;
}

static int
open_metric(struct metric_table *table, const char *name, size_t name_len,
            const char *help, size_t help_len)
{
    int family;

    metric_conf.name = str_make(name, name_len);
    metric_conf.help = str_make(help, help_len);
    family = metric_open(table, &metric_conf);
    if (family != METRIC_NONE)
        return family;
    if (errno == ENOSPC)
        return METRIC_FULL;
    return errno == EEXIST ? METRIC_OTHER : METRIC_CLASH;
}

static void
metric_value(int index, const char *value, size_t len)
{
    if (index >= 0 && index < METRIC_LABELS_MAX)
        metric_values.at[index] = str_make(value, len);
}

static double *
open_series(const struct scripts *scripts, struct metric_table *table,
            int family)
{
    const struct engine *engine = scripts->runtime->engine;
    const struct board *board = board_of(scripts);
    unsigned actor = 0;
    int cell = metric_series(table, family, &metric_values);

    if (board != NULL && board->metrics == table)
        actor = engine->worker;
    return cell == METRIC_NONE ? NULL : metric_cells(table, actor) + cell;
}

const struct shared_calls shared_calls = {
    .dicts = dicts,
    .metrics = metrics,
    .open = open_dict,
    .get = get,
    .set = set,
    .add = add,
    .incr = incr,
    .erase = erase,
    .metric_begin = metric_begin,
    .metric_label = metric_label,
    .metric_bound = metric_bound,
    .metric_open = open_metric,
    .metric_value = metric_value,
    .metric_series = open_series,
};
