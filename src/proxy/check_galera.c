/* SPDX-License-Identifier: MIT */
/*
 * check = galera: on one kept connection a node, its own word on whether it
 * should serve, and its view of the cluster beside those of the others.
 *
 *      start ─▶ kept? ─▶ SHOW STATUS ─▶ SHOW VARIABLES ─▶ judge
 *                │ ▲           │
 *                ▼ │           └── it had ended meanwhile ──┐
 *              connect, login ◀─────────────────────────────┘
 */
#include "proxy/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "proxy/galera_group.h"
#include "proxy/mysql_client.h"
#include "proxy/secure.h"

enum {
    QUEUE_HALF = 64, /* write sets to apply that halve a weight */
    STEPS = 8,       /* of a share; the smallest is one of them */
};

struct check_galera_state {
    struct mysql_client client;
    struct galera_node node;
    struct galera_group *group;
    bool reused;        /* the connection is older than this check */
    bool at_variables;  /* the second query is under way */
    bool judged;        /* in this check */
    double share;       /* the last one; 0: none yet */
    uint64_t paused_ns; /* the counter of the last check */
    uint64_t paused_us; /* when it was read; 0: never */
};

static size_t
index_of(const struct checker *c)
{
    return (size_t)(c->server - c->upstream->servers);
}

/* --- the weight ----------------------------------------------------------- */

/* The part of the time since the last check in which flow control had stopped
 * the cluster. */
static double
paused_part(struct check_galera_state *state)
{
    uint64_t now_us = clock_us();
    uint64_t paused_ns = galera_node_number(&state->node, GALERA_PAUSED);
    double part = 0;

    /* A counter that went back belongs to a server that was started anew. */
    if (state->paused_us != 0 && now_us > state->paused_us &&
        paused_ns > state->paused_ns)
        part = (double)(paused_ns - state->paused_ns) / 1000 /
               (double)(now_us - state->paused_us);
    state->paused_ns = paused_ns;
    state->paused_us = now_us;
    return part < 1 ? part : 1;
}

/* How much of its weight a node that lags should get. It moves in steps, and
 * not before it is most of a step off, so that it does not flap. */
static double
share_of(struct check_galera_state *state)
{
    double queue = (double)galera_node_number(&state->node, GALERA_QUEUE);
    double share = (1 - paused_part(state)) / (1 + queue / QUEUE_HALF);

    if (state->share > 0 && fabs(share - state->share) < 0.75 / STEPS)
        return state->share;
    state->share = fmax(1, round(share * STEPS)) / STEPS;
    return state->share;
}

/* --- the verdict ---------------------------------------------------------- */

static void
judge(struct checker *c)
{
    struct check_galera_state *state = c->state;
    const struct check_conf *conf = &c->upstream->check;
    size_t server = index_of(c);
    char words[BOARD_WORDS_MAX + 1];
    enum galera_fitness fitness;

    state->judged = c->keep = true;
    if (conf->lag_weight)
        c->verdict.share = share_of(state);
    if (galera_node_is_primary(&state->node))
        galera_group_note(state->group, server, &state->node, clock_ms());
    else
        galera_group_forget(state->group, server);

    fitness =
        galera_node_judge(&state->node, conf->donor, words, sizeof(words));
    if (fitness == GALERA_FIT &&
        galera_group_is_split(state->group, server, clock_ms(), words,
                              sizeof(words)))
        fitness = GALERA_UNFIT;
    if (fitness != GALERA_FIT) {
        c->verdict.at_once = fitness == GALERA_REFUSING;
        checker_end(c, CHECK_STATUS_L7STS, "%s", words);
        return;
    }
    checker_end(c, CHECK_STATUS_L7OK, "%s, cluster of %" PRIu64 ", %s",
                state->node.values[GALERA_COMMENT],
                galera_node_number(&state->node, GALERA_SIZE),
                state->client.version);
}

/* --- the questions -------------------------------------------------------- */

static void
on_row(void *arg, const struct str *values, size_t count)
{
    struct check_galera_state *state = arg;

    if (count >= 2)
        galera_node_set(&state->node, values[0], values[1]);
}

static enum mysql_outcome
ask(struct check_galera_state *state, bool variables)
{
    state->at_variables = variables;
    if (!variables)
        galera_node_clear(&state->node);
    return mysql_client_query(&state->client,
                              variables ? galera_variables_query()
                                        : galera_status_query(),
                              on_row, state);
}

static void
fail(struct checker *c, enum mysql_outcome outcome)
{
    struct check_galera_state *state = c->state;
    bool refused = outcome == MYSQL_OUTCOME_REFUSED;

    c->verdict.at_once = state->client.number == MYSQL_NOT_PREPARED;
    /* A kept connection may have ended, or been ended, since the last check,
     * for which the server may have given a reason: that is no failure. */
    if (state->reused && !c->verdict.at_once) {
        state->reused = false;
        checker_connect(c);
        return;
    }
    checker_end(c, refused ? CHECK_STATUS_L7STS : CHECK_STATUS_L7RSP, "%s",
                state->client.reason);
}

/* A step is done: the login, the first question or the second. */
static void
go_on(struct checker *c, bool logged_in, enum mysql_outcome outcome)
{
    struct check_galera_state *state = c->state;

    if (outcome == MYSQL_OUTCOME_DONE && !logged_in && state->at_variables) {
        judge(c);
        return;
    }
    if (outcome == MYSQL_OUTCOME_DONE) {
        /* It lives: what breaks from here on broke during this check. */
        state->reused = state->reused && logged_in;
        outcome = ask(state, !logged_in);
    }
    if (outcome != MYSQL_OUTCOME_WAIT)
        fail(c, outcome);
}

static void
on_start(struct checker *c)
{
    struct check_galera_state *state = c->state;

    state->judged = state->reused = false;
    if (state->group == NULL)
        state->group = galera_group_join(c->upstream);
    if (state->group == NULL) {
        checker_end(c, CHECK_STATUS_SOCKERR, "out of memory");
        return;
    }
    if (!stream_is_open(&c->stream) ||
        state->client.phase != MYSQL_CLIENT_READY) {
        checker_connect(c);
        return;
    }
    state->reused = true;
    go_on(c, true, MYSQL_OUTCOME_DONE);
}

static void
on_connected(struct checker *c)
{
    struct check_galera_state *state = c->state;
    const struct mysql_client_conf conf = {
        .user = c->upstream->check.user,
        .password = c->upstream->check.password,
        .tls = c->tls,
        .tls_name = secure_name(c->server),
    };

    mysql_client_begin(&state->client, &c->stream, &conf);
}

static void
on_ready(struct checker *c)
{
    struct check_galera_state *state = c->state;
    enum mysql_outcome outcome;
    bool logging_in;

    /* A step ends with each answer; the next one may have begun to come. */
    do {
        logging_in = state->client.phase != MYSQL_CLIENT_RESULT;
        outcome = mysql_client_step(&state->client);
        if (state->client.greeted)
            c->facts = &state->client.facts;
        go_on(c, logging_in, outcome);
    } while (outcome == MYSQL_OUTCOME_DONE && !c->ended && !c->awaiting);
}

/* A node that said nothing is no witness of what the cluster is. */
static void
on_stop(struct checker *c)
{
    struct check_galera_state *state = c->state;

    if (!state->judged && state->group != NULL)
        galera_group_forget(state->group, index_of(c));
}

static void
on_fini(struct checker *c)
{
    struct check_galera_state *state = c->state;

    if (stream_is_open(&c->stream) && state->client.phase == MYSQL_CLIENT_READY)
        mysql_client_quit(&state->client);
    galera_group_leave(state->group);
}

const struct check_kind_ops check_galera = {
    .size = sizeof(struct check_galera_state),
    .start = on_start,
    .connected = on_connected,
    .ready = on_ready,
    .stop = on_stop,
    .fini = on_fini,
};
