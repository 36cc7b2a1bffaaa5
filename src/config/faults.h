/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a configuration: a list that every stage adds to (reading,
 * regular expressions, scripts, looking up names), so that one run of `check`
 * shows all of it. A warning is about what is valid and yet hardly meant: it
 * stands among the faults and is not counted as one. Memory is that of
 * start-up: running out exits.
 */
#ifndef CONFIG_FAULTS_H
#define CONFIG_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/model.h"

struct fault {
    const char *file; /* one of faults.files */
    unsigned line;    /* 0: the file as a whole */
    char *text;       /* what is wrong, and what would be right */
    size_t rank;      /* of its file among faults.files */
    size_t order;     /* of its addition */
    bool warning;     /* no fault, the configuration is valid with it */
};

struct faults {
    struct fault *items; /* faults and warnings */
    size_t item_count;
    size_t capacity;
    size_t count; /* of the items that are faults: 0 is valid */
    char **files; /* in the order of their first naming */
    size_t file_count;
};

/* An empty list. */
void faults_init(struct faults *faults);

/* Gives its memory back and empties it. */
void faults_fini(struct faults *faults);

/* Says that FILE is read now: its faults come behind those of all files that
 * were named before. Adding a fault names its file too. Returns its rank. */
size_t faults_name_file(struct faults *faults, const char *file);

/* Adds a fault at LINE of FILE; the text is copied. */
void faults_add(struct faults *faults, const char *file, unsigned line,
                const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The same for whoever holds an item of the model. */
void faults_add_at(struct faults *faults, struct config_at at, const char *fmt,
                   ...) __attribute__((format(printf, 3, 4)));

/* Adds a warning. */
void faults_warn_at(struct faults *faults, struct config_at at, const char *fmt,
                    ...) __attribute__((format(printf, 3, 4)));

/* Orders them by file and line; those of one line stay as they were added. */
void faults_sort(struct faults *faults);

/* Writes "FILE:LINE: text", or "FILE:LINE: warning: text", without a newline,
 * cut to SIZE; returns TEXT. */
const char *fault_format(const struct fault *fault, char *text, size_t size);

#endif
