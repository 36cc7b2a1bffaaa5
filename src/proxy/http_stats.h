/* SPDX-License-Identifier: MIT */
/*
 * A request to the statistics on a path of [http] (route = /dbs stats NAME).
 * They are control's: it gets the whole request and one end of a pair of
 * sockets, and answers there as a CGI program does.
 *
 *     exchange ─ whole ─▶ engine->ask_stats ("NAME BASE CLIENT\n" request)
 *              ◀─ "Status: 200 …" ── the other end of the pair
 */
#ifndef PROXY_HTTP_STATS_H
#define PROXY_HTTP_STATS_H

struct http_exchange;

enum {
    HTTP_STATS_BODY_MAX = 4 << 10,  /* bytes of a form */
    HTTP_STATS_TEXT_MAX = 16 << 10, /* bytes of what is handed over */
};

/* The exchange's route leads there: is due to have its body, if it has one, or
 * has been answered (413). */
void http_stats_prepare(struct http_exchange *exchange);

/* The exchange's body is whole. Ends in exchange_finish or _fail. */
void http_stats_start(struct http_exchange *exchange);

#endif
