/* SPDX-License-Identifier: MIT */
/*
 * A section that serves: [http], [tcp] or [mysql], made live.  What the three
 * have in common is here; struct http_section begins with it.
 */
#ifndef PROXY_SECTION_H
#define PROXY_SECTION_H

#include <stdbool.h>

#include "config/model.h"
#include "proxy/hook.h"

enum {
    SECTION_ROW_NAME = 64, /* room for a row's name: the kind and 32 bytes */
};

struct listener;
struct runtime;
struct upstream;

/* A client that has come to a section. */
struct section_client {
    int fd;                  /* the accepted socket: the callee's */
    const struct addr *addr; /* who connected, or whom its PROXY header names */
    struct addr *here;       /* what it connected to by that header, on the
                                heap: the callee's; NULL: the listener */
    const char *flags;       /* HAProxy's, of one that is to be closed before
                                any hook sees it; NULL: it is let in */
    const char *reason;      /* why, in words */
    bool full;               /* because the section has its max_connections:
                                the client is told */
};

/* CLIENT is to be told that there is no room for it. */
void section_client_full(struct section_client *client);

/* Takes over what CLIENT says. */
typedef void (*section_accept_fn)(struct listener *listener,
                                  const struct section_client *client);

struct section {
    struct runtime *runtime;
    const struct section_conf *conf;
    int row;                     /* on the board */
    uint64_t records;            /* that were up for a sample; log_sample.h */
    struct upstream *upstream;   /* tcp and mysql: the default one */
    struct section_hooks *hooks; /* held; section_no_hooks: none */
    section_accept_fn on_client; /* who serves it (serve.c) */
};

/* What the board calls the section: "http NAME"; written into TEXT, of
 * SECTION_ROW_NAME bytes. */
struct str section_row_name(char *text, const struct section_conf *conf);

#endif
