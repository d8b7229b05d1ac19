/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tree - a file's content before anybody says what it means */
#ifndef BPFNET_TREE_H
#define BPFNET_TREE_H

#include "config/findings.h"

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

/* Scalars are kept as written: 'no' is no boolean, 80:80 is no number. */
struct node {
	enum node_kind kind;
	struct position at;
	bool quoted;
	char *text; /* of a scalar */
	char *key; /* of a mapping's child; unique there */
	struct position key_at;
	struct node *children;
	size_t nchildren;
};

/*
 * YAML, or JSON when json is set, which has to be checked before: YAML takes
 * more. What the syntax allows and we do not (anchors, tags, doubled keys, a
 * second document) is added to the findings, all of it; of broken syntax only
 * the first place. ret is written when the syntax is right.
 */
int tree_from_yaml(const struct source *source, bool json, struct findings *f,
		   struct node *ret);
/* Is it JSON? Else there is a finding. */
int json_check(const struct source *source, struct findings *f);

void tree_free(struct node *node);
/* Moves child to the end of node's children. 0 or -ENOMEM. */
int node_append(struct node *node, struct node *child);
/* Reports and drops every child of a mapping whose key an earlier one has. 0 or
 * -ENOMEM. */
int node_drop_doubles(struct node *node, struct findings *f);
/* NULL: no such key. node_get: the same of a node that may be changed. */
const struct node *node_find(const struct node *node, const char *key);
struct node *node_get(struct node *node, const char *key);
/* "a mapping", "a list", "text", "nothing" */
const char *node_kind_print(enum node_kind kind);

#endif
