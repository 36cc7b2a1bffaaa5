/* SPDX-License-Identifier: MIT */
#include "board/state.h"

#include <string.h>

#include "base/clock.h"
#include "board/changes.h"

static void
set_words(struct server_words *words, struct str text)
{
    uint32_t next = !atomic_load(&words->shown);
    size_t n = text.len < BOARD_WORDS_MAX ? text.len : BOARD_WORDS_MAX;

    if (n > 0)
        memcpy(words->text[next], text.p, n);
    words->text[next][n] = '\0';
    atomic_store(&words->shown, next);
}

static const char *
read_words(const struct server_words *words, char *text)
{
    const char *shown = words->text[atomic_load(&words->shown) & 1];
    size_t n = strnlen(shown, BOARD_WORDS_MAX);

    memcpy(text, shown, n);
    text[n] = '\0';
    return text;
}

void
board_set_check(struct board *b, int row, int32_t rise, int32_t fall)
{
    atomic_store(&b->servers[row].rise, rise);
    atomic_store(&b->servers[row].fall, fall);
}

void
board_note_check(struct board *b, int row, enum check_status status,
                 struct str words, uint32_t took_us)
{
    struct server_row *server = &b->servers[row];

    set_words(&server->check, words);
    atomic_store(&server->check_status, (uint8_t)status);
    atomic_store(&server->check_us, took_us);
    atomic_store(&server->checked_ms, clock_wall_ms());
    if (!check_status_is_pass(status) && atomic_load(&server->up))
        atomic_fetch_add(&server->check_fails, 1);
}

void
board_set_counts(struct board *b, int row, int32_t fails, int32_t passes)
{
    struct server_row *server = &b->servers[row];

    atomic_store(&server->passes, passes);
    if (atomic_exchange(&server->fails, fails) != fails)
        changes_note(b, row);
}

/* The wall clock may have been set back in between. */
static uint64_t
outage_ms(const struct server_row *server)
{
    uint64_t since_ms = atomic_load(&server->down_since_ms);
    uint64_t now_ms = clock_wall_ms();

    return since_ms > 0 && now_ms > since_ms ? now_ms - since_ms : 0;
}

static void
begin_outage(struct server_row *server)
{
    atomic_fetch_add(&server->downs, 1);
    atomic_store(&server->down_since_ms, clock_wall_ms());
}

static void
end_outage(struct server_row *server)
{
    atomic_fetch_add(&server->down_ms, outage_ms(server));
    atomic_store(&server->down_since_ms, 0);
}

uint64_t
board_down_ms(const struct board *b, int row)
{
    const struct server_row *server = &b->servers[row];

    return atomic_load(&server->down_ms) + outage_ms(server);
}

void
board_set_up(struct board *b, int row, bool up, struct str why)
{
    struct server_row *server = &b->servers[row];

    set_words(&server->reason, why);
    if (atomic_exchange(&server->up, up) == up)
        return;
    (up ? end_outage : begin_outage)(server);
    atomic_store(&server->since_ms, clock_wall_ms());
    changes_note_state(b, row);
}

void
board_set_admin(struct board *b, int row, enum server_admin admin)
{
    struct server_row *server = &b->servers[row];

    if (atomic_exchange(&server->admin, (uint8_t)admin) == (uint8_t)admin)
        return;
    atomic_store(&server->since_ms, clock_wall_ms());
    changes_note_state(b, row);
}

void
board_set_removed(struct board *b, int row, bool removed)
{
    atomic_store(&b->servers[row].removed, removed);
    if (!removed)
        board_set_admin(b, row, SERVER_READY);
}

void
board_set_weight(struct board *b, int row, int32_t weight)
{
    atomic_store(&b->servers[row].weight, weight);
    board_set_weight_now(b, row, weight);
}

void
board_set_weight_now(struct board *b, int row, int32_t weight)
{
    int32_t before = atomic_exchange(&b->servers[row].weight_now, weight);

    if ((before == 0) != (weight == 0))
        changes_note_state(b, row);
    else if (before != weight)
        changes_note(b, row);
}

const char *
board_check_words(const struct board *b, int row, char *text)
{
    return read_words(&b->servers[row].check, text);
}

const char *
board_reason(const struct board *b, int row, char *text)
{
    return read_words(&b->servers[row].reason, text);
}

bool
board_in_service(const struct board *b, int row)
{
    const struct server_row *server = &b->servers[row];

    return atomic_load(&server->up) &&
           atomic_load(&server->admin) == SERVER_READY &&
           atomic_load(&server->weight_now) > 0;
}
