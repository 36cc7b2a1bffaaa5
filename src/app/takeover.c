/* SPDX-License-Identifier: MIT */
#include "app/takeover.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/message.h"
#include "app/resources.h"
#include "base/log.h"
#include "board/board.h"
#include "board/events.h"

/* On the board, whose version is the older program's yet. */
static void
note(const struct takeover *t)
{
    const struct shared *shared = &t->resources->shared;

    if (shared->adopted)
        event_note(shared->board, EVENT_UPGRADE,
                   "upgraded from version %s to %s, pid %ld serves",
                   shared->board->header->version, MOONGATE_VERSION,
                   (long)getpid());
    else
        event_note(shared->board, EVENT_UPGRADE,
                   "upgraded to version %s, pid %ld serves; counts begin anew: "
                   "%s",
                   MOONGATE_VERSION, (long)getpid(), shared->why_new);
}

static void
begin(struct takeover *t)
{
    takeover_stop(t);
    note(t);
    resources_take_over(t->resources);
    t->on_begin(t->owner);
}

/* One that gives up kills this process; one that was killed has nobody who
 * would go on. */
static void
on_abandoned(struct takeover *t)
{
    log_warn("the older master is gone before it has handed over");
    watch_stop(&t->watch);
    t->abandoned = true;
    if (t->told)
        begin(t);
}

static void
on_link(struct watch *watch)
{
    struct takeover *t = container_of(watch, struct takeover, watch);
    struct message m;

    switch (message_receive(&m, watch_fd(watch))) {
    case MESSAGE_NONE:
        return;
    case MESSAGE_CLOSED:
        on_abandoned(t);
        return;
    case MESSAGE_GOT:
        break;
    }
    message_close(&m);
    if (m.kind == MESSAGE_UPGRADE_BEGIN)
        begin(t);
}

int
takeover_start(struct takeover *t, struct loop *loop,
               struct resources *resources, takeover_fn on_begin, void *owner)
{
    *t = (struct takeover){
        .resources = resources,
        .on_begin = on_begin,
        .owner = owner,
    };
    if (!inherit_is_open(&resources->inherit))
        return 0;
    if (watch_start(&t->watch, loop, resources->inherit.link, on_link) < 0)
        return -1;
    t->waits = true;
    return 0;
}

void
takeover_stop(struct takeover *t)
{
    if (t->waits && !t->abandoned)
        watch_stop(&t->watch);
    t->waits = false;
}

void
takeover_ready(struct takeover *t)
{
    const struct shared *shared = &t->resources->shared;
    char text[256];
    struct message m = {.kind = MESSAGE_UPGRADE_READY, .fd = -1};

    if (t->told)
        return;
    t->told = true;
    if (t->abandoned) {
        begin(t);
        return;
    }
    (void)snprintf(text, sizeof(text), "%s\n%s", MOONGATE_VERSION,
                   shared->adopted ? "" : shared->why_new);
    m.text = str_from(text);
    if (message_send(t->resources->inherit.link, &m) < 0)
        log_error("cannot tell the older master that all is ready");
}
