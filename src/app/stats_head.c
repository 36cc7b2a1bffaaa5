/* SPDX-License-Identifier: MIT */
#include "app/stats_head.h"

#include <stdio.h>

#include "base/clock.h"
#include "codec/http1.h"
#include "config/model.h"

static void
put_policy(struct buf *to, const char *nonce)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "default-src 'none'; style-src 'nonce-%s'; script-src "
                   "'nonce-%s'; connect-src 'self'; form-action 'self'; "
                   "base-uri 'none'; frame-ancestors 'none'",
                   nonce, nonce);
    http1_write_field(to, STR("Content-Security-Policy"), str_from(text));
}

static void
put_challenge(struct buf *to, const struct stats_conf *conf)
{
    char text[CONFIG_NAME_MAX + 256];

    (void)snprintf(text, sizeof(text),
                   "Basic realm=\"" STR_FMT "\", charset=\"UTF-8\"",
                   STR_ARG(conf->realm));
    http1_write_field(to, STR("WWW-Authenticate"), str_from(text));
}

/* A worker writes the status line, and what belongs to the connection. */
static void
put_start(struct buf *to, const struct stats_head *h)
{
    if (h->for_worker) {
        buf_printf(to, "Status: %d\r\n", h->reply->status);
        return;
    }
    http1_write_status(to, h->reply->status);
    http1_write_field(to, STR("Date"), clock_http_date());
    if (!h->keeps)
        http1_write_field(to, STR("Connection"), STR("close"));
}

void
stats_head_write(struct buf *to, const struct stats_head *h)
{
    const struct stats_reply *reply = h->reply;

    put_start(to, h);
    http1_write_field(to, STR("Content-Type"), str_from(reply->type));
    http1_write_field_uint(to, STR("Content-Length"), h->body_len);
    http1_write_field(to, STR("Cache-Control"), STR("no-store"));
    http1_write_field(to, STR("X-Content-Type-Options"), STR("nosniff"));
    http1_write_field(to, STR("X-Frame-Options"), STR("DENY"));
    /* With no-referrer browsers send the forms with "Origin: null". */
    http1_write_field(to, STR("Referrer-Policy"), STR("same-origin"));
    if (reply->nonce[0] != '\0')
        put_policy(to, reply->nonce);
    if (reply->allow != NULL)
        http1_write_field(to, STR("Allow"), str_from(reply->allow));
    if (reply->location.p != NULL)
        http1_write_field(to, STR("Location"), reply->location);
    if (reply->status == 401)
        put_challenge(to, h->conf);
    if (reply->status == 429)
        http1_write_field(to, STR("Retry-After"), STR("10"));
    http1_write_end(to);
}
