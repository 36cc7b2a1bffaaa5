/* SPDX-License-Identifier: MIT */
#include "board/render_pools.h"

#include <inttypes.h>

#include "board/board.h"
#include "board/json.h"
#include "board/pools.h"
#include "board/slots.h"

enum {
    NAME_WIDTH_MIN = 8, /* of a column of names */
};

struct pool_info {
    const char *name;
    const char *sentence;
};

static const struct pool_info infos[POOL_KIND_COUNT] = {
#define POOL_INFO(name, sentence) {#name, sentence},
    POOL_KINDS(POOL_INFO)
#undef POOL_INFO
};

/* --- connections ---------------------------------------------------------- */

/* Those of one worker to the servers of an upstream. */
struct connections {
    uint64_t in_use;
    uint64_t kept;
};

static bool
is_server_of(const struct board *b, unsigned server, unsigned upstream)
{
    return atomic_load_explicit(&b->servers[server].name.used,
                                memory_order_acquire) &&
           b->servers[server].upstream == (int32_t)upstream;
}

/* The slots are exact and what is kept is up to a second old. */
static struct connections
read_connections(const struct board *b, unsigned worker, unsigned upstream)
{
    struct connections c = {0};
    uint64_t held = 0;

    for (unsigned i = 0; i < b->header->limits.servers; i++) {
        if (is_server_of(b, i, upstream))
            held += slot_held(b, worker, board_server_slot((int)i));
    }
    c.kept = pools_kept(b, worker, (int)upstream);
    if (c.kept > held)
        c.kept = held;
    c.in_use = held - c.kept;
    return c;
}

/* There may be room for more workers than there are. */
static bool
is_running(const struct board *b, unsigned worker)
{
    return atomic_load(&b->workers[worker].pid) != 0;
}

static int
upstream_width(const struct board *b)
{
    int width = NAME_WIDTH_MIN;

    for (unsigned i = 0; i < b->header->limits.upstreams; i++) {
        struct str name = row_text(&b->upstreams[i].name);

        if (name.p != NULL && (int)name.len > width)
            width = (int)name.len;
    }
    return width;
}

/* Who has nothing of an upstream is left out, or there would be lines for the
 * product of the two. */
static void
connections_text(struct buf *out, const struct board *b)
{
    int width = upstream_width(b);

    buf_printf(out, "%-*s %8s %10s %10s\n", width, "upstream", "worker",
               "in use", "kept idle");
    for (unsigned i = 0; i < b->header->limits.upstreams; i++) {
        struct str name = row_text(&b->upstreams[i].name);
        struct connections all = {0};

        if (name.p == NULL)
            continue;
        for (unsigned w = 0; w < b->header->limits.workers; w++) {
            struct connections c = read_connections(b, w, i);

            all.in_use += c.in_use;
            all.kept += c.kept;
            if (c.in_use + c.kept > 0)
                buf_printf(out, "%-*.*s %8u %10" PRIu64 " %10" PRIu64 "\n",
                           width, STR_ARG(name), w, c.in_use, c.kept);
        }
        buf_printf(out, "%-*.*s %8s %10" PRIu64 " %10" PRIu64 "\n", width,
                   STR_ARG(name), "all", all.in_use, all.kept);
    }
}

static void
connections_json(struct buf *out, const struct board *b)
{
    const char *comma = "";

    buf_str(out, STR("{\"upstreams\":["));
    for (unsigned i = 0; i < b->header->limits.upstreams; i++) {
        struct str name = row_text(&b->upstreams[i].name);

        if (name.p == NULL)
            continue;
        for (unsigned w = 0; w < b->header->limits.workers; w++) {
            struct connections c = read_connections(b, w, i);

            if (!is_running(b, w))
                continue;
            buf_printf(out, "%s{\"upstream\":", comma);
            json_string(out, name);
            buf_printf(out,
                       ",\"worker\":%u,\"in_use\":%" PRIu64 ",\"kept\":%" PRIu64
                       "}",
                       w, c.in_use, c.kept);
            comma = ",";
        }
    }
    buf_char(out, ']');
}

/* --- memory --------------------------------------------------------------- */

static uint64_t
allocated_bytes(const struct pool_row *row)
{
    uint64_t count =
        (uint64_t)atomic_load(&row->used) + atomic_load(&row->spare);

    return count * atomic_load(&row->size);
}

/* HAProxy's words: "Pool buffers (16400 bytes): 3 allocated ..., 1 used". */
static void
memory_text(struct buf *out, const struct board *b)
{
    uint64_t sum = 0;

    buf_printf(out, "\n%-18s %8s %8s %10s %10s %12s\n", "pool", "worker",
               "bytes", "used", "spare", "memory");
    for (unsigned kind = 0; kind < POOL_KIND_COUNT; kind++) {
        for (unsigned w = 0; w < b->header->limits.workers; w++) {
            const struct pool_row *row = pools_row(b, w, (enum pool_kind)kind);
            uint64_t bytes = allocated_bytes(row);

            if (!is_running(b, w))
                continue;
            sum += bytes;
            buf_printf(out,
                       "%-18s %8u %8" PRIu32 " %10" PRIu32 " %10" PRIu32
                       " %11" PRIu64 "k\n",
                       infos[kind].name, w, atomic_load(&row->size),
                       atomic_load(&row->used), atomic_load(&row->spare),
                       (bytes + 1023) / 1024);
        }
    }
    buf_printf(out, "%-18s %8s %8s %10s %10s %11" PRIu64 "k\n", "all", "", "",
               "", "", (sum + 1023) / 1024);
}

static void
memory_json(struct buf *out, const struct board *b)
{
    const char *comma = "";

    buf_str(out, STR(",\"pools\":["));
    for (unsigned kind = 0; kind < POOL_KIND_COUNT; kind++) {
        for (unsigned w = 0; w < b->header->limits.workers; w++) {
            const struct pool_row *row = pools_row(b, w, (enum pool_kind)kind);

            if (!is_running(b, w))
                continue;
            buf_printf(out,
                       "%s{\"pool\":\"%s\",\"what\":\"%s\",\"worker\":%u"
                       ",\"object_bytes\":%" PRIu32 ",\"used\":%" PRIu32
                       ",\"spare\":%" PRIu32 ",\"bytes\":%" PRIu64 "}",
                       comma, infos[kind].name, infos[kind].sentence, w,
                       atomic_load(&row->size), atomic_load(&row->used),
                       atomic_load(&row->spare), allocated_bytes(row));
            comma = ",";
        }
    }
    buf_str(out, STR("]}\n"));
}

void
render_pools(struct buf *out, const struct board *b, enum render_format format)
{
    switch (format) {
    case RENDER_TEXT:
        connections_text(out, b);
        memory_text(out, b);
        break;
    case RENDER_JSON:
        connections_json(out, b);
        memory_json(out, b);
        break;
    }
}
