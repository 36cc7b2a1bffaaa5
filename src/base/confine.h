/* SPDX-License-Identifier: MIT */
/*
 * A process that is confined to a folder, and the paths that it was given
 * before.
 *
 *     /var/www/site/x.css  outside, in the configuration and for servers
 *             /site/x.css  inside /var/www
 */
#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H

#include <stdbool.h>

#include "base/mem.h"
#include "base/str.h"

/* Makes FOLDER, an absolute path, the root of this process for good. 0, or -1
 * with errno. */
int confine_enter(const char *folder) MUST_CHECK;

/* Is this process confined? */
bool confine_is_on(void);

/* What PATH is called where this process is: PATH itself unless it is confined.
 * One that lies elsewhere stays as it is: `check` has
 * refused those. Points into PATH. */
const char *confine_path(const char *path);

/* Does PATH lie under FOLDER, or is it that? Neither has links in mind. */
bool confine_holds(struct str folder, struct str path);

#endif
