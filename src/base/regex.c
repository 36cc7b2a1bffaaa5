/* SPDX-License-Identifier: MIT */
/*
 * PCRE2 behind five functions. Each expression has its own memory for matching,
 * so a match allocates nothing; one process matches from one thread.
 */
#include "base/regex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    JIT_STACK_FIRST = 64 * 1024, /* touched only as far as a match needs it */
    JIT_STACK_MAX = 512 * 1024,
    HEAP_MAX_KIB = 1024, /* of the interpreter, where there is no JIT */
    VERSION_MAX = 64,    /* bytes of its text */
    PREFIX_MAX = 24,     /* bytes of it that are looked at */
};

struct regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack; /* NULL: the thread's has always been enough */
    bool compiled;          /* to machine code */
    uint32_t groups;        /* of the pattern, group 0 included */
    uint32_t prefix_len;
    char prefix[PREFIX_MAX]; /* what each subject that matches begins with */
};

/* Notes the plain text behind a '^'. Of a thousand routes nearly all are told
 * from a path by it, at a thirtieth of what asking PCRE2 costs. */
static void
note_prefix(struct regex *re, const char *pattern, unsigned flags)
{
    size_t len;
    char next;

    if ((flags & REGEX_NOCASE) != 0 || pattern[0] != '^' ||
        strchr(pattern, '|') != NULL)
        return;
    pattern++;
    len = strcspn(pattern, "\\^$.[]()?*+{}");
    next = pattern[len];
    if (len > 0 && (next == '?' || next == '*' || next == '{'))
        len--; /* the last character may be missing */
    if (len > PREFIX_MAX)
        len = PREFIX_MAX;
    memcpy(re->prefix, pattern, len);
    re->prefix_len = (uint32_t)len;
}

static pcre2_code *
compile(const char *pattern, unsigned flags, char *why, size_t size)
{
    uint32_t options = PCRE2_NEVER_UTF | PCRE2_DOLLAR_ENDONLY;
    PCRE2_UCHAR message[120];
    PCRE2_SIZE offset;
    pcre2_code *code;
    int error;

    if (flags & REGEX_NOCASE)
        options |= PCRE2_CASELESS;
    code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options,
                         &error, &offset, NULL);
    if (code == NULL) {
        pcre2_get_error_message(error, message, sizeof(message));
        snprintf(why, size, "%s at byte %zu", (const char *)message,
                 (size_t)offset + 1);
    }
    return code;
}

struct regex *
regex_new(const char *pattern, unsigned flags, char *why, size_t size)
{
    struct regex *re = calloc(1, sizeof(*re));

    if (re == NULL)
        goto out_of_memory;
    re->code = compile(pattern, flags, why, size);
    if (re->code == NULL)
        goto fail;
    re->match = pcre2_match_data_create_from_pattern(re->code, NULL);
    re->context = pcre2_match_context_create(NULL);
    if (re->match == NULL || re->context == NULL)
        goto out_of_memory;

    pcre2_set_match_limit(re->context, REGEX_MATCH_LIMIT);
    pcre2_set_heap_limit(re->context, HEAP_MAX_KIB);
    /* Where memory may not be made executable the interpreter does the work. */
    re->compiled = pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE) == 0;
    pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &re->groups);
    re->groups++;
    note_prefix(re, pattern, flags);
    return re;

out_of_memory:
    snprintf(why, size, "out of memory");
fail:
    regex_free(re);
    return NULL;
}

void
regex_free(struct regex *re)
{
    if (re == NULL)
        return;
    pcre2_jit_stack_free(re->stack);
    pcre2_match_context_free(re->context);
    pcre2_match_data_free(re->match);
    pcre2_code_free(re->code);
    free(re);
}

/* The pairs of offsets beyond the last group that matched hold PCRE2_UNSET. */
static unsigned
fill_groups(const struct regex *re, struct str subject, struct str *groups,
            unsigned max_groups)
{
    const PCRE2_SIZE *pairs = pcre2_get_ovector_pointer(re->match);
    unsigned count = re->groups < max_groups ? re->groups : max_groups;

    for (unsigned i = 0; i < count; i++) {
        PCRE2_SIZE from = pairs[2 * i];
        PCRE2_SIZE to = pairs[2 * i + 1];

        /* \K in a lookahead can make a match start behind its end. */
        if (from == PCRE2_UNSET || from > to)
            groups[i] = (struct str){0};
        else
            groups[i] = str_make(subject.p + from, to - from);
    }
    return count == 0 ? 1 : count;
}

/* Machine code gets along with 32 KiB of the thread's stack nearly always, and
 * that is in the cache; many expressions with stacks of their own push each
 * other out. The first one that does not gets a stack for good. */
static int
grow_stack(struct regex *re)
{
    re->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
    if (re->stack == NULL)
        return -1;
    pcre2_jit_stack_assign(re->context, NULL, re->stack);
    return 0;
}

static int
match(struct regex *re, struct str subject)
{
    PCRE2_SPTR p = (PCRE2_SPTR)subject.p;
    int rc;

    if (!re->compiled)
        return pcre2_match(re->code, p, subject.len, 0, 0, re->match,
                           re->context);
    rc =
        pcre2_jit_match(re->code, p, subject.len, 0, 0, re->match, re->context);
    if (rc != PCRE2_ERROR_JIT_STACKLIMIT || re->stack != NULL ||
        grow_stack(re) < 0)
        return rc;
    return pcre2_jit_match(re->code, p, subject.len, 0, 0, re->match,
                           re->context);
}

struct str
regex_prefix(const struct regex *re)
{
    return str_make(re->prefix, re->prefix_len);
}

int
regex_match(struct regex *re, struct str subject, struct str *groups,
            unsigned max_groups)
{
    int rc;

    if (subject.p == NULL)
        subject.p = "";
    if (!str_starts_with(subject, regex_prefix(re)))
        return 0;
    rc = match(re, subject);
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    if (rc < 0)
        return -1;
    return (int)fill_groups(re, subject, groups, max_groups);
}

unsigned
regex_groups(const struct regex *re)
{
    return re->groups;
}

const char *
regex_version(void)
{
    static char text[VERSION_MAX];

    if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) > VERSION_MAX ||
        pcre2_config(PCRE2_CONFIG_VERSION, text) < 0)
        return "of unknown version";
    return text;
}
