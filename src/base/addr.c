/* SPDX-License-Identifier: MIT */
/*
 * Addresses and networks from text and to text. IPv4 addresses inside IPv6 ones
 * (::ffff:1.2.3.4), as a dual-stack listener gives them, count as IPv4.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/wire.h"

enum {
    HOST_TEXT_MAX = 64, /* a numeric host without brackets */
};

static int
refuse(const char **why, const char *words)
{
    if (why != NULL)
        *why = words;
    errno = EINVAL;
    return -1;
}

/* The bytes of the host in wire order, and how many there are. */
static const uint8_t *
host_bytes(const struct addr *a, size_t *len)
{
    if (a->len > 0 && a->sa.sa_family == AF_INET) {
        *len = 4;
        return (const uint8_t *)&a->in.sin_addr;
    }
    if (a->len > 0 && a->sa.sa_family == AF_INET6) {
        bool mapped = IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr);

        *len = mapped ? 4 : 16;
        return a->in6.sin6_addr.s6_addr + (mapped ? 12 : 0);
    }
    *len = 0;
    return NULL;
}

static bool
is_unix(const struct addr *a)
{
    return a->len > 0 && a->sa.sa_family == AF_UNIX;
}

/* The path of a Unix socket; empty for one without a name. Abstract names begin
 * with a NUL and fill the rest of the length. */
static struct str
unix_path(const struct addr *a)
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    size_t room = a->len > head ? a->len - head : 0;

    if (room > 0 && a->un.sun_path[0] == '\0')
        return str_make(a->un.sun_path, room);
    return str_make(a->un.sun_path, strnlen(a->un.sun_path, room));
}

static int
parse_unix(struct addr *out, const char *path, const char **why)
{
    size_t len = strlen(path);
    struct addr a = {.un = {.sun_family = AF_UNIX}};

    if (path[0] != '/')
        return refuse(why, "a Unix socket needs an absolute path: unix:/PATH");
    if (len >= sizeof(a.un.sun_path))
        return refuse(why, "the path of a Unix socket has at most 107 bytes");
    memcpy(a.un.sun_path, path, len + 1);
    a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    *out = a;
    return 0;
}

int
addr_parse_host(struct addr *out, const char *text, uint16_t port)
{
    struct addr a = {0};
    char host[HOST_TEXT_MAX];
    struct str s = str_from(text);

    if (str_starts_with(s, STR("[")) && str_ends_with(s, STR("]")))
        s = str_slice(s, 1, s.len - 1);
    if (s.len >= sizeof(host))
        return refuse(NULL, "");
    memcpy(host, s.p, s.len);
    host[s.len] = '\0';

    if (inet_pton(AF_INET, host, &a.in.sin_addr) == 1) {
        a.in.sin_family = AF_INET;
        a.len = sizeof(a.in);
    } else if (inet_pton(AF_INET6, host, &a.in6.sin6_addr) == 1) {
        a.in6.sin6_family = AF_INET6;
        a.len = sizeof(a.in6);
    } else {
        return refuse(NULL, "");
    }
    addr_set_port(&a, port);
    *out = a;
    return 0;
}

/* Splits "HOST:PORT" at its last colon; HOST gets its own NUL. */
static int
split_port(char *host, size_t size, uint16_t *port, const char *text,
           const char **why)
{
    const char *colon = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    uint64_t n;

    if (colon == NULL || (bracket != NULL && bracket > colon))
        return refuse(why, "the port is missing: HOST:PORT");
    if (text[0] != '[' && strchr(text, ':') != colon)
        return refuse(why, "an IPv6 address needs brackets: [ADDRESS]:PORT");
    if (str_to_uint(&n, str_from(colon + 1), UINT16_MAX) < 0)
        return refuse(why, "a port is a number from 0 to 65535");
    if ((size_t)(colon - text) >= size)
        return refuse(why, "the address is too long");
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    *port = (uint16_t)n;
    return 0;
}

int
addr_parse(struct addr *out, const char *text, const char **why)
{
    char host[HOST_TEXT_MAX];
    uint16_t port = 0;

    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(out, text + 5, why);
    if (split_port(host, sizeof(host), &port, text, why) < 0)
        return -1;
    if (strcmp(host, "*") == 0)
        memcpy(host, "0.0.0.0", sizeof("0.0.0.0"));
    if (addr_parse_host(out, host, port) < 0)
        return refuse(why, "not a numeric address");
    return 0;
}

static bool
is_among(const struct addr *a, const struct addr *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (addr_equal(a, &list[i]))
            return true;
    }
    return false;
}

int
addr_resolve(struct addr *out, unsigned max, const char *host, uint16_t port,
             const char **why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    unsigned count = 0;
    int error;

    if (max > 0 && addr_parse_host(out, host, port) == 0)
        return 1;
    error = getaddrinfo(host, NULL, &hints, &found);
    if (error != 0)
        return refuse(why, gai_strerror(error));
    for (const struct addrinfo *i = found; i != NULL && count < max;
         i = i->ai_next) {
        struct addr a;

        addr_from_sockaddr(&a, i->ai_addr, i->ai_addrlen);
        addr_set_port(&a, port);
        if (!is_among(&a, out, count))
            out[count++] = a;
    }
    freeaddrinfo(found);
    return (int)count;
}

int
addr_of_socket(struct addr *out, int fd)
{
    struct addr a = {.len = sizeof(a.storage)};

    if (getsockname(fd, &a.sa, &a.len) < 0)
        return -1;
    *out = a;
    return 0;
}

int
addr_of_peer(struct addr *out, int fd)
{
    struct addr a = {.len = sizeof(a.storage)};

    if (getpeername(fd, &a.sa, &a.len) < 0)
        return -1;
    *out = a;
    return 0;
}

void
addr_from_sockaddr(struct addr *out, const struct sockaddr *sa, socklen_t len)
{
    if (len > sizeof(out->storage))
        len = sizeof(out->storage);
    *out = (struct addr){.len = len};
    memcpy(&out->storage, sa, len);
}

/* inet_ntop goes through snprintf, and each request's record holds a client. */
static size_t
format_ipv4(char *to, const uint8_t *bytes)
{
    char *p = to;

    for (int i = 0; i < 4; i++) {
        uint8_t n = bytes[i];

        if (i > 0)
            *p++ = '.';
        if (n >= 100)
            *p++ = (char)('0' + n / 100);
        if (n >= 10)
            *p++ = (char)('0' + n / 10 % 10);
        *p++ = (char)('0' + n % 10);
    }
    *p = '\0';
    return (size_t)(p - to);
}

static const char *
format_unix(const struct addr *a, char *text, size_t size)
{
    struct str path = unix_path(a);

    if (path.len > 0 && path.p[0] == '\0')
        snprintf(text, size, "unix:@%.*s", (int)path.len - 1, path.p + 1);
    else
        snprintf(text, size, "unix:" STR_FMT, STR_ARG(path));
    return text;
}

const char *
addr_format_host(const struct addr *a, char *text, size_t size)
{
    char host[HOST_TEXT_MAX];
    size_t len;
    const uint8_t *bytes = host_bytes(a, &len);

    if (len == 4)
        format_ipv4(host, bytes);
    else if (len == 0 || inet_ntop(AF_INET6, bytes, host, sizeof(host)) == NULL)
        snprintf(host, sizeof(host), "%s", is_unix(a) ? "unix:" : "-");
    len = strlen(host) + 1;
    if (len > size)
        len = size;
    if (len == 0)
        return text;
    memcpy(text, host, len);
    text[len - 1] = '\0';
    return text;
}

const char *
addr_format(const struct addr *a, char *text, size_t size)
{
    char host[HOST_TEXT_MAX];
    size_t len;

    host_bytes(a, &len);
    if (len == 0 && is_unix(a))
        return format_unix(a, text, size);
    addr_format_host(a, host, sizeof(host));
    if (len == 0)
        snprintf(text, size, "%s", host);
    else
        snprintf(text, size, len == 16 ? "[%s]:%u" : "%s:%u", host,
                 (unsigned)addr_port(a));
    return text;
}

uint16_t
addr_port(const struct addr *a)
{
    if (a->len > 0 && a->sa.sa_family == AF_INET)
        return ntohs(a->in.sin_port);
    if (a->len > 0 && a->sa.sa_family == AF_INET6)
        return ntohs(a->in6.sin6_port);
    return 0;
}

void
addr_set_port(struct addr *a, uint16_t port)
{
    if (a->sa.sa_family == AF_INET)
        a->in.sin_port = htons(port);
    else if (a->sa.sa_family == AF_INET6)
        a->in6.sin6_port = htons(port);
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
    if (is_unix(a) && is_unix(b))
        return str_equal(unix_path(a), unix_path(b));
    return addr_equal_host(a, b) && addr_port(a) == addr_port(b);
}

bool
addr_equal_host(const struct addr *a, const struct addr *b)
{
    size_t a_len;
    size_t b_len;
    const uint8_t *a_bytes = host_bytes(a, &a_len);
    const uint8_t *b_bytes = host_bytes(b, &b_len);

    if (a_len != b_len)
        return false;
    if (a_len == 0)
        return is_unix(a) == is_unix(b);
    return memcmp(a_bytes, b_bytes, a_len) == 0;
}

bool
addr_fold(uint32_t *out, const struct addr *a)
{
    size_t len;
    const uint8_t *bytes = host_bytes(a, &len);
    uint32_t number = 0;

    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i += 4)
        number ^= wire_get_u32be(bytes + i);
    *out = number;
    return true;
}

bool
addr_is_loopback(const struct addr *a)
{
    size_t len;
    const uint8_t *bytes = host_bytes(a, &len);

    if (len == 4)
        return bytes[0] == 127;
    if (len == 16)
        return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
    return is_unix(a);
}

/* Do the first BITS bits of both agree? */
static bool
same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool
has_bits_behind(const uint8_t *bytes, size_t len, unsigned bits)
{
    unsigned at = bits / 8;

    if (at < len && (uint8_t)(bytes[at] << bits % 8) != 0)
        return true;
    for (size_t i = at + 1; i < len; i++) {
        if (bytes[i] != 0)
            return true;
    }
    return false;
}

int
cidr_parse(struct cidr *out, const char *text, const char **why)
{
    const char *slash = strchr(text, '/');
    struct str host = str_from(text);
    char copy[HOST_TEXT_MAX];
    struct addr a;
    struct cidr c = {0};
    size_t len;
    uint64_t bits;

    if (str_equal(host, STR("unix:"))) {
        *out = (struct cidr){.family = AF_UNIX};
        return 0;
    }
    if (slash != NULL)
        host.len = (size_t)(slash - text);
    if (host.len >= sizeof(copy))
        return refuse(why, "not a numeric address");
    memcpy(copy, host.p, host.len);
    copy[host.len] = '\0';
    if (addr_parse_host(&a, copy, 0) < 0)
        return refuse(why, "not a numeric address");

    host_bytes(&a, &len);
    if (len == 4 && a.sa.sa_family == AF_INET6)
        return refuse(why, "an IPv4 network is written as 192.0.2.0/24");
    bits = len * 8;
    if (slash != NULL && str_to_uint(&bits, str_from(slash + 1), len * 8) < 0)
        return refuse(why, "a prefix is a number from 0 to 32 (IPv6: 128)");
    memcpy(c.bytes, host_bytes(&a, &len), len);
    if (has_bits_behind(c.bytes, len, (unsigned)bits))
        return refuse(why, "the address has bits set behind the prefix");
    c.family = a.sa.sa_family;
    c.bits = (uint8_t)bits;
    *out = c;
    return 0;
}

bool
cidr_contains(const struct cidr *c, const struct addr *a)
{
    size_t len;
    const uint8_t *bytes = host_bytes(a, &len);

    if (c->family == AF_UNIX)
        return is_unix(a);
    if (len != (c->family == AF_INET ? 4 : 16))
        return false;
    return same_prefix(c->bytes, bytes, c->bits);
}

bool
cidr_any_contains(const struct cidr *c, size_t count, const struct addr *a)
{
    for (size_t i = 0; i < count; i++) {
        if (cidr_contains(&c[i], a))
            return true;
    }
    return false;
}
