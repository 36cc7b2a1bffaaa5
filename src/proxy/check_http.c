/* SPDX-License-Identifier: MIT */
/*
 * check = http: a GET is answered with a status that is expected. No more than
 * the first line of the answer is read.
 */
#include "proxy/check.h"

#include <inttypes.h>

#include "base/buf.h"
#include "codec/status_line.h"

enum {
    REQUEST_MAX = 8192, /* bytes of a request */
};

struct check_http_state {
    uint8_t line[STATUS_LINE_MAX]; /* as far as it has come */
    size_t len;
};

static void
on_connected(struct checker *c)
{
    const struct check_conf *conf = &c->upstream->check;
    struct check_http_state *state = c->state;
    struct str host = conf->host;
    char space[REQUEST_MAX];
    struct buf request;

    /* A path of a Unix socket is no host (RFC 9112, 3.2). */
    if (host.p == NULL)
        host = c->server->address.is_unix ? STR("localhost")
                                          : c->server->address.text;
    state->len = 0;
    buf_init(&request, space, sizeof(space));
    buf_printf(&request,
               "GET " STR_FMT " HTTP/1.1\r\nHost: " STR_FMT
               "\r\nUser-Agent: moongate-check\r\nAccept: */*\r\n"
               "Connection: close\r\n\r\n",
               STR_ARG(conf->uri), STR_ARG(host));
    if (request.failed)
        checker_end(c, CHECK_STATUS_SOCKERR, "the request is too long");
    else if (!checker_send(c, request.p, request.len))
        return;
}

static void
judge(struct checker *c, int status)
{
    const struct check_conf *conf = &c->upstream->check;
    bool expected = (unsigned)status >= conf->expect_from &&
                    (unsigned)status <= conf->expect_to;

    checker_end(c, expected ? CHECK_STATUS_L7OK : CHECK_STATUS_L7STS, "%d",
                status);
}

/* Is there more to be read? */
static bool
read_some(struct checker *c)
{
    struct check_http_state *state = c->state;
    int status = 0;
    ssize_t n = checker_read(c, state->line + state->len,
                             sizeof(state->line) - state->len);

    if (n <= 0)
        return false;
    state->len += (size_t)n;
    n = status_line_read(&status, state->line, state->len);
    if (n < 0)
        checker_end(c, CHECK_STATUS_L7RSP, "%s",
                    status_line_error_text((enum status_line_error)n));
    else if (n > 0)
        judge(c, status);
    return n == 0;
}

static void
on_ready(struct checker *c)
{
    while (c->stream.readable && read_some(c))
        ;
}

const struct check_kind_ops check_http = {
    .size = sizeof(struct check_http_state),
    .connected = on_connected,
    .ready = on_ready,
};
