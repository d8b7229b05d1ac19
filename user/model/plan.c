/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* plan - the steps that lead from what exists to what is wanted */
#include "model/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "model/cable.h"
#include "model/index.h"

/*
 * DOC: How a plan is made
 *
 * Two models go in, the one that exists (actual) and the one that is wanted
 * (desired, filled), and a list of steps comes out. Nothing is looked up in
 * the kernel and nothing is changed: the same two models always make the same
 * plan, which can be printed, compared and tested. Only apply acts on it, from
 * the first step to the last, and undoes in the opposite order.
 *
 * Objects are the same object when they have the same name; published ports
 * have none, so they are the same when they are equal. Each object of both
 * models gets one of three fates:
 *
 *	keep	both say the same: no step, so its flows, counters and devices
 *		are not touched at all;
 *	change	they differ in something that the running object can follow
 *		(a network's mtu or masquerade address): one SET step;
 *	replace	they differ in something that it cannot follow, or something
 *		it stands on is replaced: DEL and ADD.
 *
 * An object stands on others, and these arrows are the reason for the order:
 *
 *	publish --> endpoint --> network
 *	                    \--> netns
 *
 * Replacing spreads against the arrows: a network with another subnet takes
 * its endpoints along, and those their published ports. The two ends of a cable
 * (a network of type p2p) also take each other along: they are one device. What
 * goes, goes from the left to the right, so nothing is removed while something
 * uses it; what comes, comes from the right to the left. All that goes is gone
 * before the first new object comes, since a new one may take over an address,
 * a port or a device name. The price is a gap in the service of what is
 * replaced, and only of that.
 *
 * Policy is one step and the last one: rules may name endpoints that the plan
 * makes, and the whole list goes into force at once. Until then the old list
 * decides. New numbers are not those of removed objects, so an old rule does
 * not fit a new endpoint by accident; the default decides for it. The step is
 * also needed when the list is unchanged but a name in it now means an object
 * with another number.
 */

struct differ {
	const struct model *actual, *desired;
	struct index old_netns, old_networks, old_endpoints, old_uplinks;
	struct index new_netns, new_networks, new_endpoints, new_uplinks;
	struct cables new_cables;
	struct index
		staying; /* networks of desired, perhaps changed in place */
	struct index moving; /* names of endpoints that go, come, or both */
	size_t nmoving;
	size_t nleaving; /* of these, how many are in actual */
	struct plan *plan;
};

static void step_add(struct differ *d, enum step_op op, enum object_kind kind,
		     const void *old, const void *new)
{
	/* plan_make has made room for the longest plan. */
	d->plan->steps[d->plan->nsteps++] =
		(struct step){ .op = op, .kind = kind, .old = old, .new = new };
}

static bool network_is_replaced(const struct network *old,
				const struct network *now)
{
	struct network followed = *now;

	followed.range_first = old->range_first;
	followed.range_last = old->range_last;
	followed.internal = old->internal;
	followed.icc = old->icc;
	followed.masquerade = old->masquerade;
	followed.routed = old->routed;
	memcpy(followed.snat, old->snat, sizeof(followed.snat));
	followed.nsnat = old->nsnat;
	memcpy(followed.no_masq, old->no_masq, sizeof(followed.no_masq));
	followed.nno_masq = old->nno_masq;
	followed.mtu = old->mtu;
	/* A cable's network is no device: its endpoints follow, see below. */
	if (now->type == NETWORK_P2P) {
		memcpy(followed.gateways, old->gateways,
		       sizeof(followed.gateways));
		followed.gateway_named = old->gateway_named;
	}
	return !network_equal(old, &followed);
}

static int find_staying(struct differ *d)
{
	const struct model *m = d->desired;

	if (index_make(m->nnetworks, &d->staying))
		return -ENOMEM;
	for (size_t i = 0; i < m->nnetworks; i++) {
		const struct network *now = &m->networks[i];
		const struct network *old =
			index_find_name(&d->old_networks, now->name);

		if (old && !network_is_replaced(old, now))
			index_add(&d->staying, now->name, strlen(now->name),
				  now);
	}
	return 0;
}

/* Does the object of this name stay, at most changed in place? */
static bool network_stays(const struct differ *d, const char *name)
{
	return index_find_name(&d->staying, name);
}

static bool end_stays(const struct differ *d, const struct endpoint *now)
{
	const struct endpoint *old =
		index_find_name(&d->old_endpoints, now->name);

	return old && endpoint_equal(old, now);
}

/* A cable is one device, and its ends know who has the other one: the host, by
 * its addresses, or another endpoint. The network stays. */
static bool cable_stays(const struct differ *d, const char *name)
{
	const struct cable *cable = cables_find(&d->new_cables, name);
	const struct network *old = index_find_name(&d->old_networks, name);
	const struct network *now = index_find_name(&d->new_networks, name);

	if (!cable)
		return true;
	for (size_t s = 0; s < now->nsubnets; s++)
		if (!ip_equal(&old->gateways[s], &now->gateways[s]))
			return false;
	for (size_t i = 0; i < cable->count && i < 2; i++)
		if (!end_stays(d, cable->ends[i]))
			return false;
	return true;
}

static bool endpoint_stays(const struct differ *d, const char *name)
{
	const struct endpoint *now = index_find_name(&d->new_endpoints, name);

	return now && end_stays(d, now) && network_stays(d, now->network) &&
	       cable_stays(d, now->network);
}

/* Mostly few endpoints go or come, and ten thousand published ports are asked
 * whether theirs does. */
static int find_moving(struct differ *d)
{
	const struct model *models[] = { d->actual, d->desired };

	if (index_make(d->actual->nendpoints + d->desired->nendpoints,
		       &d->moving))
		return -ENOMEM;
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < models[i]->nendpoints; k++) {
			const char *name = models[i]->endpoints[k].name;

			if (endpoint_stays(d, name))
				continue;
			index_add(&d->moving, name, strlen(name), name);
			d->nmoving++;
			d->nleaving += models[i] == d->actual;
		}
	return 0;
}

static bool endpoint_moves(const struct differ *d, const char *name)
{
	return d->nmoving && index_find_name(&d->moving, name);
}

/* What a port is looked up by, which leaves only equal ones to compare. Compared
 * as bytes: no padding. */
struct port_key {
	struct ipaddr host_ip;
	__u16 port, port_last;
	__u16 proto, any_host;
};

struct ports {
	struct index index;
	struct port_key *keys;
};

static struct port_key port_key(const struct publish *p)
{
	struct port_key key = {
		.port = p->port,
		.port_last = p->port_last,
		.proto = p->proto,
		.any_host = p->any_host,
	};

	if (!p->any_host)
		key.host_ip = p->host_ip;
	return key;
}

static int ports_make(const struct publish *list, size_t count,
		      struct ports *ret)
{
	ret->keys = calloc(count + 1, sizeof(*ret->keys));
	if (!ret->keys || index_make(count, &ret->index))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		ret->keys[i] = port_key(&list[i]);
		index_add(&ret->index, &ret->keys[i], sizeof(*ret->keys),
			  &list[i]);
	}
	return 0;
}

static void ports_free(struct ports *ports)
{
	index_free(&ports->index);
	free(ports->keys);
}

static bool publish_stays(const struct differ *d, const struct publish *p,
			  const struct ports *other)
{
	const struct port_key key = port_key(p);
	const struct publish *same =
		index_find(&other->index, &key, sizeof(key));

	return same && publish_equal(p, same) &&
	       !endpoint_moves(d, p->endpoint);
}

static void publish_step(struct differ *d, enum step_op op,
			 const struct publish *p)
{
	if (op == STEP_DEL)
		step_add(d, op, OBJECT_PUBLISH, p, NULL);
	else
		step_add(d, op, OBJECT_PUBLISH, NULL, p);
}

/* How many the two lists have in common at their beginning. */
static size_t same_publishes(const struct model *a, const struct model *b)
{
	size_t i = 0;

	while (i < a->npublishes && i < b->npublishes &&
	       publish_equal(&a->publishes[i], &b->publishes[i]))
		i++;
	return i;
}

/* Mostly one list is the other one with a few more at its end: only what comes
 * after the common beginning has to be searched for. */
static int diff_publishes(struct differ *d, enum step_op op)
{
	const struct model *from = op == STEP_DEL ? d->actual : d->desired;
	const struct model *other = op == STEP_DEL ? d->desired : d->actual;
	size_t same = same_publishes(from, other);
	__attribute__((cleanup(ports_free))) struct ports ports = {};

	/* No port that is there names an endpoint that only comes. */
	for (size_t i = 0; i < same && d->nleaving; i++)
		if (endpoint_moves(d, from->publishes[i].endpoint))
			publish_step(d, op, &from->publishes[i]);
	if (same == from->npublishes)
		return 0;
	if (ports_make(other->publishes + same, other->npublishes - same,
		       &ports))
		return -ENOMEM;
	for (size_t i = same; i < from->npublishes; i++)
		if (!publish_stays(d, &from->publishes[i], &ports))
			publish_step(d, op, &from->publishes[i]);
	return 0;
}

static void diff_going(struct differ *d)
{
	const struct model *m = d->actual;

	for (size_t i = 0; i < m->nendpoints; i++)
		if (endpoint_moves(d, m->endpoints[i].name))
			step_add(d, STEP_DEL, OBJECT_ENDPOINT, &m->endpoints[i],
				 NULL);
	for (size_t i = 0; i < m->nnetns; i++)
		if (!index_find_name(&d->new_netns, m->netns[i].name))
			step_add(d, STEP_DEL, OBJECT_NETNS, &m->netns[i], NULL);
	for (size_t i = 0; i < m->nnetworks; i++)
		if (!network_stays(d, m->networks[i].name))
			step_add(d, STEP_DEL, OBJECT_NETWORK, &m->networks[i],
				 NULL);
	for (size_t i = 0; i < m->nuplinks; i++)
		if (!index_find_name(&d->new_uplinks, m->uplinks[i].ifname))
			step_add(d, STEP_DEL, OBJECT_UPLINK, &m->uplinks[i],
				 NULL);
}

static void diff_uplink(struct differ *d, const struct uplink *new)
{
	const struct uplink *old =
		index_find_name(&d->old_uplinks, new->ifname);

	if (!old)
		step_add(d, STEP_ADD, OBJECT_UPLINK, NULL, new);
	else if (!uplink_equal(old, new))
		step_add(d, STEP_SET, OBJECT_UPLINK, old, new);
}

static void diff_network(struct differ *d, const struct network *new)
{
	const struct network *old =
		index_find_name(&d->old_networks, new->name);

	if (!old || network_is_replaced(old, new))
		step_add(d, STEP_ADD, OBJECT_NETWORK, NULL, new);
	else if (!network_equal(old, new))
		step_add(d, STEP_SET, OBJECT_NETWORK, old, new);
}

static void diff_netns(struct differ *d, const struct netns *new)
{
	const struct netns *old = index_find_name(&d->old_netns, new->name);

	if (!old)
		step_add(d, STEP_ADD, OBJECT_NETNS, NULL, new);
	else if (!netns_equal(old, new))
		step_add(d, STEP_SET, OBJECT_NETNS, old, new);
}

static void diff_coming(struct differ *d)
{
	const struct model *m = d->desired;

	if (!settings_equal(&d->actual->settings, &m->settings))
		step_add(d, STEP_SET, OBJECT_SETTINGS, &d->actual->settings,
			 &m->settings);
	for (size_t i = 0; i < m->nuplinks; i++)
		diff_uplink(d, &m->uplinks[i]);
	for (size_t i = 0; i < m->nnetworks; i++)
		diff_network(d, &m->networks[i]);
	for (size_t i = 0; i < m->nnetns; i++)
		diff_netns(d, &m->netns[i]);
	for (size_t i = 0; i < m->nendpoints; i++)
		if (endpoint_moves(d, m->endpoints[i].name))
			step_add(d, STEP_ADD, OBJECT_ENDPOINT, NULL,
				 &m->endpoints[i]);
}

/* Is the number behind the selector's name the same in both models? */
static bool peer_means_the_same(const struct differ *d,
				const struct policy_peer *peer)
{
	if (peer->kind == SEL_ENDPOINT) {
		const struct endpoint *old =
			index_find_name(&d->old_endpoints, peer->name);
		const struct endpoint *now =
			index_find_name(&d->new_endpoints, peer->name);

		return old && now ? old->slot == now->slot : !old && !now;
	}
	if (peer->kind == SEL_NETWORK) {
		const struct network *old =
			index_find_name(&d->old_networks, peer->name);
		const struct network *now =
			index_find_name(&d->new_networks, peer->name);

		return old && now ? old->id == now->id : !old && !now;
	}
	return true;
}

static void diff_rules(struct differ *d)
{
	const struct model *old = d->actual, *now = d->desired;
	bool same = old->nrules == now->nrules;

	for (size_t i = 0; same && i < now->nrules; i++)
		same = rule_equal(&old->rules[i], &now->rules[i]) &&
		       peer_means_the_same(d, &now->rules[i].from) &&
		       peer_means_the_same(d, &now->rules[i].to);
	if (same)
		return;
	step_add(d, STEP_SET, OBJECT_RULE, NULL, NULL);
	d->plan->steps[d->plan->nsteps - 1].count = now->nrules;
}

static size_t model_objects(const struct model *m)
{
	return m->nnetns + m->nnetworks + m->nendpoints + m->npublishes +
	       m->nuplinks;
}

static int index_model(const struct model *m, struct index *netns,
		       struct index *networks, struct index *endpoints,
		       struct index *uplinks)
{
	return index_make_names(m->netns, m->nnetns, sizeof(*m->netns), netns) ?:
		       index_make_names(m->networks, m->nnetworks, sizeof(*m->networks), networks) ?:
		       index_make_names(m->endpoints, m->nendpoints, sizeof(*m->endpoints), endpoints) ?:
		       index_make_names(m->uplinks, m->nuplinks,
					sizeof(*m->uplinks), uplinks);
}

static void differ_free(struct differ *d)
{
	index_free(&d->old_netns);
	index_free(&d->old_networks);
	index_free(&d->old_endpoints);
	index_free(&d->old_uplinks);
	index_free(&d->new_netns);
	index_free(&d->new_networks);
	index_free(&d->new_endpoints);
	index_free(&d->new_uplinks);
	cables_free(&d->new_cables);
	index_free(&d->staying);
	index_free(&d->moving);
}

int plan_make(const struct model *actual, const struct model *desired,
	      struct plan *ret_plan)
{
	/* DEL and ADD of everything, and one step each for the two lists. */
	size_t room = model_objects(actual) + model_objects(desired) + 2;
	_cleanup_free_ struct step *steps = NULL;
	struct plan plan = { .actual = actual, .desired = desired };
	__attribute__((cleanup(differ_free))) struct differ d = {
		.actual = actual,
		.desired = desired,
		.plan = &plan,
	};

	steps = reallocarray(NULL, room, sizeof(*steps));
	if (!steps ||
	    index_model(actual, &d.old_netns, &d.old_networks, &d.old_endpoints,
			&d.old_uplinks) ||
	    index_model(desired, &d.new_netns, &d.new_networks,
			&d.new_endpoints, &d.new_uplinks) ||
	    cables_make(desired, &d.new_cables))
		return -ENOMEM;
	plan.steps = steps;

	if (find_staying(&d) || find_moving(&d) || diff_publishes(&d, STEP_DEL))
		return -ENOMEM;
	diff_going(&d);
	diff_coming(&d);
	if (diff_publishes(&d, STEP_ADD))
		return -ENOMEM;
	diff_rules(&d);

	plan.steps = take_ptr(steps);
	*ret_plan = plan;
	return 0;
}

void plan_free(struct plan *plan)
{
	free(plan->steps);
	*plan = (struct plan){};
}
