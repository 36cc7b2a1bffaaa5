/* SPDX-License-Identifier: MIT */
/*
 * What a Galera node says of itself, and whether it should serve. Pure: the
 * rows of two queries go in, a judgement comes out.
 *
 * Both queries need no privilege, and a node without a quorum answers them.
 */
#ifndef PROXY_GALERA_NODE_H
#define PROXY_GALERA_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
    GALERA_VALUE_MAX = 63, /* bytes of a value that are kept */
    GALERA_SYNCED = 4,     /* wsrep_local_state */
    GALERA_DONOR = 2,      /* Donor/Desynced */
};

/* What is asked for, as a table: a name, and the server's name of it. */
#define GALERA_STATUSES(X)                  \
    X(READY, "wsrep_ready")                 \
    X(STATUS, "wsrep_cluster_status")       \
    X(STATE, "wsrep_local_state")           \
    X(COMMENT, "wsrep_local_state_comment") \
    X(UUID, "wsrep_cluster_state_uuid")     \
    X(CONF_ID, "wsrep_cluster_conf_id")     \
    X(SIZE, "wsrep_cluster_size")           \
    X(QUEUE, "wsrep_local_recv_queue")      \
    X(PAUSED, "wsrep_flow_control_paused_ns")

#define GALERA_VARIABLES(X)           \
    X(ON, "wsrep_on")                 \
    X(REJECT, "wsrep_reject_queries") \
    X(READ_ONLY, "read_only")         \
    X(MAINTENANCE, "pxc_maint_mode")

#define GALERA_VALUE_NAME(name, text) GALERA_##name,

enum galera_value {
    GALERA_STATUSES(GALERA_VALUE_NAME)  /* SHOW GLOBAL STATUS */
    GALERA_VARIABLES(GALERA_VALUE_NAME) /* SHOW GLOBAL VARIABLES */
        GALERA_VALUES                   /* how many */
};

struct galera_node {
    char values[GALERA_VALUES][GALERA_VALUE_MAX + 1]; /* "": not told */
};

enum galera_fitness {
    GALERA_FIT,      /* it may serve */
    GALERA_UNFIT,    /* it should not, for now */
    GALERA_REFUSING, /* it says itself that it does not serve */
};

/* The queries for the values; each answer's rows go to galera_node_set. */
struct str galera_status_query(void);
struct str galera_variables_query(void);

/* Forgets all values. */
void galera_node_clear(struct galera_node *node);

/* Notes a row of an answer; others are ignored. */
void
galera_node_set(struct galera_node *node, struct str name, struct str value);

/* A value as a number; 0 where it is none. */
uint64_t
galera_node_number(const struct galera_node *node, enum galera_value value);

/* Is it in a cluster that has a quorum? Then its view of the cluster can be
 * compared with others'. */
bool galera_node_is_primary(const struct galera_node *node);

/* Sets WORDS (SIZE bytes) to why, unless it is fit. DONOR: state 2 will do. */
enum galera_fitness galera_node_judge(const struct galera_node *node,
                                      bool donor, char *words, size_t size);

#endif
