/* SPDX-License-Identifier: MIT */
/*
 * check = mysql: HAProxy's mysql-check with a user. The server greets, takes
 * the login, and is left in order.
 */
#include "proxy/check.h"

#include "proxy/mysql_client.h"
#include "proxy/secure.h"

static void
go_on(struct checker *c, struct mysql_client *client,
      enum mysql_outcome outcome)
{
    if (client->greeted)
        c->facts = &client->facts;
    switch (outcome) {
    case MYSQL_OUTCOME_WAIT:
        break;
    case MYSQL_OUTCOME_DONE:
        mysql_client_quit(client);
        checker_end(c, CHECK_STATUS_L7OK, "%s", client->version);
        break;
    case MYSQL_OUTCOME_REFUSED:
        c->verdict.at_once = client->number == MYSQL_NOT_PREPARED;
        checker_end(c, CHECK_STATUS_L7STS, "%s", client->reason);
        break;
    case MYSQL_OUTCOME_BROKEN:
        checker_end(c, CHECK_STATUS_L7RSP, "%s", client->reason);
        break;
    }
}

static void
on_connected(struct checker *c)
{
    const struct mysql_client_conf conf = {
        .user = c->upstream->check.user,
        .password = c->upstream->check.password,
        .tls = c->tls,
        .tls_name = secure_name(c->server),
    };

    mysql_client_begin(c->state, &c->stream, &conf);
}

static void
on_ready(struct checker *c)
{
    go_on(c, c->state, mysql_client_step(c->state));
}

const struct check_kind_ops check_mysql = {
    .size = sizeof(struct mysql_client),
    .connected = on_connected,
    .ready = on_ready,
};
