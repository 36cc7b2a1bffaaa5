/* SPDX-License-Identifier: MIT */
/*
 * `moongate ctl top`: the servers of a running program, once a second, those
 * with most load first.
 *
 *     show info --json, show servers --json ─▶ top_page ─▶ the terminal
 */
#ifndef APP_CTL_TOP_H
#define APP_CTL_TOP_H

#include <stdbool.h>

struct ctl_link;

/* Watches what LINK leads to until q is pressed or a signal comes; the terminal
 * is as it was afterwards. Where standard output is no terminal, prints one
 * page; JSON: what it would be made of. Returns the exit status. */
int ctl_top_run(struct ctl_link *link, bool json);

#endif
