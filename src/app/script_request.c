/* SPDX-License-Identifier: MIT */
/*
 *     script reload json 60000 shop.lua uid=0 pid=42
 */
#include "app/script_request.h"

#include <inttypes.h>

static const char *const names[SCRIPT_VERBS] = {
    [SCRIPT_RELOAD] = "reload",
    [SCRIPT_ROLLBACK] = "rollback",
    [SCRIPT_CONFIRM] = "confirm",
};

int
script_verb_find(enum script_verb *out, struct str word)
{
    for (int i = 0; i < SCRIPT_VERBS; i++) {
        if (str_equal(word, str_from(names[i]))) {
            *out = (enum script_verb)i;
            return 0;
        }
    }
    return -1;
}

void
script_request_write(struct buf *out, const struct script_request *r)
{
    buf_printf(out, "script %s %s %" PRIu64 " " STR_FMT " " STR_FMT,
               names[r->verb], r->json ? "json" : "text", r->confirm_ms,
               STR_ARG(r->name), STR_ARG(r->who));
}

/* Up to the next blank, which goes too. */
static struct str
take_word(struct str *rest)
{
    ptrdiff_t end = str_find_char(*rest, ' ', 0);
    struct str word = end < 0 ? *rest : str_slice(*rest, 0, (size_t)end);

    *rest = str_slice(*rest, word.len + (end < 0 ? 0 : 1), rest->len);
    return word;
}

int
script_request_read(struct script_request *out, struct str text)
{
    struct script_request r = {.json = false};

    if (!str_equal(take_word(&text), STR("script")) ||
        script_verb_find(&r.verb, take_word(&text)) < 0)
        return -1;
    r.json = str_equal(take_word(&text), STR("json"));
    if (str_to_uint(&r.confirm_ms, take_word(&text), UINT32_MAX) < 0)
        return -1;
    r.name = take_word(&text);
    r.who = text;
    if (r.name.len == 0)
        return -1;
    *out = r;
    return 0;
}
