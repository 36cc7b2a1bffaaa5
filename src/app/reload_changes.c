/* SPDX-License-Identifier: MIT */
#include "app/reload_changes.h"

#include "app/resources.h"
#include "board/board.h"
#include "config/faults.h"
#include "proxy/section.h"
#include "script/scripts.h"

/* --- what cannot be changed ----------------------------------------------- */

static bool
is_same_text(struct str a, struct str b)
{
    if (a.p == NULL || b.p == NULL)
        return a.p == NULL && b.p == NULL;
    return str_equal(a, b);
}

static void
refuse_if(bool changed, const char *key, const struct config *now,
          struct faults *faults)
{
    if (changed)
        faults_add(faults, now->file.p, 0,
                   "%s has changed, for which there must be new processes: "
                   "write it as it was, or restart",
                   key);
}

void
reload_refuse_changes(const struct resources *r, const struct config *now,
                      struct faults *faults)
{
    const struct global_conf *a = &r->config->global;
    const struct global_conf *b = &now->global;

    refuse_if(a->workers != b->workers, "workers", now, faults);
    refuse_if(!is_same_text(a->user, b->user), "user", now, faults);
    refuse_if(!is_same_text(a->group, b->group), "group", now, faults);
    refuse_if(!is_same_text(a->chroot, b->chroot), "chroot", now, faults);
    refuse_if(!is_same_text(a->pidfile, b->pidfile), "pidfile", now, faults);
    refuse_if(!is_same_text(a->control, b->control), "control", now, faults);
    refuse_if(!is_same_text(a->control_group, b->control_group),
              "control_group", now, faults);
    refuse_if(a->daemon != b->daemon, "daemon", now, faults);
    refuse_if(a->shared_memory != b->shared_memory, "shared_memory", now,
              faults);
    refuse_if(a->max_connections != b->max_connections,
              "max_connections of [global]", now, faults);
    refuse_if(!is_same_text(a->temp_dir, b->temp_dir), "temp_dir", now, faults);
}

/* --- rows ----------------------------------------------------------------- */

struct walk {
    struct board *board;
    const struct config *other; /* that may have it, too */
    bool gone;                  /* those that it has not are meant */
    reload_row_fn fn;
    void *arg;
};

/* One that the other has stays whichever of the two is walked through. */
static void
tell_row(const struct walk *w, enum board_kind kind, int row, bool in_other)
{
    if (row != BOARD_NONE && (!w->gone || !in_other))
        w->fn(w->arg, &(struct rows_one){.kind = kind, .row = row}, w->gone);
}

/* OTHER: of the other configuration, or NULL. */
static const struct server_conf *
find_twin(const struct upstream_conf *other, struct str name)
{
    return other == NULL ? NULL : upstream_conf_find_server(other, name);
}

static void
walk_upstream(const struct walk *w, const struct upstream_conf *conf)
{
    const struct upstream_conf *other =
        config_find_upstream(w->other, conf->name);
    int upstream = board_find_upstream(w->board, conf->name);

    for (size_t i = 0; i < conf->server_count; i++) {
        struct str name = conf->servers[i].name;

        tell_row(w, BOARD_SERVERS, board_find_server(w->board, upstream, name),
                 find_twin(other, name) != NULL);
    }
    tell_row(w, BOARD_UPSTREAMS, upstream, other != NULL);
}

struct script_search {
    struct str name;
    bool found;
};

static int
compare_script(void *arg, struct board *board, struct str name)
{
    struct script_search *search = arg;

    (void)board;
    search->found = search->found || str_equal(search->name, name);
    return 0;
}

static bool
has_script(const struct config *config, struct str name)
{
    struct script_search search = {.name = name};

    return scripts_each_row(config, compare_script, NULL, &search) == 0 &&
           search.found;
}

static int
walk_script(void *arg, struct board *board, struct str name)
{
    const struct walk *w = arg;

    tell_row(w, BOARD_SCRIPTS, board_find_script(board, name),
             has_script(w->other, name));
    return 0;
}

static void
walk(const struct walk *w, const struct config *config)
{
    int result;

    for (size_t i = 0; i < config->upstream_count; i++)
        walk_upstream(w, &config->upstreams[i]);
    for (size_t i = 0; i < config->section_count; i++) {
        const struct section_conf *conf = &config->sections[i];
        char name[SECTION_ROW_NAME];
        int row = board_find_section(w->board, section_row_name(name, conf));

        tell_row(w, BOARD_SECTIONS, row,
                 config_find_section(w->other, conf->kind, conf->name) != NULL);
    }
    result =
        scripts_each_row(config, walk_script, w->board, (void *)(uintptr_t)w);
    (void)result; /* it has nothing to refuse */
}

void
reload_each_row(struct board *board, const struct config *before,
                const struct config *now, reload_row_fn fn, void *arg)
{
    struct walk w = {.board = board, .fn = fn, .arg = arg};

    w.other = now;
    w.gone = true;
    walk(&w, before);
    w.other = before;
    w.gone = false;
    walk(&w, now);
}

/* --- words ---------------------------------------------------------------- */

static bool
is_same_server(const struct server_conf *a, const struct server_conf *b)
{
    return a->weight == b->weight && a->maxconn == b->maxconn &&
           a->backup == b->backup && a->disabled == b->disabled &&
           a->unchecked == b->unchecked && is_same_text(a->root, b->root) &&
           str_equal(a->address.text, b->address.text);
}

static void
tell_server(struct buf *out, struct str upstream,
            const struct server_conf *server, const char *what)
{
    buf_printf(out, "server " STR_FMT "/" STR_FMT ": %s\n", STR_ARG(upstream),
               STR_ARG(server->name), what);
}

/* OTHER: the one of the same name in the other configuration, or NULL. */
static void
tell_servers(struct buf *out, const struct upstream_conf *conf,
             const struct upstream_conf *other, bool is_before)
{
    for (size_t i = 0; i < conf->server_count; i++) {
        const struct server_conf *server = &conf->servers[i];
        const struct server_conf *twin = find_twin(other, server->name);

        if (twin == NULL)
            tell_server(out, conf->name, server,
                        is_before ? "removed" : "added");
        else if (!is_before && !is_same_server(twin, server))
            tell_server(out, conf->name, server, "changed");
    }
}

static void
tell_upstreams(struct buf *out, const struct config *config,
               const struct config *other, bool is_before)
{
    for (size_t i = 0; i < config->upstream_count; i++) {
        const struct upstream_conf *conf = &config->upstreams[i];
        const struct upstream_conf *twin =
            config_find_upstream(other, conf->name);

        if (twin == NULL)
            buf_printf(out, "upstream " STR_FMT ": %s\n", STR_ARG(conf->name),
                       is_before ? "removed" : "added");
        tell_servers(out, conf, twin, is_before);
    }
}

static bool
listens_on(const struct section_conf *conf, struct str text)
{
    for (size_t i = 0; conf != NULL && i < conf->listen_count; i++) {
        if (str_equal(conf->listens[i].address.text, text))
            return true;
    }
    return false;
}

static void
tell_sections(struct buf *out, const struct config *config,
              const struct config *other, bool is_before)
{
    const char *what = is_before ? "removed" : "added";

    for (size_t i = 0; i < config->section_count; i++) {
        const struct section_conf *conf = &config->sections[i];
        const struct section_conf *twin =
            config_find_section(other, conf->kind, conf->name);

        if (twin == NULL)
            buf_printf(out, "%s " STR_FMT ": %s\n",
                       section_kind_name(conf->kind), STR_ARG(conf->name),
                       what);
        for (size_t k = 0; k < conf->listen_count; k++) {
            struct str text = conf->listens[k].address.text;

            if (!listens_on(twin, text))
                buf_printf(out, "%s " STR_FMT ": listen " STR_FMT " %s\n",
                           section_kind_name(conf->kind), STR_ARG(conf->name),
                           STR_ARG(text), what);
        }
    }
}

/* But for its addresses. */
static bool
is_same_stats(const struct stats_conf *a, const struct stats_conf *b)
{
    bool same = str_equal(a->uri, b->uri) && str_equal(a->realm, b->realm) &&
                a->admin == b->admin && a->auth_count == b->auth_count;

    for (size_t i = 0; same && i < a->auth_count; i++)
        same = str_equal(a->auths[i].user, b->auths[i].user) &&
               str_equal(a->auths[i].secret, b->auths[i].secret);
    return same;
}

static void
tell_stats(struct buf *out, const struct config *config,
           const struct config *other, bool is_before)
{
    const char *what = is_before ? "removed" : "added";

    for (size_t i = 0; i < config->stats_count; i++) {
        const struct stats_conf *conf = &config->stats[i];
        const struct stats_conf *twin = config_find_stats(other, conf->name);

        if (twin == NULL)
            buf_printf(out, "stats " STR_FMT ": %s\n", STR_ARG(conf->name),
                       what);
        else if (!is_before && !is_same_stats(twin, conf))
            buf_printf(out, "stats " STR_FMT ": changed\n",
                       STR_ARG(conf->name));
        for (size_t k = 0; k < conf->listen_count; k++) {
            struct str text = conf->listens[k].address.text;

            if (stats_conf_find_listen(twin, text) == NULL)
                buf_printf(out, "stats " STR_FMT ": listen " STR_FMT " %s\n",
                           STR_ARG(conf->name), STR_ARG(text), what);
        }
    }
}

void
reload_tell_changes(struct buf *out, const struct config *before,
                    const struct config *now)
{
    tell_upstreams(out, before, now, true);
    tell_sections(out, before, now, true);
    tell_stats(out, before, now, true);
    tell_upstreams(out, now, before, false);
    tell_sections(out, now, before, false);
    tell_stats(out, now, before, false);
}
