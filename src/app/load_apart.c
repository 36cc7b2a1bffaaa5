/* SPDX-License-Identifier: MIT */
#include "app/load_apart.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/privileges.h"
#include "base/buf.h"
#include "base/texts.h"
#include "config/faults.h"
#include "proxy/runtime.h"
#include "script/bundles.h"
#include "script/scripts.h"

enum {
    WORDS_MAX = 1 << 20, /* bytes of what is wrong */
};

/* --- faults from one process to the other --------------------------------- */

static void
put_faults(struct buf *out, const struct faults *faults, size_t from)
{
    for (size_t i = from; i < faults->item_count; i++) {
        const struct fault *fault = &faults->items[i];

        texts_put(out, str_from(fault->file));
        texts_put_number(out, fault->line);
        texts_put_number(out, fault->warning);
        texts_put(out, str_from(fault->text));
    }
}

static int
take_fault(struct faults *faults, struct str *rest)
{
    char *name;
    struct str file;
    struct str text;
    uint32_t warning;
    uint32_t line;

    if (texts_take(&file, rest) < 0 || texts_take_number(&line, rest) < 0 ||
        texts_take_number(&warning, rest) < 0 || texts_take(&text, rest) < 0)
        return -1;
    name = xstrndup(file.p, file.len);
    if (warning)
        faults_warn_at(faults, (struct config_at){.file = name, .line = line},
                       STR_FMT, STR_ARG(text));
    else
        faults_add(faults, name, line, STR_FMT, STR_ARG(text));
    free(name);
    return 0;
}

/* --- in the process of its own -------------------------------------------- */

/* Everything that was open is shared with the parent; nothing is written to it
 * here but what was made for that. */
static _Noreturn void
become(struct runtime *runtime, const char *data, const struct privileges *p,
       struct bundles *bundles, const int fds[2])
{
    struct faults faults;
    struct buf words;
    int result;

    faults_init(&faults);
    buf_init_growing(&words, WORDS_MAX);
    if (privileges_drop(p) < 0)
        faults_add(&faults, runtime->conf->file.p, 0,
                   "cannot load its scripts as its user: %s", strerror(errno));
    else
        scripts_free(scripts_load(runtime, data, bundles, &faults));
    put_faults(&words, &faults, 0);
    result = texts_write(fds[1], &words);
    if (result == 0 && faults.count == 0)
        result = bundles_write(bundles, fds[0]);
    _exit(result == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* --- in the one that starts ----------------------------------------------- */

static int
take_faults(struct faults *faults, int fd)
{
    struct str bytes = texts_map(fd, WORDS_MAX);
    struct str rest = bytes;
    int result = 0;

    while (result == 0 && rest.len > 0)
        result = take_fault(faults, &rest);
    texts_unmap(bytes);
    return result;
}

static int
await(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    errno = ECANCELED;
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? 0 : -1;
}

/* 0, or -1 with errno where nothing is known of the scripts. */
static int
run(struct runtime *runtime, const char *data, const struct privileges *p,
    struct bundles *bundles, struct faults *faults, const int fds[2])
{
    size_t before = faults->count;
    pid_t pid = fork();

    if (pid < 0)
        return -1;
    if (pid == 0)
        become(runtime, data, p, bundles, fds);
    if (await(pid) < 0 || take_faults(faults, fds[1]) < 0)
        return -1;
    if (faults->count > before)
        return 0;
    bundles_fini(bundles);
    return bundles_read(bundles, fds[0]);
}

int
load_apart(struct runtime *runtime, const char *data,
           const struct privileges *p, struct bundles *bundles,
           struct faults *faults)
{
    const char *file = runtime->conf->file.p;
    int fds[] = {memfd_create("moongate-scripts", MFD_CLOEXEC),
                 memfd_create("moongate-faults", MFD_CLOEXEC)};
    size_t before = faults->count;

    if (fds[0] < 0 || fds[1] < 0 ||
        run(runtime, data, p, bundles, faults, fds) < 0)
        faults_add(faults, file, 0, "its scripts cannot be loaded: %s",
                   errno == ECANCELED ? "the process that was to has failed"
                                      : strerror(errno));
    for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    return faults->count == before ? 0 : -1;
}
