/* SPDX-License-Identifier: MIT */
#include "script/scripts.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "board/board.h"
#include "config/faults.h"
#include "config/memory.h"
#include "proxy/engine.h"
#include "proxy/runtime.h"
#include "proxy/section.h"
#include "proxy/upstream.h"
#include "script/guard.h"
#include "script/hooks.h"
#include "script/load.h"
#include "script/vm.h"

enum {
    POLICY_FILE_MAX = 512, /* bytes of "policy/NAME.lua", or of a path */
};

/* Where the key is at fault there is no file. */
static bool
has_check(const struct upstream_conf *conf)
{
    return conf->check.kind == CHECK_LUA && conf->check.script.p != NULL;
}

/* The file of an upstream's policy. */
static struct str
policy_file(char *text, size_t size, const struct upstream_conf *conf)
{
    if (conf->policy_is_path)
        return conf->policy;
    (void)snprintf(text, size, "policy/" STR_FMT ".lua", STR_ARG(conf->policy));
    return str_from(text);
}

static void
free_policy(void *table)
{
    free(table);
}

static void
set_policy(struct upstream *upstream, struct script *script)
{
    struct policy_hooks *hooks = xcalloc(1, sizeof(*hooks));

    hooks_fill_policy(hooks, script);
    hooks->hold.unused = free_policy;
    policy_hooks_release(upstream->policy);
    upstream->policy = policy_hooks_hold(hooks);
}

static void
load_policy(struct scripts *scripts, struct upstream *upstream,
            struct faults *faults)
{
    const struct upstream_conf *conf = upstream->conf;
    char text[POLICY_FILE_MAX];
    struct script_order order = {
        .at = conf->policy_at,
        .use = SCRIPT_POLICY,
        .user_kind = "upstream",
        .user_name = conf->name,
        .upstream = upstream,
        .options = conf->policy_options,
        .option_count = conf->policy_option_count,
    };
    struct script *script;

    if (conf->policy.p == NULL)
        return; /* the key is at fault */
    order.file = policy_file(text, sizeof(text), conf);
    script = script_load(scripts, &order, faults);
    if (script != NULL)
        set_policy(upstream, script);
}

static void
load_check(struct scripts *scripts, struct upstream *upstream,
           struct faults *faults)
{
    const struct upstream_conf *conf = upstream->conf;
    const struct script_order order = {
        .file = conf->check.script,
        .at = conf->check.at,
        .use = SCRIPT_CHECK,
        .user_kind = "upstream",
        .user_name = conf->name,
        .upstream = upstream,
    };
    const struct script *script;

    if (!has_check(conf))
        return;
    script = script_load(scripts, &order, faults);
    (void)script; /* it is found in the list */
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

static void
free_section_hooks(void *table)
{
    struct section_hooks *hooks = table;

    free(hooks->arg);
    free(hooks);
}

/* Without a script, the section keeps no hooks. */
static void
set_section(struct section *section, struct script_chain *chain)
{
    struct section_hooks *hooks = xcalloc(1, sizeof(*hooks));

    hooks_fill_section(hooks, chain);
    hooks->hold.unused = free_section_hooks;
    section_hooks_release(section->hooks);
    section->hooks = section_hooks_hold(hooks);
}

static void
load_section(struct scripts *scripts, struct section *section,
             struct faults *faults)
{
    const struct section_conf *conf = section->conf;
    struct script_chain *chain;

    if (conf->script_count == 0)
        return;
    chain = xcalloc(1, sizeof(*chain) +
                           conf->script_count * sizeof(chain->scripts[0]));
    chain->failure = conf->script_failure;
    for (size_t i = 0; i < conf->script_count; i++) {
        const struct script_order order = {
            .file = conf->scripts[i].path,
            .at = conf->scripts[i].at,
            .use = section_use(conf->kind),
            .user_kind = section_kind_name(conf->kind),
            .user_name = conf->name,
        };
        struct script *script = script_load(scripts, &order, faults);

        if (script != NULL)
            chain->scripts[chain->count++] = script;
    }
    if (chain->count > 0)
        set_section(section, chain);
    else
        free(chain);
}

/* Where the script path is at fault, nobody knows which files are meant. */
static bool
path_is_known(const struct global_conf *global)
{
    return global->script_path.p != NULL || global->script_path_at.line == 0;
}

static void
load_checks(struct scripts *scripts, struct faults *faults)
{
    struct runtime *runtime = scripts->runtime;

    for (size_t i = 0; i < runtime->upstream_count; i++)
        load_check(scripts, &runtime->upstreams[i], faults);
}

static void
load_all(struct scripts *scripts, struct faults *faults)
{
    struct runtime *runtime = scripts->runtime;

    for (size_t i = 0; i < runtime->upstream_count; i++)
        load_policy(scripts, &runtime->upstreams[i], faults);
    for (size_t i = 0; i < runtime->section_count; i++)
        load_section(scripts, runtime->sections[i], faults);
    if (runtime->engine == NULL)
        load_checks(scripts, faults);
}

/* As the newest configuration says. */
static void
set_limits(const struct runtime *runtime)
{
    const struct global_conf *global = &runtime->conf->global;
    const struct engine *engine = runtime->engine;

    guard_set_limits(global->script_budget_ms, global->script_load_budget_ms,
                     (size_t)global->script_memory_bytes);
    if (engine != NULL)
        guard_set_board(engine->board, engine->worker);
}

static struct scripts *
new_scripts(struct runtime *runtime, const char *data_dir)
{
    struct scripts *scripts = xcalloc(1, sizeof(*scripts));
    size_t size = strlen(data_dir) + sizeof("/lua");

    scripts->runtime = runtime;
    scripts->vm = vm_ref();
    set_limits(runtime);
    scripts->shipped = xmalloc(size);
    (void)snprintf(scripts->shipped, size, "%s/lua", data_dir);
    list_init(&scripts->list);
    return scripts;
}

struct scripts *
scripts_load(struct runtime *runtime, const char *data_dir,
             struct faults *faults)
{
    struct scripts *scripts = new_scripts(runtime, data_dir);
    size_t before = faults->count;

    if (path_is_known(&runtime->conf->global))
        load_all(scripts, faults);
    if (faults->count == before)
        return scripts;
    scripts_free(scripts);
    return NULL;
}

struct scripts *
scripts_load_checks(struct runtime *runtime, const char *data_dir,
                    struct faults *faults)
{
    struct scripts *scripts = new_scripts(runtime, data_dir);

    load_checks(scripts, faults);
    return scripts;
}

struct script *
scripts_find_check(const struct scripts *scripts,
                   const struct upstream_conf *upstream)
{
    list_for_each_safe(node, &scripts->list)
    {
        struct script *script = container_of(node, struct script, link);

        if (script->use == SCRIPT_CHECK && script->upstream->conf == upstream)
            return script;
    }
    return NULL;
}

void
scripts_use_resolver(struct scripts *scripts, struct resolver *resolver)
{
    scripts->vm->coroutines.resolver = resolver;
}

bool
scripts_have_checks(const struct config *conf)
{
    for (size_t i = 0; i < conf->upstream_count; i++) {
        if (has_check(&conf->upstreams[i]))
            return true;
    }
    return false;
}

void
scripts_free(struct scripts *scripts)
{
    struct runtime *runtime;
    struct list *node;

    if (scripts == NULL)
        return;
    runtime = scripts->runtime;
    for (size_t i = 0; i < runtime->upstream_count; i++) {
        struct upstream *upstream = &runtime->upstreams[i];

        policy_hooks_release(upstream->policy);
        upstream->policy = policy_hooks_hold(&policy_no_hooks);
    }
    for (size_t i = 0; i < runtime->section_count; i++) {
        struct section *section = runtime->sections[i];

        section_hooks_release(section->hooks);
        section->hooks = section_hooks_hold(&section_no_hooks);
    }
    while ((node = list_first(&scripts->list)) != NULL)
        script_free(container_of(node, struct script, link));
    vm_flush(scripts->vm);
    vm_unref(scripts->vm);
    free(scripts->shipped);
    free(scripts);
}

/* --- rows of the board ---------------------------------------------------- */

static int
add_row(struct board *board, struct str file)
{
    struct str name = script_row_name(file);

    if (board_find_script(board, name) != BOARD_NONE)
        return 0;
    return board_add_script(board, name) == BOARD_NONE ? -1 : 0;
}

int
scripts_add_rows(struct board *board, const struct config *conf)
{
    for (size_t i = 0; i < conf->upstream_count; i++) {
        char text[POLICY_FILE_MAX];

        const struct upstream_conf *upstream = &conf->upstreams[i];

        if (add_row(board, policy_file(text, sizeof(text), upstream)) < 0)
            return -1;
        if (has_check(upstream) && add_row(board, upstream->check.script) < 0)
            return -1;
    }
    for (size_t i = 0; i < conf->section_count; i++) {
        const struct section_conf *section = &conf->sections[i];

        for (size_t j = 0; j < section->script_count; j++) {
            if (add_row(board, section->scripts[j].path) < 0)
                return -1;
        }
    }
    return 0;
}

unsigned
scripts_count(const struct config *conf)
{
    size_t count;
    struct map seen;

    map_init(&seen);
    for (size_t i = 0; i < conf->section_count; i++) {
        const struct section_conf *section = &conf->sections[i];

        for (size_t j = 0; j < section->script_count; j++)
            (void)seen_add(&seen, section->scripts[j].path, section);
    }
    for (size_t i = 0; i < conf->upstream_count; i++) {
        const struct upstream_conf *upstream = &conf->upstreams[i];

        if (has_check(upstream))
            (void)seen_add(&seen, upstream->check.script, upstream);
    }
    count = conf->upstream_count + seen.count;
    map_fini(&seen);
    return (unsigned)count;
}

/* --- the library ---------------------------------------------------------- */

const char *
scripts_version(char *text, size_t size)
{
    lua_State *L = luaL_newstate();

    (void)snprintf(text, size, "LuaJIT");
    if (L == NULL)
        return text;
    luaL_openlibs(L);
    lua_getglobal(L, LUA_JITLIBNAME);
    lua_getfield(L, -1, "version");
    if (lua_isstring(L, -1))
        (void)snprintf(text, size, "%s", lua_tostring(L, -1));
    lua_close(L);
    return text;
}
