/* SPDX-License-Identifier: MIT */
#include "app/control_table.h"

#include "board/json.h"
#include "board/render_errors.h"
#include "board/render_metrics.h"
#include "board/render_pools.h"
#include "board/render_scripts.h"
#include "board/render_sessions.h"
#include "config/nearest.h"

enum {
    HINT_MAX = 128,  /* bytes of "; did you mean ..." */
    FORM_WIDTH = 44, /* of a command with its arguments, in the help */
};

const struct control_entry control_entries[] = {
    {"show info", "", 0, 0, CONTROL_BOARD, render_info,
     "The program, its processes, sections and queues", NULL},
    {"show servers", "", 0, 0, CONTROL_BOARD, render_servers,
     "Each server: state, load, counts and its last check", NULL},
    {"show sessions", "", 0, 0, CONTROL_BOARD, render_sessions,
     "The MySQL sessions whose commands are followed", render_sessions_part},
    {"show scripts", "", 0, 0, CONTROL_BOARD, render_scripts,
     "Each script and policy: version, calls, errors and times", NULL},
    {"show pools", "", 0, 0, CONTROL_BOARD, render_pools,
     "Where connections to servers and memory are", NULL},
    {"show errors", "", 0, 0, CONTROL_BOARD, render_errors,
     "The last requests and answers that were not understood", NULL},
    {"show metrics", "", 0, 0, CONTROL_BOARD, render_metrics,
     "What scripts and MySQL sessions count, as Prometheus reads it", NULL},
    {"server", "UPSTREAM/SERVER drain", 2, 3, CONTROL_SERVER, NULL,
     "Give a server no new work", NULL},
    {"server", "UPSTREAM/SERVER maint", 2, 3, CONTROL_SERVER, NULL,
     "Take it out of service", NULL},
    {"server", "UPSTREAM/SERVER ready", 2, 3, CONTROL_SERVER, NULL,
     "Put it back into service", NULL},
    {"server", "UPSTREAM/SERVER weight N", 2, 3, CONTROL_SERVER, NULL,
     "Set its weight, 0 to 256", NULL},
    {"script list", "", 0, 0, CONTROL_SCRIPT, NULL, "As show scripts", NULL},
    {"script reload", "NAME [--confirm TIME]", 1, 3, CONTROL_SCRIPT, NULL,
     "Swap in what the script's file holds now", NULL},
    {"script rollback", "NAME", 1, 3, CONTROL_SCRIPT, NULL,
     "Go back to the version before", NULL},
    {"script confirm", "NAME", 1, 3, CONTROL_SCRIPT, NULL,
     "The version in use is to stay", NULL},
    {"log level", "debug|info|warn|error|configured", 1, 1, CONTROL_MASTER,
     NULL, "What is logged from now on, by all processes", NULL},
    {"reload", "", 0, 0, CONTROL_MASTER, NULL,
     "Read the configuration and all scripts again", NULL},
    {"upgrade", "", 0, 0, CONTROL_MASTER, NULL,
     "Start the new binary in the place of this one", NULL},
    {"stop", "[graceful]", 0, 1, CONTROL_MASTER, NULL,
     "Stop now, or when what runs has ended", NULL},
    {"top", "", 0, 0, CONTROL_CLIENT, NULL,
     "Watch the servers, those with most load first", NULL},
    {"help", "[COMMAND]", 0, 2, CONTROL_HELP, NULL, "This list, or a part",
     NULL},
};

const size_t control_entry_count =
    sizeof(control_entries) / sizeof(*control_entries);

/* --- words ---------------------------------------------------------------- */

static void
add_word(struct control_words *w, struct str word)
{
    if (str_equal(word, STR("--json")))
        w->json = true;
    else if (w->count == CONTROL_WORDS_MAX)
        w->too_many = true;
    else
        w->word[w->count++] = word;
}

void
control_split(struct control_words *out, struct str line)
{
    size_t from = 0;

    *out = (struct control_words){.count = 0};
    for (size_t i = 0; i <= line.len; i++) {
        bool ends = i == line.len || line.p[i] == ' ' || line.p[i] == '\t' ||
                    line.p[i] == '\r';

        if (!ends)
            continue;
        if (i > from)
            add_word(out, str_slice(line, from, i));
        from = i + 1;
    }
}

/* --- entries -------------------------------------------------------------- */

/* The entry's first word, and its second, which may be absent. */
struct lead {
    struct str first;
    struct str second;
};

static struct lead
lead_of(const struct control_entry *entry)
{
    struct str words = str_from(entry->words);
    ptrdiff_t blank = str_find_char(words, ' ', 0);
    size_t end = blank < 0 ? words.len : (size_t)blank;

    return (struct lead){
        .first = str_slice(words, 0, end),
        .second = blank < 0 ? str_make(NULL, 0)
                            : str_slice(words, end + 1, words.len),
    };
}

unsigned
control_lead(const struct control_entry *entry)
{
    return lead_of(entry).second.p == NULL ? 1 : 2;
}

static bool
begins_alike(const struct control_entry *entry, const struct control_words *w)
{
    return w->count > 0 && str_equal(w->word[0], lead_of(entry).first);
}

static bool
is_entry(const struct control_entry *entry, const struct control_words *w)
{
    struct str second = lead_of(entry).second;

    return begins_alike(entry, w) &&
           (second.p == NULL ||
            (w->count > 1 && str_equal(w->word[1], second)));
}

/* "show info", "server UPSTREAM/SERVER drain" */
static void
put_form(struct buf *out, const struct control_entry *entry)
{
    buf_str(out, str_from(entry->words));
    if (entry->arguments[0] != '\0')
        buf_printf(out, " %s", entry->arguments);
}

/* --- what is wrong -------------------------------------------------------- */

/* "write show info, show servers or show pools": all forms that begin as WORD
 * does, or that have the very WORDS. */
static void
put_forms(struct buf *out, struct str word, const char *words)
{
    const struct control_entry *last = NULL;
    const char *comma = "write ";

    for (size_t i = 0; i < control_entry_count; i++) {
        const struct control_entry *entry = &control_entries[i];
        bool meant = words == NULL ? str_equal(lead_of(entry).first, word)
                                   : strcmp(entry->words, words) == 0;

        if (!meant)
            continue;
        if (last != NULL) {
            buf_str(out, str_from(comma));
            put_form(out, last);
            comma = ", ";
        }
        last = entry;
    }
    if (last == NULL)
        return;
    buf_str(out, comma[0] == ',' ? STR(" or ") : STR("write "));
    put_form(out, last);
    buf_char(out, '\n');
}

/* It has the words of ENTRY and not as many others. */
static void
put_count_wrong(struct buf *why, const struct control_entry *entry,
                const struct control_words *w)
{
    bool too_many = w->too_many || w->count > control_lead(entry) + entry->most;

    if (too_many && entry->most == 0) {
        buf_printf(why, "%s takes no arguments but --json\n", entry->words);
        return;
    }
    buf_printf(why, "%s: there are %s words: ", entry->words,
               too_many ? "too many" : "too few");
    put_forms(why, str_make(NULL, 0), entry->words);
}

/* The words that stand where COUNT words were right: what is near to them. */
static void
offer_all(struct nearest *nearest, const struct control_words *w)
{
    for (size_t i = 0; i < control_entry_count; i++) {
        const struct control_entry *entry = &control_entries[i];

        nearest_offer(nearest, w->count > 1 ? str_from(entry->words)
                                            : lead_of(entry).first);
    }
}

static void
put_unknown(struct buf *why, const struct control_words *w, struct str line)
{
    char text[CONTROL_COMMAND_MAX];
    char hint[HINT_MAX];
    struct nearest nearest;
    struct buf two;
    bool known = false;

    buf_init(&two, text, sizeof(text));
    if (w->count > 0)
        buf_str(&two, w->word[0]);
    if (w->count > 1)
        buf_printf(&two, " " STR_FMT, STR_ARG(w->word[1]));
    nearest_init(&nearest, buf_text(&two));
    offer_all(&nearest, w);
    if (nearest.best.p == NULL && w->count > 1) {
        nearest_init(&nearest, w->word[0]);
        for (size_t i = 0; i < control_entry_count; i++)
            nearest_offer(&nearest, lead_of(&control_entries[i]).first);
    }
    for (size_t i = 0; i < control_entry_count; i++)
        known = known || begins_alike(&control_entries[i], w);

    buf_printf(why, "unknown command \"" STR_FMT "\"%s; ", STR_ARG(line),
               known && w->count < 2
                   ? ""
                   : nearest_hint(&nearest, hint, sizeof(hint)));
    if (known)
        put_forms(why, w->word[0], NULL);
    else
        buf_str(why, STR("\"moongate ctl help\" lists them\n"));
}

const struct control_entry *
control_check(struct buf *why, const struct control_words *w, struct str line)
{
    for (size_t i = 0; i < control_entry_count; i++) {
        const struct control_entry *entry = &control_entries[i];
        unsigned lead = control_lead(entry);

        if (!is_entry(entry, w))
            continue;
        if (!w->too_many && w->count >= lead + entry->least &&
            w->count <= lead + entry->most)
            return entry;
        put_count_wrong(why, entry, w);
        return NULL;
    }
    put_unknown(why, w, line);
    return NULL;
}

/* --- help ----------------------------------------------------------------- */

static bool
is_asked_for(const struct control_entry *entry, const struct control_words *w)
{
    struct lead lead = lead_of(entry);

    return (w->count < 2 || str_equal(lead.first, w->word[1])) &&
           (w->count < 3 || str_equal(lead.second, w->word[2]));
}

static void
help_text(struct buf *out, const struct control_entry *entry)
{
    size_t from = out->len;

    put_form(out, entry);
    while (!out->failed && out->len - from < FORM_WIDTH)
        buf_char(out, ' ');
    buf_printf(out, " %s\n", entry->sentence);
}

static void
help_json(struct buf *out, const struct control_entry *entry, bool first)
{
    buf_str(out, first ? STR("[{\"command\":") : STR(",{\"command\":"));
    json_string(out, str_from(entry->words));
    buf_str(out, STR(",\"arguments\":"));
    json_string(out, str_from(entry->arguments));
    buf_str(out, STR(",\"sentence\":"));
    json_string(out, str_from(entry->sentence));
    buf_char(out, '}');
}

bool
control_help(struct buf *out, const struct control_words *w)
{
    bool any = false;

    for (size_t i = 0; i < control_entry_count; i++) {
        const struct control_entry *entry = &control_entries[i];

        if (!is_asked_for(entry, w))
            continue;
        if (w->json)
            help_json(out, entry, !any);
        else
            help_text(out, entry);
        any = true;
    }
    if (any && w->json)
        buf_str(out, STR("]\n"));
    return any;
}
