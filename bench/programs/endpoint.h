/* SPDX-License-Identifier: MIT */
/*
 * What the programs of the benchmark share: sockets on loopback, and bytes that
 * a socket does not take at once.  All sockets are non-blocking.
 */
#ifndef PROGRAMS_ENDPOINT_H
#define PROGRAMS_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ENDPOINT_FDS_MAX = 65536, /* descriptors above are refused */
    ENDPOINT_EVENTS = 256,    /* of one turn of a loop */
};

/* Bytes that still have to be sent; all zero is empty. */
struct held {
    char *bytes; /* what was kept */
    size_t room; /* of BYTES */
    size_t len;  /* of what was kept */
    size_t sent; /* of those LEN */
};

/* Says WHAT failed and why, and ends the program. */
_Noreturn void endpoint_fail(const char *what);

/* Reads a number from MIN to MAX, or ends the program naming WHAT. */
long endpoint_number(const char *text, long min, long max, const char *what);

/* Listens on PORT, adds the socket to POLL_FD and returns it. */
int endpoint_listen(int poll_fd, uint16_t port);

/* Accepts one client, or returns -1 when none waits. */
int endpoint_accept(int listen_fd);

/*
 * Begins to connect to PORT from 127.0.0.SOURCE.  Several sources let more
 * connections wait out their end than one address has ports.
 */
int endpoint_connect(uint16_t port, unsigned source);

/* Adds FD to POLL_FD for all that can happen, edge-triggered. */
void endpoint_watch(int poll_fd, int fd);

/* Whether the last call failed for want of readiness only. */
bool endpoint_must_wait(void);

/* Sends N bytes at P, and keeps what FD does not take; -1: FD is broken. */
int held_send(struct held *h, int fd, const void *p, size_t n);

/* Sends what was kept, as far as FD takes it; -1: FD is broken. */
int held_flush(struct held *h, int fd);

/* Whether something is still kept. */
bool held_waits(const struct held *h);

/* Forgets what was kept. */
void held_drop(struct held *h);

#endif
