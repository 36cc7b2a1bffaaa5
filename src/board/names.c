/* SPDX-License-Identifier: MIT */
#include "board/names.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "board/rows.h"

static struct row_name *
row_at(const struct names *n, int row)
{
    return (struct row_name *)(void *)(n->first + (size_t)row * n->stride);
}

static bool
is_used(const struct row_name *row)
{
    return atomic_load_explicit(&row->used, memory_order_acquire);
}

/* Where the chain of NAME begins. */
static int32_t *
head_of(const struct names *n, struct str name)
{
    return &n->heads[hash_murmur(name.p, name.len, 0) & n->mask];
}

static int32_t *
head_of_row(const struct names *n, int row)
{
    const struct row_name *name = row_at(n, row);

    return head_of(n, str_make(name->text, name->len));
}

static void
link_row(struct names *n, int row)
{
    int32_t *head = head_of_row(n, row);

    n->next[row] = *head;
    *head = row;
}

static void
unlink_row(struct names *n, int row)
{
    int32_t *at = head_of_row(n, row);

    while (*at != row)
        at = &n->next[*at];
    *at = n->next[row];
}

static void
clear_heads(struct names *n)
{
    for (size_t i = 0; i <= n->mask; i++)
        n->heads[i] = BOARD_NONE;
}

int
names_init(struct names *n, void *first, size_t stride, unsigned count,
           _Atomic uint64_t *added)
{
    uint32_t heads = 1;

    while (heads < count)
        heads *= 2;
    *n = (struct names){
        .first = first,
        .stride = stride,
        .count = count,
        .added = added,
        .mask = heads - 1,
        .heads = calloc(heads, sizeof(*n->heads)),
        .next = calloc((size_t)count + 1, sizeof(*n->next)),
    };
    if (n->heads == NULL || n->next == NULL) {
        names_fini(n);
        return -1;
    }
    clear_heads(n);
    return 0;
}

void
names_fini(struct names *n)
{
    free(n->heads);
    free(n->next);
    *n = (struct names){.heads = NULL};
}

/* `added` goes up after its row is published (names_publish), so whoever has
 * seen the one sees the other. */
static void
catch_up(struct names *n)
{
    uint64_t added = atomic_load_explicit(n->added, memory_order_acquire);

    if (added == n->seen)
        return;
    clear_heads(n);
    for (unsigned i = 0; i < n->count; i++) {
        if (is_used(row_at(n, (int)i)))
            link_row(n, (int)i);
    }
    n->free_from = 0;
    n->seen = added;
}

int
names_find(struct names *n, struct str name)
{
    catch_up(n);
    for (int32_t i = *head_of(n, name); i != BOARD_NONE; i = n->next[i]) {
        const struct row_name *row = row_at(n, i);

        if (is_used(row) && str_equal(str_make(row->text, row->len), name))
            return i;
    }
    return BOARD_NONE;
}

static int
refuse(int error)
{
    errno = error;
    return BOARD_NONE;
}

int
names_claim(struct names *n, struct str name)
{
    unsigned i;
    struct row_name *row;

    if (name.len == 0 || name.len > BOARD_NAME_MAX)
        return refuse(EINVAL);
    if (names_find(n, name) != BOARD_NONE)
        return refuse(EEXIST);
    i = n->free_from;
    while (i < n->count && is_used(row_at(n, (int)i)))
        i++;
    n->free_from = i;
    if (i == n->count)
        return refuse(ENOSPC);
    row = row_at(n, (int)i);
    memset(row, 0, n->stride);
    memcpy(row->text, name.p, name.len);
    row->len = (uint8_t)name.len;
    return (int)i;
}

void
names_publish(struct names *n, int row)
{
    atomic_store_explicit(&row_at(n, row)->used, true, memory_order_release);
    link_row(n, row);
    n->seen = atomic_fetch_add_explicit(n->added, 1, memory_order_release) + 1;
}

void
names_remove(struct names *n, int row)
{
    assert(row >= 0 && (unsigned)row < n->count);
    catch_up(n);
    assert(is_used(row_at(n, row)));
    unlink_row(n, row);
    if ((unsigned)row < n->free_from)
        n->free_from = (unsigned)row;
    atomic_store_explicit(&row_at(n, row)->used, false, memory_order_release);
}
