/* SPDX-License-Identifier: MIT */
/*
 * From a document to the model: every key of the table is set from its entry,
 * from [defaults] or from its fallback, in that order.
 */
#ifndef CONFIG_BUILD_H
#define CONFIG_BUILD_H

#include "config/document.h"

/* Fills the global part, the upstreams and the sections of OUT, whose folder is
 * set, from DOC and the files of SOURCES that it names; faults go to the
 * document's list, and what is at fault is left as it was. */
void build_config(struct config *out, const struct document *doc,
                  struct sources *sources);

#endif
