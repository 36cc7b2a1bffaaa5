/* SPDX-License-Identifier: MIT */
#include "app/syslog.h"

#include "base/clock.h"

enum {
    SEVERITIES = 8, /* in one facility: RFC 3164, 4.1.1 */
};

static unsigned
severity_of(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_DEBUG:
        return 7;
    case LOG_LEVEL_INFO:
        return 6;
    case LOG_LEVEL_WARN:
        return 4;
    case LOG_LEVEL_ERROR:
        return 3;
    }
    return 6;
}

/* RFC 3164, 4.1.2: no domain. */
static struct str
short_host(const char *host)
{
    struct str s = str_from(host);
    ptrdiff_t dot = str_find_char(s, '.', 0);

    return dot < 0 ? s : str_slice(s, 0, (size_t)dot);
}

static void
write_bsd(struct buf *out, const struct syslog_head *head)
{
    buf_str(out, clock_rfc3164_date());
    if (!head->local) {
        buf_char(out, ' ');
        buf_str(out, short_host(head->host));
    }
    buf_printf(out, " moongate[%ld]: ", (long)head->pid);
}

static void
write_ietf(struct buf *out, const struct syslog_head *head)
{
    buf_str(out, STR("1 "));
    buf_str(out, clock_rfc3339_date());
    buf_printf(out, " %s moongate %ld - - ", head->host, (long)head->pid);
}

void
syslog_write_head(struct buf *out, const struct syslog_head *head)
{
    buf_printf(out, "<%u>",
               head->facility * SEVERITIES + severity_of(head->level));
    switch (head->format) {
    case LOG_FORMAT_RFC3164:
        write_bsd(out, head);
        break;
    case LOG_FORMAT_RFC5424:
        write_ietf(out, head);
        break;
    }
}

/* A value with a line feed in it has its length before it, 64 bits of which the
 * lowest come first (systemd's JOURNAL_NATIVE_PROTOCOL). */
void
syslog_write_journal_head(struct buf *out, const struct syslog_head *head,
                          struct str text)
{
    buf_printf(out,
               "PRIORITY=%u\nSYSLOG_FACILITY=%u\n"
               "SYSLOG_IDENTIFIER=moongate\nSYSLOG_PID=%ld\n",
               severity_of(head->level), head->facility, (long)head->pid);
    if (str_find_char(text, '\n', 0) < 0) {
        buf_str(out, STR("MESSAGE="));
        return;
    }
    buf_str(out, STR("MESSAGE\n"));
    for (unsigned i = 0; i < 8; i++)
        buf_char(out, (char)(i < sizeof(text.len) ? text.len >> (8 * i) : 0));
}
