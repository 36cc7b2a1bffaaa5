/* SPDX-License-Identifier: MIT */
/*
 * Passwords as htpasswd keeps them: bcrypt and whatever else crypt(3) knows,
 * Apache's MD5 ($apr1$), {SHA}, or the password itself.
 */
#ifndef NET_HTPASSWD_H
#define NET_HTPASSWD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Is PASSWORD the one that SECRET stands for? It may take a tenth of a second
 * of CPU time (bcrypt), which is what such hashes are for. */
bool htpasswd_matches(struct str secret, struct str password);

/* How long that takes, more or less, in microseconds: to know which of several
 * is the costliest. */
uint64_t htpasswd_cost_us(struct str secret);

#endif
