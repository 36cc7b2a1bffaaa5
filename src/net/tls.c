/* SPDX-License-Identifier: MIT */
/*
 *     stream_read ─▶ SSL_read ─▶ our BIO ─▶ recv
 *
 * A BIO of ours moves the bytes, since OpenSSL's own would write to a socket
 * that is closed without MSG_NOSIGNAL.
 */
#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "net/trust.h"

enum {
    RECORD_MAX = 16384, /* bytes of a record (RFC 8446, 5.1) */
};

struct tls_client {
    unsigned refs;
    SSL_CTX *context;
    BIO_METHOD *method;
    bool verify;
};

struct tls_server {
    unsigned refs;
    SSL_CTX *context;
    BIO_METHOD *method;
};

/* The layer of one stream. */
struct tls {
    struct stream *stream;
    struct tls_client *client; /* held; NULL: this side is the server */
    struct tls_server *server; /* held; NULL: it is the client */
    SSL *ssl;
    char *early;               /* bytes that come before those of the socket */
    size_t early_len;          /* how many */
    size_t early_used;         /* of them, that were read */
    bool may_be_cut;           /* an end without a goodbye is one */
    bool parted;               /* this side has said goodbye */
    bool greeted;              /* the handshake is over */
    bool ended;                /* the peer has said goodbye */
    int error;                 /* what broke it; 0: nothing has */
    int socket_error;          /* of the last call: an errno */
    bool socket_ended;         /* the socket has come to its end */
    char words[TLS_WORDS_MAX]; /* of EPROTO */
};

/* --- moving bytes --------------------------------------------------------- */

static bool
is_temporary(int error)
{
    return error == EAGAIN || error == EINTR;
}

static int
read_early(struct tls *tls, char *p, size_t n)
{
    size_t left = tls->early_len - tls->early_used;

    if (n > left)
        n = left;
    memcpy(p, tls->early + tls->early_used, n);
    tls->early_used += n;
    if (n < left)
        return (int)n;
    free(tls->early);
    tls->early = NULL;
    return (int)n;
}

static int
bio_read(BIO *bio, char *p, int n)
{
    struct tls *tls = BIO_get_data(bio);
    ssize_t got;

    BIO_clear_retry_flags(bio);
    if (tls->early != NULL)
        return read_early(tls, p, (size_t)n);
    got = recv(tls->stream->fd, p, (size_t)n, 0);
    if (got == 0)
        tls->socket_ended = true;
    if (got < 0 && is_temporary(errno))
        BIO_set_retry_read(bio);
    else if (got < 0)
        tls->socket_error = errno;
    return (int)got;
}

static int
bio_write(BIO *bio, const char *p, int n)
{
    struct tls *tls = BIO_get_data(bio);
    ssize_t sent;

    BIO_clear_retry_flags(bio);
    sent = send(tls->stream->fd, p, (size_t)n, MSG_NOSIGNAL);
    if (sent < 0 && is_temporary(errno))
        BIO_set_retry_write(bio);
    else if (sent < 0)
        tls->socket_error = errno;
    return (int)sent;
}

static long
bio_control(BIO *bio, int command, long number, void *p)
{
    const struct tls *tls = BIO_get_data(bio);

    (void)number;
    (void)p;
    if (command == BIO_CTRL_EOF)
        return tls->socket_ended;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *
new_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "stream");

    if (method == NULL)
        return NULL;
    if (BIO_meth_set_read(method, bio_read) == 1 &&
        BIO_meth_set_write(method, bio_write) == 1 &&
        BIO_meth_set_ctrl(method, bio_control) == 1)
        return method;
    BIO_meth_free(method);
    return NULL;
}

/* --- errors --------------------------------------------------------------- */

static void
say(struct tls *tls, const char *what, const char *more)
{
    (void)snprintf(tls->words, sizeof(tls->words), "%s%s", what, more);
}

/* Keeps why the connection is broken. */
static void
note_failure(struct tls *tls)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    long verified = SSL_get_verify_result(tls->ssl);

    tls->error = tls->socket_error != 0 ? tls->socket_error : EPROTO;
    if (!tls->greeted && tls->client != NULL && tls->client->verify &&
        verified != X509_V_OK) {
        tls->error = EPROTO;
        say(tls, "certificate verify failed: ",
            X509_verify_cert_error_string(verified));
    } else if (tls->socket_ended && tls->greeted) {
        say(tls, "the TLS connection was cut off", "");
    } else if (tls->socket_ended) {
        say(tls, "the connection was closed in the TLS handshake", "");
    } else {
        say(tls, "TLS: ", reason == NULL ? "it failed" : reason);
    }
    ERR_clear_error();
}

/* Has the peer ended, without a goodbye, as it may? One that has closed answers
 * our own by a reset. */
static bool
is_cut(const struct tls *tls)
{
    bool is_reset =
        tls->socket_error == ECONNRESET || tls->socket_error == EPIPE;

    return tls->may_be_cut && tls->greeted &&
           (tls->socket_ended || (tls->parted && is_reset));
}

/* What it means that a call of the library has given RESULT: 0, the end; or -1
 * with errno. */
static int
settle(struct tls *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        tls->ended = true;
        return 0;
    default:
        break;
    }
    if (is_cut(tls)) {
        ERR_clear_error();
        tls->ended = true;
        return 0;
    }
    note_failure(tls);
    errno = tls->error;
    return -1;
}

/* Before each call of the library. */
static void
prepare(struct tls *tls)
{
    ERR_clear_error();
    tls->socket_error = 0;
}

const char *
tls_error_text(const struct stream *stream, int error, char *text, size_t size)
{
    const struct tls *tls = stream->tls;
    bool ours = error == EPROTO && tls != NULL && tls->error == EPROTO;

    (void)snprintf(text, size, "%s", ours ? tls->words : strerror(error));
    /* The system's words begin with a capital. */
    if (!ours && text[0] >= 'A' && text[0] <= 'Z')
        text[0] = (char)(text[0] - 'A' + 'a');
    return text;
}

/* --- the stream's functions ----------------------------------------------- */

/* Goes on until P is full or there is no more, since no edge comes for what is
 * left in the socket. What broke behind bytes that came is told next time. */
static ssize_t
read_stream(struct stream *stream, void *p, size_t n)
{
    struct tls *tls = stream->tls;
    size_t total = 0;

    while (total < n && tls->error == 0 && !tls->ended) {
        size_t left = n - total < INT_MAX ? n - total : INT_MAX;
        int got;

        prepare(tls);
        got = SSL_read(tls->ssl, (char *)p + total, (int)left);
        if (got > 0) {
            total += (size_t)got;
        } else if (settle(tls, got) < 0 && errno == EAGAIN) {
            return total > 0 ? (ssize_t)total : -1;
        }
    }
    if (total > 0) {
        stream->hung_up |= total < n;
        return (ssize_t)total;
    }
    errno = tls->error;
    return tls->error != 0 ? -1 : 0;
}

/* Encrypts and sends the N bytes at P; bytes taken, or -1. What was encrypted
 * and could not leave counts as not taken: it must come again, and may come
 * with more behind it. */
static ssize_t
write_record(struct tls *tls, const char *p, size_t n)
{
    int sent;

    if (tls->error != 0) {
        errno = tls->error;
        return -1;
    }
    prepare(tls);
    sent = SSL_write(tls->ssl, p, (int)n);
    if (sent > 0)
        return sent;
    if (settle(tls, sent) == 0)
        errno = EPIPE;
    return -1;
}

/* Copies what lies AT bytes into the pieces, as much as fits one record. */
static size_t
gather(char record[RECORD_MAX], const struct iovec *iov, int n, size_t at)
{
    size_t len = 0;

    for (int i = 0; i < n && len < RECORD_MAX; i++) {
        size_t piece = iov[i].iov_len;

        if (at >= piece) {
            at -= piece;
            continue;
        }
        piece -= at;
        if (piece > RECORD_MAX - len)
            piece = RECORD_MAX - len;
        memcpy(record + len, (const char *)iov[i].iov_base + at, piece);
        len += piece;
        at = 0;
    }
    return len;
}

/* Each record is put together anew, so that one that comes again is at least
 * as long as it was, however the caller cuts its pieces then. */
static ssize_t
write_stream(struct stream *stream, const struct iovec *iov, int n,
             size_t total, bool more)
{
    char record[RECORD_MAX];
    size_t sent = 0;

    (void)more;
    while (sent < total) {
        size_t len = gather(record, iov, n, sent);
        ssize_t taken = write_record(stream->tls, record, len);

        if (taken < 0)
            return sent > 0 ? (ssize_t)sent : -1;
        sent += (size_t)taken;
    }
    return (ssize_t)sent;
}

static ssize_t
send_file(struct stream *stream, int fd, off_t offset, size_t n)
{
    char record[RECORD_MAX];
    size_t sent = 0;

    while (sent < n) {
        size_t left = n - sent < RECORD_MAX ? n - sent : RECORD_MAX;
        ssize_t len = pread(fd, record, left, offset + (off_t)sent);
        ssize_t taken;

        if (len <= 0)
            return sent > 0 ? (ssize_t)sent : len;
        taken = write_record(stream->tls, record, (size_t)len);
        if (taken < 0)
            return sent > 0 ? (ssize_t)sent : -1;
        sent += (size_t)taken;
    }
    return (ssize_t)sent;
}

/* Says goodbye, unless the connection is broken: what the library then does is
 * not defined. Nobody waits for the peer's. */
static void
say_goodbye(struct tls *tls)
{
    if (!tls->greeted || tls->error != 0)
        return;
    prepare(tls);
    (void)SSL_shutdown(tls->ssl);
    tls->parted = true;
    ERR_clear_error();
}

/* The goodbye may have been answered by a reset. */
static int
shut_down(struct stream *stream)
{
    say_goodbye(stream->tls);
    if (shutdown(stream->fd, SHUT_WR) == 0 || errno == ENOTCONN)
        return 0;
    return -1;
}

static void
tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    tls_client_unref(tls->client);
    tls_server_unref(tls->server);
    free(tls->early);
    free(tls);
}

static void
close_stream(struct stream *stream)
{
    say_goodbye(stream->tls);
    tls_free(stream->tls);
    stream->tls = NULL;
}

static bool
is_pending(struct stream *stream)
{
    const struct tls *tls = stream->tls;

    return tls->error != 0 || tls->ended || SSL_has_pending(tls->ssl) == 1;
}

static const struct stream_ops tls_ops = {
    .read = read_stream,
    .writev = write_stream,
    .sendfile = send_file,
    .shutdown = shut_down,
    .close = close_stream,
    .pending = is_pending,
};

/* --- beginning ------------------------------------------------------------ */

/* Brackets are no part of one here. */
static bool
is_address(const char *name)
{
    struct addr address;

    return name[0] != '[' && addr_parse_host(&address, name, 0) == 0;
}

/* What the server is told, and has to prove. */
static int
set_name(SSL *ssl, const char *name)
{
    if (name[0] == '\0')
        return 1;
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
    if (SSL_set_tlsext_host_name(ssl, name) != 1)
        return 0;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name);
}

static SSL *
new_session(struct tls *tls, SSL_CTX *context, BIO_METHOD *method)
{
    SSL *ssl = SSL_new(context);
    BIO *bio;

    if (ssl == NULL)
        return NULL;
    bio = BIO_new(method);
    if (bio == NULL) {
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return ssl;
}

/* A layer that nobody has taken on yet; NULL with errno. */
static struct tls *
tls_new(struct stream *stream, SSL_CTX *context, BIO_METHOD *method)
{
    struct tls *tls = calloc(1, sizeof(*tls));

    assert(stream_is_open(stream) && stream->tls == NULL);
    if (tls == NULL)
        return NULL;
    ERR_clear_error();
    tls->stream = stream;
    tls->ssl = new_session(tls, context, method);
    if (tls->ssl != NULL)
        return tls;
    ERR_clear_error();
    free(tls);
    errno = ENOMEM;
    return NULL;
}

static void
take_on(struct stream *stream, struct tls *tls)
{
    stream->tls = tls;
    stream->ops = &tls_ops;
}

int
tls_connect(struct stream *stream, struct tls_client *client, const char *name)
{
    struct tls *tls;

    if (client->verify && name[0] == '\0') {
        errno = EINVAL;
        return -1;
    }
    tls = tls_new(stream, client->context, client->method);
    if (tls == NULL)
        return -1;
    if (set_name(tls->ssl, name) != 1) {
        ERR_clear_error();
        tls_free(tls);
        errno = ENOMEM;
        return -1;
    }
    SSL_set_connect_state(tls->ssl);
    tls->client = tls_client_ref(client);
    take_on(stream, tls);
    return 0;
}

int
tls_accept(struct stream *stream, struct tls_server *server, struct str early)
{
    struct tls *tls = tls_new(stream, server->context, server->method);

    if (tls == NULL)
        return -1;
    if (early.len > 0) {
        tls->early = malloc(early.len);
        if (tls->early == NULL) {
            tls_free(tls);
            errno = ENOMEM;
            return -1;
        }
        memcpy(tls->early, early.p, early.len);
        tls->early_len = early.len;
    }
    SSL_set_accept_state(tls->ssl);
    tls->server = tls_server_ref(server);
    take_on(stream, tls);
    return 0;
}

void
tls_allow_cut(struct stream *stream)
{
    stream->tls->may_be_cut = true;
}

int
tls_handshake(struct stream *stream)
{
    struct tls *tls = stream->tls;
    int result;

    if (tls->error != 0) {
        errno = tls->error;
        return -1;
    }
    prepare(tls);
    result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        tls->greeted = true;
        /* The owner's first message would wait for the acknowledgement of the
         * handshake's last one. */
        stream->written = true;
        return 0;
    }
    stream->readable = stream->writable = false;
    if (settle(tls, result) == 0)
        errno = ECONNRESET;
    return -1;
}

/* --- whom connections trust ----------------------------------------------- */

/* Adds each certificate of a text. -1, and *WHY. */
static int
trust_text(SSL_CTX *context, struct str ca, const char **why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    BIO *bio = BIO_new_mem_buf(ca.p, (int)ca.len);
    unsigned count = 0;
    X509 *one;

    *why = "there is no memory for it";
    if (bio == NULL)
        return -1;
    while ((one = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL) {
        int added = X509_STORE_add_cert(store, one);

        X509_free(one);
        if (added != 1)
            break;
        count++;
    }
    BIO_free(bio);
    if (one != NULL)
        return -1;
    *why = count == 0 ? "it holds no certificate in PEM"
                      : "one of its certificates is not valid PEM";
    /* Nothing but the end has no beginning. */
    if (count == 0 ||
        ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return -1;
    return 0;
}

static int
set_trust(SSL_CTX *context, struct str ca, const char **why)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (ca.p == NULL) {
        *why = "the system's certificates cannot be read";
        return trust_system(context);
    }
    *why = "it is too long";
    if (ca.len > INT_MAX)
        return -1;
    /* A certificate that is named is trusted, whoever has signed it. */
    (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context),
                                      X509_V_FLAG_PARTIAL_CHAIN);
    return trust_text(context, ca, why);
}

/* What both sides' connections have in common. */
static SSL_CTX *
new_context(const SSL_METHOD *side)
{
    SSL_CTX *context = SSL_CTX_new(side);

    if (context == NULL)
        return NULL;
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1);
    return context;
}

struct tls_client *
tls_client_new(bool verify, struct str ca, const char **why)
{
    struct tls_client *client = calloc(1, sizeof(*client));

    *why = "there is no memory for it";
    if (client == NULL)
        return NULL;
    ERR_clear_error();
    client->refs = 1;
    client->verify = verify;
    client->method = new_method();
    client->context = new_context(TLS_client_method());
    if (client->method == NULL || client->context == NULL ||
        (verify && set_trust(client->context, ca, why) < 0)) {
        tls_client_unref(client);
        client = NULL;
    }
    ERR_clear_error();
    return client;
}

struct tls_client *
tls_client_ref(struct tls_client *client)
{
    client->refs++;
    return client;
}

bool
tls_client_verifies(const struct tls_client *client)
{
    return client->verify;
}

void
tls_client_unref(struct tls_client *client)
{
    if (client == NULL || --client->refs > 0)
        return;
    SSL_CTX_free(client->context);
    BIO_meth_free(client->method);
    free(client);
}

/* --- who servers are ------------------------------------------------------ */

/* The first certificate of a text is the server's own, the others lead from it
 * to one that clients trust. */
static int
set_chain(SSL_CTX *context, BIO *text, const char **why)
{
    X509 *own = PEM_read_bio_X509_AUX(text, NULL, NULL, NULL);
    X509 *next;
    int used;

    *why = "the certificate is not valid PEM";
    if (own == NULL)
        return -1;
    used = SSL_CTX_use_certificate(context, own);
    X509_free(own);
    if (used != 1)
        return -1;
    *why = "a certificate behind the first one is not valid PEM";
    while ((next = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
        if (SSL_CTX_add0_chain_cert(context, next) != 1) {
            X509_free(next);
            return -1;
        }
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return -1;
    ERR_clear_error();
    return 0;
}

/* There is nobody whom the library could ask for it. */
static int
no_passphrase(char *p, int size, int writing, void *arg)
{
    (void)p;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static int
set_key(SSL_CTX *context, BIO *text, const char **why)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, no_passphrase, NULL);
    int used;

    *why = "the key is not valid PEM, or has a passphrase";
    if (key == NULL)
        return -1;
    *why = "the key is not that of the certificate";
    used = SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);
    return used == 1 && SSL_CTX_check_private_key(context) == 1 ? 0 : -1;
}

typedef int (*set_text_fn)(SSL_CTX *context, BIO *text, const char **why);

static int
set_from(SSL_CTX *context, struct str text, set_text_fn set, const char **why)
{
    BIO *bio;
    int result;

    *why = "it is too long";
    if (text.len > INT_MAX)
        return -1;
    *why = "there is no memory for it";
    bio = BIO_new_mem_buf(text.p, (int)text.len);
    if (bio == NULL)
        return -1;
    result = set(context, bio, why);
    BIO_free(bio);
    return result;
}

struct tls_server *
tls_server_new(struct str chain, struct str key, const char **why)
{
    struct tls_server *server = calloc(1, sizeof(*server));

    *why = "there is no memory for it";
    if (server == NULL)
        return NULL;
    ERR_clear_error();
    server->refs = 1;
    server->method = new_method();
    server->context = new_context(TLS_server_method());
    if (server->method == NULL || server->context == NULL ||
        set_from(server->context, chain, set_chain, why) < 0 ||
        set_from(server->context, key, set_key, why) < 0) {
        tls_server_unref(server);
        server = NULL;
    } else {
        SSL_CTX_set_options(server->context,
                            SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
        (void)SSL_CTX_set_num_tickets(server->context, 0);
    }
    ERR_clear_error();
    return server;
}

const char *
tls_server_doubt(const struct tls_server *server)
{
    const X509 *own = SSL_CTX_get0_certificate(server->context);

    if (own == NULL)
        return NULL;
    if (X509_cmp_current_time(X509_get0_notAfter(own)) < 0)
        return "has expired";
    if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0)
        return "is not valid yet";
    return NULL;
}

struct tls_server *
tls_server_ref(struct tls_server *server)
{
    server->refs++;
    return server;
}

void
tls_server_unref(struct tls_server *server)
{
    if (server == NULL || --server->refs > 0)
        return;
    SSL_CTX_free(server->context);
    BIO_meth_free(server->method);
    free(server);
}
