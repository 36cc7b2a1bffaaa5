/* SPDX-License-Identifier: MIT */
#include "app/row_marks.h"

#include <stdlib.h>

#include "board/board.h"
#include "proxy/section.h"
#include "script/scripts.h"

static unsigned
count_rows(const struct board *board, enum board_kind kind)
{
    const struct board_limits *n = &board->header->limits;

    switch (kind) {
    case BOARD_UPSTREAMS:
        return n->upstreams;
    case BOARD_SERVERS:
        return n->servers;
    case BOARD_SECTIONS:
        return n->sections;
    case BOARD_SCRIPTS:
        return n->scripts;
    case BOARD_KINDS:
        break;
    }
    return 0;
}

static bool
is_used(const struct board *board, enum board_kind kind, unsigned i)
{
    const struct row_name *name = NULL;

    switch (kind) {
    case BOARD_UPSTREAMS:
        name = &board->upstreams[i].name;
        break;
    case BOARD_SERVERS:
        name = &board->servers[i].name;
        break;
    case BOARD_SECTIONS:
        name = &board->sections[i].name;
        break;
    case BOARD_SCRIPTS:
        name = &board->scripts[i].name;
        break;
    case BOARD_KINDS:
        return false;
    }
    return atomic_load_explicit(&name->used, memory_order_acquire);
}

static int
open_marks(struct row_marks *m, const struct board *board)
{
    row_marks_fini(m);
    for (unsigned kind = 0; kind < BOARD_KINDS; kind++) {
        unsigned count = count_rows(board, (enum board_kind)kind);

        m->rows[kind] = calloc(count + 1, sizeof(bool));
        if (m->rows[kind] == NULL) {
            row_marks_fini(m);
            return -1;
        }
    }
    return 0;
}

int
row_marks_take(struct row_marks *m, const struct board *board)
{
    if (open_marks(m, board) < 0)
        return -1;
    for (unsigned kind = 0; kind < BOARD_KINDS; kind++) {
        unsigned count = count_rows(board, (enum board_kind)kind);

        for (unsigned i = 0; i < count; i++)
            m->rows[kind][i] = is_used(board, (enum board_kind)kind, i);
    }
    return 0;
}

static void
mark(struct row_marks *m, enum board_kind kind, int row)
{
    if (row != BOARD_NONE)
        m->rows[kind][row] = true;
}

static int
mark_script(void *arg, struct board *board, struct str name)
{
    mark(arg, BOARD_SCRIPTS, board_find_script(board, name));
    return 0;
}

static void
mark_upstream(struct row_marks *m, const struct board *board,
              const struct upstream_conf *conf)
{
    int upstream = board_find_upstream(board, conf->name);

    mark(m, BOARD_UPSTREAMS, upstream);
    for (size_t i = 0; i < conf->server_count; i++)
        mark(m, BOARD_SERVERS,
             board_find_server(board, upstream, conf->servers[i].name));
}

int
row_marks_take_config(struct row_marks *m, struct board *board,
                      const struct config *config)
{
    if (open_marks(m, board) < 0)
        return -1;
    for (size_t i = 0; i < config->upstream_count; i++)
        mark_upstream(m, board, &config->upstreams[i]);
    for (size_t i = 0; i < config->section_count; i++) {
        char name[SECTION_ROW_NAME];

        mark(m, BOARD_SECTIONS,
             board_find_section(board,
                                section_row_name(name, &config->sections[i])));
    }
    return scripts_each_row(config, mark_script, board, m);
}

static void
each_other(const struct row_marks *m, const struct board *board,
           enum board_kind kind, row_marks_fn fn, void *arg)
{
    unsigned count = count_rows(board, kind);

    for (unsigned i = 0; i < count; i++) {
        if (!m->rows[kind][i] && is_used(board, kind, i))
            fn(arg, &(struct rows_one){.kind = kind, .row = (int)i});
    }
}

void
row_marks_each_other(const struct row_marks *m, const struct board *board,
                     row_marks_fn fn, void *arg)
{
    each_other(m, board, BOARD_SERVERS, fn, arg);
    each_other(m, board, BOARD_UPSTREAMS, fn, arg);
    each_other(m, board, BOARD_SECTIONS, fn, arg);
    each_other(m, board, BOARD_SCRIPTS, fn, arg);
}

static void
remove_row(void *arg, const struct rows_one *row)
{
    rows_remove(arg, row);
}

void
row_marks_restore(struct row_marks *m, struct board *board)
{
    if (!row_marks_is_taken(m))
        return;
    row_marks_each_other(m, board, remove_row, board);
    row_marks_fini(m);
}

void
row_marks_fini(struct row_marks *m)
{
    for (unsigned kind = 0; kind < BOARD_KINDS; kind++)
        free(m->rows[kind]);
    *m = (struct row_marks){.rows = {NULL}};
}
