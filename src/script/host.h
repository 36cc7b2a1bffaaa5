/* SPDX-License-Identifier: MIT */
/*
 * The functions of C that the Lua side of this floor calls while scripts load,
 * as an ordinary Lua module, `script.host`:
 *
 *     texts                        the structs that C and Lua share
 *     calls                        struct script_calls *, for the FFI
 *     find_module(scripts, name)   text, file; or nil, reason
 *     read_file(scripts, path)     text; or nil, reason
 *     check_header(name, value)    true; or nil, reason
 *     worker(scripts)              the number of this worker; -1 in control
 *     is_loading(scripts)          whether a script is being loaded
 */
#ifndef SCRIPT_HOST_H
#define SCRIPT_HOST_H

#include <lua.h>

/* Pushes the module. */
int host_open(lua_State *L);

#endif
