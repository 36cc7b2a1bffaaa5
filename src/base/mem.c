/* SPDX-License-Identifier: MIT */
/*
 * Allocation that ends the program when there is no memory, for start-up.
 */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void *
check(void *p, size_t size)
{
    if (p == NULL)
        fatal("out of memory bytes=%zu", size);
    return p;
}

/* A size of 0 may give NULL, which would look like a failure. */
static size_t
at_least_one(size_t size)
{
    return size == 0 ? 1 : size;
}

void *
xmalloc(size_t size)
{
    return check(malloc(at_least_one(size)), size);
}

void *
xcalloc(size_t count, size_t size)
{
    return check(calloc(at_least_one(count), at_least_one(size)), size);
}

void *
xrealloc(void *p, size_t size)
{
    return check(realloc(p, at_least_one(size)), size);
}

char *
xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *
xstrndup(const char *p, size_t len)
{
    char *copy = xmalloc(len + 1);

    if (len > 0)
        memcpy(copy, p, len);
    copy[len] = '\0';
    return copy;
}
