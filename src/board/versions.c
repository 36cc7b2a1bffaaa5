/* SPDX-License-Identifier: MIT */
#include "board/versions.h"

#include <inttypes.h>

#include "base/clock.h"
#include "board/json.h"

enum {
    PATIENCE = 64, /* copies that are tried before a read is given up */
};

/* As board_set_addresses: the one that does not hold is filled, then the turn
 * goes on. */
void
versions_set(struct script_row *row, const struct script_version *version)
{
    uint32_t turn =
        atomic_load_explicit(&row->version_turn, memory_order_relaxed);

    /* The turn before this one is seen by whoever sees what is filled in: that
     * version no longer holds. */
    atomic_thread_fence(memory_order_release);
    row->versions[(turn + 1) % 2] = *version;
    atomic_store_explicit(&row->version_turn, turn + 1, memory_order_release);
}

void
versions_get(struct script_version *out, const struct script_row *row)
{
    bool whole = false;

    for (unsigned i = 0; !whole && i < PATIENCE; i++) {
        uint32_t turn =
            atomic_load_explicit(&row->version_turn, memory_order_acquire);

        *out = row->versions[turn % 2];
        atomic_thread_fence(memory_order_acquire);
        whole = atomic_load_explicit(&row->version_turn,
                                     memory_order_relaxed) == turn;
    }
    if (!whole)
        *out = (struct script_version){.generation = 0};
    out->hash[BOARD_HASH_LEN] = '\0';
    out->previous[BOARD_HASH_LEN] = '\0';
    out->confirmed[BOARD_HASH_LEN] = '\0';
}

void
versions_heading(struct buf *out)
{
    buf_printf(out, "  %-*s  %10s  %8s", BOARD_HASH_LEN, "version",
               "generation", "seconds");
}

void
versions_text(struct buf *out, const struct script_row *row)
{
    struct script_version version;

    versions_get(&version, row);
    buf_printf(out, "  %-*s  %10" PRIu32 "  %8" PRIu64, BOARD_HASH_LEN,
               version.hash, version.generation,
               clock_seconds_since(version.since_ms));
}

void
versions_state(struct buf *out, const struct script_row *row)
{
    struct script_version version;

    versions_get(&version, row);
    if (version.confirm_by_ms != 0)
        buf_printf(
            out, "; to be confirmed within %" PRIu64 "s, else back to %s",
            clock_seconds_until(version.confirm_by_ms), version.confirmed);
}

static void
add_hash(struct buf *out, const char *name, const char *hash)
{
    buf_printf(out, ",\"%s\":", name);
    if (hash[0] == '\0')
        buf_str(out, STR("null"));
    else
        json_string(out, str_from(hash));
}

void
versions_json(struct buf *out, const struct script_row *row)
{
    struct script_version version;

    versions_get(&version, row);
    add_hash(out, "version", version.hash);
    add_hash(out, "previous", version.previous);
    buf_printf(out,
               ",\"generation\":%" PRIu32 ",\"version_seconds\":%" PRIu64
               ",\"unconfirmed\":%s,\"confirm_seconds\":%" PRIu64,
               version.generation, clock_seconds_since(version.since_ms),
               version.confirm_by_ms != 0 ? "true" : "false",
               clock_seconds_until(version.confirm_by_ms));
}
