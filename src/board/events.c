/* SPDX-License-Identifier: MIT */
#include "board/events.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "board/rows.h"

/* Signal 0 is not sent; EPERM says that somebody has this number. */
static bool
is_gone(uint64_t owner)
{
    return kill((pid_t)(owner >> 32), 0) < 0 && errno == ESRCH;
}

/* A cell belongs to whoever writes it until it says otherwise, or is dead. An
 * event that is newer than NUMBER stays. */
static bool
take_cell(struct event_cell *cell, uint64_t number)
{
    uint64_t mine = (uint64_t)getpid() << 32 | (uint32_t)number;
    uint64_t owner = atomic_load(&cell->owner);

    if ((owner != 0 && !is_gone(owner)) ||
        !atomic_compare_exchange_strong(&cell->owner, &owner, mine))
        return false;
    if (atomic_load(&cell->number) < number)
        return true;
    atomic_store(&cell->owner, 0);
    return false;
}

/* One line of UTF-8: a cause may be what a server said. What follows the last
 * whole character that fits is cut. */
static void
tidy(char *words, size_t len)
{
    size_t i = 0;

    while (i < len && i < EVENT_WORDS_MAX) {
        unsigned char c = (unsigned char)words[i];
        size_t n = 1;

        if (c < ' ' || c == 0x7f)
            words[i] = ' ';
        else if (c >= 0x80)
            n = utf8_len((const uint8_t *)words + i, len - i);
        if (n == 0) {
            words[i] = '?';
            n = 1;
        }
        if (i + n > EVENT_WORDS_MAX)
            break;
        i += n;
    }
    words[i] = '\0';
}

void
event_note(struct board *b, enum event_kind kind, const char *fmt, ...)
{
    char words[EVENT_WORDS_MAX + 1 + UTF8_MAX];
    uint64_t number = atomic_fetch_add(&b->events->last, 1) + 1;
    struct event_cell *cell = &b->events->cells[number % EVENTS_KEPT];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(words, sizeof(words), fmt, args);
    va_end(args);
    if (n < 0 || !take_cell(cell, number))
        return;
    tidy(words, (size_t)n < sizeof(words) ? (size_t)n : sizeof(words) - 1);

    atomic_store(&cell->number, 0);
    atomic_thread_fence(memory_order_release);
    cell->wall_ms = clock_wall_ms();
    cell->kind = (uint32_t)kind;
    memcpy(cell->words, words, sizeof(cell->words));
    atomic_store_explicit(&cell->number, number, memory_order_release);
    atomic_store(&cell->owner, 0);
}

uint64_t
events_last(const struct board *b)
{
    return atomic_load(&b->events->last);
}

bool
event_read(struct event_line *out, const struct board *b, uint64_t number)
{
    const struct event_cell *cell = &b->events->cells[number % EVENTS_KEPT];

    if (number == 0 ||
        atomic_load_explicit(&cell->number, memory_order_acquire) != number)
        return false;
    out->number = number;
    out->wall_ms = cell->wall_ms;
    out->kind = (enum event_kind)cell->kind;
    memcpy(out->words, cell->words, sizeof(out->words));
    atomic_thread_fence(memory_order_acquire);
    out->words[EVENT_WORDS_MAX] = '\0';
    return atomic_load_explicit(&cell->number, memory_order_relaxed) ==
               number &&
           out->kind < EVENT_KINDS;
}

const char *
event_kind_word(enum event_kind kind)
{
    static const char *const words[EVENT_KINDS] = {
        [EVENT_DOWN] = "down",
        [EVENT_UP] = "up",
        [EVENT_ADMIN] = "admin",
        [EVENT_SCRIPT] = "script",
        [EVENT_QUARANTINE] = "quarantine",
        [EVENT_WORKER] = "worker",
        [EVENT_RELOAD] = "reload",
        [EVENT_UPGRADE] = "upgrade",
    };

    return kind < EVENT_KINDS ? words[kind] : "";
}
