/* SPDX-License-Identifier: MIT */
/*
 * A server's share in the counts is taken out before its view is read anew, and
 * put back as it is then. So it does not matter how often, or in what order,
 * servers are looked at.
 */
#include "proxy/roster.h"

#include <stdlib.h>

#include "base/mem.h"
#include "board/board.h"
#include "board/changes.h"
#include "proxy/flow.h"

void
roster_init(struct roster *r, struct board *board, int upstream,
            struct server_view *views, unsigned count)
{
    *r = (struct roster){
        .board = board,
        .upstream = upstream,
        .count = count,
        .views = views,
        .members = xcalloc(count, sizeof(*r->members)),
    };
    tournament_init(&r->loads, count);
    if (board == NULL)
        return;
    r->by_row = xcalloc(board->header->limits.servers, sizeof(*r->by_row));
    /* Further behind than it pays to read. */
    r->seen = changes_count(board, upstream) - count - 1;
}

void
roster_fini(struct roster *r)
{
    free(r->members);
    free(r->by_row);
    tournament_fini(&r->loads);
}

void
roster_place(struct roster *r, unsigned index, int row)
{
    r->members[index].row = row;
    r->by_row[row] = (uint16_t)(index + 1);
}

bool
roster_serves(const struct server_view *view)
{
    return view->up && !view->draining && !view->maint && view->weight > 0;
}

static int32_t
weight_in_service(const struct server_view *view)
{
    return roster_serves(view) ? view->weight : 0;
}

static double
load_of(const struct server_view *view)
{
    int32_t count = view->active + view->queued;

    return count > 0 ? (double)(count + 1) / view->weight : 0;
}

/* --- one server ----------------------------------------------------------- */

static void
count_member(struct roster_counts *counts, enum roster_standing standing,
             bool backup, unsigned by)
{
    switch (standing) {
    case ROSTER_OUT:
        return;
    case ROSTER_FULL:
        counts->full += by;
        counts->full_backups += backup ? by : 0;
        return;
    case ROSTER_FREE:
        *(backup ? &counts->free_backups : &counts->free) += by;
        return;
    }
}

static void
set_usable(struct roster *r, unsigned index, bool usable)
{
    struct server_view *view = &r->views[index];

    view->usable = usable;
    if (r->has_order)
        tournament_set(&r->loads, index,
                       usable ? load_of(view) : TOURNAMENT_OUT);
}

static void
show(struct roster *r, unsigned index)
{
    set_usable(r, index,
               r->members[index].standing == ROSTER_FREE &&
                   (r->on_backups || !r->views[index].backup));
}

static enum roster_standing
standing_of(const struct roster_member *member, const struct server_view *view)
{
    if (!roster_serves(view))
        return ROSTER_OUT;
    if (view->maxconn > 0 && member->idle == 0 &&
        (view->active >= view->maxconn || view->queued > 0))
        return ROSTER_FULL;
    return ROSTER_FREE;
}

static void
update(struct roster *r, unsigned index)
{
    struct roster_member *member = &r->members[index];
    struct server_view *view = &r->views[index];
    int32_t weight = weight_in_service(view);
    bool backup = view->backup;

    count_member(&r->counts, member->standing, backup, -1U);
    board_read_view(r->board, member->row, view);
    member->standing = standing_of(member, view);
    r->taken += view->active - member->taken;
    member->taken = view->active;
    /* Kept connections hold slots, but they are no load. */
    view->active -= (int32_t)member->idle;
    count_member(&r->counts, member->standing, view->backup, 1);
    if (weight != weight_in_service(view) || backup != view->backup)
        r->states++;
    show(r, index);
}

/* --- all of them ---------------------------------------------------------- */

/* One that is not a backup keeps them out even when it is full. */
static bool
backups_stand_in(const struct roster_counts *counts)
{
    return counts->free == 0 && counts->full == counts->full_backups &&
           counts->free_backups + counts->full_backups > 0;
}

/* Backups stand in, or no more, by what COUNTS say. */
static void
apply_backup_rule(struct roster *r, const struct roster_counts *counts)
{
    bool on = backups_stand_in(counts);

    if (r->on_backups == on)
        return;
    r->on_backups = on;
    for (unsigned i = 0; i < r->count; i++) {
        if (r->views[i].backup)
            show(r, i);
    }
}

static void
update_all(struct roster *r)
{
    for (unsigned i = 0; i < r->count; i++)
        update(r, i);
}

void
roster_refresh(struct roster *r)
{
    uint64_t end = changes_count(r->board, r->upstream);

    if (r->seen == end)
        return;
    if (end - r->seen > r->count) {
        update_all(r);
        r->seen = end;
    }
    for (; r->seen != end; r->seen++) {
        int row = changes_row(r->board, r->upstream, r->seen);

        if (row == BOARD_NONE) {
            update_all(r);
            r->seen = end;
            break;
        }
        if (r->by_row[row] > 0)
            update(r, r->by_row[row] - 1U);
    }
    apply_backup_rule(r, &r->counts);
}

void
roster_refresh_one(struct roster *r, unsigned index)
{
    update(r, index);
    apply_backup_rule(r, &r->counts);
}

void
roster_set_idle(struct roster *r, unsigned index, unsigned idle)
{
    r->members[index].idle = idle;
    roster_refresh_one(r, index);
}

/* --- one flow ------------------------------------------------------------- */

/* Leaves what FLOW has tried out of the counts. */
static void
discount_tried(struct roster_counts *counts, const struct roster *r,
               const struct flow *flow)
{
    for (unsigned i = 0; i < flow->tried_count; i++) {
        unsigned index = flow->tried[i];
        enum roster_standing standing = r->members[index].standing;

        count_member(counts, standing, r->views[index].backup, -1U);
        if (standing != ROSTER_OUT)
            counts->tried++;
    }
}

unsigned
roster_enter(struct roster *r, const struct flow *flow,
             struct roster_counts *counts)
{
    roster_refresh(r);
    *counts = r->counts;
    if (flow->tried_count > 0) {
        discount_tried(counts, r, flow);
        apply_backup_rule(r, counts);
        for (unsigned i = 0; i < flow->tried_count; i++)
            set_usable(r, flow->tried[i], false);
    }
    return backups_stand_in(counts) ? counts->free_backups : counts->free;
}

void
roster_leave(struct roster *r, const struct flow *flow)
{
    if (flow->tried_count == 0)
        return;
    apply_backup_rule(r, &r->counts);
    for (unsigned i = 0; i < flow->tried_count; i++)
        show(r, flow->tried[i]);
}

/* --- questions ------------------------------------------------------------ */

bool
roster_is_in_service(const struct roster *r, unsigned index)
{
    return r->members[index].standing != ROSTER_OUT;
}

int
roster_least(struct roster *r, uint64_t turn)
{
    unsigned equals;

    /* Most policies never ask; they do not pay for the order. */
    if (!r->has_order) {
        r->has_order = true;
        for (unsigned i = 0; i < r->count; i++)
            set_usable(r, i, r->views[i].usable);
    }
    equals = tournament_winners(&r->loads);
    if (equals == 0)
        return -1;
    return (int)tournament_winner(&r->loads, (unsigned)(turn % equals));
}

uint64_t
roster_generation(const struct roster *r)
{
    return r->states << 1 | r->on_backups;
}
