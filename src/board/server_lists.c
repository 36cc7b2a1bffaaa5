/* SPDX-License-Identifier: MIT */
#include "board/server_lists.h"

#include <stdlib.h>

#include "board/board.h"

int
server_lists_init(struct server_lists *lists, const struct board *b)
{
    const struct board_limits *n = &b->header->limits;

    lists->first = calloc(n->upstreams + 1, sizeof(int));
    lists->next = calloc(n->servers + 1, sizeof(int));
    if (lists->first == NULL || lists->next == NULL)
        return -1;
    for (unsigned i = 0; i < n->upstreams; i++)
        lists->first[i] = SERVER_LISTS_END;
    for (unsigned i = n->servers; i-- > 0;) {
        int32_t upstream = b->servers[i].upstream;

        if (row_text(&b->servers[i].name).p == NULL)
            continue;
        lists->next[i] = lists->first[upstream];
        lists->first[upstream] = (int)i;
    }
    return 0;
}

void
server_lists_fini(struct server_lists *lists)
{
    free(lists->first);
    free(lists->next);
    *lists = (struct server_lists){.first = NULL};
}
