/* SPDX-License-Identifier: MIT */
#include "proxy/hook.h"

struct section_hooks section_no_hooks;
struct policy_hooks policy_no_hooks;
