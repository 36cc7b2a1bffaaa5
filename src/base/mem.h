/* SPDX-License-Identifier: MIT */
/*
 * Memory for start-up, where running out means exit. After the first accept
 * code calls malloc and calloc, checks, and ends one session at most.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Results and mistakes that a caller may not ignore. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* As malloc, calloc, realloc and strdup, but they never return NULL. */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *
xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));

/* A NUL-terminated copy of the LEN bytes at P. */
char *
xstrndup(const char *p, size_t len) __attribute__((malloc, returns_nonnull));

#endif
