/* SPDX-License-Identifier: MIT */
#include "board/server_line.h"

#include <inttypes.h>
#include <stdio.h>

#include "board/board.h"

static enum server_state
find_state(const struct server_line *line, int32_t passes, int32_t fall)
{
    const struct server_view *view = &line->view;

    if (view->maint)
        return SERVER_STATE_MAINT;
    if (view->draining || atomic_load(&line->row->removed))
        return SERVER_STATE_DRAIN;
    if (fall == 0)
        return view->up ? SERVER_STATE_NO_CHECK : SERVER_STATE_DOWN;
    if (view->up)
        return view->fails == 0 ? SERVER_STATE_UP : SERVER_STATE_GOING_DOWN;
    return passes == 0 ? SERVER_STATE_DOWN : SERVER_STATE_GOING_UP;
}

static void
read_state(struct server_line *line)
{
    int32_t passes = atomic_load(&line->row->passes);
    int32_t fall = atomic_load(&line->row->fall);

    line->state = find_state(line, passes, fall);
    if (line->state == SERVER_STATE_GOING_UP) {
        line->count = passes;
        line->limit = atomic_load(&line->row->rise);
    } else {
        line->count = line->view.fails;
        line->limit = fall;
    }
}

bool
server_line_read(struct server_line *out, const struct board *b, unsigned i)
{
    const struct server_row *row = &b->servers[i];
    struct str name = row_text(&row->name);
    ptrdiff_t slash;

    if (name.p == NULL)
        return false;
    slash = str_find_char(name, '/', 0);
    *out = (struct server_line){
        .upstream = str_slice(name, 0, (size_t)slash),
        .name = str_slice(name, (size_t)slash + 1, name.len),
        .row = row,
        .chosen = board_chosen(b, row->upstream) == (int)i,
    };
    board_read_view(b, (int)i, &out->view);
    board_sum_server(b, (int)i, &out->totals);
    read_state(out);
    return true;
}

const char *
server_line_state(char text[SERVER_LINE_STATE_MAX + 1],
                  const struct server_line *line)
{
    static const char *const words[SERVER_STATES] = {
        [SERVER_STATE_UP] = "up",
        [SERVER_STATE_GOING_DOWN] = "going down",
        [SERVER_STATE_GOING_UP] = "going up",
        [SERVER_STATE_DOWN] = "down",
        [SERVER_STATE_DRAIN] = "drain",
        [SERVER_STATE_MAINT] = "maint",
        [SERVER_STATE_NO_CHECK] = "no check",
    };
    const char *word = words[line->state];

    if (line->state != SERVER_STATE_GOING_DOWN &&
        line->state != SERVER_STATE_GOING_UP)
        return word;
    (void)snprintf(text, SERVER_LINE_STATE_MAX + 1, "%s %" PRId32 "/%" PRId32,
                   word, line->count, line->limit);
    return text;
}

const char *
server_line_role(const struct server_line *line)
{
    if (line->chosen)
        return "chosen";
    return line->view.backup ? "backup" : "-";
}
