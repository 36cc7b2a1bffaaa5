/* SPDX-License-Identifier: MIT */
/*
 * Functions that this program does not use, because they cannot be told how
 * much room there is, or cannot say what went wrong. The build puts this header
 * before every source (-include), so a call does not compile. The headers that
 * declare them come first: a poisoned name may not appear after the pragma.
 */
#ifndef BASE_POISON_H
#define BASE_POISON_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef alloca
#undef strcpy
#undef strcat
#undef sprintf
#undef strtok
#undef atoi

#pragma GCC poison strcpy strcat strtok atoi alloca

/* LuaJIT's header names this one inside a macro, so it cannot be poisoned. */
int sprintf(char *to, const char *fmt, ...)
    __attribute__((unavailable("use snprintf or buf_printf")));

#endif
