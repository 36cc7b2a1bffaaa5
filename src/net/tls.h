/* SPDX-License-Identifier: MIT */
/*
 * TLS as a client, by OpenSSL's libssl, as a layer of a stream: once it is
 * started all functions of stream.h move bytes through it.
 *
 *     stream_connect ─▶ connected ─▶ tls_start ─▶ tls_handshake … 0
 *                                                     └─▶ stream_read, _write
 *     stream_close: says goodbye (close_notify), and frees all
 *
 * TLS 1.2 and later. Servers are verified against certificates that are
 * trusted, and by their name or address. A connection that ends without a
 * goodbye was cut off, which is an error: otherwise anybody could shorten what
 * is said.
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

struct ssl_st;
struct tls_client;

enum {
    TLS_NAME_MAX = 255,  /* bytes of a server's name */
    TLS_WORDS_MAX = 128, /* of what went wrong, with the NUL */
};

/* A stream that may be of TLS; until tls_start it is a plain one. */
struct tls {
    struct stream stream;
    struct tls_client *client; /* held; NULL: plain */
    struct ssl_st *ssl;
    bool greeted;              /* the handshake is over */
    bool ended;                /* the server has said goodbye */
    int error;                 /* what broke it; 0: nothing has */
    int socket_error;          /* of the last call: an errno */
    bool socket_ended;         /* the socket has come to its end */
    char words[TLS_WORDS_MAX]; /* of EPROTO */
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

/* Begins TLS on the connected TLS->stream, with nothing under way. NAME is what
 * the server is to prove: a host name, which it is told (SNI), or an address;
 * or "", where CLIENT does not verify. -1 with errno: EINVAL, CLIENT verifies
 * and there is no NAME; the stream is to be closed then. */
int tls_start(struct tls *tls, struct tls_client *client,
              const char *name) MUST_CHECK;

/* Goes on with the handshake: 0 when it is over; else -1 with errno: EAGAIN,
 * call it again when the stream is ready; anything else is fatal. */
int tls_handshake(struct tls *tls) MUST_CHECK;

/* ERROR, which a call on TLS->stream or tls_handshake has failed with, in words
 * that begin with a small letter; cut to SIZE; returns TEXT. */
const char *
tls_error_text(const struct tls *tls, int error, char *text, size_t size);

#endif
