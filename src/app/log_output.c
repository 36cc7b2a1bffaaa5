/* SPDX-License-Identifier: MIT */
#include "app/log_output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "app/syslog.h"
#include "base/clock.h"
#include "base/mem.h"
#include "board/board.h"
#include "config/faults.h"
#include "proxy/addresses.h"
#include "proxy/section.h"

enum {
    LOG_HEAD_MAX = 256,      /* a date, a host, a tag */
    LOG_GATHER_FILE = 65536, /* bytes that are written at once */
    /* A pipe or terminal that is ready takes so much without waiting. */
    LOG_GATHER_STREAM = PIPE_BUF,
    SYSLOG_TEXT_MAX = 8192, /* longer messages are cut: collectors would */
    LOG_FILE_MODE = 0640,
    DRAIN_MAX_MS = 300, /* of a receiver, at the end */
};

/* --- text, gathered ------------------------------------------------------- */

static bool
is_text(const struct log_target *t)
{
    switch (t->conf->kind) {
    case LOG_KIND_STDERR:
    case LOG_KIND_STDOUT:
    case LOG_KIND_FILE:
        return true;
    case LOG_KIND_SYSLOG_UDP:
    case LOG_KIND_SYSLOG_TCP:
    case LOG_KIND_SYSLOG_DEV:
    case LOG_KIND_JOURNALD:
        return false;
    }
    return false;
}

static size_t
gather_bytes(const struct log_conf *conf)
{
    return conf->kind == LOG_KIND_FILE ? LOG_GATHER_FILE : LOG_GATHER_STREAM;
}

/* A pipe or a terminal whose reader has stopped would hold the writer. A file
 * is always ready. */
static bool
takes_more(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

static bool
write_bytes(const struct log_target *t, const struct iovec *iov, int n,
            size_t len)
{
    if (t->conf->kind != LOG_KIND_FILE && !takes_more(t->fd))
        return false;
    return writev(t->fd, iov, n) == (ssize_t)len;
}

static void
flush(struct log_target *t)
{
    struct iovec iov = {t->pending.p, t->pending.len};

    if (t->pending.len == 0)
        return;
    if (!write_bytes(t, &iov, 1, iov.iov_len))
        t->lost += t->lines;
    buf_reset(&t->pending);
    t->lines = 0;
}

/* --- opening -------------------------------------------------------------- */

static int
open_file(const struct log_conf *conf)
{
    return open(conf->path.p, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                LOG_FILE_MODE);
}

static int
find_address(struct addr *out, const struct log_conf *conf,
             struct addresses *addresses, const char **why)
{
    char text[ADDR_TEXT_MAX];

    if (conf->kind == LOG_KIND_SYSLOG_UDP || conf->kind == LOG_KIND_SYSLOG_TCP)
        return addresses_find(addresses, out, 1, &conf->address, why);
    (void)snprintf(text, sizeof(text), "unix:%s", conf->path.p);
    return addr_parse(out, text, why);
}

/* 0, or -1; *WHY is set where errno does not say what is wrong. */
static int
open_target(struct log_target *t, struct addresses *addresses, const char **why)
{
    struct addr addr;

    t->fd = -1;
    switch (t->conf->kind) {
    case LOG_KIND_STDERR:
        t->fd = STDERR_FILENO;
        return 0;
    case LOG_KIND_STDOUT:
        t->fd = STDOUT_FILENO;
        return 0;
    case LOG_KIND_FILE:
        t->fd = open_file(t->conf);
        return t->fd < 0 ? -1 : 0;
    case LOG_KIND_SYSLOG_UDP:
    case LOG_KIND_SYSLOG_TCP:
    case LOG_KIND_SYSLOG_DEV:
    case LOG_KIND_JOURNALD:
        if (find_address(&addr, t->conf, addresses, why) < 0)
            addr = (struct addr){.len = 0};
        log_link_init(&t->link, t->conf->kind, &addr);
        return addr.len == 0 ? -1 : 0;
    }
    errno = EINVAL;
    return -1;
}

/* A file was opened by the master, as FD; -1: its descriptor is missing. */
static int
adopt_target(struct log_target *t, struct addresses *addresses, int fd,
             const char **why)
{
    if (t->conf->kind != LOG_KIND_FILE)
        return open_target(t, addresses, why);
    t->fd = fd;
    if (fd < 0)
        *why = "its descriptor has not come";
    return fd < 0 ? -1 : 0;
}

static void
target_name(const struct log_conf *conf, char *text, size_t size)
{
    switch (conf->kind) {
    case LOG_KIND_STDERR:
        (void)snprintf(text, size, "stderr");
        return;
    case LOG_KIND_STDOUT:
        (void)snprintf(text, size, "stdout");
        return;
    case LOG_KIND_FILE:
        (void)snprintf(text, size, "file:%s", conf->path.p);
        return;
    case LOG_KIND_SYSLOG_UDP:
        (void)snprintf(text, size, "syslog:%s", conf->address.text.p);
        return;
    case LOG_KIND_SYSLOG_TCP:
        (void)snprintf(text, size, "syslog:tcp:%s", conf->address.text.p);
        return;
    case LOG_KIND_SYSLOG_DEV:
        (void)snprintf(text, size, "syslog:%s", conf->path.p);
        return;
    case LOG_KIND_JOURNALD:
        (void)snprintf(text, size, "journald:%s", conf->path.p);
        return;
    }
}

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

    t->conf = conf;
    errno = 0;
    if (opener->fds == NULL)
        result = open_target(t, opener->addresses, &why);
    else
        result = adopt_target(t, opener->addresses,
                              i < opener->fd_count ? opener->fds[i] : -1, &why);
    if (is_text(t))
        buf_init(&t->pending, xmalloc(gather_bytes(conf)), gather_bytes(conf));
    if (result < 0) {
        if (why == NULL)
            why = strerror(errno);
        target_name(conf, name, sizeof(name));
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
    for (size_t i = 0; i < o->count; i++) {
        if (o->targets[i].fd > STDERR_FILENO)
            close(o->targets[i].fd);
        if (!is_text(&o->targets[i]))
            log_link_fini(&o->targets[i].link);
        free(o->targets[i].pending.p);
    }
    free(o->targets);
    free(o->of_section);
    free(o->of_row);
    *o = (struct log_output){.count = 0};
}

void
log_output_own(struct log_output *o)
{
    for (size_t i = 0; i < o->count; i++) {
        struct log_target *t = &o->targets[i];

        t->reported = t->lost = 0;
        if (!is_text(t))
            log_link_disown(&t->link);
    }
}

/* Its connection, what waits for it and what was counted are the new one's. */
static void
take_over_link(struct log_target *t, struct log_output *before)
{
    for (size_t i = 0; i < before->count; i++) {
        struct log_target *old = &before->targets[i];
        struct log_link link = t->link;

        if (is_text(old) || !log_link_is_same(&t->link, &old->link))
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
        if (!is_text(&o->targets[i]))
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
        if (!is_text(&o->targets[i]))
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
    struct log_target *t = &o->targets[i];
    int fd;

    if (t->conf->kind != LOG_KIND_FILE)
        return false;
    fd = open_file(t->conf);
    if (fd < 0) {
        log_error("cannot open the log file again, going on with the old one:"
                  " %s file=%s",
                  strerror(errno), t->conf->path.p);
        return false;
    }
    log_output_replace(o, i, fd);
    return true;
}

void
log_output_replace(struct log_output *o, size_t i, int fd)
{
    if (i < o->count && !is_text(&o->targets[i])) {
        log_link_adopt(&o->targets[i].link, fd);
        return;
    }
    if (i >= o->count || o->targets[i].conf->kind != LOG_KIND_FILE) {
        close(fd);
        return;
    }
    flush(&o->targets[i]);
    close(o->targets[i].fd);
    o->targets[i].fd = fd;
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

/* One thing to write, line or record. */
struct entry {
    pid_t pid;
    enum log_level level;
    bool is_line; /* records have their own date, where they have one */
    struct str text;
};

void
log_output_flush(struct log_output *o)
{
    bool pending = false;

    for (size_t i = 0; i < o->count; i++) {
        struct log_target *t = &o->targets[i];

        if (is_text(t)) {
            flush(t);
            continue;
        }
        log_link_flush(&t->link);
        pending |= log_link_is_pending(&t->link);
        if (t->link.wants_help && o->on_help != NULL)
            o->on_help(o->arg, i);
        t->link.wants_help = false;
    }
    if (pending && o->on_pending != NULL)
        o->on_pending(o->arg);
}

/* Lines that are longer than what is gathered are written by themselves. */
static void
put_text(struct log_target *t, const struct entry *e)
{
    char memory[LOG_HEAD_MAX];
    struct buf head;
    size_t len;

    buf_init(&head, memory, sizeof(memory));
    if (e->is_line) {
        buf_str(&head, clock_rfc3339_date());
        buf_printf(&head, " %s ", log_level_name(e->level));
    }
    len = head.len + e->text.len + 1;
    if (len > t->pending.cap - t->pending.len)
        flush(t);
    if (len <= t->pending.cap) {
        buf_str(&t->pending, buf_text(&head));
        buf_str(&t->pending, e->text);
        buf_char(&t->pending, '\n');
        t->lines++;
        return;
    }
    if (!write_bytes(t,
                     (struct iovec[]){
                         {head.p, head.len},
                         {(void *)(uintptr_t)e->text.p, e->text.len},
                         {(void *)(uintptr_t) "\n", 1},
                     },
                     3, len))
        t->lost++;
}

static void
put_message(const struct log_output *o, struct log_target *t,
            const struct entry *e)
{
    char memory[LOG_HEAD_MAX];
    struct buf head;
    struct syslog_head fields = {
        .format = t->conf->format,
        .local = t->conf->kind == LOG_KIND_SYSLOG_DEV,
        .facility = t->conf->facility,
        .level = e->level,
        .host = o->host,
        .pid = e->pid,
    };
    struct str text = str_slice(e->text, 0, SYSLOG_TEXT_MAX);

    buf_init(&head, memory, sizeof(memory));
    if (t->conf->kind == LOG_KIND_JOURNALD)
        syslog_write_journal_head(&head, &fields, text);
    else
        syslog_write_head(&head, &fields);
    log_link_put(&t->link, buf_text(&head), text);
}

static void
put(const struct log_output *o, struct log_target *t, const struct entry *e)
{
    enum log_level lowest = t->conf->level;

    /* What is set at run time is about lines: records are asked for. */
    if (e->is_line)
        lowest = log_level_now(lowest);
    if (e->level < lowest)
        return;
    if (is_text(t))
        put_text(t, e);
    else
        put_message(o, t, e);
}

static void
put_global(const struct log_output *o, const struct entry *e)
{
    for (size_t i = 0; i < o->global_count; i++)
        put(o, &o->targets[i], e);
}

void
log_output_line(struct log_output *o, pid_t pid, enum log_level level,
                struct str text)
{
    put_global(o, &(struct entry){
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
    struct entry e = {
        .pid = pid,
        .level = LOG_LEVEL_INFO,
        .text = text,
    };

    if (row < o->row_count && o->of_row[row] != NULL)
        put(o, o->of_row[row], &e);
    else
        put_global(o, &e);
}

static uint64_t
lost_of(const struct log_target *t)
{
    return is_text(t) ? t->lost : t->link.lost;
}

uint64_t
log_output_lost(const struct log_output *o)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < o->count; i++)
        sum += lost_of(&o->targets[i]);
    return sum;
}

static const char *
reason_of(const struct log_target *t)
{
    if (is_text(t) || t->link.error == 0)
        return "it is too slow";
    return strerror(t->link.error);
}

void
log_output_report(struct log_output *o)
{
    char name[ADDR_TEXT_MAX];

    for (size_t i = 0; i < o->count; i++) {
        struct log_target *t = &o->targets[i];
        uint64_t lost = lost_of(t);

        if (lost == t->reported)
            continue;
        target_name(t->conf, name, sizeof(name));
        log_warn("the log %s did not take some lines: %s lost=%" PRIu64, name,
                 reason_of(t), lost - t->reported);
        t->reported = lost;
    }
}
