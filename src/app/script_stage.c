/* SPDX-License-Identifier: MIT */
#include "app/script_stage.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "app/message.h"
#include "app/setup.h"
#include "base/buf.h"
#include "base/log.h"
#include "board/rows.h"
#include "config/faults.h"
#include "script/bundles.h"
#include "script/swap.h"

static void
show_generation(const struct script_stage *s, uint32_t generation)
{
    if (s->row != NULL)
        atomic_store(&s->row->script_generation, generation);
}

void
script_stage_init(struct script_stage *s, const struct config_stage *whole,
                  int master, struct scripts *scripts, struct worker_row *row,
                  uint32_t generation)
{
    *s = (struct script_stage){
        .whole = whole,
        .master = master,
        .scripts = scripts,
        .row = row,
    };
    show_generation(s, generation);
}

/* The master takes silence for a refusal, so that it cannot be told is no more
 * than worth a line. */
static void
tell(const struct script_stage *s, enum message_kind kind, uint32_t arg,
     struct str text)
{
    const struct message m = {.kind = kind, .arg = arg, .fd = -1, .text = text};

    if (message_send(s->master, &m) < 0)
        log_warn("cannot speak to the master: %s", strerror(errno));
}

static int
load(struct script_stage *s, int fd, struct buf *why)
{
    struct bundles set;
    struct faults faults;
    int result;

    if (bundles_read(&set, fd) < 0) {
        buf_printf(why, "it cannot be read: %s\n", strerror(errno));
        scripts_drop(s->scripts);
        return -1;
    }
    faults_init(&faults);
    result = scripts_stage(s->scripts, &set, &faults);
    setup_write_faults(&faults, why);
    faults_fini(&faults);
    bundles_fini(&set);
    return result;
}

/* Whatever comes of it, what an older attempt has left goes: its end may have
 * been lost. */
static void
stage(struct script_stage *s, const struct message *m)
{
    bool whole = s->whole->pending(s->whole->arg);
    struct buf why;
    bool loaded;

    if (s->scripts == NULL && !whole) {
        tell(s, MESSAGE_SCRIPT_YES, m->arg, STR(""));
        return;
    }
    buf_init_growing(&why, MESSAGE_TEXT_MAX);
    if (whole)
        loaded = s->whole->stage(s->whole->arg, m->fd, &why) == 0;
    else
        loaded = load(s, m->fd, &why) == 0;
    tell(s, loaded ? MESSAGE_SCRIPT_YES : MESSAGE_SCRIPT_NO, m->arg,
         loaded ? STR("") : buf_text(&why));
    buf_fini(&why);
}

static void
drop(const struct script_stage *s)
{
    s->whole->drop(s->whole->arg);
    if (s->scripts != NULL)
        scripts_drop(s->scripts);
}

static void
commit(struct script_stage *s, uint32_t generation)
{
    if (s->whole->pending(s->whole->arg))
        s->scripts = s->whole->commit(s->whole->arg, generation);
    else if (s->scripts != NULL)
        scripts_commit(s->scripts);
    show_generation(s, generation);
    tell(s, MESSAGE_SCRIPT_DONE, generation, STR(""));
}

void
script_stage_message(struct script_stage *s, const struct message *m)
{
    if (m->kind == MESSAGE_SCRIPT_STAGE)
        stage(s, m);
    else if (m->kind == MESSAGE_SCRIPT_COMMIT)
        commit(s, m->arg);
    else if (m->kind == MESSAGE_SCRIPT_DROP)
        drop(s);
    message_close(m);
}
