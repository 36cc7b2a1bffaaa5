/* SPDX-License-Identifier: MIT */
/*
 * The header of the PROXY protocol (haproxy.org, doc/proxy-protocol.txt), by
 * which a proxy tells a server whom a connection is for. It goes before all
 * other bytes of the connection.
 *
 *     v1   PROXY TCP4 192.0.2.7 198.51.100.1 40000 3306\r\n
 *     v2   12 bytes of signature | command | family | length | addresses | TLVs
 *
 * A connection that is the proxy's own, such as a health check's, is LOCAL (v2)
 * or UNKNOWN (v1): the server takes the connection's real ends. So is one whose
 * ends are no IP addresses, which the header has no common form for.
 *
 * Refused when read: anything else at the beginning of a connection; in a line,
 * other blanks than those of the form, addresses and ports that are not written
 * in the canonical form, and a line end without CR; in binary, what section 2.2
 * leaves unspecified, a length that has no room for the addresses, TLVs that do
 * not fill the rest exactly, and a checksum that is not theirs.
 */
#ifndef CODEC_PROXYPROTO_H
#define CODEC_PROXYPROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/buf.h"

enum {
    PROXYPROTO_MAX = 108,       /* bytes of any header that is written here,
                                   and a NUL */
    PROXYPROTO_LINE_MAX = 107,  /* bytes of a header of version 1 (2.1) */
    PROXYPROTO_READ_MAX = 4096, /* bytes of one of version 2, TLVs included */
};

enum proxyproto_error {
    PROXYPROTO_ERROR_ABSENT = -1,   /* it does not begin as a header does */
    PROXYPROTO_ERROR_LONG = -2,     /* over one of the limits above */
    PROXYPROTO_ERROR_LINE = -3,     /* version 1: not of the form */
    PROXYPROTO_ERROR_ADDRESS = -4,  /* version 1: an address or a port */
    PROXYPROTO_ERROR_COMMAND = -5,  /* version 2: not one of it, or unknown */
    PROXYPROTO_ERROR_FAMILY = -6,   /* version 2: unspecified */
    PROXYPROTO_ERROR_LENGTH = -7,   /* version 2: shorter than the addresses */
    PROXYPROTO_ERROR_TLV = -8,      /* version 2: beyond the end */
    PROXYPROTO_ERROR_CHECKSUM = -9, /* version 2: another than is said */
};

enum proxyproto_version {
    PROXYPROTO_V1 = 1, /* one line of text */
    PROXYPROTO_V2 = 2, /* binary */
};

/* What a header says. */
struct proxyproto {
    bool has_ends;    /* false: the connection's real ends are meant */
    struct addr from; /* the client */
    struct addr to;   /* what it connected to */
};

/* Reads a header from N bytes. Returns the bytes taken, 0 for not enough yet
 * (N is below PROXYPROTO_READ_MAX then), or a proxyproto_error. *OUT is set
 * only when bytes are taken. Addresses of TCP and UDP are taken, those of Unix
 * sockets are skipped, and so is what LOCAL has with it. */
ssize_t proxyproto_read(struct proxyproto *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* What is wrong, in words for a log; never NULL. */
const char *proxyproto_error_text(enum proxyproto_error error);

/* Appends the header of a connection that came FROM a client TO an address of
 * ours. Where only one of them is an IPv4 address, it is written as IPv6. */
void proxyproto_write(struct buf *out, enum proxyproto_version version,
                      const struct addr *from, const struct addr *to);

/* Appends the header of a connection that is our own. */
void proxyproto_write_local(struct buf *out, enum proxyproto_version version);

#endif
