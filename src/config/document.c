/* SPDX-License-Identifier: MIT */
/*
 * Two functions that inih calls in turn, line by line: next_line hands it a
 * line that was checked and cleaned, and on_value takes what inih made of it.
 * Lines that are at fault, comments and sections without use become empty ones
 * for inih, so that it never sees what it would read otherwise than we do:
 *
 *     `;` that is data         travels as DATA_SEMICOLON
 *     an indented known key    loses its indentation
 *     other indented lines     get exactly one blank
 */
#include "config/document.h"

#include <errno.h>
#include <ini.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/nearest.h"
#include "config/sources.h"
#include "config/value.h"

enum {
    DATA_SEMICOLON = 1, /* control bytes are refused, so it is free */
};

struct reader {
    struct document *doc;
    FILE *file;
    const char *path;
    unsigned line;
    char *raw; /* getline's */
    size_t raw_size;
    bool in_section;       /* a section was opened in this file */
    bool ignored;          /* it is of no known kind: so are its lines */
    bool above;            /* a value stands above and may be continued */
    bool above_broken;     /* but its line was at fault */
    bool continues;        /* the line that inih has now continues it */
    const struct key *key; /* of the line that inih has now */
    struct str server;
    struct map servers; /* of the section: names to their entries' numbers */
};

/* A line on its way: the text that is left of it. */
struct line {
    struct str text;
    bool indented;
};

void
document_init(struct document *doc, struct arena *arena, struct faults *faults)
{
    memset(doc, 0, sizeof(*doc));
    doc->arena = arena;
    doc->faults = faults;
}

void
document_fini(struct document *doc)
{
    map_fini(&doc->numbers);
}

static struct config_at
here(const struct reader *r)
{
    return (struct config_at){.file = r->path, .line = r->line};
}

#define fault(r, ...) faults_add_at((r)->doc->faults, here(r), __VA_ARGS__)

static struct block *
last_block(const struct document *doc)
{
    return (struct block *)doc->blocks.items + (doc->blocks.count - 1);
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Cuts a comment off and trims. -1 for what neither nginx's nor HAProxy's users
 * could mean: " #", or a quote that stays open. */
static int
strip_comment(const struct reader *r, struct str *text)
{
    bool quoted = false;
    size_t i;

    for (i = 0; i < text->len; i++) {
        char c = text->p[i];
        bool after_blank = i == 0 || is_blank(text->p[i - 1]);

        if (c == '\\' && i + 1 < text->len && text->p[i + 1] == '"')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (c == ';' && !quoted && after_blank)
            break;
        else if (c == '#' && !quoted && after_blank) {
            fault(r, "' #' does not start a comment behind a value: write "
                     "' ;', or put the value in double quotes");
            return -1;
        }
    }
    if (quoted) {
        fault(r, "a double quote is not closed: close it on the same line, or "
                 "write \\\" for the character");
        return -1;
    }
    *text = str_trim(str_slice(*text, 0, i));
    return 0;
}

/* The section that has this kind and name already; if there is none, the one
 * that comes next will be found. */
static const struct block *
find_block(struct document *doc, enum key_section kind, struct str name)
{
    const struct block *blocks = doc->blocks.items;
    uintptr_t next = doc->blocks.count + 1; /* blocks move, numbers do not */
    struct str key = memory_printf(doc->arena, "%s " STR_FMT,
                                   key_section_name(kind), STR_ARG(name));
    const void *number = seen_add(&doc->numbers, key, (const void *)next);

    return number == NULL ? NULL : &blocks[(uintptr_t)number - 1];
}

/* Says why KIND is no section that this version has. */
static void
refuse_section(const struct reader *r, struct str kind)
{
    struct nearest nearest;
    char hint[64];

    if (str_equal(kind, STR("stats"))) {
        fault(r, "[stats] is not supported in this version");
        return;
    }
    nearest_init(&nearest, kind);
    nearest_offer_words(&nearest, "global defaults upstream http tcp mysql");
    fault(r, "unknown section [" STR_FMT "]%s", STR_ARG(kind),
          nearest_hint(&nearest, hint, sizeof(hint)));
}

static bool
section_name_fits(const struct reader *r, enum key_section kind,
                  struct str name)
{
    const char *word = key_section_name(kind);

    if (!key_section_is_named(kind)) {
        if (name.len > 0)
            fault(r, "[%s] has no name of its own: write [%s]", word, word);
        return name.len == 0;
    }
    if (name.len == 0)
        fault(r, "[%s] needs a name: write [%s NAME]", word, word);
    else if (!value_is_name(name))
        fault(r,
              "'" STR_FMT "' is not a name: 1 to %d of A-Z a-z 0-9 _ . and -",
              STR_ARG(name), CONFIG_NAME_MAX);
    return value_is_name(name);
}

static void
open_block(struct reader *r, enum key_section kind, struct str name)
{
    struct document *doc = r->doc;
    const struct block *first = find_block(doc, kind, name);
    struct block *block;

    if (first != NULL)
        fault(r,
              "[%s%s" STR_FMT "] stands at %s:%u already: write all of its "
              "keys there",
              key_section_name(kind), name.len > 0 ? " " : "", STR_ARG(name),
              first->at.file, first->at.line);
    block = vec_add(&doc->blocks, doc->arena, sizeof(*block));
    block->kind = kind;
    block->name = memory_str(doc->arena, name);
    block->at = here(r);
    map_fini(&r->servers);
}

/* Copies TEXT to inih's OUT. Semicolons that are left in it are data. */
static void
hand_over(char *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        *out++ = text.p[i] == ';' ? DATA_SEMICOLON : text.p[i];
    *out = '\0';
}

/* The value above is not what its author meant: nobody is to look at it. */
static void
break_above(struct reader *r)
{
    struct vec *entries = &last_block(r->doc)->entries;

    if (r->above && !r->above_broken && entries->count > 0)
        ((struct entry *)entries->items)[entries->count - 1].broken = true;
    r->above_broken = true;
}

/* A line that begins with '[' in its first column. */
static void
take_section(struct reader *r, char *out, struct str text)
{
    ptrdiff_t end = str_find_char(text, ']', 0);
    struct str inside;
    struct str rest;
    struct str kind;
    unsigned section;
    size_t n = 0;

    r->in_section = true;
    r->ignored = true;
    r->above = false;
    if (end < 0) {
        fault(r, "the section's ']' is missing: write [KIND NAME]");
        return;
    }
    rest = str_trim(str_slice(text, (size_t)end + 1, text.len));
    if (rest.len > 0 && rest.p[0] != ';')
        fault(r, "text after ']': write keys on lines of their own, and "
                 "comments after ' ;'");
    inside = str_trim(str_slice(text, 1, (size_t)end));
    while (n < inside.len && !is_blank(inside.p[n]))
        n++;
    kind = str_slice(inside, 0, n);
    section = key_section_find(kind);
    if (section == 0 || section == KEY_STATS) {
        refuse_section(r, kind);
        return;
    }
    inside = str_trim(str_slice(inside, n, inside.len));
    if (!section_name_fits(r, section, inside))
        return;
    open_block(r, section, inside);
    r->ignored = false;
    hand_over(out, str_slice(text, 0, (size_t)end + 1));
}

/* Parts "server db1" into the key's word and the server's name. */
static void
split_name(struct str left, struct str *word, struct str *server)
{
    size_t n = 0;

    while (n < left.len && !is_blank(left.p[n]))
        n++;
    *word = str_slice(left, 0, n);
    *server = str_trim(str_slice(left, n, left.len));
}

/* What stands before the '=' of TEXT; absent without one. */
static struct str
left_of(struct str text)
{
    ptrdiff_t equals = str_find_char(text, '=', 0);

    if (equals < 0)
        return (struct str){.p = NULL};
    return str_trim(str_slice(text, 0, (size_t)equals));
}

/* Is an indented line "known_key = ..." or "server NAME = ..."? */
static bool
is_key_line(struct str text)
{
    struct str word;
    struct str server;

    split_name(left_of(text), &word, &server);
    if (word.len == 0 || keys_sections_of(word) == 0)
        return false;
    return server.len == 0 ||
           (str_equal(word, STR("server")) && value_is_name(server));
}

/* Is an indented line a key that was misspelled? It would become part of the
 * value above, unnoticed. */
static bool
refuse_misspelled(struct reader *r, struct str text)
{
    struct str word = left_of(text);
    char why[VALUE_WHY_MAX];

    if (!value_is_name(word))
        return false;
    (void)keys_explain_unknown(last_block(r->doc)->kind, word, why,
                               sizeof(why));
    if (strstr(why, "unknown key") != NULL && strstr(why, "mean") == NULL)
        return false;
    fault(r,
          "%s (an indented line continues the value above it only when it "
          "does not look like a key: put it in double quotes)",
          why);
    return true;
}

/* The entry that the same key has in the section already; if it has none,
 * the one that comes next will be found for SERVER. */
static const struct entry *
find_twin(struct reader *r, const struct block *block, struct str server)
{
    const struct entry *entries = block->entries.items;
    uintptr_t next = block->entries.count + 1; /* items move, numbers do not */
    const void *number;

    if (r->key->type != KEY_SERVER)
        return r->key->repeatable ? NULL : block_find(block, r->key);
    number = seen_add(&r->servers, server, (const void *)next);
    return number == NULL ? NULL : &entries[(uintptr_t)number - 1];
}

/* Adds an entry for the line's key; inih, or nobody, brings its value. */
static struct entry *
add_entry(struct reader *r, bool broken)
{
    struct block *block = last_block(r->doc);
    struct str server = memory_str(r->doc->arena, r->server);
    const struct entry *twin = find_twin(r, block, server);
    struct entry *entry;

    if (twin != NULL) {
        fault(r,
              "'%s%s" STR_FMT "' stands on line %u already: keep one of "
              "them",
              r->key->name, r->server.len > 0 ? " " : "", STR_ARG(r->server),
              twin->at.line);
        broken = true;
    }
    entry = vec_add(&block->entries, r->doc->arena, sizeof(*entry));
    entry->key = r->key;
    entry->server = server;
    entry->broken = broken;
    entry->at = here(r);
    return entry;
}

/* Finds the key of a line; -1 with a fault when there is none. */
static int
find_key(struct reader *r, struct str left)
{
    enum key_section kind = last_block(r->doc)->kind;
    char why[VALUE_WHY_MAX];
    struct str word;
    struct str name;

    split_name(left, &word, &name);
    r->key = keys_find(kind, word);
    r->server = name;
    if (r->key == NULL) {
        fault(r, "%s", keys_explain_unknown(kind, word, why, sizeof(why)));
        return -1;
    }
    if (r->key->type != KEY_SERVER && name.len > 0) {
        fault(r,
              "'" STR_FMT "' is not a key: only 'server' has a name before "
              "the '='",
              STR_ARG(left));
        return -1;
    }
    if (r->key->type == KEY_SERVER && !value_is_name(name)) {
        fault(r,
              "a server needs a name of 1 to %d of A-Z a-z 0-9 _ . and -: "
              "write server NAME = HOST:PORT",
              CONFIG_NAME_MAX);
        return -1;
    }
    return 0;
}

/* Checks that TEXT is "NAME = VALUE"; on success *LEFT is the name. */
static int
split_key_line(const struct reader *r, struct str text, struct str *left)
{
    ptrdiff_t equals = str_find_char(text, '=', 0);
    ptrdiff_t colon = str_find_char(text, ':', 0);

    if (colon >= 0 && (equals < 0 || colon < equals)) {
        struct str name = str_trim(str_slice(text, 0, (size_t)colon));

        fault(r,
              "':' does not part a name from its value: write '" STR_FMT
              " = VALUE'",
              STR_ARG(name));
        return -1;
    }
    *left = left_of(text);
    if (left->len > 0)
        return 0;
    if (equals < 0)
        fault(r,
              "'" STR_FMT "' is not a key with its value: write NAME = "
              "VALUE",
              STR_ARG(text));
    else
        fault(r, "there is no name before the '='");
    return -1;
}

/* A line that names a key. */
static void
take_key(struct reader *r, char *out, struct str text)
{
    struct str left;

    r->above = true;
    r->above_broken = true;
    r->continues = false;
    if (split_key_line(r, text, &left) != 0 || find_key(r, left) != 0)
        return;
    if (strip_comment(r, &text) != 0) {
        (void)add_entry(r, true);
        return;
    }
    r->above_broken = false;
    hand_over(out, text);
}

/* Is an indented line a section's header? */
static bool
refuse_section_line(const struct reader *r, struct str text)
{
    struct str word;
    struct str name;

    split_name(str_slice(text, 1, text.len), &word, &name);
    if (word.len > 0 && word.p[word.len - 1] == ']')
        word.len--;
    if (text.p[0] != '[' || key_section_find(word) == 0)
        return false;
    fault(r, "a section begins in the first column: this line would continue "
             "the value above it");
    return true;
}

/* An indented line that is no key. */
static void
take_continuation(struct reader *r, char *out, struct str text)
{
    if (refuse_misspelled(r, text) || refuse_section_line(r, text) ||
        strip_comment(r, &text) != 0) {
        break_above(r);
        return;
    }
    if (r->above_broken)
        return;
    r->continues = true;
    *out++ = ' ';
    hand_over(out, text);
}

/* -1 when the raw line cannot be read at all. */
static int
check_bytes(const struct reader *r, struct str text, size_t limit)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            fault(r,
                  "a control character (byte %zu, code %u): the file is "
                  "plain text",
                  i + 1, c);
            return -1;
        }
    }
    if (text.len <= limit)
        return 0;
    fault(r,
          "the line has %zu bytes and may have %zu: continue the value on "
          "an indented line",
          text.len, limit);
    return -1;
}

/* A line that cannot be read: note what it would have been. */
static void
take_unreadable(struct reader *r, const struct line *line)
{
    struct str word;

    if (!r->in_section || r->ignored)
        return;
    split_name(left_of(line->text), &word, &r->server);
    r->key = keys_find(last_block(r->doc)->kind, word);
    if (r->key != NULL)
        (void)add_entry(r, true);
    else if (line->indented)
        break_above(r);
    r->above = true;
    r->above_broken = true;
}

static void
take_line(struct reader *r, char *out, const struct line *line)
{
    struct str text = line->text;

    if (text.len == 0 || text.p[0] == ';' || text.p[0] == '#')
        return;
    if (!line->indented && text.p[0] == '[') {
        take_section(r, out, text);
        return;
    }
    if (!r->in_section) {
        fault(r, "stands before any section: begin with [global]");
        r->in_section = r->ignored = true;
        return;
    }
    if (r->ignored)
        return;
    if (line->indented && r->above && !is_key_line(text))
        take_continuation(r, out, text);
    else
        take_key(r, out, text);
}

/* Reads one raw line and takes its end off. False at the end of the file. */
static bool
read_raw(struct reader *r, struct str *text)
{
    ssize_t n = getline(&r->raw, &r->raw_size, r->file);

    if (n < 0)
        return false;
    r->line++;
    *text = str_make(r->raw, (size_t)n);
    if (text->len > 0 && text->p[text->len - 1] == '\n')
        text->len--;
    if (text->len > 0 && text->p[text->len - 1] == '\r')
        text->len--;
    if (r->line == 1 && str_starts_with(*text, STR("\xef\xbb\xbf")))
        *text = str_slice(*text, 3, text->len);
    return true;
}

/* inih's reader: the next line, at most SIZE bytes with its NUL. */
static char *
next_line(char *out, int size, void *arg)
{
    struct reader *r = arg;
    struct line line;
    struct str text;

    if (!read_raw(r, &text))
        return NULL;
    out[0] = '\0';
    line.indented = text.len > 0 && is_blank(text.p[0]);
    line.text = str_trim(text);
    /* inih needs room for a line's end and the NUL. */
    if (check_bytes(r, text, (size_t)size - 2) != 0)
        take_unreadable(r, &line);
    else
        take_line(r, out, &line);
    return out;
}

/* Joins a further line to a value. Its room doubles, so that a value of many
 * lines costs no more than its bytes. */
static void
append_value(struct arena *arena, struct entry *entry, struct str text)
{
    struct str old = entry->value;
    size_t len = old.len + 1 + text.len;
    char *joined = (char *)(uintptr_t)old.p;

    if (len >= entry->room) {
        entry->room = len * 2;
        joined = memory_alloc(arena, entry->room);
        memcpy(joined, old.p, old.len);
    }
    joined[old.len] = ' ';
    memcpy(joined + old.len + 1, text.p, text.len + 1);
    entry->value = str_make(joined, len);
}

/* inih's handler: a value, or a further line of the one before. */
static int
on_value(void *arg, const char *section, const char *name, const char *value)
{
    struct reader *r = arg;
    struct arena *arena = r->doc->arena;
    struct vec *entries = &last_block(r->doc)->entries;
    size_t len = strlen(value);
    char *copy = memory_alloc(arena, len + 1);
    struct str text = str_make(copy, len);
    struct entry *entry;

    (void)section; /* the block was opened when its line was read, since a
                      section without keys is never told of here */
    (void)name;    /* and so was the key found */
    for (size_t i = 0; i < len; i++)
        copy[i] = value[i] == DATA_SEMICOLON ? ';' : value[i];
    if (r->continues) {
        entry = (struct entry *)entries->items + (entries->count - 1);
        if (entry->value.len == 0)
            entry->value = text;
        else
            append_value(arena, entry, text);
        return 1;
    }
    entry = add_entry(r, false);
    entry->value = text;
    return 1;
}

/* inih reads streams. */
static void
read_stream(struct reader *r, struct str text)
{
    if (text.len == 0)
        return;
    r->file = fmemopen((void *)(uintptr_t)text.p, text.len, "r");
    if (r->file == NULL) {
        faults_add(r->doc->faults, r->path, 0, "cannot be read: %s",
                   strerror(errno));
        return;
    }
    (void)ini_parse_stream(next_line, r, on_value, r);
    (void)fclose(r->file);
}

void
document_read(struct document *doc, struct sources *sources, const char *path)
{
    struct reader r = {.doc = doc};
    struct str text;

    r.path = memory_str(doc->arena, str_from(path)).p;
    faults_name_file(doc->faults, path);
    if (sources_file(sources, &text, path, SOURCES_FILE_MAX) < 0) {
        faults_add(doc->faults, path, 0, "cannot be read: %s", strerror(errno));
        return;
    }
    read_stream(&r, text);
    map_fini(&r.servers);
    free(r.raw);
}

const struct block *
document_find(const struct document *doc, enum key_section kind)
{
    const struct block *blocks = doc->blocks.items;

    for (size_t i = 0; i < doc->blocks.count; i++)
        if (blocks[i].kind == kind)
            return &blocks[i];
    return NULL;
}

const struct entry *
block_find(const struct block *block, const struct key *key)
{
    const struct entry *entries;

    if (block == NULL)
        return NULL;
    entries = block->entries.items;
    for (size_t i = 0; i < block->entries.count; i++)
        if (entries[i].key == key)
            return &entries[i];
    return NULL;
}
