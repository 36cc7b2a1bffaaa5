/* SPDX-License-Identifier: MIT */
#include "config/verify_script_trust.h"

#include "config/memory.h"
#include "config/nearest.h"
#include "config/script_files.h"

/* What is looked for among the names of scripts. */
struct search {
    struct arena *arena;
    struct str name;
    bool found;
    struct nearest nearest;
};

static void
look_at(struct search *search, struct str name)
{
    search->found = search->found || str_equal(search->name, name);
    nearest_offer(&search->nearest, name);
}

static void
look_at_upstream(struct search *search, const struct upstream_conf *conf)
{
    char text[SCRIPT_FILES_MAX];

    if (script_files_has_check(conf))
        look_at(search, conf->check.script);
    /* The hint may name it later. */
    if (conf->policy.p != NULL)
        look_at(search,
                memory_str(search->arena, script_files_policy(text, conf)));
}

static void
verify_name(const struct config *config, const struct document *doc,
            struct str name)
{
    struct search search = {.arena = doc->arena, .name = name};
    char hint[NEAREST_NAME_MAX + 32];

    nearest_init(&search.nearest, name);
    for (size_t i = 0; i < config->upstream_count; i++)
        look_at_upstream(&search, &config->upstreams[i]);
    for (size_t i = 0; i < config->section_count; i++) {
        const struct section_conf *section = &config->sections[i];

        for (size_t n = 0; n < section->script_count; n++)
            look_at(&search, section->scripts[n].path);
    }
    if (search.found)
        return;
    faults_add_at(doc->faults, config->global.script_trust_at,
                  "script_trust: no policy, check or section has the script "
                  "'" STR_FMT "'%s",
                  STR_ARG(name),
                  nearest_hint(&search.nearest, hint, sizeof(hint)));
}

void
verify_script_trust(const struct config *config, const struct document *doc)
{
    for (size_t i = 0; i < config->global.script_trust_count; i++)
        verify_name(config, doc, config->global.script_trust[i]);
}
