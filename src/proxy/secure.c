/* SPDX-License-Identifier: MIT */
#include "proxy/secure.h"

#include "config/faults.h"
#include "net/tls.h"

struct tls_client *
secure_server(const struct server_conf *server, struct faults *faults)
{
    const struct server_tls_conf *conf = &server->tls;
    struct tls_client *client;
    const char *why;

    if (!conf->on)
        return NULL;
    client =
        tls_client_new(conf->verify != TLS_VERIFY_OFF, conf->ca.text, &why);
    if (client != NULL)
        return client;
    if (conf->verify == TLS_VERIFY_CA)
        faults_add_at(faults, server->at,
                      "server " STR_FMT ": verify=" STR_FMT ": %s",
                      STR_ARG(server->name), STR_ARG(conf->ca.path), why);
    else
        faults_add_at(faults, server->at, "server " STR_FMT ": tls: %s",
                      STR_ARG(server->name), why);
    return NULL;
}

struct tls_server *
secure_listen(const struct listen_conf *listen, struct faults *faults)
{
    const struct listen_tls_conf *conf = &listen->tls;
    struct tls_server *server;
    const char *why;

    if (!conf->on)
        return NULL;
    server = tls_server_new(conf->certificate.text, conf->key.text, &why);
    if (server == NULL) {
        faults_add_at(faults, listen->at,
                      "listen: certificate=" STR_FMT " key=" STR_FMT ": %s",
                      STR_ARG(conf->certificate.path), STR_ARG(conf->key.path),
                      why);
        return NULL;
    }
    why = tls_server_doubt(server);
    if (why != NULL)
        faults_warn_at(faults, listen->at, "listen: certificate=" STR_FMT " %s",
                       STR_ARG(conf->certificate.path), why);
    return server;
}

const char *
secure_name(const struct server_conf *server)
{
    if (server->tls.name.p != NULL)
        return server->tls.name.p;
    return server->address.is_unix ? "" : server->address.host.p;
}
