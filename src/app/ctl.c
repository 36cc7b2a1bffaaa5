/* SPDX-License-Identifier: MIT */
#include "app/ctl.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/control_table.h"
#include "app/ctl_link.h"
#include "app/ctl_top.h"
#include "base/buf.h"

enum {
    WHY_MAX = 4096,
};

/* The words as a line. */
static struct str
join(char memory[CONTROL_COMMAND_MAX], char *const *words, int count)
{
    struct buf line;

    buf_init(&line, memory, CONTROL_COMMAND_MAX);
    for (int i = 0; i < count; i++) {
        if (i > 0)
            buf_char(&line, ' ');
        buf_str(&line, str_from(words[i]));
    }
    return line.failed ? str_make(NULL, 0) : buf_text(&line);
}

/* NULL: it is wrong, which was said. */
static const struct control_entry *
check(struct control_words *w, struct str line)
{
    const struct control_entry *entry;
    struct buf why;

    if (line.p == NULL) {
        fprintf(stderr, "moongate: the command is too long\n");
        return NULL;
    }
    buf_init_growing(&why, WHY_MAX);
    control_split(w, line);
    entry = control_check(&why, w, line);
    if (entry == NULL)
        fprintf(stderr, "moongate: " STR_FMT, STR_ARG(buf_text(&why)));
    buf_fini(&why);
    return entry;
}

static int
print_help(const struct control_words *w)
{
    int status = CTL_DONE;
    struct buf text;

    buf_init_growing(&text, CTL_LINK_ANSWER_MAX);
    if (!control_help(&text, w)) {
        fprintf(stderr, "moongate: there is no such command; \"moongate ctl "
                        "help\" lists all\n");
        status = CTL_USAGE;
    }
    fwrite(text.p, 1, text.len, stdout);
    buf_fini(&text);
    return fflush(stdout) == 0 ? status : CTL_REFUSED;
}

bool
ctl_run_alone(int *status, char *const *words, int count)
{
    char memory[CONTROL_COMMAND_MAX];
    const struct control_entry *entry;
    struct control_words w;

    entry = check(&w, join(memory, words, count));
    if (entry == NULL)
        *status = CTL_USAGE;
    else if (entry->place == CONTROL_HELP)
        *status = print_help(&w);
    else
        return false;
    return true;
}

static int
ask(struct ctl_link *link, struct str line)
{
    struct str text;

    switch (ctl_link_ask(&text, link, line)) {
    case CTL_LINK_OK:
        fwrite(text.p, 1, text.len, stdout);
        return fflush(stdout) == 0 ? CTL_DONE : CTL_REFUSED;
    case CTL_LINK_REFUSED:
        fprintf(stderr, "moongate: " STR_FMT, STR_ARG(text));
        return CTL_REFUSED;
    case CTL_LINK_GONE:
        fprintf(stderr, "moongate: %s\n", link->why);
        break;
    }
    return CTL_GONE;
}

int
ctl_run(const char *path, char *const *words, int count)
{
    char memory[CONTROL_COMMAND_MAX];
    struct str line = join(memory, words, count);
    const struct control_entry *entry;
    struct control_words w;
    struct ctl_link link;
    int status;

    entry = check(&w, line);
    if (entry == NULL)
        return CTL_USAGE;
    ctl_link_init(&link, path);
    status = entry->place == CONTROL_CLIENT ? ctl_top_run(&link, w.json)
                                            : ask(&link, line);
    ctl_link_fini(&link);
    return status;
}
