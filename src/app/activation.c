/* SPDX-License-Identifier: MIT */
#include "app/activation.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum {
    ACTIVATION_FIRST = 3, /* as the protocol has it */
    ACTIVATION_MAX = 256,
    ACTIVATION_NAME_MAX = 64,
};

struct activated {
    int fd; /* -1: it was taken */
    bool listens;
    struct addr addr;
    char name[ACTIVATION_NAME_MAX];
};

/* Of the whole process, as its descriptors are. */
static struct activated found[ACTIVATION_MAX];
static unsigned found_count;

static unsigned long
read_number(const char *name)
{
    const char *text = getenv(name);
    char *end;
    unsigned long n;

    if (text == NULL || *text < '0' || *text > '9')
        return 0;
    n = strtoul(text, &end, 10);
    return *end == '\0' ? n : 0;
}

/* The name at place I of "web:ctl". */
static void
read_name(char *name, const char *names, unsigned i)
{
    while (names != NULL && i > 0) {
        names = strchr(names, ':');
        if (names != NULL)
            names++;
        i--;
    }
    if (names == NULL || *names == '\0')
        names = "unnamed";
    (void)snprintf(name, ACTIVATION_NAME_MAX, "%.*s", (int)strcspn(names, ":"),
                   names);
}

static void
look_at(struct activated *a)
{
    int listens = 0;
    int type = 0;
    int flags;
    socklen_t len = sizeof(int);

    (void)fcntl(a->fd, F_SETFD, FD_CLOEXEC);
    if (getsockopt(a->fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        type != SOCK_STREAM)
        return;
    len = sizeof(int);
    if (getsockopt(a->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 ||
        listens == 0 || addr_of_socket(&a->addr, a->fd) < 0)
        return;
    flags = fcntl(a->fd, F_GETFL);
    if (flags < 0 || fcntl(a->fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return;
    a->listens = true;
}

void
activation_init(void)
{
    unsigned long count = read_number("LISTEN_FDS");
    const char *names = getenv("LISTEN_FDNAMES");

    if (read_number("LISTEN_PID") != (unsigned long)getpid())
        count = 0;
    if (count > ACTIVATION_MAX)
        count = ACTIVATION_MAX;
    for (unsigned i = 0; i < count; i++) {
        struct activated *a = &found[i];

        *a = (struct activated){.fd = ACTIVATION_FIRST + (int)i};
        read_name(a->name, names, i);
        look_at(a);
    }
    found_count = (unsigned)count;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

static struct activated *
find(const struct addr *addr)
{
    for (unsigned i = 0; i < found_count; i++) {
        struct activated *a = &found[i];

        if (a->fd >= 0 && a->listens && addr_equal(&a->addr, addr))
            return a;
    }
    return NULL;
}

bool
activation_has(const struct addr *addr)
{
    return find(addr) != NULL;
}

int
activation_take(const struct addr *addr)
{
    struct activated *a = find(addr);
    int fd;

    if (a == NULL)
        return -1;
    fd = a->fd;
    a->fd = -1;
    return fd;
}

void
activation_end(void)
{
    for (unsigned i = 0; i < found_count; i++) {
        struct activated *a = &found[i];
        char text[ADDR_TEXT_MAX];

        if (a->fd < 0)
            continue;
        if (a->listens)
            log_warn("nothing listens on a socket that the service manager "
                     "has opened; closing it name=%s address=%s",
                     a->name, addr_format(&a->addr, text, sizeof(text)));
        else
            log_warn("the service manager has opened what is no listening "
                     "socket; closing it name=%s",
                     a->name);
        close(a->fd);
        a->fd = -1;
    }
    found_count = 0;
}
