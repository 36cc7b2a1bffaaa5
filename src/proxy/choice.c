/* SPDX-License-Identifier: MIT */
#include "proxy/choice.h"

#include <stdbool.h>

#include "base/log.h"
#include "board/board.h"
#include "proxy/engine.h"
#include "proxy/roster.h"
#include "proxy/upstream.h"

static int
row_of(const struct upstream *upstream, int index)
{
    return index == CHOICE_NONE ? BOARD_NONE : upstream->servers[index].row;
}

static int
index_of(const struct upstream *upstream, int row)
{
    /* 0 and so none, too, for one that another configuration has added. */
    return row == BOARD_NONE ? CHOICE_NONE : upstream->roster.by_row[row] - 1;
}

int
choice_get(const struct upstream *upstream)
{
    return index_of(upstream,
                    board_chosen(upstream->engine->board, upstream->row));
}

/* Whether the board says of a server what the view said: in service, or not. */
static bool
view_holds(const struct upstream *upstream, int index)
{
    struct server_view now;

    if (index == CHOICE_NONE)
        return true;
    board_read_view(upstream->engine->board, upstream->servers[index].row,
                    &now);
    return roster_serves(&now) == roster_serves(&upstream->views[index]);
}

static const char *
state_word(const struct server_view *view)
{
    if (view->maint)
        return "in maintenance";
    if (view->draining)
        return "draining";
    if (!view->up)
        return "down";
    return view->weight > 0 ? "up" : "of weight 0";
}

static void
log_choice(const struct upstream *upstream, int from, int to)
{
    struct str name = upstream->conf->name;
    struct str chosen = upstream->servers[to].conf->name;

    if (from == CHOICE_NONE)
        log_info("upstream " STR_FMT ": the primary is " STR_FMT, STR_ARG(name),
                 STR_ARG(chosen));
    else
        log_warn("upstream " STR_FMT ": the primary is " STR_FMT
                 " now, was " STR_FMT ", which is %s",
                 STR_ARG(name), STR_ARG(chosen),
                 STR_ARG(upstream->servers[from].conf->name),
                 state_word(&upstream->views[from]));
}

int
choice_set(struct upstream *upstream, int from, int to)
{
    int row = row_of(upstream, from);

    if (from == to || !view_holds(upstream, from) || !view_holds(upstream, to))
        return choice_get(upstream);
    if (board_choose(upstream->engine->board, upstream->row,
                     row_of(upstream, to), &row))
        log_choice(upstream, from, to);
    return index_of(upstream, row);
}
