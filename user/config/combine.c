/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* combine - several files as one */
#include <errno.h>

#include "config/parse.h"

static int append_all(struct node *to, struct node *from)
{
	for (size_t i = 0; i < from->nchildren; i++)
		if (node_append(to, &from->children[i]))
			return -ENOMEM;
	return 0;
}

/* Of the same key in an earlier file and in this one. */
static int join(struct parser *p, struct node *earlier, struct node *node)
{
	int rc;

	if (node->kind == NODE_NULL)
		return 0;
	if (earlier->kind == NODE_NULL) {
		tree_free(earlier);
		*earlier = *node;
		*node = (struct node){};
		return 0;
	}
	if (earlier->kind != node->kind) {
		findings_put(p->findings, node->at, NULL,
			     "'%s' is %s here and %s in %s:%zu", node->key,
			     node_kind_print(node->kind),
			     node_kind_print(earlier->kind),
			     earlier->key_at.source->name,
			     earlier->key_at.line);
		return 0;
	}
	rc = append_all(earlier, node);
	return rc || node->kind != NODE_MAPPING ?
		       rc :
		       node_drop_doubles(earlier, p->findings);
}

int combine(struct parser *p, struct node *root, struct node *tree)
{
	int rc = 0;

	for (size_t i = 0; i < tree->nchildren && !rc; i++) {
		struct node *node = &tree->children[i];
		struct node *earlier = node_get(root, node->key);

		rc = earlier ? join(p, earlier, node) : node_append(root, node);
	}
	return rc;
}
