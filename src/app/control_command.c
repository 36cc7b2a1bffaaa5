/* SPDX-License-Identifier: MIT */
#include "app/control_command.h"

#include "app/master_request.h"
#include "app/script_command.h"
#include "app/server_command.h"

enum {
    PART_ROWS = 512, /* rendered before other work has its turn */
};

/* One that the master is to answer. */
static void
ask_master(struct buf *answer, const struct control_words *w, const char *who)
{
    char memory[CONTROL_COMMAND_MAX];
    struct buf arguments;

    buf_init(&arguments, memory, sizeof(memory));
    for (unsigned i = 1; i < w->count; i++) {
        if (i > 1)
            buf_char(&arguments, ' ');
        buf_str(&arguments, w->word[i]);
    }
    master_request_write(answer, &(struct master_request){
                                     .verb = w->word[0],
                                     .json = w->json,
                                     .arguments = buf_text(&arguments),
                                     .who = str_from(who),
                                 });
}

static void
show(struct buf *answer, struct control_rest *rest, const struct board *board,
     const struct control_entry *entry, const struct control_words *w)
{
    enum render_format format = w->json ? RENDER_JSON : RENDER_TEXT;

    buf_str(answer, STR("ok\n"));
    if (rest == NULL || entry->part == NULL) {
        entry->render(answer, board, format);
        return;
    }
    rest->part = entry->part;
    rest->format = format;
    control_command_more(answer, rest, board);
}

static void
help(struct buf *answer, const struct control_words *w)
{
    size_t from = answer->len;

    buf_str(answer, STR("ok\n"));
    if (control_help(answer, w))
        return;
    answer->len = from;
    buf_str(answer,
            STR("error there is no such command; \"help\" lists all\n"));
}

bool
control_command_run(struct buf *answer, struct control_rest *rest,
                    struct board *board, struct str line, const char *who)
{
    const struct control_entry *entry;
    struct control_words w;
    size_t from = answer->len;

    if (rest != NULL)
        *rest = (struct control_rest){.part = NULL};
    control_split(&w, line);
    buf_str(answer, STR("error "));
    entry = control_check(answer, &w, line);
    if (entry == NULL)
        return false;
    answer->len = from;
    switch (entry->place) {
    case CONTROL_BOARD:
        show(answer, rest, board, entry, &w);
        return false;
    case CONTROL_SERVER:
        server_command_run(answer, board, w.word + 1, w.count - 1, w.json, who);
        return false;
    case CONTROL_SCRIPT:
        return script_command_run(answer, board, w.word + 1, w.count - 1,
                                  w.json, who);
    case CONTROL_MASTER:
        ask_master(answer, &w, who);
        return true;
    case CONTROL_HELP:
        help(answer, &w);
        return false;
    case CONTROL_CLIENT:
        buf_printf(answer, "error %s is for \"moongate ctl %s\"\n",
                   entry->words, entry->words);
        return false;
    }
    return false;
}

void
control_command_more(struct buf *answer, struct control_rest *rest,
                     const struct board *board)
{
    if (rest->part != NULL &&
        !rest->part(answer, board, rest->format, &rest->at, PART_ROWS))
        rest->part = NULL;
}
