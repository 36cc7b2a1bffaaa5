/* SPDX-License-Identifier: MIT */
#include "app/swap_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "board/board.h"
#include "board/strikes.h"
#include "board/versions.h"
#include "net/loop.h"
#include "script/bundle.h"
#include "script/bundles.h"
#include "script/load.h"

_Static_assert((int)BUNDLE_HASH_SHOWN == (int)BOARD_HASH_LEN, "hashes");

struct bundle *
history_current(const struct versions *v)
{
    return v->bundles[v->count - 1];
}

struct bundle *
history_previous(const struct versions *v)
{
    return v->count < 2 ? NULL : v->bundles[v->count - 2];
}

static struct str
row_name(const struct versions *v)
{
    return script_row_name(str_from(history_current(v)->name));
}

static struct script_row *
find_row(const struct versions *v)
{
    int row = board_find_script(v->owner->board, row_name(v));

    return row == BOARD_NONE ? NULL : &v->owner->board->scripts[row];
}

bool
history_is_quarantined(const struct versions *v)
{
    const struct script_row *row = find_row(v);

    return row != NULL && strikes_verdict(row) != STRIKE_NONE;
}

static void
copy_hash(char to[BOARD_HASH_LEN + 1], const struct bundle *bundle)
{
    (void)snprintf(to, BOARD_HASH_LEN + 1, "%s",
                   bundle == NULL ? "" : bundle_hash(bundle));
}

/* What is committed now; its age goes on where only its confirmation has
 * changed. */
static void
show(const struct versions *v)
{
    struct script_row *row = find_row(v);
    struct script_version now = {.generation = v->generation};
    struct script_version before;

    if (row == NULL)
        return;
    versions_get(&before, row);
    now.since_ms =
        before.generation == v->generation ? before.since_ms : clock_wall_ms();
    now.confirm_by_ms = v->confirmed == NULL ? 0 : v->confirm_by_ms;
    copy_hash(now.hash, history_current(v));
    copy_hash(now.previous, history_previous(v));
    copy_hash(now.confirmed, v->confirmed);
    versions_set(row, &now);
}

/* --- keeping -------------------------------------------------------------- */

static void
forget_oldest(struct versions *v)
{
    v->owner->bytes -= v->bundles[0]->bytes;
    bundle_unref(v->bundles[0]);
    v->count--;
    memmove(&v->bundles[0], &v->bundles[1], v->count * sizeof(v->bundles[0]));
}

static void
forget_current(struct versions *v)
{
    bundle_unref(history_current(v));
    v->count--;
    v->bundles[v->count] = NULL;
    if (v->count > 0)
        v->owner->bytes -= history_current(v)->bytes;
}

/* Those of the script that grows first, then anybody's. */
static void
keep_below_limit(struct versions *v)
{
    struct history *h = v->owner;

    while (h->bytes > HISTORY_BYTES_MAX && v->count > 1)
        forget_oldest(v);
    for (size_t i = 0; i < h->count; i++) {
        while (h->bytes > HISTORY_BYTES_MAX && h->scripts[i]->count > 1)
            forget_oldest(h->scripts[i]);
    }
}

static void
put(struct versions *v, struct bundle *bundle)
{
    if (v->count == HISTORY_VERSIONS)
        forget_oldest(v);
    if (v->count > 0)
        v->owner->bytes += history_current(v)->bytes;
    v->bundles[v->count++] = bundle_ref(bundle);
    keep_below_limit(v);
}

/* --- confirming ----------------------------------------------------------- */

static void
on_overdue(struct timer *timer)
{
    struct versions *v = container_of(timer, struct versions, overdue);

    v->owner->on_overdue(v);
}

static void
set_confirmed(struct versions *v, struct bundle *bundle)
{
    struct bundle *old = v->confirmed;

    v->confirmed = bundle == NULL ? NULL : bundle_ref(bundle);
    bundle_unref(old);
    if (bundle == NULL)
        timer_stop(&v->overdue);
}

bool
history_confirm(struct versions *v)
{
    if (v->confirmed == NULL)
        return false;
    set_confirmed(v, NULL);
    show(v);
    return true;
}

/* What was in use is confirmed, unless it waits for that itself. */
static void
begin_confirmation(struct versions *v, uint64_t confirm_ms)
{
    if (v->confirmed == NULL)
        set_confirmed(v, history_current(v));
    v->confirm_by_ms = clock_wall_ms() + confirm_ms;
    loop_start_timer(v->owner->loop, &v->overdue, confirm_ms);
}

/* --- the whole ------------------------------------------------------------ */

void
history_push(struct versions *v, struct bundle *bundle, uint32_t generation,
             uint64_t confirm_ms)
{
    if (confirm_ms > 0)
        begin_confirmation(v, confirm_ms);
    else
        set_confirmed(v, NULL);
    history_follow(v, bundle, generation);
}

void
history_follow(struct versions *v, struct bundle *bundle, uint32_t generation)
{
    put(v, bundle);
    v->generation = generation;
    show(v);
}

void
history_return(struct versions *v, struct bundle *bundle, uint32_t generation)
{
    struct bundle *held = bundle_ref(bundle);

    while (v->count > 0 && history_current(v) != held)
        forget_current(v);
    if (v->count == 0)
        put(v, held);
    set_confirmed(v, NULL);
    v->generation = generation;
    show(v);
    bundle_unref(held);
}

struct versions *
history_find(const struct history *h, struct str name)
{
    for (size_t i = 0; i < h->count; i++) {
        struct versions *v = h->scripts[i];

        if (str_equal(name, str_from(history_current(v)->name)))
            return v;
    }
    for (size_t i = 0; i < h->count; i++) {
        if (str_equal(name, row_name(h->scripts[i])))
            return h->scripts[i];
    }
    return NULL;
}

static struct versions *
new_versions(struct history *h, struct bundle *bundle, uint32_t generation)
{
    struct versions *v = xcalloc(1, sizeof(*v));

    v->owner = h;
    timer_init(&v->overdue, on_overdue);
    put(v, bundle);
    v->generation = generation;
    show(v);
    return v;
}

static void
free_versions(struct versions *v)
{
    set_confirmed(v, NULL);
    while (v->count > 0)
        forget_current(v);
    free(v);
}

void
history_init(struct history *h, struct loop *loop, struct board *board,
             const struct bundles *set, uint32_t generation)
{
    h->loop = loop;
    h->board = board;
    h->scripts = xcalloc(set->count + 1, sizeof(struct versions *));
    for (size_t i = 0; i < set->count; i++)
        h->scripts[h->count++] = new_versions(h, set->items[i], generation);
}

/* That of a script by its very name, taken out of H. */
static struct versions *
take_out(struct history *h, const char *name)
{
    for (size_t i = 0; i < h->count; i++) {
        struct versions *v = h->scripts[i];

        if (v != NULL && strcmp(history_current(v)->name, name) == 0) {
            h->scripts[i] = NULL;
            return v;
        }
    }
    return NULL;
}

void
history_rebase(struct history *h, const struct bundles *set,
               uint32_t generation)
{
    struct history old = {.scripts = h->scripts, .count = h->count};

    h->scripts = xcalloc(set->count + 1, sizeof(struct versions *));
    h->count = 0;
    for (size_t i = 0; i < set->count; i++) {
        struct versions *v = take_out(&old, set->items[i]->name);

        if (v == NULL)
            v = new_versions(h, set->items[i], generation);
        else if (!bundle_equals(history_current(v), set->items[i]))
            history_follow(v, set->items[i], generation);
        h->scripts[h->count++] = v;
    }
    for (size_t i = 0; i < old.count; i++) {
        if (old.scripts[i] != NULL)
            free_versions(old.scripts[i]);
    }
    free(old.scripts);
}

void
history_fini(struct history *h)
{
    for (size_t i = 0; i < h->count; i++)
        free_versions(h->scripts[i]);
    free(h->scripts);
    h->scripts = NULL;
    h->count = 0;
}
