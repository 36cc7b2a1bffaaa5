/* SPDX-License-Identifier: MIT */
#include "script/uses.h"

#include "proxy/upstream.h"

bool
uses_policy(struct script_order *out, char text[SCRIPT_FILES_MAX],
            struct upstream *upstream)
{
    const struct upstream_conf *conf = upstream->conf;

    if (conf->policy.p == NULL)
        return false;
    *out = (struct script_order){
        .file = script_files_policy(text, conf),
        .at = conf->policy_at,
        .use = SCRIPT_POLICY,
        .user_kind = "upstream",
        .user_name = conf->name,
        .upstream = upstream,
        .options = conf->policy_options,
        .option_count = conf->policy_option_count,
    };
    return true;
}

bool
uses_check(struct script_order *out, struct upstream *upstream)
{
    const struct upstream_conf *conf = upstream->conf;

    if (!script_files_has_check(conf))
        return false;
    *out = (struct script_order){
        .file = conf->check.script,
        .at = conf->check.at,
        .use = SCRIPT_CHECK,
        .user_kind = "upstream",
        .user_name = conf->name,
        .upstream = upstream,
    };
    return true;
}

static enum script_use
section_use(enum section_kind kind)
{
    switch (kind) {
    case SECTION_HTTP:
        return SCRIPT_HTTP;
    case SECTION_TCP:
        return SCRIPT_TCP;
    case SECTION_MYSQL:
        return SCRIPT_MYSQL;
    }
    return SCRIPT_HTTP;
}

void
uses_section(struct script_order *out, const struct section_conf *conf,
             size_t i)
{
    *out = (struct script_order){
        .file = conf->scripts[i].path,
        .at = conf->scripts[i].at,
        .use = section_use(conf->kind),
        .user_kind = section_kind_name(conf->kind),
        .user_name = conf->name,
    };
}

struct script *
uses_find_check(const struct scripts *scripts,
                const struct upstream_conf *upstream)
{
    list_for_each(node, &scripts->list)
    {
        struct script *script = container_of(node, struct script, link);

        if (script->use == SCRIPT_CHECK && script->phase == SCRIPT_SERVES &&
            script->upstream->conf == upstream)
            return script;
    }
    return NULL;
}
