/* SPDX-License-Identifier: MIT */
/*
 * The thread owns its work until it writes to the eventfd, and touches nothing
 * else of the process: no log, no clock, no loop.
 */
#include "net/verifier.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net/htpasswd.h"
#include "net/loop.h"

enum {
    TEXT_MAX = 512,          /* bytes of each; longer ones match nothing */
    STACK_BYTES = 256 << 10, /* hashes have memory of their own */
    NICE = 5,       /* a third of what each that is busy beside it gets */
    LEAVE_MS = 200, /* the end waits so long for what still works */
};

struct text {
    char bytes[TEXT_MAX];
    size_t len;
};

struct work {
    struct text secret;
    struct text decoy;
    struct text password;
    bool matches;
    int done; /* an eventfd, written when it is */
};

struct verifier {
    struct watch watch;
    verifier_fn fn;
    void *arg;
    struct work *work;
    pthread_t thread;
    bool busy;
};

/* --- in the thread -------------------------------------------------------- */

static struct str
text_of(const struct text *text)
{
    return str_make(text->bytes, text->len);
}

static void *
verify(void *arg)
{
    struct work *w = arg;
    uint64_t one = 1;

    /* Of this thread alone: Linux's threads each have their own. */
    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICE);
    w->matches = w->secret.len > 0 &&
                 htpasswd_matches(text_of(&w->secret), text_of(&w->password));
    if (!w->matches && w->decoy.len > 0)
        (void)htpasswd_matches(text_of(&w->decoy), text_of(&w->password));
    (void)!write(w->done, &one, sizeof(one));
    return NULL;
}

/* --- in the loop ---------------------------------------------------------- */

static void
forget(struct work *w)
{
    explicit_bzero(&w->secret, sizeof(w->secret));
    explicit_bzero(&w->decoy, sizeof(w->decoy));
    explicit_bzero(&w->password, sizeof(w->password));
}

static void
on_done(struct watch *watch)
{
    struct verifier *v = container_of(watch, struct verifier, watch);
    uint64_t count;

    if (read(v->work->done, &count, sizeof(count)) < 0)
        return;
    (void)pthread_join(v->thread, NULL);
    v->busy = false;
    forget(v->work);
    v->fn(v->arg, v->work->matches);
}

struct verifier *
verifier_new(struct loop *loop, verifier_fn fn, void *arg)
{
    struct verifier *v = calloc(1, sizeof(*v));
    struct work *w = calloc(1, sizeof(*w));

    if (v == NULL || w == NULL)
        goto free_both;
    w->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->done < 0)
        goto free_both;
    if (watch_start(&v->watch, loop, w->done, on_done) < 0)
        goto close_done;
    v->work = w;
    v->fn = fn;
    v->arg = arg;
    return v;
close_done:
    close(w->done);
free_both:
    free(w);
    free(v);
    return NULL;
}

/* The last of its own work, or what a process that ends takes with it. */
static bool
wait_for_thread(struct verifier *v)
{
    struct pollfd done = {.fd = v->work->done, .events = POLLIN};

    if (poll(&done, 1, LEAVE_MS) == 1)
        return pthread_join(v->thread, NULL) == 0;
    (void)pthread_detach(v->thread);
    return false;
}

void
verifier_free(struct verifier *v)
{
    if (v == NULL)
        return;
    watch_stop(&v->watch);
    if (!v->busy || wait_for_thread(v)) {
        forget(v->work);
        close(v->work->done);
        free(v->work);
    }
    free(v);
}

bool
verifier_is_busy(const struct verifier *v)
{
    return v->busy;
}

static bool
copy(struct text *to, struct str from)
{
    if (from.len > TEXT_MAX)
        return false;
    if (from.len > 0)
        memcpy(to->bytes, from.p, from.len);
    to->len = from.len;
    return true;
}

/* What is meant for the process is for its loop. */
static int
start_thread(struct verifier *v)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int error = pthread_attr_init(&attr);

    if (error == 0) {
        (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
        sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        error = pthread_create(&v->thread, &attr, verify, v->work);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attr);
    }
    errno = error;
    return error == 0 ? 0 : -1;
}

int
verifier_start(struct verifier *v, struct str secret, struct str decoy,
               struct str password)
{
    struct work *w = v->work;

    /* A password that is too long is none, and costs as much. */
    if (!copy(&w->password, password))
        (void)copy(&w->password, STR("-"));
    if (w->password.len != password.len || !copy(&w->secret, secret))
        w->secret.len = 0;
    if (!copy(&w->decoy, decoy))
        w->decoy.len = 0;
    v->busy = true;
    if (start_thread(v) == 0)
        return 0;
    v->busy = false;
    forget(w);
    return -1;
}
