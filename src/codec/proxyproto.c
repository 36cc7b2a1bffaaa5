/* SPDX-License-Identifier: MIT */
#include "codec/proxyproto.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/wire.h"

enum {
    COMMAND_LOCAL = 0x20, /* version 2 in the upper half */
    COMMAND_PROXY = 0x21,
    FAMILY_UNSPEC = 0x00,
    FAMILY_TCP4 = 0x11,
    FAMILY_TCP6 = 0x21,
    V4_LEN = 4,
    V6_LEN = 16,
    MAPPED_LEN = V6_LEN - V4_LEN,
};

static const char SIGNATURE[] = "\r\n\r\n\0\r\nQUIT\n";

static const uint8_t MAPPED[MAPPED_LEN] = {[10] = 0xff, [11] = 0xff};

/* A host, always as IPv6. */
struct end {
    uint8_t host[V6_LEN];
    uint16_t port;
};

static bool
end_of(struct end *out, const struct addr *addr)
{
    if (addr->len == 0)
        return false;
    out->port = addr_port(addr);
    switch (addr->sa.sa_family) {
    case AF_INET:
        memcpy(out->host, MAPPED, MAPPED_LEN);
        memcpy(out->host + MAPPED_LEN, &addr->in.sin_addr, V4_LEN);
        return true;
    case AF_INET6:
        memcpy(out->host, &addr->in6.sin6_addr, V6_LEN);
        return true;
    default:
        return false;
    }
}

static bool
is_v4(const struct end *end)
{
    return memcmp(end->host, MAPPED, MAPPED_LEN) == 0;
}

static const char *
format_host(const struct end *end, bool v4, char text[INET6_ADDRSTRLEN])
{
    const uint8_t *host = v4 ? end->host + MAPPED_LEN : end->host;

    return inet_ntop(v4 ? AF_INET : AF_INET6, host, text, INET6_ADDRSTRLEN);
}

static void
write_v1(struct buf *out, const struct end *from, const struct end *to, bool v4)
{
    char from_text[INET6_ADDRSTRLEN];
    char to_text[INET6_ADDRSTRLEN];

    buf_printf(out, "PROXY %s %s %s %u %u\r\n", v4 ? "TCP4" : "TCP6",
               format_host(from, v4, from_text), format_host(to, v4, to_text),
               from->port, to->port);
}

static void
write_v2_head(struct buf *out, uint8_t command, uint8_t family, size_t len)
{
    uint8_t rest[4] = {command, family};

    wire_put_u16be(rest + 2, (uint16_t)len);
    buf_add(out, SIGNATURE, sizeof(SIGNATURE) - 1);
    buf_add(out, rest, sizeof(rest));
}

static void
write_v2(struct buf *out, const struct end *from, const struct end *to, bool v4)
{
    size_t skip = v4 ? MAPPED_LEN : 0;
    size_t host_len = V6_LEN - skip;
    uint8_t ports[4];

    wire_put_u16be(ports, from->port);
    wire_put_u16be(ports + 2, to->port);
    write_v2_head(out, COMMAND_PROXY, v4 ? FAMILY_TCP4 : FAMILY_TCP6,
                  2 * host_len + sizeof(ports));
    buf_add(out, from->host + skip, host_len);
    buf_add(out, to->host + skip, host_len);
    buf_add(out, ports, sizeof(ports));
}

void
proxyproto_write(struct buf *out, enum proxyproto_version version,
                 const struct addr *from, const struct addr *to)
{
    struct end ends[2];
    bool v4;

    if (!end_of(&ends[0], from) || !end_of(&ends[1], to)) {
        proxyproto_write_local(out, version);
        return;
    }
    v4 = is_v4(&ends[0]) && is_v4(&ends[1]);
    switch (version) {
    case PROXYPROTO_V1:
        write_v1(out, &ends[0], &ends[1], v4);
        break;
    case PROXYPROTO_V2:
        write_v2(out, &ends[0], &ends[1], v4);
        break;
    }
}

void
proxyproto_write_local(struct buf *out, enum proxyproto_version version)
{
    switch (version) {
    case PROXYPROTO_V1:
        buf_str(out, STR("PROXY UNKNOWN\r\n"));
        break;
    case PROXYPROTO_V2:
        write_v2_head(out, COMMAND_LOCAL, FAMILY_UNSPEC, 0);
        break;
    }
}
