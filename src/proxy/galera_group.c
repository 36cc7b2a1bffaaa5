/* SPDX-License-Identifier: MIT */
#include "proxy/galera_group.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

enum {
    UUID_SHOWN = 8, /* bytes of a UUID that tell it from others */
};

/* What one node last said of its cluster. */
struct view {
    bool known;
    uint64_t since_ms; /* when it first said this */
    uint64_t at_ms;    /* and when it last did */
    char uuid[GALERA_VALUE_MAX + 1];
    uint64_t conf_id;
    uint64_t size;
};

struct galera_group {
    struct list link;
    const struct upstream_conf *upstream;
    unsigned users;
    uint64_t keep_ms; /* how old an answer may be */
    struct view views[];
};

/* The groups of this process; checkers of one upstream find each other here,
 * since nothing else that they know is theirs to share. */
static struct list groups = {.prev = &groups, .next = &groups};

static uint64_t
max_ms(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Three checks may be missed: whatever has not answered by then is no witness.
 * How often a node is checked depends on its state. */
static uint64_t
keep_ms_of(const struct check_conf *conf)
{
    uint64_t longest = max_ms(conf->interval_ms, conf->fastinter_ms);

    return 3 * max_ms(longest, conf->downinter_ms) + conf->timeout_ms;
}

static struct galera_group *
find(const struct upstream_conf *upstream)
{
    struct list *link;

    for (link = groups.next; link != &groups; link = link->next) {
        struct galera_group *group =
            container_of(link, struct galera_group, link);

        if (group->upstream == upstream)
            return group;
    }
    return NULL;
}

struct galera_group *
galera_group_join(const struct upstream_conf *upstream)
{
    struct galera_group *group = find(upstream);

    if (group == NULL) {
        group = calloc(1, sizeof(*group) +
                              upstream->server_count * sizeof(struct view));
        if (group == NULL)
            return NULL;
        group->upstream = upstream;
        group->keep_ms = keep_ms_of(&upstream->check);
        list_add_tail(&groups, &group->link);
    }
    group->users++;
    return group;
}

void
galera_group_leave(struct galera_group *group)
{
    if (group == NULL || --group->users > 0)
        return;
    list_remove(&group->link);
    free(group);
}

static bool
is_same(const struct view *a, const struct view *b)
{
    return a->conf_id == b->conf_id && a->size == b->size &&
           strcmp(a->uuid, b->uuid) == 0;
}

void
galera_group_note(struct galera_group *group, size_t server,
                  const struct galera_node *node, uint64_t now_ms)
{
    struct view *view = &group->views[server];
    struct view now = {
        .known = true,
        .since_ms = now_ms,
        .at_ms = now_ms,
        .conf_id = galera_node_number(node, GALERA_CONF_ID),
        .size = galera_node_number(node, GALERA_SIZE),
    };

    memcpy(now.uuid, node->values[GALERA_UUID], sizeof(now.uuid));
    if (view->known && is_same(view, &now))
        now.since_ms = view->since_ms;
    *view = now;
}

void
galera_group_forget(struct galera_group *group, size_t server)
{
    group->views[server].known = false;
}

/* Can server I say something of the view of SERVER? Not if what it said is too
 * old, nor if it differs and was said before SERVER's view came to be: it may
 * have the same one by now. */
static bool
is_witness(const struct galera_group *group, size_t i, size_t server,
           uint64_t now_ms)
{
    const struct view *view = &group->views[i], *own = &group->views[server];

    if (!view->known || view->at_ms + group->keep_ms < now_ms)
        return false;
    return is_same(view, own) || view->at_ms > own->since_ms;
}

/* How many of SERVER's witnesses have the view of server I. */
static unsigned
count_same(const struct galera_group *group, size_t i, size_t server,
           uint64_t now_ms)
{
    unsigned count = 0;

    for (size_t k = 0; k < group->upstream->server_count; k++)
        count += is_witness(group, k, server, now_ms) &&
                 is_same(&group->views[k], &group->views[i]);
    return count;
}

/* Is view A, of as many nodes as B, rather the right one? The UUID is for
 * nothing but that all servers come to the same answer. */
static bool
is_before(const struct view *a, const struct view *b)
{
    if (a->size != b->size)
        return a->size > b->size;
    if (a->conf_id != b->conf_id)
        return a->conf_id > b->conf_id;
    return strcmp(a->uuid, b->uuid) > 0;
}

/* A server that has the view of most, as far as SERVER's witnesses say. */
static size_t
find_best(const struct galera_group *group, size_t server, uint64_t now_ms)
{
    unsigned best_count = count_same(group, server, server, now_ms);
    size_t best = server;

    for (size_t i = 0; i < group->upstream->server_count; i++) {
        unsigned count;

        if (!is_witness(group, i, server, now_ms))
            continue;
        count = count_same(group, i, server, now_ms);
        if (count > best_count ||
            (count == best_count &&
             is_before(&group->views[i], &group->views[best]))) {
            best = i;
            best_count = count;
        }
    }
    return best;
}

bool
galera_group_is_split(const struct galera_group *group, size_t server,
                      uint64_t now_ms, char *words, size_t size)
{
    const struct view *own = &group->views[server];
    const struct view *best = &group->views[find_best(group, server, now_ms)];

    if (is_same(own, best))
        return false;
    if (strcmp(own->uuid, best->uuid) != 0)
        (void)snprintf(words, size, "of cluster %.*s, others of %.*s",
                       UUID_SHOWN, own->uuid, UUID_SHOWN, best->uuid);
    else if (own->conf_id != best->conf_id)
        (void)snprintf(words, size,
                       "wsrep_cluster_conf_id %" PRIu64
                       ", others have %" PRIu64,
                       own->conf_id, best->conf_id);
    else
        (void)snprintf(words, size,
                       "wsrep_cluster_size %" PRIu64 ", others have %" PRIu64,
                       own->size, best->size);
    return true;
}
