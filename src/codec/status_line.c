/* SPDX-License-Identifier: MIT */
#include "codec/status_line.h"

#include <stdbool.h>
#include <string.h>

enum {
    VERSION_LEN = 8, /* HTTP/1.1 */
    STATUS_AT = 9,
    STATUS_LEN = 3,
    HEAD_LEN = STATUS_AT + STATUS_LEN,
    STATUS_MIN = 100,
    STATUS_MAX = 599,
};

/* Is what has come of "HTTP/1.x " right? */
static int
read_version(const uint8_t *p, size_t n)
{
    static const char PREFIX[] = "HTTP/1.";
    size_t prefix_len = sizeof(PREFIX) - 1;

    if (memcmp(p, PREFIX, n < prefix_len ? n : prefix_len) != 0)
        return -1;
    if (n >= VERSION_LEN && p[prefix_len] != '0' && p[prefix_len] != '1')
        return -1;
    return n > VERSION_LEN && p[VERSION_LEN] != ' ' ? -1 : 0;
}

/* As far as its digits have come. */
static int
read_digits(int *status, const uint8_t *p, size_t n)
{
    *status = 0;
    for (size_t i = STATUS_AT; i < HEAD_LEN && i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        *status = *status * 10 + (p[i] - '0');
    }
    if (n < HEAD_LEN)
        return 0;
    return *status < STATUS_MIN || *status > STATUS_MAX ? -1 : 0;
}

/* The end of the line, 0, or -1. */
static ssize_t
find_end(const uint8_t *p, size_t n)
{
    size_t i = HEAD_LEN;

    if (n > i && p[i] != ' ' && p[i] != '\r' && p[i] != '\n')
        return -1;
    for (; i < n && i < STATUS_LINE_MAX; i++) {
        bool cr = p[i] == '\r' && (i + 1 == n || p[i + 1] == '\n');

        if (p[i] == '\n')
            return (ssize_t)i + 1;
        if ((p[i] < ' ' && p[i] != '\t' && !cr) || p[i] == 0x7f)
            return -1;
    }
    return i == STATUS_LINE_MAX ? -1 : 0;
}

ssize_t
status_line_read(int *status, const uint8_t *p, size_t n)
{
    int number = 0;
    ssize_t taken;

    if (n == 0)
        return 0;
    if (read_version(p, n) < 0)
        return STATUS_LINE_E_VERSION;
    if (read_digits(&number, p, n) < 0)
        return STATUS_LINE_E_STATUS;
    if (n < HEAD_LEN)
        return 0;
    taken = find_end(p, n);
    if (taken < 0)
        return STATUS_LINE_E_REASON;
    if (taken > 0)
        *status = number;
    return taken;
}

const char *
status_line_error_text(enum status_line_error error)
{
    switch (error) {
    case STATUS_LINE_E_VERSION:
        return "no HTTP/1 response";
    case STATUS_LINE_E_STATUS:
        return "no status in the response";
    case STATUS_LINE_E_REASON:
        return "the status line has no end";
    }
    return "no HTTP response";
}
