/* SPDX-License-Identifier: MIT */
#include "board/dict.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "board/dict_table.h"
#include "board/robust.h"

/* --- making and opening --------------------------------------------------- */

/* As many blocks as have room with one chain for each, or for each but less
 * than half of them: chains are a power of two. */
static void
divide_memory(struct dict_table *t, size_t size)
{
    size_t room = size - sizeof(*t);
    size_t most = room / (sizeof(struct dict_block) + sizeof(uint32_t));
    uint32_t chains = 1;

    if (most > UINT32_MAX / 2)
        most = UINT32_MAX / 2;
    while (chains <= most / 2)
        chains *= 2;
    t->mask = chains - 1;
    t->capacity = (uint32_t)most;
    atomic_store(&t->free_count, t->capacity);
}

int
dict_init(void *mem, size_t size)
{
    struct dict_table *t = mem;

    if (size < DICT_BYTES_MIN)
        return EINVAL;
    /* Without a secret, clients could make chains long. */
    if (getrandom(&t->key, sizeof(t->key), 0) != sizeof(t->key))
        return errno;
    divide_memory(t, size);
    return robust_init(&t->mutex);
}

static struct str
row_name(const struct dict_row *row)
{
    return str_make(row->name, row->name_len);
}

/* Rows are never given back, so the first that is not used is after all. */
static int
open_row(struct dict_table *t, struct str name)
{
    int i = 0;

    for (; i < DICT_COUNT_MAX && atomic_load(&t->rows[i].used) != 0; i++) {
        if (str_equal(row_name(&t->rows[i]), name))
            return i;
    }
    if (i == DICT_COUNT_MAX)
        return -1;
    memcpy(t->rows[i].name, name.p, name.len);
    t->rows[i].name_len = (uint32_t)name.len;
    atomic_store(&t->rows[i].used, 1);
    return i;
}

int
dict_open(struct dict_table *t, struct str name)
{
    int row;

    if (name.len == 0 || name.len > DICT_NAME_MAX)
        return -1;
    dict_lock(t);
    row = open_row(t, name);
    dict_unlock(t);
    return row;
}

/* --- entries -------------------------------------------------------------- */

/* The same key has another hash in each dictionary. */
static uint32_t
hash_of(const struct dict_table *t, const struct dict_place *place)
{
    uint64_t hash = siphash(&t->key, place->key.p, place->key.len);

    return (uint32_t)(hash ^ hash >> 32) +
           (uint32_t)place->dict * UINT32_C(0x9e3779b9);
}

static bool
is_key(struct str key)
{
    return key.len >= 1 && key.len <= DICT_KEY_MAX;
}

/* The entry of a key, or 0; one past its time goes. */
static uint32_t
find_living(struct dict_table *t, const struct dict_place *place, uint32_t hash,
            uint64_t now_ms)
{
    uint32_t number = dict_find(t, place, hash);
    uint64_t expires_ms;

    if (number == 0)
        return 0;
    expires_ms = dict_head_at(t, number)->expires_ms;
    if (expires_ms == 0 || now_ms < expires_ms)
        return number;
    atomic_fetch_add_explicit(&t->rows[place->dict].expired, 1,
                              memory_order_relaxed);
    dict_drop(t, number);
    return 0;
}

static uint64_t
expiry(uint64_t ttl_ms, uint64_t now_ms)
{
    return ttl_ms == 0 ? 0 : now_ms + ttl_ms;
}

enum dict_result
dict_get(struct dict_table *t, const struct dict_place *place, uint64_t now_ms,
         struct dict_value *out, char *buffer)
{
    const struct dict_head *head;
    uint32_t number;
    uint32_t hash;

    if (!is_key(place->key))
        return DICT_BAD_KEY;
    hash = hash_of(t, place);
    dict_lock(t);
    number = find_living(t, place, hash, now_ms);
    if (number == 0) {
        dict_unlock(t);
        return DICT_ABSENT;
    }
    dict_touch(t, number);
    head = dict_head_at(t, number);
    *out = (struct dict_value){
        .kind = (enum dict_kind)head->kind,
        .number = head->number,
        .p = buffer,
        .len = head->value_len,
    };
    dict_copy_value(t, number, buffer);
    dict_unlock(t);
    return DICT_DONE;
}

static enum dict_result
check_new(const struct dict_place *place, const struct dict_value *value)
{
    if (!is_key(place->key))
        return DICT_BAD_KEY;
    if (value->kind == DICT_STRING && value->len > DICT_VALUE_MAX)
        return DICT_TOO_LONG;
    return DICT_DONE;
}

/* A value that takes no room of its own is changed where it is, if that is one
 * store: a death is before it or after it. */
static bool
set_in_place(struct dict_table *t, const struct dict_content *content)
{
    uint32_t number = dict_find(t, content->place, content->hash);
    struct dict_head *head;

    if (number == 0)
        return false;
    head = dict_head_at(t, number);
    if (content->value->kind == DICT_STRING ||
        head->kind != content->value->kind ||
        head->expires_ms != content->expires_ms)
        return false;
    head->number = content->value->number;
    dict_touch(t, number);
    return true;
}

/* The old entry of the key goes when the new one is there. */
static void
replace(struct dict_table *t, const struct dict_content *content)
{
    uint32_t number = dict_build(t, content);
    uint32_t old = dict_find(t, content->place, content->hash);

    dict_publish(t, number);
    if (old != 0)
        dict_drop(t, old);
}

enum dict_result
dict_set(struct dict_table *t, const struct dict_place *place,
         const struct dict_value *value, uint64_t ttl_ms, uint64_t now_ms)
{
    const struct dict_content content = {
        .expires_ms = expiry(ttl_ms, now_ms),
        .hash = hash_of(t, place),
        .place = place,
        .value = value,
    };
    enum dict_result result = check_new(place, value);

    if (result != DICT_DONE)
        return result;
    dict_lock(t);
    if (!set_in_place(t, &content))
        replace(t, &content);
    dict_unlock(t);
    return DICT_DONE;
}

enum dict_result
dict_add(struct dict_table *t, const struct dict_place *place,
         const struct dict_value *value, uint64_t ttl_ms, uint64_t now_ms)
{
    const struct dict_content content = {
        .expires_ms = expiry(ttl_ms, now_ms),
        .hash = hash_of(t, place),
        .place = place,
        .value = value,
    };
    enum dict_result result = check_new(place, value);

    if (result != DICT_DONE)
        return result;
    dict_lock(t);
    if (find_living(t, place, content.hash, now_ms) != 0)
        result = DICT_EXISTS;
    else
        dict_publish(t, dict_build(t, &content));
    dict_unlock(t);
    return result;
}

static enum dict_result
count_up(struct dict_table *t, uint32_t number, double by, double *out)
{
    struct dict_head *head = dict_head_at(t, number);

    if (head->kind != DICT_NUMBER)
        return DICT_NOT_NUMBER;
    *out = head->number + by;
    head->number = *out;
    dict_touch(t, number);
    return DICT_DONE;
}

enum dict_result
dict_incr(struct dict_table *t, const struct dict_place *place, double by,
          const double *init, uint64_t ttl_ms, uint64_t now_ms, double *out)
{
    const struct dict_value value = {
        .kind = DICT_NUMBER,
        .number = (init == NULL ? 0 : *init) + by,
    };
    struct dict_content content = {
        .expires_ms = expiry(ttl_ms, now_ms),
        .place = place,
        .value = &value,
    };
    enum dict_result result = DICT_DONE;
    uint32_t number;

    if (!is_key(place->key))
        return DICT_BAD_KEY;
    content.hash = hash_of(t, place);
    dict_lock(t);
    number = find_living(t, place, content.hash, now_ms);
    if (number != 0) {
        result = count_up(t, number, by, out);
    } else if (init == NULL) {
        result = DICT_ABSENT;
    } else {
        dict_publish(t, dict_build(t, &content));
        *out = value.number;
    }
    dict_unlock(t);
    return result;
}

enum dict_result
dict_delete(struct dict_table *t, const struct dict_place *place,
            uint64_t now_ms)
{
    uint32_t number;
    uint32_t hash;

    if (!is_key(place->key))
        return DICT_BAD_KEY;
    hash = hash_of(t, place);
    dict_lock(t);
    number = find_living(t, place, hash, now_ms);
    if (number != 0)
        dict_drop(t, number);
    dict_unlock(t);
    return number == 0 ? DICT_ABSENT : DICT_DONE;
}

/* --- for the outputs ------------------------------------------------------ */

bool
dict_read_totals(const struct dict_table *t, int dict, struct dict_totals *out)
{
    const struct dict_row *row = &t->rows[dict];

    if (atomic_load(&row->used) == 0)
        return false;
    *out = (struct dict_totals){
        .name = row_name(row),
        .entries = atomic_load(&row->entries),
        .evicted = atomic_load(&row->evicted),
        .expired = atomic_load(&row->expired),
    };
    return true;
}

void
dict_read_memory(const struct dict_table *t, uint64_t *used, uint64_t *size)
{
    *size = (uint64_t)t->capacity * sizeof(struct dict_block);
    *used = *size -
            (uint64_t)atomic_load(&t->free_count) * sizeof(struct dict_block);
}
