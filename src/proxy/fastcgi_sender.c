/* SPDX-License-Identifier: MIT */
#include "proxy/fastcgi_sender.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net/buffer.h"
#include "net/stream.h"
#include "proxy/fastcgi_params.h"
#include "proxy/spool.h"

enum {
    RECORD_MAX = 65528,   /* of STDIN: a multiple of 8, no padding */
    PARAMS_MAX = 1 << 20, /* bytes of all parameters */
    DATA_PIECES = 8,      /* pieces of the body in one write */
};

void
sender_init(struct fastcgi_sender *sender, struct buffer_pool *pool,
            struct spool *body)
{
    *sender = (struct fastcgi_sender){.pool = pool, .body = body};
}

/* Begins the next record of STDIN in `out`. */
static void
begin_record(struct fastcgi_sender *sender)
{
    uint64_t left = spool_len(sender->body);

    sender->data_left = left < RECORD_MAX ? left : RECORD_MAX;
    sender->last = sender->data_left == left;
    if (sender->data_left > 0)
        fcgi_write_header(&sender->out, FCGI_STDIN, FASTCGI_REQUEST_ID,
                          (uint16_t)sender->data_left, 0);
}

void
sender_begin(struct fastcgi_sender *sender, struct http_exchange *exchange,
             const struct fastcgi_script *script, const struct server *server,
             bool keep)
{
    sender->out_space = buffer_take(sender->pool);
    if (sender->out_space == NULL)
        buf_init_growing(&sender->out, PARAMS_MAX);
    else
        buf_init_growing_in(&sender->out, sender->out_space->data, BUFFER_SIZE,
                            PARAMS_MAX);
    fcgi_write_begin(&sender->out, FASTCGI_REQUEST_ID,
                     keep ? FCGI_KEEP_CONN : 0);
    fastcgi_write_params(&sender->out, exchange, script, server);
    fcgi_put_header(sender->end, FCGI_STDIN, FASTCGI_REQUEST_ID, 0, 0);
    begin_record(sender);
}

/* The body's next bytes, from memory or from its file. */
static int
peek_data(struct fastcgi_sender *sender, struct iovec *iov, int max)
{
    int count = spool_peek(sender->body, iov, max);
    off_t offset;
    size_t len;
    ssize_t n;
    int fd;

    if (count > 0)
        return count;
    len = spool_peek_file(sender->body, &fd, &offset);
    if (len == 0)
        return 0;
    if (sender->file_data == NULL)
        sender->file_data = buffer_take(sender->pool);
    if (sender->file_data == NULL)
        return -1;
    n = pread(fd, sender->file_data->data,
              len < BUFFER_SIZE ? len : BUFFER_SIZE, offset);
    if (n <= 0)
        return -1;
    iov[0].iov_base = sender->file_data->data;
    iov[0].iov_len = (size_t)n;
    return 1;
}

/* Cuts the pieces to what is left of the record. */
static int
limit_data(struct iovec *iov, int count, uint64_t left)
{
    for (int i = 0; i < count; i++) {
        if (iov[i].iov_len >= left) {
            iov[i].iov_len = (size_t)left;
            return left > 0 ? i + 1 : i;
        }
        left -= iov[i].iov_len;
    }
    return count;
}

static size_t
total_len(const struct iovec *iov, int count)
{
    size_t total = 0;

    for (int i = 0; i < count; i++)
        total += iov[i].iov_len;
    return total;
}

/* Gathers the next write; -1 when the body cannot be read. */
static int
gather(struct fastcgi_sender *sender, struct iovec iov[DATA_PIECES + 2])
{
    uint64_t data_len = 0;
    int count = 0;

    if (sender->out_taken < sender->out.len) {
        iov[count].iov_base = sender->out.p + sender->out_taken;
        iov[count++].iov_len = sender->out.len - sender->out_taken;
    }
    if (sender->data_left > 0) {
        int pieces = peek_data(sender, iov + count, DATA_PIECES);

        if (pieces <= 0)
            return -1;
        pieces = limit_data(iov + count, pieces, sender->data_left);
        data_len = total_len(iov + count, pieces);
        count += pieces;
    }
    if (sender->last && data_len == sender->data_left) {
        iov[count].iov_base = sender->end + sender->end_taken;
        iov[count++].iov_len = FCGI_HEADER_LEN - sender->end_taken;
    }
    return count;
}

/* Notes that N bytes of what was gathered have left. */
static void
take_sent(struct fastcgi_sender *sender, size_t n)
{
    size_t part = sender->out.len - sender->out_taken;

    sender->bytes += n;
    part = n < part ? n : part;
    sender->out_taken += part;
    n -= part;
    part = n < sender->data_left ? n : (size_t)sender->data_left;
    if (part > 0)
        spool_consume(sender->body, part);
    sender->data_left -= part;
    sender->end_taken += n - part;
}

/* The record is out: goes on to the next one, or is done. */
static void
end_record(struct fastcgi_sender *sender)
{
    sender->done = sender->last && sender->end_taken == FCGI_HEADER_LEN;
    if (sender->done) {
        /* It is not needed while the answer is waited for. */
        sender_drop(sender);
    } else if (!sender->last) {
        buf_reset(&sender->out);
        sender->out_taken = 0;
        begin_record(sender);
    }
}

/* A write has failed. */
static enum sender_result
blocked(struct fastcgi_sender *sender)
{
    if (errno == EAGAIN)
        return SENDER_FINE;
    if (sender->bytes == 0)
        return SENDER_LOST;
    sender->done = true;
    return SENDER_STOPPED;
}

enum sender_result
sender_run(struct fastcgi_sender *sender, struct stream *stream)
{
    while (!sender->done && stream->writable) {
        struct iovec iov[DATA_PIECES + 2];
        int count = gather(sender, iov);
        ssize_t n;

        if (count < 0 || sender->out.failed)
            return SENDER_BROKEN;
        n = stream_writev(stream, iov, count);
        if (n < 0)
            return blocked(sender);
        take_sent(sender, (size_t)n);
        if (sender->out_taken == sender->out.len && sender->data_left == 0)
            end_record(sender);
    }
    return SENDER_FINE;
}

void
sender_drop(struct fastcgi_sender *sender)
{
    buf_fini(&sender->out);
    buffer_give(sender->pool, sender->out_space);
    buffer_give(sender->pool, sender->file_data);
    sender->out_space = sender->file_data = NULL;
}
