/* SPDX-License-Identifier: MIT */
/* Values that every kind of section has. */
#include "config/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/nearest.h"
#include "config/value.h"

void
parse_refuse(const struct parse *p, const struct entry *entry, const char *fmt,
             ...)
{
    char text[VALUE_WHY_MAX * 2];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (entry->server.len > 0)
        faults_add_at(p->faults, entry->at, "server " STR_FMT ": %s",
                      STR_ARG(entry->server), text);
    else
        faults_add_at(p->faults, entry->at, "%s: %s", entry->key->name, text);
}

/* N as a value of KEY is written. */
static const char *
format_quantity(const struct key *key, uint64_t n, char *text, size_t size)
{
    if (key->type == KEY_DURATION)
        return value_format_duration(n, text, size);
    if (key->type == KEY_SIZE)
        return value_format_size(n, text, size);
    (void)snprintf(text, size, key->type == KEY_RATE ? "%llu/s" : "%llu",
                   (unsigned long long)n);
    return text;
}

int
parse_quantity(const struct parse *p, const struct entry *entry,
               const struct key *key, struct str text, uint64_t *out)
{
    char why[VALUE_WHY_MAX];
    char min[32];
    char max[32];
    uint64_t n = 0;
    int result;

    if (key->words != NULL && value_find_word(key->words, text) >= 0) {
        *out = 0;
        return 0;
    }
    if (key->type == KEY_DURATION)
        result = value_duration(&n, text, why, sizeof(why));
    else if (key->type == KEY_SIZE)
        result = value_size(&n, text, why, sizeof(why));
    else if (key->type == KEY_RATE)
        result = value_rate(&n, text, why, sizeof(why));
    else
        result = value_number(&n, text, why, sizeof(why));
    if (result != 0) {
        parse_refuse(p, entry, "%s%s%s", why,
                     key->words != NULL ? ", nor " : "",
                     key->words != NULL ? key->words : "");
        return -1;
    }
    if (n < key->min || n > key->max) {
        parse_refuse(p, entry, "'" STR_FMT "' is out of range: from %s to %s",
                     STR_ARG(text),
                     format_quantity(key, key->min, min, sizeof(min)),
                     format_quantity(key, key->max, max, sizeof(max)));
        return -1;
    }
    *out = n;
    return 0;
}

int
parse_choice(const struct parse *p, const struct entry *entry, struct str text,
             const char *words, const char *later)
{
    int place = value_find_word(words, text);
    struct nearest nearest;
    char hint[64];

    if (place >= 0)
        return place;
    if (later != NULL && value_find_word(later, text) >= 0) {
        parse_refuse(p, entry,
                     "'" STR_FMT "' is not supported in this version; it can "
                     "be: %s",
                     STR_ARG(text), words);
        return -1;
    }
    nearest_init(&nearest, text);
    nearest_offer_words(&nearest, words);
    parse_refuse(p, entry, "unknown value '" STR_FMT "'%s (it can be: %s)",
                 STR_ARG(text), nearest_hint(&nearest, hint, sizeof(hint)),
                 words);
    return -1;
}

int
parse_option(const struct parse *p, const struct entry *entry, struct str word,
             struct option_conf *out)
{
    const char *words = entry->key->words;
    const char *later = entry->key->later;
    ptrdiff_t equals = str_find_char(word, '=', 0);
    size_t len = equals < 0 ? word.len : (size_t)equals;
    struct str name = str_slice(word, 0, len);
    struct nearest nearest;
    char hint[64];
    int place = value_find_word(words, name);

    if (place >= 0) {
        out->name = memory_str(p->arena, name);
        out->value =
            equals < 0 ? str_from(NULL) : str_slice(word, len + 1, word.len);
        return place;
    }
    if (later != NULL && value_find_word(later, name) >= 0) {
        parse_refuse(p, entry, "'" STR_FMT "' is not supported in this version",
                     STR_ARG(name));
        return -1;
    }
    nearest_init(&nearest, name);
    nearest_offer_words(&nearest, words);
    parse_refuse(p, entry, "unknown option '" STR_FMT "'%s (options are: %s)",
                 STR_ARG(name), nearest_hint(&nearest, hint, sizeof(hint)),
                 words);
    return -1;
}

int
parse_option_form(const struct parse *p, const struct entry *entry,
                  const struct option_conf *option, bool takes_value)
{
    bool has_value = option->value.p != NULL && option->value.len > 0;

    if (has_value == takes_value && (has_value || option->value.p == NULL))
        return 0;
    parse_refuse(p, entry,
                 takes_value ? "'%s' needs a value: write %s=VALUE"
                             : "'%s' takes no value: write %s",
                 option->name.p, option->name.p);
    return -1;
}

struct str
parse_path(const struct parse *p, struct str text)
{
    while (text.len > 1 && text.p[text.len - 1] == '/')
        text.len--;
    if (text.len > 0 && text.p[0] == '/')
        return memory_str(p->arena, text);
    if (str_starts_with(text, STR("./")))
        text = str_slice(text, 2, text.len);
    return memory_printf(p->arena, STR_FMT "/" STR_FMT, STR_ARG(p->folder),
                         STR_ARG(text));
}

struct str
parse_script_path(const struct parse *p, struct str text)
{
    if (str_starts_with(text, STR("./")) || str_starts_with(text, STR("../")))
        return parse_path(p, text);
    return memory_str(p->arena, text);
}

int
parse_template(const struct parse *p, const struct entry *entry,
               struct str text, enum template_phase phase, bool http,
               const struct template **out)
{
    struct template *t = memory_alloc(p->arena, sizeof(*t));
    char why[VALUE_WHY_MAX];

    if (template_compile(t, p->arena, memory_str(p->arena, text), phase, http,
                         why, sizeof(why)) != 0) {
        parse_refuse(p, entry, "%s", why);
        return -1;
    }
    *out = t;
    return 0;
}

int
parse_retry_on(const struct parse *p, const struct entry *entry,
               struct str text, unsigned *out)
{
    struct str word;
    unsigned set = 0;

    while (value_next_word(p->arena, &text, &word)) {
        int place = parse_choice(p, entry, word, entry->key->words, NULL);

        if (place < 0)
            return -1;
        set |= 1U << place;
    }
    *out = set;
    return 0;
}

/* One NAME=VALUE or NAME behind a policy's name. */
static int
add_policy_option(const struct parse *p, const struct entry *entry,
                  struct str word, struct vec *options)
{
    ptrdiff_t equals = str_find_char(word, '=', 0);
    struct str name = equals < 0 ? word : str_slice(word, 0, (size_t)equals);
    const struct option_conf *others = options->items;
    struct option_conf *option;

    if (!value_is_name(name)) {
        parse_refuse(p, entry,
                     "'" STR_FMT "' is not an option: write "
                     "NAME=VALUE behind the policy's name",
                     STR_ARG(word));
        return -1;
    }
    for (size_t i = 0; i < options->count; i++) {
        if (!str_equal(others[i].name, name))
            continue;
        parse_refuse(p, entry, "the option '" STR_FMT "' is there twice",
                     STR_ARG(name));
        return -1;
    }
    option = vec_add(options, p->arena, sizeof(*option));
    option->name = memory_str(p->arena, name);
    option->value =
        equals < 0 ? STR("on") : str_slice(word, (size_t)equals + 1, word.len);
    return 0;
}

int
parse_policy(const struct parse *p, const struct entry *entry, struct str text,
             struct upstream_conf *out)
{
    struct vec options = {.count = 0};
    struct str name = {.p = NULL};
    struct str word;
    bool is_path;

    (void)value_next_word(p->arena, &text, &name);
    is_path =
        str_find_char(name, '/', 0) >= 0 || str_ends_with(name, STR(".lua"));
    if (!is_path && !value_is_name(name)) {
        parse_refuse(p, entry,
                     "'" STR_FMT "' is neither a policy's name nor a "
                     "path ending in .lua",
                     STR_ARG(name));
        return -1;
    }
    while (value_next_word(p->arena, &text, &word))
        if (add_policy_option(p, entry, word, &options) != 0)
            return -1;
    out->policy = is_path ? parse_script_path(p, name) : name;
    out->policy_is_path = is_path;
    out->policy_options = options.items;
    out->policy_option_count = options.count;
    out->policy_at = entry->at;
    return 0;
}

const struct upstream_conf *
parse_find_upstream(const struct parse *p, struct str name)
{
    const struct upstream_conf *upstreams = p->upstreams.items;

    for (size_t i = 0; i < p->upstreams.count; i++)
        if (str_equal(upstreams[i].name, name))
            return &upstreams[i];
    return NULL;
}

const char *
parse_hint_upstream(const struct parse *p, struct str name, char *hint,
                    size_t size)
{
    const struct upstream_conf *upstreams = p->upstreams.items;
    struct nearest nearest;

    nearest_init(&nearest, name);
    for (size_t i = 0; i < p->upstreams.count; i++)
        nearest_offer(&nearest, upstreams[i].name);
    return nearest_hint(&nearest, hint, size);
}
