/* SPDX-License-Identifier: MIT */
#include "app/trial_specs.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/setup.h"
#include "app/test_command.h"
#include "base/str.h"
#include "config/model.h"
#include "script/bundle.h"
#include "script/bundles.h"

enum {
    SPECS_CPU_SECONDS = 5, /* of CPU time, of all specs */
    SPECS_SECONDS = 20,    /* of all of them, too: below the trial's own time,
                              so that it is there to clean up */
};

/* --- in their process ----------------------------------------------------- */

static bool
join(char *path, const char *folder, const char *name)
{
    int len = snprintf(path, PATH_MAX, "%s%s%s", folder,
                       folder[0] == '\0' ? "" : "/", name);

    return len > 0 && len < PATH_MAX && access(path, R_OK) == 0;
}

/* The script's file, which was found there when it was loaded. */
static bool
find_script(char path[PATH_MAX], const struct config *config, const char *name)
{
    const char *own = config->global.script_path.p;
    char data[PATH_MAX];
    char shipped[PATH_MAX];

    if (name[0] == '/')
        return join(path, "", name);
    if (own != NULL && join(path, own, name))
        return true;
    return join(shipped, setup_find_data(data), "lua") &&
           join(path, shipped, name);
}

static bool
has_spec(const char *script)
{
    const struct str ending = STR(".lua");
    struct str stem = str_from(script);
    char spec[PATH_MAX + sizeof("_spec.lua")];

    if (str_ends_with(stem, ending))
        stem.len -= ending.len;
    (void)snprintf(spec, sizeof(spec), STR_FMT "_spec.lua", STR_ARG(stem));
    return access(spec, R_OK) == 0;
}

static int
test_script(const struct config *config, const char *name)
{
    char path[PATH_MAX];
    char *scripts[] = {path};

    if (!find_script(path, config, name) || !has_spec(path))
        return 0;
    if (test_run_in(config->global.script_path.p, scripts, 1) == 0)
        return 0;
    printf("script '%s': its specs do not pass\n", name);
    return -1;
}

/* What the specs print are words of why they have failed. */
static int
test_all(const struct config *config, const struct bundles *set, int words)
{
    const struct rlimit cpu = {SPECS_CPU_SECONDS, SPECS_CPU_SECONDS + 1};
    int result = 0;

    setrlimit(RLIMIT_CPU, &cpu);
    signal(SIGALRM, SIG_DFL);
    (void)alarm(SPECS_SECONDS);
    if (dup2(words, STDOUT_FILENO) < 0 || dup2(words, STDERR_FILENO) < 0)
        return -1;
    for (size_t i = 0; result == 0 && i < set->count; i++)
        result = test_script(config, set->items[i]->name);
    fflush(NULL);
    return result;
}

/* --- in the trial --------------------------------------------------------- */

static const char *
explain(int signal)
{
    switch (signal) {
    case SIGXCPU:
        return ": too much CPU time";
    case SIGALRM:
        return ": they took too long";
    default:
        return "";
    }
}

static int
wait_for(pid_t pid, int words)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFSIGNALED(status))
        dprintf(words, "the specs ended by signal %d%s\n", WTERMSIG(status),
                explain(WTERMSIG(status)));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int
trial_test(const struct config *config, const struct bundles *set, int words)
{
    char folder[PATH_MAX];
    int result = -1;
    pid_t pid;

    if (!config->global.script_selftest || set->count == 0)
        return 0;
    if (test_make_folder(folder, sizeof(folder), "specs") < 0) {
        dprintf(words, "cannot make the folder %s: %s\n", folder,
                strerror(errno));
        return -1;
    }
    setenv("TMPDIR", folder, 1);
    pid = fork();
    if (pid == 0)
        _exit(test_all(config, set, words) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    if (pid > 0)
        result = wait_for(pid, words);
    else
        dprintf(words, "no process for its specs: %s\n", strerror(errno));
    test_remove(folder);
    return result;
}
