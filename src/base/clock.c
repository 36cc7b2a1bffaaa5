/* SPDX-License-Identifier: MIT */
/*
 * One reading of the clocks, and the texts made from it. A text is made again
 * only when the second that it shows is over.
 */
#include "base/clock.h"

#include <time.h>

enum {
    TEXT_MAX = 40,       /* the longest text below, with room */
    TURN_MAX_US = 20000, /* of a turn, that is not long yet */
};

enum clock_text {
    TEXT_HTTP,       /* clock_http_date */
    TEXT_CLF,        /* clock_clf_date */
    TEXT_HAPROXY,    /* clock_haproxy_date */
    TEXT_HAPROXY_AT, /* clock_haproxy_date_at */
    TEXT_RFC3164,    /* clock_rfc3164_date */
    TEXT_RFC3339,    /* clock_rfc3339_date */
    TEXT_COUNT,
};

struct cached_text {
    int64_t second; /* that `text` shows */
    size_t len;     /* 0: not made yet */
    char text[TEXT_MAX];
};

static uint64_t monotonic_us;
static uint64_t wall_ms;
static struct cached_text texts[TEXT_COUNT];
static bool zone_loaded;

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void
clock_update(void)
{
    struct timespec now;

    /* The zone's file cannot be opened any more after chroot. */
    if (!zone_loaded) {
        tzset();
        zone_loaded = true;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    monotonic_us =
        (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    clock_gettime(CLOCK_REALTIME, &now);
    wall_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool
clock_is_late(void)
{
    struct timespec now;
    uint64_t us;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    /* It may be behind what was read exactly. */
    return us > monotonic_us + TURN_MAX_US;
}

void
clock_advance(uint64_t ms)
{
    monotonic_us += ms * 1000;
    wall_ms += ms;
}

uint64_t
clock_ms(void)
{
    return monotonic_us / 1000;
}

uint64_t
clock_us(void)
{
    return monotonic_us;
}

uint64_t
clock_wall_ms(void)
{
    return wall_ms;
}

uint64_t
clock_seconds_since(uint64_t at_wall_ms)
{
    return at_wall_ms > 0 && wall_ms > at_wall_ms
               ? (wall_ms - at_wall_ms) / 1000
               : 0;
}

uint64_t
clock_seconds_until(uint64_t at_wall_ms)
{
    return at_wall_ms > wall_ms ? (at_wall_ms - wall_ms + 999) / 1000 : 0;
}

static char *
put_digits(char *p, int n, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        p[i] = (char)('0' + n % 10);
        n /= 10;
    }
    return p + width;
}

static char *
put_name(char *p, const char *names, int i)
{
    memcpy(p, names + 3 * i, 3);
    return p + 3;
}

static char *
put_char(char *p, char c)
{
    *p = c;
    return p + 1;
}

static char *
put_time(char *p, const struct tm *tm)
{
    p = put_digits(p, tm->tm_hour, 2);
    p = put_char(p, ':');
    p = put_digits(p, tm->tm_min, 2);
    p = put_char(p, ':');
    return put_digits(p, tm->tm_sec, 2);
}

/* "24/Nov/2026:11:30:00" */
static char *
put_clf(char *p, const struct tm *tm)
{
    p = put_digits(p, tm->tm_mday, 2);
    p = put_char(p, '/');
    p = put_name(p, month_names, tm->tm_mon);
    p = put_char(p, '/');
    p = put_digits(p, tm->tm_year + 1900, 4);
    p = put_char(p, ':');
    return put_time(p, tm);
}

/* "+0100", or "+01:00" with the separator. */
static char *
put_offset(char *p, const struct tm *tm, bool separated)
{
    int minutes = (int)(tm->tm_gmtoff / 60);

    p = put_char(p, minutes < 0 ? '-' : '+');
    if (minutes < 0)
        minutes = -minutes;
    p = put_digits(p, minutes / 60, 2);
    if (separated)
        p = put_char(p, ':');
    return put_digits(p, minutes % 60, 2);
}

static char *
put_http(char *p, const struct tm *tm)
{
    p = put_name(p, day_names, tm->tm_wday);
    p = put_char(p, ',');
    p = put_char(p, ' ');
    p = put_digits(p, tm->tm_mday, 2);
    p = put_char(p, ' ');
    p = put_name(p, month_names, tm->tm_mon);
    p = put_char(p, ' ');
    p = put_digits(p, tm->tm_year + 1900, 4);
    p = put_char(p, ' ');
    p = put_time(p, tm);
    memcpy(p, " GMT", 4);
    return p + 4;
}

/* RFC 3164, 4.1.2: a day below 10 is written with a space. */
static char *
put_rfc3164(char *p, const struct tm *tm)
{
    p = put_name(p, month_names, tm->tm_mon);
    p = put_char(p, ' ');
    p = put_digits(p, tm->tm_mday, 2);
    if (p[-2] == '0')
        p[-2] = ' ';
    p = put_char(p, ' ');
    return put_time(p, tm);
}

static char *
put_rfc3339(char *p, const struct tm *tm)
{
    p = put_digits(p, tm->tm_year + 1900, 4);
    p = put_char(p, '-');
    p = put_digits(p, tm->tm_mon + 1, 2);
    p = put_char(p, '-');
    p = put_digits(p, tm->tm_mday, 2);
    p = put_char(p, 'T');
    p = put_time(p, tm);
    memcpy(p, ".000", 4);
    return put_offset(p + 4, tm, true);
}

static char *
put_text(char *p, enum clock_text kind, const struct tm *tm)
{
    switch (kind) {
    case TEXT_HTTP:
        return put_http(p, tm);
    case TEXT_CLF:
        p = put_clf(p, tm);
        return put_offset(put_char(p, ' '), tm, false);
    case TEXT_HAPROXY:
    case TEXT_HAPROXY_AT:
        p = put_clf(p, tm);
        memcpy(p, ".000", 4);
        return p + 4;
    case TEXT_RFC3164:
        return put_rfc3164(p, tm);
    case TEXT_RFC3339:
        return put_rfc3339(p, tm);
    case TEXT_COUNT:
        break;
    }
    return p;
}

/* The text of KIND for AT_MS, with its milliseconds, if it has any, at
 * MS_PLACE (0: none). */
static struct str
text_at(enum clock_text kind, size_t ms_place, uint64_t at_ms)
{
    struct cached_text *c = &texts[kind];
    time_t second = (time_t)(at_ms / 1000);
    struct tm tm;

    if (c->len == 0 || c->second != second) {
        if (kind == TEXT_HTTP)
            gmtime_r(&second, &tm);
        else
            localtime_r(&second, &tm);
        c->len = (size_t)(put_text(c->text, kind, &tm) - c->text);
        c->second = second;
    }
    if (ms_place > 0)
        put_digits(c->text + ms_place, (int)(at_ms % 1000), 3);
    return str_make(c->text, c->len);
}

static struct str
cached(enum clock_text kind, size_t ms_place)
{
    return text_at(kind, ms_place, wall_ms);
}

struct str
clock_http_date(void)
{
    return cached(TEXT_HTTP, 0);
}

struct str
clock_clf_date(void)
{
    return cached(TEXT_CLF, 0);
}

struct str
clock_haproxy_date(void)
{
    return cached(TEXT_HAPROXY, sizeof("24/Nov/2026:11:30:00.") - 1);
}

struct str
clock_haproxy_date_at(uint64_t at_wall_ms)
{
    return text_at(TEXT_HAPROXY_AT, sizeof("24/Nov/2026:11:30:00.") - 1,
                   at_wall_ms);
}

struct str
clock_rfc3164_date(void)
{
    return cached(TEXT_RFC3164, 0);
}

struct str
clock_rfc3339_date(void)
{
    return cached(TEXT_RFC3339, sizeof("2026-11-24T11:30:00.") - 1);
}
