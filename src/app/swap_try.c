/* SPDX-License-Identifier: MIT */
#include "app/swap_try.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/child.h"
#include "app/descriptors.h"
#include "app/resources.h"
#include "base/log.h"
#include "board/board.h"

enum {
    TRY_MS = 25000,             /* of the whole, specs included */
    TRY_CPU_SECONDS = 10,       /* of CPU time, likewise */
    TRY_NICE = 5,               /* those who serve come first */
    TRY_FILE_BYTES = 128 << 20, /* that it may write into one file */
};

int
swap_memfd(void)
{
    return memfd_create("moongate-scripts", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

int
swap_seal(int fd)
{
    return fcntl(fd, F_ADD_SEALS,
                 F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

static void
close_memfds(struct swap_try *t)
{
    if (t->bundles >= 0)
        close(t->bundles);
    if (t->words >= 0)
        close(t->words);
    if (t->record >= 0)
        close(t->record);
    t->bundles = -1;
    t->words = -1;
    t->record = -1;
}

/* --- in the process ------------------------------------------------------- */

static void
ignore_line(void *arg, enum log_level level, const char *line, size_t len)
{
    (void)arg;
    (void)level;
    (void)line;
    (void)len;
}

/* One step of loading may be allowed to take longer. */
static rlim_t
cpu_seconds(const struct resources *r)
{
    uint64_t step = r->config->global.script_load_budget_ms / 1000;

    return step > TRY_CPU_SECONDS / 2 ? 2 * step : TRY_CPU_SECONDS;
}

/* Lines that scripts log here are logged again by those who serve. Unlike a
 * child that serves it may be ended by any signal. */
static _Noreturn void
become(const struct resources *r, const struct trial_conf *conf)
{
    const struct rlimit files = {TRY_FILE_BYTES, TRY_FILE_BYTES};
    const struct rlimit cpu = {cpu_seconds(r), RLIM_INFINITY};
    int keep[] = {conf->bundles, conf->words, conf->record};
    struct trial trial;
    int result;

    setpgid(0, 0);
    log_set_sink(ignore_line, NULL);
    log_set_name("trial");
    child_reset_signals(SIG_DFL);
    prctl(PR_SET_NAME, "mg-trial", 0, 0, 0);
    setpriority(PRIO_PROCESS, 0, TRY_NICE);
    setrlimit(RLIMIT_FSIZE, &files);
    setrlimit(RLIMIT_CPU, &cpu);
    board_close(r->board);
    descriptors_close_others(keep, sizeof(keep) / sizeof(*keep));
    trial_init(&trial, conf);
    if (privileges_drop(&r->privileges) < 0) {
        dprintf(conf->words, "cannot give privileges up: %s\n",
                strerror(errno));
        _exit(EXIT_FAILURE);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* another user forgets it */
    result = trial_run(&trial);
    _exit(result == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* --- in the master -------------------------------------------------------- */

void
swap_try_kill(const struct swap_try *t)
{
    if (t->pid != 0 && kill(-t->pid, SIGKILL) < 0)
        kill(t->pid, SIGKILL);
}

static void
on_limit(struct timer *timer)
{
    struct swap_try *t = container_of(timer, struct swap_try, limit);

    t->late = true;
    swap_try_kill(t);
}

void
swap_try_init(struct swap_try *t)
{
    *t = (struct swap_try){.bundles = -1, .words = -1, .record = -1};
    timer_init(&t->limit, on_limit);
}

void
swap_try_fini(struct swap_try *t)
{
    timer_stop(&t->limit);
    close_memfds(t);
}

int
swap_try_start(struct swap_try *t, struct loop *loop,
               const struct resources *resources, const struct trial_conf *conf)
{
    struct trial_conf whole = *conf;
    pid_t pid = -1;

    t->late = false;
    t->bundles = swap_memfd();
    t->words = swap_memfd();
    t->record = swap_memfd();
    whole.bundles = t->bundles;
    whole.words = t->words;
    whole.record = t->record;
    if (t->bundles >= 0 && t->words >= 0 && t->record >= 0) {
        fflush(NULL);
        pid = fork();
    }
    if (pid == 0)
        become(resources, &whole);
    if (pid < 0) {
        int error = errno;

        close_memfds(t);
        errno = error;
        return -1;
    }
    (void)setpgid(pid, pid);
    t->pid = pid;
    loop_start_timer(loop, &t->limit, TRY_MS);
    return 0;
}

static void
read_words(struct buf *out, int fd, size_t max)
{
    char *to = buf_reserve(out, max);
    ssize_t n = to == NULL ? -1 : pread(fd, to, max, 0);

    if (n > 0)
        out->len += (size_t)n;
}

int
swap_try_take(struct swap_try *t, int status, int *fd, int *record,
              struct buf *words, size_t words_max)
{
    bool passed = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !t->late;

    (void)kill(-t->pid, SIGKILL); /* what a spec has started and left */
    t->pid = 0;
    timer_stop(&t->limit);
    read_words(words, t->words, words_max);
    if (t->late)
        buf_str(words, STR("trying it took too long\n"));
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        buf_str(words, STR("trying it took too much CPU time\n"));
    else if (WIFSIGNALED(status))
        buf_printf(words, "trying it ended by signal %d\n", WTERMSIG(status));
    else if (!passed && words->len == 0)
        buf_printf(words, "trying it ended with status %d\n",
                   WEXITSTATUS(status));
    if (passed && (swap_seal(t->bundles) < 0 || swap_seal(t->record) < 0)) {
        buf_printf(words, "its bytes cannot be sealed: %s\n", strerror(errno));
        passed = false;
    }
    if (passed) {
        *fd = t->bundles;
        *record = t->record;
        t->bundles = -1;
        t->record = -1;
    }
    close_memfds(t);
    return passed ? 0 : -1;
}
