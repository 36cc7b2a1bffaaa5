/* SPDX-License-Identifier: MIT */
/*
 * `check = lua`: a server is well if a script's hook says so.
 *
 *     checker_start ─▶ check(server), as a task ─▶ true           L7OK
 *                                               ├▶ false, reason  L7STS
 *                                               └▶ it failed      L7RSP
 */
#ifndef SCRIPT_CHECK_LUA_H
#define SCRIPT_CHECK_LUA_H

struct resolver;
struct scripts;

/* Gives the kind of check to the proxy, with the scripts of scripts_load_checks
 * and a RESOLVER for the names that they connect to. Both outlive all checkers;
 * NULL, NULL: they are gone. */
void check_lua_use(struct scripts *scripts, struct resolver *resolver);

#endif
