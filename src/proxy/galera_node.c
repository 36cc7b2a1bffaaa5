/* SPDX-License-Identifier: MIT */
#include "proxy/galera_node.h"

#include <stdio.h>
#include <string.h>

#define QUOTED(name, text) "'" text "',"

static const char *const names[] = {
#define NAME(name, text) text,
    GALERA_STATUSES(NAME) GALERA_VARIABLES(NAME)
#undef NAME
};

/* The empty name only ends the list. */
struct str
galera_status_query(void)
{
    return STR("SHOW GLOBAL STATUS WHERE Variable_name IN (" GALERA_STATUSES(
        QUOTED) "'')");
}

struct str
galera_variables_query(void)
{
    return STR(
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN (" GALERA_VARIABLES(
            QUOTED) "'')");
}

void
galera_node_clear(struct galera_node *node)
{
    memset(node, 0, sizeof(*node));
}

void
galera_node_set(struct galera_node *node, struct str name, struct str value)
{
    for (size_t i = 0; i < GALERA_VALUES; i++) {
        if (str_equal_nocase(str_from(names[i]), name))
            (void)snprintf(node->values[i], sizeof(node->values[i]), STR_FMT,
                           STR_ARG(value));
    }
}

uint64_t
galera_node_number(const struct galera_node *node, enum galera_value value)
{
    uint64_t n = 0;

    if (str_to_uint(&n, str_from(node->values[value]), UINT64_MAX) < 0)
        return 0;
    return n;
}

static bool
is(const struct galera_node *node, enum galera_value value, const char *text)
{
    return str_equal_nocase(str_from(node->values[value]), str_from(text));
}

/* Told, and not TEXT? */
static bool
is_other(const struct galera_node *node, enum galera_value value,
         const char *text)
{
    return node->values[value][0] != '\0' && !is(node, value, text);
}

bool
galera_node_is_primary(const struct galera_node *node)
{
    return is(node, GALERA_STATUS, "Primary") &&
           node->values[GALERA_UUID][0] != '\0';
}

/* A value that is its own reason. */
static enum galera_fitness
because(const struct galera_node *node, enum galera_value value,
        enum galera_fitness fitness, char *words, size_t size)
{
    (void)snprintf(words, size, "%s %s", names[value], node->values[value]);
    return fitness;
}

enum galera_fitness
galera_node_judge(const struct galera_node *node, bool donor, char *words,
                  size_t size)
{
    uint64_t state = galera_node_number(node, GALERA_STATE);

    if (node->values[GALERA_STATUS][0] == '\0') {
        (void)snprintf(words, size, "not a Galera node");
        return GALERA_UNFIT;
    }
    if (!is(node, GALERA_ON, "ON")) {
        (void)snprintf(words, size, "not a Galera node: wsrep_on %s",
                       node->values[GALERA_ON]);
        return GALERA_UNFIT;
    }
    if (!is(node, GALERA_STATUS, "Primary"))
        return because(node, GALERA_STATUS, GALERA_REFUSING, words, size);
    if (!is(node, GALERA_READY, "ON"))
        return because(node, GALERA_READY, GALERA_REFUSING, words, size);
    if (state != GALERA_SYNCED && !(donor && state == GALERA_DONOR)) {
        (void)snprintf(words, size, "wsrep_local_state %s (%s)",
                       node->values[GALERA_STATE],
                       node->values[GALERA_COMMENT]);
        return GALERA_UNFIT;
    }
    if (is_other(node, GALERA_REJECT, "NONE"))
        return because(node, GALERA_REJECT, GALERA_UNFIT, words, size);
    if (is_other(node, GALERA_READ_ONLY, "OFF"))
        return because(node, GALERA_READ_ONLY, GALERA_UNFIT, words, size);
    if (is_other(node, GALERA_MAINTENANCE, "DISABLED"))
        return because(node, GALERA_MAINTENANCE, GALERA_UNFIT, words, size);
    return GALERA_FIT;
}
