/* SPDX-License-Identifier: MIT */
/*
 * The nodes of an upstream, compared: which views of the cluster do they have?
 * Nodes of one cluster have the same one; a node with another view is split
 * off, although it may call itself primary. That of most nodes is right; of as
 * many nodes, that of the larger cluster, then that with the higher
 * configuration id.
 *
 * While a view changes nodes differ for a moment, and are not asked in the same
 * one: what a node said before another's view came to be does not speak against
 * that.
 */
#ifndef PROXY_GALERA_GROUP_H
#define PROXY_GALERA_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "config/model.h"
#include "proxy/galera_node.h"

struct galera_group;

/* The group of UPSTREAM, which all of its checkers share; made for the first.
 * NULL without memory. */
struct galera_group *
galera_group_join(const struct upstream_conf *upstream) MUST_CHECK;

/* One checker less; the last one frees it. NULL does nothing. */
void galera_group_leave(struct galera_group *group);

/* The server of this index has answered, at NOW_MS; it is primary. */
void galera_group_note(struct galera_group *group, size_t server,
                       const struct galera_node *node, uint64_t now_ms);

/* It has not, or is not. */
void galera_group_forget(struct galera_group *group, size_t server);

/* Is this server, which has been noted, split off? Then WORDS (SIZE bytes) say
 * how its view differs. Answers that are too old do not count. */
bool galera_group_is_split(const struct galera_group *group, size_t server,
                           uint64_t now_ms, char *words, size_t size);

#endif
