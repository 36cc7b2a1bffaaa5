/* SPDX-License-Identifier: MIT */
/*
 * What `login` hooks ask of a login; see calls_struct.h.
 */
#ifndef SCRIPT_LOGIN_CALLS_H
#define SCRIPT_LOGIN_CALLS_H

#include <stdint.h>

struct script_login;
struct script_text;

int login_text(const struct script_login *handle, int field,
               struct script_text *out);
int login_charset(const struct script_login *handle);
int login_tls(const struct script_login *handle);
int login_next_attribute(const struct script_login *handle, uint32_t *at,
                         struct script_text *name, struct script_text *value);

#endif
