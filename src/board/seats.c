/* SPDX-License-Identifier: MIT */
#include "board/seats.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/hash.h"

enum {
    UNKNOWN_KEY = 1, /* of who sits there but cannot be told from others */
    TRIES_MAX = 64,  /* to read a row that is being written */
};

_Static_assert(sizeof(struct seat_facts) <= SEAT_WORDS * sizeof(uint64_t),
               "a row has room for all facts");

static size_t
place_of(const struct board *b, unsigned worker, int seat)
{
    return (size_t)worker * b->header->limits.seats + (size_t)seat;
}

static struct seat_row *
row_of(const struct board *b, unsigned worker, int seat)
{
    return &b->seats[place_of(b, worker, seat)];
}

static _Atomic uint64_t *
key_of(const struct board *b, unsigned worker, int seat)
{
    return &b->seat_keys[place_of(b, worker, seat)];
}

static uint8_t
set_name(char to[SEAT_NAME_MAX], struct str name)
{
    size_t len = name.len < SEAT_NAME_MAX ? name.len : SEAT_NAME_MAX;

    memset(to, 0, SEAT_NAME_MAX);
    if (len > 0)
        memcpy(to, name.p, len);
    return (uint8_t)len;
}

void
seat_set_names(struct seat_facts *facts, struct str user, struct str schema)
{
    facts->user_len = set_name(facts->user, user);
    facts->schema_len = set_name(facts->schema, schema);
}

/* --- the writer ----------------------------------------------------------- */

static void
write_row(struct seat_row *row, const struct seat_facts *facts)
{
    uint32_t version =
        atomic_load_explicit(&row->version, memory_order_relaxed);
    uint64_t words[SEAT_WORDS] = {0};

    memcpy(words, facts, sizeof(*facts));
    atomic_store_explicit(&row->version, version | 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (unsigned i = 0; i < SEAT_WORDS; i++)
        atomic_store_explicit(&row->words[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&row->version, (version | 1) + 1,
                          memory_order_release);
}

static int
find_free(const struct board *b, unsigned worker)
{
    const unsigned count = b->header->limits.seats;
    struct seat_head *head = &b->seat_heads[worker];

    for (unsigned i = 0; i < count; i++) {
        unsigned at = (head->hint + i) % count;

        if (atomic_load_explicit(key_of(b, worker, (int)at),
                                 memory_order_relaxed) != 0)
            continue;
        head->hint = at + 1;
        return (int)at;
    }
    return SEAT_NONE;
}

int
seat_take(struct board *b, unsigned worker, const struct seat_facts *facts,
          uint64_t key)
{
    struct seat_head *head = &b->seat_heads[worker];
    int seat = find_free(b, worker);

    if (seat == SEAT_NONE)
        return SEAT_NONE;
    seat_set_state(b, worker, seat, SEAT_IDLE);
    write_row(row_of(b, worker, seat), facts);
    atomic_store_explicit(key_of(b, worker, seat), key == 0 ? UNKNOWN_KEY : key,
                          memory_order_release);
    if ((uint32_t)seat >=
        atomic_load_explicit(&head->top, memory_order_relaxed))
        atomic_store_explicit(&head->top, (uint32_t)seat + 1,
                              memory_order_release);
    return seat;
}

/* The next one goes where this one was: the seats in use stay together. */
void
seat_give(struct board *b, unsigned worker, int seat)
{
    struct seat_head *head = &b->seat_heads[worker];

    atomic_store_explicit(key_of(b, worker, seat), 0, memory_order_release);
    if ((unsigned)seat < head->hint)
        head->hint = (unsigned)seat;
}

void
seat_change(struct board *b, unsigned worker, int seat,
            const struct seat_facts *facts)
{
    write_row(row_of(b, worker, seat), facts);
}

void
seat_set_state(struct board *b, unsigned worker, int seat, enum seat_state s)
{
    atomic_store_explicit(&row_of(b, worker, seat)->state, (uint8_t)s,
                          memory_order_relaxed);
}

void
seats_clear(struct board *b, unsigned worker)
{
    unsigned count = b->header->limits.seats;

    /* It may have died between taking one and counting it. */
    for (unsigned i = 0; i < count; i++) {
        if (atomic_load_explicit(key_of(b, worker, (int)i),
                                 memory_order_relaxed) != 0)
            atomic_store(key_of(b, worker, (int)i), 0);
    }
    b->seat_heads[worker].hint = 0;
    atomic_store(&b->seat_heads[worker].top, 0);
}

/* --- readers -------------------------------------------------------------- */

unsigned
seat_count(const struct board *b, unsigned worker)
{
    uint32_t top =
        atomic_load_explicit(&b->seat_heads[worker].top, memory_order_acquire);

    return top < b->header->limits.seats ? top : b->header->limits.seats;
}

static bool
read_row(const struct seat_row *row, struct seat_facts *out)
{
    uint32_t version =
        atomic_load_explicit(&row->version, memory_order_acquire);
    uint64_t words[SEAT_WORDS];

    for (unsigned i = 0; i < SEAT_WORDS; i++)
        words[i] = atomic_load_explicit(&row->words[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    if ((version & 1) != 0 ||
        atomic_load_explicit(&row->version, memory_order_relaxed) != version)
        return false;
    memcpy(out, words, sizeof(*out));
    return true;
}

bool
seat_read(const struct board *b, unsigned worker, int seat,
          struct seat_facts *facts, enum seat_state *state)
{
    const struct seat_row *row = row_of(b, worker, seat);

    for (unsigned i = 0; i < TRIES_MAX; i++) {
        if (atomic_load_explicit(key_of(b, worker, seat),
                                 memory_order_acquire) == 0)
            return false;
        if (!read_row(row, facts))
            continue;
        *state = (enum seat_state)atomic_load_explicit(&row->state,
                                                       memory_order_relaxed);
        return true;
    }
    return false;
}

/* The id alone, as it is this moment: most are not the one. */
static bool
may_have_id(const struct seat_row *row, uint32_t id)
{
    enum {
        WORD = offsetof(struct seat_facts, id) / sizeof(uint64_t),
        AT = offsetof(struct seat_facts, id) % sizeof(uint64_t),
    };
    uint64_t word =
        atomic_load_explicit(&row->words[WORD], memory_order_relaxed);
    uint32_t found;

    memcpy(&found, (const char *)&word + AT, sizeof(found));
    return found == id;
}

bool
seat_find_id(const struct board *b, uint32_t id, struct seat_facts *out)
{
    enum seat_state state;

    for (unsigned worker = 0; worker < board_worker_top(b); worker++) {
        unsigned count = seat_count(b, worker);

        for (unsigned i = 0; i < count; i++) {
            if (may_have_id(row_of(b, worker, (int)i), id) &&
                seat_read(b, worker, (int)i, out, &state) && out->id == id)
                return true;
        }
    }
    return false;
}

bool
seat_find_busy(const struct board *b, uint64_t key, struct seat_facts *out)
{
    enum seat_state state = SEAT_IDLE;
    bool found = false;

    for (unsigned worker = 0; worker < board_worker_top(b); worker++) {
        unsigned count = seat_count(b, worker);

        for (unsigned i = 0; i < count; i++) {
            if (atomic_load_explicit(key_of(b, worker, (int)i),
                                     memory_order_relaxed) != key)
                continue;
            if (found || !seat_read(b, worker, (int)i, out, &state))
                return false;
            found = true;
        }
    }
    return found && state == SEAT_BUSY;
}

static uint64_t
mix(uint64_t key, struct str text, uint32_t secret)
{
    uint32_t low = hash_murmur(text.p, text.len, (uint32_t)key ^ secret);
    uint32_t high = hash_murmur(text.p, text.len, (uint32_t)(key >> 32) + low);

    return (uint64_t)high << 32 | low;
}

uint64_t
seat_key(const struct board *b, struct str client, struct str user,
         struct str process)
{
    uint64_t secret = b->header->secret;
    uint64_t key = mix(secret, client, (uint32_t)secret);

    key = mix(key, user, (uint32_t)(secret >> 32));
    key = mix(key, process, (uint32_t)secret);
    return key <= UNKNOWN_KEY ? UNKNOWN_KEY + 1 : key;
}
