/* SPDX-License-Identifier: MIT */
#include "app/log_target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "app/syslog.h"
#include "base/clock.h"
#include "proxy/addresses.h"

enum {
    LOG_HEAD_MAX = 256,      /* a date, a host, a tag */
    LOG_GATHER_FILE = 65536, /* bytes that are written at once */
    /* A pipe or terminal that is ready takes so much without waiting. */
    LOG_GATHER_STREAM = PIPE_BUF,
    SYSLOG_TEXT_MAX = 8192, /* longer messages are cut: collectors would */
    LOG_FILE_MODE = 0640,
};

/* --- text, gathered ------------------------------------------------------- */

bool
log_target_is_text(const struct log_target *t)
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
flush_text(struct log_target *t)
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
open_sink(struct log_target *t, struct addresses *addresses, const char **why)
{
    struct addr addr;

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

static int
init(struct log_target *t, const struct log_conf *conf)
{
    char *memory;

    *t = (struct log_target){.conf = conf, .fd = -1};
    errno = 0;
    if (!log_target_is_text(t))
        return 0;
    memory = malloc(gather_bytes(conf));
    if (memory == NULL)
        return -1;
    buf_init(&t->pending, memory, gather_bytes(conf));
    return 0;
}

int
log_target_open(struct log_target *t, const struct log_conf *conf,
                struct addresses *addresses, const char **why)
{
    return init(t, conf) < 0 ? -1 : open_sink(t, addresses, why);
}

int
log_target_adopt(struct log_target *t, const struct log_conf *conf,
                 struct addresses *addresses, int fd, const char **why)
{
    int result = init(t, conf);

    t->fd = fd;
    if (result < 0)
        return -1;
    if (conf->kind != LOG_KIND_FILE)
        return open_sink(t, addresses, why);
    if (fd < 0)
        *why = "its descriptor has not come";
    return fd < 0 ? -1 : 0;
}

void
log_target_close(struct log_target *t)
{
    if (t->fd > STDERR_FILENO)
        close(t->fd);
    if (!log_target_is_text(t))
        log_link_fini(&t->link);
    free(t->pending.p);
}

void
log_target_own(struct log_target *t)
{
    t->reported = t->lost = 0;
    if (!log_target_is_text(t))
        log_link_disown(&t->link);
}

void
log_target_name(const struct log_conf *conf, char *text, size_t size)
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

/* --- writing -------------------------------------------------------------- */

/* Lines that are longer than what is gathered are written by themselves. */
static void
put_text(struct log_target *t, const struct log_entry *e)
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
        flush_text(t);
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
put_message(struct log_target *t, const struct log_entry *e, const char *host)
{
    char memory[LOG_HEAD_MAX];
    struct buf head;
    struct syslog_head fields = {
        .format = t->conf->format,
        .local = t->conf->kind == LOG_KIND_SYSLOG_DEV,
        .facility = t->conf->facility,
        .level = e->level,
        .host = host,
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

void
log_target_put(struct log_target *t, const struct log_entry *e,
               const char *host)
{
    enum log_level lowest = t->conf->level;

    /* What is set at run time is about lines: records are asked for. */
    if (e->is_line)
        lowest = log_level_now(lowest);
    if (e->level < lowest)
        return;
    if (log_target_is_text(t))
        put_text(t, e);
    else
        put_message(t, e, host);
}

void
log_target_flush(struct log_target *t)
{
    if (log_target_is_text(t))
        flush_text(t);
    else
        log_link_flush(&t->link);
}

/* --- files that are moved ------------------------------------------------- */

bool
log_target_reopen(struct log_target *t)
{
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
    log_target_replace(t, fd);
    return true;
}

void
log_target_replace(struct log_target *t, int fd)
{
    if (!log_target_is_text(t)) {
        log_link_adopt(&t->link, fd);
        return;
    }
    if (t->conf->kind != LOG_KIND_FILE) {
        close(fd);
        return;
    }
    flush_text(t);
    close(t->fd);
    t->fd = fd;
}

/* --- losses --------------------------------------------------------------- */

uint64_t
log_target_lost(const struct log_target *t)
{
    return log_target_is_text(t) ? t->lost : t->link.lost;
}

const char *
log_target_reason(const struct log_target *t)
{
    if (log_target_is_text(t) || t->link.error == 0)
        return "it is too slow";
    return strerror(t->link.error);
}
