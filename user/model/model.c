/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* model - the containers of the objects: find, add, del, copy */
#include "model/model.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The first allocation of every array; see array_add. */
#define ARRAY_MIN 8

/*
 * The find functions treat objects as their names: every named kind begins
 * with its name.
 */
_Static_assert(offsetof(struct netns, name) == 0, "netns");
_Static_assert(offsetof(struct network, name) == 0, "network");
_Static_assert(offsetof(struct endpoint, name) == 0, "endpoint");
_Static_assert(offsetof(struct policy_rule, name) == 0, "policy_rule");
_Static_assert(offsetof(struct uplink, ifname) == 0, "uplink");

void model_init(struct model *model)
{
	*model = (struct model){
		.settings = {
			.uplink_auto = true,
			.intra_allow = true,
			.flows_max = FLOWS_MAX_DEFAULT,
			.flows_per_endpoint = FLOWS_PER_ENDPOINT_DEFAULT,
			.tcp_established = FLOW_TCP_ESTABLISHED_SECONDS,
			.tcp_half_open = FLOW_TCP_HALF_OPEN_SECONDS,
			.tcp_closing = FLOW_TCP_CLOSING_SECONDS,
			.tcp_reset = FLOW_TCP_RESET_SECONDS,
			.udp = FLOW_UDP_SECONDS,
			.udp_stream = FLOW_UDP_STREAM_SECONDS,
			.icmp = FLOW_ICMP_SECONDS,
			.other = FLOW_OTHER_SECONDS,
		},
	};
}

void model_free(struct model *model)
{
	free(model->netns);
	free(model->networks);
	free(model->endpoints);
	free(model->publishes);
	free(model->rules);
	free(model->uplinks);
	*model = (struct model){};
}

/* The room of an array of count: a power of two, so it need not be stored. */
static size_t array_room(size_t count)
{
	size_t room = ARRAY_MIN;

	while (room < count)
		room *= 2;
	return room;
}

/* Makes room for one more and puts a copy of add at index. */
static void *array_add(void *items, size_t *count, size_t size, const void *add,
		       size_t index)
{
	char *grown = items;

	/*
	 * Only a count that fills its room grows: rooms are powers of two,
	 * and deleting never makes them smaller than array_room says.
	 */
	if (!*count || *count == array_room(*count))
		grown = reallocarray(items, array_room(*count + 1), size);
	if (!grown)
		return NULL;

	memmove(grown + (index + 1) * size, grown + index * size,
		(*count - index) * size);
	memcpy(grown + index * size, add, size);
	++*count;
	return grown;
}

static void array_del(void *items, size_t *count, size_t size, const void *del)
{
	char *first = items;
	size_t index = (size_t)((const char *)del - first) / size;

	--*count;
	memmove(first + index * size, first + (index + 1) * size,
		(*count - index) * size);
}

static int array_copy(const void *items, size_t count, size_t size, void **ret)
{
	void *copy;

	if (!count)
		return 0;
	copy = reallocarray(NULL, array_room(count), size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, items, count * size);
	*ret = copy;
	return 0;
}

static size_t array_find(const void *items, size_t count, size_t size,
			 const char *name)
{
	const char *item = items;

	for (size_t i = 0; i < count; i++, item += size)
		if (!strcmp(item, name))
			return i;
	return count;
}

int model_copy(const struct model *model, struct model *ret)
{
	struct model copy = { .settings = model->settings };
	void *netns = NULL, *networks = NULL, *endpoints = NULL;
	void *publishes = NULL, *rules = NULL, *uplinks = NULL;
	int r;

	r = array_copy(model->netns, model->nnetns, sizeof(*model->netns), &netns) ?:
		    array_copy(model->networks, model->nnetworks, sizeof(*model->networks), &networks) ?:
		    array_copy(model->endpoints, model->nendpoints, sizeof(*model->endpoints), &endpoints) ?:
		    array_copy(model->publishes, model->npublishes, sizeof(*model->publishes), &publishes) ?:
		    array_copy(model->rules, model->nrules, sizeof(*model->rules), &rules) ?:
		    array_copy(model->uplinks, model->nuplinks,
			       sizeof(*model->uplinks), &uplinks);

	copy.netns = netns;
	copy.nnetns = model->nnetns;
	copy.networks = networks;
	copy.nnetworks = model->nnetworks;
	copy.endpoints = endpoints;
	copy.nendpoints = model->nendpoints;
	copy.publishes = publishes;
	copy.npublishes = model->npublishes;
	copy.rules = rules;
	copy.nrules = model->nrules;
	copy.uplinks = uplinks;
	copy.nuplinks = model->nuplinks;
	if (r) {
		model_free(&copy);
		return r;
	}
	*ret = copy;
	return 0;
}

struct netns *model_find_netns(const struct model *m, const char *name)
{
	size_t i = array_find(m->netns, m->nnetns, sizeof(*m->netns), name);

	return i < m->nnetns ? &m->netns[i] : NULL;
}

struct network *model_find_network(const struct model *m, const char *name)
{
	size_t i = array_find(m->networks, m->nnetworks, sizeof(*m->networks),
			      name);

	return i < m->nnetworks ? &m->networks[i] : NULL;
}

struct endpoint *model_find_endpoint(const struct model *m, const char *name)
{
	size_t i = array_find(m->endpoints, m->nendpoints,
			      sizeof(*m->endpoints), name);

	return i < m->nendpoints ? &m->endpoints[i] : NULL;
}

struct policy_rule *model_find_rule(const struct model *m, const char *name)
{
	size_t i = array_find(m->rules, m->nrules, sizeof(*m->rules), name);

	return i < m->nrules ? &m->rules[i] : NULL;
}

struct uplink *model_find_uplink(const struct model *m, const char *ifname)
{
	size_t i = array_find(m->uplinks, m->nuplinks, sizeof(*m->uplinks),
			      ifname);

	return i < m->nuplinks ? &m->uplinks[i] : NULL;
}

struct publish *model_find_publish(const struct model *m,
				   const struct publish *p)
{
	for (size_t i = 0; i < m->npublishes; i++)
		if (publish_collides(&m->publishes[i], p))
			return &m->publishes[i];
	return NULL;
}

struct netns *model_add_netns(struct model *m, const struct netns *add)
{
	struct netns *grown =
		array_add(m->netns, &m->nnetns, sizeof(*add), add, m->nnetns);

	if (!grown)
		return NULL;
	m->netns = grown;
	return &grown[m->nnetns - 1];
}

struct network *model_add_network(struct model *m, const struct network *add)
{
	struct network *grown = array_add(m->networks, &m->nnetworks,
					  sizeof(*add), add, m->nnetworks);

	if (!grown)
		return NULL;
	m->networks = grown;
	return &grown[m->nnetworks - 1];
}

struct endpoint *model_add_endpoint(struct model *m, const struct endpoint *add)
{
	struct endpoint *grown = array_add(m->endpoints, &m->nendpoints,
					   sizeof(*add), add, m->nendpoints);

	if (!grown)
		return NULL;
	m->endpoints = grown;
	return &grown[m->nendpoints - 1];
}

struct publish *model_add_publish(struct model *m, const struct publish *add)
{
	struct publish *grown = array_add(m->publishes, &m->npublishes,
					  sizeof(*add), add, m->npublishes);

	if (!grown)
		return NULL;
	m->publishes = grown;
	return &grown[m->npublishes - 1];
}

struct uplink *model_add_uplink(struct model *m, const struct uplink *add)
{
	struct uplink *grown = array_add(m->uplinks, &m->nuplinks, sizeof(*add),
					 add, m->nuplinks);

	if (!grown)
		return NULL;
	m->uplinks = grown;
	return &grown[m->nuplinks - 1];
}

struct policy_rule *model_add_rule(struct model *m,
				   const struct policy_rule *add, size_t before)
{
	size_t at = before < m->nrules ? before : m->nrules;
	struct policy_rule *grown =
		array_add(m->rules, &m->nrules, sizeof(*add), add, at);

	if (!grown)
		return NULL;
	m->rules = grown;
	return &grown[at];
}

void model_del_netns(struct model *m, struct netns *del)
{
	array_del(m->netns, &m->nnetns, sizeof(*del), del);
}

void model_del_network(struct model *m, struct network *del)
{
	array_del(m->networks, &m->nnetworks, sizeof(*del), del);
}

void model_del_endpoint(struct model *m, struct endpoint *del)
{
	array_del(m->endpoints, &m->nendpoints, sizeof(*del), del);
}

void model_del_publish(struct model *m, struct publish *del)
{
	array_del(m->publishes, &m->npublishes, sizeof(*del), del);
}

void model_del_rule(struct model *m, struct policy_rule *del)
{
	array_del(m->rules, &m->nrules, sizeof(*del), del);
}

void model_del_uplink(struct model *m, struct uplink *del)
{
	array_del(m->uplinks, &m->nuplinks, sizeof(*del), del);
}

bool model_add_object(struct model *m, enum object_kind kind,
		      const void *object)
{
	switch (kind) {
	case OBJECT_SETTINGS:
		m->settings = *(const struct settings *)object;
		return true;
	case OBJECT_NETNS:
		return model_add_netns(m, object);
	case OBJECT_NETWORK:
		return model_add_network(m, object);
	case OBJECT_ENDPOINT:
		return model_add_endpoint(m, object);
	case OBJECT_UPLINK:
		return model_add_uplink(m, object);
	case OBJECT_PUBLISH:
		return model_add_publish(m, object);
	case OBJECT_RULE:
		return model_add_rule(m, object, SIZE_MAX);
	}
	return false;
}

size_t model_object_count(const struct model *m, enum object_kind kind)
{
	const size_t counts[] = {
		[OBJECT_SETTINGS] = 1,
		[OBJECT_NETNS] = m->nnetns,
		[OBJECT_NETWORK] = m->nnetworks,
		[OBJECT_ENDPOINT] = m->nendpoints,
		[OBJECT_UPLINK] = m->nuplinks,
		[OBJECT_PUBLISH] = m->npublishes,
		[OBJECT_RULE] = m->nrules,
	};

	return counts[kind];
}

const void *model_object(const struct model *m, enum object_kind kind,
			 size_t index)
{
	switch (kind) {
	case OBJECT_SETTINGS:
		return &m->settings;
	case OBJECT_NETNS:
		return &m->netns[index];
	case OBJECT_NETWORK:
		return &m->networks[index];
	case OBJECT_ENDPOINT:
		return &m->endpoints[index];
	case OBJECT_UPLINK:
		return &m->uplinks[index];
	case OBJECT_PUBLISH:
		return &m->publishes[index];
	case OBJECT_RULE:
		return &m->rules[index];
	}
	return NULL;
}
