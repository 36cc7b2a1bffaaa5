/* SPDX-License-Identifier: MIT */
/* The list of faults; a fault's text is formatted when it is added. */
#include "config/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAULT_TEXT_MAX = 1024, /* longer texts are cut */
};

void
faults_init(struct faults *faults)
{
    memset(faults, 0, sizeof(*faults));
}

void
faults_fini(struct faults *faults)
{
    for (size_t i = 0; i < faults->item_count; i++)
        free(faults->items[i].text);
    for (size_t i = 0; i < faults->file_count; i++)
        free(faults->files[i]);
    free(faults->items);
    free(faults->files);
    faults_init(faults);
}

size_t
faults_name_file(struct faults *faults, const char *file)
{
    size_t rank = faults->file_count;

    for (size_t i = 0; i < faults->file_count; i++)
        if (strcmp(faults->files[i], file) == 0)
            return i;
    faults->files =
        xrealloc(faults->files, (rank + 1) * sizeof(*faults->files));
    faults->files[rank] = xstrdup(file);
    faults->file_count++;
    return rank;
}

static void
add(struct faults *faults, const char *file, unsigned line, bool warning,
    const char *text)
{
    size_t rank = faults_name_file(faults, file);

    if (faults->item_count == faults->capacity) {
        faults->capacity = faults->capacity == 0 ? 16 : faults->capacity * 2;
        faults->items =
            xrealloc(faults->items, faults->capacity * sizeof(*faults->items));
    }
    faults->items[faults->item_count] = (struct fault){
        .file = faults->files[rank],
        .line = line,
        .text = xstrdup(text),
        .rank = rank,
        .order = faults->item_count,
        .warning = warning,
    };
    faults->item_count++;
    if (!warning)
        faults->count++;
}

void
faults_add(struct faults *faults, const char *file, unsigned line,
           const char *fmt, ...)
{
    char text[FAULT_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    add(faults, file, line, false, text);
}

void
faults_add_at(struct faults *faults, struct config_at at, const char *fmt, ...)
{
    char text[FAULT_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    add(faults, at.file, at.line, false, text);
}

void
faults_warn_at(struct faults *faults, struct config_at at, const char *fmt, ...)
{
    char text[FAULT_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    add(faults, at.file, at.line, true, text);
}

static int
compare(const void *a, const void *b)
{
    const struct fault *x = a;
    const struct fault *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

void
faults_sort(struct faults *faults)
{
    if (faults->item_count > 1)
        qsort(faults->items, faults->item_count, sizeof(*faults->items),
              compare);
}

const char *
fault_format(const struct fault *fault, char *text, size_t size)
{
    const char *kind = fault->warning ? "warning: " : "";

    if (fault->line == 0)
        (void)snprintf(text, size, "%s: %s%s", fault->file, kind, fault->text);
    else
        (void)snprintf(text, size, "%s:%u: %s%s", fault->file, fault->line,
                       kind, fault->text);
    return text;
}
