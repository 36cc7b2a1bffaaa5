/* SPDX-License-Identifier: MIT */
/*
 * Processes that do one call under ptrace and stand still between any two of
 * its instructions, until a spec goes on or kills them; for dict_workers.c and
 * its like, which are compiled with what they call.
 */
#ifndef SPEC_TRACED_H
#define SPEC_TRACED_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* Shared by the spec and one of them. */
struct traced {
    int pid;
    _Atomic int returned; /* the call has */
};

typedef void (*traced_fn)(const void *call);

static inline int
traced_wait(int pid)
{
    int status;

    if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
        return -1;
    return 0;
}

/* SIGKILL, and waits until it is dead. */
static inline int
traced_kill(int pid)
{
    int status;

    /* To kill, 0 and -1 mean more than one process. */
    if (pid <= 0)
        return -1;
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) == pid) {
        if (WIFSIGNALED(status) || WIFEXITED(status))
            return 0;
    }
    return errno == ECHILD ? 0 : -1;
}

/* In the new process: stops here; the next step is the next instruction. */
static inline void
traced_begin(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(1);
#if defined(__x86_64__)
    __asm__ volatile("int3" ::: "memory");
#else
    raise(SIGSTOP);
#endif
}

/* Starts a process that stands still right before FN(CALL). T is in memory that
 * both share. Returns 0, or -1. */
static inline int
traced_start(struct traced *t, traced_fn fn, const void *call)
{
    int pid;

    t->returned = 0;
    pid = fork();
    if (pid == 0) {
        traced_begin();
        fn(call);
        t->returned = 1;
        for (;;)
            pause();
    }
    t->pid = pid;
    return pid > 0 ? traced_wait(pid) : -1;
}

/* Lets it do COUNT instructions. False once its call has returned. */
static inline bool
traced_step(struct traced *t, unsigned count)
{
    for (unsigned i = 0; i < count && t->returned == 0; i++) {
        if (ptrace(PTRACE_SINGLESTEP, t->pid, NULL, NULL) < 0 ||
            traced_wait(t->pid) < 0)
            return false;
    }
    return t->returned == 0;
}

/* Steps through its call and notes after which steps the SIZE bytes at MEM had
 * changed: those are the moments that a death can leave behind. */
static inline unsigned
traced_changes(struct traced *t, const void *mem, size_t size, unsigned *out,
               unsigned max)
{
    void *before = malloc(size);
    unsigned count = 0;

    if (before == NULL)
        return 0;
    memcpy(before, mem, size);
    for (unsigned i = 1; traced_step(t, 1) && count < max; i++) {
        if (memcmp(before, mem, size) != 0) {
            memcpy(before, mem, size);
            out[count++] = i;
        }
    }
    free(before);
    return count;
}

/* The next of a row of numbers that STATE, which is not 0, determines. */
static inline uint32_t
traced_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

#endif
