/* SPDX-License-Identifier: MIT */
#include "board/render_sessions.h"

#include <inttypes.h>
#include <limits.h>

#include "base/clock.h"
#include "board/board.h"
#include "board/json.h"
#include "board/seats.h"

/* One that is seated, and what else is shown of it. */
struct session_line {
    struct seat_facts facts;
    enum seat_state state;
    struct str server; /* UPSTREAM/SERVER */
    struct str section;
    unsigned worker;
};

static const char *
state_word(enum seat_state state)
{
    switch (state) {
    case SEAT_IDLE:
        break;
    case SEAT_BUSY:
        return "busy";
    case SEAT_IN_TRANSACTION:
        return "in transaction";
    }
    return "idle";
}

static bool
read_session(struct session_line *out, const struct board *b, unsigned worker,
             unsigned seat)
{
    *out = (struct session_line){.worker = worker};
    if (!seat_read(b, worker, (int)seat, &out->facts, &out->state))
        return false;
    out->server = row_text(&b->servers[out->facts.server].name);
    out->section = row_text(&b->sections[out->facts.section].name);
    return true;
}

static struct str
user_of(const struct seat_facts *facts)
{
    return str_make(facts->user, facts->user_len);
}

static struct str
schema_of(const struct seat_facts *facts)
{
    return str_make(facts->schema, facts->schema_len);
}

/* --- as text -------------------------------------------------------------- */

/* What a client has sent, for a terminal: nothing in it moves a cursor. */
static void
put_name(struct buf *out, struct str name, size_t width)
{
    size_t at = out->len;

    if (name.len == 0)
        buf_char(out, '-');
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = (uint8_t)name.p[i];

        if (c > ' ' && c < 0x7f)
            buf_char(out, (char)c);
        else
            buf_printf(out, "\\x%02x", c);
    }
    while (!out->failed && out->len - at < width)
        buf_char(out, ' ');
    buf_str(out, STR("  "));
}

static void
session_text(struct buf *out, const struct session_line *line)
{
    const struct seat_facts *facts = &line->facts;

    buf_printf(out, "%10" PRIu32 "  %-21s  ", facts->id, facts->client);
    put_name(out, user_of(facts), 16);
    put_name(out, schema_of(facts), 16);
    put_name(out, line->server, 20);
    buf_printf(out, "%10" PRIu32 "  %7" PRIu64 "s  %s\n", facts->thread_id,
               clock_seconds_since(facts->since_ms), state_word(line->state));
}

static void
session_json(struct buf *out, const struct session_line *line)
{
    const struct seat_facts *facts = &line->facts;

    buf_printf(out, "{\"id\":%" PRIu32 ",\"client\":", facts->id);
    json_string(out, str_from(facts->client));
    buf_str(out, STR(",\"user\":"));
    json_string(out, user_of(facts));
    buf_str(out, STR(",\"schema\":"));
    json_string(out, schema_of(facts));
    buf_str(out, STR(",\"section\":"));
    json_string(out, line->section);
    buf_str(out, STR(",\"server\":"));
    json_string(out, line->server);
    buf_printf(out,
               ",\"thread_id\":%" PRIu32 ",\"worker\":%u,\"seconds\":%" PRIu64
               ",\"state\":\"%s\"}",
               facts->thread_id, line->worker,
               clock_seconds_since(facts->since_ms), state_word(line->state));
}

/* --- the whole ------------------------------------------------------------ */

static void
begin(struct buf *out, bool json)
{
    if (json)
        buf_char(out, '[');
    else
        buf_printf(out, "%10s  %-21s  %-16s  %-16s  %-20s  %10s  %8s  state\n",
                   "id", "client", "user", "schema", "server", "thread", "for");
}

bool
render_sessions_part(struct buf *out, const struct board *b,
                     enum render_format format, struct render_place *at,
                     unsigned rows)
{
    bool json = format == RENDER_JSON;
    struct session_line line;

    if (!at->begun)
        begin(out, json);
    at->begun = true;
    while (at->worker < b->header->limits.workers) {
        if (at->row >= seat_count(b, at->worker)) {
            at->worker++;
            at->row = 0;
            continue;
        }
        if (rows-- == 0)
            return true;
        if (!read_session(&line, b, at->worker, at->row++))
            continue;
        if (json && at->any)
            buf_char(out, ',');
        (json ? session_json : session_text)(out, &line);
        at->any = true;
    }
    if (json)
        buf_str(out, STR("]\n"));
    return false;
}

void
render_sessions(struct buf *out, const struct board *b,
                enum render_format format)
{
    struct render_place at = {.row = 0};

    while (render_sessions_part(out, b, format, &at, UINT_MAX))
        continue;
}
