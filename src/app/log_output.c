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
#include <sys/socket.h>
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
    case LOG_KIND_SYSLOG_DEV:
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
open_udp(struct log_target *t, struct addresses *addresses, const char **why)
{
    if (addresses_find(addresses, &t->addr, 1, &t->conf->address, why) < 0)
        return -1;
    return socket(t->addr.sa.sa_family,
                  SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int
open_dev(struct log_target *t, const char **why)
{
    char text[ADDR_TEXT_MAX];

    (void)snprintf(text, sizeof(text), "unix:%s", t->conf->path.p);
    if (addr_parse(&t->addr, text, why) < 0)
        return -1;
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* *WHY is set where errno does not say what is wrong. */
static int
open_target(struct log_target *t, struct addresses *addresses, const char **why)
{
    switch (t->conf->kind) {
    case LOG_KIND_STDERR:
        return STDERR_FILENO;
    case LOG_KIND_STDOUT:
        return STDOUT_FILENO;
    case LOG_KIND_FILE:
        return open_file(t->conf);
    case LOG_KIND_SYSLOG_UDP:
        return open_udp(t, addresses, why);
    case LOG_KIND_SYSLOG_DEV:
        return open_dev(t, why);
    }
    errno = EINVAL;
    return -1;
}

/* FD was opened by the master; -1: it is this process's own. */
static int
adopt_target(struct log_target *t, struct addresses *addresses, int fd,
             const char **why)
{
    char text[ADDR_TEXT_MAX];

    switch (t->conf->kind) {
    case LOG_KIND_STDERR:
        return STDERR_FILENO;
    case LOG_KIND_STDOUT:
        return STDOUT_FILENO;
    case LOG_KIND_FILE:
        break;
    case LOG_KIND_SYSLOG_UDP:
        if (addresses_find(addresses, &t->addr, 1, &t->conf->address, why) < 0)
            return -1;
        break;
    case LOG_KIND_SYSLOG_DEV:
        (void)snprintf(text, sizeof(text), "unix:%s", t->conf->path.p);
        if (addr_parse(&t->addr, text, why) < 0)
            return -1;
        break;
    }
    if (fd < 0)
        *why = "its descriptor has not come";
    return fd;
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
    case LOG_KIND_SYSLOG_DEV:
        (void)snprintf(text, size, "syslog:%s", conf->path.p);
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

    t->conf = conf;
    if (opener->fds == NULL)
        t->fd = open_target(t, opener->addresses, &why);
    else
        t->fd = adopt_target(t, opener->addresses,
                             i < opener->fd_count ? opener->fds[i] : -1, &why);
    if (is_text(t))
        buf_init(&t->pending, xmalloc(gather_bytes(conf)), gather_bytes(conf));
    if (t->fd < 0) {
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

    if (conf->kind != LOG_KIND_SYSLOG_UDP)
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
    for (size_t i = 0; i < o->count; i++) {
        flush(&o->targets[i]);
        if (o->targets[i].fd > STDERR_FILENO)
            close(o->targets[i].fd);
        free(o->targets[i].pending.p);
    }
    free(o->targets);
    free(o->of_section);
    free(o->of_row);
    *o = (struct log_output){.count = 0};
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
    for (size_t i = 0; i < o->count; i++)
        flush(&o->targets[i]);
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

/* Sent to the address each time: a socket that is connected would show the
 * answer to the last datagram (nobody listens) as an error of the next. */
static bool
send_syslog(const struct log_output *o, struct log_target *t,
            const struct entry *e)
{
    char memory[LOG_HEAD_MAX];
    struct buf head;
    struct iovec iov[2];
    struct msghdr message = {
        .msg_name = &t->addr.sa,
        .msg_namelen = t->addr.len,
        .msg_iov = iov,
        .msg_iovlen = 2,
    };
    struct str text = str_slice(e->text, 0, SYSLOG_TEXT_MAX);

    buf_init(&head, memory, sizeof(memory));
    syslog_write_head(&head, &(struct syslog_head){
                                 .format = t->conf->format,
                                 .local = t->conf->kind == LOG_KIND_SYSLOG_DEV,
                                 .facility = t->conf->facility,
                                 .level = e->level,
                                 .host = o->host,
                                 .pid = e->pid,
                             });
    iov[0] = (struct iovec){head.p, head.len};
    iov[1] = (struct iovec){(void *)(uintptr_t)text.p, text.len};
    return sendmsg(t->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
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
    else if (!send_syslog(o, t, e))
        t->lost++;
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

void
log_output_report(struct log_output *o)
{
    char name[ADDR_TEXT_MAX];

    for (size_t i = 0; i < o->count; i++) {
        struct log_target *t = &o->targets[i];

        if (t->lost == t->reported)
            continue;
        target_name(t->conf, name, sizeof(name));
        log_warn("the log %s did not take some lines lost=%" PRIu64, name,
                 t->lost - t->reported);
        t->reported = t->lost;
    }
}
