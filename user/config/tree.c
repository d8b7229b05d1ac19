/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tree - a file's content before anybody says what it means */
#include "config/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/index.h"

void tree_free(struct node *node)
{
	for (size_t i = 0; i < node->nchildren; i++)
		tree_free(&node->children[i]);
	free(node->children);
	free(node->text);
	free(node->key);
	*node = (struct node){};
}

int node_append(struct node *node, struct node *child)
{
	size_t count = node->nchildren;
	struct node *grown = node->children;

	/* Grows at the powers of two, so the room need not be stored. */
	if (!(count & (count - 1)))
		grown = reallocarray(grown, count ? 2 * count : 1,
				     sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	node->children = grown;
	grown[node->nchildren++] = *child;
	*child = (struct node){};
	return 0;
}

static void report_double(struct findings *f, const struct node *child,
			  const struct node *first)
{
	if (first->key_at.source == child->key_at.source)
		findings_put(f, child->key_at, NULL,
			     "duplicate key '%s', first in line %zu",
			     child->key, first->key_at.line);
	else
		findings_put(f, child->key_at, NULL,
			     "duplicate key '%s', first in %s:%zu", child->key,
			     first->key_at.source->name, first->key_at.line);
}

int node_drop_doubles(struct node *node, struct findings *f)
{
	_cleanup_index_ struct index keys = {};
	size_t kept = 0;

	if (index_make(node->nchildren, &keys))
		return -ENOMEM;
	for (size_t i = 0; i < node->nchildren; i++) {
		struct node *child = &node->children[i];
		const struct node *first;

		/* Keys stay where they are when children move. */
		first = index_add(&keys, child->key, strlen(child->key),
				  &node->children[kept]);
		if (!first) {
			node->children[kept++] = *child;
			continue;
		}
		report_double(f, child, first);
		tree_free(child);
	}
	node->nchildren = kept;
	return 0;
}

const struct node *node_find(const struct node *node, const char *key)
{
	for (size_t i = 0; i < node->nchildren; i++)
		if (node->children[i].key &&
		    !strcmp(node->children[i].key, key))
			return &node->children[i];
	return NULL;
}

struct node *node_get(struct node *node, const char *key)
{
	const struct node *found = node_find(node, key);

	return found ? node->children + (found - node->children) : NULL;
}

const char *node_kind_print(enum node_kind kind)
{
	static const char *const names[] = {
		[NODE_NULL] = "nothing",
		[NODE_SCALAR] = "text",
		[NODE_SEQUENCE] = "a list",
		[NODE_MAPPING] = "a mapping",
	};

	return names[kind];
}
