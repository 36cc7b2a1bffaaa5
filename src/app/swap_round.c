/* SPDX-License-Identifier: MIT */
#include "app/swap_round.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/stuck.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "board/board.h"

enum {
    TICK_MS = 32,
    SILENCE_MS = 2000, /* without a sign of life: it does not answer */
    SERVE_MS = 5000,   /* until one that is being replaced serves again */
    STAGE_MS = 20000,  /* of loading, however busy a child seems */
    WHY_MAX = 256,     /* bytes of a reason of our own */
};

enum part_state {
    PART_NONE,   /* nothing was asked of it */
    PART_ASKED,  /* it has not answered */
    PART_DONE,   /* it has loaded, or exchanged */
    PART_KILLED, /* it had not; its end is heard of soon */
};

struct swap_part {
    enum part_state state;
    uint64_t sign_ms; /* when it was asked, or has shown that it works */
    uint64_t cpu_ms;  /* that its process had used then */
};

static unsigned
part_count(const struct swap_round *r)
{
    return 1 + r->worker_count;
}

static struct child *
child_of(const struct swap_round *r, unsigned part)
{
    return part == 0 ? r->control : &r->workers[part - 1];
}

static struct swap_part *
part_of(const struct swap_round *r, const struct child *child)
{
    return &r->parts[child == r->control ? 0 : 1 + child->place];
}

static void
set_state(struct swap_round *r, enum swap_round_state state)
{
    r->state = state;
    r->since_ms = clock_ms();
    if (state == ROUND_IDLE)
        timer_stop(&r->tick);
    else
        loop_start_timer(r->loop, &r->tick, TICK_MS);
}

static bool
all_done(const struct swap_round *r)
{
    for (unsigned i = 0; i < part_count(r); i++) {
        if (r->parts[i].state != PART_DONE)
            return false;
    }
    return true;
}

/* --- refusing ------------------------------------------------------------- */

static void
drop(struct swap_round *r)
{
    for (unsigned i = 0; i < part_count(r); i++) {
        if (r->parts[i].state != PART_NONE)
            child_tell(child_of(r, i), MESSAGE_SCRIPT_DROP);
        r->parts[i].state = PART_NONE;
    }
}

static void
refuse(struct swap_round *r, struct str why)
{
    drop(r);
    set_state(r, ROUND_IDLE);
    r->on_end(r, false, why);
}

static void __attribute__((format(printf, 2, 3)))
refuse_for(struct swap_round *r, const char *format, ...)
{
    char text[WHY_MAX];
    struct buf why;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text) - 1, format, args);
    va_end(args);
    buf_init(&why, text, sizeof(text));
    why.len = strlen(text);
    buf_char(&why, '\n');
    refuse(r, buf_text(&why));
}

/* --- committing ----------------------------------------------------------- */

static void
finish(struct swap_round *r)
{
    if (!all_done(r))
        return;
    for (unsigned i = 0; i < part_count(r); i++)
        r->parts[i].state = PART_NONE;
    set_state(r, ROUND_IDLE);
    r->on_end(r, true, STR(""));
}

/* It would serve what nobody else does. */
static void
kill_child(const struct child *c, const char *why)
{
    if (!child_is_running(c))
        return;
    log_error("%s (pid %ld) %s the new scripts; killing it", c->name,
              (long)c->pid, why);
    kill(c->pid, SIGKILL);
}

static void
commit_in(struct swap_round *r, unsigned part)
{
    const struct message m = {
        .kind = MESSAGE_SCRIPT_COMMIT,
        .arg = r->generation,
        .fd = -1,
    };
    struct child *c = child_of(r, part);

    r->parts[part] = (struct swap_part){
        .state = child_is_running(c) ? PART_ASKED : PART_DONE,
        .sign_ms = clock_ms(),
    };
    if (child_is_running(c) && child_send(c, &m) < 0)
        kill_child(c, "cannot be told of");
}

static void
commit(struct swap_round *r)
{
    r->generation = r->on_agreed(r);
    set_state(r, ROUND_COMMITTING);
    for (unsigned i = 0; i < part_count(r); i++)
        commit_in(r, i);
    finish(r);
}

/* --- staging -------------------------------------------------------------- */

/* Its end is heard of soon. */
static bool
has_left(int error)
{
    return error == EPIPE || error == ENOTCONN || error == ECONNRESET;
}

static int
stage_in(struct swap_round *r, unsigned part)
{
    const struct message m = {
        .kind = MESSAGE_SCRIPT_STAGE,
        .arg = r->number,
        .fd = r->fd,
    };
    struct child *c = child_of(r, part);

    r->parts[part] = (struct swap_part){
        .state = PART_ASKED, /* perhaps of a part of it: DROP ends that, too */
        .sign_ms = clock_ms(),
    };
    if ((r->on_stage(r, c) < 0 || child_send(c, &m) < 0) && !has_left(errno)) {
        refuse_for(r, "%s cannot be asked: %s", c->name, strerror(errno));
        return -1;
    }
    return 0;
}

static void
stage(struct swap_round *r)
{
    r->number++;
    set_state(r, ROUND_STAGING);
    for (unsigned i = 0; i < part_count(r); i++) {
        if (stage_in(r, i) < 0)
            return;
    }
}

/* NULL: all serve. */
static const struct child *
find_absent(const struct swap_round *r)
{
    for (unsigned i = 0; i < part_count(r); i++) {
        const struct child *c = child_of(r, i);

        if (!child_is_running(c) || !c->ready)
            return c;
    }
    return NULL;
}

static void
look_who_serves(struct swap_round *r)
{
    const struct child *absent = find_absent(r);

    if (absent == NULL)
        stage(r);
    else if (clock_ms() - r->since_ms >= SERVE_MS)
        refuse_for(r, "%s does not serve", absent->name);
}

/* --- silence -------------------------------------------------------------- */

/* One that uses the CPU is at work, however little of it there is for it. A
 * worker also shows by its beat that it lives. */
static void
note_signs(struct swap_round *r)
{
    for (unsigned i = 0; i < part_count(r); i++) {
        struct swap_part *part = &r->parts[i];
        uint64_t cpu_ms = part->cpu_ms;
        uint64_t beat = 0;

        if (part->state != PART_ASKED)
            continue;
        if (stuck_read_cpu(child_of(r, i)->pid, &cpu_ms) &&
            cpu_ms != part->cpu_ms)
            part->sign_ms = clock_ms();
        part->cpu_ms = cpu_ms;
        if (i > 0)
            beat = atomic_load(
                &r->board->workers[child_of(r, i)->number].heartbeat_ms);
        if (beat > part->sign_ms)
            part->sign_ms = beat;
    }
}

static bool
is_silent(const struct swap_round *r, unsigned part)
{
    return r->parts[part].state == PART_ASKED &&
           clock_ms() >= r->parts[part].sign_ms + SILENCE_MS;
}

static void
look_who_is_silent(struct swap_round *r)
{
    for (unsigned i = 0; i < part_count(r); i++) {
        if (!is_silent(r, i))
            continue;
        refuse_for(r, "%s has not answered for %d ms", child_of(r, i)->name,
                   SILENCE_MS);
        return;
    }
    if (clock_ms() - r->since_ms >= STAGE_MS)
        refuse_for(r, "the workers took longer than %d s to load it",
                   STAGE_MS / 1000);
}

static void
end_the_silent(struct swap_round *r)
{
    bool late = clock_ms() - r->since_ms >= STAGE_MS;

    for (unsigned i = 0; i < part_count(r); i++) {
        if (!is_silent(r, i) && !(late && r->parts[i].state == PART_ASKED))
            continue;
        kill_child(child_of(r, i), "has not exchanged");
        r->parts[i].state = PART_KILLED;
    }
}

static void
on_tick(struct timer *timer)
{
    struct swap_round *r = container_of(timer, struct swap_round, tick);

    loop_start_timer(r->loop, timer, TICK_MS);
    note_signs(r);
    switch (r->state) {
    case ROUND_IDLE:
        timer_stop(timer);
        break;
    case ROUND_WAITING:
        look_who_serves(r);
        break;
    case ROUND_STAGING:
        look_who_is_silent(r);
        break;
    case ROUND_COMMITTING:
        end_the_silent(r);
        break;
    }
}

/* --- the whole ------------------------------------------------------------ */

void
swap_round_init(struct swap_round *r)
{
    r->state = ROUND_IDLE;
    r->fd = -1;
    r->parts = xcalloc(part_count(r), sizeof(*r->parts));
    timer_init(&r->tick, on_tick);
}

void
swap_round_fini(struct swap_round *r)
{
    timer_stop(&r->tick);
    free(r->parts);
    r->parts = NULL;
}

void
swap_round_start(struct swap_round *r, int fd)
{
    r->fd = fd;
    r->again = false;
    set_state(r, ROUND_WAITING);
    look_who_serves(r);
}

/* "worker[0]: FILE:LINE: what is wrong" would be one name too many: all of them
 * say the same. */
static void
refuse_as(struct swap_round *r, const struct child *child, struct str why)
{
    if (why.len > 0)
        refuse(r, why);
    else
        refuse_for(r, "%s cannot load it, and says nothing of why",
                   child->name);
}

void
swap_round_message(struct swap_round *r, const struct child *child,
                   const struct message *m)
{
    struct swap_part *part = part_of(r, child);

    if (part->state != PART_ASKED)
        return;
    if (r->state == ROUND_STAGING && m->arg == r->number) {
        if (m->kind == MESSAGE_SCRIPT_NO) {
            refuse_as(r, child, m->text);
            return;
        }
        part->state = m->kind == MESSAGE_SCRIPT_YES ? PART_DONE : PART_ASKED;
        if (all_done(r))
            commit(r);
    } else if (r->state == ROUND_COMMITTING && m->arg == r->generation &&
               m->kind == MESSAGE_SCRIPT_DONE) {
        part->state = PART_DONE;
        finish(r);
    }
}

void
swap_round_child_ended(struct swap_round *r, const struct child *child)
{
    struct swap_part *part = part_of(r, child);

    if (r->state == ROUND_COMMITTING) {
        part->state = PART_DONE;
        finish(r);
        return;
    }
    if (r->state != ROUND_STAGING)
        return;
    part->state = PART_NONE;
    if (r->again) {
        refuse_for(r, "%s ended while it loaded the script", child->name);
        return;
    }
    r->again = true;
    drop(r);
    set_state(r, ROUND_WAITING);
}

void
swap_round_cancel(struct swap_round *r, const char *why)
{
    if (r->state == ROUND_WAITING || r->state == ROUND_STAGING)
        refuse_for(r, "%s", why);
}
