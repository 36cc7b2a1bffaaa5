/* SPDX-License-Identifier: MIT */
/*
 * Which version of each script is in use, as the master has noted it on the
 * board: it alone writes, and everybody reads.
 */
#ifndef BOARD_VERSIONS_H
#define BOARD_VERSIONS_H

#include "base/buf.h"
#include "board/rows.h"

/* Notes that a script's version is this from now on. */
void versions_set(struct script_row *row, const struct script_version *version);

/* What was noted last; generation 0: nothing, or others faster than they are
 * copied. */
void versions_get(struct script_version *out, const struct script_row *row);

/* Columns of a line about the script: its hash, generation and age; and their
 * heading. */
void versions_heading(struct buf *out);
void versions_text(struct buf *out, const struct script_row *row);

/* What goes behind the script's state: until when the version has to be
 * confirmed, if it has. */
void versions_state(struct buf *out, const struct script_row *row);

/* The same as members of an object that has others before them. */
void versions_json(struct buf *out, const struct script_row *row);

#endif
