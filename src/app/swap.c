/* SPDX-License-Identifier: MIT */
#include "app/swap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/resources.h"
#include "app/script_request.h"
#include "app/swap_event.h"
#include "app/swap_job.h"
#include "base/log.h"
#include "base/mem.h"
#include "board/events.h"
#include "script/bundle.h"

enum {
    COMMANDS_MAX = 64,     /* of clients, that wait */
    AGAIN_MS = 5000,       /* until what has to come back is tried again */
    WORDS_MAX = 12 * 1024, /* bytes of a trial's words that are told */
    ENDING_MAX = 4096,     /* bytes of how a trial has ended */
    CHANGES_MAX = 8 << 20, /* bytes of what a reload has changed */
};

static const char STOPPING[] = "the program is stopping\n";
static const char TOO_MANY[] = "too many exchanges wait already\n";
static const char NO_MEMORY[] = "there is no memory for it\n";

/* The versions of the script that the job is about; NULL: of all. */
static struct versions *
versions_of(const struct swap *s, const struct swap_job *job)
{
    return job->name == NULL ? NULL
                             : history_find(&s->history, str_from(job->name));
}

/* --- the end of a job ----------------------------------------------------- */

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
    const struct message m = {
        .kind = MESSAGE_ANSWER,
        .arg = job->ticket,
        .fd = -1,
        .text = buf_text(text),
    };

    if (child_send(s->control, &m) < 0)
        log_warn("cannot answer about %s: %s",
                 job->name == NULL ? "the configuration" : job->name,
                 strerror(errno));
    buf_fini(text);
}

static void
answer(struct swap *s, const struct swap_job *job,
       void (*write_answer)(struct buf *, const struct swap_job *,
                            const struct versions *))
{
    struct buf text;

    if (!is_awaited(s, job))
        return;
    buf_init_growing(&text, MESSAGE_TEXT_MAX);
    write_answer(&text, job, versions_of(s, job));
    send_answer(s, job, &text);
}

static void
answer_refused(struct swap *s, const struct swap_job *job, struct str why)
{
    struct buf text;

    if (!is_awaited(s, job))
        return;
    buf_init_growing(&text, MESSAGE_TEXT_MAX);
    swap_job_answer_refused(&text, versions_of(s, job), why);
    send_answer(s, job, &text);
}

/* Nothing of the job is left; the next one begins at the end of the turn. */
static void
end_job(struct swap *s)
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
static void
refuse(struct swap *s, struct str why)
{
    struct versions *v = versions_of(s, s->job);

    reload_end(&s->reload, NULL);
    if (swap_job_log_refused(s->job, v, why))
        swap_event_refused(s->resources->board, s->job, v, why);
    answer_refused(s, s->job, why);
    if (s->job->kind == SWAP_OVERDUE && v != NULL && !s->closed)
        loop_start_timer(s->loop, &v->overdue, AGAIN_MS);
    end_job(s);
}

static void
end_unchanged(struct swap *s)
{
    struct versions *v = versions_of(s, s->job);

    reload_end(&s->reload, NULL);
    if (s->job->kind == SWAP_ALL) {
        log_info("the configuration is the same, and no script has changed");
        answer(s, s->job, swap_job_answer_same);
    }
    if (v != NULL) {
        v->refused = 0; /* what was wrong with the file is mended */
        answer(s, s->job, swap_job_answer_same);
    }
    end_job(s);
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
static uint32_t
on_agreed(struct swap_round *round)
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
    end_job(s);
    if (s->on_config != NULL)
        s->on_config(s->on_config_arg);
}

/* Where scripts alone are exchanged nothing may be left of a configuration that
 * was refused: a child that could not be told of its end would take it, too. */
static int
on_stage(struct swap_round *round, const struct child *child)
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

static void
on_round_end(struct swap_round *round, bool exchanged, struct str why)
{
    struct swap *s = container_of(round, struct swap, round);

    if (!exchanged) {
        refuse(s, why);
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
        answer(s, s->job, swap_job_answer_changed);
    end_job(s);
}

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
           versions_of(s, s->job) ==
               history_find(&s->history, str_from(s->set.items[0]->name));
}

/* One that is quarantined gets another chance with the same bytes when somebody
 * asks for it. */
static bool
is_wanted(const struct swap *s)
{
    const struct versions *v = versions_of(s, s->job);

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
        refuse(s, STR("what the trial has handed on is not whole\n"));
    } else if (reload_prepare(&s->reload, take(record), &words) < 0) {
        refuse(s, buf_text(&words));
    } else if (!reload_is_same(&s->reload)) {
        swap_round_start(&s->round, s->fd);
    } else {
        reload_end(&s->reload, NULL);
        if (keep_changed(s) < 0)
            refuse(s, STR("there is no memory for it\n"));
        else if (s->set.count == 0)
            end_unchanged(s);
        else
            swap_round_start(&s->round, s->fd);
    }
    buf_fini(&words);
}

static void
take_tried(struct swap *s)
{
    if (bundles_read(&s->set, s->fd) < 0 || !is_complete(s))
        refuse(s, STR("what the trial has handed on is not whole\n"));
    else if (!is_wanted(s))
        end_unchanged(s);
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
    refuse(s, str_from(why));
}

/* --- scripts that were saved ---------------------------------------------- */

static void
add(struct swap *s, struct swap_job *job)
{
    list_add_tail(&s->jobs, &job->link);
    loop_defer(s->loop, &s->next);
}

static bool
waits(const struct swap *s, enum swap_kind kind, struct str name)
{
    list_for_each(node, &s->jobs)
    {
        const struct swap_job *job = container_of(node, struct swap_job, link);

        if (job->kind == kind && str_equal(str_from(job->name), name))
            return true;
    }
    return false;
}

/* There are no more of these than kinds and scripts, and none may be lost:
 * nobody would ask again. */
static void
add_quiet(struct swap *s, enum swap_kind kind, struct str name, const char *who)
{
    struct swap_job *job;

    if (s->closed || waits(s, kind, name))
        return;
    job = swap_job_new(kind, name, str_from(who));
    if (job == NULL)
        log_error("%s: no memory to exchange scripts", who);
    else
        add(s, job);
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
            add_quiet(s, SWAP_SAVED, name, "script_watch");
        from = to + 1;
    }
    end_job(s);
}

/* --- the trial ------------------------------------------------------------ */

static void
start_trial(struct swap *s, enum trial_kind kind)
{
    const struct history *h = &s->history;
    const struct versions *wanted = versions_of(s, s->job);
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
        refuse(s, STR("there is no process to try it in\n"));
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
        refuse(s, buf_text(&words));
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
    return s->job->name != NULL && versions_of(s, s->job) == NULL;
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
    answer_refused(s, s->job, buf_text(&why));
    buf_fini(&why);
    end_job(s);
}

static void
roll_back(struct swap *s)
{
    const struct versions *v = versions_of(s, s->job);
    struct bundle *previous = history_previous(v);

    if (previous == NULL)
        refuse(s, STR("there is no version before it\n"));
    else
        begin_return(s, previous);
}

static void
confirm(struct swap *s)
{
    struct versions *v = versions_of(s, s->job);

    if (!history_confirm(v)) {
        answer_refused(s, s->job, STR("it does not wait to be confirmed\n"));
    } else {
        log_info("script %s: version %s is confirmed by %s", s->job->name,
                 bundle_hash(history_current(v)), s->job->who);
        answer(s, s->job, swap_job_answer_confirmed);
    }
    end_job(s);
}

/* Meanwhile it may have been confirmed, or been replaced. */
static void
come_back(struct swap *s)
{
    const struct versions *v = versions_of(s, s->job);

    if (v->confirmed == NULL || timer_is_running(&v->overdue))
        end_job(s);
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

/* --- asking for it -------------------------------------------------------- */

static struct swap_job *
read_job(const struct script_request *r)
{
    static const enum swap_kind kinds[SCRIPT_VERBS] = {
        [SCRIPT_RELOAD] = SWAP_RELOAD,
        [SCRIPT_ROLLBACK] = SWAP_ROLLBACK,
        [SCRIPT_CONFIRM] = SWAP_CONFIRM,
    };
    struct swap_job *job = swap_job_new(kinds[r->verb], r->name, r->who);

    if (job != NULL) {
        job->confirm_ms = r->confirm_ms;
        job->json = r->json;
    }
    return job;
}

static unsigned
count_commands(const struct swap *s)
{
    unsigned count = 0;

    list_for_each(node, &s->jobs)
    {
        if (container_of(node, struct swap_job, link)->ticket != 0)
            count++;
    }
    return count;
}

/* What can be said at once; NULL: the job waits for its turn. */
static const char *
take_command(struct swap *s, const struct message *m)
{
    struct script_request request;
    struct swap_job *job;

    if (script_request_read(&request, m->text) < 0 ||
        history_find(&s->history, request.name) == NULL)
        return "there is no such script\n";
    if (s->closed)
        return STOPPING;
    if (count_commands(s) >= COMMANDS_MAX)
        return TOO_MANY;
    job = read_job(&request);
    if (job == NULL)
        return NO_MEMORY;
    job->ticket = m->arg;
    job->control = s->control->pid;
    add(s, job);
    return NULL;
}

void
swap_message(struct swap *s, struct child *child, const struct message *m)
{
    const struct swap_job asked = {.ticket = m->arg, .control = child->pid};
    const char *why;

    if (m->kind != MESSAGE_COMMAND) {
        swap_round_message(&s->round, child, m);
        return;
    }
    why = child == s->control ? take_command(s, m) : NULL;
    if (why != NULL)
        answer_refused(s, &asked, str_from(why));
}

void
swap_child_ended(struct swap *s, const struct child *child)
{
    swap_round_child_ended(&s->round, child);
}

void
swap_all(struct swap *s, const char *who)
{
    add_quiet(s, SWAP_ALL, str_make(NULL, 0), who);
}

const char *
swap_reload(struct swap *s, uint32_t ticket, bool json, struct str who)
{
    struct swap_job *job;

    if (s->closed)
        return STOPPING;
    if (count_commands(s) >= COMMANDS_MAX)
        return TOO_MANY;
    job = swap_job_new(SWAP_ALL, str_make(NULL, 0), who);
    if (job == NULL)
        return NO_MEMORY;
    job->json = json;
    job->ticket = ticket;
    job->control = s->control->pid;
    add(s, job);
    return NULL;
}

void
swap_scan(struct swap *s)
{
    add_quiet(s, SWAP_SCAN, str_make(NULL, 0), "script_watch");
}

static void
on_overdue(struct versions *versions)
{
    struct swap *s = container_of(versions->owner, struct swap, history);
    const char *name = history_current(versions)->name;

    log_warn("script %s: version %s was not confirmed in time", name,
             bundle_hash(history_current(versions)));
    add_quiet(s, SWAP_OVERDUE, str_from(name), "--confirm");
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
                .on_stage = on_stage,
                .on_agreed = on_agreed,
                .on_end = on_round_end,
            },
        .history = {.on_overdue = on_overdue},
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

        swap_job_log_refused(job, versions_of(s, job), str_from(STOPPING));
        answer_refused(s, job, str_from(STOPPING));
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
        refuse(s, str_from(STOPPING));
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
