/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fill - gives the fields that users may leave open their values */
#include "model/fill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "model/address.h"
#include "model/cable.h"
#include "model/fill_internal.h"
#include "model/ids.h"
#include "model/index.h"
#include "model/names.h"
#include "model/subnet.h"

/*
 * Every kind goes the same way: first what actual holds for the same object is
 * kept, for all objects; only then what is still open gets something free.
 */

int fill_no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

int fill_no_number(struct err *err, const char *what, __u32 max)
{
	err_set(err, -ENOSPC, "too many %s (at most %u)", what, max - 1);
	err_kind(err, EXIT_CONFLICT, "limit");
	return -ENOSPC;
}

/* A name, not a path and not "pid:N". */
static bool netns_is_name(const char *netns)
{
	return name_is_valid(netns);
}

/* One that was made for endpoints goes with the last of them. */
static int drop_unused_netns(struct model *desired)
{
	_cleanup_index_ struct index used = {};

	if (index_make(desired->nendpoints, &used))
		return -ENOMEM;
	for (size_t i = 0; i < desired->nendpoints; i++) {
		const char *name = desired->endpoints[i].netns;

		index_add(&used, name, strlen(name), name);
	}
	for (size_t i = desired->nnetns; i-- > 0;) {
		struct netns *ns = &desired->netns[i];

		if (ns->implied && !index_find_name(&used, ns->name))
			model_del_netns(desired, ns);
	}
	return 0;
}

/* Marks the endpoints, in their order, whose namespace the model does not have
 * and that are the first to name it. */
static int find_missing_netns(const struct model *desired, bool *missing)
{
	_cleanup_index_ struct index known = {};

	if (index_make(desired->nnetns + desired->nendpoints, &known))
		return -ENOMEM;
	for (size_t i = 0; i < desired->nnetns; i++) {
		const char *name = desired->netns[i].name;

		index_add(&known, name, strlen(name), name);
	}
	for (size_t i = 0; i < desired->nendpoints; i++) {
		const char *name = desired->endpoints[i].netns;

		missing[i] = netns_is_name(name) &&
			     !index_add(&known, name, strlen(name), name);
	}
	return 0;
}

static int add_missing_netns(struct model *desired)
{
	_cleanup_free_ bool *missing =
		calloc(desired->nendpoints + 1, sizeof(*missing));

	if (!missing || find_missing_netns(desired, missing))
		return -ENOMEM;
	for (size_t i = 0; i < desired->nendpoints; i++) {
		const struct endpoint *e = &desired->endpoints[i];
		struct netns ns = { .origin = e->origin, .implied = true };

		if (!missing[i])
			continue;
		snprintf(ns.name, sizeof(ns.name), "%.*s", NAME_LEN_MAX,
			 e->netns);
		if (!model_add_netns(desired, &ns))
			return -ENOMEM;
	}
	return 0;
}

static int keep_netns(struct model *desired, const struct model *actual)
{
	_cleanup_index_ struct index running = {};

	if (index_make_names(actual->netns, actual->nnetns,
			     sizeof(*actual->netns), &running))
		return -ENOMEM;
	for (size_t i = 0; i < desired->nnetns; i++) {
		struct netns *ns = &desired->netns[i];
		const struct netns *old = index_find_name(&running, ns->name);

		if (!old)
			continue;
		ns->adopted = old->adopted;
		ns->cookie = old->cookie;
		ns->mount = old->mount;
	}
	return 0;
}

static int fill_netns(struct model *desired, const struct model *actual)
{
	if (drop_unused_netns(desired))
		return -ENOMEM;
	for (size_t i = 0; i < desired->nendpoints; i++) {
		struct endpoint *e = &desired->endpoints[i];

		if (!e->netns[0])
			snprintf(e->netns, sizeof(e->netns), "%s", e->name);
	}
	return add_missing_netns(desired) ?: keep_netns(desired, actual);
}

static void take_devices(struct index *taken, const struct model *m)
{
	for (size_t i = 0; i < m->nnetworks; i++) {
		const char *name = m->networks[i].bridge;

		index_add(taken, name, strlen(name), name);
	}
	for (size_t i = 0; i < m->nendpoints; i++) {
		const char *name = m->endpoints[i].host_ifname;

		index_add(taken, name, strlen(name), name);
	}
}

/* The names of all devices of both models. Fields that are still empty all
 * count as one name, which no device has. */
static int taken_devices(const struct model *desired,
			 const struct model *actual, struct index *ret)
{
	size_t max = 2 * (desired->nnetworks + desired->nendpoints) +
		     actual->nnetworks + actual->nendpoints;
	int r = index_make(max, ret);

	if (r)
		return r;
	take_devices(ret, actual);
	take_devices(ret, desired);
	return 0;
}

static bool same_subnets(const struct network *a, const struct network *b)
{
	if (a->nsubnets != b->nsubnets)
		return false;
	for (size_t s = 0; s < a->nsubnets; s++)
		if (!cidr_equal(&a->subnets[s], &b->subnets[s]))
			return false;
	return true;
}

static void keep_network(struct network *network, const struct network *old)
{
	static const __u8 no_mac[6];

	if (!network->id && same_subnets(network, old))
		network->id = old->id;
	if (network->type == NETWORK_BRIDGE && !network->bridge[0])
		memcpy(network->bridge, old->bridge, sizeof(network->bridge));
	if (!memcmp(network->mac, no_mac, sizeof(no_mac)))
		memcpy(network->mac, old->mac, sizeof(network->mac));
}

static int fill_networks(struct model *desired, const struct model *actual,
			 struct index *devices, struct err *err)
{
	static const __u8 no_mac[6];
	_cleanup_ids_ struct ids ids = {};

	if (ids_make(NETWORKS_MAX, &ids))
		return fill_no_memory(err);
	for (size_t i = 0; i < actual->nnetworks; i++)
		ids_take_actual(&ids, actual->networks[i].id);

	for (size_t i = 0; i < desired->nnetworks; i++) {
		struct network *network = &desired->networks[i];
		const struct network *old =
			model_find_network(actual, network->name);

		if (old)
			keep_network(network, old);
		ids_take_desired(&ids, network->id);
	}
	for (size_t i = 0; i < desired->nnetworks; i++) {
		struct network *network = &desired->networks[i];

		if (!network->id)
			network->id = ids_next(&ids);
		if (!network->id)
			return fill_no_number(err, "networks", NETWORKS_MAX);
		if (network->type != NETWORK_BRIDGE)
			memset(network->bridge, 0, sizeof(network->bridge));
		else if (!network->bridge[0])
			device_name_make("bn-", network->name, devices,
					 network->bridge);
		if (!memcmp(network->mac, no_mac, sizeof(no_mac)))
			mac_make("network", network->name, network->mac);
	}
	return 0;
}

static void keep_endpoint(struct endpoint *e, const struct endpoint *old)
{
	static const __u8 no_mac[6];

	if (!e->slot && !strcmp(e->network, old->network))
		e->slot = old->slot;
	if (!e->ifname[0] && !strcmp(e->netns, old->netns))
		memcpy(e->ifname, old->ifname, sizeof(e->ifname));
	if (!e->host_ifname[0])
		memcpy(e->host_ifname, old->host_ifname,
		       sizeof(e->host_ifname));
	if (!memcmp(e->mac, no_mac, sizeof(no_mac)))
		memcpy(e->mac, old->mac, sizeof(e->mac));
	/* While the device stays; else apply looks again. */
	if (!strcmp(e->netns, old->netns)) {
		e->netns_cookie = old->netns_cookie;
		e->netns_mount = old->netns_mount;
		e->lo_before = old->lo_before;
	}
}

/* The namespaces of endpoints that name no device: no others matter. */
static int open_ifnames(const struct model *desired, size_t *ret_open,
			struct index *ret)
{
	size_t open = 0;

	for (size_t i = 0; i < desired->nendpoints; i++)
		open += !desired->endpoints[i].ifname[0];
	*ret_open = open;
	if (index_make(open, ret))
		return -ENOMEM;
	for (size_t i = 0; i < desired->nendpoints && open; i++) {
		const struct endpoint *e = &desired->endpoints[i];

		if (!e->ifname[0])
			index_add(ret, e->netns, strlen(e->netns), e);
	}
	return 0;
}

#define IFNAME_KEY_MAX (sizeof(((struct endpoint *)0)->netns) + 1 + IFNAMSIZ)

/* "eth0" unless another endpoint of the namespace has that; then eth1 ... */
static void pick_ifname(struct endpoint *e, char key[IFNAME_KEY_MAX],
			struct index *taken)
{
	for (unsigned int n = 0; !e->ifname[0]; n++) {
		snprintf(key, IFNAME_KEY_MAX, "%s eth%u", e->netns, n);
		if (!index_add(taken, key, strlen(key), e))
			snprintf(e->ifname, sizeof(e->ifname), "eth%u", n);
	}
}

static int fill_ifnames(struct model *desired)
{
	size_t count = desired->nendpoints, open;
	_cleanup_index_ struct index namespaces = {}, taken = {};
	_cleanup_free_ char(*keys)[IFNAME_KEY_MAX] = NULL;

	if (open_ifnames(desired, &open, &namespaces))
		return -ENOMEM;
	if (!open)
		return 0;
	keys = calloc(count, sizeof(*keys));
	if (!keys || index_make(count, &taken))
		return -ENOMEM;

	for (size_t i = 0; i < count; i++) {
		const struct endpoint *e = &desired->endpoints[i];

		if (!e->ifname[0] || !index_find_name(&namespaces, e->netns))
			continue;
		snprintf(keys[i], sizeof(keys[i]), "%s %s", e->netns,
			 e->ifname);
		index_add(&taken, keys[i], strlen(keys[i]), e);
	}
	for (size_t i = 0; i < count; i++)
		pick_ifname(&desired->endpoints[i], keys[i], &taken);
	return 0;
}

static int keep_endpoints(struct model *desired, const struct model *actual,
			  struct ids *ids)
{
	_cleanup_index_ struct index olds = {};

	if (index_make_names(actual->endpoints, actual->nendpoints,
			     sizeof(*actual->endpoints), &olds))
		return -ENOMEM;
	for (size_t i = 0; i < actual->nendpoints; i++)
		ids_take_actual(ids, actual->endpoints[i].slot);

	for (size_t i = 0; i < desired->nendpoints; i++) {
		struct endpoint *e = &desired->endpoints[i];
		const struct endpoint *old = index_find_name(&olds, e->name);

		if (old)
			keep_endpoint(e, old);
		ids_take_desired(ids, e->slot);
	}
	return 0;
}

static int fill_endpoints(struct model *desired, const struct model *actual,
			  const struct cables *cables, struct index *devices,
			  struct err *err)
{
	static const __u8 no_mac[6];
	_cleanup_ids_ struct ids slots = {};

	if (ids_make(ENDPOINTS_MAX, &slots) ||
	    keep_endpoints(desired, actual, &slots) || fill_ifnames(desired))
		return fill_no_memory(err);

	for (size_t i = 0; i < desired->nendpoints; i++) {
		struct endpoint *e = &desired->endpoints[i];

		if (!e->slot)
			e->slot = ids_next(&slots);
		if (!e->slot)
			return fill_no_number(err, "endpoints", ENDPOINTS_MAX);
		if (cable_is_direct(cables_find(cables, e->network)))
			memset(e->host_ifname, 0, sizeof(e->host_ifname));
		else if (!e->host_ifname[0])
			device_name_make("bne-", e->name, devices,
					 e->host_ifname);
		if (!memcmp(e->mac, no_mac, sizeof(no_mac)))
			mac_make("endpoint", e->name, e->mac);
	}
	return 0;
}

/* Do the two decide the same, whatever they are called? */
static bool same_decision(const struct policy_rule *a,
			  const struct policy_rule *b)
{
	struct policy_rule named = *a;

	memcpy(named.name, b->name, sizeof(named.name));
	named.id = b->id;
	return rule_equal(&named, b);
}

/* Both lists of rules by their names. */
struct rule_names {
	struct index wanted, running;
};

static void rule_names_free(struct rule_names *names)
{
	index_free(&names->wanted);
	index_free(&names->running);
}

#define _cleanup_rule_names_ __attribute__((cleanup(rule_names_free)))

static int rule_names_make(const struct model *desired,
			   const struct model *actual, struct rule_names *ret)
{
	return index_make_names(desired->rules, desired->nrules, sizeof(*desired->rules), &ret->wanted) ?:
		       index_make_names(actual->rules, actual->nrules,
					sizeof(*actual->rules), &ret->running);
}

static void give_name(struct policy_rule *rule, const char *name,
		      struct rule_names *names)
{
	snprintf(rule->name, sizeof(rule->name), "%s", name);
	index_add(&names->wanted, rule->name, strlen(rule->name), rule);
}

/*
 * A rule without a name is the running one that says the same and that no
 * other wanted rule is. The search starts behind the last match: both lists
 * mostly have the same order.
 */
static void keep_unnamed_rules(struct model *desired,
			       const struct model *actual,
			       struct rule_names *names)
{
	size_t start = 0;

	for (size_t i = 0; i < desired->nrules; i++) {
		struct policy_rule *rule = &desired->rules[i];

		for (size_t k = 0; !rule->name[0] && k < actual->nrules; k++) {
			const struct policy_rule *old =
				&actual->rules[(start + k) % actual->nrules];

			if (!same_decision(rule, old) ||
			    index_find_name(&names->wanted, old->name))
				continue;
			give_name(rule, old->name, names);
			start += k + 1;
		}
	}
}

static void keep_rule_ids(struct model *desired, const struct model *actual,
			  const struct rule_names *names, struct ids *ids)
{
	for (size_t i = 0; i < actual->nrules; i++)
		ids_take_actual(ids, actual->rules[i].id);

	for (size_t i = 0; i < desired->nrules; i++) {
		struct policy_rule *rule = &desired->rules[i];
		const struct policy_rule *old = NULL;

		if (rule->name[0])
			old = index_find_name(&names->running, rule->name);
		if (!rule->id && old)
			rule->id = old->id;
		ids_take_desired(ids, rule->id);
	}
}

/* "rule-N" where N is the rule's number, or the next that no rule has. */
static void name_rule(struct policy_rule *rule, struct rule_names *names)
{
	char name[sizeof("rule-4294967295")];
	__u32 number = rule->id;

	do {
		snprintf(name, sizeof(name), "rule-%u", number++);
	} while (index_find_name(&names->wanted, name) ||
		 index_find_name(&names->running, name));
	give_name(rule, name, names);
}

static bool has_dormant(const struct model *m)
{
	for (size_t i = 0; i < m->nrules; i++)
		if (m->rules[i].dormant)
			return true;
	return false;
}

/* What a rule names may have come back. */
static int wake_rules(struct model *m)
{
	_cleanup_names_ struct names names = {};

	if (!has_dormant(m))
		return 0;
	if (names_make(m, &names))
		return -ENOMEM;
	for (size_t i = 0; i < m->nrules; i++) {
		struct policy_rule *rule = &m->rules[i];

		if (rule->dormant && names_has_peers(&names, rule))
			rule->dormant = false;
	}
	return 0;
}

static bool rules_are_filled(const struct model *m)
{
	for (size_t i = 0; i < m->nrules; i++)
		if (!m->rules[i].id || !m->rules[i].name[0])
			return false;
	return true;
}

static int fill_rules(struct model *desired, const struct model *actual,
		      struct err *err)
{
	_cleanup_rule_names_ struct rule_names names = {};
	_cleanup_ids_ struct ids ids = {};

	if (wake_rules(desired))
		return fill_no_memory(err);
	if (rules_are_filled(desired))
		return 0;
	if (ids_make(RULES_MAX, &ids) ||
	    rule_names_make(desired, actual, &names))
		return fill_no_memory(err);
	keep_unnamed_rules(desired, actual, &names);
	keep_rule_ids(desired, actual, &names, &ids);

	for (size_t i = 0; i < desired->nrules; i++) {
		struct policy_rule *rule = &desired->rules[i];

		if (!rule->id)
			rule->id = ids_next(&ids);
		if (!rule->id)
			return fill_no_number(err, "policy rules", RULES_MAX);
		if (!rule->name[0])
			name_rule(rule, &names);
	}
	return 0;
}

int model_fill_remembering(struct model *desired, const struct model *actual,
			   struct memory *memory, struct err *err)
{
	static const struct taken nothing_known;
	_cleanup_cables_ struct cables cables = {};
	_cleanup_index_ struct index devices = {};
	int r;

	r = subnet_fill(desired, actual, &nothing_known, err);
	if (r)
		return r;
	/* Names stay in the indexes: neither array grows any more. */
	if (fill_netns(desired, actual) || cables_make(desired, &cables) ||
	    taken_devices(desired, actual, &devices))
		return fill_no_memory(err);
	r = cables_check(desired, &cables, err);
	if (r)
		return r;
	address_fill_gateways(desired, actual, &cables);

	return fill_networks(desired, actual, &devices, err) ?:
		       fill_endpoints(desired, actual, &cables, &devices, err) ?:
		       address_fill_endpoints(desired, actual, memory, err) ?:
		       fill_publishes(desired, actual, err)		    ?:
		       fill_rules(desired, actual, err);
}

int model_fill(struct model *desired, const struct model *actual,
	       struct err *err)
{
	return model_fill_remembering(desired, actual, NULL, err);
}
