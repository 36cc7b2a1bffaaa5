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
    uint64_t at_ms;
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

void
galera_group_note(struct galera_group *group, size_t server,
                  const struct galera_node *node, uint64_t now_ms)
{
    struct view *view = &group->views[server];

    view->known = true;
    view->at_ms = now_ms;
    memcpy(view->uuid, node->values[GALERA_UUID], sizeof(view->uuid));
    view->conf_id = galera_node_number(node, GALERA_CONF_ID);
    view->size = galera_node_number(node, GALERA_SIZE);
}

void
galera_group_forget(struct galera_group *group, size_t server)
{
    group->views[server].known = false;
}

static bool
is_fresh(const struct galera_group *group, size_t i, uint64_t now_ms)
{
    const struct view *view = &group->views[i];

    return view->known && view->at_ms + group->keep_ms >= now_ms;
}

static bool
is_same(const struct view *a, const struct view *b)
{
    return a->conf_id == b->conf_id && a->size == b->size &&
           strcmp(a->uuid, b->uuid) == 0;
}

/* How many nodes have the view of this server. */
static unsigned
count_same(const struct galera_group *group, size_t server, uint64_t now_ms)
{
    unsigned count = 0;

    for (size_t i = 0; i < group->upstream->server_count; i++)
        count += is_fresh(group, i, now_ms) &&
                 is_same(&group->views[i], &group->views[server]);
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

/* A server that has the view of most. */
static size_t
find_best(const struct galera_group *group, size_t server, uint64_t now_ms)
{
    unsigned best_count = count_same(group, server, now_ms);
    size_t best = server;

    for (size_t i = 0; i < group->upstream->server_count; i++) {
        unsigned count;

        if (!is_fresh(group, i, now_ms))
            continue;
        count = count_same(group, i, now_ms);
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
