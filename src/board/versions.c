/* SPDX-License-Identifier: MIT */
#include "board/versions.h"

#include <inttypes.h>

#include "base/clock.h"
#include "board/json.h"

/* Readers look at one of the two while the other is filled. One that was
 * interrupted for so long that both have changed would see a mixture, which the
 * next look puts right: swaps are rarer by far. */
void
versions_set(struct script_row *row, const struct script_version *version)
{
    uint32_t next = 1 - atomic_load(&row->version_shown);

    row->versions[next] = *version;
    atomic_store(&row->version_shown, next);
}

void
versions_get(struct script_version *out, const struct script_row *row)
{
    *out = row->versions[atomic_load(&row->version_shown) & 1];
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
