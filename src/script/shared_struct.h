/* SPDX-License-Identifier: MIT */
/*
 * What moongate.shared and moongate.metric call through the FFI; a text for C
 * and for LuaJIT as calls_struct.h is. Scripts hold nothing of this file.
 */
struct dict_table;
struct metric_table;

/* What a dictionary answers, as enum dict_result. */
enum shared_answer {
    SHARED_DONE,
    SHARED_ABSENT,
    SHARED_EXISTS,
    SHARED_NOT_NUMBER,
    SHARED_BAD_KEY,
    SHARED_TOO_LONG,
};

/* As enum dict_kind. */
enum shared_kind {
    SHARED_BOOLEAN,
    SHARED_NUMBER,
    SHARED_STRING,
};

/* A value, in or out; what `p` points to is good until the next call. */
struct shared_value {
    int32_t kind;
    double number; /* or boolean: 0 or 1 */
    const char *p;
    size_t len;
};

/* Which entry. */
struct shared_place {
    struct dict_table *table;
    int32_t dict;
};

/* What is said of a metric, text by text. */
enum metric_answer {
    METRIC_FULL = -1,  /* no room for another one */
    METRIC_OTHER = -2, /* the name is that of another one */
    METRIC_CLASH = -3, /* a histogram shows series of that name */
};

struct shared_calls {
    /* Of a configuration's processes; of this process alone where there is no
     * board: while a configuration is checked. NULL without memory. */
    struct dict_table *(*dicts)(const struct scripts *scripts);
    struct metric_table *(*metrics)(const struct scripts *scripts);

    /* A number, or -1: there are too many. */
    int (*open)(struct dict_table *table, const char *name, size_t len);
    int (*get)(const struct shared_place *place, const char *key, size_t len,
               struct shared_value *out);
    int (*set)(const struct shared_place *place, const char *key, size_t len,
               const struct shared_value *value, double ttl_ms);
    int (*add)(const struct shared_place *place, const char *key, size_t len,
               const struct shared_value *value, double ttl_ms);
    /* VALUE has what is added, and then the sum; INIT may be NULL. */
    int (*incr)(const struct shared_place *place, const char *key, size_t len,
                struct shared_value *value, const double *init, double ttl_ms);
    int (*erase)(const struct shared_place *place, const char *key, size_t len);

    /* A family's definition is said first: its labels in order and its bounds
     * from the smallest on; then it is opened. A number, or metric_answer. */
    void (*metric_begin)(int kind);
    void (*metric_label)(const char *name, size_t len);
    void (*metric_bound)(double bound);
    int (*metric_open)(struct metric_table *table, const char *name,
                       size_t name_len, const char *help, size_t help_len);
    /* The value of the label with this index, from 0; then the series: its
     * first cell of this process, or NULL: there is no room. */
    void (*metric_value)(int index, const char *value, size_t len);
    double *(*metric_series)(const struct scripts *scripts,
                             struct metric_table *table, int family);
};
