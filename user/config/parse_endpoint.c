/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* parse_endpoint - the section endpoints */
#include <stdio.h>
#include <string.h>

#include "config/parse.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* What stands in the file, which is one endpoint for each of its networks. */
struct endpoint_draft {
	struct endpoint endpoint;
	const struct node *network, *networks, *ip;
	struct position ifname_at, mac_at; /* line 0: not given */
};

static void keep_network(struct parser *p, const struct node *node,
			 void *object)
{
	(void)p;
	((struct endpoint_draft *)object)->network = node;
}

static void keep_networks(struct parser *p, const struct node *node,
			  void *object)
{
	(void)p;
	((struct endpoint_draft *)object)->networks = node;
}

static void keep_ip(struct parser *p, const struct node *node, void *object)
{
	(void)p;
	((struct endpoint_draft *)object)->ip = node;
}

static void parse_endpoint_netns(struct parser *p, const struct node *node,
				 void *object)
{
	struct endpoint *e = &((struct endpoint_draft *)object)->endpoint;

	value_copy(p, node, e->netns, sizeof(e->netns));
}

static void parse_ifname(struct parser *p, const struct node *node,
			 void *object)
{
	struct endpoint_draft *draft = object;

	draft->ifname_at = node->key_at;
	value_copy(p, node, draft->endpoint.ifname,
		   sizeof(draft->endpoint.ifname));
}

static void parse_mac(struct parser *p, const struct node *node, void *object)
{
	struct endpoint_draft *draft = object;
	const char *text;

	draft->mac_at = node->key_at;
	if (value_text(p, node, &text) && mac_parse(text, draft->endpoint.mac))
		findings_put(p->findings, node->at, "e.g. 02:00:5e:00:53:01",
			     "'%s' is not a mac", text);
}

static void parse_default_route(struct parser *p, const struct node *node,
				void *object)
{
	struct endpoint *e = &((struct endpoint_draft *)object)->endpoint;

	value_bool(p, node, &e->default_route);
}

/* Does the address belong to the network? With a single one there is no
 * choice, and whether it fits is the check's business. */
static bool network_takes(const struct parser *p, const char *name,
			  const struct ipaddr *ip)
{
	const struct network *n = model_find_network(p->model, name);

	for (size_t s = 0; n && s < n->nsubnets; s++)
		if (cidr_contains(&n->subnets[s], ip))
			return true;
	return false;
}

static void place_ip(struct parser *p, const struct node *node,
		     struct endpoint *endpoints, size_t count)
{
	struct endpoint *taker = count == 1 ? &endpoints[0] : NULL;
	struct ipaddr ip;

	if (!value_ip(p, node, &ip))
		return;
	for (size_t i = 0; !taker && i < count; i++)
		if (network_takes(p, endpoints[i].network, &ip))
			taker = &endpoints[i];
	if (!taker)
		findings_put(p->findings, node->at, NULL,
			     "address %s is in none of the networks",
			     node->text);
	else if (taker->nips == ENDPOINT_ADDRS_MAX)
		findings_put(p->findings, node->at, NULL,
			     "more than %d addresses in a network",
			     ENDPOINT_ADDRS_MAX);
	else
		taker->ips[taker->nips++] = ip;
}

/* The endpoint of the i-th network; those after the first are "NAME.NET". */
static bool draft_member(struct parser *p, const struct endpoint_draft *draft,
			 const struct node *network, unsigned int i,
			 struct endpoint *ret)
{
	const char *name = draft->endpoint.name;
	int len;

	*ret = draft->endpoint;
	if (!value_copy(p, network, ret->network, sizeof(ret->network)))
		return false;
	snprintf(ret->ifname, sizeof(ret->ifname), "eth%u", i);
	if (!i)
		return true;
	ret->default_route = false;
	len = snprintf(ret->name, sizeof(ret->name), "%s.%s", name,
		       ret->network);
	if (len > NAME_LEN_MAX) {
		findings_put(p->findings, network->at, NULL,
			     "name '%s.%s' is longer than %d", name,
			     ret->network, NAME_LEN_MAX);
		return false;
	}
	return true;
}

static void refuse_with_networks(struct parser *p,
				 const struct endpoint_draft *draft)
{
	if (draft->network)
		findings_put(p->findings, draft->network->key_at, NULL,
			     "'network' together with 'networks'");
	if (draft->ifname_at.line)
		findings_put(p->findings, draft->ifname_at, NULL,
			     "'ifname' needs a single network");
	if (draft->mac_at.line)
		findings_put(p->findings, draft->mac_at, NULL,
			     "'mac' needs a single network");
}

/* Fills members, one for each network; returns how many. */
static size_t draft_members(struct parser *p,
			    const struct endpoint_draft *draft,
			    struct endpoint *members)
{
	size_t count = 0, made = 0;
	const struct node *items;

	if (!draft->networks) {
		members[0] = draft->endpoint;
		if (draft->network)
			value_copy(p, draft->network, members[0].network,
				   sizeof(members[0].network));
		return 1;
	}
	refuse_with_networks(p, draft);
	items = value_items(p, draft->networks, NETWORK_SUBNETS_MAX, &count);
	for (unsigned int i = 0; i < count; i++)
		if (draft_member(p, draft, &items[i], i, &members[made]))
			made++;
	return made;
}

static void parse_endpoint(struct parser *p, const struct node *child)
{
	static const struct key keys[] = {
		{ "network", keep_network },
		{ "networks", keep_networks },
		{ "netns", parse_endpoint_netns },
		{ "ifname", parse_ifname },
		{ "ip", keep_ip },
		{ "mac", parse_mac },
		{ "default_route", parse_default_route },
	};
	struct endpoint_draft draft = {
		.endpoint = { .origin = ORIGIN_FILE, .default_route = true },
	};
	struct endpoint members[NETWORK_SUBNETS_MAX] = {};
	size_t before = p->findings->count;
	const struct node *ips = NULL;
	size_t count, nips = 0;

	set_name(draft.endpoint.name, child->key);
	parse_mapping(p, child, keys, COUNT(keys), &draft);
	if (!draft.endpoint.netns[0])
		set_name(draft.endpoint.netns, draft.endpoint.name);

	count = draft_members(p, &draft, members);
	if (draft.ip)
		ips = value_items(p, draft.ip, ENDPOINT_ADDRS_MAX, &nips);
	for (size_t i = 0; i < nips; i++)
		place_ip(p, &ips[i], members, count);
	for (size_t i = 0; i < count; i++)
		mark_object(p, OBJECT_ENDPOINT, child->key_at, before,
			    model_add_endpoint(p->model, &members[i]));
}

void parse_endpoints(struct parser *p, const struct node *node)
{
	parse_named(p, node, parse_endpoint);
}
