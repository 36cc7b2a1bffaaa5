/* SPDX-License-Identifier: MIT */
/* The questions that a configuration answers. */
#include "config/model.h"

const struct upstream_conf *
config_find_upstream(const struct config *config, struct str name)
{
    for (size_t i = 0; i < config->upstream_count; i++)
        if (str_equal(config->upstreams[i].name, name))
            return &config->upstreams[i];
    return NULL;
}

const struct section_conf *
config_find_section(const struct config *config, enum section_kind kind,
                    struct str name)
{
    for (size_t i = 0; i < config->section_count; i++)
        if (config->sections[i].kind == kind &&
            str_equal(config->sections[i].name, name))
            return &config->sections[i];
    return NULL;
}

const struct stats_conf *
config_find_stats(const struct config *config, struct str name)
{
    for (size_t i = 0; i < config->stats_count; i++) {
        if (str_equal(config->stats[i].name, name))
            return &config->stats[i];
    }
    return NULL;
}

const struct listen_conf *
stats_conf_find_listen(const struct stats_conf *stats, struct str text)
{
    for (size_t i = 0; stats != NULL && i < stats->listen_count; i++) {
        if (str_equal(stats->listens[i].address.text, text))
            return &stats->listens[i];
    }
    return NULL;
}

const struct server_conf *
upstream_conf_find_server(const struct upstream_conf *upstream, struct str name)
{
    for (size_t i = 0; i < upstream->server_count; i++)
        if (str_equal(upstream->servers[i].name, name))
            return &upstream->servers[i];
    return NULL;
}

void
limits_merge(struct limits_conf *out, const struct section_conf *section,
             const struct upstream_conf *upstream)
{
    const struct limits_conf *u = &upstream->limits;
    struct limits_conf merged = section->limits;

    if (u->given & LIMITS_CONNECT_TIMEOUT)
        merged.connect_timeout_ms = u->connect_timeout_ms;
    if (u->given & LIMITS_CLIENT_TIMEOUT)
        merged.client_timeout_ms = u->client_timeout_ms;
    if (u->given & LIMITS_SERVER_TIMEOUT)
        merged.server_timeout_ms = u->server_timeout_ms;
    if (u->given & LIMITS_KEEPALIVE_TIMEOUT)
        merged.keepalive_timeout_ms = u->keepalive_timeout_ms;
    if (u->given & LIMITS_HEADER_TIMEOUT)
        merged.header_timeout_ms = u->header_timeout_ms;
    if (u->given & LIMITS_QUEUE_TIMEOUT)
        merged.queue_timeout_ms = u->queue_timeout_ms;
    if (u->given & LIMITS_RETRIES)
        merged.retries = u->retries;
    if (u->given & LIMITS_RETRY_ON)
        merged.retry_on = u->retry_on;
    if (u->given & LIMITS_TCP_KEEPALIVE)
        merged.tcp_keepalive = u->tcp_keepalive;
    merged.given |= u->given;
    *out = merged;
}

const char *
section_kind_name(enum section_kind kind)
{
    switch (kind) {
    case SECTION_HTTP:
        return "http";
    case SECTION_TCP:
        return "tcp";
    case SECTION_MYSQL:
        return "mysql";
    }
    return "?";
}
