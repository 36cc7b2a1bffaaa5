/* SPDX-License-Identifier: MIT */
#include "app/child.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/notify.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    QUICK_MS = 5000,       /* one that lived less died at once */
    QUICK_FREE = 3,        /* so many of these are replaced without delay */
    RESTART_MIN_MS = 100,  /* then this, doubled each time */
    RESTART_MAX_MS = 1000, /* up to this: a cheap fork, and a service back */
};

/* --- in the child --------------------------------------------------------- */

void
child_reset_signals(void (*action)(int))
{
    static const int numbers[] = {SIGINT,  SIGQUIT, SIGHUP, SIGPIPE,
                                  SIGTERM, SIGUSR1, SIGUSR2};
    sigset_t none;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        signal(numbers[i], action);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A terminal signals the whole group and a service manager every process, but
 * it is the master who decides what a signal means. */
static _Noreturn void
become(struct child *c, int socket)
{
    log_set_sink(NULL, NULL);
    log_set_name(c->name);
    child_reset_signals(SIG_IGN);
    notify_forget();
    prctl(PR_SET_NAME, c->title, 0, 0, 0);
    exit(c->run(c, socket));
}

/* --- in the master -------------------------------------------------------- */

static void
close_socket(struct child *c)
{
    if (c->socket < 0)
        return;
    watch_stop(&c->watch);
    close(c->socket);
    c->socket = -1;
}

static void
on_socket(struct watch *watch)
{
    struct child *c = container_of(watch, struct child, watch);
    struct message m;

    switch (message_receive(&m, watch_fd(watch))) {
    case MESSAGE_NONE:
        return;
    case MESSAGE_CLOSED:
        close_socket(c);
        return;
    case MESSAGE_GOT:
        break;
    }
    message_close(&m); /* a child has nothing to hand over */
    m.fd = -1;
    m.more_count = 0;
    if (m.kind != MESSAGE_READY) {
        c->on_message(c, &m);
    } else if (!c->ready) {
        c->ready = true;
        c->on_ready(c);
    }
}

static void
on_restart(struct timer *timer)
{
    struct child *c = container_of(timer, struct child, restart);

    if (child_start(c) < 0)
        child_restart(c);
    else
        log_info("%s was started again as pid %ld", c->name, (long)c->pid);
}

void
child_init(struct child *c, struct loop *loop)
{
    c->loop = loop;
    c->pid = 0;
    c->ready = false;
    c->socket = -1;
    c->quick_deaths = 0;
    timer_init(&c->restart, on_restart);
}

int
child_start(struct child *c)
{
    int pair[2];
    pid_t pid;

    if (message_open(pair) < 0) {
        log_error("cannot start %s: socketpair: %s", c->name, strerror(errno));
        return -1;
    }
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        become(c, pair[1]);
    close(pair[1]);
    if (pid < 0) {
        log_error("cannot start %s: fork: %s", c->name, strerror(errno));
        close(pair[0]);
        return -1;
    }
    c->pid = pid;
    c->ready = false;
    c->socket = pair[0];
    c->started_ms = clock_ms();
    /* Without the watch nobody hears that it is ready; it serves all the
     * same. */
    if (watch_start(&c->watch, c->loop, c->socket, on_socket) < 0)
        log_error("cannot listen to %s: %s", c->name, strerror(errno));
    c->on_start(c);
    return 0;
}

bool
child_is_running(const struct child *c)
{
    return c->pid != 0;
}

void
child_tell(struct child *c, enum message_kind kind)
{
    struct message m = {.kind = kind, .fd = -1};

    if (c->socket >= 0 && child_send(c, &m) < 0)
        log_warn("cannot speak to %s: %s", c->name, strerror(errno));
}

int
child_send(const struct child *c, const struct message *m)
{
    if (c->socket >= 0)
        return message_send(c->socket, m);
    errno = ENOTCONN;
    return -1;
}

void
child_answer(const struct child *c, uint32_t client, struct str text)
{
    const struct message message = {
        .kind = MESSAGE_ANSWER,
        .arg = client,
        .fd = -1,
        .text = text,
    };

    if (child_send(c, &message) < 0)
        log_warn("cannot answer a client of control: %s", strerror(errno));
}

/* "worker[1] (pid 123) was killed by signal 9" */
static void
describe_end(struct child *c, int status)
{
    int n = snprintf(c->last_end, sizeof(c->last_end), "%s (pid %ld) ", c->name,
                     (long)c->pid);
    char *p = c->last_end + n;
    size_t room = sizeof(c->last_end) - (size_t)n;

    if (WIFSIGNALED(status))
        (void)snprintf(p, room, "was killed by signal %d", WTERMSIG(status));
    else
        (void)snprintf(p, room, "exited with status %d", WEXITSTATUS(status));
}

void
child_ended(struct child *c, int status)
{
    describe_end(c, status);
    close_socket(c);
    if (clock_ms() - c->started_ms < QUICK_MS)
        c->quick_deaths++;
    else
        c->quick_deaths = 0;
    c->pid = 0;
    c->ready = false;
}

static uint64_t
restart_delay_ms(const struct child *c)
{
    uint64_t delay = RESTART_MIN_MS;

    if (c->quick_deaths <= QUICK_FREE)
        return 0;
    for (unsigned i = QUICK_FREE + 1;
         i < c->quick_deaths && delay < RESTART_MAX_MS; i++)
        delay *= 2;
    return delay < RESTART_MAX_MS ? delay : RESTART_MAX_MS;
}

void
child_restart(struct child *c)
{
    uint64_t delay = restart_delay_ms(c);

    if (delay == 0 && child_start(c) == 0) {
        log_warn("%s; restarted as pid %ld", c->last_end, (long)c->pid);
        return;
    }
    if (delay == 0)
        delay = RESTART_MIN_MS;
    log_error("%s; the next one starts in %" PRIu64 " ms", c->last_end, delay);
    loop_start_timer(c->loop, &c->restart, delay);
}

void
child_give_up(struct child *c)
{
    timer_stop(&c->restart);
}
