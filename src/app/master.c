/* SPDX-License-Identifier: MIT */
#include "app/master.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/activation.h"
#include "app/master_changes.h"
#include "app/master_children.h"
#include "app/master_end.h"
#include "app/master_logs.h"
#include "app/master_state.h"
#include "app/notify.h"
#include "app/privileges.h"
#include "base/clock.h"
#include "base/log.h"

/* --- signals -------------------------------------------------------------- */

static void
handle_signal(struct master *m, int number)
{
    switch (number) {
    case SIGCHLD:
        master_reap(m);
        return;
    case SIGTERM:
    case SIGINT:
        log_info("stopping now signal=SIG%s", sigabbrev_np(number));
        master_stop(m);
        return;
    case SIGQUIT:
        log_info("stopping gracefully: accepting no more connections");
        master_drain(m);
        return;
    case SIGUSR1:
        master_reopen_logs(m);
        return;
    case SIGHUP:
        master_read_again(m);
        return;
    case SIGUSR2:
        master_upgrade(m);
        return;
    }
}

static void
on_signal(struct watch *watch)
{
    struct master *m = container_of(watch, struct master, signals);
    struct signalfd_siginfo info;

    while (read(watch_fd(watch), &info, sizeof(info)) == sizeof(info))
        handle_signal(m, (int)info.ssi_signo);
}

static int
watch_signals(struct master *m)
{
    static const int numbers[] = {SIGTERM, SIGINT,  SIGQUIT, SIGHUP,
                                  SIGUSR1, SIGUSR2, SIGCHLD};
    sigset_t set;
    int fd;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        sigaddset(&set, numbers[i]);
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
        return -1;
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (watch_start(&m->signals, m->loop, fd, on_signal) < 0) {
        close(fd);
        return -1;
    }
    m->signal_fd = fd;
    return 0;
}

/* --- life ----------------------------------------------------------------- */

static int
start(struct master *m)
{
    m->loop = loop_new();
    if (m->loop == NULL || watch_signals(m) < 0 || privileges_limit() < 0) {
        log_error("cannot start: %s", strerror(errno));
        return -1;
    }
    master_end_init(m);
    log_pump_start(&m->logs, m->loop, &m->resources.logs, NULL, NULL);
    master_children_init(m);
    if (master_changes_init(m) < 0)
        return -1;
    manager_start(&m->manager, m->loop, m->resources.board,
                  m->resources.shared.numbers, m->resources.worker_count);
    usage_start(&m->usage, m->loop, &m->resources, &m->control, m->workers);
    if (master_children_start(m) < 0) {
        m->status = EXIT_FAILURE;
        /* The loop has to turn to see those off that did start. */
        kill(getpid(), SIGTERM);
    }
    return 0;
}

static void
fini(struct master *m)
{
    if (m->signal_fd >= 0) {
        watch_stop(&m->signals);
        close(m->signal_fd);
    }
    if (m->logs.output != NULL)
        log_pump_stop(&m->logs);
    script_watch_stop(&m->watch);
    manager_stop(&m->manager);
    if (m->usage.loop != NULL)
        usage_stop(&m->usage);
    swap_fini(&m->swap);
    upgrade_fini(&m->upgrade);
    takeover_stop(&m->takeover);
    loop_free(m->loop);
    free(m->workers);
    free(m->seen);
    resources_close(&m->resources);
}

int
master_run(const char *file, bool daemon)
{
    struct master m = {
        .status = EXIT_SUCCESS,
        .signal_fd = -1,
    };

    clock_update();
    signal(SIGPIPE, SIG_IGN);
    notify_init();
    activation_init();
    if (resources_open(&m.resources, file, daemon) < 0 || start(&m) < 0) {
        notify_errno(errno);
        fini(&m);
        return EXIT_FAILURE;
    }
    loop_run(m.loop);
    log_info("stopped");
    fini(&m);
    return m.status;
}
