/* SPDX-License-Identifier: MIT */
/*
 * Scripts stay: their rows are found again by whoever loads them.
 */
#include "app/row_marks.h"

#include <stdlib.h>

#include "board/board.h"

static bool
is_used(const struct row_name *name)
{
    return atomic_load_explicit(&name->used, memory_order_acquire);
}

int
row_marks_take(struct row_marks *m, const struct board *board)
{
    const struct board_limits *n = &board->header->limits;

    row_marks_fini(m);
    m->upstreams = calloc(n->upstreams + 1, sizeof(bool));
    m->servers = calloc(n->servers + 1, sizeof(bool));
    m->sections = calloc(n->sections + 1, sizeof(bool));
    if (m->upstreams == NULL || m->servers == NULL || m->sections == NULL) {
        row_marks_fini(m);
        return -1;
    }
    for (unsigned i = 0; i < n->upstreams; i++)
        m->upstreams[i] = is_used(&board->upstreams[i].name);
    for (unsigned i = 0; i < n->servers; i++)
        m->servers[i] = is_used(&board->servers[i].name);
    for (unsigned i = 0; i < n->sections; i++)
        m->sections[i] = is_used(&board->sections[i].name);
    return 0;
}

void
row_marks_restore(struct row_marks *m, struct board *board)
{
    const struct board_limits *n = &board->header->limits;

    if (m->upstreams == NULL)
        return;
    for (unsigned i = 0; i < n->servers; i++) {
        if (!m->servers[i] && is_used(&board->servers[i].name))
            board_remove_server(board, (int)i);
    }
    for (unsigned i = 0; i < n->upstreams; i++) {
        if (!m->upstreams[i] && is_used(&board->upstreams[i].name))
            board_remove_upstream(board, (int)i);
    }
    for (unsigned i = 0; i < n->sections; i++) {
        if (!m->sections[i] && is_used(&board->sections[i].name))
            board_remove_section(board, (int)i);
    }
    row_marks_fini(m);
}

void
row_marks_fini(struct row_marks *m)
{
    free(m->upstreams);
    free(m->servers);
    free(m->sections);
    *m = (struct row_marks){.upstreams = NULL};
}
