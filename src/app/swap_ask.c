/* SPDX-License-Identifier: MIT */
#include "app/swap_ask.h"

#include "app/child.h"
#include "app/script_request.h"
#include "app/swap_end.h"
#include "app/swap_state.h"
#include "base/log.h"
#include "script/bundle.h"

enum {
    COMMANDS_MAX = 64, /* of clients, that wait */
};

static const char TOO_MANY[] = "too many exchanges wait already\n";
static const char NO_MEMORY[] = "there is no memory for it\n";

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

void
swap_add_quiet(struct swap *s, enum swap_kind kind, struct str name,
               const char *who)
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

/* --- by clients ----------------------------------------------------------- */

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
        return SWAP_STOPPING;
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
        swap_answer_refused(s, &asked, str_from(why));
}

const char *
swap_reload(struct swap *s, uint32_t ticket, bool json, struct str who)
{
    struct swap_job *job;

    if (s->closed)
        return SWAP_STOPPING;
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

/* --- by the master itself ------------------------------------------------- */

void
swap_all(struct swap *s, const char *who)
{
    swap_add_quiet(s, SWAP_ALL, str_make(NULL, 0), who);
}

void
swap_scan(struct swap *s)
{
    swap_add_quiet(s, SWAP_SCAN, str_make(NULL, 0), "script_watch");
}

void
swap_overdue(struct versions *versions)
{
    struct swap *s = container_of(versions->owner, struct swap, history);
    const char *name = history_current(versions)->name;

    log_warn("script %s: version %s was not confirmed in time", name,
             bundle_hash(history_current(versions)));
    swap_add_quiet(s, SWAP_OVERDUE, str_from(name), "--confirm");
}
