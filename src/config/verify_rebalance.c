/* SPDX-License-Identifier: MIT */
#include "config/verify_rebalance.h"

#include "config/value.h"

/* A script may send a section's sessions to any upstream. */
static bool
is_fed_visibly(const struct config *config,
               const struct upstream_conf *upstream)
{
    for (size_t i = 0; i < config->section_count; i++) {
        const struct section_conf *section = &config->sections[i];

        if (section->kind == SECTION_MYSQL && section->visible &&
            (section->upstream == upstream || section->script_count > 0))
            return true;
    }
    return false;
}

/* Policies that ship and fill one server, whatever the others have. */
static bool
fills_one(const struct upstream_conf *upstream)
{
    return !upstream->policy_is_path && upstream->policy.p != NULL &&
           value_find_word("primary first", upstream->policy) >= 0;
}

void
verify_rebalance(const struct config *config,
                 const struct upstream_conf *upstream,
                 const struct block *block, struct faults *faults)
{
    const struct entry *entry =
        block_find(block, keys_find(block->kind, STR("rebalance")));

    if (upstream->rebalance == 0 || entry == NULL ||
        upstream->protocol == PROTOCOL_FASTCGI)
        return;
    if (!is_fed_visibly(config, upstream))
        faults_warn_at(faults, entry->at,
                       "rebalance: it has no effect without a [mysql] section "
                       "that has visible = on and this upstream: only there "
                       "is known which sessions are idle");
    else if (fills_one(upstream))
        faults_warn_at(faults, entry->at,
                       "rebalance: policy = " STR_FMT " fills one server, so "
                       "sessions that are retired come back to the same one",
                       STR_ARG(upstream->policy));
}
