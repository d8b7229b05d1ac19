/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* parse - what the parts of the parser share */
#ifndef BPFNET_PARSE_H
#define BPFNET_PARSE_H

#include "config/tree.h"
#include "model/check.h"

/* Where an object stands in the file. */
struct mark {
	struct position at;
	bool bad; /* has findings of its own, so the model lacks a part */
};

struct marks {
	struct mark *items; /* index: position in the model's array */
	size_t count;
};

struct parser {
	struct findings *findings;
	struct model *model;
	struct marks marks[OBJECT_RULE + 1];
	/* Parsed last: their addresses need the networks. */
	const struct node *endpoints;
	bool uplink_chosen; /* auto or none */
};

/*
 * The keys of one kind of mapping. The functions may expect any kind of node;
 * object is what parse_mapping was given. Without a function the key is one
 * that a later version may know.
 */
struct key {
	const char *name;
	void (*parse)(struct parser *p, const struct node *value, void *object);
};

void parse_mapping(struct parser *p, const struct node *node,
		   const struct key *keys, size_t nkeys, void *object);
/* Is node a mapping? Nothing at all is an empty one. Else there is a finding. */
bool is_mapping(struct parser *p, const struct node *node);
/* Calls parse_one for each child of a mapping from names to objects. */
void parse_named(struct parser *p, const struct node *node,
		 void (*parse_one)(struct parser *p, const struct node *child));
/* For names that parse_named has let through. ret: at least NAME_LEN_MAX + 1. */
void set_name(char *ret, const char *name);
/* Notes the place of the object that was just added to the model (added is not
 * NULL), bad when there were findings since count. */
void mark_object(struct parser *p, enum object_kind kind, struct position at,
		 size_t count, const void *added);

/*
 * Moves what tree, a further file's mapping, has to root: mappings and lists of
 * the same key become one, and a key that both have in such a mapping is a
 * finding. 0 or -ENOMEM.
 */
int combine(struct parser *p, struct node *root, struct node *tree);

/* The sections of the file. */
void parse_defaults(struct parser *p, const struct node *node, void *object);
void parse_flows(struct parser *p, const struct node *node, void *object);
void parse_uplinks(struct parser *p, const struct node *node, void *object);
void parse_networks(struct parser *p, const struct node *node, void *object);
void parse_netns(struct parser *p, const struct node *node, void *object);
void parse_endpoints(struct parser *p, const struct node *node);
void parse_publishes(struct parser *p, const struct node *node, void *object);
void parse_policy(struct parser *p, const struct node *node, void *object);

/*
 * Values. Each returns whether it wrote ret; if not, there is a finding. What a
 * list holds may also stand alone: value_items gives the first of *ret_count
 * (at most max) nodes.
 */
const struct node *value_items(struct parser *p, const struct node *node,
			       size_t max, size_t *ret_count);
bool value_text(struct parser *p, const struct node *node, const char **ret);
bool value_copy(struct parser *p, const struct node *node, char *ret,
		size_t size);
bool value_bool(struct parser *p, const struct node *node, bool *ret);
bool value_number(struct parser *p, const struct node *node, __u32 *ret);
bool value_seconds(struct parser *p, const struct node *node, __u32 *ret);
bool value_ip(struct parser *p, const struct node *node, struct ipaddr *ret);
bool value_cidr(struct parser *p, const struct node *node, struct cidr *ret);
bool value_ports(struct parser *p, const struct node *node,
		 struct port_range *ret);

#endif
