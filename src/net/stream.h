/* SPDX-License-Identifier: MIT */
/*
 * A connected (or connecting) byte stream.  It is registered once with the
 * loop, edge-triggered for both directions, and never again while it lives:
 * `readable` and `writable` remember what the edges said until a read or a
 * write comes back short.
 *
 *      edge ─▶ readable, writable ─▶ on_ready(owner) ─▶ stream_read … until
 *                                                       !readable
 *
 * How bytes are moved is a table of functions, so that TLS can take the place
 * of a plain socket, in the middle of its life (tls.h).
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "base/mem.h"
#include "net/loop.h"

struct conduit;
struct stream;
struct tls;

typedef void (*stream_fn)(struct stream *stream);

struct stream_ops {
    ssize_t (*read)(struct stream *stream, void *p, size_t n);
    /* TOTAL bytes in N pieces; MORE will be written at once. */
    ssize_t (*writev)(struct stream *stream, const struct iovec *iov, int n,
                      size_t total, bool more);
    ssize_t (*sendfile)(struct stream *stream, int fd, off_t offset, size_t n);
    /* NULL: bytes cannot pass by without being looked at (TLS). */
    ssize_t (*splice_in)(struct stream *stream, int pipe);
    ssize_t (*splice_out)(struct stream *stream, int pipe, size_t n);
    int (*shutdown)(struct stream *stream); /* no more will be written */
    /* What only a layer above the socket (TLS) has; NULL elsewhere. */
    void (*close)(struct stream *stream);   /* the socket is closed next */
    bool (*pending)(struct stream *stream); /* holds bytes that were read, so
                                               no edge will tell of them */
};

struct stream {
    struct loop *loop;
    const struct stream_ops *ops;
    stream_fn on_ready; /* an edge came; the owner is found by container_of */
    int fd;             /* -1: closed */
    bool readable;      /* a read may give something */
    bool writable;      /* a write may take something */
    bool hung_up;       /* the peer has ended its side: read on to the end */
    bool delays;        /* Nagle's algorithm is on: until the second write */
    bool written;       /* something was */
    struct tls *tls;    /* NULL: a plain one (tls.h) */
    struct event event;
    struct doubt doubt;
};

/* Registers the connected socket FD, which the stream owns from then on.  0,
 * or -1 with errno (FD is still the caller's). */
int stream_open(struct stream *stream, struct loop *loop, int fd,
                stream_fn on_ready) MUST_CHECK;

/* Opens a socket and begins to connect it to ADDR.  on_ready is called when it
 * is decided; stream_connect_error then tells how.  0, or -1 with errno.
 *
 * The first write to it leaves at once, since nothing is under way that Nagle's
 * algorithm could wait for; the second one turns it off.  So a connection for
 * one message costs no system call for that. */
int stream_connect(struct stream *stream, struct loop *loop,
                   const struct addr *addr, stream_fn on_ready) MUST_CHECK;

/* 0 once connected, EINPROGRESS while undecided, else the errno. */
int stream_connect_error(struct stream *stream);

/* Does this machine lack what a connection takes, so that its failure with
 * ERROR says nothing of the peer? */
bool stream_error_is_local(int error);

/* Closes it; pending edges are forgotten.  A closed one is left alone. */
void stream_close(struct stream *stream);

/* Takes the socket out of the loop: it is the caller's from then on, and the
 * stream is closed.  Nothing may be under way on it. */
int stream_release(struct stream *stream);

/* Closes it so that the peer sees a reset. */
void stream_reset(struct stream *stream);

bool stream_is_open(const struct stream *stream);

/* Bytes read, 0 at the end, or -1 with errno: EAGAIN when there is nothing
 * now, anything else is fatal to the stream. */
ssize_t stream_read(struct stream *stream, void *p, size_t n);

/* Bytes written (perhaps fewer), or -1 with errno, EAGAIN included. */
ssize_t stream_writev(struct stream *stream, const struct iovec *iov, int n);
ssize_t stream_write(struct stream *stream, const void *p, size_t n);

/* As stream_writev, and lets the kernel wait for what the caller writes next,
 * so that a head and a file leave in the same segments. */
ssize_t
stream_writev_more(struct stream *stream, const struct iovec *iov, int n);

/* Sends N bytes of the file FD from OFFSET; as stream_writev.  0: the file is
 * shorter than it was. */
ssize_t stream_sendfile(struct stream *stream, int fd, off_t offset, size_t n);

/* Moves bytes from the stream into CONDUIT, which is empty, or from CONDUIT
 * into the stream, without copying them; CONDUIT's `held` follows.  Results as
 * of stream_read and stream_write.  Only where stream_can_splice is true of
 * both ends. */
bool stream_can_splice(const struct stream *stream);
ssize_t stream_splice_in(struct stream *stream, struct conduit *conduit);
ssize_t stream_splice_out(struct stream *stream, struct conduit *conduit);

/* For who stops although the stream would take and give more, so that others
 * have their turn: on_ready is called again in a later turn.  Until then the
 * stream counts as neither readable nor writable.  0, or -1 with errno. */
int stream_yield(struct stream *stream) MUST_CHECK;

/* Ends the own side; the peer may still send. */
int stream_shutdown(struct stream *stream);

/* Whether whoever is at the other end is there no more, as far as that can be
 * known without reading: it broke the connection off, or it has ended its side
 * and nothing that it sent is left to be read (with TLS, whatever is left). */
bool stream_is_deserted(const struct stream *stream);

/* Whether the other end is there, and nothing has come from it that was not
 * read. */
bool stream_is_silent(struct stream *stream);

/* Lets the kernel find out about a peer that is gone (keep-alive probes). */
void stream_probe(struct stream *stream);

#endif
