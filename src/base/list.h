/*
 * An intrusive doubly linked list. The head is a node of its own; an item
 * holds a struct list_node and is found again by LIST_ITEM.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
	struct list_node *next, *prev;
};

#define LIST_ITEM(node, type, member)                                          \
	((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Safe against removal of the item in hand. */
#define LIST_EACH(node, tmp, head)                                             \
	for (struct list_node *node = (head)->next, *tmp = node->next;         \
		node != (head); node = tmp, tmp = tmp->next)

static inline void
list_init(struct list_node *head)
{
	head->next = head->prev = head;
}

static inline bool
list_empty(const struct list_node *head)
{
	return head->next == head;
}

static inline void
list_push(struct list_node *head, struct list_node *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* Takes NODE out; a node that was initialised but is in no list is fine. */
static inline void
list_remove(struct list_node *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#endif
