/* SPDX-License-Identifier: MIT */
#include "config/verify_chroot.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/confine.h"
#include "config/template.h"

struct verifier {
    const struct config *config;
    struct faults *faults;
};

static void
verify_path(const struct verifier *v, struct str path, const char *key,
            struct config_at at)
{
    struct str chroot = v->config->global.chroot;

    if (path.p == NULL || confine_holds(chroot, path))
        return;
    faults_add_at(v->faults, at,
                  "%s: " STR_FMT " does not lie under chroot = " STR_FMT
                  "; name a path below it, as it is called outside",
                  key, STR_ARG(path), STR_ARG(chroot));
}

/* Of a path with variables what stands before the first one counts. */
static void
verify_template(const struct verifier *v, const struct template *path,
                const char *key, struct config_at at)
{
    struct str chroot = v->config->global.chroot;

    if (path == NULL)
        return;
    if (path->piece_count > 0 && path->pieces[0].variable == TEMPLATE_LITERAL &&
        confine_holds(chroot, path->pieces[0].text))
        return;
    faults_add_at(v->faults, at,
                  "%s: " STR_FMT " does not lie under chroot = " STR_FMT
                  "; name a path below it, as it is called outside",
                  key, STR_ARG(path->source), STR_ARG(chroot));
}

static void
verify_folder(const struct verifier *v)
{
    const struct global_conf *global = &v->config->global;
    struct stat st;

    /* In there it is not to be seen. */
    if (confine_is_on())
        return;
    if (stat(global->chroot.p, &st) < 0)
        faults_add_at(v->faults, global->chroot_at, "chroot: " STR_FMT ": %s",
                      STR_ARG(global->chroot), strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        faults_add_at(v->faults, global->chroot_at,
                      "chroot: " STR_FMT " is no folder",
                      STR_ARG(global->chroot));
}

static void
verify_http(const struct verifier *v, const struct http_conf *http)
{
    verify_template(v, http->root, "root", http->root_at);
    for (size_t i = 0; i < http->route_count; i++) {
        const struct route_conf *route = &http->routes[i];

        verify_template(v, route->root, "route: root", route->at);
        verify_template(v, route->alias, "route: alias", route->at);
    }
}

static void
verify_upstream(const struct verifier *v, const struct upstream_conf *upstream)
{
    for (size_t i = 0; i < upstream->server_count; i++) {
        const struct server_conf *server = &upstream->servers[i];

        if (server->address.is_unix)
            verify_path(v, server->address.path, "server", server->at);
    }
}

void
verify_chroot(const struct config *config, struct faults *faults)
{
    const struct verifier v = {config, faults};
    const struct global_conf *global = &config->global;

    if (global->chroot.p == NULL)
        return;
    verify_folder(&v);
    verify_path(&v, global->temp_dir, "temp_dir",
                global->temp_dir_at.line > 0 ? global->temp_dir_at
                                             : global->chroot_at);
    for (size_t i = 0; i < config->upstream_count; i++)
        verify_upstream(&v, &config->upstreams[i]);
    for (size_t i = 0; i < config->section_count; i++) {
        if (config->sections[i].http != NULL)
            verify_http(&v, config->sections[i].http);
    }
}
