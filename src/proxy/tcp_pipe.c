/* SPDX-License-Identifier: MIT */
#include "proxy/tcp_pipe.h"

#include <errno.h>
#include <string.h>

#include "net/buffer.h"
#include "net/conduit.h"
#include "net/stream.h"
#include "proxy/engine.h"

static enum pipe_result
blocked_or(enum pipe_result broken)
{
    return errno == EAGAIN ? PIPE_WAITS : broken;
}

/* Whether what was read speaks for the other way of moving; often enough in a
 * row, and it is time to change. */
static bool
is_persuaded(struct tcp_pipe *pipe, bool speaks_for)
{
    pipe->streak = speaks_for ? pipe->streak + 1 : 0;
    if (pipe->streak < PIPE_BULK_READS)
        return false;
    pipe->streak = 0;
    return true;
}

static bool
may_splice(const struct tcp_pipe *pipe, const struct engine *engine)
{
    return !pipe->copies && pipe->sift == NULL && engine->conduits != NULL &&
           stream_can_splice(pipe->from) && stream_can_splice(pipe->to);
}

static enum pipe_result
copy_in(struct tcp_pipe *pipe, const struct engine *engine)
{
    ssize_t n;

    if (pipe->buffer == NULL)
        pipe->buffer = buffer_take(engine->buffers);
    if (pipe->buffer == NULL) {
        errno = ENOMEM;
        return PIPE_BROKE_FROM;
    }
    n = stream_read(pipe->from, pipe->buffer->data + pipe->held,
                    BUFFER_SIZE - pipe->held - pipe->room);
    if (n < 0)
        return blocked_or(PIPE_BROKE_FROM);
    pipe->buffer->end = (uint32_t)n;
    pipe->from_ended = n == 0;
    if (pipe->sift != NULL && n > 0 && pipe->sift(pipe, (size_t)n) < 0)
        return PIPE_BROKE_FROM;
    if (is_persuaded(pipe, n == BUFFER_SIZE))
        pipe->bulk = may_splice(pipe, engine);
    return PIPE_BUSY;
}

static enum pipe_result
copy_out(struct tcp_pipe *pipe)
{
    struct buffer *b = pipe->buffer;
    ssize_t n = stream_write(pipe->to, b->data + b->start, buffer_len(b));

    if (n < 0)
        return blocked_or(PIPE_BROKE_TO);
    pipe->bytes += (uint64_t)n;
    buffer_skip(b, (size_t)n);
    return PIPE_BUSY;
}

/* Where there is no conduit, or the kernel cannot use it, bytes are copied. */
static enum pipe_result
splice_in(struct tcp_pipe *pipe, const struct engine *engine)
{
    ssize_t n;

    if (pipe->conduit == NULL)
        pipe->conduit = conduit_take(engine->conduits);
    if (pipe->conduit == NULL) {
        pipe->bulk = false;
        return PIPE_BUSY;
    }
    n = stream_splice_in(pipe->from, pipe->conduit);
    if (n < 0 && errno == EINVAL) {
        pipe->from->readable = true;
        pipe->bulk = false;
        pipe->copies = true;
        return PIPE_BUSY;
    }
    if (n < 0)
        return blocked_or(PIPE_BROKE_FROM);
    pipe->from_ended = n == 0;
    if (is_persuaded(pipe, n < BUFFER_SIZE))
        pipe->bulk = false;
    return PIPE_BUSY;
}

static enum pipe_result
splice_out(struct tcp_pipe *pipe)
{
    ssize_t n = stream_splice_out(pipe->to, pipe->conduit);

    if (n < 0)
        return blocked_or(PIPE_BROKE_TO);
    pipe->bytes += (uint64_t)n;
    return PIPE_BUSY;
}

static enum pipe_result
pass_end(struct tcp_pipe *pipe, bool last)
{
    if (!pipe->to_ended && !last && stream_shutdown(pipe->to) < 0)
        return PIPE_BROKE_TO;
    pipe->to_ended = true;
    return PIPE_WAITS;
}

/* One step: write what there is, else pass the end on, else read. */
static enum pipe_result
pipe_step(struct tcp_pipe *pipe, const struct engine *engine, bool last)
{
    bool copied = pipe->buffer != NULL && buffer_len(pipe->buffer) > 0;
    bool spliced = pipe->conduit != NULL && pipe->conduit->held > 0;

    if (copied || spliced) {
        if (!pipe->to->writable)
            return PIPE_WAITS;
        return copied ? copy_out(pipe) : splice_out(pipe);
    }
    if (pipe->from_ended)
        return pass_end(pipe, last);
    if (!pipe->from->readable)
        return PIPE_WAITS;
    return pipe->bulk ? splice_in(pipe, engine) : copy_in(pipe, engine);
}

int
pipe_prime(struct tcp_pipe *pipe, const struct engine *engine, const void *p,
           size_t n)
{
    if (n == 0)
        return 0;
    if (n > BUFFER_SIZE) {
        errno = ENOBUFS;
        return -1;
    }
    pipe->buffer = buffer_take(engine->buffers);
    if (pipe->buffer == NULL)
        return -1;
    memcpy(pipe->buffer->data, p, n);
    pipe->buffer->end = (uint32_t)n;
    return pipe->sift == NULL ? 0 : pipe->sift(pipe, n);
}

enum pipe_result
pipe_run(struct tcp_pipe *pipe, const struct engine *engine, bool last)
{
    uint64_t limit = pipe->bytes + PIPE_TURN_BYTES;
    enum pipe_result result;

    do
        result = pipe_step(pipe, engine, last);
    while (result == PIPE_BUSY && pipe->bytes < limit);
    if (pipe->buffer != NULL && buffer_len(pipe->buffer) == 0) {
        buffer_give(engine->buffers, pipe->buffer);
        pipe->buffer = NULL;
    }
    if (pipe->conduit != NULL && pipe->conduit->held == 0) {
        conduit_give(engine->conduits, pipe->conduit);
        pipe->conduit = NULL;
    }
    return result;
}

void
pipe_drop(struct tcp_pipe *pipe, const struct engine *engine)
{
    buffer_give(engine->buffers, pipe->buffer);
    conduit_give(engine->conduits, pipe->conduit);
    pipe->buffer = NULL;
    pipe->conduit = NULL;
}
