/* SPDX-License-Identifier: MIT */
/*
 * Texts that are part of the program: the Lua modules of this floor, and the
 * structs that C and Lua share.  The build makes the table from the files
 * themselves (tools/embed.cmake).
 */
#ifndef SCRIPT_EMBEDDED_H
#define SCRIPT_EMBEDDED_H

#include <stddef.h>

struct embedded {
    const char *name; /* of the file, without its folder */
    const char *text;
    size_t len;
};

extern const struct embedded embedded_files[];
extern const size_t embedded_count;

#endif
