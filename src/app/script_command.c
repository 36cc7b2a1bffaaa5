/* SPDX-License-Identifier: MIT */
#include "app/script_command.h"

#include "app/script_request.h"
#include "board/board.h"
#include "board/render_scripts.h"
#include "config/nearest.h"
#include "config/value.h"

enum {
    HINT_MAX = 128,        /* bytes of "; did you mean ..." */
    CONFIRM_MIN_MS = 1000, /* --confirm */
    CONFIRM_MAX_MS = 86400 * 1000,
};

static const char USAGE[] =
    "write script list, script reload NAME [--confirm 60s],"
    " script rollback NAME or script confirm NAME";

/* -1: there is no such script, which is answered. */
static int
check_name(struct buf *answer, const struct board *board, struct str name)
{
    struct nearest nearest;
    char hint[HINT_MAX];

    if (board_find_script(board, name) != BOARD_NONE)
        return 0;
    nearest_init(&nearest, name);
    for (unsigned i = 0; i < board->header->limits.scripts; i++) {
        struct str known = row_text(&board->scripts[i].name);

        if (known.p != NULL)
            nearest_offer(&nearest, known);
    }
    buf_printf(answer, "error there is no script \"" STR_FMT "\"%s\n",
               STR_ARG(name), nearest_hint(&nearest, hint, sizeof(hint)));
    return -1;
}

/* --confirm TIME, the only option that there is. */
static int
read_option(struct buf *answer, struct script_request *r,
            const struct str *words, size_t count)
{
    char why[VALUE_WHY_MAX];

    if (count == 0)
        return 0;
    if (!str_equal(words[0], STR("--confirm")) || count != 2 ||
        r->verb != SCRIPT_RELOAD) {
        buf_printf(answer, "error \"" STR_FMT "\" means nothing here: %s\n",
                   STR_ARG(words[0]), USAGE);
        return -1;
    }
    if (value_duration(&r->confirm_ms, words[1], why, sizeof(why)) < 0) {
        buf_printf(answer, "error --confirm: %s\n", why);
        return -1;
    }
    if (r->confirm_ms >= CONFIRM_MIN_MS && r->confirm_ms <= CONFIRM_MAX_MS)
        return 0;
    buf_printf(answer,
               "error --confirm is from 1s to 1d, not \"" STR_FMT "\"\n",
               STR_ARG(words[1]));
    return -1;
}

static bool
is_list(const struct str *words, size_t count)
{
    return count == 1 && str_equal(words[0], STR("list"));
}

/* Options may stand before the name, too. */
static int
read_request(struct buf *answer, struct script_request *r,
             const struct str *words, size_t count)
{
    if (count < 2 || script_verb_find(&r->verb, words[0]) < 0) {
        buf_printf(answer, "error %s\n", USAGE);
        return -1;
    }
    if (str_starts_with(words[1], STR("--"))) {
        r->name = words[count - 1];
        return read_option(answer, r, words + 1, count - 2);
    }
    r->name = words[1];
    return read_option(answer, r, words + 2, count - 2);
}

bool
script_command_run(struct buf *answer, const struct board *board,
                   const struct str *words, size_t count, bool json,
                   const char *who)
{
    struct script_request r = {.json = json, .who = str_from(who)};

    if (is_list(words, count)) {
        buf_str(answer, STR("ok\n"));
        render_scripts(answer, board, json ? RENDER_JSON : RENDER_TEXT);
        return false;
    }
    if (read_request(answer, &r, words, count) < 0 ||
        check_name(answer, board, r.name) < 0)
        return false;
    script_request_write(answer, &r);
    return true;
}
