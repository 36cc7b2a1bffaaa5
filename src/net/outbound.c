/* SPDX-License-Identifier: MIT */
#include "net/outbound.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char UNIX[] = "unix:";

static void
on_edge(struct stream *stream)
{
    struct outbound *outbound = container_of(stream, struct outbound, stream);

    outbound->on_ready(outbound);
}

/* The name is known, or will not be. */
static void
on_lookup(struct lookup *lookup, const struct addr *addrs, unsigned count,
          const char *why)
{
    struct outbound *outbound = container_of(lookup, struct outbound, lookup);

    for (unsigned i = 0; i < count; i++)
        outbound->addrs[i] = addrs[i];
    outbound->addr_count = count;
    if (count == 0)
        (void)snprintf(outbound->words, sizeof(outbound->words), "%s", why);
    outbound->on_ready(outbound);
}

void
outbound_init(struct outbound *outbound, outbound_fn on_ready)
{
    *outbound = (struct outbound){.on_ready = on_ready, .stream.fd = -1};
    lookup_init(&outbound->lookup, on_lookup);
}

static int
fail(struct outbound *outbound, const char *what, const char *host)
{
    (void)snprintf(outbound->words, sizeof(outbound->words), what, host);
    errno = EINVAL;
    return -1;
}

static bool
is_unix(const char *host)
{
    return strncmp(host, UNIX, sizeof(UNIX) - 1) == 0;
}

static int
find_addresses(struct outbound *outbound, const struct outbound_conf *conf)
{
    const char *why;
    int result;

    outbound->addr_count = outbound->addr_next = 0;
    if (is_unix(conf->host))
        result = addr_parse(&outbound->addrs[0], conf->host, &why);
    else
        result = addr_parse_host(&outbound->addrs[0], conf->host, conf->port);
    if (result == 0) {
        outbound->addr_count = 1;
        return 0;
    }
    if (conf->resolver != NULL &&
        lookup_start(&outbound->lookup, conf->resolver, conf->host,
                     conf->port) == 0)
        return 0;
    return fail(outbound, "cannot look %s up here", conf->host);
}

/* What TLS is to verify: an address stands without its brackets; the path of a
 * Unix socket is no name. */
static int
set_name(struct outbound *outbound, const struct outbound_conf *conf)
{
    const char *host = is_unix(conf->host) ? "" : conf->host;
    const char *name = conf->name != NULL ? conf->name : host;
    size_t len = strlen(name);

    if (len == 0 && tls_client_verifies(conf->client))
        return fail(outbound, "TLS has no name to verify for %s", conf->host);
    if (len > 2 && name[0] == '[' && name[len - 1] == ']') {
        name++;
        len -= 2;
    }
    if (len > TLS_NAME_MAX)
        return fail(outbound, "the name %.64s... is too long", name);
    memcpy(outbound->name, name, len);
    outbound->name[len] = '\0';
    return 0;
}

int
outbound_start(struct outbound *outbound, const struct outbound_conf *conf)
{
    outbound->loop = conf->loop;
    outbound->connected = false;
    outbound->words[0] = '\0';
    if (conf->client != NULL && set_name(outbound, conf) < 0)
        return -1;
    if (find_addresses(outbound, conf) < 0)
        return -1;
    if (conf->client != NULL)
        outbound->client = tls_client_ref(conf->client);
    return 0;
}

const char *
outbound_explain(struct outbound *outbound, int error)
{
    return tls_error_text(&outbound->stream, error, outbound->words,
                          sizeof(outbound->words));
}

/* Connects to one address after the other. 0, or -1 with errno: why the last
 * one did not let it. */
static int
try_addresses(struct outbound *outbound)
{
    struct stream *stream = outbound_stream(outbound);
    int error = 0;

    for (;;) {
        if (stream_is_open(stream)) {
            error = stream_connect_error(stream);
            if (error == 0)
                return 0;
            if (error == EINPROGRESS)
                break;
            stream_close(stream);
        }
        if (outbound->addr_next == outbound->addr_count)
            break;
        if (stream_connect(stream, outbound->loop,
                           &outbound->addrs[outbound->addr_next++],
                           on_edge) < 0)
            error = errno;
    }
    errno = error;
    return -1;
}

/* 0, or -1 with errno. */
static int
secure(struct outbound *outbound)
{
    struct stream *stream = outbound_stream(outbound);

    if (stream->tls == NULL &&
        tls_connect(stream, outbound->client, outbound->name) < 0)
        return -1;
    if (tls_handshake(stream) == 0)
        return 0;
    if (errno == EAGAIN)
        errno = EINPROGRESS;
    return -1;
}

int
outbound_connect(struct outbound *outbound)
{
    int result = 0;

    if (outbound->connected)
        return 0;
    if (lookup_is_running(&outbound->lookup)) {
        errno = EINPROGRESS;
        return -1;
    }
    if (outbound->addr_count == 0) {
        errno = EHOSTUNREACH; /* the words are there */
        return -1;
    }
    if (outbound->stream.tls == NULL)
        result = try_addresses(outbound);
    if (result == 0 && outbound->client != NULL)
        result = secure(outbound);
    if (result < 0 && errno != EINPROGRESS) {
        int error = errno;

        (void)outbound_explain(outbound, error);
        errno = error;
    }
    outbound->connected = result == 0;
    return result;
}

void
outbound_close(struct outbound *outbound)
{
    lookup_stop(&outbound->lookup);
    stream_close(outbound_stream(outbound));
    tls_client_unref(outbound->client);
    outbound->client = NULL;
    outbound->connected = false;
}
