/* SPDX-License-Identifier: MIT */
/*
 * `moongate test`: the specs of scripts, run without a server.
 */
#ifndef APP_TEST_COMMAND_H
#define APP_TEST_COMMAND_H

#include <stddef.h>

#include "base/mem.h"

/* Runs the specs beside each of the COUNT scripts, which are looked for here,
 * in the script_path of the configuration FILE (NULL: in ./lua), and among
 * those that ship.  Returns the exit status. */
int test_run(const char *file, char *const *scripts, int count);

/* The same with this script_path (NULL: none): 0, or -1 unless all have specs
 * that pass. */
int test_run_in(const char *script_path, char *const *scripts, int count);

/* Makes a new folder for temporary files, whose PATH, also of one that cannot
 * be made, tells its PURPOSE; 0, or -1 with errno. */
int test_make_folder(char *path, size_t size, const char *purpose) MUST_CHECK;

/* Removes a folder with all that is in it. */
void test_remove(const char *folder);

#endif
