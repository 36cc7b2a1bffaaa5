/* SPDX-License-Identifier: MIT */
/* The part of verifying that is about being confined to a folder. */
#ifndef CONFIG_VERIFY_CHROOT_H
#define CONFIG_VERIFY_CHROOT_H

#include "config/faults.h"
#include "config/model.h"

/* Adds each path of CONFIG that workers and control open themselves and that
 * does not lie under its chroot, if it has one. */
void verify_chroot(const struct config *config, struct faults *faults);

#endif
