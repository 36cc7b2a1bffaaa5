/* SPDX-License-Identifier: MIT */
#include "app/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "app/control_server.h"
#include "base/addr.h"
#include "base/buf.h"

enum {
    COMMAND_MAX = 1024,
    ANSWER_MAX = 64 << 20,
    WAIT_SECONDS = 30, /* for an answer, or the next part of it */
};

/* Until an answer comes. What is said about scripts may have to wait until one
 * is tried, and for exchanges that were asked for before. */
static time_t
wait_seconds(const char *word)
{
    return strcmp(word, "script") == 0 || strcmp(word, "upgrade") == 0
               ? CONTROL_LATER_SECONDS
               : WAIT_SECONDS;
}

static int
open_socket(const char *path, time_t seconds)
{
    struct timeval wait = {.tv_sec = seconds};
    char text[ADDR_TEXT_MAX];
    const char *why = NULL;
    struct addr addr;
    char *whole = realpath(path, NULL); /* what was typed may be relative */
    int fd = -1;

    if (whole == NULL)
        goto unreachable;
    (void)snprintf(text, sizeof(text), "unix:%s", whole);
    free(whole);
    if (addr_parse(&addr, text, &why) < 0) {
        fprintf(stderr, "moongate: %s: %s\n", path, why);
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, &addr.sa, addr.len) == 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        return fd;
    }

unreachable:
    fprintf(stderr, "moongate: cannot reach %s: %s; does it run?\n", path,
            strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static int
send_command(int fd, char *const *words, int count)
{
    char memory[COMMAND_MAX];
    struct buf command;

    buf_init(&command, memory, sizeof(memory));
    for (int i = 0; i < count; i++) {
        buf_str(&command, str_from(words[i]));
        buf_char(&command, i + 1 < count ? ' ' : '\n');
    }
    if (command.failed || memchr(memory, '\n', command.len - 1) != NULL) {
        errno = EINVAL;
        return -1;
    }
    return send(fd, command.p, command.len, MSG_NOSIGNAL) ==
                   (ssize_t)command.len
               ? 0
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
        if (n <= 0)
            return (int)n;
        answer->len += (size_t)n;
    }
}

/* "ok" and the result on the lines after it, or "error WHAT". */
static int
print_answer(struct str answer)
{
    struct str ok = STR("ok\n");
    struct str error = STR("error ");

    if (str_starts_with(answer, ok)) {
        struct str result = str_slice(answer, ok.len, answer.len);

        fwrite(result.p, 1, result.len, stdout);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (str_starts_with(answer, error))
        fprintf(stderr, "moongate: " STR_FMT,
                STR_ARG(str_slice(answer, error.len, answer.len)));
    else
        fprintf(stderr, "moongate: there was no answer\n");
    return EXIT_FAILURE;
}

int
ctl_run(const char *path, char *const *words, int count)
{
    int status = EXIT_FAILURE;
    struct buf answer;
    int fd = open_socket(path, wait_seconds(words[0]));

    if (fd < 0)
        return EXIT_FAILURE;
    buf_init_growing(&answer, ANSWER_MAX);
    if (send_command(fd, words, count) < 0 || read_answer(fd, &answer) < 0)
        fprintf(stderr, "moongate: cannot speak to %s: %s\n", path,
                errno == EAGAIN ? "there was no answer in time; what was asked "
                                  "for may be done all the same"
                                : strerror(errno));
    else
        status = print_answer(buf_text(&answer));
    buf_fini(&answer);
    close(fd);
    return status;
}
