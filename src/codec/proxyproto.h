/* SPDX-License-Identifier: MIT */
/*
 * The header of the PROXY protocol (haproxy.org, doc/proxy-protocol.txt), by
 * which a proxy tells a server whom a connection is for. It is written only,
 * and goes before all other bytes of the connection.
 *
 *     v1   PROXY TCP4 192.0.2.7 198.51.100.1 40000 3306\r\n
 *     v2   12 bytes of signature | command | family | length | addresses
 *
 * A connection that is the proxy's own, such as a health check's, is LOCAL (v2)
 * or UNKNOWN (v1): the server takes the connection's real ends. So is one whose
 * ends are no IP addresses, which the header has no common form for.
 */
#ifndef CODEC_PROXYPROTO_H
#define CODEC_PROXYPROTO_H

#include "base/addr.h"
#include "base/buf.h"

enum {
    PROXYPROTO_MAX = 108, /* bytes of any header, and a NUL */
};

enum proxyproto_version {
    PROXYPROTO_V1 = 1, /* one line of text */
    PROXYPROTO_V2 = 2, /* binary */
};

/* Appends the header of a connection that came FROM a client TO an address of
 * ours. Where only one of them is an IPv4 address, it is written as IPv6. */
void proxyproto_write(struct buf *out, enum proxyproto_version version,
                      const struct addr *from, const struct addr *to);

/* Appends the header of a connection that is our own. */
void proxyproto_write_local(struct buf *out, enum proxyproto_version version);

#endif
