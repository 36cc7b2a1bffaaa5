/* SPDX-License-Identifier: MIT */
#include "app/descriptors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

enum {
    /* A client and its server. Any worker may have all connections. */
    DESCRIPTORS_PER_CONNECTION = 2,
    /* Listeners, logs, open files, spools. When these and the kept
     * connections run out, accepting pauses (net/acceptor.h). */
    DESCRIPTORS_RESERVED = 512,
    CONNECTIONS_MIN = 16, /* even where the limit is hopeless */
};

/* Tries to have at least WANTED; the limit that there is now. */
static rlim_t
raise_limit(rlim_t wanted)
{
    struct rlimit limit;
    struct rlimit higher;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return wanted;
    if (limit.rlim_cur >= wanted)
        return limit.rlim_cur;
    higher = limit;
    higher.rlim_cur = wanted;
    if (higher.rlim_max < wanted)
        higher.rlim_max = wanted; /* takes a privilege */
    if (setrlimit(RLIMIT_NOFILE, &higher) == 0)
        return wanted;
    higher = limit;
    higher.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &higher) == 0)
        return limit.rlim_max;
    return limit.rlim_cur;
}

uint32_t
descriptors_raise(uint32_t connections)
{
    rlim_t wanted =
        (rlim_t)connections * DESCRIPTORS_PER_CONNECTION + DESCRIPTORS_RESERVED;
    rlim_t limit = raise_limit(wanted);
    rlim_t reserved = DESCRIPTORS_RESERVED;
    uint32_t room = CONNECTIONS_MIN;

    if (limit >= wanted)
        return connections;
    if (reserved > limit / 2)
        reserved = limit / 2;
    if ((limit - reserved) / DESCRIPTORS_PER_CONNECTION > room)
        room = (uint32_t)((limit - reserved) / DESCRIPTORS_PER_CONNECTION);
    return room < connections ? room : connections;
}

static int
compare(const void *a, const void *b)
{
    int x = *(const int *)a;
    int y = *(const int *)b;

    return (x > y) - (x < y);
}

static void
close_between(unsigned first, unsigned last)
{
    if (first <= last && close_range(first, last, 0) < 0)
        log_warn("cannot close inherited descriptors: %s", strerror(errno));
}

void
descriptors_close_others(int *keep, size_t count)
{
    unsigned next = STDERR_FILENO + 1;

    qsort(keep, count, sizeof(*keep), compare);
    for (size_t i = 0; i < count; i++) {
        if (keep[i] < (int)next)
            continue;
        close_between(next, (unsigned)keep[i] - 1);
        next = (unsigned)keep[i] + 1;
    }
    close_between(next, ~0U);
}
