/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* parse_network - the sections networks and netns */
#include <string.h>

#include "config/parse.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A network, and what can only be put into it when its subnets are known. */
struct network_draft {
	struct network network;
	const struct node *gateway;
};

static void parse_type(struct parser *p, const struct node *node, void *object)
{
	struct network_draft *draft = object;
	const char *text;

	if (!value_text(p, node, &text))
		return;
	if (!strcmp(text, "bridge"))
		draft->network.type = NETWORK_BRIDGE;
	else if (!strcmp(text, "p2p"))
		draft->network.type = NETWORK_P2P;
	else
		findings_put(p->findings, node->at, "bridge or p2p",
			     "unknown type '%s'", text);
}

static void parse_subnets(struct parser *p, const struct node *node,
			  void *object)
{
	struct network *n = &((struct network_draft *)object)->network;
	size_t count;
	const struct node *items =
		value_items(p, node, NETWORK_SUBNETS_MAX, &count);

	for (size_t i = 0; i < count; i++)
		if (value_cidr(p, &items[i], &n->subnets[n->nsubnets]))
			n->nsubnets++;
}

static void keep_gateway(struct parser *p, const struct node *node,
			 void *object)
{
	(void)p;
	((struct network_draft *)object)->gateway = node;
}

static void place_gateway(struct parser *p, const struct node *node,
			  struct network *network)
{
	struct ipaddr gateway;
	char text[IP_TEXT_MAX];

	if (!value_ip(p, node, &gateway))
		return;
	for (size_t s = 0; s < network->nsubnets; s++) {
		if (!cidr_contains(&network->subnets[s], &gateway))
			continue;
		if (!ip_is_zero(&network->gateways[s]))
			findings_put(p->findings, node->at, NULL,
				     "a second gateway in the subnet");
		network->gateways[s] = gateway;
		return;
	}
	findings_put(p->findings, node->at, NULL,
		     "gateway %s is in no subnet of the network",
		     ip_print(&gateway, text));
}

static void parse_range(struct parser *p, const struct node *node, void *object)
{
	struct network *n = &((struct network_draft *)object)->network;
	char text[2 * IP_TEXT_MAX];
	struct ipaddr first, last;
	char *dash;

	if (!value_copy(p, node, text, sizeof(text)))
		return;
	dash = strchr(text, '-');
	if (dash)
		*dash = '\0';
	if (!dash || ip_parse(text, &first) || ip_parse(dash + 1, &last)) {
		findings_put(p->findings, node->at,
			     "e.g. 10.0.0.100-10.0.0.199",
			     "'%s' is not a range of addresses", node->text);
		return;
	}
	n->range_first = first;
	n->range_last = last;
}

static void parse_internal(struct parser *p, const struct node *node,
			   void *object)
{
	value_bool(p, node,
		   &((struct network_draft *)object)->network.internal);
}

static void parse_icc(struct parser *p, const struct node *node, void *object)
{
	value_bool(p, node, &((struct network_draft *)object)->network.icc);
}

static void parse_masquerade(struct parser *p, const struct node *node,
			     void *object)
{
	value_bool(p, node,
		   &((struct network_draft *)object)->network.masquerade);
}

static void parse_mode(struct parser *p, const struct node *node, void *object)
{
	struct network_draft *draft = object;
	const char *text;

	if (!value_text(p, node, &text))
		return;
	draft->network.routed = !strcmp(text, "routed");
	if (!draft->network.routed && strcmp(text, "nat"))
		findings_put(p->findings, node->at, "nat or routed",
			     "unknown mode '%s'", text);
}

static void parse_snat(struct parser *p, const struct node *node, void *object)
{
	struct network *n = &((struct network_draft *)object)->network;
	size_t count;
	const struct node *items = value_items(p, node, COUNT(n->snat), &count);

	for (size_t i = 0; i < count; i++)
		if (value_ip(p, &items[i], &n->snat[n->nsnat]))
			n->nsnat++;
}

static void parse_no_masq(struct parser *p, const struct node *node,
			  void *object)
{
	struct network *n = &((struct network_draft *)object)->network;
	size_t count;
	const struct node *items =
		value_items(p, node, NETWORK_NO_MASQ_MAX, &count);

	for (size_t i = 0; i < count; i++)
		if (value_cidr(p, &items[i], &n->no_masq[n->nno_masq]))
			n->nno_masq++;
}

static void parse_mtu(struct parser *p, const struct node *node, void *object)
{
	value_number(p, node, &((struct network_draft *)object)->network.mtu);
}

static void parse_network(struct parser *p, const struct node *child)
{
	static const struct key keys[] = {
		{ "type", parse_type },
		{ "subnets", parse_subnets },
		{ "gateway", keep_gateway },
		{ "range", parse_range },
		{ "internal", parse_internal },
		{ "icc", parse_icc },
		{ "mtu", parse_mtu },
		{ "masquerade", parse_masquerade },
		{ "mode", parse_mode },
		{ "snat", parse_snat },
		{ "no_masq", parse_no_masq },
	};
	struct network_draft draft = {
		.network = {
			.origin = ORIGIN_FILE,
			.icc = true,
			.masquerade = true,
		},
	};
	size_t before = p->findings->count;
	const struct node *gateways = NULL;
	size_t count = 0;

	set_name(draft.network.name, child->key);
	parse_mapping(p, child, keys, COUNT(keys), &draft);
	if (draft.gateway)
		gateways = value_items(p, draft.gateway, NETWORK_SUBNETS_MAX,
				       &count);
	for (size_t i = 0; i < count; i++)
		place_gateway(p, &gateways[i], &draft.network);
	draft.network.gateway_named =
		count && draft.network.type == NETWORK_P2P;
	mark_object(p, OBJECT_NETWORK, child->key_at, before,
		    model_add_network(p->model, &draft.network));
}

void parse_networks(struct parser *p, const struct node *node, void *object)
{
	(void)object;
	parse_named(p, node, parse_network);
}

static void parse_dns(struct parser *p, const struct node *node, void *object)
{
	struct netns *ns = object;
	size_t count;
	const struct node *items = value_items(p, node, COUNT(ns->dns), &count);

	for (size_t i = 0; i < count; i++)
		if (value_ip(p, &items[i], &ns->dns[ns->ndns]))
			ns->ndns++;
}

static void parse_one_netns(struct parser *p, const struct node *child)
{
	static const struct key keys[] = { { "dns", parse_dns } };
	struct netns ns = { .origin = ORIGIN_FILE };
	size_t before = p->findings->count;

	set_name(ns.name, child->key);
	parse_mapping(p, child, keys, COUNT(keys), &ns);
	mark_object(p, OBJECT_NETNS, child->key_at, before,
		    model_add_netns(p->model, &ns));
}

void parse_netns(struct parser *p, const struct node *node, void *object)
{
	(void)object;
	parse_named(p, node, parse_one_netns);
}
