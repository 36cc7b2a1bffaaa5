/* SPDX-License-Identifier: MIT */
#include "board/dict_table.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

uint32_t *
dict_chains(const struct dict_table *t)
{
    return (uint32_t *)(uintptr_t)(t + 1);
}

/* Block 0 is not there: the chains are in its place. */
struct dict_block *
dict_block_at(const struct dict_table *t, uint32_t number)
{
    uint32_t *end = dict_chains(t) + t->mask + 1;

    return (struct dict_block *)(void *)end + (number - 1);
}

static void
set_state(const struct dict_table *t, uint32_t number, enum dict_state state)
{
    atomic_store(&dict_block_at(t, number)->state, state);
}

static bool
is_entry(const struct dict_table *t, uint32_t number)
{
    return atomic_load(&dict_block_at(t, number)->state) == DICT_ENTRY;
}

/* --- texts ---------------------------------------------------------------- */

/* A place in an entry's text. */
struct cursor {
    struct dict_block *block;
    char *at;
    size_t room;
};

static struct cursor
cursor_at(const struct dict_table *t, uint32_t number)
{
    struct dict_block *block = dict_block_at(t, number);

    return (struct cursor){block, block->u.head.text, DICT_HEAD_ROOM};
}

/* Goes on by up to N bytes that lie in one block; how many. */
static size_t
cursor_take(const struct dict_table *t, struct cursor *c, size_t n, char **p)
{
    if (c->room == 0) {
        c->block = dict_block_at(t, c->block->more);
        c->at = c->block->u.text;
        c->room = DICT_BLOCK_ROOM;
    }
    if (n > c->room)
        n = c->room;
    *p = c->at;
    c->at += n;
    c->room -= n;
    return n;
}

static void
cursor_write(const struct dict_table *t, struct cursor *c, const char *from,
             size_t n)
{
    while (n > 0) {
        char *to;
        size_t part = cursor_take(t, c, n, &to);

        memcpy(to, from, part);
        from += part;
        n -= part;
    }
}

static bool
cursor_equals(const struct dict_table *t, struct cursor *c, const char *with,
              size_t n)
{
    while (n > 0) {
        char *p;
        size_t part = cursor_take(t, c, n, &p);

        if (memcmp(p, with, part) != 0)
            return false;
        with += part;
        n -= part;
    }
    return true;
}

void
dict_copy_value(const struct dict_table *t, uint32_t number, char *to)
{
    const struct dict_head *head = dict_head_at(t, number);
    struct cursor c = cursor_at(t, number);
    char *p;

    for (size_t n = head->key_len; n > 0;)
        n -= cursor_take(t, &c, n, &p);
    for (size_t n = head->value_len; n > 0;) {
        size_t part = cursor_take(t, &c, n, &p);

        memcpy(to, p, part);
        to += part;
        n -= part;
    }
}

/* How many blocks a text of N bytes takes. */
static uint32_t
blocks_for(size_t n)
{
    if (n <= DICT_HEAD_ROOM)
        return 1;
    return 1 + (uint32_t)((n - DICT_HEAD_ROOM + DICT_BLOCK_ROOM - 1) /
                          DICT_BLOCK_ROOM);
}

/* --- links ---------------------------------------------------------------- */

static uint32_t *
chain_of(const struct dict_table *t, uint32_t hash)
{
    return &dict_chains(t)[hash & t->mask];
}

static void
chain_add(const struct dict_table *t, uint32_t number)
{
    struct dict_head *head = dict_head_at(t, number);
    uint32_t *chain = chain_of(t, head->hash);

    head->chain = *chain;
    *chain = number;
}

static void
chain_remove(const struct dict_table *t, uint32_t number)
{
    const struct dict_head *head = dict_head_at(t, number);
    uint32_t *link = chain_of(t, head->hash);

    while (*link != number)
        link = &dict_head_at(t, *link)->chain;
    *link = head->chain;
}

static void
uses_add(struct dict_table *t, uint32_t number)
{
    struct dict_head *head = dict_head_at(t, number);

    head->newer = 0;
    head->older = t->newest;
    if (t->newest != 0)
        dict_head_at(t, t->newest)->newer = number;
    else
        t->oldest = number;
    t->newest = number;
}

static void
uses_remove(struct dict_table *t, uint32_t number)
{
    const struct dict_head *head = dict_head_at(t, number);

    if (head->newer != 0)
        dict_head_at(t, head->newer)->older = head->older;
    else
        t->newest = head->older;
    if (head->older != 0)
        dict_head_at(t, head->older)->newer = head->newer;
    else
        t->oldest = head->newer;
}

uint32_t
dict_find(const struct dict_table *t, const struct dict_place *place,
          uint32_t hash)
{
    uint32_t number = *chain_of(t, hash);

    while (number != 0) {
        const struct dict_head *head = dict_head_at(t, number);
        struct cursor c = cursor_at(t, number);

        if (head->hash == hash && head->dict == place->dict &&
            head->key_len == place->key.len &&
            cursor_equals(t, &c, place->key.p, place->key.len))
            break;
        number = head->chain;
    }
    return number;
}

/* --- blocks --------------------------------------------------------------- */

static void
count_free(struct dict_table *t, uint32_t change)
{
    uint32_t count = atomic_load_explicit(&t->free_count, memory_order_relaxed);

    atomic_store_explicit(&t->free_count, count + change, memory_order_relaxed);
}

static void
add_spare(struct dict_table *t, uint32_t number)
{
    set_state(t, number, DICT_FREE);
    dict_block_at(t, number)->more = t->spare;
    t->spare = number;
}

static uint32_t
take_block(struct dict_table *t)
{
    uint32_t number = t->spare;

    count_free(t, (uint32_t)-1);
    if (number == 0)
        return ++t->used;
    t->spare = dict_block_at(t, number)->more;
    return number;
}

/* Blocks of an entry of COUNT; the head is not one yet. */
static uint32_t
take_blocks(struct dict_table *t, uint32_t count)
{
    uint32_t first = take_block(t);
    struct dict_block *last = dict_block_at(t, first);

    while (--count > 0) {
        uint32_t number = take_block(t);

        set_state(t, number, DICT_MORE);
        last->more = number;
        last = dict_block_at(t, number);
    }
    last->more = 0;
    return first;
}

static void
count_row(_Atomic uint64_t *counter, uint64_t change)
{
    uint64_t n = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, n + change, memory_order_relaxed);
}

void
dict_drop(struct dict_table *t, uint32_t number)
{
    struct dict_row *row = &t->rows[dict_head_at(t, number)->dict];

    set_state(t, number, DICT_FREE);
    chain_remove(t, number);
    uses_remove(t, number);
    count_row(&row->entries, (uint64_t)-1);
    while (number != 0) {
        uint32_t more = dict_block_at(t, number)->more;

        add_spare(t, number);
        count_free(t, 1);
        number = more;
    }
}

static void
evict(struct dict_table *t)
{
    count_row(&t->rows[dict_head_at(t, t->oldest)->dict].evicted, 1);
    dict_drop(t, t->oldest);
}

uint32_t
dict_build(struct dict_table *t, const struct dict_content *content)
{
    const struct str key = content->place->key;
    const struct dict_value *value = content->value;
    size_t value_len = value->kind == DICT_STRING ? value->len : 0;
    uint32_t count = blocks_for(key.len + value_len);
    struct cursor c;
    struct dict_head *head;
    uint32_t number;

    while (atomic_load_explicit(&t->free_count, memory_order_relaxed) < count)
        evict(t);
    number = take_blocks(t, count);
    head = dict_head_at(t, number);
    head->hash = content->hash;
    head->expires_ms = content->expires_ms;
    head->number = value->number;
    head->value_len = (uint32_t)value_len;
    head->dict = (uint8_t)content->place->dict;
    head->kind = (uint8_t)value->kind;
    head->key_len = (uint8_t)key.len;
    c = cursor_at(t, number);
    cursor_write(t, &c, key.p, key.len);
    cursor_write(t, &c, value->p, value_len);
    return number;
}

void
dict_publish(struct dict_table *t, uint32_t number)
{
    struct dict_head *head = dict_head_at(t, number);

    head->stamp = ++t->stamp;
    set_state(t, number, DICT_ENTRY);
    chain_add(t, number);
    uses_add(t, number);
    count_row(&t->rows[head->dict].entries, 1);
}

void
dict_touch(struct dict_table *t, uint32_t number)
{
    if (t->newest == number)
        return;
    dict_head_at(t, number)->stamp = ++t->stamp;
    uses_remove(t, number);
    uses_add(t, number);
}

/* --- after a death -------------------------------------------------------- */

/* The entry of the same key that was found before, if there is one: the owner
 * was about to drop the older of the two. */
static uint32_t
find_double(const struct dict_table *t, uint32_t number)
{
    const struct dict_head *head = dict_head_at(t, number);
    char key[DICT_KEY_MAX];
    struct cursor c = cursor_at(t, number);
    char *p;
    size_t n = 0;

    while (n < head->key_len) {
        size_t part = cursor_take(t, &c, head->key_len - n, &p);

        memcpy(key + n, p, part);
        n += part;
    }
    return dict_find(t, &(struct dict_place){head->dict, str_make(key, n)},
                     head->hash);
}

static void
chain_again(const struct dict_table *t, uint32_t number)
{
    uint32_t other = find_double(t, number);

    if (other == 0) {
        chain_add(t, number);
        return;
    }
    if (dict_head_at(t, other)->stamp > dict_head_at(t, number)->stamp) {
        set_state(t, number, DICT_FREE);
        return;
    }
    set_state(t, other, DICT_FREE);
    chain_remove(t, other);
    chain_add(t, number);
}

static uint32_t
merge(const struct dict_table *t, uint32_t one, uint32_t other)
{
    uint32_t first = 0;
    uint32_t *link = &first;

    while (one != 0 && other != 0) {
        uint32_t *next =
            dict_head_at(t, one)->stamp < dict_head_at(t, other)->stamp
                ? &one
                : &other;

        *link = *next;
        link = &dict_head_at(t, *next)->newer;
        *next = *link;
    }
    *link = one != 0 ? one : other;
    return first;
}

/* The entries from the oldest use to the newest, linked by `newer`: lists of
 * 1, 2, 4 ... entries wait to be merged with another one of their length. */
static uint32_t
sort_uses(const struct dict_table *t)
{
    uint32_t lists[32] = {0};
    uint32_t all = 0;

    for (uint32_t i = 1; i <= t->used; i++) {
        uint32_t list = i;
        unsigned k = 0;

        if (!is_entry(t, i))
            continue;
        dict_head_at(t, i)->newer = 0;
        for (; lists[k] != 0; k++) {
            list = merge(t, lists[k], list);
            lists[k] = 0;
        }
        lists[k] = list;
    }
    for (unsigned k = 0; k < 32; k++)
        all = merge(t, all, lists[k]);
    return all;
}

static void
use_again(struct dict_table *t)
{
    uint32_t next = sort_uses(t);

    t->newest = t->oldest = 0;
    while (next != 0) {
        uint32_t number = next;

        next = dict_head_at(t, number)->newer;
        uses_add(t, number);
        t->stamp = dict_head_at(t, number)->stamp;
    }
}

static void
mark_entry(struct dict_table *t, uint32_t number)
{
    const struct dict_head *head = dict_head_at(t, number);
    uint32_t count = blocks_for((size_t)head->key_len + head->value_len);

    count_row(&t->rows[head->dict].entries, 1);
    count_free(t, -count);
    while (--count > 0) {
        number = dict_block_at(t, number)->more;
        set_state(t, number, DICT_MORE);
    }
}

/* Which blocks are an entry's, and which are free. */
static void
divide_blocks(struct dict_table *t)
{
    for (unsigned i = 0; i < DICT_COUNT_MAX; i++)
        atomic_store(&t->rows[i].entries, 0);
    atomic_store(&t->free_count, t->capacity);
    t->spare = 0;
    for (uint32_t i = 1; i <= t->used; i++) {
        if (!is_entry(t, i))
            set_state(t, i, DICT_FREE);
    }
    for (uint32_t i = 1; i <= t->used; i++) {
        if (is_entry(t, i))
            mark_entry(t, i);
    }
    for (uint32_t i = 1; i <= t->used; i++) {
        if (atomic_load(&dict_block_at(t, i)->state) == DICT_FREE)
            add_spare(t, i);
    }
}

/* Whoever had the lock was killed: makes everything again from the heads. It
 * takes as long as the blocks that were ever used, and may be killed as well.
 */
static void
rebuild(struct dict_table *t)
{
    memset(dict_chains(t), 0, ((size_t)t->mask + 1) * sizeof(uint32_t));
    for (uint32_t i = 1; i <= t->used; i++) {
        if (is_entry(t, i))
            chain_again(t, i);
    }
    divide_blocks(t);
    use_again(t);
    t->repairs++;
}

void
dict_lock(struct dict_table *t)
{
    if (pthread_mutex_lock(&t->mutex) != EOWNERDEAD)
        return;
    rebuild(t);
    (void)pthread_mutex_consistent(&t->mutex);
}

void
dict_unlock(struct dict_table *t)
{
    pthread_mutex_unlock(&t->mutex);
}
