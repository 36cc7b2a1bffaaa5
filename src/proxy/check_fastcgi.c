/* SPDX-License-Identifier: MIT */
/*
 * check = fastcgi: php-fpm answers its ping page, or a script, and its status
 * is an expected one. The answer is read to its end, since only that says
 * whether the request was served (FastCGI 1.0, 5.5).
 *
 * php-fpm knows its ping page by SCRIPT_NAME alone. A script is found through
 * SCRIPT_FILENAME: below the server's `root`, or, without one, where uri itself
 * says.
 */
#include "proxy/check.h"

#include <string.h>

#include "base/buf.h"
#include "codec/cgi.h"
#include "codec/fcgi.h"
#include "proxy/fastcgi_params.h"
#include "proxy/fastcgi_receiver.h"

enum {
    REQUEST_MAX = 8192,    /* bytes of a request */
    HEAD_MAX = 8192,       /* bytes of an answer's head */
    ANSWER_MAX = 4 << 20,  /* bytes of an answer */
    SCRATCH_BYTES = 16384, /* read at once */
};

struct check_fastcgi_state {
    struct fastcgi_receiver receiver;
    size_t head_len;
    size_t head_seen; /* looked at, and not whole */
    int status;       /* 0: the head is not whole yet */
    uint8_t head[HEAD_MAX];
};

static void
write_pair(struct buf *to, const char *name, struct str value)
{
    fcgi_write_pair(to, str_from(name), value);
}

/* ROOT and PATH, one after the other, as one value. */
static void
write_file_name(struct buf *to, struct str root, struct str path)
{
    char space[REQUEST_MAX];
    struct buf name;

    buf_init(&name, space, sizeof(space));
    buf_str(&name, root);
    buf_str(&name, path);
    to->failed |= name.failed;
    write_pair(to, "SCRIPT_FILENAME", buf_text(&name));
}

static void
write_params(struct buf *to, const struct checker *c)
{
    struct str uri = c->upstream->check.uri;
    struct str root = c->server->root;
    ptrdiff_t mark = str_find_char(uri, '?', 0);
    size_t path_len = mark < 0 ? uri.len : (size_t)mark;
    struct str path = str_slice(uri, 0, path_len);

    write_file_name(to, root, path);
    write_pair(to, "SCRIPT_NAME", path);
    write_pair(to, "DOCUMENT_URI", path);
    write_pair(to, "REQUEST_URI", uri);
    write_pair(to, "QUERY_STRING",
               mark < 0 ? STR("") : str_slice(uri, path_len + 1, uri.len));
    write_pair(to, "DOCUMENT_ROOT", root);
    write_pair(to, "REQUEST_METHOD", STR("GET"));
    write_pair(to, "CONTENT_LENGTH", STR(""));
    write_pair(to, "CONTENT_TYPE", STR(""));
    write_pair(to, "GATEWAY_INTERFACE", STR("CGI/1.1"));
    write_pair(to, "SERVER_PROTOCOL", STR("HTTP/1.1"));
    write_pair(to, "SERVER_SOFTWARE", STR("moongate"));
    write_pair(to, "SERVER_NAME", STR("localhost"));
    write_pair(to, "SERVER_ADDR", STR("127.0.0.1"));
    write_pair(to, "SERVER_PORT", STR("80"));
    write_pair(to, "REMOTE_ADDR", STR("127.0.0.1"));
    write_pair(to, "REMOTE_PORT", STR("0"));
    write_pair(to, "REDIRECT_STATUS", STR("200"));
    write_pair(to, "HTTP_USER_AGENT", STR("moongate-check"));
}

static void
on_connected(struct checker *c)
{
    struct check_fastcgi_state *state = c->state;
    char space[REQUEST_MAX];
    struct buf request;
    size_t at;

    receiver_init(&state->receiver);
    state->head_len = state->head_seen = 0;
    state->status = 0;
    buf_init(&request, space, sizeof(space));
    fcgi_write_begin(&request, FASTCGI_REQUEST_ID, 0);
    at = fcgi_open_params(&request);
    write_params(&request, c);
    fcgi_close_params(&request, at, FASTCGI_REQUEST_ID);
    fcgi_write_header(&request, FCGI_STDIN, FASTCGI_REQUEST_ID, 0, 0);
    if (request.failed)
        checker_end(c, CHECK_STATUS_SOCKERR, "the request is too long");
    else if (!checker_send(c, request.p, request.len))
        return;
}

/* Of the answer only the head is kept. */
static void
take_answer(struct checker *c, struct str bytes)
{
    struct check_fastcgi_state *state = c->state;
    size_t room = sizeof(state->head) - state->head_len;
    size_t len = bytes.len < room ? bytes.len : room;
    struct cgi_response response;
    ssize_t n;

    if (state->status != 0)
        return;
    memcpy(state->head + state->head_len, bytes.p, len);
    state->head_len += len;
    n = cgi_read_response(&response, state->head, state->head_len,
                          state->head_seen);
    state->head_seen = state->head_len;
    if (n == 0 && state->head_len == sizeof(state->head))
        n = CGI_E_SIZE;
    if (n < 0)
        checker_end(c, CHECK_STATUS_L7RSP, "%s",
                    cgi_error_text((enum cgi_error)n));
    else if (n > 0)
        state->status = response.status;
}

static void
judge(struct checker *c)
{
    const struct check_conf *conf = &c->upstream->check;
    const struct check_fastcgi_state *state = c->state;
    unsigned status = (unsigned)state->status;

    if (state->receiver.end_status != FCGI_REQUEST_COMPLETE)
        checker_end(c, CHECK_STATUS_L7RSP, "%s",
                    fcgi_status_text(state->receiver.end_status));
    else if (status == 0)
        checker_end(c, CHECK_STATUS_L7RSP, "an answer without a head");
    else if (status < conf->expect_from || status > conf->expect_to)
        checker_end(c, CHECK_STATUS_L7STS, "%u", status);
    else
        checker_end(c, CHECK_STATUS_L7OK, "%u", status);
}

/* All that was read at once. */
static void
take_records(struct checker *c)
{
    struct check_fastcgi_state *state = c->state;
    struct str bytes;

    while (!c->ended) {
        switch (receiver_next(&bytes, &state->receiver)) {
        case RECEIVER_MORE:
            return;
        case RECEIVER_STDOUT:
            take_answer(c, bytes);
            break;
        case RECEIVER_STDERR:
            break;
        case RECEIVER_END:
            judge(c);
            break;
        case RECEIVER_WRONG:
            checker_end(c, CHECK_STATUS_L7RSP, "%s", state->receiver.reason);
            break;
        }
    }
}

static void
on_ready(struct checker *c)
{
    struct check_fastcgi_state *state = c->state;
    uint8_t scratch[SCRATCH_BYTES];

    while (c->stream.readable && !c->ended) {
        ssize_t n = receiver_read(&state->receiver, &c->stream, scratch,
                                  sizeof(scratch));

        if (checker_is_cut(c, n))
            return;
        if (n > 0)
            take_records(c);
        if (state->receiver.bytes > ANSWER_MAX)
            checker_end(c, CHECK_STATUS_L7RSP, "the answer is too long");
    }
}

const struct check_kind_ops check_fastcgi = {
    .size = sizeof(struct check_fastcgi_state),
    .connected = on_connected,
    .ready = on_ready,
};
