/* SPDX-License-Identifier: MIT */
#include "base/confine.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Of the whole process, as its root is. Without a slash at the end. */
static char confined_to[PATH_MAX];
static size_t confined_len;
static bool is_on;

int
confine_enter(const char *folder)
{
    size_t len = strlen(folder);

    while (len > 0 && folder[len - 1] == '/')
        len--;
    if (len >= sizeof(confined_to)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    /* libc would look at the zone's file again, and find none. */
    if (setenv("TZ", ":/etc/localtime", 0) < 0)
        return -1;
    tzset();
    if (chdir(folder) < 0 || chroot(".") < 0 || chdir("/") < 0)
        return -1;
    memcpy(confined_to, folder, len);
    confined_len = len;
    is_on = true;
    return 0;
}

bool
confine_is_on(void)
{
    return is_on;
}

const char *
confine_path(const char *path)
{
    if (confined_len == 0 || strncmp(path, confined_to, confined_len) != 0)
        return path;
    if (path[confined_len] == '\0')
        return "/";
    return path[confined_len] == '/' ? path + confined_len : path;
}

bool
confine_holds(struct str folder, struct str path)
{
    while (folder.len > 0 && folder.p[folder.len - 1] == '/')
        folder.len--;
    return str_starts_with(path, folder) &&
           (path.len == folder.len || path.p[folder.len] == '/');
}
