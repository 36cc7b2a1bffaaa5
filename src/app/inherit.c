/* SPDX-License-Identifier: MIT */
#include "app/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/message.h"
#include "app/setup.h"
#include "app/socket_file.h"
#include "base/buf.h"
#include "base/log.h"

/* --- reading -------------------------------------------------------------- */

bool
inherit_is_meant(void)
{
    return getenv(INHERIT_VARIABLE) != NULL;
}

/* A descriptor that was said to be open; the next program does not get it by
 * accident. */
static bool
is_open(int fd)
{
    return fd > STDERR_FILENO && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static bool
add_socket(struct inherit *in, unsigned column, int fd, bool foreign)
{
    struct inherited_socket *s;
    size_t size = (in->socket_count + 1) * sizeof(*s);

    in->sockets = xrealloc(in->sockets, size);
    s = &in->sockets[in->socket_count];
    *s = (struct inherited_socket){
        .fd = fd,
        .column = column,
        .foreign = foreign,
    };
    if (addr_of_socket(&s->addr, fd) < 0)
        return false;
    in->socket_count++;
    return true;
}

static bool
read_shared(struct inherit *in, const char *line)
{
    unsigned number;
    int fd;

    if (sscanf(line, "board %u %d", &in->layout, &in->board) == 2)
        return is_open(in->board);
    if (sscanf(line, "log_wake %d", &in->log_wake) == 1)
        return is_open(in->log_wake);
    if (sscanf(line, "stats_link %d %d", &in->stats_link[0],
               &in->stats_link[1]) == 2)
        return is_open(in->stats_link[0]) && is_open(in->stats_link[1]);
    if (sscanf(line, "control_wake %d", &in->control_wake) == 1)
        return is_open(in->control_wake);
    if (sscanf(line, "wake %u %d", &number, &fd) != 2 ||
        number != in->wake_count || number >= BOARD_WORKERS_MAX)
        return false;
    in->wakes[in->wake_count++] = fd;
    return is_open(fd);
}

static bool
read_line(struct inherit *in, const char *line)
{
    unsigned column;
    int at = 0;
    int fd;

    if (strcmp(line, INHERIT_FIRST) == 0)
        return true;
    if (sscanf(line, "link %d", &in->link) == 1)
        return is_open(in->link);
    if (sscanf(line, "socket %u %d %n", &column, &fd, &at) == 2)
        return is_open(fd) &&
               add_socket(in, column, fd, strcmp(line + at, "foreign") == 0);
    if (sscanf(line, "control %d %n", &in->control, &at) == 1 && at > 0) {
        in->control_path = xstrdup(line + at);
        return is_open(in->control);
    }
    if (sscanf(line, "pidfile %n", &at) == 0 && at > 0) {
        in->pidfile = xstrdup(line + at);
        return true;
    }
    return read_shared(in, line);
}

static int
read_record(struct inherit *in, FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    bool good = true;
    ssize_t n;

    while (good && (n = getline(&line, &size, file)) > 0) {
        line[n - 1] = '\0'; /* each has its newline */
        good = read_line(in, line);
    }
    free(line);
    return good && in->link >= 0 ? 0 : -1;
}

static FILE *
open_record(void)
{
    int fd = -1;

    if (sscanf(getenv(INHERIT_VARIABLE), "%d", &fd) != 1 || !is_open(fd) ||
        lseek(fd, 0, SEEK_SET) < 0)
        return NULL;
    return fdopen(fd, "r");
}

int
inherit_open(struct inherit *in)
{
    FILE *file;
    int result;

    *in = (struct inherit){
        .link = -1,
        .board = -1,
        .log_wake = -1,
        .stats_link = {-1, -1},
        .control_wake = -1,
        .control = -1,
    };
    if (!inherit_is_meant())
        return 0;
    file = open_record();
    unsetenv(INHERIT_VARIABLE);
    result = file == NULL ? -1 : read_record(in, file);
    if (file != NULL)
        fclose(file);
    if (result < 0)
        log_error("cannot read what the older program hands over");
    return result;
}

/* --- taking --------------------------------------------------------------- */

int
inherit_take(struct inherit *in, const struct addr *addr, unsigned column)
{
    for (size_t i = 0; in != NULL && i < in->socket_count; i++) {
        struct inherited_socket *s = &in->sockets[i];
        int fd = s->fd;

        if (fd < 0 || s->column != column || !addr_equal(&s->addr, addr))
            continue;
        s->fd = -1;
        return fd;
    }
    return -1;
}

unsigned
inherit_columns(const struct inherit *in, const struct addr *addr)
{
    unsigned columns = 0;

    for (size_t i = 0; in != NULL && i < in->socket_count; i++) {
        const struct inherited_socket *s = &in->sockets[i];

        if (addr_equal(&s->addr, addr) && s->column >= columns)
            columns = s->column + 1;
    }
    return columns;
}

bool
inherit_is_foreign(const struct inherit *in, const struct addr *addr)
{
    for (size_t i = 0; in != NULL && i < in->socket_count; i++) {
        if (in->sockets[i].foreign && addr_equal(&in->sockets[i].addr, addr))
            return true;
    }
    return false;
}

/* --- telling -------------------------------------------------------------- */

void
inherit_say(const struct inherit *in, struct str text)
{
    const struct message m = {
        .kind = MESSAGE_UPGRADE_WHY,
        .fd = -1,
        .text = text,
    };

    if (in->link >= 0)
        (void)message_send(in->link, &m);
}

void
inherit_say_faults(const struct inherit *in, const struct faults *faults)
{
    char memory[MESSAGE_TEXT_MAX];
    struct buf text;

    buf_init(&text, memory, sizeof(memory));
    setup_write_faults(faults, &text);
    inherit_say(in, buf_text(&text));
}

static void
on_line(void *arg, enum log_level level, const char *line, size_t len)
{
    (void)fwrite(line, 1, len, stderr);
    if (level == LOG_LEVEL_ERROR)
        inherit_say(arg, str_make(line, len));
}

void
inherit_log(struct inherit *in)
{
    if (in->link >= 0)
        log_set_sink(on_line, in);
}

/* --- the rest ------------------------------------------------------------- */

static void
close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void
close_socket(int *fd, const struct addr *addr, bool taken_over)
{
    struct socket_file file;

    if (*fd >= 0 && taken_over && addr->sa.sa_family == AF_UNIX &&
        socket_file_adopt(&file, addr, *fd) == 0) {
        socket_file_share(&file, false);
        socket_file_hide(&file);
    }
    close_one(fd);
}

static void
close_control(struct inherit *in, bool taken_over)
{
    struct addr addr;

    if (in->control >= 0 && addr_of_socket(&addr, in->control) == 0)
        close_socket(&in->control, &addr, taken_over);
    close_one(&in->control);
}

void
inherit_close(struct inherit *in, bool taken_over)
{
    for (size_t i = 0; i < in->socket_count; i++)
        close_socket(&in->sockets[i].fd, &in->sockets[i].addr, taken_over);
    close_control(in, taken_over);
    close_one(&in->link);
    close_one(&in->board);
    close_one(&in->log_wake);
    close_one(&in->stats_link[0]);
    close_one(&in->stats_link[1]);
    close_one(&in->control_wake);
    for (size_t i = 0; i < in->wake_count; i++)
        close_one(&in->wakes[i]);
    in->wake_count = 0;
    free(in->control_path);
    free(in->pidfile);
    free(in->sockets);
    in->control_path = NULL;
    in->pidfile = NULL;
    in->sockets = NULL;
    in->socket_count = 0;
}
