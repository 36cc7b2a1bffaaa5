/* SPDX-License-Identifier: MIT */
/*
 * Processes that note an event and stand still between any two of their
 * instructions, for events_spec.lua, which compiles this and calls it through
 * the FFI.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

typedef void (*note_fn)(void *board, int kind, const char *fmt, ...);

int writer_start(note_fn note, void *board, const char *words);
int writer_step(int pid);
void writer_kill(int pid);
unsigned writer_change(int pid, const void *mem, size_t size, unsigned count);

static void
run(note_fn note, void *board, const char *words)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(1);
    raise(SIGSTOP);
    note(board, 0, "%s", words);
    _exit(0);
}

/* A process that stands still before it notes WORDS; -1: there is none. */
int
writer_start(note_fn note, void *board, const char *words)
{
    int status, pid = fork();

    if (pid == 0)
        run(note, board, words);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        return -1;
    return pid;
}

/* One instruction; 0: it has ended. */
int
writer_step(int pid)
{
    int status;

    return ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0 &&
           waitpid(pid, &status, 0) == pid && WIFSTOPPED(status);
}

void
writer_kill(int pid)
{
    int status;

    kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
}

/* Lets it go on until the SIZE bytes at MEM have changed COUNT times: each of
 * these moments is one that a death can leave behind. Returns how often they
 * have, which is less when it has ended. */
unsigned
writer_change(int pid, const void *mem, size_t size, unsigned count)
{
    void *before = malloc(size);
    unsigned seen = 0;

    if (before == NULL)
        return 0;
    memcpy(before, mem, size);
    while (seen < count && writer_step(pid)) {
        if (memcmp(before, mem, size) == 0)
            continue;
        memcpy(before, mem, size);
        seen++;
    }
    free(before);
    return seen;
}
