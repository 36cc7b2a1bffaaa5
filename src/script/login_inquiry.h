/* SPDX-License-Identifier: MIT */
/*
 * The inquiry (inquiry.h) about a login: what its `login` hooks decide. One that
 * fails refuses: whom a script is to keep out does not come in because it is
 * broken.
 */
#ifndef SCRIPT_LOGIN_INQUIRY_H
#define SCRIPT_LOGIN_INQUIRY_H

#include "proxy/hook.h"
#include "script/script.h"

/* As `login` of struct section_hooks. */
enum hook_result
login_inquiry_ask(struct script_chain *chain, struct hook_login *login,
                  struct hook_verdict *verdict);

/* As `login_abort`; does nothing where nobody waits. */
void login_inquiry_abort(struct hook_login *login);

#endif
