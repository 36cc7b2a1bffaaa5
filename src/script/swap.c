/* SPDX-License-Identifier: MIT */
#include "script/swap.h"

#include <assert.h>
#include <stdlib.h>

#include "config/faults.h"
#include "proxy/runtime.h"
#include "proxy/section.h"
#include "proxy/upstream.h"
#include "script/bundles.h"
#include "script/life.h"
#include "script/load.h"
#include "script/outcast.h"
#include "script/quarantine.h"
#include "script/sweep.h"
#include "script/tables.h"
#include "script/uses.h"

/* Where a new one goes; one of the three is set. */
struct place {
    struct list link;
    struct upstream *upstream;   /* of a policy */
    struct section *section;     /* of a chain */
    struct policy_hooks *policy; /* held */
    struct section_hooks *hooks; /* held */
    struct script *check;        /* held */
    struct script *old_check;    /* that serves; NULL: it could not be loaded */
};

struct swap {
    struct scripts *scripts;
    struct list places;
    struct bundles bundles; /* the new versions */
    bool loaded;            /* one of them at least: this process uses it */
};

static int
refuse_memory(const struct swap *swap, struct faults *faults)
{
    faults_add(faults, swap->scripts->runtime->conf->file.p, 0,
               "no memory for another version of a script");
    return -1;
}

static struct place *
add_place(struct swap *swap)
{
    struct place *place = calloc(1, sizeof(*place));

    if (place != NULL)
        list_add_tail(&swap->places, &place->link);
    return place;
}

/* Completes ORDER, of a use that OLD has now, and loads it.  0; also where the
 * set has no such script, and *OUT is NULL. */
static int
load_new(struct script **out, struct swap *swap, struct script_order *order,
         struct script *old, struct faults *faults)
{
    *out = NULL;
    order->bundle = bundles_find(&swap->bundles, order->file.p);
    if (order->bundle == NULL)
        return 0;
    order->old = old;
    swap->loaded = true;
    *out = script_load(swap->scripts, order, faults);
    if (*out == NULL)
        return -1;
    (*out)->old_banned = old != NULL && quarantine_holds(old);
    return 0;
}

/* --- each kind of use ----------------------------------------------------- */

static int
stage_policy(struct swap *swap, struct upstream *upstream,
             struct faults *faults)
{
    char text[SCRIPT_FILES_MAX];
    struct script_order order;
    struct script *script;
    struct place *place;

    if (!uses_policy(&order, text, upstream))
        return 0;
    if (load_new(&script, swap, &order, upstream->policy->arg, faults) < 0)
        return -1;
    if (script == NULL)
        return 0;
    place = add_place(swap);
    if (place != NULL)
        place->policy = tables_new_policy(script);
    if (place == NULL || place->policy == NULL) {
        script_unref(script);
        return refuse_memory(swap, faults);
    }
    place->upstream = upstream;
    return 0;
}

static int
stage_check(struct swap *swap, struct upstream *upstream, struct faults *faults)
{
    struct script *old = uses_find_check(swap->scripts, upstream->conf);
    struct script_order order;
    struct script *script;
    struct place *place;

    if (!uses_check(&order, upstream))
        return 0;
    if (load_new(&script, swap, &order, old, faults) < 0)
        return -1;
    if (script == NULL)
        return 0;
    place = add_place(swap);
    if (place == NULL) {
        script_unref(script);
        return refuse_memory(swap, faults);
    }
    place->check = script;
    place->old_check = old;
    return 0;
}

static bool
has_any(const struct swap *swap, const struct section_conf *conf)
{
    for (size_t i = 0; i < conf->script_count; i++) {
        if (bundles_find(&swap->bundles, conf->scripts[i].path.p) != NULL)
            return true;
    }
    return false;
}

/* The chain of the section with its new scripts; it shares the others with the
 * chain that serves. */
static int
fill_chain(struct script_chain *chain, struct swap *swap,
           const struct section *section, struct faults *faults)
{
    const struct script_chain *now = section->hooks->arg;

    for (unsigned i = 0; i < section->conf->script_count; i++) {
        struct script_order order;
        struct script *script;

        uses_section(&order, section->conf, i);
        if (load_new(&script, swap, &order, now->scripts[i], faults) < 0)
            return -1;
        if (script == NULL)
            script = script_ref(now->scripts[i]);
        chain->scripts[chain->count++] = script;
    }
    return 0;
}

static int
stage_section(struct swap *swap, struct section *section, struct faults *faults)
{
    struct script_chain *chain;
    struct place *place;

    if (!has_any(swap, section->conf))
        return 0;
    place = add_place(swap);
    chain = tables_new_chain(section->conf);
    if (place == NULL || chain == NULL) {
        tables_free_chain(chain);
        return refuse_memory(swap, faults);
    }
    if (fill_chain(chain, swap, section, faults) < 0) {
        tables_free_chain(chain);
        return -1;
    }
    place->section = section;
    place->hooks = tables_new_section(chain);
    if (place->hooks != NULL)
        return 0;
    tables_free_chain(chain);
    return refuse_memory(swap, faults);
}

/* --- all of them ---------------------------------------------------------- */

static int
stage_hooks(struct swap *swap, struct faults *faults)
{
    struct runtime *runtime = swap->scripts->runtime;

    for (size_t i = 0; i < runtime->upstream_count; i++) {
        if (stage_policy(swap, &runtime->upstreams[i], faults) < 0)
            return -1;
    }
    for (size_t i = 0; i < runtime->section_count; i++) {
        if (stage_section(swap, runtime->sections[i], faults) < 0)
            return -1;
    }
    return 0;
}

static int
stage_checks(struct swap *swap, struct faults *faults)
{
    struct runtime *runtime = swap->scripts->runtime;

    for (size_t i = 0; i < runtime->upstream_count; i++) {
        if (stage_check(swap, &runtime->upstreams[i], faults) < 0)
            return -1;
    }
    return 0;
}

/* Room for the bundles is had now, so that the commit needs none. */
static int
keep_bundles(struct swap *swap, const struct bundles *set,
             struct faults *faults)
{
    struct bundles *all = swap->scripts->bundles;

    for (size_t i = 0; i < set->count; i++) {
        if (bundles_put(&swap->bundles, set->items[i]) < 0)
            return refuse_memory(swap, faults);
    }
    if (all != NULL && bundles_reserve(all, swap->bundles.count) < 0)
        return refuse_memory(swap, faults);
    return 0;
}

static struct swap *
new_swap(struct scripts *scripts)
{
    struct swap *swap = calloc(1, sizeof(*swap));

    if (swap == NULL)
        return NULL;
    swap->scripts = scripts;
    list_init(&swap->places);
    bundles_init(&swap->bundles);
    return swap;
}

int
scripts_stage(struct scripts *scripts, const struct bundles *set,
              struct faults *faults)
{
    struct swap *swap;

    scripts_drop(scripts);
    swap = new_swap(scripts);
    if (swap == NULL) {
        faults_add(faults, scripts->runtime->conf->file.p, 0, "no memory");
        return -1;
    }
    scripts->swap = swap;
    if (keep_bundles(swap, set, faults) == 0 &&
        (!scripts->hooked || stage_hooks(swap, faults) == 0) &&
        (!scripts->checks || stage_checks(swap, faults) == 0))
        return 0;
    scripts_drop(scripts);
    return -1;
}

/* --- the end -------------------------------------------------------------- */

/* Where no version was loaded, none is gone. */
static void
end_swap(struct swap *swap)
{
    struct scripts *scripts = swap->scripts;
    struct list *node;

    if (swap->loaded)
        sweep_start(scripts);
    while ((node = list_take_first(&swap->places)) != NULL)
        free(container_of(node, struct place, link));
    bundles_fini(&swap->bundles);
    scripts->swap = NULL;
    free(swap);
}

/* An old one that was quarantined stays out. That is known since it was staged:
 * another process may have lifted the name's quarantine meanwhile. */
static void
retire_old(const struct script *script)
{
    if (script->old == NULL)
        return;
    if (script->old_banned)
        outcast_expel(script->old);
    script_retire(script->old);
}

/* First all old ones retire, then the new ones serve, and the name's quarantine
 * is lifted. */
static void
change_phases(struct scripts *scripts)
{
    list_for_each(node, &scripts->list)
    {
        struct script *script = container_of(node, struct script, link);

        if (script->phase == SCRIPT_LOADS)
            retire_old(script);
    }
    list_for_each(node, &scripts->list)
    {
        struct script *script = container_of(node, struct script, link);

        if (script->phase != SCRIPT_LOADS)
            continue;
        script_lift(script);
        script_serve(script);
    }
}

static void
exchange(struct place *place)
{
    if (place->policy != NULL) {
        policy_hooks_release(place->upstream->policy);
        place->upstream->policy = place->policy;
    }
    if (place->hooks != NULL) {
        section_hooks_release(place->section->hooks);
        place->section->hooks = place->hooks;
    }
    if (place->check != NULL)
        script_unref(place->old_check);
}

static void
commit_bundles(struct bundles *all, const struct bundles *set)
{
    for (size_t i = 0; all != NULL && i < set->count; i++) {
        int result = bundles_put(all, set->items[i]);

        assert(result == 0); /* there is room */
        (void)result;
    }
}

void
scripts_commit(struct scripts *scripts)
{
    struct swap *swap = scripts->swap;

    if (swap == NULL)
        return;
    change_phases(scripts);
    list_for_each(node, &swap->places)
        exchange(container_of(node, struct place, link));
    commit_bundles(scripts->bundles, &swap->bundles);
    end_swap(swap);
}

void
scripts_drop(struct scripts *scripts)
{
    struct swap *swap = scripts->swap;

    if (swap == NULL)
        return;
    list_for_each(node, &swap->places)
    {
        struct place *place = container_of(node, struct place, link);

        if (place->policy != NULL)
            policy_hooks_release(place->policy);
        if (place->hooks != NULL)
            section_hooks_release(place->hooks);
        script_unref(place->check);
    }
    end_swap(swap);
}
