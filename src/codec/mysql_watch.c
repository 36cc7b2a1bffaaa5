/* SPDX-License-Identifier: MIT */
#include "codec/mysql_watch.h"

#include "base/wire.h"

void
mysql_watch_init(struct mysql_watch *watch)
{
    *watch = (struct mysql_watch){.left = 0};
}

void
mysql_watch_changed(struct mysql_watch *watch)
{
    watch->answering = true;
}

/* A packet of LEN bytes begins that continues no other: is it a change of user?
 * LEAD is its first byte, where it has one. */
static bool
is_change(struct mysql_watch *watch, uint32_t len, uint8_t sequence,
          uint8_t lead)
{
    if (len == 0) {
        watch->in_file = false;
        return false;
    }
    if (watch->in_file)
        return false;
    if (sequence == 0) {
        watch->answering = false;
        return lead == MYSQL_COM_CHANGE_USER;
    }
    watch->in_file = !watch->answering;
    return false;
}

/* Lets the header at P pass. */
static void
begin(struct mysql_watch *watch, uint32_t len)
{
    watch->left = len;
    watch->full = len == MYSQL_PACKET_FULL;
}

size_t
mysql_watch_pass(struct mysql_watch *watch, const uint8_t *p, size_t n,
                 bool *change)
{
    size_t at = 0;

    *change = false;
    while (at < n) {
        size_t there = n - at;
        uint32_t len;

        if (watch->left > 0) {
            size_t step = there < watch->left ? there : watch->left;

            watch->left -= (uint32_t)step;
            at += step;
            continue;
        }
        if (there < MYSQL_HEADER_LEN)
            break;
        len = wire_get_u24le(p + at);
        if (!watch->full) {
            if (len > 0 && there == MYSQL_HEADER_LEN)
                break;
            *change = is_change(watch, len, p[at + 3],
                                len > 0 ? p[at + MYSQL_HEADER_LEN] : 0);
            if (*change)
                break;
        }
        begin(watch, len);
        at += MYSQL_HEADER_LEN;
    }
    return at;
}
