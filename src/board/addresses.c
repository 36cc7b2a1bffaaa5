/* SPDX-License-Identifier: MIT */
#include "board/addresses.h"

#include <string.h>

#include "board/changes.h"

static bool
is_in(const struct address_set *set, const struct addr *addr)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (addr_equal(&set->addrs[i], addr))
            return true;
    }
    return false;
}

/* The resolver gives no address twice. */
static bool
is_same(const struct address_set *set, const struct addr *addrs, uint32_t count)
{
    if (set->count != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_in(set, &addrs[i]))
            return false;
    }
    return true;
}

bool
board_set_addresses(struct board *b, int row, const struct addr *addrs,
                    unsigned count)
{
    struct server_addresses *to = &b->servers[row].addresses;
    uint32_t version = atomic_load_explicit(&to->version, memory_order_relaxed);
    struct address_set *next = &to->sets[(version + 1) % 2];

    if (count > BOARD_ADDRS_MAX)
        count = BOARD_ADDRS_MAX;
    if (is_same(&to->sets[version % 2], addrs, count))
        return false;
    /* The version before this one is seen by whoever sees what is filled in:
     * that set no longer holds. */
    atomic_thread_fence(memory_order_release);
    next->count = count;
    if (count > 0)
        memcpy(next->addrs, addrs, count * sizeof(*addrs));
    atomic_store_explicit(&to->version, version + 1, memory_order_release);
    changes_note_state(b, row);
    return true;
}

int
board_read_addresses(struct addr *out, const struct board *b, int row)
{
    const struct server_addresses *from = &b->servers[row].addresses;

    for (unsigned i = 0; i < ADDRESSES_PATIENCE; i++) {
        uint32_t version = board_addresses_version(b, row);
        const struct address_set *set = &from->sets[version % 2];
        uint32_t count = set->count;

        if (count <= BOARD_ADDRS_MAX)
            memcpy(out, set->addrs, count * sizeof(*out));
        atomic_thread_fence(memory_order_acquire);
        if (count <= BOARD_ADDRS_MAX &&
            atomic_load_explicit(&from->version, memory_order_relaxed) ==
                version)
            return (int)count;
    }
    return -1;
}
