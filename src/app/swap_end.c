/* SPDX-License-Identifier: MIT */
#include "app/swap_end.h"

#include <unistd.h>

#include "app/child.h"
#include "app/resources.h"
#include "app/swap_event.h"
#include "app/swap_job.h"
#include "app/swap_state.h"
#include "base/log.h"
#include "board/events.h"
#include "script/bundle.h"

enum {
    AGAIN_MS = 5000,       /* until what has to come back is tried again */
    CHANGES_MAX = 8 << 20, /* bytes of what a reload has changed */
};

struct versions *
swap_versions(const struct swap *s, const struct swap_job *job)
{
    return job->name == NULL ? NULL
                             : history_find(&s->history, str_from(job->name));
}

/* Whose process has ended meanwhile has taken its clients with it. */
static bool
is_awaited(const struct swap *s, const struct swap_job *job)
{
    return job->ticket != 0 && job->control == s->control->pid;
}

/* Ends TEXT. */
static void
send_answer(struct swap *s, const struct swap_job *job, struct buf *text)
{
    child_answer(s->control, job->ticket, buf_text(text));
    buf_fini(text);
}

void
swap_answer(struct swap *s, const struct swap_job *job,
            void (*write)(struct buf *, const struct swap_job *,
                          const struct versions *))
{
    struct buf text;

    if (!is_awaited(s, job))
        return;
    buf_init_growing(&text, MESSAGE_TEXT_MAX);
    write(&text, job, swap_versions(s, job));
    send_answer(s, job, &text);
}

void
swap_answer_refused(struct swap *s, const struct swap_job *job, struct str why)
{
    struct buf text;

    if (!is_awaited(s, job))
        return;
    buf_init_growing(&text, MESSAGE_TEXT_MAX);
    swap_job_answer_refused(&text, swap_versions(s, job), why);
    send_answer(s, job, &text);
}

void
swap_end_job(struct swap *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    bundles_fini(&s->set);
    swap_job_free(s->job);
    s->job = NULL;
    loop_defer(s->loop, &s->next);
}

/* One that did not come back in time is tried again. */
void
swap_refuse(struct swap *s, struct str why)
{
    struct versions *v = swap_versions(s, s->job);

    reload_end(&s->reload, NULL);
    if (swap_job_log_refused(s->job, v, why))
        swap_event_refused(s->resources->board, s->job, v, why);
    swap_answer_refused(s, s->job, why);
    if (s->job->kind == SWAP_OVERDUE && v != NULL && !s->closed)
        loop_start_timer(s->loop, &v->overdue, AGAIN_MS);
    swap_end_job(s);
}

void
swap_end_unchanged(struct swap *s)
{
    struct versions *v = swap_versions(s, s->job);

    reload_end(&s->reload, NULL);
    if (s->job->kind == SWAP_ALL) {
        log_info("the configuration is the same, and no script has changed");
        swap_answer(s, s->job, swap_job_answer_same);
    }
    if (v != NULL) {
        v->refused = 0; /* what was wrong with the file is mended */
        swap_answer(s, s->job, swap_job_answer_same);
    }
    swap_end_job(s);
}

/* --- the agreement -------------------------------------------------------- */

static void
commit_one(struct swap *s, struct bundle *bundle)
{
    struct resources *r = s->resources;
    struct versions *v = history_find(&s->history, str_from(bundle->name));

    if (v == NULL || bundles_put(&r->bundles, bundle) < 0)
        return; /* neither can be: it has replaced one of the same name */
    v->refused = 0;
    if (s->job->kind == SWAP_ROLLBACK || s->job->kind == SWAP_OVERDUE)
        history_return(v, bundle, r->script_generation);
    else if (s->job->kind != SWAP_RELOAD)
        history_follow(v, bundle, r->script_generation);
    else
        history_push(v, bundle, r->script_generation, s->job->confirm_ms);
}

/* All of its scripts, and no others. */
static void
commit_config(struct swap *s)
{
    struct resources *r = s->resources;

    bundles_fini(&r->bundles);
    r->bundles = s->set;
    bundles_init(&s->set);
    history_rebase(&s->history, &r->bundles, r->script_generation);
    reload_commit(&s->reload);
}

/* First of all for those who are forked from now on. */
uint32_t
swap_agreed(struct swap_round *round)
{
    struct swap *s = container_of(round, struct swap, round);

    s->resources->script_generation++;
    if (reload_is_on(&s->reload))
        commit_config(s);
    for (size_t i = 0; i < s->set.count; i++)
        commit_one(s, s->set.items[i]);
    return s->resources->script_generation;
}

/* A line each of what has changed, for the log and for who asked. */
static void
end_reload(struct swap *s)
{
    struct buf changes;
    struct buf text;

    buf_init_growing(&changes, CHANGES_MAX);
    buf_init_growing(&text, CHANGES_MAX);
    reload_end(&s->reload, &changes);
    swap_job_log_reloaded(s->job, buf_text(&changes),
                          s->resources->script_generation);
    event_note(s->resources->board, EVENT_RELOAD,
               "the configuration was exchanged, generation %u, by %s",
               (unsigned)s->resources->script_generation, s->job->who);
    if (is_awaited(s, s->job)) {
        swap_job_answer_reloaded(&text, s->job, buf_text(&changes),
                                 s->resources->script_generation);
        send_answer(s, s->job, &text);
    } else {
        buf_fini(&text);
    }
    buf_fini(&changes);
    swap_end_job(s);
    if (s->on_config != NULL)
        s->on_config(s->on_config_arg);
}

/* Where scripts alone are exchanged nothing may be left of a configuration that
 * was refused: a child that could not be told of its end would take it, too. */
int
swap_stage(struct swap_round *round, const struct child *child)
{
    const struct swap *s = container_of(round, struct swap, round);
    const struct message nothing = {.kind = MESSAGE_SCRIPT_DROP, .fd = -1};

    if (!reload_is_on(&s->reload))
        return child_send(child, &nothing);
    return reload_send(&s->reload, child, child == s->control);
}

/* Of a reload where only scripts have changed: of all, not of one. */
static void
answer_scripts(struct swap *s)
{
    struct buf changes;
    struct buf text;

    if (!is_awaited(s, s->job))
        return;
    buf_init_growing(&changes, CHANGES_MAX);
    buf_init_growing(&text, CHANGES_MAX);
    for (size_t i = 0; i < s->set.count; i++)
        buf_printf(&changes, "script %s: version %s\n", s->set.items[i]->name,
                   bundle_hash(s->set.items[i]));
    swap_job_answer_reloaded(&text, s->job, buf_text(&changes),
                             s->resources->script_generation);
    send_answer(s, s->job, &text);
    buf_fini(&changes);
}

static void
tell_changed(const struct swap *s, struct str name)
{
    const struct versions *v = history_find(&s->history, name);

    swap_job_log_changed(s->job, v);
    swap_event_changed(s->resources->board, s->job, v);
}

void
swap_round_ended(struct swap_round *round, bool exchanged, struct str why)
{
    struct swap *s = container_of(round, struct swap, round);

    if (!exchanged) {
        swap_refuse(s, why);
        return;
    }
    if (reload_is_on(&s->reload)) {
        end_reload(s);
        return;
    }
    for (size_t i = 0; i < s->set.count; i++)
        tell_changed(s, str_from(s->set.items[i]->name));
    if (s->job->kind == SWAP_ALL)
        answer_scripts(s);
    else
        swap_answer(s, s->job, swap_job_answer_changed);
    swap_end_job(s);
}
