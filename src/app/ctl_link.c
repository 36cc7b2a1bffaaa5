/* SPDX-License-Identifier: MIT */
#include "app/ctl_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "app/control_server.h"
#include "app/control_table.h"
#include "base/addr.h"

enum {
    WAIT_SECONDS = 30, /* for an answer, or the next part of it */
};

void
ctl_link_init(struct ctl_link *link, const char *path)
{
    link->path = path;
    link->seconds = 0;
    link->why[0] = '\0';
    buf_init_growing(&link->answer, CTL_LINK_ANSWER_MAX);
}

void
ctl_link_fini(struct ctl_link *link)
{
    buf_fini(&link->answer);
}

/* Until an answer comes. What the master does may have to wait until a script
 * or a configuration is tried, and for exchanges that were asked for before. */
static time_t
wait_seconds(struct str command)
{
    return str_starts_with(command, STR("show ")) ? WAIT_SECONDS
                                                  : CONTROL_LATER_SECONDS;
}

static void
set_unreachable(struct ctl_link *link)
{
    (void)snprintf(link->why, sizeof(link->why),
                   "cannot reach %s: %s; does it run?", link->path,
                   strerror(errno));
}

static int
open_socket(struct ctl_link *link, time_t seconds)
{
    struct timeval wait = {.tv_sec = seconds};
    char text[ADDR_TEXT_MAX];
    const char *why = NULL;
    struct addr addr;
    char *whole = realpath(link->path, NULL); /* it may be relative */
    int fd;

    if (whole == NULL) {
        set_unreachable(link);
        return -1;
    }
    (void)snprintf(text, sizeof(text), "unix:%s", whole);
    free(whole);
    if (addr_parse(&addr, text, &why) < 0) {
        (void)snprintf(link->why, sizeof(link->why), "%s: %s", link->path, why);
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, &addr.sa, addr.len) == 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        return fd;
    }
    set_unreachable(link);
    if (fd >= 0)
        close(fd);
    return -1;
}

static int
send_command(int fd, struct str command)
{
    char memory[CONTROL_COMMAND_MAX];
    struct buf line;

    buf_init(&line, memory, sizeof(memory));
    buf_str(&line, command);
    buf_char(&line, '\n');
    if (line.failed || memchr(command.p, '\n', command.len) != NULL) {
        errno = EINVAL;
        return -1;
    }
    return send(fd, line.p, line.len, MSG_NOSIGNAL) == (ssize_t)line.len ? 0
                                                                         : -1;
}

static int
read_answer(int fd, struct buf *answer)
{
    for (;;) {
        const size_t step = 65536;
        char *to = buf_reserve(answer, step);
        ssize_t n;

        if (to == NULL) {
            errno = ENOMEM;
            return -1;
        }
        n = read(fd, to, step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return (int)n;
        answer->len += (size_t)n;
    }
}

/* "ok" and the result on the lines after it, or "error WHAT". */
static enum ctl_link_result
look_at(struct str *out, struct ctl_link *link)
{
    struct str all = buf_text(&link->answer);
    struct str ok = STR("ok\n");
    struct str error = STR("error ");

    if (str_starts_with(all, ok)) {
        *out = str_slice(all, ok.len, all.len);
        return CTL_LINK_OK;
    }
    if (str_starts_with(all, error)) {
        *out = str_slice(all, error.len, all.len);
        return CTL_LINK_REFUSED;
    }
    (void)snprintf(link->why, sizeof(link->why), "there was no answer");
    return CTL_LINK_GONE;
}

enum ctl_link_result
ctl_link_ask(struct str *out, struct ctl_link *link, struct str command)
{
    time_t seconds =
        link->seconds == 0 ? wait_seconds(command) : (time_t)link->seconds;
    int fd = open_socket(link, seconds);
    int result;

    if (fd < 0)
        return CTL_LINK_GONE;
    buf_reset(&link->answer);
    result = send_command(fd, command);
    if (result == 0)
        result = read_answer(fd, &link->answer);
    if (result < 0)
        (void)snprintf(
            link->why, sizeof(link->why), "cannot speak to %s: %s", link->path,
            errno == EAGAIN ? "there was no answer in time; what was asked for "
                              "may be done all the same"
                            : strerror(errno));
    close(fd);
    return result < 0 ? CTL_LINK_GONE : look_at(out, link);
}
