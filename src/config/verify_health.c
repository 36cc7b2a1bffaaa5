/* SPDX-License-Identifier: MIT */
/* Whether an upstream's ways to know its servers' health go together. */
#include "config/verify_health.h"

#include "config/value.h"

/* Where a key of BLOCK is written; the section's own line without it. */
static struct config_at
place_of_key(const struct block *block, const char *name)
{
    const struct entry *entry =
        block_find(block, keys_find(block->kind, str_from(name)));

    return entry != NULL ? entry->at : block->at;
}

/* Is the protocol as it is written, or not written? Where it is at fault, what
 * would follow from it is not said. */
static bool
is_protocol_known(const struct document *doc, const struct block *block)
{
    const struct key *key = keys_find(KEY_UPSTREAM, STR("protocol"));
    const struct entry *entry = block_find(block, key);

    return entry == NULL ||
           value_find_word(key->words,
                           value_unquote(doc->arena, entry->value)) >= 0;
}

/* The kinds of check that servers of a protocol can pass, as a text, if KIND is
 * none of them; NULL if it is. */
static const char *
find_other_checks(enum protocol protocol, enum check_kind kind)
{
    switch (kind) {
    case CHECK_OFF:
    case CHECK_TCP:
    case CHECK_LUA:
        return NULL;
    case CHECK_HTTP:
        if (protocol == PROTOCOL_TCP)
            return NULL;
        break;
    case CHECK_FASTCGI:
        if (protocol == PROTOCOL_FASTCGI)
            return NULL;
        break;
    case CHECK_MYSQL:
    case CHECK_GALERA:
        if (protocol != PROTOCOL_FASTCGI)
            return NULL;
        break;
    }
    switch (protocol) {
    case PROTOCOL_FASTCGI:
        return "fastcgi, tcp or lua";
    case PROTOCOL_TCP:
        return "tcp, http, mysql, galera or lua";
    case PROTOCOL_MYSQL:
        return "mysql, galera or lua";
    }
    return NULL;
}

static void
verify_check(struct faults *faults, const struct upstream_conf *upstream)
{
    static const char *const kinds[] = {"off",   "tcp",    "http", "fastcgi",
                                        "mysql", "galera", "lua"};
    static const char *const protocols[] = {"fastcgi", "tcp", "mysql"};
    const struct check_conf *check = &upstream->check;
    const char *others = find_other_checks(upstream->protocol, check->kind);

    if (others != NULL)
        faults_add_at(faults, check->at,
                      "check: servers of protocol = %s do not pass a check of "
                      "%s: write %s",
                      protocols[upstream->protocol], kinds[check->kind],
                      others);
}

static void
verify_observe(struct faults *faults, const struct upstream_conf *upstream,
               bool protocol_is_known)
{
    const struct observe_conf *observe = &upstream->observe;

    if (observe->errors == 0)
        return;
    if (upstream->check.kind == CHECK_OFF && upstream->check.at.line != 0)
        faults_add_at(faults, observe->at,
                      "observe: without a check no server would come back: add "
                      "check = tcp or another kind");
    if (observe->on_5xx && protocol_is_known &&
        upstream->protocol != PROTOCOL_FASTCGI)
        faults_add_at(faults, observe->at,
                      "observe: on=5xx is for protocol = fastcgi");
}

void
verify_health(const struct upstream_conf *upstream, const struct block *block,
              const struct document *doc)
{
    bool known = is_protocol_known(doc, block);

    verify_observe(doc->faults, upstream, known);
    if (!known)
        return;
    verify_check(doc->faults, upstream);
    if (upstream->send_proxy != SEND_PROXY_OFF &&
        upstream->protocol == PROTOCOL_FASTCGI)
        faults_add_at(doc->faults, place_of_key(block, "send_proxy"),
                      "send_proxy: it is for protocol = tcp or mysql: php-fpm "
                      "cannot read a PROXY header");
    if (upstream->rebalance > 0 && upstream->protocol == PROTOCOL_FASTCGI)
        faults_add_at(doc->faults, place_of_key(block, "rebalance"),
                      "rebalance: it is for protocol = mysql: requests to "
                      "php-fpm are no sessions");
}

/* Do its servers speak MySQL, whatever its protocol? */
static bool
serves_mysql(const struct config *config, const struct upstream_conf *upstream)
{
    if (upstream->protocol == PROTOCOL_MYSQL)
        return true;
    for (size_t i = 0; i < config->section_count; i++)
        if (config->sections[i].kind == SECTION_MYSQL &&
            config->sections[i].upstream == upstream)
            return true;
    return false;
}

/* A server that hangs is found out by timeouts, one after the other. */
static void
warn_of_timeout(struct faults *faults, const struct check_conf *check)
{
    uint64_t wanted_ms = (uint64_t)check->interval_ms * check->fall;
    uint64_t real_ms = (uint64_t)check->timeout_ms * check->fall;
    char wanted[32];
    char real[32];
    char timeout[32];

    if (check->timeout_ms <= wanted_ms)
        return;
    faults_warn_at(
        faults, check->at,
        "check: timeout=%s is longer than interval x fall, which is %s: a "
        "server that hangs is taken down after %s: a timeout below the "
        "interval is usual",
        value_format_duration(check->timeout_ms, timeout, sizeof(timeout)),
        value_format_duration(wanted_ms, wanted, sizeof(wanted)),
        value_format_duration(real_ms, real, sizeof(real)));
}

void
verify_health_warn(const struct config *config, struct faults *faults)
{
    for (size_t i = 0; i < config->upstream_count; i++) {
        const struct upstream_conf *upstream = &config->upstreams[i];
        const struct check_conf *check = &upstream->check;

        if (check->kind == CHECK_OFF)
            continue;
        if (check->kind == CHECK_TCP && serves_mysql(config, upstream))
            faults_warn_at(faults, check->at,
                           "check: a MySQL server counts a tcp check as a "
                           "connection that failed, and at last blocks this "
                           "host (max_connect_errors): write check = mysql "
                           "user=U or check = galera user=U");
        warn_of_timeout(faults, check);
    }
}
