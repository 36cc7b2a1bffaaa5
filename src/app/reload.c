/* SPDX-License-Identifier: MIT */
#include "app/reload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/child.h"
#include "app/config_record.h"
#include "app/parcel.h"
#include "app/reload_changes.h"
#include "app/resources.h"
#include "app/row_marks.h"
#include "app/setup.h"
#include "base/log.h"
#include "board/board.h"
#include "board/numbers.h"
#include "board/state.h"
#include "board/wake.h"
#include "config/faults.h"
#include "proxy/listener.h"
#include "proxy/runtime.h"

enum {
    LOOK_MS = 1000, /* how often rows are looked at that are gone */
};

bool
reload_is_on(const struct reload *r)
{
    return r->fd >= 0;
}

bool
reload_is_same(const struct reload *r)
{
    return config_record_equals(r->fd, r->resources->record);
}

/* --- rows that are gone --------------------------------------------------- */

/* The oldest configuration that any worker has sessions of; 0: there are
 * workers of another program, which say nothing of this one's. */
static uint32_t
oldest_generation(const struct board *board)
{
    uint32_t oldest = UINT32_MAX;

    for (unsigned i = 0; i < board_worker_top(board); i++) {
        const struct worker_row *worker = &board->workers[i];
        uint32_t generation = atomic_load(&worker->generation);

        if (numbers_is_vacant(board, i))
            continue;
        if (atomic_load(&worker->master) != getpid())
            return 0;
        if (atomic_load(&worker->pid) != 0 && generation < oldest)
            oldest = generation;
    }
    return oldest;
}

static void
free_gone(struct reload *r)
{
    struct resources *resources = r->resources;
    uint32_t oldest = oldest_generation(resources->board);
    size_t kept = 0;

    for (size_t i = 0; i < r->gone_count; i++) {
        const struct reload_gone *gone = &r->gone[i];

        if (gone->generation > oldest)
            r->gone[kept++] = *gone;
        else
            rows_remove(resources->board, &gone->row);
    }
    r->gone_count = kept;
}

static void
on_look(struct timer *timer)
{
    struct reload *r = container_of(timer, struct reload, look);

    if (!r->resources->upgrading)
        free_gone(r);
    if (r->gone_count > 0)
        loop_start_timer(r->loop, timer, LOOK_MS);
}

static size_t
find_gone(const struct reload *r, const struct rows_one *row)
{
    size_t i = 0;

    while (i < r->gone_count &&
           (r->gone[i].row.kind != row->kind || r->gone[i].row.row != row->row))
        i++;
    return i;
}

/* A row that cannot be remembered stays. */
static bool
note_gone(struct reload *r, const struct rows_one *row)
{
    struct reload_gone *gone =
        realloc(r->gone, (r->gone_count + 1) * sizeof(*r->gone));

    if (gone == NULL)
        return false;
    r->gone = gone;
    r->gone[r->gone_count++] = (struct reload_gone){
        .row = *row,
        .generation = r->resources->script_generation,
    };
    return true;
}

/* A server that is gone gets no more work from sessions of old configurations
 * either, and shows as one that drains. */
static void
leave_row(void *arg, const struct rows_one *row, bool is_gone)
{
    struct reload *r = arg;
    struct board *board = r->resources->board;
    size_t i = find_gone(r, row);

    if (!is_gone) {
        if (i == r->gone_count)
            return;
        r->gone[i] = r->gone[--r->gone_count];
        if (row->kind == BOARD_SERVERS)
            board_set_removed(board, row->row, false);
        return;
    }
    if (i < r->gone_count) {
        r->gone[i].generation = r->resources->script_generation;
        return;
    }
    if (note_gone(r, row) && row->kind == BOARD_SERVERS) {
        board_set_removed(board, row->row, true);
        board_set_admin(board, row->row, SERVER_DRAIN);
    }
}

/* The older program's sessions go on with what it knows: it gets no other
 * servers in the place of those that are gone, so they are not drained. */
static void
leave_other(void *arg, const struct rows_one *row)
{
    struct reload *r = arg;

    if (note_gone(r, row) && row->kind == BOARD_SERVERS)
        board_set_removed(r->resources->board, row->row, true);
}

void
reload_leave_others(struct reload *r)
{
    struct resources *resources = r->resources;
    struct row_marks marks = {.rows = {NULL}};

    if (row_marks_take_config(&marks, resources->board, resources->config) < 0)
        log_error("rows of what the configuration has no more stay: %s",
                  strerror(errno));
    else
        row_marks_each_other(&marks, resources->board, leave_other, r);
    row_marks_fini(&marks);
    if (r->gone_count > 0)
        loop_start_timer(r->loop, &r->look, LOOK_MS);
}

/* --- preparing ------------------------------------------------------------ */

static int
add_rows(struct reload *r, struct faults *faults)
{
    struct board *board = r->resources->board;

    if (rows_add(board, r->config, &r->added) == 0)
        return 0;
    faults_add(faults, r->config->file.p, 0,
               "there is no room for what it adds: %s; `moongate ctl upgrade`, "
               "or a restart, makes more",
               errno == ENOSPC ? "too many upstreams, servers, sections or "
                                 "scripts have been added since the start"
                               : strerror(errno));
    return -1;
}

/* An address of [stats] is one socket, others are one for each worker: it
 * cannot be both at the same time. */
static void
refuse_kind(const struct listen_conf *listen, struct faults *faults)
{
    faults_add_at(faults, listen->at,
                  "'" STR_FMT "' goes over between [stats] and a section of "
                  "another kind: take it away with one reload, and add it with "
                  "the next",
                  STR_ARG(listen->address.text));
}

static int
refuse_kinds(const struct reload *r, const struct runtime *runtime,
             struct faults *faults)
{
    const struct resources *now = r->resources;
    size_t before = faults->count;
    struct addr addr;

    for (size_t i = 0; i < runtime->listener_count; i++) {
        if (stats_sockets_have(&now->stats, &runtime->listeners[i].addr))
            refuse_kind(runtime->listeners[i].conf, faults);
    }
    for (size_t i = 0; i < r->config->stats_count; i++) {
        const struct stats_conf *conf = &r->config->stats[i];

        for (size_t k = 0; k < conf->listen_count; k++) {
            const struct listen_conf *listen = &conf->listens[k];

            if (addresses_known(&r->addresses, &addr, 1, &listen->address) >
                    0 &&
                sockets_have(&now->sockets, &addr))
                refuse_kind(listen, faults);
        }
    }
    return faults->count > before ? -1 : 0;
}

static int
open_sockets(struct reload *r, struct faults *faults)
{
    struct resources *resources = r->resources;
    struct runtime *runtime =
        runtime_new(NULL, r->config, &r->addresses, faults);
    int result = faults->count > 0 ? -1 : refuse_kinds(r, runtime, faults);

    if (result == 0)
        result = sockets_open(&r->sockets, &resources->sockets, runtime,
                              resources->worker_count, NULL, faults);
    if (result == 0)
        result = stats_sockets_open(&r->stats, &resources->stats, r->config,
                                    &r->addresses, NULL, faults);
    runtime_unref(runtime);
    return result;
}

static int
prepare(struct reload *r, struct faults *faults)
{
    if (config_record_read(&r->config, &r->addresses, r->fd, faults) < 0)
        return -1;
    reload_refuse_changes(r->resources, r->config, faults);
    if (faults->count > 0 || open_sockets(r, faults) < 0)
        return -1;
    log_output_open(&r->logs, r->config, &r->addresses, faults);
    if (faults->count > 0)
        return -1;
    return add_rows(r, faults);
}

int
reload_prepare(struct reload *r, int fd, struct buf *words)
{
    struct faults faults;
    int result;

    faults_init(&faults);
    r->fd = fd;
    r->committed = false;
    result = prepare(r, &faults);
    faults_sort(&faults);
    setup_write_faults(&faults, words);
    faults_fini(&faults);
    if (result < 0)
        reload_end(r, NULL);
    return result;
}

/* --- for the children ----------------------------------------------------- */

/* Those that it does not have: of addresses that nobody has listened on. */
static int
send_sockets(const struct reload *r, const struct child *child)
{
    struct parcel parcel;

    parcel_init(&parcel, child->socket, MESSAGE_LISTENER);
    for (size_t i = 0; i < r->sockets.listener_count; i++) {
        const char *text = r->sockets.texts[i];

        if (!r->sockets.kept[i] &&
            parcel_add(&parcel,
                       sockets_find(&r->sockets, text, child->place, 0),
                       str_from(text)) < 0)
            return -1;
    }
    return parcel_send(&parcel);
}

static int
add_by_place(struct parcel *parcel, int fd, size_t place)
{
    char line[32];

    (void)snprintf(line, sizeof(line), "%zu", place);
    return parcel_add(parcel, fd, str_from(line));
}

static int
send_logs(const struct reload *r, const struct child *child)
{
    struct parcel parcel;

    parcel_init(&parcel, child->socket, MESSAGE_LOG_TARGET);
    for (size_t i = 0; i < r->logs.count; i++) {
        int fd = r->logs.targets[i].fd;

        if (fd > STDERR_FILENO && add_by_place(&parcel, fd, i) < 0)
            return -1;
    }
    return parcel_send(&parcel);
}

/* All of them: those that it has are the same ones. */
static int
send_stats(const struct reload *r, const struct child *child)
{
    struct parcel parcel;

    parcel_init(&parcel, child->socket, MESSAGE_STATS_LISTENER);
    for (size_t i = 0; i < r->stats.count; i++) {
        if (add_by_place(&parcel, r->stats.fds[i], i) < 0)
            return -1;
    }
    return parcel_send(&parcel);
}

int
reload_send(const struct reload *r, const struct child *child, bool is_control)
{
    const struct message record = {.kind = MESSAGE_CONFIG, .fd = r->fd};

    if (child_send(child, &record) < 0)
        return -1;
    if (!is_control)
        return send_sockets(r, child);
    return send_logs(r, child) < 0 ? -1 : send_stats(r, child);
}

/* --- in force ------------------------------------------------------------- */

void
reload_commit(struct reload *r)
{
    struct resources *resources = r->resources;
    struct log_output logs = resources->logs;

    r->before = resources->config;
    resources->config = config_ref(r->config);
    addresses_fini(&resources->addresses);
    resources->addresses = r->addresses;
    r->addresses = (struct addresses){.first = NULL};
    resources->logs = r->logs;
    log_set_level(log_output_level(r->config));
    r->logs = (struct log_output){.count = 0};
    log_output_take_over(&resources->logs, &logs);
    log_output_close(&logs);
    close(resources->record);
    resources->record = r->fd;
    sockets_replace(&resources->sockets, &r->sockets);
    stats_sockets_replace(&resources->stats, &r->stats);
    rows_forget(&r->added);
    reload_each_row(resources->board, r->before, r->config, leave_row, r);
    rows_change(resources->board, r->before, r->config, &resources->addresses);
    wake_control(resources->board);
    wake_workers(resources->board);
    r->committed = true;
}

static void
undo(struct reload *r)
{
    rows_undo(r->resources->board, &r->added);
    sockets_give_up(&r->sockets);
    stats_sockets_give_up(&r->stats);
    if (r->logs.count > 0)
        log_output_close(&r->logs);
    addresses_fini(&r->addresses);
    if (r->fd >= 0)
        close(r->fd);
}

void
reload_end(struct reload *r, struct buf *summary)
{
    if (!reload_is_on(r))
        return;
    if (r->committed) {
        if (summary != NULL)
            reload_tell_changes(summary, r->before, r->config);
        config_unref(r->before);
        r->before = NULL;
        loop_start_timer(r->loop, &r->look, LOOK_MS);
    } else {
        undo(r);
    }
    config_unref(r->config);
    r->config = NULL;
    r->fd = -1;
}

/* --- life ----------------------------------------------------------------- */

void
reload_init(struct reload *r, struct loop *loop, struct resources *resources)
{
    *r = (struct reload){
        .resources = resources,
        .loop = loop,
        .fd = -1,
    };
    timer_init(&r->look, on_look);
}

void
reload_fini(struct reload *r)
{
    reload_end(r, NULL);
    timer_stop(&r->look);
    free(r->gone);
    r->gone = NULL;
}
