/* SPDX-License-Identifier: MIT */
#include "net/conduit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void
conduit_free(struct conduit_pool *pool, struct conduit *conduit)
{
    close(conduit->in);
    close(conduit->out);
    free(conduit);
    pool->count--;
}

static struct conduit *
take_free(struct conduit_pool *pool)
{
    struct conduit *conduit = pool->free;

    if (conduit == NULL)
        return NULL;
    pool->free = conduit->next;
    pool->free_count--;
    if (pool->free_count < pool->unused)
        pool->unused = pool->free_count;
    return conduit;
}

/* Closes as many as nobody needed since the last look. */
static void
on_look(struct timer *timer)
{
    struct conduit_pool *pool = container_of(timer, struct conduit_pool, look);

    for (unsigned i = pool->unused; i > 0; i--)
        conduit_free(pool, take_free(pool));
    pool->unused = pool->free_count;
    if (pool->count > 0)
        loop_start_timer(pool->loop, timer, CONDUIT_LOOK_MS);
}

void
conduit_pool_init(struct conduit_pool *pool, struct loop *loop)
{
    *pool = (struct conduit_pool){.loop = loop};
    timer_init(&pool->look, on_look);
}

void
conduit_pool_fini(struct conduit_pool *pool)
{
    timer_stop(&pool->look);
    for (struct conduit *c; (c = take_free(pool)) != NULL;)
        conduit_free(pool, c);
}

static struct conduit *
conduit_new(struct conduit_pool *pool)
{
    struct conduit *conduit;
    int ends[2];

    if (pool->count == CONDUITS_MAX)
        return NULL;
    conduit = malloc(sizeof(*conduit));
    if (conduit == NULL)
        return NULL;
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) {
        free(conduit);
        return NULL;
    }
    /* It serves at the kernel's own size as well. */
    (void)fcntl(ends[1], F_SETPIPE_SZ, CONDUIT_SIZE);
    conduit->out = ends[0];
    conduit->in = ends[1];
    pool->count++;
    if (!timer_is_running(&pool->look))
        loop_start_timer(pool->loop, &pool->look, CONDUIT_LOOK_MS);
    return conduit;
}

struct conduit *
conduit_take(struct conduit_pool *pool)
{
    struct conduit *conduit = take_free(pool);

    if (conduit == NULL)
        conduit = conduit_new(pool);
    if (conduit != NULL)
        conduit->held = 0;
    return conduit;
}

void
conduit_give(struct conduit_pool *pool, struct conduit *conduit)
{
    if (conduit == NULL)
        return;
    if (conduit->held > 0) {
        conduit_free(pool, conduit);
        return;
    }
    conduit->next = pool->free;
    pool->free = conduit;
    pool->free_count++;
}
