/* SPDX-License-Identifier: MIT */
#include "app/script_watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/resources.h"
#include "app/swap.h"
#include "app/swap_ask.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "script/bundle.h"

enum {
    FOLDERS_MAX = 1024,  /* that are watched */
    DEPTH_MAX = 16,      /* of folders below script_path */
    SETTLE_MS = 100,     /* without an event, until they are looked at */
    UNSETTLED_MS = 1000, /* or so long after the first one */
    EVENTS_BYTES = 16384,
    EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
             IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF,
};

struct watched {
    int wd;
    char *path; /* of the folder */
    char *name; /* of the one entry that counts; NULL: all */
};

/* --- what is watched ------------------------------------------------------ */

static void
warn(struct script_watch *w, const char *path, const char *reason)
{
    if (!w->warned)
        log_warn("script_watch: not everything is watched, from %s on: %s",
                 path, reason);
    w->warned = true;
}

static bool
has(const struct script_watch *w, int wd, const char *name)
{
    for (unsigned i = 0; i < w->count; i++) {
        const char *known = w->items[i].name;

        if (w->items[i].wd == wd &&
            (known == NULL || (name != NULL && strcmp(known, name) == 0)))
            return true;
    }
    return false;
}

/* Watches a folder, or one entry of it. False: it was watched already, or
 * cannot be. */
static bool
add(struct script_watch *w, const char *path, const char *name)
{
    int wd = inotify_add_watch(w->fd, path, EVENTS | IN_ONLYDIR);
    struct watched item = {.wd = wd};

    if (wd < 0 && errno != ENOENT && errno != ENOTDIR)
        warn(w, path, strerror(errno));
    if (wd < 0 || has(w, wd, name))
        return false;
    if (w->count == FOLDERS_MAX) {
        warn(w, path, "too many folders");
        return false;
    }
    item.path = strdup(path);
    item.name = name == NULL ? NULL : strdup(name);
    if (item.path == NULL || (name != NULL && item.name == NULL)) {
        free(item.path);
        free(item.name);
        return false;
    }
    w->items[w->count++] = item;
    return true;
}

/* The folder that PATH is in. */
static void
add_parent(struct script_watch *w, const char *path, bool all)
{
    char folder[PATH_MAX];
    char *slash;

    (void)snprintf(folder, sizeof(folder), "%s", path);
    slash = strrchr(folder, '/');
    if (slash == NULL)
        return;
    *slash = '\0';
    (void)add(w, slash == folder ? "/" : folder, all ? NULL : slash + 1);
}

/* The places where links stand in PATH, and that of its last part: any of them
 * may be exchanged. */
static void
add_links(struct script_watch *w, const char *path)
{
    char part[PATH_MAX];
    struct stat st;

    for (size_t i = 1; path[i - 1] != '\0' && i < sizeof(part); i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        (void)snprintf(part, sizeof(part), "%.*s", (int)i, path);
        if (path[i] == '\0' || (lstat(part, &st) == 0 && S_ISLNK(st.st_mode)))
            add_parent(w, part, false);
    }
}

static void add_tree(struct script_watch *w, const char *path, unsigned depth);

/* A folder, or what a link means. */
static void
add_entry(struct script_watch *w, const char *path, unsigned char type,
          unsigned depth)
{
    char whole[PATH_MAX];
    struct stat st;

    if (type == DT_REG || stat(path, &st) < 0)
        return;
    if (S_ISDIR(st.st_mode))
        add_tree(w, path, depth + 1);
    else if (S_ISREG(st.st_mode) && realpath(path, whole) != NULL)
        add_parent(w, whole, true);
}

/* The folder and those below it; a circle of links ends where it is known. */
static void
add_tree(struct script_watch *w, const char *path, unsigned depth)
{
    const struct dirent *entry;
    DIR *folder;

    if (depth > DEPTH_MAX || !add(w, path, NULL))
        return;
    folder = opendir(path);
    if (folder == NULL)
        return;
    /* cppcheck-suppress readdirCalled ; there are no threads */
    while ((entry = readdir(folder)) != NULL) {
        char inner[PATH_MAX];
        int len = snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);

        if (strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0 && len < (int)sizeof(inner))
            add_entry(w, inner, entry->d_type, depth);
    }
    closedir(folder);
}

static void
add_script(struct script_watch *w, const char *path)
{
    char whole[PATH_MAX];

    add_links(w, path);
    if (realpath(path, whole) != NULL) {
        add_links(w, whole);
        add_parent(w, whole, true);
    }
}

static void
add_all(struct script_watch *w)
{
    const struct resources *r = w->resources;
    const char *own = r->config->global.script_path.p;

    if (own != NULL) {
        add_links(w, own);
        add_tree(w, own, 0);
    }
    for (size_t i = 0; i < r->bundles.count; i++) {
        const char *name = r->bundles.items[i]->name;

        if (name[0] == '/')
            add_script(w, name);
    }
}

static void
forget(struct script_watch *w)
{
    if (w->fd < 0)
        return;
    watch_stop(&w->watch);
    close(w->fd);
    w->fd = -1;
    for (unsigned i = 0; i < w->count; i++) {
        free(w->items[i].path);
        free(w->items[i].name);
    }
    w->count = 0;
}

/* --- what happens there --------------------------------------------------- */

/* What editors write beside a file is not worth a look. */
static bool
is_litter(struct str name)
{
    return str_ends_with(name, STR("~")) || str_ends_with(name, STR(".swp")) ||
           str_ends_with(name, STR(".swx")) || str_equal(name, STR("4913"));
}

/* A new file is not complete before it is closed. */
static bool
is_file_to_come(const struct watched *item, const struct inotify_event *event)
{
    char path[PATH_MAX];
    struct stat st;

    if ((event->mask & IN_CREATE) == 0 || event->len == 0)
        return false;
    (void)snprintf(path, sizeof(path), "%s/%s", item->path, event->name);
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool
matters_to(const struct watched *item, const struct inotify_event *event)
{
    const char *name = event->len > 0 ? event->name : "";

    if (item->wd != event->wd)
        return false;
    if (item->name != NULL)
        return strcmp(item->name, name) == 0;
    return !is_litter(str_from(name)) && !is_file_to_come(item, event);
}

static bool
matters(const struct script_watch *w, const struct inotify_event *event)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0)
        return true;
    if ((event->mask & IN_IGNORED) != 0)
        return false;
    for (unsigned i = 0; i < w->count; i++) {
        if (matters_to(&w->items[i], event))
            return true;
    }
    return false;
}

static void
wait_for_quiet(struct script_watch *w)
{
    uint64_t now = clock_ms();

    if (!timer_is_running(&w->settle))
        w->first_ms = now;
    if (now - w->first_ms < UNSETTLED_MS)
        loop_start_timer(w->loop, &w->settle, SETTLE_MS);
}

static void
on_events(struct watch *watch)
{
    struct script_watch *w = container_of(watch, struct script_watch, watch);
    _Alignas(struct inotify_event) char bytes[EVENTS_BYTES];
    ssize_t n = read(watch_fd(watch), bytes, sizeof(bytes));
    bool changed = false;

    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *event = (const void *)(bytes + at);

        changed = changed || matters(w, event);
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    if (changed)
        wait_for_quiet(w);
}

/* --- the whole ------------------------------------------------------------ */

static void
begin(struct script_watch *w)
{
    w->warned = false;
    if (w->items == NULL)
        w->items = calloc(FOLDERS_MAX, sizeof(*w->items));
    if (w->items == NULL) {
        log_warn("script_watch: scripts are not watched: %s", strerror(errno));
        return;
    }
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd >= 0 && watch_start(&w->watch, w->loop, w->fd, on_events) < 0) {
        close(w->fd);
        w->fd = -1;
    }
    if (w->fd < 0)
        log_warn("script_watch: scripts are not watched: %s", strerror(errno));
    else
        add_all(w);
}

/* First the watches, so that nothing changes unseen: folders may have come, and
 * links may lead elsewhere. */
static void
on_settle(struct timer *timer)
{
    struct script_watch *w = container_of(timer, struct script_watch, settle);

    forget(w);
    begin(w);
    swap_scan(w->swap);
}

static bool
is_wanted(const struct script_watch *w)
{
    return w->resources->config->global.script_watch;
}

/* There may be other scripts, in other folders. */
static void
on_config(void *arg)
{
    struct script_watch *w = arg;

    timer_stop(&w->settle);
    forget(w);
    if (!is_wanted(w))
        return;
    begin(w);
    swap_scan(w->swap);
}

void
script_watch_start(struct script_watch *w, struct swap *swap, struct loop *loop,
                   const struct resources *resources)
{
    w->swap = swap;
    w->loop = loop;
    w->resources = resources;
    w->fd = -1;
    timer_init(&w->settle, on_settle);
    swap->on_config = on_config;
    swap->on_config_arg = w;
    if (is_wanted(w))
        begin(w);
}

void
script_watch_look(struct script_watch *w)
{
    if (w->fd >= 0)
        swap_scan(w->swap);
}

void
script_watch_stop(struct script_watch *w)
{
    if (w->loop == NULL)
        return;
    w->swap->on_config = NULL;
    timer_stop(&w->settle);
    forget(w);
    free(w->items);
    w->items = NULL;
}
