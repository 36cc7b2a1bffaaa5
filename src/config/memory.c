/* SPDX-License-Identifier: MIT */
/* The arena as start-up sees it. */
#include "config/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

_Noreturn static void
run_out(void)
{
    fatal("out of memory while reading the configuration");
}

void *
memory_alloc(struct arena *arena, size_t n)
{
    void *p = arena_alloc(arena, n);

    if (p == NULL)
        run_out();
    memset(p, 0, n);
    return p;
}

struct str
memory_str(struct arena *arena, struct str text)
{
    char *copy = memory_alloc(arena, text.len + 1);

    if (text.len > 0)
        memcpy(copy, text.p, text.len);
    return str_make(copy, text.len);
}

struct str
memory_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    va_list again;
    char *text;
    int len;

    va_start(args, fmt);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    text = memory_alloc(arena, (size_t)len + 1);
    (void)vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return str_make(text, (size_t)len);
}

void *
vec_add(struct vec *vec, struct arena *arena, size_t size)
{
    char *items = vec->items;

    if (vec->count == vec->capacity) {
        size_t capacity = vec->capacity == 0 ? 4 : vec->capacity * 2;

        items = memory_alloc(arena, capacity * size);
        if (vec->count > 0)
            memcpy(items, vec->items, vec->count * size);
        vec->items = items;
        vec->capacity = capacity;
    }
    return items + size * vec->count++;
}

const void *
seen_add(struct map *seen, struct str key, const void *value)
{
    if (map_put(seen, key, (void *)(uintptr_t)value) == 0)
        return NULL;
    if (errno != EEXIST)
        run_out();
    return map_get(seen, key);
}
