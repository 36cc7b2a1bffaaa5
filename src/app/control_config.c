/* SPDX-License-Identifier: MIT */
#include "app/control_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/config_record.h"
#include "app/message.h"
#include "app/setup.h"
#include "base/log.h"
#include "board/board.h"
#include "config/faults.h"
#include "net/loop.h"
#include "proxy/health.h"

/* --- one of them ---------------------------------------------------------- */

static struct control_part *
new_part(void)
{
    struct control_part *part = calloc(1, sizeof(*part));

    if (part == NULL)
        return NULL;
    addresses_init(&part->addresses);
    bundles_init(&part->bundles);
    return part;
}

static void
free_part(struct control_part *part)
{
    if (part == NULL)
        return;
    check_scripts_drop(&part->scripts);
    if (part->logs != NULL)
        log_output_close(part->logs);
    bundles_fini(&part->bundles);
    addresses_fini(&part->addresses);
    config_unref(part->config);
    free(part);
}

/* --- what has come -------------------------------------------------------- */

static void
forget_record(struct control_config *c)
{
    if (c->record >= 0)
        close(c->record);
    c->record = -1;
    c->pending = false;
}

static void
drop(void *arg)
{
    struct control_config *c = arg;

    stats_server_drop(c->stats); /* it points into what is staged */
    free_part(c->staged);
    c->staged = NULL;
    forget_record(c);
    fd_places_close(&c->logs);
}

void
control_config_message(struct control_config *c, const struct message *m)
{
    if (m->kind == MESSAGE_CONFIG) {
        drop(c); /* the end of an older attempt may have been lost */
        c->record = m->fd;
        c->pending = true;
    } else {
        fd_places_take(&c->logs, m);
    }
}

/* --- staging -------------------------------------------------------------- */

static bool
is_pending(void *arg)
{
    const struct control_config *c = arg;

    return c->pending;
}

/* The descriptors belong to the logs from then on. */
static int
make_logs(struct control_config *c, struct control_part *part,
          struct faults *faults)
{
    int result;

    part->logs = &part->own_logs;
    result = log_output_adopt(part->logs, part->config, &part->addresses,
                              c->logs.fds == NULL ? &c->record : c->logs.fds,
                              c->logs.count, faults);
    fd_places_forget(&c->logs);
    if (result == 0 && log_output_bind(part->logs, c->conf->board) < 0) {
        faults_add(faults, part->config->file.p, 0,
                   "there is no memory for its logs");
        result = -1;
    }
    return result;
}

static int
fill(struct control_config *c, struct control_part *part, struct faults *faults)
{
    if (config_record_read(&part->config, &part->addresses, c->record, faults) <
            0 ||
        make_logs(c, part, faults) < 0)
        return -1;
    return check_scripts_stage(&part->scripts, c->loop, c->conf->board,
                               part->config, &part->addresses, &part->bundles,
                               &c->now->scripts, faults);
}

static int
stage(void *arg, int bundles, struct buf *why)
{
    struct control_config *c = arg;
    struct control_part *part = new_part();
    struct faults faults;
    int result = -1;

    if (part == NULL || bundles_read(&part->bundles, bundles) < 0) {
        buf_printf(why, "it cannot be read: %s\n", strerror(errno));
        free_part(part);
        return -1;
    }
    faults_init(&faults);
    result = fill(c, part, &faults);
    setup_write_faults(&faults, why);
    faults_fini(&faults);
    if (result == 0)
        result = stats_server_stage(c->stats, part->config, why);
    if (result == 0)
        c->staged = part;
    else
        free_part(part);
    return result;
}

/* --- taking over ---------------------------------------------------------- */

struct scripts *
control_config_scripts(const struct control_config *c)
{
    const struct check_scripts *scripts = &c->now->scripts;

    return scripts->in_use ? scripts->service.scripts : NULL;
}

/* Without health, which is started again by the control process that takes this
 * one's place, it is of no use. */
static void
restart_health(struct control_config *c)
{
    c->health = health_start(c->loop, c->conf->board, c->now->config);
    if (c->health != NULL && server_names_take(&c->names, c->now->config) == 0)
        return;
    log_error("cannot watch over the new configuration: %s", strerror(errno));
    loop_stop(c->loop);
}

static struct scripts *
commit(void *arg, uint32_t generation)
{
    struct control_config *c = arg;
    struct control_part *old = c->now;

    (void)generation;
    c->now = c->staged;
    c->staged = NULL;
    health_stop(c->health);
    check_scripts_take_over(&c->now->scripts, &old->scripts,
                            &c->names.resolver);
    c->use_logs(c->use_logs_arg, c->now->logs);
    stats_server_commit(c->stats);
    restart_health(c);
    forget_record(c);
    free_part(old);
    return control_config_scripts(c);
}

/* --- life ----------------------------------------------------------------- */

int
control_config_start(struct control_config *c, const struct control_conf *conf,
                     struct loop *loop, struct stats_server *stats,
                     void (*use_logs)(void *arg, struct log_output *logs),
                     void *arg)
{
    *c = (struct control_config){
        .conf = conf,
        .loop = loop,
        .stats = stats,
        .now = new_part(),
        .record = -1,
        .use_logs = use_logs,
        .use_logs_arg = arg,
        .stage = {c, is_pending, stage, commit, drop},
    };
    if (c->now == NULL || log_output_bind(conf->logs, conf->board) < 0)
        return -1;
    c->now->config = config_ref(conf->config);
    c->now->logs = conf->logs;
    if (server_names_start(&c->names, loop, conf->board, conf->config) < 0)
        return -1;
    resolver_warm(&c->names.resolver);
    conf->confine(conf->resources);
    check_scripts_start(&c->now->scripts, loop, conf->board, conf->config,
                        conf->addresses, conf->bundles, &c->names.resolver);
    c->health = health_start(loop, conf->board, conf->config);
    return c->health == NULL ? -1 : 0;
}

void
control_config_stop(struct control_config *c)
{
    drop(c);
    health_stop(c->health);
    check_scripts_stop(&c->now->scripts);
    server_names_stop(&c->names);
}

void
control_config_fini(struct control_config *c)
{
    free_part(c->now);
    c->now = NULL;
}
