/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* parse_rule - the sections publish and policy */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config/parse.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Longer than the longest "NAME:PORT-PORT" and "[IPv6]:PORT-PORT/tcp". */
#define WORD_MAX 128

/* What a publish says: where it listens, where that leads, for whom. */
struct publish_draft {
	const struct node *listen, *to, *from;
};

/* Copies text between start and end without the blanks around it. */
static bool copy_trimmed(const char *start, const char *end, char *ret,
			 size_t size)
{
	while (start < end && *start == ' ')
		start++;
	while (start < end && end[-1] == ' ')
		end--;
	if ((size_t)(end - start) >= size)
		return false;
	memcpy(ret, start, (size_t)(end - start));
	ret[end - start] = '\0';
	return true;
}

static void set_listen(struct parser *p, struct position at, const char *text,
		       struct publish *publish)
{
	struct publish parsed;
	struct err err = {};

	if (publish_parse_listen(text, &parsed, &err)) {
		findings_add(p->findings, at, &err);
		return;
	}
	parsed.origin = publish->origin;
	*publish = parsed;
}

/* "ENDPOINT[:PORT[-PORT]]"; set_listen has been before. */
static void set_target(struct parser *p, struct position at, const char *text,
		       struct publish *publish)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	struct port_range range;

	if (len > NAME_LEN_MAX || !len) {
		findings_put(p->findings, at, "ENDPOINT[:PORT]",
			     "'%s' is not a target", text);
		return;
	}
	memcpy(publish->endpoint, text, len);
	publish->endpoint[len] = '\0';
	if (!colon)
		return;
	if (port_range_parse(colon + 1, &range)) {
		findings_put(p->findings, at, "ENDPOINT[:PORT]",
			     "'%s' is not a port or a range of ports",
			     colon + 1);
		return;
	}
	publish->target_port = range.low;
	if (range.high != range.low &&
	    range.high - range.low != publish->port_last - publish->port)
		findings_put(p->findings, at, "ranges map one to one",
			     "the ranges of '%s' and of the listener differ",
			     text);
}

/* "LISTEN -> ENDPOINT[:PORT]" */
static void parse_arrow(struct parser *p, const struct node *node,
			struct publish *publish)
{
	const char *arrow = strstr(node->text, "->");
	const char *end = node->text + strlen(node->text);
	char listen[WORD_MAX], to[WORD_MAX];

	if (!arrow || !copy_trimmed(node->text, arrow, listen, WORD_MAX) ||
	    !copy_trimmed(arrow + 2, end, to, WORD_MAX)) {
		findings_put(p->findings, node->at,
			     "LISTEN -> ENDPOINT[:PORT], e.g. 80 -> web:8080",
			     "'%.64s' publishes nothing", node->text);
		return;
	}
	set_listen(p, node->at, listen, publish);
	set_target(p, node->at, to, publish);
}

static void keep_listen(struct parser *p, const struct node *node, void *object)
{
	(void)p;
	((struct publish_draft *)object)->listen = node;
}

static void keep_to(struct parser *p, const struct node *node, void *object)
{
	(void)p;
	((struct publish_draft *)object)->to = node;
}

static void keep_from(struct parser *p, const struct node *node, void *object)
{
	(void)p;
	((struct publish_draft *)object)->from = node;
}

/* A prefix, or an address, which is the prefix of one. */
static bool parse_client(struct parser *p, const struct node *node,
			 struct cidr *ret)
{
	struct ipaddr ip;

	if (node->kind == NODE_SCALAR && !ip_parse(node->text, &ip)) {
		*ret = (struct cidr){ ip, ip_is_v4(&ip) ? 32 : 128 };
		return true;
	}
	return value_cidr(p, node, ret);
}

static void parse_publish_mapping(struct parser *p, const struct node *node,
				  struct publish *publish)
{
	static const struct key keys[] = {
		{ "listen", keep_listen },
		{ "to", keep_to },
		{ "from", keep_from },
	};
	struct publish_draft draft = {};
	const struct node *items = NULL;
	const char *text;
	size_t count = 0;

	parse_mapping(p, node, keys, COUNT(keys), &draft);
	if (!draft.listen || !draft.to) {
		findings_put(p->findings, node->at, NULL, "missing key '%s'",
			     draft.listen ? "to" : "listen");
		return;
	}
	if (value_text(p, draft.listen, &text))
		set_listen(p, draft.listen->at, text, publish);
	if (value_text(p, draft.to, &text))
		set_target(p, draft.to->at, text, publish);
	if (draft.from)
		items = value_items(p, draft.from, PUBLISH_FROM_MAX, &count);
	for (size_t i = 0; i < count; i++)
		if (parse_client(p, &items[i], &publish->from[publish->nfrom]))
			publish->nfrom++;
}

void parse_publishes(struct parser *p, const struct node *node, void *object)
{
	(void)object;
	if (node->kind != NODE_SEQUENCE && node->kind != NODE_NULL) {
		findings_put(p->findings, node->at, NULL,
			     "expected a list, found %s",
			     node_kind_print(node->kind));
		return;
	}
	for (size_t i = 0; i < node->nchildren; i++) {
		const struct node *child = &node->children[i];
		struct publish publish = { .origin = ORIGIN_FILE };
		size_t before = p->findings->count;

		if (child->kind == NODE_SCALAR)
			parse_arrow(p, child, &publish);
		else
			parse_publish_mapping(p, child, &publish);
		/* One that cannot be read stands for no port: leave it out. */
		if (p->findings->count == before)
			mark_object(p, OBJECT_PUBLISH, child->at, before,
				    model_add_publish(p->model, &publish));
	}
}

/* A rule and which of its ways to say allow or deny were used. */
struct rule_draft {
	struct policy_rule rule;
	bool has_from, has_to;
	int decisions;
};

static void parse_rule_name(struct parser *p, const struct node *node,
			    void *object)
{
	struct policy_rule *rule = &((struct rule_draft *)object)->rule;

	value_copy(p, node, rule->name, sizeof(rule->name));
}

static void parse_peer(struct parser *p, const struct node *node,
		       struct policy_peer *ret)
{
	struct err err = {};
	const char *text;

	if (value_text(p, node, &text) && policy_peer_parse(text, ret, &err))
		findings_add(p->findings, node->at, &err);
}

static void parse_rule_from(struct parser *p, const struct node *node,
			    void *object)
{
	struct rule_draft *draft = object;

	draft->has_from = true;
	parse_peer(p, node, &draft->rule.from);
}

static void parse_rule_to(struct parser *p, const struct node *node,
			  void *object)
{
	struct rule_draft *draft = object;

	draft->has_to = true;
	parse_peer(p, node, &draft->rule.to);
}

static void parse_proto(struct parser *p, const struct node *node, void *object)
{
	struct rule_draft *draft = object;
	const char *text;

	if (value_text(p, node, &text) && proto_parse(text, &draft->rule.proto))
		findings_put(p->findings, node->at,
			     "tcp, udp, icmp, icmpv6 or any",
			     "unknown protocol '%s'", text);
}

static void parse_rule_ports(struct parser *p, const struct node *node,
			     void *object)
{
	struct policy_rule *rule = &((struct rule_draft *)object)->rule;
	size_t count;
	const struct node *items =
		value_items(p, node, COUNT(rule->ports), &count);

	for (size_t i = 0; i < count; i++)
		if (value_ports(p, &items[i], &rule->ports[rule->nports]))
			rule->nports++;
}

/* "allow: false" could mean deny or nothing: only true is taken. */
static void decide(struct parser *p, const struct node *node,
		   struct rule_draft *draft, enum rule_action action)
{
	bool said;

	draft->decisions++;
	draft->rule.action = action;
	if (value_bool(p, node, &said) && !said)
		findings_put(p->findings, node->at,
			     action == RULE_ALLOW ? "deny: true" :
						    "allow: true",
			     "'%s: false' decides nothing", node->key);
}

static void parse_rule_allow(struct parser *p, const struct node *node,
			     void *object)
{
	decide(p, node, object, RULE_ALLOW);
}

static void parse_rule_deny(struct parser *p, const struct node *node,
			    void *object)
{
	decide(p, node, object, RULE_DENY);
}

static void parse_rule_reject(struct parser *p, const struct node *node,
			      void *object)
{
	decide(p, node, object, RULE_REJECT);
}

static void parse_action(struct parser *p, const struct node *node,
			 void *object)
{
	struct rule_draft *draft = object;
	const char *text;

	draft->decisions++;
	if (value_text(p, node, &text) &&
	    action_parse(text, &draft->rule.action))
		findings_put(p->findings, node->at, "allow, deny or reject",
			     "unknown action '%s'", text);
}

static void parse_log(struct parser *p, const struct node *node, void *object)
{
	value_bool(p, node, &((struct rule_draft *)object)->rule.log);
}

static void parse_dormant(struct parser *p, const struct node *node,
			  void *object)
{
	value_bool(p, node, &((struct rule_draft *)object)->rule.dormant);
}

static void parse_rule(struct parser *p, const struct node *node)
{
	static const struct key keys[] = {
		{ "name", parse_rule_name },	 { "from", parse_rule_from },
		{ "to", parse_rule_to },	 { "proto", parse_proto },
		{ "ports", parse_rule_ports },	 { "allow", parse_rule_allow },
		{ "deny", parse_rule_deny },	 { "action", parse_action },
		{ "reject", parse_rule_reject }, { "log", parse_log },
		{ "dormant", parse_dormant },
	};
	struct rule_draft draft = { .rule = { .origin = ORIGIN_FILE } };
	size_t before = p->findings->count;

	parse_mapping(p, node, keys, COUNT(keys), &draft);
	if (p->findings->count == before && !draft.has_from)
		findings_put(p->findings, node->at, "any, if it is for all",
			     "missing key 'from'");
	if (p->findings->count == before && !draft.has_to)
		findings_put(p->findings, node->at, "any, if it is for all",
			     "missing key 'to'");
	if (p->findings->count == before && draft.decisions != 1)
		findings_put(p->findings, node->at, "allow: true or deny: true",
			     "a rule decides once, this one %d times",
			     draft.decisions);
	mark_object(p, OBJECT_RULE, node->at, before,
		    model_add_rule(p->model, &draft.rule, SIZE_MAX));
}

void parse_policy(struct parser *p, const struct node *node, void *object)
{
	(void)object;
	if (node->kind != NODE_SEQUENCE && node->kind != NODE_NULL) {
		findings_put(p->findings, node->at, NULL,
			     "expected a list, found %s",
			     node_kind_print(node->kind));
		return;
	}
	p->model->policy_given = true;
	for (size_t i = 0; i < node->nchildren; i++)
		parse_rule(p, &node->children[i]);
}
