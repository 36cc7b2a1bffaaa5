/* SPDX-License-Identifier: MIT */
#include "script/scripts.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "board/board.h"
#include "config/faults.h"
#include "config/memory.h"
#include "proxy/engine.h"
#include "proxy/runtime.h"
#include "proxy/section.h"
#include "proxy/upstream.h"
#include "script/bundles.h"
#include "script/guard.h"
#include "script/life.h"
#include "script/load.h"
#include "script/swap.h"
#include "script/sweep.h"
#include "script/tables.h"
#include "script/takeover.h"
#include "script/uses.h"
#include "script/vm.h"

/* Those that are loaded: of these names; NULL: all. */
struct names {
    const char *const *at;
    size_t count;
};

static bool
is_meant(const struct names *names, struct str file)
{
    if (names == NULL)
        return true;
    for (size_t i = 0; i < names->count; i++) {
        if (str_equal(str_from(names->at[i]), file))
            return true;
    }
    return false;
}

static void
load_policy(struct scripts *scripts, struct upstream *upstream,
            const struct names *names, struct faults *faults)
{
    char text[SCRIPT_FILES_MAX];
    struct script_order order;
    struct policy_hooks *hooks;
    struct script *script;

    if (!uses_policy(&order, text, upstream) || !is_meant(names, order.file))
        return;
    script = script_load(scripts, &order, faults);
    if (script == NULL)
        return;
    hooks = tables_new_policy(script);
    if (hooks == NULL)
        fatal("out of memory");
    policy_hooks_release(upstream->policy);
    upstream->policy = hooks;
}

static void
load_check(struct scripts *scripts, struct upstream *upstream,
           const struct names *names, struct faults *faults)
{
    struct script_order order;
    const struct script *script;

    if (!uses_check(&order, upstream) || !is_meant(names, order.file))
        return;
    script = script_load(scripts, &order, faults);
    (void)script; /* it is found in the list */
}

/* It is no fault, since the script may have other hooks. */
static void
warn_of_login(const struct script *script, const struct section_conf *conf,
              struct faults *faults)
{
    if (conf->kind == SECTION_MYSQL &&
        conf->handshake == HANDSHAKE_PASSTHROUGH &&
        script->hooks[SCRIPT_HOOK_LOGIN] != LUA_NOREF)
        faults_warn_at(faults, script->at,
                       "script '%s': the hook 'login' is never called for %s, "
                       "which has handshake = passthrough",
                       script->name, script->user);
}

static void
load_section(struct scripts *scripts, struct section *section,
             const struct names *names, struct faults *faults)
{
    struct script_chain *chain;
    struct section_hooks *hooks;

    if (section->conf->script_count == 0)
        return;
    chain = tables_new_chain(section->conf);
    if (chain == NULL)
        fatal("out of memory");
    for (size_t i = 0; i < section->conf->script_count; i++) {
        struct script_order order;
        struct script *script = NULL;

        uses_section(&order, section->conf, i);
        if (is_meant(names, order.file))
            script = script_load(scripts, &order, faults);
        if (script == NULL)
            continue;
        warn_of_login(script, section->conf, faults);
        chain->scripts[chain->count++] = script;
    }
    hooks = tables_new_section(chain);
    if (hooks == NULL)
        fatal("out of memory");
    section_hooks_release(section->hooks);
    section->hooks = hooks;
}

/* Where the script path is at fault, nobody knows which files are meant. */
static bool
path_is_known(const struct global_conf *global)
{
    return global->script_path.p != NULL || global->script_path_at.line == 0;
}

static void
load_checks(struct scripts *scripts, const struct names *names,
            struct faults *faults)
{
    struct runtime *runtime = scripts->runtime;

    for (size_t i = 0; i < runtime->upstream_count; i++)
        load_check(scripts, &runtime->upstreams[i], names, faults);
}

static void
load_all(struct scripts *scripts, const struct names *names,
         struct faults *faults)
{
    struct runtime *runtime = scripts->runtime;

    for (size_t i = 0; i < runtime->upstream_count; i++)
        load_policy(scripts, &runtime->upstreams[i], names, faults);
    for (size_t i = 0; i < runtime->section_count; i++)
        load_section(scripts, runtime->sections[i], names, faults);
    if (scripts->checks)
        load_checks(scripts, names, faults);
}

/* All are there. */
static void
serve(struct scripts *scripts, struct faults *faults)
{
    list_for_each(node, &scripts->list)
        script_serve(container_of(node, struct script, link));
    if (scripts->bundles != NULL && bundles_seal(scripts->bundles) < 0)
        faults_add(faults, scripts->runtime->conf->file.p, 0,
                   "the scripts' hashes cannot be computed");
}

void
scripts_set_limits(const struct scripts *scripts)
{
    const struct global_conf *global = &scripts->runtime->conf->global;
    const struct engine *engine = scripts->runtime->engine;

    guard_set_limits(global->script_budget_ms, global->script_load_budget_ms,
                     (size_t)global->script_memory_bytes);
    if (engine != NULL)
        guard_set_board(engine->board, engine->worker);
}

static struct scripts *
new_scripts(struct runtime *runtime, const char *data_dir,
            struct bundles *bundles)
{
    struct scripts *scripts = xcalloc(1, sizeof(*scripts));
    size_t size = strlen(data_dir) + sizeof("/lua");

    scripts->runtime = runtime;
    scripts->bundles = bundles;
    scripts->vm = vm_ref();
    scripts_set_limits(scripts);
    scripts->shipped = xmalloc(size);
    (void)snprintf(scripts->shipped, size, "%s/lua", data_dir);
    list_init(&scripts->list);
    sweep_init(scripts);
    return scripts;
}

struct scripts *
scripts_load(struct runtime *runtime, const char *data_dir,
             struct bundles *bundles, struct faults *faults)
{
    struct scripts *scripts = new_scripts(runtime, data_dir, bundles);
    size_t before = faults->count;

    scripts->hooked = true;
    scripts->checks = runtime->engine == NULL;
    if (path_is_known(&runtime->conf->global))
        load_all(scripts, NULL, faults);
    if (faults->count == before)
        serve(scripts, faults);
    if (faults->count == before)
        return scripts;
    scripts_free(scripts);
    return NULL;
}

struct scripts *
scripts_load_beside(struct runtime *runtime, const char *data_dir,
                    struct bundles *bundles, struct scripts *before,
                    bool checks, struct faults *faults)
{
    struct scripts *scripts = new_scripts(runtime, data_dir, bundles);
    size_t faults_before = faults->count;

    scripts->before = before;
    scripts->hooked = !checks;
    scripts->checks = checks;
    if (checks)
        load_checks(scripts, NULL, faults);
    else
        load_all(scripts, NULL, faults);
    if (faults->count == faults_before && bundles_seal(bundles) < 0)
        faults_add(faults, runtime->conf->file.p, 0,
                   "the scripts' hashes cannot be computed");
    if (before != NULL)
        scripts_set_limits(before); /* whose scripts go on meanwhile */
    if (faults->count == faults_before)
        return scripts;
    scripts_free(scripts);
    return NULL;
}

struct scripts *
scripts_load_checks(struct runtime *runtime, const char *data_dir,
                    struct bundles *bundles, struct faults *faults)
{
    struct scripts *scripts = new_scripts(runtime, data_dir, bundles);

    scripts->checks = true;
    load_checks(scripts, NULL, faults);
    serve(scripts, faults);
    return scripts;
}

/* What nobody uses was not loaded. */
static void
refuse_unknown(const struct scripts *scripts, const struct names *names,
               struct faults *faults)
{
    for (size_t i = 0; i < names->count; i++) {
        if (bundles_find(scripts->bundles, names->at[i]) == NULL)
            faults_add(faults, scripts->runtime->conf->file.p, 0,
                       "there is no script '%s'", names->at[i]);
    }
}

int
scripts_try(struct runtime *runtime, const char *data_dir,
            const char *const *names, size_t count, struct bundles *set,
            struct faults *faults)
{
    struct scripts *scripts = new_scripts(runtime, data_dir, set);
    const struct names only = {.at = names, .count = count};
    size_t before = faults->count;

    scripts->checks = true;
    load_all(scripts, &only, faults);
    refuse_unknown(scripts, &only, faults);
    if (faults->count == before)
        serve(scripts, faults);
    scripts_free(scripts);
    return faults->count == before ? 0 : -1;
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
        if (script_files_has_check(&conf->upstreams[i]))
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
    scripts_drop(scripts);
    sweep_stop(scripts);
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

int
scripts_each_row(const struct config *conf, scripts_row_fn fn,
                 struct board *board, void *arg)
{
    for (size_t i = 0; i < conf->upstream_count; i++) {
        const struct upstream_conf *upstream = &conf->upstreams[i];
        char text[SCRIPT_FILES_MAX];
        struct str policy = script_files_policy(text, upstream);

        if (fn(arg, board, script_row_name(policy)) < 0)
            return -1;
        if (script_files_has_check(upstream) &&
            fn(arg, board, script_row_name(upstream->check.script)) < 0)
            return -1;
    }
    for (size_t i = 0; i < conf->section_count; i++) {
        const struct section_conf *section = &conf->sections[i];

        for (size_t j = 0; j < section->script_count; j++) {
            if (fn(arg, board, script_row_name(section->scripts[j].path)) < 0)
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

        if (script_files_has_check(upstream))
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
