/* SPDX-License-Identifier: MIT */
#include "proxy/fastcgi_receiver.h"

#include <assert.h>
#include <string.h>

#include "net/stream.h"
#include "proxy/fastcgi_params.h"

static const char WRONG_END[] =
    "a record that ends a request has a wrong length";

void
receiver_init(struct fastcgi_receiver *receiver)
{
    *receiver = (struct fastcgi_receiver){0};
}

ssize_t
receiver_read(struct fastcgi_receiver *receiver, struct stream *stream,
              uint8_t *space, size_t size)
{
    size_t rest_len = receiver->rest_len;
    ssize_t n = stream_read(stream, space + rest_len, size - rest_len);

    if (n <= 0)
        return n;
    memcpy(space, receiver->rest, rest_len);
    receiver->p = space;
    receiver->n = rest_len + (size_t)n;
    receiver->rest_len = 0;
    receiver->bytes += (uint64_t)n;
    return n;
}

/* Takes N bytes off what was read. */
static const uint8_t *
take_bytes(struct fastcgi_receiver *receiver, size_t n)
{
    const uint8_t *p = receiver->p;

    receiver->p += n;
    receiver->n -= n;
    return p;
}

static enum receiver_event
wrong(struct fastcgi_receiver *receiver, const char *reason)
{
    receiver->reason = reason;
    return RECEIVER_WRONG;
}

/* END_REQUEST, whose content lies whole at P; its length was seen to be right
 * when its header was read. */
static enum receiver_event
take_end(struct fastcgi_receiver *receiver, const uint8_t *p)
{
    struct fcgi_end end;

    if (fcgi_read_end(&end, p, FCGI_END_LEN) < 0)
        return wrong(receiver, WRONG_END);
    receiver->ended = true;
    receiver->end_status = end.status;
    return RECEIVER_END;
}

/* Takes content of the present record; RECEIVER_MORE: it is passed over. */
static enum receiver_event
take_content(struct str *bytes, struct fastcgi_receiver *receiver)
{
    size_t left = receiver->content_left;
    size_t n = receiver->n < left ? receiver->n : left;
    const uint8_t *p = take_bytes(receiver, n);

    receiver->content_left -= n;
    switch (receiver->record.type) {
    case FCGI_STDOUT:
        *bytes = str_make((const char *)p, n);
        return RECEIVER_STDOUT;
    case FCGI_STDERR:
        *bytes = str_make((const char *)p, n);
        return RECEIVER_STDERR;
    case FCGI_END_REQUEST:
        return take_end(receiver, p);
    default:
        return RECEIVER_MORE;
    }
}

static void
skip_padding(struct fastcgi_receiver *receiver)
{
    size_t left = receiver->padding_left;
    size_t n = receiver->n < left ? receiver->n : left;

    (void)take_bytes(receiver, n);
    receiver->padding_left -= n;
}

/* Begins the next record, if its header is whole. */
static ssize_t
take_header(struct fastcgi_receiver *receiver)
{
    ssize_t taken =
        fcgi_read_header(&receiver->record, receiver->p, receiver->n);

    if (taken <= 0)
        return taken;
    (void)take_bytes(receiver, (size_t)taken);
    receiver->content_left = receiver->record.content_len;
    receiver->padding_left = receiver->record.padding_len;
    /* What is not about our request is passed over. */
    if (receiver->record.request_id != FASTCGI_REQUEST_ID)
        receiver->record.type = FCGI_UNKNOWN_TYPE;
    return taken;
}

/* Its length is known before its content, and may be none at all. */
static bool
is_wrong_end(const struct fcgi_header *record)
{
    return record->type == FCGI_END_REQUEST &&
           record->content_len != FCGI_END_LEN;
}

/* An END_REQUEST is taken in one piece. */
static bool
waits_for_more(const struct fastcgi_receiver *receiver)
{
    return receiver->n == 0 || (receiver->content_left > 0 &&
                                receiver->record.type == FCGI_END_REQUEST &&
                                receiver->n < receiver->content_left);
}

static void
keep_rest(struct fastcgi_receiver *receiver)
{
    assert(receiver->n < sizeof(receiver->rest));
    receiver->rest_len = receiver->n;
    memcpy(receiver->rest, take_bytes(receiver, receiver->n),
           receiver->rest_len);
}

enum receiver_event
receiver_next(struct str *bytes, struct fastcgi_receiver *receiver)
{
    while (!waits_for_more(receiver)) {
        if (receiver->content_left > 0) {
            enum receiver_event event = take_content(bytes, receiver);

            if (event != RECEIVER_MORE)
                return event;
        } else if (receiver->padding_left > 0) {
            skip_padding(receiver);
        } else {
            ssize_t taken = take_header(receiver);

            if (taken < 0)
                return wrong(receiver, "the server does not speak FastCGI");
            if (taken == 0)
                break;
            if (is_wrong_end(&receiver->record))
                return wrong(receiver, WRONG_END);
        }
    }
    keep_rest(receiver);
    return RECEIVER_MORE;
}

bool
receiver_is_spent(const struct fastcgi_receiver *receiver)
{
    return receiver->ended && receiver->padding_left == 0 && receiver->n == 0;
}
