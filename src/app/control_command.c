/* SPDX-License-Identifier: MIT */
#include "app/control_command.h"

#include "app/master_request.h"
#include "app/script_command.h"
#include "app/server_command.h"
#include "board/render.h"
#include "board/render_metrics.h"
#include "board/render_scripts.h"
#include "board/render_sessions.h"

enum {
    WORDS_MAX = 8,      /* of a command */
    COMMAND_MAX = 1024, /* bytes of one */
};

/* A command is known by its first words. Without RUN it is one of a later
 * version, or the master's. */
struct command {
    const char *first;
    const char *second; /* NULL: any */
    bool masters;       /* the master is asked */
    void (*run)(struct buf *out, const struct board *board,
                enum render_format format);
};

static const struct command commands[] = {
    {"show", "info", .run = render_info},
    {"show", "servers", .run = render_servers},
    {"show", "metrics", .run = render_metrics},
    {"show", "sessions", .run = render_sessions},
    {"show", "scripts", .run = render_scripts},
    {"show", "pools", .run = NULL},
    {"show", "errors", .run = NULL},
    {"log", NULL, .masters = true},
    {"reload", NULL, .masters = true},
    {"stop", NULL, .masters = true},
    {"upgrade", NULL, .masters = true},
    {"top", NULL, .run = NULL},
};

struct words {
    struct str word[WORDS_MAX];
    unsigned count;
    bool too_many;
    bool json; /* --json was among them */
};

static void
add_word(struct words *w, struct str word)
{
    if (str_equal(word, STR("--json")))
        w->json = true;
    else if (w->count == WORDS_MAX)
        w->too_many = true;
    else
        w->word[w->count++] = word;
}

static struct words
split(struct str line)
{
    struct words w = {.count = 0};
    size_t from = 0;

    for (size_t i = 0; i <= line.len; i++) {
        bool ends = i == line.len || line.p[i] == ' ' || line.p[i] == '\t' ||
                    line.p[i] == '\r';

        if (!ends)
            continue;
        if (i > from)
            add_word(&w, str_slice(line, from, i));
        from = i + 1;
    }
    return w;
}

static bool
is_command(const struct command *c, const struct words *w)
{
    if (w->count < 1 || !str_equal(w->word[0], str_from(c->first)))
        return false;
    return c->second == NULL ||
           (w->count > 1 && str_equal(w->word[1], str_from(c->second)));
}

static const struct command *
find(const struct words *w)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (is_command(&commands[i], w))
            return &commands[i];
    }
    return NULL;
}

/* One that only reads the board. */
static void
run_show(struct buf *answer, const struct board *board, const struct command *c,
         const struct words *w, struct str line)
{
    if (c == NULL) {
        buf_printf(
            answer,
            "error unknown command \"" STR_FMT
            "\"; there are: show info, show servers, show scripts,"
            " show metrics, server UPSTREAM/SERVER drain|ready|maint|weight N,"
            " script list, script reload|rollback|confirm NAME,"
            " each with --json\n",
            STR_ARG(line));
        return;
    }
    if (c->run == NULL) {
        buf_printf(answer, "error %s%s%s is not supported in this version\n",
                   c->first, c->second == NULL ? "" : " ",
                   c->second == NULL ? "" : c->second);
        return;
    }
    if (w->too_many || w->count > 2) {
        buf_printf(answer, "error %s %s takes no arguments but --json\n",
                   c->first, c->second);
        return;
    }
    buf_str(answer, STR("ok\n"));
    c->run(answer, board, w->json ? RENDER_JSON : RENDER_TEXT);
}

/* One that the master is to answer. */
static void
ask_master(struct buf *answer, const struct command *c, const struct words *w,
           const char *who)
{
    char memory[COMMAND_MAX];
    struct buf arguments;

    buf_init(&arguments, memory, sizeof(memory));
    for (unsigned i = 1; i < w->count; i++) {
        if (i > 1)
            buf_char(&arguments, ' ');
        buf_str(&arguments, w->word[i]);
    }
    master_request_write(answer, &(struct master_request){
                                     .verb = str_from(c->first),
                                     .json = w->json,
                                     .arguments = buf_text(&arguments),
                                     .who = str_from(who),
                                 });
}

static bool
is_first(const struct words *w, struct str word)
{
    return w->count > 0 && !w->too_many && str_equal(w->word[0], word);
}

bool
control_command_run(struct buf *answer, struct board *board, struct str line,
                    const char *who)
{
    struct words w = split(line);
    const struct command *c = find(&w);

    if (c != NULL && c->masters && !w.too_many) {
        ask_master(answer, c, &w, who);
        return true;
    }
    if (is_first(&w, STR("script")))
        return script_command_run(answer, board, w.word + 1, w.count - 1,
                                  w.json, who);
    if (is_first(&w, STR("server")))
        server_command_run(answer, board, w.word + 1, w.count - 1, w.json, who);
    else
        run_show(answer, board, c, &w, line);
    return false;
}
