/* SPDX-License-Identifier: MIT */
/*
 * Doubly linked lists whose links live inside the members. A head and a member
 * out of every list both point at themselves, so removing twice is harmless.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev;
    struct list *next;
};

/* The struct of TYPE whose member MEMBER is at P. */
#define container_of(p, type, member) \
    ((type *)(void *)((char *)(p)-offsetof(type, member)))

/* Makes an empty list, or a member that is in none. */
static inline void
list_init(struct list *l)
{
    l->prev = l;
    l->next = l;
}

static inline bool
list_empty(const struct list *l)
{
    return l->next == l;
}

/* Puts NODE before AT; with a list's head: at the tail. */
static inline void
list_add_before(struct list *at, struct list *node)
{
    node->prev = at->prev;
    node->next = at;
    at->prev->next = node;
    at->prev = node;
}

static inline void
list_add_tail(struct list *l, struct list *node)
{
    list_add_before(l, node);
}

static inline void
list_add_head(struct list *l, struct list *node)
{
    list_add_before(l->next, node);
}

static inline void
list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* The first member, or NULL. */
static inline struct list *
list_first(const struct list *l)
{
    return list_empty(l) ? NULL : l->next;
}

/* Removes and returns the first member, or NULL. */
static inline struct list *
list_take_first(struct list *l)
{
    struct list *node = list_first(l);

    if (node != NULL)
        list_remove(node);
    return node;
}

/* Moves all members of FROM, in their order, to TO, which is made empty
 * before. For a walk whose steps may add to FROM, or remove others: the walk
 * takes the first of TO and puts it back before it looks at it. */
static inline void
list_move_all(struct list *to, struct list *from)
{
    list_init(to);
    if (list_empty(from))
        return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    list_init(from);
}

/* Visits each; the list may not change meanwhile. */
#define list_for_each(node, l) \
    for (struct list *node = (l)->next; node != (l); node = node->next)

/* Visits each; NODE itself may be removed meanwhile. */
#define list_for_each_safe(node, l)                                \
    for (struct list *node = (l)->next, *node##_next = node->next; \
         node != (l); node = node##_next, node##_next = node->next)

#endif
