/* SPDX-License-Identifier: MIT */
/*
 * The one table of keys: what may be written in which section, how it is
 * spelled, what holds when it is not written, and the sentence that says what
 * it is for. The parser, `moongate check`, the manual and the sample file all
 * go by it.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Kinds of sections; bits, since a key may stand in several. */
enum key_section {
    KEY_GLOBAL = 1,
    KEY_DEFAULTS = 2,
    KEY_UPSTREAM = 4,
    KEY_HTTP = 8,
    KEY_TCP = 16,
    KEY_MYSQL = 32,
    KEY_STATS = 64,
};

/* How a value is spelled. */
enum key_type {
    KEY_BOOL,        /* on or off; bool */
    KEY_DURATION,    /* 500ms, 5s; milliseconds, or one of `words` for 0 */
    KEY_SIZE,        /* 16k, 8m; bytes */
    KEY_NUMBER,      /* digits, or one of `words` for 0 */
    KEY_RATE,        /* 5/s; a second, or one of `words` for 0 */
    KEY_CHOICE,      /* one of `words`; its place is the value */
    KEY_NAME,        /* a single word; struct str */
    KEY_PATH,        /* made absolute; struct str */
    KEY_ROOT,        /* a path with variables */
    KEY_INDEX,       /* a list of files' names */
    KEY_INCLUDE,     /* a pattern of paths */
    KEY_LOG,         /* a log target with its options */
    KEY_LOG_TO,      /* the same, for access records */
    KEY_RETRY_ON,    /* a set of conditions */
    KEY_POLICY,      /* a policy's name or path with its options */
    KEY_CHECK,       /* a kind of check with its options */
    KEY_OBSERVE,     /* off, or how many failures within what time */
    KEY_SERVER,      /* an address with options; the key is "server NAME" */
    KEY_LISTEN,      /* an address with options */
    KEY_UPSTREAM_OF, /* the name of an upstream */
    KEY_SCRIPT,      /* a path that is looked up in the script path */
    KEY_SCRIPTS,     /* a list of them */
    KEY_SERVER_NAME, /* a list of host names */
    KEY_ROUTE,       /* a pattern, options, a target */
    KEY_PARAM,       /* a name, and a text with variables */
    KEY_HEADER,      /* likewise */
    KEY_TRUST,       /* a list of networks */
    KEY_ACCESS_LOG,  /* the name of a format, or a text with variables */
    KEY_SAMPLE,      /* 1/N; N */
    KEY_ERROR_PAGE,  /* statuses and a path */
    KEY_URI,         /* a path of a URL; struct str */
    KEY_TEXT,        /* any words; struct str */
    KEY_AUTH,        /* a user and a password or its hash */
    KEY_AUTH_FILE,   /* a file of them */
};

/* The struct of the model that a plain value goes to. */
enum key_place {
    KEY_PLACE_NONE,     /* not stored, or stored by its own parser */
    KEY_PLACE_GLOBAL,   /* struct global_conf */
    KEY_PLACE_LIMITS,   /* struct limits_conf */
    KEY_PLACE_UPSTREAM, /* struct upstream_conf */
    KEY_PLACE_SECTION,  /* struct section_conf */
    KEY_PLACE_HTTP,     /* struct http_conf */
    KEY_PLACE_STATS,    /* struct stats_conf */
};

struct key {
    const char *name;
    unsigned sections; /* set of enum key_section */
    enum key_type type;
    bool supported;  /* false: only what is in `words` is accepted, and that
                        means that the function is off */
    bool repeatable; /* may be written several times in a section */
    const char *fallback; /* what holds when it is not written; or NULL */
    const char *stream_fallback; /* the same in tcp and mysql; NULL: as above */
    const char *words;           /* of a choice; parted by blanks; or NULL */
    const char *later;           /* words not supported in this version */
    const char *syntax; /* how a value looks, for the manual; NULL: by type */
    uint64_t min;       /* of durations (ms), sizes (bytes) and numbers */
    uint64_t max;
    enum key_place place;
    size_t offset;        /* of the member there */
    size_t size;          /* of the member */
    unsigned given;       /* its bit in limits_conf.given; or 0 */
    const char *sentence; /* what it is for */
};

/* The whole table, in the manual's order; sets *COUNT. */
const struct key *keys_all(size_t *count);

/* The key NAME of a section of this kind; NULL when it has none. */
const struct key *keys_find(enum key_section section, struct str name);

/* The kinds of sections that have a key of this name; 0 for none. */
unsigned keys_sections_of(struct str name);

/* Writes why NAME is no key of such a section and what may have been meant;
 * returns TEXT. */
const char *keys_explain_unknown(enum key_section section, struct str name,
                                 char *text, size_t size);

/* "global", "upstream" ... */
const char *key_section_name(enum key_section section);

/* The kind whose name this is; 0 for none. */
unsigned key_section_find(struct str name);

/* Does a section of this kind have a name of its own ([http NAME])? */
bool key_section_is_named(enum key_section section);

/* How a value of the key is written, in a few words; never NULL. */
const char *key_syntax(const struct key *key);

#endif
