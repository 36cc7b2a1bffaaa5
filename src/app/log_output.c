/* SPDX-License-Identifier: MIT */
#include "app/log_output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "board/board.h"
#include "config/faults.h"
#include "proxy/addresses.h"
#include "proxy/section.h"

enum {
    DRAIN_MAX_MS = 300, /* of a receiver, at the end */
};

/* --- opening -------------------------------------------------------------- */

/* What the targets are made of. */
struct opener {
    struct log_output *output;
    struct addresses *addresses;
    const int *fds; /* NULL: they are opened */
    size_t fd_count;
    struct faults *faults;
};

static struct log_target *
add_target(const struct opener *opener, const struct log_conf *conf)
{
    struct log_output *o = opener->output;
    size_t i = o->count++;
    struct log_target *t = &o->targets[i];
    const char *why = NULL;
    char name[ADDR_TEXT_MAX];
    int result;

    if (opener->fds == NULL)
        result = log_target_open(t, conf, opener->addresses, &why);
    else
        result =
            log_target_adopt(t, conf, opener->addresses,
                             i < opener->fd_count ? opener->fds[i] : -1, &why);
    if (result < 0) {
        if (why == NULL)
            why = strerror(errno);
        log_target_name(conf, name, sizeof(name));
        faults_add_at(opener->faults, conf->at, "cannot open the log %s: %s",
                      name, why);
    }
    return t;
}

static void
resolve(const struct log_conf *conf, struct addresses *addresses,
        struct faults *faults)
{
    struct addr addr;
    int ignored; /* the fault says it */

    if (conf->kind != LOG_KIND_SYSLOG_UDP && conf->kind != LOG_KIND_SYSLOG_TCP)
        return;
    ignored = addresses_resolve(addresses, &addr, 1, &conf->address, conf->at,
                                faults);
    (void)ignored;
}

void
log_output_resolve(const struct config *config, struct addresses *addresses,
                   struct faults *faults)
{
    for (size_t i = 0; i < config->global.log_count; i++)
        resolve(&config->global.logs[i], addresses, faults);
    for (size_t i = 0; i < config->section_count; i++) {
        if (config->sections[i].log_to != NULL)
            resolve(config->sections[i].log_to, addresses, faults);
    }
}

static void
add_targets(const struct opener *opener, const struct config *config)
{
    const struct global_conf *global = &config->global;
    struct log_output *o = opener->output;

    *o = (struct log_output){.config = config};
    o->targets =
        xcalloc(global->log_count + config->section_count, sizeof(*o->targets));
    o->of_section = xcalloc(config->section_count, sizeof(*o->of_section));
    for (size_t i = 0; i < global->log_count; i++)
        add_target(opener, &global->logs[i]);
    o->global_count = o->count;
    for (size_t i = 0; i < config->section_count; i++) {
        if (config->sections[i].log_to != NULL)
            o->of_section[i] = add_target(opener, config->sections[i].log_to);
    }
    if (gethostname(o->host, LOG_OUTPUT_HOST_MAX) < 0 || o->host[0] == '\0')
        (void)snprintf(o->host, sizeof(o->host), "localhost");
}

void
log_output_open(struct log_output *o, const struct config *config,
                struct addresses *addresses, struct faults *faults)
{
    const struct opener opener = {
        .output = o,
        .addresses = addresses,
        .faults = faults,
    };

    add_targets(&opener, config);
}

int
log_output_adopt(struct log_output *o, const struct config *config,
                 struct addresses *addresses, const int *fds, size_t count,
                 struct faults *faults)
{
    const struct opener opener = {
        .output = o,
        .addresses = addresses,
        .fds = fds,
        .fd_count = count,
        .faults = faults,
    };
    size_t before = faults->count;

    add_targets(&opener, config);
    return faults->count == before ? 0 : -1;
}

int
log_output_bind(struct log_output *o, const struct board *board)
{
    const struct config *config = o->config;

    o->row_count = board->header->limits.sections;
    o->of_row = calloc(o->row_count + 1, sizeof(struct log_target *));
    if (o->of_row == NULL)
        return -1;
    for (size_t i = 0; i < config->section_count; i++) {
        char name[SECTION_ROW_NAME];
        int row = board_find_section(
            board, section_row_name(name, &config->sections[i]));

        if (row != BOARD_NONE)
            o->of_row[row] = o->of_section[i];
    }
    return 0;
}

void
log_output_close(struct log_output *o)
{
    o->on_pending = NULL;
    log_output_drain(o);
    for (size_t i = 0; i < o->count; i++)
        log_target_close(&o->targets[i]);
    free(o->targets);
    free(o->of_section);
    free(o->of_row);
    *o = (struct log_output){.count = 0};
}

void
log_output_own(struct log_output *o)
{
    for (size_t i = 0; i < o->count; i++)
        log_target_own(&o->targets[i]);
}

/* Its connection, what waits for it and what was counted are the new one's. */
static void
take_over_link(struct log_target *t, struct log_output *before)
{
    for (size_t i = 0; i < before->count; i++) {
        struct log_target *old = &before->targets[i];
        struct log_link link = t->link;

        if (log_target_is_text(old) || !log_link_is_same(&t->link, &old->link))
            continue;
        t->link = old->link;
        t->reported = old->reported;
        old->link = link;
        return;
    }
}

void
log_output_take_over(struct log_output *o, struct log_output *before)
{
    for (size_t i = 0; i < o->count; i++) {
        if (!log_target_is_text(&o->targets[i]))
            take_over_link(&o->targets[i], before);
    }
    o->on_pending = before->on_pending;
    o->on_help = before->on_help;
    o->arg = before->arg;
    before->on_pending = NULL;
    before->on_help = NULL;
}

void
log_output_drain(struct log_output *o)
{
    log_output_flush(o);
    for (size_t i = 0; i < o->count; i++) {
        if (!log_target_is_text(&o->targets[i]))
            log_link_drain(&o->targets[i].link, DRAIN_MAX_MS);
    }
}

int
log_output_connect(const struct log_output *o, size_t i)
{
    bool ignored;

    if (i >= o->count || (o->targets[i].conf->kind != LOG_KIND_SYSLOG_DEV &&
                          o->targets[i].conf->kind != LOG_KIND_JOURNALD))
        return -1;
    return log_link_connect_local(&o->targets[i].link.addr, &ignored);
}

bool
log_output_reopen(struct log_output *o, size_t i)
{
    return log_target_reopen(&o->targets[i]);
}

void
log_output_replace(struct log_output *o, size_t i, int fd)
{
    if (i < o->count)
        log_target_replace(&o->targets[i], fd);
    else
        close(fd);
}

enum log_level
log_output_level(const struct config *config)
{
    const struct global_conf *global = &config->global;
    enum log_level lowest = LOG_LEVEL_ERROR;

    for (size_t i = 0; i < global->log_count; i++) {
        if (global->logs[i].level < lowest)
            lowest = global->logs[i].level;
    }
    return lowest;
}

/* --- writing -------------------------------------------------------------- */

void
log_output_flush(struct log_output *o)
{
    bool pending = false;

    for (size_t i = 0; i < o->count; i++) {
        struct log_target *t = &o->targets[i];

        log_target_flush(t);
        if (log_target_is_text(t))
            continue;
        pending |= log_link_is_pending(&t->link);
        if (t->link.wants_help && o->on_help != NULL)
            o->on_help(o->arg, i);
        t->link.wants_help = false;
    }
    if (pending && o->on_pending != NULL)
        o->on_pending(o->arg);
}

static void
put_global(const struct log_output *o, const struct log_entry *e)
{
    for (size_t i = 0; i < o->global_count; i++)
        log_target_put(&o->targets[i], e, o->host);
}

void
log_output_line(struct log_output *o, pid_t pid, enum log_level level,
                struct str text)
{
    put_global(o, &(struct log_entry){
                      .pid = pid,
                      .level = level,
                      .is_line = true,
                      .text = text,
                  });
}

void
log_output_record(struct log_output *o, pid_t pid, unsigned row,
                  struct str text)
{
    struct log_entry e = {
        .pid = pid,
        .level = LOG_LEVEL_INFO,
        .text = text,
    };

    if (row < o->row_count && o->of_row[row] != NULL)
        log_target_put(o->of_row[row], &e, o->host);
    else
        put_global(o, &e);
}

uint64_t
log_output_lost(const struct log_output *o)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < o->count; i++)
        sum += log_target_lost(&o->targets[i]);
    return sum;
}

void
log_output_report(struct log_output *o)
{
    char name[ADDR_TEXT_MAX];

    for (size_t i = 0; i < o->count; i++) {
        struct log_target *t = &o->targets[i];
        uint64_t lost = log_target_lost(t);

        if (lost == t->reported)
            continue;
        log_target_name(t->conf, name, sizeof(name));
        log_warn("the log %s did not take some lines: %s lost=%" PRIu64, name,
                 log_target_reason(t), lost - t->reported);
        t->reported = lost;
    }
}
