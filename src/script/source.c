/* SPDX-License-Identifier: MIT */
#include "script/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/runtime.h"
#include "script/bundle.h"
#include "script/script.h"

static char why_text[PATH_MAX + 128];

void
source_fini(struct source *source)
{
    if (!source->borrowed)
        free(source->text);
    *source = (struct source){0};
}

static int
read_whole(struct source *out, int fd, size_t size)
{
    char *text = malloc(size + 1);
    size_t len = 0;

    if (text == NULL)
        return -1;
    while (len < size) {
        ssize_t n = read(fd, text + len, size - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    text[len] = '\0';
    *out = (struct source){.text = text, .len = len};
    return 0;
}

/* -1 with errno. */
static int
read_path(struct source *out, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int result = -1;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        result = -1;
    else if (!S_ISREG(st.st_mode))
        errno = EINVAL;
    else if (st.st_size > SOURCE_MAX)
        errno = EFBIG;
    else
        result = read_whole(out, fd, (size_t)st.st_size);
    (void)close(fd);
    return result;
}

/* The first time they may be read by root, and later are not. */
static const char *
why_errno(void)
{
    if (errno == EINVAL)
        return "not a regular file";
    if (errno == EACCES)
        return "Permission denied; scripts are tried as the user of the "
               "configuration, who has to be able to read them";
    return strerror(errno);
}

/* Whether PATH has a segment "..". */
static bool
climbs(const char *path)
{
    for (const char *p = path; (p = strstr(p, "..")) != NULL; p += 2) {
        if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
            return true;
    }
    return false;
}

static int
refuse(const char **why, const char *path, const char *reason)
{
    (void)snprintf(why_text, sizeof(why_text), "%s: %s", path, reason);
    *why = why_text;
    return -1;
}

/* 0 found, 1 not there, -1 with *WHY. */
static int
try_folder(struct source *out, const char *folder, const char *name,
           const char **why)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/%s", folder, name);

    if (len < 0 || (size_t)len >= sizeof(path))
        return refuse(why, name, "the path is too long");
    if (read_path(out, path) == 0)
        return 0;
    if (errno == ENOENT || errno == ENOTDIR)
        return 1;
    return refuse(why, path, why_errno());
}

/* The script NAME: an absolute path, or one below the two folders. */
static int
find_script(struct source *out, const struct scripts *scripts, const char *name,
            const char **why)
{
    const char *own = scripts->runtime->conf->global.script_path.p;
    int found = 1;

    if (name[0] == '/') {
        if (read_path(out, name) == 0)
            return 0;
        return refuse(why, name, why_errno());
    }
    if (climbs(name))
        return refuse(why, name, "'..' may not stand in the name of a script");
    if (own != NULL)
        found = try_folder(out, own, name, why);
    if (found > 0)
        found = try_folder(out, scripts->shipped, name, why);
    if (found <= 0)
        return found;
    (void)snprintf(why_text, sizeof(why_text), "no file '%s' in %s%s%s", name,
                   own == NULL ? "" : own, own == NULL ? "" : " or ",
                   scripts->shipped);
    *why = why_text;
    return -1;
}

/* A file below script_path; symbolic links may not lead out of it. */
static int
read_below(struct source *out, const struct scripts *scripts, const char *path,
           const char **why)
{
    const char *folder = scripts->runtime->conf->global.script_path.p;
    char wanted[PATH_MAX];
    char real_folder[PATH_MAX];
    char real_file[PATH_MAX];
    size_t len;

    if (folder == NULL)
        return refuse(why, path, "there is no script_path");
    (void)snprintf(wanted, sizeof(wanted), "%s/%s", folder, path);
    if (realpath(folder, real_folder) == NULL)
        return refuse(why, folder, strerror(errno));
    if (realpath(wanted, real_file) == NULL)
        return refuse(why, path, strerror(errno));
    len = strlen(real_folder);
    if (strncmp(real_file, real_folder, len) != 0 || real_file[len] != '/')
        return refuse(why, path, "not below script_path");
    if (read_path(out, real_file) < 0)
        return refuse(why, path, why_errno());
    return 0;
}

/* --- by way of a bundle --------------------------------------------------- */

static int
read_disk(struct source *out, const struct scripts *scripts,
          enum bundle_kind kind, const char *name, const char **why)
{
    if (kind == BUNDLE_FILE)
        return read_below(out, scripts, name, why);
    return find_script(out, scripts, name, why);
}

static int
lend(struct source *out, const struct bundle_file *file, const char **why)
{
    if (file->missing) {
        *why = file->text;
        return -1;
    }
    *out =
        (struct source){.text = file->text, .len = file->len, .borrowed = true};
    return 0;
}

static int
refuse_bundle(const char **why, const char *name)
{
    if (errno != EFBIG)
        return refuse(why, name, strerror(errno));
    return refuse(why, name,
                  "a script may read 1000 files of 64 MiB altogether");
}

/* Records why there is none; a script that is not there at all has no bundle
 * worth keeping. */
static int
record_missing(struct bundle *bundle, enum bundle_kind kind, const char *name,
               const char **why)
{
    if (kind != BUNDLE_SCRIPT &&
        bundle_add(bundle, kind, name, str_from(*why), true) < 0)
        return refuse_bundle(why, name);
    return -1;
}

/* Records SOURCE, which is given back, and lends what the bundle has now. */
static int
record(struct source *out, struct bundle *bundle, enum bundle_kind kind,
       const char *name, struct source *source, const char **why)
{
    struct str text = str_make(source->text, source->len);
    int result = bundle_add(bundle, kind, name, text, false);

    if (result < 0)
        (void)refuse_bundle(why, name);
    source_fini(source);
    if (result < 0)
        return -1;
    return lend(out, &bundle->files[bundle->count - 1], why);
}

int
source_ask(struct source *out, const struct script *script,
           enum bundle_kind kind, const char *name, const char **why)
{
    struct bundle *bundle = script->bundle;
    const struct bundle_file *file;
    struct source source;

    if (bundle == NULL)
        return read_disk(out, script->owner, kind, name, why);
    file = bundle_find(bundle, kind, name);
    if (file != NULL)
        return lend(out, file, why);
    if (read_disk(&source, script->owner, kind, name, why) < 0)
        return record_missing(bundle, kind, name, why);
    return record(out, bundle, kind, name, &source, why);
}
