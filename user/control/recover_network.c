/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* recover_network - networks, read back from tables and bridges */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/recover.h"
#include "lib/log.h"

struct search {
	struct recovery *recovery;
	struct network *network;
	int cable; /* the host's end of one, 0: it is none */
};

static int on_subnet(const void *key, const void *value, void *arg)
{
	const struct search *search = arg;
	struct network *n = search->network;
	const struct subnet_key *subnet = key;
	unsigned int mapped = ip_is_v4(&subnet->addr) ? 96 : 0;

	if (*(const __u32 *)value == n->id && n->nsubnets < NETWORK_SUBNETS_MAX)
		n->subnets[n->nsubnets++] = (struct cidr){
			.addr = subnet->addr,
			.len = subnet->prefix_bits - mapped,
		};
	return 0;
}

static int on_no_masq(const void *key, const void *value, void *arg)
{
	const struct search *search = arg;
	struct network *n = search->network;
	const struct no_masq_key *to = key;
	unsigned int mapped = ip_is_v4(&to->addr) ? 96 : 0;

	/* "::/0" is one of IPv6, see abi.h. */
	if (*(const __u8 *)value == PREFIX_V6)
		mapped = 0;
	if (to->network == n->id && n->nno_masq < NETWORK_NO_MASQ_MAX)
		n->no_masq[n->nno_masq++] = (struct cidr){
			.addr = to->addr,
			.len = to->prefix_bits - 32 - mapped,
		};
	return 0;
}

/* The first subnet of a family is the one whose gateway the tables have. */
static void put_first(struct network *n, const struct ipaddr *gateway)
{
	for (size_t i = 1; i < n->nsubnets; i++)
		if (!ip_is_zero(gateway) &&
		    cidr_contains(&n->subnets[i], gateway)) {
			struct cidr first = n->subnets[i];

			memmove(&n->subnets[1], &n->subnets[0],
				i * sizeof(first));
			n->subnets[0] = first;
			return;
		}
}

static void find_gateways(const struct host *host, int ifindex,
			  struct network *n)
{
	for (size_t i = 0; i < n->nsubnets; i++)
		for (size_t k = 0; k < host->naddrs; k++)
			if (host->addrs[k].ifindex == ifindex &&
			    cidr_contains(&n->subnets[i],
					  &host->addrs[k].cidr.addr))
				n->gateways[i] = host->addrs[k].cidr.addr;
}

/* An endpoint of it whose record can be read names it. */
static int on_endpoint(const void *key, const void *value, void *arg)
{
	struct search *search = arg;
	const struct endpoint_val *endpoint = value;
	const struct model *model = search->recovery->model;

	(void)key;
	if (endpoint->network == search->network->id &&
	    endpoint->bridge_ifindex == endpoint->ifindex)
		search->cable = (int)endpoint->ifindex;
	for (size_t i = 0; i < model->nendpoints; i++)
		if (endpoint->network == search->network->id &&
		    model->endpoints[i].slot == endpoint->slot)
			snprintf(search->network->name,
				 sizeof(search->network->name), "%s",
				 model->endpoints[i].network);
	return 0;
}

static void name_network(struct network *n, const struct link_info *bridge)
{
	if (n->name[0])
		return;
	if (bridge && !strncmp(bridge->name, "bn-", 3) &&
	    name_is_valid(bridge->name + 3))
		snprintf(n->name, sizeof(n->name), "%s", bridge->name + 3);
	else
		snprintf(n->name, sizeof(n->name), "network-%u", n->id);
}

/* What tables and devices say, once it is known which. */
static void take(struct network *n, const struct recovery *recovery,
		 const struct network_val *value,
		 const struct link_info *device)
{
	n->internal = value->flags & NETWORK_INTERNAL;
	n->icc = !(value->flags & NETWORK_NO_ICC);
	n->masquerade = !(value->flags & NETWORK_NO_MASQUERADE);
	n->routed = value->flags & NETWORK_ROUTED;
	if (!ip_is_zero(&value->snat4))
		n->snat[n->nsnat++] = value->snat4;
	if (!ip_is_zero(&value->snat6))
		n->snat[n->nsnat++] = value->snat6;
	put_first(n, &value->gateway6);
	put_first(n, &value->gateway4);
	find_gateways(recovery->host, device->ifindex, n);
	if (n->type == NETWORK_BRIDGE)
		memcpy(n->bridge, device->name, sizeof(n->bridge));
	memcpy(n->mac, device->mac, sizeof(n->mac));
	if (device->mtu != host_mtu(recovery->host, recovery->model, n))
		n->mtu = device->mtu;
}

static int collect(struct search *search, struct err *err)
{
	struct datapath *dp = search->recovery->dp;
	int rc = table_visit(dp, MAP_SUBNETS, on_subnet, search, err);

	rc = rc ? rc : table_visit(dp, MAP_NO_MASQ, on_no_masq, search, err);
	return rc ? rc :
		    table_visit(dp, MAP_ENDPOINTS, on_endpoint, search, err);
}

static int recover_network(struct recovery *recovery, __u32 id,
			   const struct network_val *value, struct err *err)
{
	struct network n = { .id = id };
	struct search search = { .recovery = recovery, .network = &n };
	const struct link_info *device;
	int rc = collect(&search, err);

	if (rc || !n.nsubnets)
		return rc;
	n.type = search.cable ? NETWORK_P2P : NETWORK_BRIDGE;
	device = host_find_index(recovery->host,
				 search.cable ? search.cable :
						(int)value->bridge_ifindex);
	name_network(&n, search.cable ? NULL : device);
	if (!device) {
		log_warn("network '%s' cannot be recovered: the host has no "
			 "device of it",
			 n.name);
		recovery->lost++;
		return 0;
	}
	take(&n, recovery, value, device);
	recovery->found++;
	log_warn("network '%s' is recovered", n.name);
	return model_add_network(recovery->model, &n) ?
		       0 :
		       err_set(err, -ENOMEM, "out of memory");
}

static bool has_id(const struct model *model, __u32 id)
{
	for (size_t i = 0; i < model->nnetworks; i++)
		if (model->networks[i].id == id)
			return true;
	return false;
}

int recover_networks(struct recovery *recovery, struct err *err)
{
	struct network_val value;
	int rc = 0;

	for (__u32 id = 1; id < NETWORKS_MAX && !rc; id++)
		if (!has_id(recovery->model, id) &&
		    !table_get(recovery->dp, MAP_NETWORKS, &id, &value))
			rc = recover_network(recovery, id, &value, err);
	return rc;
}
