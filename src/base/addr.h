/* SPDX-License-Identifier: MIT */
/*
 * Addresses of sockets (IPv4, IPv6, Unix) and networks of them, read from and
 * written as text.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    ADDR_TEXT_MAX = 128, /* holds any address as addr_format writes it */
};

struct addr {
    socklen_t len; /* what bind and connect take; 0: no address */
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    };
};

struct cidr {
    sa_family_t family; /* AF_INET, AF_INET6, or AF_UNIX: any Unix socket */
    uint8_t bits;       /* leading bits that count */
    uint8_t bytes[16];  /* the network, in wire order */
};

/* Reads "1.2.3.4:80", "[::1]:80", "*:80" (0.0.0.0) or "unix:/path". Names are
 * not looked up. Ports are 0 to 65535 (0: the kernel chooses). -1 otherwise,
 * and *WHY says what is wrong with the text; WHY may be NULL. */
int addr_parse(struct addr *out, const char *text, const char **why)
    __attribute__((warn_unused_result));

/* Reads a host without a port: "1.2.3.4" or "::1", brackets allowed. */
int addr_parse_host(struct addr *out, const char *text, uint16_t port)
    __attribute__((warn_unused_result));

/* Looks HOST up and waits for the answer: for start-up and `check` only. Fills
 * at most MAX addresses at OUT, each once, and returns how many; -1 with *WHY.
 */
int
addr_resolve(struct addr *out, unsigned max, const char *host, uint16_t port,
             const char **why) __attribute__((warn_unused_result));

/* The address of a socket's own end; -1 with errno. */
int addr_of_socket(struct addr *out, int fd);

/* The address of its other end; -1 with errno. */
int addr_of_peer(struct addr *out, int fd);

/* Copies an address as accept and recvfrom give it; LEN is cut to the room. */
void
addr_from_sockaddr(struct addr *out, const struct sockaddr *sa, socklen_t len);

/* Writes "1.2.3.4:80", "[::1]:80" or "unix:/path", NUL-terminated and cut to
 * SIZE (ADDR_TEXT_MAX fits all); returns TEXT. IPv4 in IPv6 is written as IPv4.
 */
const char *addr_format(const struct addr *a, char *text, size_t size);

/* The same without port and brackets; "unix:" for a Unix socket's peer. */
const char *addr_format_host(const struct addr *a, char *text, size_t size);

/* The port in host order; 0 for a Unix socket. */
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);

/* The same family, host and port (or path)? */
bool addr_equal(const struct addr *a, const struct addr *b);

/* The same host, whatever the port? IPv4 in IPv6 equals the IPv4 address. */
bool addr_equal_host(const struct addr *a, const struct addr *b);

/* The host as a number of 32 bits: an IPv4 address as it stands, the four words
 * of an IPv6 address by exclusive or. False where there is no host. */
bool addr_fold(uint32_t *out, const struct addr *a);

/* Does only this machine reach it? 127/8, ::1, Unix sockets. */
bool addr_is_loopback(const struct addr *a);

/* Reads "10.0.0.0/8", "::1", "192.0.2.7" or "unix:"; refuses bits set behind
 * the prefix. -1 with *WHY; WHY may be NULL. */
int cidr_parse(struct cidr *out, const char *text, const char **why)
    __attribute__((warn_unused_result));

/* Is the host of A in the network? IPv4 in IPv6 counts as IPv4; a Unix socket
 * is in "unix:" alone. */
bool cidr_contains(const struct cidr *c, const struct addr *a);

/* Is it in one of COUNT networks? */
bool
cidr_any_contains(const struct cidr *c, size_t count, const struct addr *a);

#endif
