/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* address - gateways of networks, free addresses for endpoints */
#include "model/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/suggest.h"
#include "model/index.h"

/*
 * The two passes of a search: first free of both models, so that an address is
 * not reused at once; then of the wanted one alone, since what goes is removed
 * before what comes is made.
 */
enum pass { PASS_UNUSED, PASS_REUSE, PASS_COUNT };

struct addresses {
	struct model *desired;
	struct index used[PASS_COUNT];
	struct index networks; /* of desired */
	struct memory *memory;
	/* By network and subnet: the pass that has found all it can. Others use
	 * more and more, never less. */
	enum pass (*passes)[NETWORK_SUBNETS_MAX];
	/* Those that have flows, and those that are given back right now, which
	 * may get some until they are. */
	struct ipset in_use;
	bool asked;
};

/* The gateway that the same subnet of the same network already has. */
static struct ipaddr gateway_of(const struct network *old,
				const struct cidr *subnet)
{
	for (size_t s = 0; old && s < old->nsubnets; s++)
		if (cidr_equal(&old->subnets[s], subnet) &&
		    !ip_is_zero(&old->gateways[s]))
			return old->gateways[s];
	return cidr_first(subnet);
}

static struct ipaddr ip_in(const struct endpoint *e, const struct cidr *subnet)
{
	for (size_t i = 0; e && i < e->nips; i++)
		if (cidr_contains(subnet, &e->ips[i]))
			return e->ips[i];
	return (struct ipaddr){};
}

/*
 * The host's end of a cable gives way to the other one, which may have, or get
 * back, any address of the subnet: also the first one, when both ends of a
 * direct cable had their addresses and one of them has gone.
 */
static struct ipaddr give_way(const struct ipaddr *gateway,
			      const struct cidr *subnet,
			      const struct model *actual,
			      const struct endpoint *end)
{
	struct ipaddr first = cidr_first(subnet);
	struct ipaddr taken = ip_in(end, subnet);

	if (end && ip_is_zero(&taken))
		taken = ip_in(model_find_endpoint(actual, end->name), subnet);
	if (!ip_equal(gateway, &taken))
		return *gateway;
	return ip_equal(&first, &taken) ? ip_add(&first, 1) : first;
}

static void fill_gateways(struct network *network, const struct model *actual,
			  const struct cable *cable)
{
	const struct network *old = model_find_network(actual, network->name);

	if (!network->gateway_named && cable_is_direct(cable)) {
		memset(network->gateways, 0, sizeof(network->gateways));
		return;
	}
	for (size_t s = 0; s < network->nsubnets; s++) {
		const struct cidr *subnet = &network->subnets[s];
		struct ipaddr *gateway = &network->gateways[s];

		if (ip_is_zero(gateway))
			*gateway = gateway_of(old, subnet);
		if (cable && !network->gateway_named)
			*gateway = give_way(gateway, subnet, actual,
					    cable->ends[0]);
	}
}

void address_fill_gateways(struct model *desired, const struct model *actual,
			   const struct cables *cables)
{
	for (size_t i = 0; i < desired->nnetworks; i++) {
		struct network *network = &desired->networks[i];

		fill_gateways(network, actual,
			      cables_find(cables, network->name));
	}
}

/* Moves the address of e that lies in subnet into ret; zero: there is none. */
static struct ipaddr take_ip_in(struct ipaddr *ips, size_t nips,
				const struct cidr *subnet)
{
	struct ipaddr found = {};

	for (size_t i = 0; i < nips; i++) {
		if (ip_is_zero(&ips[i]) || !cidr_contains(subnet, &ips[i]))
			continue;
		found = ips[i];
		ips[i] = (struct ipaddr){};
		break;
	}
	return found;
}

/*
 * Brings the addresses of e into the order of its network's subnets, with zero
 * where one has to be found.
 */
static int order_ips(struct endpoint *e, const struct network *network,
		     struct err *err)
{
	struct ipaddr ips[ENDPOINT_ADDRS_MAX] = {};
	char buf[IP_TEXT_MAX];

	for (size_t s = 0; s < network->nsubnets; s++)
		ips[s] = take_ip_in(e->ips, e->nips, &network->subnets[s]);

	for (size_t i = 0; i < e->nips; i++) {
		if (ip_is_zero(&e->ips[i]))
			continue;
		err_set(err, -EEXIST,
			"endpoint '%s': network '%s' has no subnet for %s",
			e->name, network->name, ip_print(&e->ips[i], buf));
		return -EEXIST;
	}
	memcpy(e->ips, ips, sizeof(ips));
	e->nips = network->nsubnets;
	return 0;
}

/* Puts the addresses that the running endpoint has into what is still open;
 * not one that is the gateway's now. */
static void keep_ips(struct endpoint *e, const struct endpoint *old,
		     const struct network *network)
{
	for (size_t s = 0; s < e->nips; s++)
		for (size_t i = 0; i < old->nips; i++)
			if (ip_is_zero(&e->ips[s]) &&
			    cidr_contains(&network->subnets[s], &old->ips[i]) &&
			    !ip_equal(&network->gateways[s], &old->ips[i]))
				e->ips[s] = old->ips[i];
}

static void use_ip(struct index *used, const struct ipaddr *ip)
{
	if (!ip_is_zero(ip))
		index_add(used, ip, sizeof(*ip), ip);
}

static void use_model(struct index *used, const struct model *m)
{
	for (size_t i = 0; i < m->nnetworks; i++)
		for (size_t s = 0; s < m->networks[i].nsubnets; s++)
			use_ip(used, &m->networks[i].gateways[s]);
	for (size_t i = 0; i < m->nendpoints; i++)
		for (size_t k = 0; k < m->endpoints[i].nips; k++)
			use_ip(used, &m->endpoints[i].ips[k]);
}

static size_t model_addresses(const struct model *m)
{
	return m->nnetworks * NETWORK_SUBNETS_MAX +
	       m->nendpoints * ENDPOINT_ADDRS_MAX;
}

/* The circle is the network's range, or all of the subnet. A range that does not
 * fit is left to check_range. NULL: out of memory. */
static struct cursor *cursor_get(struct addresses *a,
				 const struct network *network, size_t s)
{
	const struct cidr *subnet = &network->subnets[s];
	struct ipaddr first = cidr_first(subnet);
	struct ipaddr last = cidr_last(subnet);
	struct cursor *cursor = memory_find(a->memory, subnet);
	struct cursor fresh;

	if (cidr_contains(subnet, &network->range_first) &&
	    cidr_contains(subnet, &network->range_last) &&
	    ip_compare(&network->range_first, &network->range_last) <= 0) {
		first = network->range_first;
		last = network->range_last;
	}
	if (cursor) {
		cursor_set_circle(cursor, &first, &last);
		return cursor;
	}
	fresh = cursor_start(subnet, &first, &last);
	return memory_add(a->memory, &fresh);
}

/* The walk over all flows is left until an address is wanted of which nothing
 * is known. */
static int ask(struct addresses *a, struct err *err)
{
	int r = 0;

	if (!a->asked && a->memory->ask)
		r = a->memory->ask(a->memory->arg, &a->in_use, err);
	ipset_finish(&a->in_use);
	a->asked = !r;
	return r;
}

/* 1: ip may be handed out, 0: a former holder has flows, or -errno. */
static int has_no_flows(struct addresses *a, const struct cursor *cursor,
			const struct ipaddr *ip, struct err *err)
{
	int r;

	if (!a->asked && cursor_knows_free(cursor, ip))
		return 1;
	r = ask(a, err);
	return r ? r : !ipset_has(&a->in_use, ip);
}

/* Once around. 1: found, 0: none, or -errno. ret_busy: one that is only kept
 * back because of its flows, if there is one. */
static int search(struct addresses *a, const struct cursor *cursor,
		  const struct index *used, struct ipaddr *ret,
		  struct ipaddr *ret_busy, struct err *err)
{
	struct ipaddr ip = cursor->handed_out;
	int r = 0;

	do {
		ip = cursor_next(cursor, &ip);
		if (index_find(used, &ip, sizeof(ip)))
			continue;
		r = has_no_flows(a, cursor, &ip, err);
		if (!r && ip_is_zero(ret_busy))
			*ret_busy = ip;
	} while (!r && !ip_equal(&ip, &cursor->handed_out));
	if (r == 1)
		*ret = ip;
	return r;
}

static int none_left(const struct network *network, const struct cidr *subnet,
		     const struct ipaddr *busy, struct err *err)
{
	char buf[CIDR_TEXT_MAX], ip[IP_TEXT_MAX];

	if (ip_is_zero(busy)) {
		err_set(err, -ENOSPC, "subnet %s of network '%s' is full",
			cidr_print(subnet, buf), network->name);
		err_kind(err, EXIT_CONFLICT, "subnet-full");
		return -ENOSPC;
	}
	ip_print(busy, ip);
	err_set(err, -EBUSY,
		"subnet %s of network '%s': former endpoints still have flows "
		"at all free addresses",
		cidr_print(subnet, buf), network->name);
	err_kind(err, EXIT_CONFLICT, "flows-live");
	err_hint(err,
		 "wait, name one with 'ip', or end its flows: 'bpfnet flow "
		 "del src %s' and 'bpfnet flow del dst %s'",
		 ip, ip);
	return -EBUSY;
}

static int address_pick(struct addresses *a, const struct network *network,
			size_t s, struct ipaddr *ret, struct err *err)
{
	enum pass *pass = &a->passes[network - a->desired->networks][s];
	struct ipaddr busy = {};
	struct cursor *cursor = cursor_get(a, network, s);
	int r = 0;

	if (!cursor)
		return err_set(err, -ENOMEM, "out of memory");
	while (*pass < PASS_COUNT) {
		r = search(a, cursor, &a->used[*pass], ret, &busy, err);
		if (r)
			break;
		(*pass)++;
	}
	if (r < 0)
		return r;
	if (!r)
		return none_left(network, &network->subnets[s], &busy, err);
	cursor_hand_out(cursor, ret);
	for (int i = 0; i < PASS_COUNT; i++)
		use_ip(&a->used[i], ret);
	return 0;
}

static const struct network *network_of(const struct addresses *a,
					const struct endpoint *e)
{
	return index_find_name(&a->networks, e->network);
}

static int pick_all(struct addresses *a, struct err *err)
{
	for (size_t i = 0; i < a->desired->nendpoints; i++) {
		struct endpoint *e = &a->desired->endpoints[i];

		for (size_t s = 0; s < e->nips; s++) {
			int r;

			if (!ip_is_zero(&e->ips[s]))
				continue;
			r = address_pick(a, network_of(a, e), s, &e->ips[s],
					 err);
			if (r)
				return err_prefix(err, "endpoint '%s'",
						  e->name);
		}
	}
	return 0;
}

static int order_all(struct addresses *a, const struct model *actual,
		     struct err *err)
{
	_cleanup_index_ struct index old_endpoints = {};
	int r;

	r = index_make_names(actual->endpoints, actual->nendpoints,
			     sizeof(*actual->endpoints), &old_endpoints);
	if (r)
		return err_set(err, r, "out of memory");

	for (size_t i = 0; i < a->desired->nendpoints; i++) {
		struct endpoint *e = &a->desired->endpoints[i];
		const struct network *network = network_of(a, e);
		const struct endpoint *old =
			index_find_name(&old_endpoints, e->name);

		if (!network) {
			suggest_missing("network", e->network,
					a->desired->networks,
					a->desired->nnetworks,
					sizeof(*a->desired->networks), err);
			return err_prefix(err, "endpoint '%s'", e->name);
		}
		r = order_ips(e, network, err);
		if (r)
			return r;
		/* Also when the subnet has moved to another network. */
		if (old)
			keep_ips(e, old, network);
	}
	return 0;
}

/* What only actual has. It may get flows until the plan is done. */
static void give_back(struct addresses *a, const struct model *actual)
{
	const struct index *used = &a->used[PASS_REUSE];

	for (size_t i = 0; i < actual->nendpoints && a->memory->count; i++)
		for (size_t k = 0; k < actual->endpoints[i].nips; k++) {
			const struct ipaddr *ip = &actual->endpoints[i].ips[k];

			if (!index_find(used, ip, sizeof(*ip)))
				memory_release(a->memory, ip, 1);
		}
}

/* What was asked is good for all cursors. Of the addresses with flows those of
 * endpoints do not count: they are told when they are given back. */
static void remember_answer(struct addresses *a, const struct model *actual)
{
	const struct index *used = &a->used[PASS_REUSE];
	struct memory *memory = a->memory;

	if (!a->asked)
		return;
	for (size_t i = 0; i < memory->count; i++)
		cursor_all_asked(&memory->list[i]);
	for (size_t i = 0; i < a->in_use.count; i++) {
		const struct ipaddr *ip = &a->in_use.list[i];

		if (!index_find(used, ip, sizeof(*ip)))
			memory_release(memory, ip, 1);
	}
	give_back(a, actual);
}

static int pick_remembering(struct addresses *a, const struct model *actual,
			    struct err *err)
{
	int r;

	if (memory_prune(a->memory, a->desired))
		return err_set(err, -ENOMEM, "out of memory");
	give_back(a, actual);
	r = pick_all(a, err);
	if (!r)
		remember_answer(a, actual);
	ipset_free(&a->in_use);
	return r;
}

int address_fill_endpoints(struct model *desired, const struct model *actual,
			   struct memory *memory, struct err *err)
{
	size_t max = model_addresses(desired) + model_addresses(actual);
	_cleanup_free_ void *passes = NULL;
	_cleanup_index_ struct index unused = {};
	_cleanup_index_ struct index reuse = {};
	_cleanup_index_ struct index networks = {};
	_cleanup_memory_ struct memory nothing = {};
	struct addresses a = { .desired = desired };
	int r;

	passes = calloc(desired->nnetworks + 1, sizeof(*a.passes));
	if (!passes || index_make(max, &unused) || index_make(max, &reuse) ||
	    index_make_names(desired->networks, desired->nnetworks,
			     sizeof(*desired->networks), &networks))
		return err_set(err, -ENOMEM, "out of memory");
	a.passes = passes;
	a.networks = networks;
	a.memory = memory ? memory : &nothing;

	r = order_all(&a, actual, err);
	if (r)
		return r;

	/* Only now do the addresses stay where they are. */
	use_model(&unused, desired);
	use_model(&unused, actual);
	use_model(&reuse, desired);
	a.used[PASS_UNUSED] = unused;
	a.used[PASS_REUSE] = reuse;
	return pick_remembering(&a, actual, err);
}
