/* SPDX-License-Identifier: MIT */
#include "app/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    NOTIFY_TEXT_MAX = 512,
    NOTIFY_MINUTES_MAX = 24 * 60, /* a longer watchdog is as good as none */
};

/* Of the whole process, as the environment is that it comes from. */
static struct {
    struct sockaddr_un addr;
    socklen_t addr_len; /* 0: nobody listens */
    uint64_t watchdog_ms;
} manager;

/* A path, or a name of the abstract kind with @ for its first byte. */
static void
read_socket(const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);

    if (len < 2 || len >= sizeof(manager.addr.sun_path) ||
        (text[0] != '/' && text[0] != '@'))
        return;
    manager.addr.sun_family = AF_UNIX;
    memcpy(manager.addr.sun_path, text, len);
    manager.addr_len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (text[0] == '@')
        manager.addr.sun_path[0] = '\0';
    else
        manager.addr_len++;
}

static bool
read_number(uint64_t *number, const char *name)
{
    const char *text = getenv(name);
    char *end;

    if (text == NULL || *text < '0' || *text > '9')
        return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0';
}

void
notify_init(void)
{
    uint64_t usec;
    uint64_t pid;

    manager.addr_len = 0;
    manager.watchdog_ms = 0;
    read_socket(getenv("NOTIFY_SOCKET"));
    if (!read_number(&usec, "WATCHDOG_USEC") ||
        (read_number(&pid, "WATCHDOG_PID") && pid != (uint64_t)getpid()) ||
        usec > (uint64_t)NOTIFY_MINUTES_MAX * 60 * 1000 * 1000)
        usec = 0;
    manager.watchdog_ms = usec / 2 / 1000;
    unsetenv("WATCHDOG_PID");
}

void
notify_forget(void)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    manager.addr_len = 0;
    manager.watchdog_ms = 0;
}

bool
notify_is_wanted(void)
{
    return manager.addr_len > 0;
}

uint64_t
notify_watchdog_ms(void)
{
    return notify_is_wanted() ? manager.watchdog_ms : 0;
}

/* Whoever does not take it in time does not get it: nothing here waits. */
static void
send_text(const char *text)
{
    int fd;

    if (!notify_is_wanted())
        return;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
                 (const struct sockaddr *)&manager.addr, manager.addr_len);
    close(fd);
}

static void __attribute__((format(printf, 1, 2)))
send_format(const char *format, ...)
{
    char text[NOTIFY_TEXT_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    send_text(text);
}

void
notify_ready(void)
{
    send_format("READY=1\nMAINPID=%ld", (long)getpid());
}

/* The time tells the manager which READY=1 belongs to this. */
void
notify_reloading(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    send_format("RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void
notify_stopping(void)
{
    send_text("STOPPING=1\nSTATUS=stopping");
}

void
notify_watchdog(void)
{
    send_text("WATCHDOG=1");
}

void
notify_status(const char *format, ...)
{
    char text[NOTIFY_TEXT_MAX / 2];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    send_format("STATUS=%s", text);
}

void
notify_mainpid(pid_t pid)
{
    send_format("MAINPID=%ld", (long)pid);
}

void
notify_errno(int error)
{
    if (error != 0)
        send_format("ERRNO=%d\nSTATUS=cannot start: %s", error,
                    strerror(error));
    else
        send_text("STATUS=cannot start");
}
