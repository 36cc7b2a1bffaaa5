/* SPDX-License-Identifier: MIT */
#include "app/shared.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/inherit.h"
#include "app/message.h"
#include "app/rows.h"
#include "base/log.h"
#include "board/board.h"
#include "board/numbers.h"
#include "config/model.h"

enum {
    GENERATIONS = 32, /* that have room on the board, up to its own limit */
    WAKES_PART = 8,   /* of all descriptors may be those that wake */
};

/* --- a new one ------------------------------------------------------------ */

/* Every process has an eventfd of every number. An upgrade needs two
 * generations, however few descriptors there are. */
static unsigned
choose_room(unsigned workers)
{
    struct rlimit limit = {.rlim_cur = 0};
    unsigned most = BOARD_WORKERS_MAX;
    unsigned room = workers * GENERATIONS;

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur / WAKES_PART < most)
        most = (unsigned)(limit.rlim_cur / WAKES_PART);
    if (room > most)
        room = most;
    return room < workers * 2 ? workers * 2 : room;
}

static int
make(struct shared *s, const struct config *config,
     const struct addresses *addresses, unsigned workers)
{
    s->board = rows_open_board(config, choose_room(workers));
    s->log_wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->board == NULL || s->log_wake < 0 ||
        message_open(s->stats_link) < 0) {
        log_error("cannot make what the processes share: %s", strerror(errno));
        return -1;
    }
    rows_set_addresses(s->board, config, addresses);
    return 0;
}

/* --- the older program's -------------------------------------------------- */

/* Why the older program's is of no use to this one; "": it is. */
static void
look_at(struct shared *s, const struct inherit *in)
{
    if (in->board < 0)
        (void)snprintf(s->why_new, sizeof(s->why_new),
                       "the older program has handed over none");
    else if (in->layout != board_layout())
        (void)snprintf(s->why_new, sizeof(s->why_new),
                       "the older program's has layout %u, this one's has %u",
                       in->layout, board_layout());
}

static int
adopt(struct shared *s, struct inherit *in)
{
    s->board =
        board_adopt(in->board, in->wakes, in->wake_count, in->control_wake);
    if (s->board == NULL) {
        (void)snprintf(s->why_new, sizeof(s->why_new),
                       "the older program's cannot be used: %s",
                       strerror(errno));
        return -1;
    }
    s->log_wake = in->log_wake;
    memcpy(s->stats_link, in->stats_link, sizeof(s->stats_link));
    in->stats_link[0] = in->stats_link[1] = -1;
    in->board = -1;
    in->log_wake = -1;
    in->control_wake = -1;
    in->wake_count = 0;
    s->adopted = true;
    return s->stats_link[1] < 0 ? message_open(s->stats_link) : 0;
}

/* Room for dictionaries cannot be changed where it is in use. */
static void
warn_of_size(const struct board *board, const struct config *config)
{
    if (board->header->limits.dict_bytes != config->global.shared_memory)
        log_warn("shared_memory stays as it was until a restart: the older "
                 "program's dictionaries go on");
}

static int
add_rows(struct shared *s, const struct config *config)
{
    struct rows_added added = {.count = 0};
    int result = rows_add(s->board, config, &added);
    int error = errno;

    rows_forget(&added);
    if (result == 0)
        return 0;
    log_error("there is no room for all upstreams, servers, sections and "
              "scripts beside those of the older program: %s",
              strerror(error));
    return -1;
}

/* --- numbers -------------------------------------------------------------- */

static int
claim(struct shared *s, unsigned workers)
{
    struct generation list[BOARD_WORKERS_MAX];

    s->numbers = xcalloc(workers, sizeof(*s->numbers));
    s->count = workers;
    if (numbers_claim(s->board, s->numbers, workers, getpid()) == 0)
        return 0;
    s->count = 0;
    log_error("there is no room for %u more workers: %u generations are still "
              "there or draining",
              workers, numbers_generations(s->board, list, BOARD_WORKERS_MAX));
    return -1;
}

int
shared_open(struct shared *s, struct inherit *inherit,
            const struct config *config, const struct addresses *addresses,
            unsigned workers)
{
    *s = (struct shared){.log_wake = -1, .stats_link = {-1, -1}};
    if (!inherit_is_open(inherit))
        return make(s, config, addresses, workers) < 0 ? -1 : claim(s, workers);
    look_at(s, inherit);
    if (s->why_new[0] == '\0' && adopt(s, inherit) == 0) {
        warn_of_size(s->board, config);
        return claim(s, workers) < 0 ? -1 : add_rows(s, config);
    }
    log_warn("a new board is made, and counts and states begin anew: %s",
             s->why_new);
    return make(s, config, addresses, workers) < 0 ? -1 : claim(s, workers);
}

/* Its workers have left and were repaired, or were never there. */
void
shared_close(struct shared *s)
{
    for (unsigned i = 0; i < s->count; i++)
        numbers_release(s->board, s->numbers[i]);
    free(s->numbers);
    if (s->log_wake >= 0)
        close(s->log_wake);
    for (int i = 0; i < 2; i++) {
        if (s->stats_link[i] >= 0)
            close(s->stats_link[i]);
    }
    board_close(s->board);
    *s = (struct shared){.log_wake = -1, .stats_link = {-1, -1}};
}
