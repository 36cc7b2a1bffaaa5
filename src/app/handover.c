/* SPDX-License-Identifier: MIT */
#include "app/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/descriptors.h"
#include "app/launch.h"
#include "app/resources.h"
#include "board/board.h"

/* The record while it is written, and the descriptors that it names. */
struct record {
    FILE *file;
    int *keep;
    size_t count;
};

static int
keep(struct record *record, int fd)
{
    record->keep[record->count++] = fd;
    return fd;
}

static void
write_sockets(struct record *record, const struct sockets *s)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        const int *fds = &s->fds[i * s->columns];
        bool one_for_all = s->files[i].fd >= 0;

        for (unsigned w = 0; w < s->columns; w++) {
            if (fds[w] >= 0 && (w == 0 || !one_for_all))
                fprintf(record->file, "socket %u %d%s\n", w,
                        keep(record, fds[w]), s->foreign[i] ? " foreign" : "");
        }
    }
}

/* One for each address, which the newer program takes by it, too. */
static void
write_stats(struct record *record, const struct resources *r)
{
    const int *link = r->shared.stats_link;

    for (size_t i = 0; i < r->stats.count; i++)
        fprintf(record->file, "socket 0 %d\n", keep(record, r->stats.fds[i]));
    fprintf(record->file, "stats_link %d %d\n", keep(record, link[0]),
            keep(record, link[1]));
}

static void
write_board(struct record *record, const struct board *board)
{
    fprintf(record->file, "board %u %d\n", board_layout(),
            keep(record, board->fd));
    fprintf(record->file, "control_wake %d\n",
            keep(record, board->control_wake));
    for (unsigned i = 0; i < board->header->limits.workers; i++)
        fprintf(record->file, "wake %u %d\n", i, keep(record, board->wakes[i]));
}

static int
write_record(struct record *record, const struct resources *r, int link)
{
    fprintf(record->file, INHERIT_FIRST "\nlink %d\n", keep(record, link));
    write_sockets(record, &r->sockets);
    write_stats(record, r);
    write_board(record, r->board);
    fprintf(record->file, "log_wake %d\n", keep(record, r->shared.log_wake));
    if (r->control.fd >= 0)
        fprintf(record->file, "control %d %s\n", keep(record, r->control.fd),
                r->config->global.control.p);
    if (r->pidfile.path != NULL)
        fprintf(record->file, "pidfile %s\n", r->pidfile.path);
    return fflush(record->file) == 0 ? 0 : -1;
}

/* The new program is to get them. */
static int
pass_on(struct record *record)
{
    descriptors_close_others(record->keep, record->count);
    for (size_t i = 0; i < record->count; i++) {
        if (fcntl(record->keep[i], F_SETFD, 0) < 0)
            return -1;
    }
    return 0;
}

void
handover_exec(const struct resources *r, int link)
{
    size_t sockets =
        r->sockets.listener_count * r->sockets.columns + r->stats.count;
    int fd = memfd_create("moongate-inherit", MFD_CLOEXEC);
    struct record record = {
        .file = fd < 0 ? NULL : fdopen(fd, "w"),
        .keep = calloc(sockets + BOARD_WORKERS_MAX + 16, sizeof(int)),
    };
    char variable[64];

    if (record.file == NULL || record.keep == NULL ||
        write_record(&record, r, link) < 0)
        return;
    (void)keep(&record, fd);
    if (pass_on(&record) < 0)
        return;
    (void)snprintf(variable, sizeof(variable), INHERIT_VARIABLE "=%d", fd);
    launch_again(variable);
}
