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
#include <glob.h>
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

enum {
    RECORD_MAX = 16384, /* bytes of a record (RFC 8446, 5.1) */
};

struct tls_client {
    unsigned refs;
    SSL_CTX *context;
    BIO_METHOD *method;
    bool verify;
};

/* --- moving bytes --------------------------------------------------------- */

static bool
is_temporary(int error)
{
    return error == EAGAIN || error == EINTR;
}

static int
bio_read(BIO *bio, char *p, int n)
{
    struct tls *tls = BIO_get_data(bio);
    ssize_t got;

    BIO_clear_retry_flags(bio);
    got = recv(tls->stream.fd, p, (size_t)n, 0);
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
    sent = send(tls->stream.fd, p, (size_t)n, MSG_NOSIGNAL);
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
    if (!tls->greeted && tls->client->verify && verified != X509_V_OK) {
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
        note_failure(tls);
        errno = tls->error;
        return -1;
    }
}

/* Before each call of the library. */
static void
prepare(struct tls *tls)
{
    ERR_clear_error();
    tls->socket_error = 0;
}

const char *
tls_error_text(const struct tls *tls, int error, char *text, size_t size)
{
    bool ours = error == EPROTO && tls->error == EPROTO;

    (void)snprintf(text, size, "%s", ours ? tls->words : strerror(error));
    /* The system's words begin with a capital. */
    if (!ours && text[0] >= 'A' && text[0] <= 'Z')
        text[0] = (char)(text[0] - 'A' + 'a');
    return text;
}

/* --- the stream's functions ----------------------------------------------- */

static struct tls *
tls_of(struct stream *stream)
{
    return container_of(stream, struct tls, stream);
}

/* Goes on until P is full or there is no more, since no edge comes for what is
 * left in the socket. What broke behind bytes that came is told next time. */
static ssize_t
read_stream(struct stream *stream, void *p, size_t n)
{
    struct tls *tls = tls_of(stream);
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
        ssize_t taken = write_record(tls_of(stream), record, len);

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
        taken = write_record(tls_of(stream), record, (size_t)len);
        if (taken < 0)
            return sent > 0 ? (ssize_t)sent : -1;
        sent += (size_t)taken;
    }
    return (ssize_t)sent;
}

/* Says goodbye, unless the connection is broken: what the library then does is
 * not defined. Nobody waits for the server's. */
static void
say_goodbye(struct tls *tls)
{
    if (!tls->greeted || tls->error != 0)
        return;
    prepare(tls);
    (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

static int
shut_down(struct stream *stream)
{
    say_goodbye(tls_of(stream));
    return shutdown(stream->fd, SHUT_WR);
}

static void
close_stream(struct stream *stream)
{
    struct tls *tls = tls_of(stream);

    say_goodbye(tls);
    SSL_free(tls->ssl);
    tls->ssl = NULL;
    tls_client_unref(tls->client);
    tls->client = NULL;
}

static bool
is_pending(struct stream *stream)
{
    const struct tls *tls = tls_of(stream);

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
new_session(struct tls *tls, struct tls_client *client, const char *name)
{
    SSL *ssl = SSL_new(client->context);
    BIO *bio;

    if (ssl == NULL)
        return NULL;
    bio = BIO_new(client->method);
    if (bio == NULL || set_name(ssl, name) != 1) {
        BIO_free(bio);
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_connect_state(ssl);
    return ssl;
}

int
tls_start(struct tls *tls, struct tls_client *client, const char *name)
{
    assert(stream_is_open(&tls->stream));
    if (client->verify && name[0] == '\0') {
        errno = EINVAL;
        return -1;
    }
    tls->greeted = tls->ended = tls->socket_ended = false;
    tls->error = tls->socket_error = 0;
    tls->words[0] = '\0';
    prepare(tls);
    tls->ssl = new_session(tls, client, name);
    ERR_clear_error();
    if (tls->ssl == NULL) {
        errno = ENOMEM;
        return -1;
    }
    tls->client = tls_client_ref(client);
    tls->stream.ops = &tls_ops;
    return 0;
}

int
tls_handshake(struct tls *tls)
{
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
        tls->stream.written = true;
        return 0;
    }
    tls->stream.readable = tls->stream.writable = false;
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

/* Does a folder hold certificates by their hashes, as 1a2b3c4d.0? */
static bool
is_hashed(const char *folder)
{
    char pattern[PATH_MAX];
    glob_t found;
    int len = snprintf(pattern, sizeof(pattern), "%s/????????.0", folder);
    bool result;

    if (len < 0 || (size_t)len >= sizeof(pattern))
        return false;
    result = glob(pattern, GLOB_NOSORT, NULL, &found) == 0;
    globfree(&found);
    return result;
}

/* The library would read a file of all certificates at once, which takes tens
 * of milliseconds; from a folder it reads the one that it needs. */
static int
trust_system(SSL_CTX *context)
{
    const char *file = secure_getenv(X509_get_default_cert_file_env());
    const char *folder = secure_getenv(X509_get_default_cert_dir_env());

    if (file != NULL)
        return SSL_CTX_load_verify_file(context, file);
    if (folder == NULL)
        folder = X509_get_default_cert_dir();
    if (is_hashed(folder))
        return SSL_CTX_load_verify_dir(context, folder);
    return SSL_CTX_set_default_verify_paths(context);
}

static int
set_trust(SSL_CTX *context, struct str ca, const char **why)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (ca.p == NULL) {
        *why = "the system's certificates cannot be read";
        return trust_system(context) == 1 ? 0 : -1;
    }
    *why = "it is too long";
    if (ca.len > INT_MAX)
        return -1;
    /* A certificate that is named is trusted, whoever has signed it. */
    (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context),
                                      X509_V_FLAG_PARTIAL_CHAIN);
    return trust_text(context, ca, why);
}

static SSL_CTX *
new_context(bool verify, struct str ca, const char **why)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    *why = "there is no memory for it";
    if (context == NULL)
        return NULL;
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        (verify && set_trust(context, ca, why) < 0)) {
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
    if (client->method != NULL)
        client->context = new_context(verify, ca, why);
    ERR_clear_error();
    if (client->context != NULL)
        return client;
    BIO_meth_free(client->method);
    free(client);
    return NULL;
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
