/* SPDX-License-Identifier: MIT */
/*
 * The path is taken as it was typed, and not as /proc/self/exe has it: after an
 * upgrade of the package that is a file which was deleted, and a symbolic link
 * may point at the new program by now.
 */
#include "app/launch.h"

#include <limits.h>
#include <stddef.h>
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

void
launch_remember(char **argv)
{
    size_t count;

    words = copy_list(argv, &count);
    variables = copy_list(environ, &variable_count);
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
