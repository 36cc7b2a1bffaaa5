/* SPDX-License-Identifier: MIT */
/*
 * The path is taken as it was typed, and not as /proc/self/exe has it: after an
 * upgrade of the package that is a file which was deleted, and a symbolic link
 * may point at the new program by now.
 */
#include "app/launch.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static char **words;
static char **variables; /* with room for one more at the end */
static size_t variable_count;
static char folder[PATH_MAX];

static char **
copy_list(char **list, size_t *count)
{
    size_t n = 0;
    char **copy;

    while (list[n] != NULL)
        n++;
    copy = xcalloc(n + 2, sizeof(*copy));
    for (size_t i = 0; i < n; i++)
        copy[i] = xstrdup(list[i]);
    *count = n;
    return copy;
}

/* "NAME=" and this process's number. */
static bool
names_this_process(const char *variable, const char *name)
{
    size_t len = strlen(name);

    return strncmp(variable, name, len) == 0 &&
           strtol(variable + len, NULL, 10) == (long)getpid();
}

/* What a service manager wants of this process it wants of the one that takes
 * its place, which has another number. */
static void
forget_number(void)
{
    size_t kept = 0;

    for (size_t i = 0; i < variable_count; i++) {
        if (names_this_process(variables[i], "WATCHDOG_PID="))
            free(variables[i]);
        else
            variables[kept++] = variables[i];
    }
    variables[kept] = NULL;
    variable_count = kept;
}

void
launch_remember(char **argv)
{
    size_t count;

    words = copy_list(argv, &count);
    variables = copy_list(environ, &variable_count);
    forget_number();
    if (getcwd(folder, sizeof(folder)) == NULL)
        folder[0] = '\0';
}

/* In the place of one with the same name. */
static void
put_variable(char *variable)
{
    size_t name = strcspn(variable, "=") + 1;
    size_t at = 0;

    while (at < variable_count && strncmp(variables[at], variable, name) != 0)
        at++;
    variables[at] = variable;
}

void
launch_again(char *variable)
{
    if (folder[0] != '\0' && chdir(folder) < 0)
        return;
    put_variable(variable);
    environ = variables;
    (void)execvp(words[0], words);
}

const char *
launch_path(void)
{
    return words[0];
}
