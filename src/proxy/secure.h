/* SPDX-License-Identifier: MIT */
/*
 * What the configuration says of TLS, made live: whom connections to a server
 * trust, and who this program is to its clients (net/tls.h).
 */
#ifndef PROXY_SECURE_H
#define PROXY_SECURE_H

#include "config/model.h"

struct faults;
struct tls_client;
struct tls_server;

/* NULL where there is none to be; or it cannot be made, which is a fault then.
 * The caller has the reference. */
struct tls_client *
secure_server(const struct server_conf *server, struct faults *faults);
struct tls_server *
secure_listen(const struct listen_conf *listen, struct faults *faults);

/* What SERVER is to prove: a name or an address, as net/tls.h has it; "" for
 * none. */
const char *secure_name(const struct server_conf *server);

#endif
