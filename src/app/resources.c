/* SPDX-License-Identifier: MIT */
#include "app/resources.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/activation.h"
#include "app/config_record.h"
#include "app/daemon.h"
#include "app/descriptors.h"
#include "app/rows.h"
#include "app/setup.h"
#include "base/log.h"
#include "board/board.h"
#include "config/sources.h"
#include "config/verify_daemon.h"
#include "net/trust.h"
#include "proxy/runtime.h"

enum {
    CONTROL_FILE_MODE = 0660,
    CONTROL_BACKLOG = 128,
};

/* --- what the configuration must be right for ----------------------------- */

static unsigned
count_cpus(void)
{
    cpu_set_t set;
    int count;

    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return 1;
    count = CPU_COUNT(&set);
    return count < CONFIG_WORKERS_MAX ? (unsigned)count : CONFIG_WORKERS_MAX;
}

/* Has an older program that one? It stays what it is until that one leaves. */
static bool
is_inherited(const char *theirs, const char *path)
{
    return theirs != NULL && strcmp(theirs, path) == 0;
}

static int
open_pidfile(struct resources *r)
{
    const char *path = r->config->global.pidfile.p;

    if (path == NULL || is_inherited(r->inherit.pidfile, path) ||
        pidfile_open(&r->pidfile, path) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        log_error("another one is running: it holds the pidfile %s", path);
    else
        log_error("cannot write the pidfile %s: %s", path, strerror(errno));
    return -1;
}

/* Before anything is opened that belongs to a process. One that another program
 * has started is there already. */
static int
go_background(const struct resources *r, const struct config *config,
              struct faults *faults)
{
    size_t before = faults->count;

    if (inherit_is_meant() || (!r->daemon && !config->global.daemon))
        return 0;
    if (!config->global.daemon)
        verify_daemon(config, faults);
    if (faults->count > before)
        return -1;
    if (daemon_start(config->file.p) == 0)
        return 0;
    log_error("cannot go to the background: %s", strerror(errno));
    return -1;
}

/* Opens what the configuration names; what cannot be had is a fault. The limit
 * of descriptors comes first, since there may be many sockets. */
static int
open_named(struct resources *r, const struct setup *setup,
           struct faults *faults)
{
    const struct global_conf *global = &setup->config->global;
    const struct runtime *runtime = setup->service.runtime;

    if (go_background(r, setup->config, faults) < 0)
        return -1;
    r->config = config_ref(setup->config);
    r->privileges = setup->privileges;
    r->worker_count = global->workers == 0 ? count_cpus() : global->workers;
    if (open_pidfile(r) < 0)
        return -1;
    r->max_connections = descriptors_raise(
        global->max_connections, r->config->upstream_count > 0,
        runtime->listener_count * r->worker_count);
    if (global->chroot.p != NULL)
        trust_keep_system();
    log_output_open(&r->logs, r->config, &r->addresses, faults);
    if (sockets_open(&r->sockets, NULL, runtime, r->worker_count, &r->inherit,
                     faults) < 0)
        return -1;
    return stats_sockets_open(&r->stats, NULL, r->config, &r->addresses,
                              &r->inherit, faults);
}

static void
on_line(void *arg, enum log_level level, const char *line, size_t len)
{
    struct resources *r = arg;

    log_output_line(&r->logs, getpid(), level, str_make(line, len - 1));
    log_output_flush(&r->logs);
    if (level == LOG_LEVEL_ERROR)
        inherit_say(&r->inherit, str_make(line, len));
}

/* For the next reload, which has nothing to compare with else. */
static void
keep_record(struct resources *r, const char *file,
            const struct sources *sources)
{
    r->record = memfd_create("moongate-config", MFD_CLOEXEC);
    if (r->record >= 0 &&
        config_record_write(r->record, file, sources, &r->addresses) < 0) {
        close(r->record);
        r->record = -1;
    }
}

/* Faults are printed, warnings alone left to be logged. */
static int
open_checked(struct resources *r, const char *file, struct faults *faults)
{
    struct sources sources;
    struct setup setup;
    int result;

    sources_init(&sources);
    result =
        setup_init(&setup, file, &sources, &r->addresses, &r->bundles, faults);
    if (result == 0)
        keep_record(r, file, &sources);
    sources_fini(&sources);
    if (result == 0)
        result = open_named(r, &setup, faults);
    if (faults->count > 0)
        result = -1;
    faults_sort(faults);
    if (result < 0) {
        setup_print_faults(faults, stderr);
        inherit_say_faults(&r->inherit, faults);
    }
    setup_fini(&setup);
    return result;
}

/* The same, and from then on this process's log lines go where the
 * configuration says, warnings first. */
static int
open_logged(struct resources *r, const char *file)
{
    struct faults faults;
    int result;

    faults_init(&faults);
    result = open_checked(r, file, &faults);
    if (result == 0) {
        log_set_level(log_output_level(r->config));
        log_set_sink(on_line, r);
        setup_log_faults(&faults);
    }
    faults_fini(&faults);
    return result;
}

/* --- the rest ------------------------------------------------------------- */

static void
warn_of_descriptors(const struct resources *r)
{
    struct rlimit limit = {.rlim_cur = 0};

    if (r->max_connections >= r->config->global.max_connections)
        return;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    log_warn("max_connections is lowered to %" PRIu32
             ": the limit of descriptors cannot be raised limit=%ju",
             r->max_connections, (uintmax_t)limit.rlim_cur);
}

static bool
adopt_control(struct resources *r, const char *path, const struct addr *addr)
{
    struct inherit *in = &r->inherit;

    if (!is_inherited(in->control_path, path) ||
        socket_file_adopt(&r->control, addr, in->control) < 0)
        return false;
    in->control = -1;
    return true;
}

/* The mode lets nobody in before that. A link is not followed: the folder may
 * be the user's whom the children are. */
static int
give_control(const struct resources *r, const char *path)
{
    const struct privileges *p = &r->privileges;

    if (!p->has_control_group || lchown(path, (uid_t)-1, p->control_gid) == 0)
        return 0;
    log_error("cannot give the control socket %s to the group " STR_FMT ": %s",
              path, STR_ARG(r->config->global.control_group), strerror(errno));
    return -1;
}

static int
open_control(struct resources *r)
{
    const char *path = r->config->global.control.p;
    char text[ADDR_TEXT_MAX];
    const char *why = NULL;
    struct addr addr;

    if (path == NULL)
        return 0;
    (void)snprintf(text, sizeof(text), "unix:%s", path);
    if (addr_parse(&addr, text, NULL) == 0 && activation_has(&addr)) {
        r->control = (struct socket_file){
            .fd = activation_take(&addr),
            .addr = addr,
        };
        return 0;
    }
    if (addr_parse(&addr, text, &why) == 0 &&
        (adopt_control(r, path, &addr) ||
         socket_file_open(&r->control, &addr, CONTROL_FILE_MODE,
                          CONTROL_BACKLOG) == 0))
        return give_control(r, path);
    if (why == NULL)
        why = errno == EADDRINUSE ? "another one is running and answers there,"
                                    " or it is not a socket"
                                  : strerror(errno);
    log_error("cannot open the control socket %s: %s", path, why);
    return -1;
}

static int
open_shared(struct resources *r)
{
    if (shared_open(&r->shared, &r->inherit, r->config, &r->addresses,
                    r->worker_count) < 0)
        return -1;
    r->board = r->shared.board;
    return 0;
}

int
resources_open(struct resources *r, const char *file, bool daemon)
{
    *r = (struct resources){
        .pidfile = {.fd = -1},
        .control = {.fd = -1},
        .shared = {.log_wake = -1, .stats_link = {-1, -1}},
        .record = -1,
        .daemon = daemon,
        .script_generation = 1,
        .addresses = {.may_come_later = true},
    };
    bundles_init(&r->bundles);
    if (inherit_open(&r->inherit) < 0)
        return -1;
    inherit_log(&r->inherit);
    if (open_logged(r, file) < 0)
        return -1;
    warn_of_descriptors(r);
    privileges_warn(&r->privileges);
    if (open_control(r) < 0)
        return -1;
    activation_end();
    return open_shared(r);
}

void
resources_take_over(struct resources *r)
{
    if (r->shared.adopted) {
        board_set_version(r->board, MOONGATE_VERSION);
        rows_apply(r->board, r->config, &r->addresses);
    }
    inherit_close(&r->inherit, true);
    sockets_share_files(&r->sockets, false);
    socket_file_share(&r->control, false);
    if (r->pidfile.path == NULL)
        (void)open_pidfile(r);
}

void
resources_hand_over(struct resources *r, bool over)
{
    sockets_share_files(&r->sockets, over);
    socket_file_share(&r->control, over);
    if (!over)
        pidfile_rename_back(&r->pidfile);
    else if (pidfile_rename(&r->pidfile) < 0)
        log_warn("cannot rename the pidfile %s: %s", r->pidfile.path,
                 strerror(errno));
}

void
resources_close(struct resources *r)
{
    sockets_close(&r->sockets);
    stats_sockets_close(&r->stats);
    socket_file_close(&r->control);
    pidfile_close(&r->pidfile);
    shared_close(&r->shared);
    inherit_close(&r->inherit, false);
    log_set_sink(NULL, NULL);
    log_output_close(&r->logs);
    addresses_fini(&r->addresses);
    bundles_fini(&r->bundles);
    if (r->record >= 0)
        close(r->record);
    config_unref(r->config);
}

void
resources_tell(const struct resources *r)
{
    const struct sockets *sockets = &r->sockets;
    char text[LOG_LINE_MAX / 2];
    struct buf b;

    buf_init(&b, text, sizeof(text));
    for (size_t i = 0; i < sockets->listener_count; i++)
        buf_printf(&b, " %s", sockets->texts[i]);
    log_info("serving on" STR_FMT "%s workers=%u pid=%ld",
             STR_ARG(buf_text(&b)), b.failed ? " and others" : "",
             r->worker_count, (long)getpid());
}
