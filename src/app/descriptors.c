/* SPDX-License-Identifier: MIT */
#include "app/descriptors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy/file_cache.h"

enum {
    /* Listeners, logs, open files, spools, what wakes each worker. When these
     * and the kept connections run out, accepting pauses (net/acceptor.h). */
    DESCRIPTORS_RESERVED = 768,
    /* Open files where there are no servers; else what is set aside for the
     * connections to those does for them, too. */
    DESCRIPTORS_OF_FILES = FILE_CACHE_MAX,
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

static rlim_t
larger(rlim_t a, rlim_t b)
{
    return a > b ? a : b;
}

/* Any worker may have all connections. */
uint32_t
descriptors_raise(uint32_t connections, bool with_servers, size_t sockets)
{
    rlim_t each = with_servers ? 2 : 1;
    rlim_t reserved =
        DESCRIPTORS_RESERVED + (with_servers ? 0 : DESCRIPTORS_OF_FILES);
    rlim_t in_worker = connections * each + reserved;
    rlim_t in_master = sockets + DESCRIPTORS_RESERVED;
    rlim_t limit = raise_limit(larger(in_worker, in_master));
    rlim_t room;

    if (limit >= in_worker)
        return connections;
    if (reserved > limit / 2)
        reserved = limit / 2;
    room = larger((limit - reserved) / each, CONNECTIONS_MIN);
    return room < connections ? (uint32_t)room : connections;
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
