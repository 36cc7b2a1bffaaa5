/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_visible.h"

#include <stdlib.h>

struct mysql_visible *
mysql_visible_new(uint32_t capabilities)
{
    struct mysql_visible *v = calloc(1, sizeof(*v));

    (void)capabilities;
    return v;
}

void
mysql_visible_free(struct mysql_visible *v)
{
    free(v);
}

void
mysql_visible_sent(struct mysql_visible *v, const uint8_t *p, size_t n)
{
    (void)v;
    (void)p;
    (void)n;
}

void
mysql_visible_said(struct mysql_visible *v, const uint8_t *p, size_t n)
{
    (void)v;
    (void)p;
    (void)n;
}

bool
mysql_visible_is_loose(const struct mysql_visible *v)
{
    return !v->blind && !v->busy && !v->in_transaction && !v->bound;
}
