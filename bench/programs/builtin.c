/* SPDX-License-Identifier: MIT */
/*
 * Moongate without policies in Lua: the same program, but no upstream gets the
 * hooks of its policy, so that the round robin that is built in chooses.  It
 * shows what a policy in Lua costs; nothing else uses it.
 *
 * It is linked with this file instead of script/hooks.c.
 */
#define hooks_fill_policy hooks_fill_policy_from_script
#include "script/hooks.c"
#undef hooks_fill_policy

void hooks_fill_policy(struct policy_hooks *out, struct script *script);

void
hooks_fill_policy(struct policy_hooks *out, struct script *script)
{
    (void)script;
    *out = (struct policy_hooks){0};
}
