/* SPDX-License-Identifier: MIT */
#include "app/server_command.h"

#include <inttypes.h>

#include "base/log.h"
#include "board/board.h"
#include "board/events.h"
#include "board/state.h"
#include "board/wake.h"
#include "config/model.h"
#include "config/nearest.h"

enum {
    HINT_MAX = 128, /* bytes of "; did you mean ..." */
};

static const char USAGE[] = "write server UPSTREAM/SERVER drain, ready, maint "
                            "or weight N";

/* The row of the server that is called NAME; BOARD_NONE, which is answered. */
static int
find_server(struct buf *answer, const struct board *board, struct str name)
{
    unsigned rows = board->header->limits.servers;
    struct nearest nearest;
    char hint[HINT_MAX];

    nearest_init(&nearest, name);
    for (unsigned i = 0; i < rows; i++) {
        struct str known = row_text(&board->servers[i].name);

        if (known.p == NULL)
            continue;
        if (str_equal(known, name))
            return (int)i;
        nearest_offer(&nearest, known);
    }
    buf_printf(answer, "error there is no server \"" STR_FMT "\"%s\n",
               STR_ARG(name),
               str_find_char(name, '/', 0) < 0
                   ? ": write UPSTREAM/SERVER"
                   : nearest_hint(&nearest, hint, sizeof(hint)));
    return BOARD_NONE;
}

/* Workers look at the server, and control at what follows for the others. */
static void
tell(struct buf *answer, struct board *board, int row, bool json,
     const char *who)
{
    static const char *const admins[] = {"ready", "drain", "maint"};
    const struct server_row *server = &board->servers[row];
    const char *admin = admins[atomic_load(&server->admin)];
    int32_t weight = atomic_load(&server->weight);

    wake_control(board);
    wake_workers(board);
    log_info("server %s is set to %s weight=%" PRId32 " by %s",
             server->name.text, admin, weight, who);
    event_note(board, EVENT_ADMIN, "%s is set to %s, weight %" PRId32 ", by %s",
               server->name.text, admin, weight, who);
    buf_printf(answer,
               json ? "ok\n{\"server\":\"%s\",\"admin\":\"%s\",\"weight\":"
                      "%" PRId32 "}\n"
                    : "ok\n%s is set to %s, weight %" PRId32 "\n",
               server->name.text, admin, weight);
}

static int
parse_admin(enum server_admin *out, struct str word)
{
    if (str_equal(word, STR("ready")))
        *out = SERVER_READY;
    else if (str_equal(word, STR("drain")))
        *out = SERVER_DRAIN;
    else if (str_equal(word, STR("maint")))
        *out = SERVER_MAINT;
    else
        return -1;
    return 0;
}

/* ready, drain, maint */
static int
set_admin(struct buf *answer, struct board *board, int row,
          const struct str *words, size_t count)
{
    enum server_admin admin;

    if (parse_admin(&admin, words[0]) < 0) {
        buf_printf(answer, "error \"" STR_FMT "\" is nothing to do: %s\n",
                   STR_ARG(words[0]), USAGE);
        return -1;
    }
    if (count > 1) {
        buf_printf(answer, "error " STR_FMT " takes no argument: %s\n",
                   STR_ARG(words[0]), USAGE);
        return -1;
    }
    board_set_admin(board, row, admin);
    return 0;
}

static int
set_weight(struct buf *answer, struct board *board, int row,
           const struct str *words, size_t count)
{
    uint64_t weight;

    if (count != 2 || str_to_uint(&weight, words[1], CONFIG_WEIGHT_MAX) < 0) {
        buf_printf(answer,
                   "error a weight is a number from 0 to %d, not \"" STR_FMT
                   "\"\n",
                   CONFIG_WEIGHT_MAX, STR_ARG(words[count - 1]));
        return -1;
    }
    board_set_weight(board, row, (int32_t)weight);
    return 0;
}

void
server_command_run(struct buf *answer, struct board *board,
                   const struct str *words, size_t count, bool json,
                   const char *who)
{
    int row, done;

    if (count < 2) {
        buf_printf(answer, "error %s\n", USAGE);
        return;
    }
    row = find_server(answer, board, words[0]);
    if (row == BOARD_NONE)
        return;
    if (str_equal(words[1], STR("weight")))
        done = set_weight(answer, board, row, words + 1, count - 1);
    else
        done = set_admin(answer, board, row, words + 1, count - 1);
    if (done == 0)
        tell(answer, board, row, json, who);
}
