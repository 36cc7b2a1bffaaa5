/* SPDX-License-Identifier: MIT */
/*
 * Days are counted in eras of 400 years that begin on 1 March of a year 0, so
 * that the leap day is the last one of its year: no table of leap years is
 * needed, and nothing of libc, which asks for time zones.
 */
#include "codec/httpdate.h"

#include <stdbool.h>

enum {
    DAY_SECONDS = 86400,
    ERA_DAYS = 146097,   /* in 400 years */
    EPOCH_DAYS = 719468, /* from 0000-03-01 to 1970-01-01 */
};

#define MIN_TIME INT64_C(-62167219200) /* 0000-01-01 00:00:00 */
#define MAX_TIME INT64_C(253402300799) /* 9999-12-31 23:59:59 */

static const char day_names[7][10] = {
    "Sunday",   "Monday", "Tuesday",  "Wednesday",
    "Thursday", "Friday", "Saturday",
};

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct date {
    int year;   /* 0 to 9999 */
    int month;  /* 1 to 12 */
    int day;    /* 1 to 31 */
    int hour;   /* 0 to 23 */
    int minute; /* 0 to 59 */
    int second; /* 0 to 60 */
};

/* Days from 1970-01-01 to a date of the calendar. */
static int64_t
days_from_date(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;

    return era * ERA_DAYS + days - EPOCH_DAYS;
}

static void
date_from_days(struct date *out, int64_t days)
{
    int64_t z = days + EPOCH_DAYS;
    int64_t era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t of_era = z - era * ERA_DAYS;
    int64_t year =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;

    out->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    out->month = (int)(month < 10 ? month + 3 : month - 9);
    out->year = (int)(year + era * 400 + (out->month <= 2));
}

static int
days_of_month(int year, int month)
{
    int64_t first = days_from_date(year, month, 1);

    if (month == 12)
        return 31;
    return (int)(days_from_date(year, month + 1, 1) - first);
}

/* Two digits at P; a space stands for the first one where PADDED. */
static bool
read_2(int *out, const char *p, bool padded)
{
    int tens = padded && p[0] == ' ' ? 0 : p[0] - '0';
    int ones = p[1] - '0';

    if (tens < 0 || tens > 9 || ones < 0 || ones > 9)
        return false;
    *out = tens * 10 + ones;
    return true;
}

static bool
read_year(int *out, const char *p)
{
    int high, low;

    if (!read_2(&high, p, false) || !read_2(&low, p + 2, false))
        return false;
    *out = high * 100 + low;
    return true;
}

static bool
read_month(int *out, const char *p)
{
    for (int i = 0; i < 12; i++) {
        if (memcmp(p, &month_names[i * 3], 3) == 0) {
            *out = i + 1;
            return true;
        }
    }
    return false;
}

/* "08:49:37" */
static bool
read_time(struct date *out, const char *p)
{
    return read_2(&out->hour, p, false) && p[2] == ':' &&
           read_2(&out->minute, p + 3, false) && p[5] == ':' &&
           read_2(&out->second, p + 6, false) && out->hour < 24 &&
           out->minute < 60 && out->second <= 60;
}

/* Is TEXT the name of a day, whole or its first three letters? */
static bool
is_day_name(struct str text, bool whole)
{
    for (int i = 0; i < 7; i++) {
        struct str name = str_from(day_names[i]);

        if (str_equal(text, whole ? name : str_slice(name, 0, 3)))
            return true;
    }
    return false;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool
read_imf(struct date *out, struct str text)
{
    const char *p = text.p;

    return text.len == HTTPDATE_LEN && is_day_name(str_make(p, 3), false) &&
           p[3] == ',' && p[4] == ' ' && read_2(&out->day, p + 5, false) &&
           p[7] == ' ' && read_month(&out->month, p + 8) && p[11] == ' ' &&
           read_year(&out->year, p + 12) && p[16] == ' ' &&
           read_time(out, p + 17) && memcmp(p + 25, " GMT", 4) == 0;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool
read_rfc850(struct date *out, struct str text)
{
    ptrdiff_t comma = str_find_char(text, ',', 0);
    const char *p;

    if (comma < 0 || text.len - (size_t)comma != 24)
        return false;
    p = text.p + comma;
    if (!is_day_name(str_make(text.p, (size_t)comma), true) || p[1] != ' ' ||
        !read_2(&out->day, p + 2, false) || p[4] != '-' ||
        !read_month(&out->month, p + 5) || p[8] != '-' ||
        !read_2(&out->year, p + 9, false) || p[11] != ' ' ||
        !read_time(out, p + 12) || memcmp(p + 20, " GMT", 4) != 0)
        return false;
    out->year += out->year < 70 ? 2000 : 1900;
    return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool
read_asctime(struct date *out, struct str text)
{
    const char *p = text.p;

    return text.len == 24 && is_day_name(str_make(p, 3), false) &&
           p[3] == ' ' && read_month(&out->month, p + 4) && p[7] == ' ' &&
           read_2(&out->day, p + 8, true) && p[10] == ' ' &&
           read_time(out, p + 11) && p[19] == ' ' &&
           read_year(&out->year, p + 20);
}

int
httpdate_read(int64_t *out, struct str text)
{
    struct date date;

    if (!read_imf(&date, text) && !read_rfc850(&date, text) &&
        !read_asctime(&date, text))
        return -1;
    if (date.day < 1 || date.day > days_of_month(date.year, date.month))
        return -1;
    *out = days_from_date(date.year, date.month, date.day) * DAY_SECONDS +
           date.hour * 3600 + date.minute * 60 + date.second;
    return 0;
}

static void
write_2(char *p, int n)
{
    p[0] = (char)('0' + n / 10);
    p[1] = (char)('0' + n % 10);
}

void
httpdate_write(char out[HTTPDATE_LEN], int64_t t)
{
    struct date date;
    int64_t days;
    int of_day;

    if (t < MIN_TIME)
        t = MIN_TIME;
    if (t > MAX_TIME)
        t = MAX_TIME;
    /* Counted from the first day, a Saturday, all numbers are positive. */
    days = (t - MIN_TIME) / DAY_SECONDS;
    of_day = (int)((t - MIN_TIME) % DAY_SECONDS);
    date_from_days(&date, days + MIN_TIME / DAY_SECONDS);

    memcpy(out, "Xxx, 00 Xxx 0000 00:00:00 GMT", HTTPDATE_LEN);
    memcpy(out, day_names[(days + 6) % 7], 3);
    write_2(out + 5, date.day);
    memcpy(out + 8, &month_names[(date.month - 1) * 3], 3);
    write_2(out + 12, date.year / 100);
    write_2(out + 14, date.year % 100);
    write_2(out + 17, of_day / 3600);
    write_2(out + 20, of_day / 60 % 60);
    write_2(out + 23, of_day % 60);
}
