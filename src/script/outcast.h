/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a script that is quarantined (quarantine.h): whoever is about
 * to call it asks here, and does without it.
 */
#ifndef SCRIPT_OUTCAST_H
#define SCRIPT_OUTCAST_H

#include <stdbool.h>

struct script;

/* Is the script quarantined?  One that had too much memory gives back what it
 * holds, since that is everybody's; so not while it runs. */
bool outcast_holds(struct script *script);

/* Takes away all that keeps the script's values; nobody calls it any more, even
 * if its name's quarantine is lifted. */
void outcast_expel(struct script *script);

#endif
