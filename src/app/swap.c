/* SPDX-License-Identifier: MIT */
#include "app/swap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/resources.h"
#include "app/swap_ask.h"
#include "app/swap_end.h"
#include "app/swap_job.h"
#include "base/log.h"
#include "base/mem.h"
#include "script/bundle.h"

enum {
    WORDS_MAX = 12 * 1024, /* bytes of a trial's words that are told */
    ENDING_MAX = 4096,     /* bytes of how a trial has ended */
};

/* --- what takes over ------------------------------------------------------ */

/* Only known scripts, and what was asked for. */
static bool
is_complete(const struct swap *s)
{
    for (size_t i = 0; i < s->set.count; i++) {
        const char *name = s->set.items[i]->name;

        if (history_find(&s->history, str_from(name)) == NULL)
            return false;
    }
    return s->set.count == 1 &&
           swap_versions(s, s->job) ==
               history_find(&s->history, str_from(s->set.items[0]->name));
}

/* One that is quarantined gets another chance with the same bytes when somebody
 * asks for it. */
static bool
is_wanted(const struct swap *s)
{
    const struct versions *v = swap_versions(s, s->job);

    return !bundle_equals(history_current(v), s->set.items[0]) ||
           (s->job->kind == SWAP_RELOAD && history_is_quarantined(v));
}

/* Of SET only what is another version than the one in use; and that is what is
 * handed on. */
static int
keep_changed(struct swap *s)
{
    struct bundles changed;

    bundles_init(&changed);
    for (size_t i = 0; i < s->set.count; i++) {
        struct bundle *bundle = s->set.items[i];
        const struct versions *v =
            history_find(&s->history, str_from(bundle->name));

        if ((v == NULL || !bundle_equals(history_current(v), bundle)) &&
            bundles_put(&changed, bundle) < 0)
            return -1;
    }
    bundles_fini(&s->set);
    s->set = changed;
    close(s->fd);
    s->fd = swap_memfd();
    if (s->fd < 0 || bundles_write(&s->set, s->fd) < 0)
        return -1;
    return swap_seal(s->fd);
}

/* It is somebody else's from now on. */
static int
take(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

/* Where the configuration is the same, only scripts are exchanged. */
static void
take_config(struct swap *s, int *record)
{
    struct buf words;

    buf_init_growing(&words, WORDS_MAX + ENDING_MAX);
    if (bundles_read(&s->set, s->fd) < 0) {
        swap_refuse(s, STR("what the trial has handed on is not whole\n"));
    } else if (reload_prepare(&s->reload, take(record), &words) < 0) {
        swap_refuse(s, buf_text(&words));
    } else if (!reload_is_same(&s->reload)) {
        swap_round_start(&s->round, s->fd);
    } else {
        reload_end(&s->reload, NULL);
        if (keep_changed(s) < 0)
            swap_refuse(s, STR("there is no memory for it\n"));
        else if (s->set.count == 0)
            swap_end_unchanged(s);
        else
            swap_round_start(&s->round, s->fd);
    }
    buf_fini(&words);
}

static void
take_tried(struct swap *s)
{
    if (bundles_read(&s->set, s->fd) < 0 || !is_complete(s))
        swap_refuse(s, STR("what the trial has handed on is not whole\n"));
    else if (!is_wanted(s))
        swap_end_unchanged(s);
    else
        swap_round_start(&s->round, s->fd);
}

/* From the master's memory, without the disk. */
static int
write_version(struct swap *s, struct bundle *bundle)
{
    s->fd = swap_memfd();
    if (s->fd < 0 || bundles_put(&s->set, bundle) < 0)
        return -1;
    return bundles_write(&s->set, s->fd) < 0 ? -1 : swap_seal(s->fd);
}

static void
begin_return(struct swap *s, struct bundle *bundle)
{
    char why[128];

    if (write_version(s, bundle) == 0) {
        swap_round_start(&s->round, s->fd);
        return;
    }
    (void)snprintf(why, sizeof(why), "its bytes cannot be handed on: %s\n",
                   strerror(errno));
    swap_refuse(s, str_from(why));
}

/* A name a line. */
static void
take_scanned(struct swap *s, struct str names)
{
    for (size_t from = 0; from < names.len;) {
        ptrdiff_t end = str_find_char(names, '\n', from);
        size_t to = end < 0 ? names.len : (size_t)end;
        struct str name = str_slice(names, from, to);

        if (history_find(&s->history, name) != NULL)
            swap_add_quiet(s, SWAP_SAVED, name, "script_watch");
        from = to + 1;
    }
    swap_end_job(s);
}

/* --- the trial ------------------------------------------------------------ */

static void
start_trial(struct swap *s, enum trial_kind kind)
{
    const struct history *h = &s->history;
    const struct versions *wanted = swap_versions(s, s->job);
    const char **names = calloc(h->count + 1, sizeof(*names));
    struct trial_conf conf = {
        .kind = kind,
        .config = s->resources->config,
        .addresses = &s->resources->addresses,
        .committed = &s->resources->bundles,
        .names = names,
    };
    int result = -1;

    for (size_t i = 0; names != NULL && i < h->count; i++) {
        const struct versions *v = h->scripts[i];

        if (wanted == NULL || v == wanted)
            names[conf.count++] = history_current(v)->name;
    }
    if (names != NULL)
        result = swap_try_start(&s->trial, s->loop, s->resources, &conf);
    free(names);
    if (result < 0)
        swap_refuse(s, STR("there is no process to try it in\n"));
}

/* The words of a scan are names: cut, the last scripts would be forgotten. */
static size_t
words_max(const struct swap *s)
{
    size_t max = 0;

    if (s->job == NULL || s->job->kind != SWAP_SCAN)
        return WORDS_MAX;
    for (size_t i = 0; i < s->history.count; i++)
        max += strlen(history_current(s->history.scripts[i])->name) + 1;
    return max;
}

void
swap_reaped(struct swap *s, pid_t pid, int status)
{
    size_t max = words_max(s);
    struct buf words;
    int record = -1;
    int result;

    if (s->trial.pid == 0 || pid != s->trial.pid)
        return;
    buf_init_growing(&words, max + ENDING_MAX);
    result = swap_try_take(&s->trial, status, &s->fd, &record, &words, max);
    if (s->closed)
        log_debug("what was tried is of no use any more");
    else if (result < 0)
        swap_refuse(s, buf_text(&words));
    else if (s->job->kind == SWAP_ALL)
        take_config(s, &record);
    else if (s->job->kind == SWAP_SCAN)
        take_scanned(s, buf_text(&words));
    else
        take_tried(s);
    if (record >= 0)
        close(record);
    buf_fini(&words);
}

/* --- beginning ------------------------------------------------------------ */

/* A reload before it may have taken away what it is about. */
static bool
is_gone(const struct swap *s)
{
    return s->job->name != NULL && swap_versions(s, s->job) == NULL;
}

static void
end_gone(struct swap *s)
{
    struct buf why;

    buf_init_growing(&why, WORDS_MAX);
    buf_printf(&why, "the script %s is not configured any more\n",
               s->job->name);
    log_info("script %s: it is not configured any more, and not exchanged by "
             "%s",
             s->job->name, s->job->who);
    swap_answer_refused(s, s->job, buf_text(&why));
    buf_fini(&why);
    swap_end_job(s);
}

static void
roll_back(struct swap *s)
{
    const struct versions *v = swap_versions(s, s->job);
    struct bundle *previous = history_previous(v);

    if (previous == NULL)
        swap_refuse(s, STR("there is no version before it\n"));
    else
        begin_return(s, previous);
}

static void
confirm(struct swap *s)
{
    struct versions *v = swap_versions(s, s->job);

    if (!history_confirm(v)) {
        swap_answer_refused(s, s->job,
                            STR("it does not wait to be confirmed\n"));
    } else {
        log_info("script %s: version %s is confirmed by %s", s->job->name,
                 bundle_hash(history_current(v)), s->job->who);
        swap_answer(s, s->job, swap_job_answer_confirmed);
    }
    swap_end_job(s);
}

/* Meanwhile it may have been confirmed, or been replaced. */
static void
come_back(struct swap *s)
{
    const struct versions *v = swap_versions(s, s->job);

    if (v->confirmed == NULL || timer_is_running(&v->overdue))
        swap_end_job(s);
    else
        begin_return(s, v->confirmed);
}

static void
begin(struct swap *s)
{
    switch (s->job->kind) {
    case SWAP_RELOAD:
    case SWAP_SAVED:
        start_trial(s, TRIAL_ALL);
        break;
    case SWAP_ALL:
        start_trial(s, TRIAL_CONFIG);
        break;
    case SWAP_SCAN:
        start_trial(s, TRIAL_SCAN);
        break;
    case SWAP_ROLLBACK:
        roll_back(s);
        break;
    case SWAP_CONFIRM:
        confirm(s);
        break;
    case SWAP_OVERDUE:
        come_back(s);
        break;
    }
}

static void
on_next(struct deferred *deferred)
{
    struct swap *s = container_of(deferred, struct swap, next);
    struct list *node;

    if (s->job != NULL || s->resources->upgrading ||
        (node = list_take_first(&s->jobs)) == NULL)
        return;
    s->job = container_of(node, struct swap_job, link);
    if (is_gone(s))
        end_gone(s);
    else
        begin(s);
}

void
swap_child_ended(struct swap *s, const struct child *child)
{
    swap_round_child_ended(&s->round, child);
}

/* --- the whole ------------------------------------------------------------ */

void
swap_init(struct swap *s, struct loop *loop, struct resources *resources,
          struct child *control, struct child *workers)
{
    *s = (struct swap){
        .resources = resources,
        .loop = loop,
        .control = control,
        .fd = -1,
        .round =
            {
                .loop = loop,
                .board = resources->board,
                .control = control,
                .workers = workers,
                .worker_count = resources->worker_count,
                .on_stage = swap_stage,
                .on_agreed = swap_agreed,
                .on_end = swap_round_ended,
            },
        .history = {.on_overdue = swap_overdue},
    };
    list_init(&s->jobs);
    bundles_init(&s->set);
    deferred_init(&s->next, on_next);
    swap_try_init(&s->trial);
    reload_init(&s->reload, loop, resources);
    swap_round_init(&s->round);
    history_init(&s->history, loop, resources->board, &resources->bundles,
                 resources->script_generation);
}

static void
refuse_waiting(struct swap *s)
{
    struct list *node;

    while ((node = list_take_first(&s->jobs)) != NULL) {
        struct swap_job *job = container_of(node, struct swap_job, link);

        swap_job_log_refused(job, swap_versions(s, job), STR(SWAP_STOPPING));
        swap_answer_refused(s, job, STR(SWAP_STOPPING));
        swap_job_free(job);
    }
}

/* At once, since the children may all leave before a trial has ended. */
void
swap_close(struct swap *s)
{
    if (s->closed)
        return;
    s->closed = true;
    refuse_waiting(s);
    swap_round_cancel(&s->round, "the program is stopping");
    if (s->job != NULL && s->trial.pid != 0) {
        swap_try_kill(&s->trial);
        swap_refuse(s, STR(SWAP_STOPPING));
    }
}

void
swap_look(struct swap *s)
{
    if (!list_empty(&s->jobs))
        loop_defer(s->loop, &s->next);
}

bool
swap_is_busy(const struct swap *s)
{
    return s->job != NULL || !list_empty(&s->jobs);
}

void
swap_fini(struct swap *s)
{
    if (s->loop == NULL)
        return;
    if (s->trial.pid != 0) {
        swap_try_kill(&s->trial);
        (void)waitpid(s->trial.pid, NULL, 0);
    }
    swap_try_fini(&s->trial);
    deferred_cancel(&s->next);
    swap_job_free(s->job);
    if (s->fd >= 0)
        close(s->fd);
    bundles_fini(&s->set);
    swap_round_fini(&s->round);
    reload_fini(&s->reload);
    history_fini(&s->history);
}
