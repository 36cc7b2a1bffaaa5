/* SPDX-License-Identifier: MIT */
/*
 * The certificate authorities of the system: a file of all of them, or a folder
 * by their hashes, where OpenSSL, $SSL_CERT_FILE or $SSL_CERT_DIR say.
 *
 *     master, outside ─ trust_keep_system ─▶ children, confined ─ trust_system
 */
#ifndef NET_TRUST_H
#define NET_TRUST_H

#include "base/mem.h"

struct ssl_ctx_st;

/* Reads all of them now, for this process and those that are forked: in a
 * folder that these are confined to (chroot) there are none to be seen. Before
 * anything is served: without memory for it the process ends. */
void trust_keep_system(void);

/* Connections of CONTEXT trust those that were kept, or else those that are
 * there. -1: they cannot be read. */
int trust_system(struct ssl_ctx_st *context) MUST_CHECK;

#endif
