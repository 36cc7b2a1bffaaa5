/* SPDX-License-Identifier: MIT */
/*
 * Laying the board out, and its named rows.
 */
#include "board/board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "board/captures.h"
#include "board/changes.h"
#include "board/dict.h"
#include "board/events.h"
#include "board/history_layout.h"
#include "board/latency.h"
#include "board/metric.h"
#include "board/names.h"
#include "board/pools.h"
#include "board/queue.h"
#include "board/queue_layout.h"
#include "board/ring.h"
#include "board/script_counts.h"
#include "board/seats.h"
#include "board/slots.h"
#include "board/slots_layout.h"
#include "board/strikes.h"
#include "board/usage.h"
#include "board/wake.h"

enum {
    BOARD_LAYOUT = 15, /* goes up whenever the memory means something else */
    CACHE_LINE = 64,
};

/* One for the program, one a server and one a section. */
_Static_assert(1 + BOARD_ROWS_MAX * 2 <= SLOTS_MAX, "each row has its slot");

/* The specs of upgrades build a program with another layout. */
#ifndef BOARD_LAYOUT_OFFSET
#define BOARD_LAYOUT_OFFSET 0
#endif

static const uint64_t board_magic = UINT64_C(0x657461676e6f6f6d); /* moongate */

uint32_t
board_layout(void)
{
    return BOARD_LAYOUT + BOARD_LAYOUT_OFFSET;
}

/* Places tables one after the other. The first pass only adds up their sizes,
 * the second has memory. */
struct layout {
    char *base; /* NULL: measuring */
    size_t used;
};

static void *
place(struct layout *l, size_t count, size_t size)
{
    size_t at = l->used;

    l->used += (count * size + (CACHE_LINE - 1)) & ~(size_t)(CACHE_LINE - 1);
    return l->base == NULL ? NULL : l->base + at;
}

/* Counts of 64-bit words in a row, so that the next row has lines of its own.
 */
static size_t
round_words(size_t count)
{
    const size_t line = CACHE_LINE / sizeof(uint64_t);

    return (count + line - 1) / line * line;
}

static void
place_slots(struct slots *s, struct layout *l, const struct board_limits *n)
{
    s->actors = n->workers + 1;
    s->count = 1 + n->servers + n->sections;
    s->ack_stride = round_words(s->actors);
    s->held_stride = round_words(s->count);
    s->intents = place(l, s->actors, sizeof(*s->intents));
    s->acks = place(l, s->actors * s->ack_stride, sizeof(*s->acks));
    s->words = place(l, s->count, sizeof(*s->words));
    s->helds = place(l, s->actors * s->held_stride, sizeof(*s->helds));
}

static void
place_tables(struct board *b, struct layout *l, const struct board_limits *n)
{
    size_t workers = n->workers;

    b->header = place(l, 1, sizeof(*b->header));
    b->workers = place(l, workers, sizeof(*b->workers));
    b->upstreams = place(l, n->upstreams, sizeof(*b->upstreams));
    b->servers = place(l, n->servers, sizeof(*b->servers));
    b->sections = place(l, n->sections, sizeof(*b->sections));
    b->scripts = place(l, n->scripts, sizeof(*b->scripts));
    place_slots(b->slots, l, n);
    b->queue_table = place(l, 1, sizeof(*b->queue_table));
    b->queues = place(l, n->upstreams + n->servers, sizeof(*b->queues));
    b->queue_entries = place(l, n->entries + 1, sizeof(*b->queue_entries));
    b->server_counters =
        place(l, workers * n->servers, sizeof(*b->server_counters));
    b->section_counters =
        place(l, workers * n->sections, sizeof(*b->section_counters));
    b->script_counters = place(l, (workers + 1) * BOARD_HOOKS_MAX * n->scripts,
                               sizeof(*b->script_counters));
    b->ring_stride = (ring_size(n->ring_bytes) + (CACHE_LINE - 1)) &
                     ~(size_t)(CACHE_LINE - 1);
    b->rings = place(l, workers, b->ring_stride);
    b->dicts = place(l, 1, n->dict_bytes);
    b->metrics = place(l, 1, metric_size(n->series, n->workers + 1));
    b->seat_heads = place(l, workers, sizeof(*b->seat_heads));
    b->seat_keys = place(l, workers * n->seats, sizeof(*b->seat_keys));
    b->seats = place(l, workers * n->seats, sizeof(*b->seats));
    b->usage = place(l, 1, sizeof(*b->usage));
    b->pools = place(l, workers * POOL_KIND_COUNT, sizeof(*b->pools));
    b->kept = place(l, workers * n->upstreams, sizeof(*b->kept));
    b->captures = place(l, workers, sizeof(*b->captures));
    b->events = place(l, 1, sizeof(*b->events));
    b->history = place(l, 1, sizeof(*b->history));
    b->history_series =
        place(l, history_series_count(n), sizeof(*b->history_series));
}

/* Those of scripts; tables without room are not there. 0, or an errno. */
static int
init_tables(struct board *b, const struct board_limits *n)
{
    int error = 0;

    if (n->dict_bytes == 0)
        b->dicts = NULL;
    else
        error = dict_init(b->dicts, n->dict_bytes);
    if (n->series == 0)
        b->metrics = NULL;
    else if (error == 0)
        error = metric_init(b->metrics, n->series, n->workers + 1);
    return error == 0 ? queue_init(b) : error;
}

static bool
limits_are_sane(const struct board_limits *n)
{
    return n->workers >= 1 && n->workers <= BOARD_WORKERS_MAX &&
           n->vacant <= n->workers && n->upstreams <= BOARD_ROWS_MAX &&
           n->servers <= BOARD_ROWS_MAX && n->sections <= BOARD_ROWS_MAX &&
           n->scripts <= BOARD_ROWS_MAX &&
           (n->dict_bytes == 0 || n->dict_bytes >= DICT_BYTES_MIN) &&
           n->series <= METRIC_SERIES_MAX && n->seats <= SEATS_MAX &&
           n->entries <= QUEUE_ENTRIES_MAX && n->ring_bytes >= RING_BYTES_MIN &&
           n->ring_bytes <= BOARD_RING_BYTES_MAX &&
           (n->ring_bytes & (n->ring_bytes - 1)) == 0;
}

/* A shared mapping of SIZE zero bytes behind a new descriptor. */
static void *
map_memory(int *fd, size_t size)
{
    void *mem;

    *fd = memfd_create("moongate-board", MFD_CLOEXEC);
    if (*fd < 0)
        return NULL;
    if (ftruncate(*fd, (off_t)size) < 0)
        goto close_fd;
    mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (mem != MAP_FAILED)
        return mem;

close_fd:
    close(*fd);
    return NULL;
}

static void
close_wake(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int
open_wake(int *fd)
{
    *fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return *fd < 0 ? -1 : 0;
}

static void
close_wakes(struct board *b)
{
    close_wake(&b->control_wake);
    for (unsigned i = 0; i < BOARD_WORKERS_MAX; i++)
        close_wake(&b->wakes[i]);
}

static int
open_wakes(struct board *b, unsigned workers)
{
    if (open_wake(&b->control_wake) < 0)
        return -1;
    for (unsigned i = 0; i < workers; i++) {
        if (open_wake(&b->wakes[i]) < 0)
            return -1;
    }
    return 0;
}

static void
free_handle(struct board *b)
{
    close_wakes(b);
    free(b->latency_weights);
    free(b->names);
    free(b->slots);
    free(b);
}

static struct board *
new_handle(void)
{
    struct board *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return NULL;
    b->control_wake = -1;
    for (unsigned i = 0; i < BOARD_WORKERS_MAX; i++)
        b->wakes[i] = -1;
    b->slots = calloc(1, sizeof(*b->slots));
    b->names = calloc(BOARD_KINDS, sizeof(*b->names));
    b->latency_weights = calloc(LATENCY_WEIGHTS, sizeof(double));
    if (b->slots != NULL && b->names != NULL && b->latency_weights != NULL) {
        latency_init(b->latency_weights);
        return b;
    }
    free_handle(b);
    return NULL;
}

static void
fini_names(struct board *b)
{
    for (int i = 0; i < BOARD_KINDS; i++)
        names_fini(&b->names[i]);
}

static int
init_names(struct board *b, const struct board_limits *n)
{
    struct names *names = b->names;
    _Atomic uint64_t *added = b->header->added;

    if (names_init(&names[BOARD_UPSTREAMS], b->upstreams, sizeof(*b->upstreams),
                   n->upstreams, &added[BOARD_UPSTREAMS]) == 0 &&
        names_init(&names[BOARD_SERVERS], b->servers, sizeof(*b->servers),
                   n->servers, &added[BOARD_SERVERS]) == 0 &&
        names_init(&names[BOARD_SECTIONS], b->sections, sizeof(*b->sections),
                   n->sections, &added[BOARD_SECTIONS]) == 0 &&
        names_init(&names[BOARD_SCRIPTS], b->scripts, sizeof(*b->scripts),
                   n->scripts, &added[BOARD_SCRIPTS]) == 0)
        return 0;
    fini_names(b);
    return -1;
}

static int
map_tables(struct board *b, const struct board_limits *limits)
{
    struct layout layout = {0};

    place_tables(b, &layout, limits);
    b->size = layout.used;
    layout = (struct layout){.base = map_memory(&b->fd, b->size)};
    if (layout.base == NULL)
        return -1;
    place_tables(b, &layout, limits);
    return 0;
}

/* Those of another program, if they lie as this one has them. */
static int
map_known_tables(struct board *b, int fd)
{
    struct layout layout = {0};
    struct board_header header;
    void *mem;

    if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
        header.magic != board_magic || header.layout != board_layout() ||
        !limits_are_sane(&header.limits)) {
        errno = EPROTO;
        return -1;
    }
    place_tables(b, &layout, &header.limits);
    if (layout.used != header.size) {
        errno = EPROTO;
        return -1;
    }
    b->size = layout.used;
    mem = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mem == MAP_FAILED)
        return -1;
    b->fd = fd;
    layout = (struct layout){.base = mem};
    place_tables(b, &layout, &header.limits);
    return 0;
}

static void
unmap_tables(struct board *b)
{
    munmap(b->header, b->size);
    close(b->fd);
}

void
board_set_version(struct board *b, const char *version)
{
    (void)snprintf(b->header->version, sizeof(b->header->version), "%s",
                   version);
}

struct board *
board_open(const struct board_limits *limits, const char *version)
{
    struct board *b;
    unsigned top;

    if (!limits_are_sane(limits)) {
        errno = EINVAL;
        return NULL;
    }
    b = new_handle();
    if (b == NULL)
        return NULL;
    if (open_wakes(b, limits->workers) < 0 || map_tables(b, limits) < 0)
        goto free_handle;
    if (init_names(b, limits) < 0)
        goto unmap_tables;

    *b->header = (struct board_header){
        .magic = board_magic,
        .layout = board_layout(),
        .limits = *limits,
        .size = b->size,
        .started_ms = clock_wall_ms(),
    };
    if (getrandom(&b->header->secret, sizeof(b->header->secret),
                  GRND_NONBLOCK) < 0)
        goto fini_names;
    board_set_version(b, version);
    top = limits->workers - limits->vacant;
    for (unsigned i = 0; i < top; i++)
        ring_init(board_ring(b, i), limits->ring_bytes);
    atomic_store(&b->header->worker_top, top);
    errno = init_tables(b, limits);
    if (errno != 0)
        goto fini_names;
    if (b->metrics != NULL && top < limits->workers)
        metric_set_top(b->metrics, top);
    return b;

fini_names:
    fini_names(b);

unmap_tables:
    unmap_tables(b);
free_handle:
    free_handle(b);
    return NULL;
}

struct board *
board_adopt(int fd, const int *wakes, size_t wake_count, int control_wake)
{
    struct board *b = new_handle();

    if (b == NULL)
        return NULL;
    if (map_known_tables(b, fd) < 0)
        goto free_handle;
    if (wake_count != b->header->limits.workers) {
        errno = EPROTO;
        goto unmap;
    }
    if (init_names(b, &b->header->limits) < 0)
        goto unmap;
    if (b->header->limits.dict_bytes == 0)
        b->dicts = NULL;
    if (b->header->limits.series == 0)
        b->metrics = NULL;
    memcpy(b->wakes, wakes, wake_count * sizeof(*wakes));
    b->control_wake = control_wake;
    return b;

unmap:
    munmap(b->header, b->size);
free_handle:
    free_handle(b);
    return NULL;
}

void
board_close(struct board *b)
{
    if (b == NULL)
        return;
    fini_names(b);
    unmap_tables(b);
    free_handle(b);
}

/* UPSTREAM/SERVER in TEXT; longer ones come out longer than a row's name, which
 * is then refused. */
static struct str
server_row_name(const struct board *b, int upstream, struct str name,
                char text[BOARD_NAME_MAX * 2])
{
    const struct row_name *up = &b->upstreams[upstream].name;
    int n = snprintf(text, BOARD_NAME_MAX * 2, "%s/" STR_FMT, up->text,
                     STR_ARG(name));

    if (n >= BOARD_NAME_MAX * 2)
        n = BOARD_NAME_MAX * 2 - 1;
    return str_make(text, name.len == 0 ? 0 : (size_t)n);
}

int
board_add_upstream(struct board *b, struct str name)
{
    int i = names_claim(&b->names[BOARD_UPSTREAMS], name);

    if (i == BOARD_NONE)
        return i;
    atomic_store(&b->upstreams[i].chosen, 0);
    names_publish(&b->names[BOARD_UPSTREAMS], i);
    return i;
}

int
board_add_server(struct board *b, int upstream, struct str name)
{
    char text[BOARD_NAME_MAX * 2];
    int i = names_claim(&b->names[BOARD_SERVERS],
                        server_row_name(b, upstream, name, text));
    struct server_row *row;

    if (i == BOARD_NONE)
        return i;
    row = &b->servers[i];
    row->upstream = upstream;
    atomic_store(&row->up, true);
    atomic_store(&row->weight, 1);
    atomic_store(&row->weight_now, 1);
    atomic_store(&row->since_ms, clock_wall_ms());
    atomic_store(&row->check_fails, 0);
    atomic_store(&row->downs, 0);
    atomic_store(&row->down_ms, 0);
    atomic_store(&row->down_since_ms, 0);
    atomic_store(&row->greeting.seal, 0);
    for (unsigned w = 0; w < board_worker_top(b); w++)
        memset(board_server_counters(b, w, i), 0, sizeof(*b->server_counters));
    names_publish(&b->names[BOARD_SERVERS], i);
    changes_note(b, i);
    return i;
}

int
board_add_section(struct board *b, struct str name)
{
    int i = names_claim(&b->names[BOARD_SECTIONS], name);

    if (i == BOARD_NONE)
        return i;
    for (unsigned w = 0; w < board_worker_top(b); w++)
        memset(board_section_counters(b, w, i), 0,
               sizeof(*b->section_counters));
    names_publish(&b->names[BOARD_SECTIONS], i);
    return i;
}

int
board_add_script(struct board *b, struct str name)
{
    int i = names_claim(&b->names[BOARD_SCRIPTS], name);

    if (i == BOARD_NONE)
        return i;
    strikes_lift(&b->scripts[i]);
    names_publish(&b->names[BOARD_SCRIPTS], i);
    return i;
}

int
board_find_upstream(const struct board *b, struct str name)
{
    return names_find(&b->names[BOARD_UPSTREAMS], name);
}

int
board_find_server(const struct board *b, int upstream, struct str name)
{
    char text[BOARD_NAME_MAX * 2];

    return names_find(&b->names[BOARD_SERVERS],
                      server_row_name(b, upstream, name, text));
}

int
board_find_section(const struct board *b, struct str name)
{
    return names_find(&b->names[BOARD_SECTIONS], name);
}

int
board_find_script(const struct board *b, struct str name)
{
    return names_find(&b->names[BOARD_SCRIPTS], name);
}

void
board_remove_upstream(struct board *b, int row)
{
    names_remove(&b->names[BOARD_UPSTREAMS], row);
}

void
board_remove_server(struct board *b, int row)
{
    int chosen = row;

    (void)board_choose(b, b->servers[row].upstream, BOARD_NONE, &chosen);
    names_remove(&b->names[BOARD_SERVERS], row);
}

void
board_remove_section(struct board *b, int row)
{
    names_remove(&b->names[BOARD_SECTIONS], row);
}

void
board_remove_script(struct board *b, int row)
{
    script_counts_clear(b, row);
    names_remove(&b->names[BOARD_SCRIPTS], row);
}

/* Copies what fits with a NUL behind it. */
static void
copy_text(char *to, size_t size, struct str text)
{
    size_t n = text.len < size ? text.len : size - 1;

    if (n > 0)
        memcpy(to, text.p, n);
    to[n] = '\0';
}

void
board_set_server(struct board *b, int row, struct str address, int32_t weight,
                 int32_t maxconn, bool backup)
{
    struct server_row *server = &b->servers[row];

    copy_text(server->address, sizeof(server->address), address);
    atomic_store(&server->weight, weight);
    atomic_store(&server->weight_now, weight);
    atomic_store(&server->maxconn, maxconn);
    atomic_store(&server->backup, backup);
    changes_note(b, row);
}

void
board_read_view(const struct board *b, int row, struct server_view *view)
{
    const struct server_row *server = &b->servers[row];
    uint8_t admin = atomic_load_explicit(&server->admin, memory_order_relaxed);

    view->weight =
        atomic_load_explicit(&server->weight_now, memory_order_relaxed);
    view->maxconn =
        atomic_load_explicit(&server->maxconn, memory_order_relaxed);
    view->fails = atomic_load_explicit(&server->fails, memory_order_relaxed);
    view->up = atomic_load_explicit(&server->up, memory_order_relaxed);
    view->backup = atomic_load_explicit(&server->backup, memory_order_relaxed);
    view->draining = admin == SERVER_DRAIN;
    view->maint = admin == SERVER_MAINT;
    view->active = (int32_t)slots_count(b->slots, board_server_slot(row));
    view->queued = (int32_t)queue_of_server(b, row);
    view->latency_ms = latency_read(b, row, clock_ms());
}

int
board_chosen(const struct board *b, int upstream)
{
    return atomic_load(&b->upstreams[upstream].chosen) - 1;
}

bool
board_choose(struct board *b, int upstream, int to, int *chosen)
{
    int32_t held = *chosen + 1;
    bool done = atomic_compare_exchange_strong(&b->upstreams[upstream].chosen,
                                               &held, to + 1);

    *chosen = done ? to : held - 1;
    return done;
}

/* SUM(name): adds a counter of the row at FROM to the totals at TO. */
#define SUM(name, kind, sentence) \
    to->name += atomic_load_explicit(&from->name, memory_order_relaxed);

static void
add_section(struct section_totals *to, const struct section_counters *from)
{
    SECTION_COUNTERS(SUM)
}

void
board_sum_server(const struct board *b, int row, struct server_totals *out)
{
    struct server_totals *to = out;
    const struct server_counters *from = b->server_counters + row;

    *out = (struct server_totals){0};
    for (unsigned w = 0; w < board_worker_top(b); w++) {
        SERVER_COUNTERS(SUM)
        from += b->header->limits.servers;
    }
}

void
board_sum_section(const struct board *b, int row, struct section_totals *out)
{
    const struct section_counters *from = b->section_counters + row;

    *out = (struct section_totals){0};
    for (unsigned w = 0; w < board_worker_top(b); w++) {
        add_section(out, from);
        from += b->header->limits.sections;
    }
}

void
board_sum_worker(const struct board *b, unsigned worker,
                 struct section_totals *out)
{
    unsigned sections = b->header->limits.sections;

    *out = (struct section_totals){0};
    for (unsigned i = 0; i < sections; i++)
        add_section(out, &b->section_counters[worker * sections + i]);
}

struct ring *
board_ring(const struct board *b, unsigned worker)
{
    return (struct ring *)(void *)(b->rings + worker * b->ring_stride);
}

void
board_worker_started(struct board *b, unsigned worker, pid_t pid,
                     uint32_t generation)
{
    struct worker_row *row = &b->workers[worker];

    atomic_store(&row->generation, generation);
    atomic_store(&row->started_ms, clock_wall_ms());
    atomic_store(&row->heartbeat_ms, clock_ms());
    atomic_store(&row->pid, pid);
}

/* The dead may have changed a count and not have noted it. */
static void
note_all_changes(struct board *b)
{
    for (unsigned i = 0; i < b->header->limits.upstreams; i++) {
        if (atomic_load(&b->upstreams[i].name.used))
            changes_note_all(b, (int)i);
    }
}

/* What a dead worker held is free, and it may have granted turns and told
 * nobody: the others look at their queues as when a server has come up. */
static void
tell_all(struct board *b)
{
    atomic_fetch_add(&b->header->states, 1);
    wake_workers(b);
}

/* The masters of several generations are one actor (slots.h), so one at a time
 * repairs. The lock goes with its process. */
static void
lock_repairs(const struct board *b, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET};

    while (fcntl(b->fd, F_SETLKW, &lock) < 0 && errno == EINTR)
        continue;
}

void
board_worker_died(struct board *b, unsigned worker)
{
    struct worker_row *row = &b->workers[worker];

    atomic_store(&row->pid, 0);
    atomic_store(&row->script, 0);
    atomic_store(&row->heap_bytes, 0);
    atomic_fetch_add(&row->restarts, 1);
    lock_repairs(b, F_WRLCK);
    slots_give_back(b->slots, worker);
    lock_repairs(b, F_UNLCK);
    seats_clear(b, worker);
    pools_forget(b, worker);
    atomic_store(&row->waits_on, true);
    if (b->metrics != NULL)
        metric_forget_actor(b->metrics, worker);
    note_all_changes(b);
    if (board_clear_queues(b, worker) < 0)
        tell_all(b);
}

int
board_clear_queues(struct board *b, unsigned worker)
{
    struct worker_row *row = &b->workers[worker];

    if (!atomic_load(&row->waits_on))
        return 0;
    if (queue_forget_worker(b, worker) < 0)
        return -1;
    atomic_store(&row->waits_on, false);
    tell_all(b);
    return 0;
}

void
board_beat(struct board *b, unsigned worker)
{
    atomic_store_explicit(&b->workers[worker].heartbeat_ms, clock_ms(),
                          memory_order_relaxed);
}

/* The clock stands still in a turn, and whoever looks compares for equality. */
void
board_beat_again(struct board *b, unsigned worker)
{
    atomic_fetch_add_explicit(&b->workers[worker].heartbeat_ms, 1,
                              memory_order_relaxed);
}

void
board_set_heap(struct board *b, unsigned worker, size_t bytes)
{
    atomic_store_explicit(&b->workers[worker].heap_bytes, bytes,
                          memory_order_relaxed);
}
