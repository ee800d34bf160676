/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list. A node is in one list at a time; a zeroed node is in none. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* for (each, head): safe against removal of the current element. item is a pointer to the containing struct.
 */
#define list_each(item, head, member)                                                                        \
    for (struct list *item##_at = (head)->next, *item##_next = item##_at->next;                              \
         item##_at != (head) && ((item) = container_of(item##_at, __typeof__(*(item)), member), true);       \
         item##_at = item##_next, item##_next = item##_at->next)

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool list_linked(const struct list *node)
{
    return node->next != NULL;
}

static inline void list_insert_before(struct list *at, struct list *node)
{
    node->next = at;
    node->prev = at->prev;
    at->prev->next = node;
    at->prev = node;
}

static inline void list_append(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

static inline void list_remove(struct list *node)
{
    if (!node->next)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}
