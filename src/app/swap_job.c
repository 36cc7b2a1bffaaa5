/* SPDX-License-Identifier: MIT */
#include "app/swap_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/message.h"
#include "app/swap_history.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "board/json.h"
#include "script/bundle.h"

enum {
    REASONS_MAX = 12 * 1024, /* bytes of them in an answer */
    /* Bytes of an answer with the changes that it lists. */
    CHANGES_MAX = MESSAGE_TEXT_MAX - 256,
};

struct swap_job *
swap_job_new(enum swap_kind kind, struct str name, struct str who)
{
    struct swap_job *job = calloc(1, sizeof(*job));

    if (job == NULL)
        return NULL;
    list_init(&job->link);
    job->kind = kind;
    (void)snprintf(job->who, sizeof(job->who), STR_FMT, STR_ARG(who));
    if (name.p == NULL)
        return job;
    job->name = strndup(name.p, name.len);
    if (job->name != NULL)
        return job;
    free(job);
    return NULL;
}

void
swap_job_free(struct swap_job *job)
{
    if (job == NULL)
        return;
    free(job->name);
    free(job);
}

/* --- answers -------------------------------------------------------------- */

static void
add_json(struct buf *out, const struct versions *v, bool changed)
{
    const struct bundle *previous = history_previous(v);

    buf_str(out, STR("ok\n{\"script\":"));
    json_string(out, str_from(history_current(v)->name));
    buf_printf(out, ",\"changed\":%s,\"version\":\"%s\",\"previous\":",
               changed ? "true" : "false", bundle_hash(history_current(v)));
    if (previous == NULL)
        buf_str(out, STR("null"));
    else
        json_string(out, str_from(bundle_hash(previous)));
    buf_printf(
        out, ",\"generation\":%" PRIu32 ",\"confirm_seconds\":%" PRIu64 "}\n",
        v->generation,
        v->confirmed == NULL ? 0 : clock_seconds_until(v->confirm_by_ms));
}

void
swap_job_answer_changed(struct buf *out, const struct swap_job *job,
                        const struct versions *v)
{
    if (job->json) {
        add_json(out, v, true);
        return;
    }
    buf_printf(out, "ok\n%s is now version %s (generation %" PRIu32 ")",
               history_current(v)->name, bundle_hash(history_current(v)),
               v->generation);
    if (v->confirmed != NULL)
        buf_printf(out,
                   "; unless it is confirmed within %" PRIu64
                   "s, version %s comes back",
                   clock_seconds_until(v->confirm_by_ms),
                   bundle_hash(v->confirmed));
    buf_char(out, '\n');
}

void
swap_job_answer_same(struct buf *out, const struct swap_job *job,
                     const struct versions *v)
{
    if (v == NULL)
        buf_str(out, job->json ? STR("ok\n{\"changed\":false}\n")
                               : STR("ok\nthe configuration is the same, and "
                                     "no script has changed\n"));
    else if (job->json)
        add_json(out, v, false);
    else
        buf_printf(out,
                   "ok\n%s is unchanged: version %s (generation %" PRIu32 ")\n",
                   history_current(v)->name, bundle_hash(history_current(v)),
                   v->generation);
}

void
swap_job_answer_confirmed(struct buf *out, const struct swap_job *job,
                          const struct versions *v)
{
    if (job->json)
        add_json(out, v, false);
    else
        buf_printf(out, "ok\n%s is confirmed: version %s stays\n",
                   history_current(v)->name, bundle_hash(history_current(v)));
}

/* Calls FN with each line of TEXT that is not empty. */
static void
each_line(struct str text, void (*fn)(void *arg, struct str line), void *arg)
{
    for (size_t from = 0; from < text.len;) {
        ptrdiff_t end = str_find_char(text, '\n', from);
        size_t to = end < 0 ? text.len : (size_t)end;

        if (to > from)
            fn(arg, str_slice(text, from, to));
        from = to + 1;
    }
}

struct change_list {
    struct buf *out;
    bool json;
    const char *comma;
    size_t left_out; /* since there was no room for them */
};

static void
add_change(void *arg, struct str line)
{
    struct change_list *list = arg;
    size_t before = list->out->len;

    if (list->left_out == 0 && list->json) {
        buf_str(list->out, str_from(list->comma));
        json_string(list->out, line);
    } else if (list->left_out == 0) {
        buf_str(list->out, line);
        buf_char(list->out, '\n');
    }
    if (list->left_out > 0 || list->out->len > CHANGES_MAX) {
        list->out->len = before;
        list->left_out++;
    }
    list->comma = ",";
}

void
swap_job_answer_reloaded(struct buf *out, const struct swap_job *job,
                         struct str changes, uint32_t generation)
{
    struct change_list list = {.out = out, .json = job->json, .comma = ""};

    buf_printf(out,
               job->json ? "ok\n{\"changed\":true,\"generation\":%" PRIu32
                           ",\"changes\":["
                         : "ok\nthe new configuration is in use (generation "
                           "%" PRIu32 ")\n",
               generation);
    each_line(changes, add_change, &list);
    if (job->json)
        buf_printf(out, "],\"left_out\":%zu}\n", list.left_out);
    else if (list.left_out > 0)
        buf_printf(out, "and %zu more changes, which the log has\n",
                   list.left_out);
}

void
swap_job_answer_refused(struct buf *out, const struct versions *v,
                        struct str why)
{
    struct str part = str_slice(why, 0, REASONS_MAX);

    if (v != NULL)
        buf_printf(out,
                   "error %s stays at version %s (generation %" PRIu32 "):\n",
                   history_current(v)->name, bundle_hash(history_current(v)),
                   v->generation);
    else
        buf_str(out, STR("error "));
    buf_str(out, part);
    if (part.len == 0 || part.p[part.len - 1] != '\n')
        buf_char(out, '\n');
}

/* --- the log -------------------------------------------------------------- */

void
swap_job_log_changed(const struct swap_job *job, const struct versions *v)
{
    const struct bundle *previous = history_previous(v);

    log_info("script %s: version %s is in use generation=%" PRIu32
             " previous=%s by %s",
             history_current(v)->name, bundle_hash(history_current(v)),
             v->generation, previous == NULL ? "-" : bundle_hash(previous),
             job->who);
    if (v->confirmed != NULL)
        log_warn("script %s: version %s comes back in %" PRIu64
                 " s unless this one is confirmed",
                 history_current(v)->name, bundle_hash(v->confirmed),
                 clock_seconds_until(v->confirm_by_ms));
}

struct refusal {
    const struct swap_job *job;
    const struct versions *versions; /* NULL: of all */
};

static void
log_reason(void *arg, struct str reason)
{
    const struct refusal *refusal = arg;
    const struct swap_job *job = refusal->job;
    const struct versions *v = refusal->versions;

    if (v != NULL)
        log_error("script %s: version %s stays: " STR_FMT " by %s",
                  history_current(v)->name, bundle_hash(history_current(v)),
                  STR_ARG(reason), job->who);
    else
        log_error("the configuration stays as it is: " STR_FMT " by %s",
                  STR_ARG(reason), job->who);
}

/* A file that is saved again and again with the same mistake in it, or beside
 * others that are, is told of once. */
static bool
is_told(const struct swap_job *job, struct versions *v, struct str why)
{
    uint32_t hash = hash_murmur(why.p, why.len, 0) | 1;
    bool told;

    if (v == NULL)
        return false;
    told = job->kind == SWAP_SAVED && v->refused == hash;
    v->refused = hash;
    return told;
}

bool
swap_job_log_refused(const struct swap_job *job, struct versions *v,
                     struct str why)
{
    struct refusal refusal = {.job = job, .versions = v};

    if (is_told(job, v, why))
        return false;
    each_line(why, log_reason, &refusal);
    return true;
}

static void
log_change(void *arg, struct str line)
{
    (void)arg;
    log_info("reload: " STR_FMT, STR_ARG(line));
}

void
swap_job_log_reloaded(const struct swap_job *job, struct str changes,
                      uint32_t generation)
{
    log_info("the new configuration is in use generation=%" PRIu32 " by %s",
             generation, job->who);
    each_line(changes, log_change, NULL);
}
