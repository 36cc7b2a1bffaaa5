/* SPDX-License-Identifier: MIT */
/*
 * TLS, by OpenSSL's libssl, as a layer that a stream takes on in the middle of
 * its life: from then on all functions of stream.h move bytes through it.
 *
 *     a plain stream ─▶ tls_connect, tls_accept ─▶ tls_handshake … 0
 *                                                     └─▶ stream_read, _write
 *     stream_close: says goodbye (close_notify), and frees all
 *
 * TLS 1.2 and later. Servers are verified against certificates that are
 * trusted, and by their name or address; clients are not asked for any. A
 * connection that ends without a goodbye was cut off, which is an error:
 * otherwise anybody could shorten what is said.
 *
 * What stream_read and stream_write fail with, beside errors of the socket, is
 * EPROTO: tls_error_text has it in words. An edge of the socket makes a stream
 * of TLS both readable and writable, since either may have waited for the
 * other.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>

#include "base/mem.h"
#include "base/str.h"
#include "net/stream.h"

struct tls_client;
struct tls_server;

enum {
    TLS_NAME_MAX = 255,  /* bytes of a server's name */
    TLS_WORDS_MAX = 128, /* of what went wrong, with the NUL */
};

/* Whom connections trust, and all else that they share. With VERIFY those whom
 * the certificates in CA have signed, or which these are themselves: CA is the
 * text of one PEM after the other; without it (p is NULL), the system's.
 * Without VERIFY anybody. NULL, and *WHY says what is wrong. Counted: the
 * caller has one. */
struct tls_client *
tls_client_new(bool verify, struct str ca, const char **why) MUST_CHECK;
struct tls_client *tls_client_ref(struct tls_client *client);
void tls_client_unref(struct tls_client *client);
bool tls_client_verifies(const struct tls_client *client);

/* Who a server is: CHAIN, its certificate and those that lead to whom clients
 * trust, and KEY, both texts in PEM. Nothing of one connection helps another:
 * there are no sessions and no tickets. As tls_client_new. */
struct tls_server *
tls_server_new(struct str chain, struct str key, const char **why) MUST_CHECK;
/* Why nobody would believe it now: "has expired"; NULL: nothing is known. */
const char *tls_server_doubt(const struct tls_server *server);
struct tls_server *tls_server_ref(struct tls_server *server);
void tls_server_unref(struct tls_server *server);

/* Begins TLS on the connected STREAM, with nothing under way. NAME is what the
 * server is to prove: a host name, which it is told (SNI), or an address; or
 * "", where CLIENT does not verify. -1 with errno: EINVAL, CLIENT verifies and
 * there is no NAME; the stream is to be closed then. */
int tls_connect(struct stream *stream, struct tls_client *client,
                const char *name) MUST_CHECK;

/* The same for the side that was connected to. EARLY, which is copied, are
 * bytes of TLS that were read from the stream already. */
int tls_accept(struct stream *stream, struct tls_server *server,
               struct str early) MUST_CHECK;

/* On STREAM an end without a goodbye is an end like any other: for protocols
 * that say themselves where each message ends, and whose programs leave it
 * out, as MySQL's do. */
void tls_allow_cut(struct stream *stream);

/* Goes on with the handshake: 0 when it is over; else -1 with errno: EAGAIN,
 * call it again when the stream is ready; anything else is fatal. */
int tls_handshake(struct stream *stream) MUST_CHECK;

/* ERROR, which a call on STREAM has failed with, in words that begin with a
 * small letter; cut to SIZE; returns TEXT. Before the stream is closed; a plain
 * one has only the system's words. */
const char *
tls_error_text(const struct stream *stream, int error, char *text, size_t size);

#endif
