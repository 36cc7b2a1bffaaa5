/* SPDX-License-Identifier: MIT */
/*
 * The health of servers: how it is checked, and what live failures count.
 *
 *     check = KIND OPTION=VALUE ...
 *               |         |
 *               |         '--> a row of OPTIONS: which kinds have it, its range
 *               '--> what it needs, and what it does not say: defaults
 */
#include <ctype.h>
#include <string.h>

#include "config/parse.h"
#include "config/value.h"

enum {
    CHECK_INTERVAL_MS = 2000,
    CHECK_TIMEOUT_MS = 1000,
    CHECK_FASTINTER_MS = 500,
    CHECK_RISE = 2,
    CHECK_FALL = 3,
    CHECK_TIME_MIN_MS = 10,
    CHECK_TIME_MAX_MS = 24 * 3600 * 1000,
    CHECK_COUNT_MAX = 100,  /* of rise and fall */
    STATUS_MIN = 100,       /* the first status of HTTP, */
    STATUS_MAX = 599,       /* the last one, */
    STATUS_PASS_FROM = 200, /* and those that HAProxy passes: 2xx and 3xx */
    STATUS_PASS_TO = 399,
};

/* In the order of enum check_kind. */
static const char KINDS[] = "off tcp http fastcgi mysql galera lua";

/* Sets of kinds. */
enum kinds {
    ANY = 0,
    OF_HTTP = 1 << CHECK_HTTP,
    OF_STATUS = 1 << CHECK_HTTP | 1 << CHECK_FASTCGI,
    OF_LOGIN = 1 << CHECK_MYSQL | 1 << CHECK_GALERA,
    OF_GALERA = 1 << CHECK_GALERA,
    OF_LUA = 1 << CHECK_LUA,
};

/* The words of the key `check`, in their order. */
enum check_option {
    OPTION_INTERVAL,
    OPTION_TIMEOUT,
    OPTION_RISE,
    OPTION_FALL,
    OPTION_FASTINTER,
    OPTION_DOWNINTER,
    OPTION_URI,
    OPTION_EXPECT,
    OPTION_HOST,
    OPTION_USER,
    OPTION_PASSWORD,
    OPTION_DONOR,
    OPTION_LAG,
    OPTION_SCRIPT,
};

/* Which kinds an option is for, in a set and in words. */
struct option_use {
    unsigned kinds;
    const char *words;
};

static const struct option_use USES[] = {
    [OPTION_INTERVAL] = {ANY, NULL},
    [OPTION_TIMEOUT] = {ANY, NULL},
    [OPTION_RISE] = {ANY, NULL},
    [OPTION_FALL] = {ANY, NULL},
    [OPTION_FASTINTER] = {ANY, NULL},
    [OPTION_DOWNINTER] = {ANY, NULL},
    [OPTION_URI] = {OF_STATUS, "http and fastcgi"},
    [OPTION_EXPECT] = {OF_STATUS, "http and fastcgi"},
    [OPTION_HOST] = {OF_HTTP, "http"},
    [OPTION_USER] = {OF_LOGIN, "mysql and galera"},
    [OPTION_PASSWORD] = {OF_LOGIN, "mysql and galera"},
    [OPTION_DONOR] = {OF_GALERA, "galera"},
    [OPTION_LAG] = {OF_GALERA, "galera"},
    [OPTION_SCRIPT] = {OF_LUA, "lua"},
};

/* The words of the key `observe`, in their order. */
enum observe_option {
    OBSERVE_ERRORS,
    OBSERVE_WITHIN,
    OBSERVE_ON,
};

static const struct key TIME = {
    .type = KEY_DURATION, .min = CHECK_TIME_MIN_MS, .max = CHECK_TIME_MAX_MS};
static const struct key COUNT = {
    .type = KEY_NUMBER, .min = 1, .max = CHECK_COUNT_MAX};
static const struct key ERRORS = {.type = KEY_NUMBER, .min = 1, .max = 1000000};

/* The next word as an option that was not there before: its place; -1 with a
 * fault. */
static int
next_option(const struct parse *p, const struct entry *entry, struct str word,
            unsigned *given, struct option_conf *option)
{
    int place = parse_option(p, entry, word, option);

    if (place < 0 || parse_option_form(p, entry, option, true) != 0)
        return -1;
    if (*given & 1U << place) {
        parse_refuse(p, entry, "'%s=' is there twice", option->name.p);
        return -1;
    }
    *given |= 1U << place;
    return place;
}

/* A number or time in the range of KEY. */
static int
set_number(const struct parse *p, const struct entry *entry,
           const struct key *key, struct str text, uint32_t *out)
{
    uint64_t n;

    if (parse_quantity(p, entry, key, text, &n) != 0)
        return -1;
    *out = (uint32_t)n;
    return 0;
}

static bool
has_blank(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (isspace((unsigned char)text.p[i]) ||
            iscntrl((unsigned char)text.p[i]))
            return true;
    return false;
}

/* A text that goes to the server as it is. */
static int
set_text(const struct parse *p, const struct entry *entry,
         const struct option_conf *option, struct str *out)
{
    if (option->value.len > CONFIG_CHECK_TEXT_MAX) {
        parse_refuse(p, entry, "the value of '%s=' is longer than %d bytes",
                     option->name.p, CONFIG_CHECK_TEXT_MAX);
        return -1;
    }
    *out = memory_str(p->arena, option->value);
    return 0;
}

/* A path or host in the head of a request, where a blank would end it. */
static int
set_word(const struct parse *p, const struct entry *entry,
         const struct option_conf *option, struct str *out)
{
    if (has_blank(option->value)) {
        parse_refuse(p, entry, "the value of '%s=' has a blank in it",
                     option->name.p);
        return -1;
    }
    return set_text(p, entry, option, out);
}

static int
set_uri(const struct parse *p, const struct entry *entry,
        const struct option_conf *option, struct check_conf *check)
{
    if (option->value.p[0] == '/')
        return set_word(p, entry, option, &check->uri);
    parse_refuse(p, entry, "'" STR_FMT "' is no path: write uri=/PATH",
                 STR_ARG(option->value));
    return -1;
}

/* "2xx": all statuses of a class. */
static bool
parse_status_class(struct str text, unsigned *from, unsigned *to)
{
    if (text.len != 3 || text.p[0] < '1' || text.p[0] > '5' ||
        !str_equal_nocase(str_slice(text, 1, 3), STR("xx")))
        return false;
    *from = (unsigned)(text.p[0] - '0') * 100;
    *to = *from + 99;
    return true;
}

/* "200" or "200-399". */
static bool
parse_status_range(struct str text, unsigned *from, unsigned *to)
{
    ptrdiff_t hyphen = str_find_char(text, '-', 0);
    struct str first = hyphen < 0 ? text : str_slice(text, 0, (size_t)hyphen);
    struct str last =
        hyphen < 0 ? text : str_slice(text, (size_t)hyphen + 1, text.len);
    uint64_t a;
    uint64_t b;

    if (str_to_uint(&a, first, STATUS_MAX) != 0 ||
        str_to_uint(&b, last, STATUS_MAX) != 0 || a < STATUS_MIN || a > b)
        return false;
    *from = (unsigned)a;
    *to = (unsigned)b;
    return true;
}

static int
set_expect(const struct parse *p, const struct entry *entry, struct str text,
           struct check_conf *check)
{
    if (parse_status_class(text, &check->expect_from, &check->expect_to) ||
        parse_status_range(text, &check->expect_from, &check->expect_to))
        return 0;
    parse_refuse(p, entry,
                 "'" STR_FMT "' is no status: write one from %d to %d, such as "
                 "expect=200, or several, such as 200-399 or 2xx",
                 STR_ARG(text), STATUS_MIN, STATUS_MAX);
    return -1;
}

static int
set_donor(const struct parse *p, const struct entry *entry, struct str text,
          struct check_conf *check)
{
    char why[VALUE_WHY_MAX];

    if (value_bool(&check->donor, text, why, sizeof(why)) == 0)
        return 0;
    parse_refuse(p, entry, "%s", why);
    return -1;
}

static int
set_lag(const struct parse *p, const struct entry *entry, struct str text,
        struct check_conf *check)
{
    int place = parse_choice(p, entry, text, "off weight", NULL);

    check->lag_weight = place > 0;
    return place < 0 ? -1 : 0;
}

static int
set_check_option(const struct parse *p, const struct entry *entry,
                 enum check_option which, const struct option_conf *option,
                 struct check_conf *check)
{
    struct str text = option->value;

    switch (which) {
    case OPTION_INTERVAL:
        return set_number(p, entry, &TIME, text, &check->interval_ms);
    case OPTION_TIMEOUT:
        return set_number(p, entry, &TIME, text, &check->timeout_ms);
    case OPTION_RISE:
        return set_number(p, entry, &COUNT, text, &check->rise);
    case OPTION_FALL:
        return set_number(p, entry, &COUNT, text, &check->fall);
    case OPTION_FASTINTER:
        return set_number(p, entry, &TIME, text, &check->fastinter_ms);
    case OPTION_DOWNINTER:
        return set_number(p, entry, &TIME, text, &check->downinter_ms);
    case OPTION_URI:
        return set_uri(p, entry, option, check);
    case OPTION_EXPECT:
        return set_expect(p, entry, text, check);
    case OPTION_HOST:
        return set_word(p, entry, option, &check->host);
    case OPTION_USER:
        return set_text(p, entry, option, &check->user);
    case OPTION_PASSWORD:
        return set_text(p, entry, option, &check->password);
    case OPTION_DONOR:
        return set_donor(p, entry, text, check);
    case OPTION_LAG:
        return set_lag(p, entry, text, check);
    case OPTION_SCRIPT:
        check->script = parse_script_path(p, text);
        return 0;
    }
    return -1;
}

/* Reads the options behind the kind. */
static int
read_check_options(const struct parse *p, const struct entry *entry,
                   struct str text, struct check_conf *check)
{
    struct option_conf option;
    struct str word;
    unsigned given = 0;

    while (value_next_word(p->arena, &text, &word)) {
        int place = next_option(p, entry, word, &given, &option);

        if (place < 0)
            return -1;
        if (USES[place].kinds != ANY &&
            (USES[place].kinds & 1U << check->kind) == 0) {
            parse_refuse(p, entry, "'%s' is for %s", option.name.p,
                         USES[place].words);
            return -1;
        }
        if (set_check_option(p, entry, (enum check_option)place, &option,
                             check) != 0)
            return -1;
    }
    return 0;
}

/* What the kind cannot do without. */
static int
require_options(const struct parse *p, const struct entry *entry,
                const struct check_conf *check)
{
    const char *kind = check->kind == CHECK_GALERA ? "galera" : "mysql";

    if ((1U << check->kind & OF_LOGIN) != 0 && check->user.p == NULL) {
        parse_refuse(p, entry,
                     "%s needs the user to log in as: write check = %s user=U",
                     kind, kind);
        return -1;
    }
    if (check->kind == CHECK_LUA && check->script.p == NULL) {
        parse_refuse(p, entry,
                     "lua needs the script that has the hook: write check = "
                     "lua script=FILE");
        return -1;
    }
    return 0;
}

/* What was not written, where it depends on the rest. */
static void
set_defaults(struct check_conf *check)
{
    if (check->fastinter_ms == 0)
        check->fastinter_ms = check->interval_ms < CHECK_FASTINTER_MS
                                  ? check->interval_ms
                                  : CHECK_FASTINTER_MS;
    if (check->downinter_ms == 0)
        check->downinter_ms = check->interval_ms;
    if (check->uri.p == NULL && check->kind == CHECK_HTTP)
        check->uri = STR("/");
    if (check->uri.p == NULL && check->kind == CHECK_FASTCGI)
        check->uri = STR("/ping");
}

int
parse_check(const struct parse *p, const struct entry *entry, struct str text,
            struct check_conf *out)
{
    struct check_conf check = {
        .interval_ms = CHECK_INTERVAL_MS,
        .timeout_ms = CHECK_TIMEOUT_MS,
        .rise = CHECK_RISE,
        .fall = CHECK_FALL,
        .expect_from = STATUS_PASS_FROM,
        .expect_to = STATUS_PASS_TO,
        .at = entry->at,
    };
    struct str word = STR("");
    int kind;

    (void)value_next_word(p->arena, &text, &word);
    kind = parse_choice(p, entry, word, KINDS, NULL);
    if (kind < 0)
        return -1;
    check.kind = (enum check_kind)kind;
    if (check.kind == CHECK_OFF && value_next_word(p->arena, &text, &word)) {
        parse_refuse(p, entry,
                     "'" STR_FMT "' follows off, which has no options",
                     STR_ARG(word));
        return -1;
    }
    if (read_check_options(p, entry, text, &check) != 0 ||
        require_options(p, entry, &check) != 0)
        return -1;
    set_defaults(&check);
    *out = check;
    return 0;
}

static int
set_observe_option(const struct parse *p, const struct entry *entry,
                   enum observe_option which, struct str text,
                   struct observe_conf *observe)
{
    switch (which) {
    case OBSERVE_ERRORS:
        return set_number(p, entry, &ERRORS, text, &observe->errors);
    case OBSERVE_WITHIN:
        return set_number(p, entry, &TIME, text, &observe->within_ms);
    case OBSERVE_ON:
        observe->on_5xx = true;
        return parse_choice(p, entry, text, "5xx", NULL);
    }
    return -1;
}

int
parse_observe(const struct parse *p, const struct entry *entry, struct str text,
              struct observe_conf *out)
{
    struct observe_conf observe = {.at = entry->at};
    struct option_conf option;
    struct str word;
    unsigned given = 0;

    if (str_equal(text, STR("off"))) {
        *out = observe;
        return 0;
    }
    while (value_next_word(p->arena, &text, &word)) {
        int place = next_option(p, entry, word, &given, &option);

        if (place < 0 ||
            set_observe_option(p, entry, (enum observe_option)place,
                               option.value, &observe) != 0)
            return -1;
    }
    if (observe.errors == 0 || observe.within_ms == 0) {
        parse_refuse(p, entry,
                     "write errors=N within=TIME, both of them, or off");
        return -1;
    }
    *out = observe;
    return 0;
}
