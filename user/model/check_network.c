/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* check_network - validates networks, endpoints and their addresses */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "model/check_internal.h"

/* Between the smallest prefix anybody would route and the largest with room
 * for a gateway and one endpoint. */
#define IPV4_LEN_MIN 8
#define IPV4_LEN_MAX 31
#define IPV6_LEN_MIN 32
#define IPV6_LEN_MAX 127

/* RFC 791, RFC 8200 and the most that a length field can say. */
#define MTU_MIN 576
#define MTU_MIN_IPV6 1280
#define MTU_MAX 65535

static bool in_hosts(const struct cidr *subnet, const struct ipaddr *ip)
{
	struct ipaddr first = cidr_first(subnet);
	struct ipaddr last = cidr_last(subnet);

	return ip_compare(&first, ip) <= 0 && ip_compare(ip, &last) <= 0;
}

static void check_subnet(struct check *c, struct place at,
			 const struct network *network,
			 const struct cidr *subnet)
{
	bool v4 = ip_is_v4(&subnet->addr);
	struct cidr masked = cidr_subnet(subnet);
	char text[CIDR_TEXT_MAX];
	char hint[CIDR_TEXT_MAX + 32];

	snprintf(hint, sizeof(hint), "did you mean %s?",
		 cidr_print(&masked, text));
	cidr_print(subnet, text);
	if (cidr_has_host_bits(subnet))
		check_usage(c, at, hint,
			    "network '%s': subnet %s has host bits",
			    network->name, text);
	if (subnet->len < (v4 ? IPV4_LEN_MIN : IPV6_LEN_MIN))
		check_usage(c, at, NULL, "network '%s': subnet %s is too large",
			    network->name, text);
	if (subnet->len > (v4 ? IPV4_LEN_MAX : IPV6_LEN_MAX))
		check_usage(c, at, NULL,
			    "network '%s': subnet %s has no room for a gateway "
			    "and an endpoint",
			    network->name, text);
	if (ip_is_loopback(&masked.addr) || ip_is_multicast(&masked.addr) ||
	    ip_is_link_local(&masked.addr))
		check_usage(c, at, NULL,
			    "network '%s': subnet %s is not for hosts",
			    network->name, text);
}

static void check_gateways(struct check *c, struct place at,
			   const struct network *network)
{
	char ip[IP_TEXT_MAX];
	char subnet[CIDR_TEXT_MAX];

	if (!network->nsubnets && !ip_is_zero(&network->gateways[0]))
		check_usage(c, at, NULL,
			    "network '%s': a gateway needs a subnet",
			    network->name);
	for (size_t s = 0; s < network->nsubnets; s++) {
		const struct ipaddr *gateway = &network->gateways[s];

		if (!ip_is_zero(gateway) &&
		    !in_hosts(&network->subnets[s], gateway))
			check_conflict(
				c, at, "bad-gateway",
				"network '%s': gateway %s is not a host "
				"of subnet %s",
				network->name, ip_print(gateway, ip),
				cidr_print(&network->subnets[s], subnet));
	}
}

static void check_range(struct check *c, struct place at,
			const struct network *network)
{
	const struct ipaddr *first = &network->range_first;
	const struct ipaddr *last = &network->range_last;
	char low[IP_TEXT_MAX], high[IP_TEXT_MAX];

	if (ip_is_zero(first) && ip_is_zero(last))
		return;
	for (size_t s = 0; s < network->nsubnets; s++)
		if (in_hosts(&network->subnets[s], first) &&
		    in_hosts(&network->subnets[s], last) &&
		    ip_compare(first, last) <= 0)
			return;
	check_usage(c, at, "FIRST-LAST, both hosts of one subnet",
		    "network '%s': range %s-%s does not fit", network->name,
		    ip_print(first, low), ip_print(last, high));
}

/* How the network's packets leave. */
static void check_way_out(struct check *c, struct place at,
			  const struct network *network)
{
	char text[CIDR_TEXT_MAX], hint[CIDR_TEXT_MAX + 32];

	check_snat(c, at, "network", network->name, network->snat,
		   network->nsnat);
	if (network->nsnat && (network->routed || !network->masquerade))
		check_usage(c, at, NULL,
			    "network '%s': 'snat' is for masquerade, which "
			    "'%s' turns off",
			    network->name,
			    network->routed ? "mode routed" : "masquerade off");
	for (size_t i = 0; i < network->nno_masq; i++) {
		const struct cidr *to = &network->no_masq[i];
		struct cidr masked = cidr_subnet(to);

		snprintf(hint, sizeof(hint), "did you mean %s?",
			 cidr_print(&masked, text));
		if (cidr_has_host_bits(to))
			check_usage(c, at, hint,
				    "network '%s': no-masq %s has host bits",
				    network->name, cidr_print(to, text));
	}
}

/* A subnet and the network it is one of, to be sorted by address. */
struct owned_subnet {
	struct cidr subnet;
	size_t network;
};

static int compare_subnets(const void *a, const void *b)
{
	const struct owned_subnet *left = a, *right = b;
	int order = ip_compare(&left->subnet.addr, &right->subnet.addr);

	if (order)
		return order;
	if (left->subnet.len != right->subnet.len)
		return left->subnet.len < right->subnet.len ? -1 : 1;
	return left->network < right->network ? -1 : 1;
}

static void report_overlap(struct check *c, const struct owned_subnet *a,
			   const struct owned_subnet *b)
{
	const struct owned_subnet *later = a->network > b->network ? a : b;
	const struct owned_subnet *owner = later == a ? b : a;
	const struct network *networks = c->model->networks;
	char text[CIDR_TEXT_MAX], other[CIDR_TEXT_MAX];

	check_conflict(c, (struct place){ OBJECT_NETWORK, later->network },
		       "subnet-overlap",
		       "network '%s': subnet %s overlaps %s of network '%s'",
		       networks[later->network].name,
		       cidr_print(&later->subnet, text),
		       cidr_print(&owner->subnet, other),
		       networks[owner->network].name);
}

/*
 * Prefixes are nested or apart. Sorted by address, whatever lies inside one
 * follows it, so comparing with the last outermost one finds every overlap.
 */
static void check_overlaps(struct check *c)
{
	const struct model *m = c->model;
	_cleanup_free_ struct owned_subnet *all = NULL;
	size_t count = 0, outer = 0;

	all = calloc(m->nnetworks + 1, NETWORK_SUBNETS_MAX * sizeof(*all));
	if (!all) {
		check_out_of_memory(c);
		return;
	}
	for (size_t i = 0; i < m->nnetworks; i++) {
		for (size_t s = 0; s < m->networks[i].nsubnets; s++) {
			all[count].subnet =
				cidr_subnet(&m->networks[i].subnets[s]);
			all[count++].network = i;
		}
	}
	if (count)
		qsort(all, count, sizeof(*all), compare_subnets);
	for (size_t i = 1; i < count; i++) {
		if (cidr_overlaps(&all[outer].subnet, &all[i].subnet))
			report_overlap(c, &all[outer], &all[i]);
		else
			outer = i;
	}
}

/* Below its least MTU, Linux takes IPv6 away from a device without a word. */
static void check_mtu(struct check *c, struct place at,
		      const struct network *network)
{
	unsigned int mtu = network->mtu;
	bool v6 = false;

	for (size_t s = 0; s < network->nsubnets; s++)
		v6 |= !ip_is_v4(&network->subnets[s].addr);
	if (mtu && (mtu < MTU_MIN || mtu > MTU_MAX))
		check_usage(c, at, "576 to 65535", "network '%s': mtu %u",
			    network->name, mtu);
	else if (mtu && mtu < MTU_MIN_IPV6 && v6)
		check_usage(c, at, "1280 to 65535 with an IPv6 subnet",
			    "network '%s': mtu %u", network->name, mtu);
}

void check_networks(struct check *c)
{
	const struct model *m = c->model;
	_cleanup_index_ struct index names = {};

	if (index_make(m->nnetworks, &names)) {
		check_out_of_memory(c);
		return;
	}
	for (size_t i = 0; i < m->nnetworks; i++) {
		const struct network *network = &m->networks[i];
		const struct place at = { OBJECT_NETWORK, i };

		check_name(c, at, "network", network->name, &names);
		for (size_t s = 0; s < network->nsubnets; s++)
			check_subnet(c, at, network, &network->subnets[s]);
		check_gateways(c, at, network);
		check_range(c, at, network);
		check_way_out(c, at, network);
		check_mtu(c, at, network);
	}
	check_overlaps(c);
	if (m->nnetworks >= NETWORKS_MAX)
		check_conflict(
			c, (struct place){ OBJECT_NETWORK, NETWORKS_MAX - 1 },
			"limit", "too many networks (at most %d)",
			NETWORKS_MAX - 1);
}

/* What the checks of all endpoints together need. */
struct endpoints_seen {
	struct index names, ips, macs, devices;
	char *device_texts; /* "NETNS IFNAME" of each */
};

#define DEVICE_TEXT_MAX (sizeof(((struct endpoint *)0)->netns) + 1 + IFNAMSIZ)

static bool netns_is_valid(const char *netns)
{
	if (netns[0] == '/')
		return true;
	if (strncmp(netns, "pid:", 4))
		return name_is_valid(netns);
	netns += 4;
	return *netns >= '1' && *netns <= '9' && strlen(netns) < 10 &&
	       strspn(netns, "0123456789") == strlen(netns);
}

static void check_endpoint_names(struct check *c, size_t i,
				 struct endpoints_seen *seen)
{
	const struct endpoint *e = &c->model->endpoints[i];
	const struct place at = { OBJECT_ENDPOINT, i };
	struct policy_peer peer;

	check_name(c, at, "endpoint", e->name, &seen->names);
	if (name_is_valid(e->name) &&
	    !policy_peer_parse(e->name, &peer, NULL) &&
	    peer.kind != SEL_ENDPOINT)
		check_usage(c, at, "policy rules mean something else by it",
			    "'%s' is not a name for an endpoint", e->name);
	if (e->netns[0] && !netns_is_valid(e->netns))
		check_usage(c, at, "a name, a path or pid:N",
			    "endpoint '%s': '%s' is not a netns", e->name,
			    e->netns);
	if (e->ifname[0] &&
	    (!ifname_is_valid(e->ifname) || !strcmp(e->ifname, "lo")))
		check_usage(c, at, ifname_hint(e->ifname),
			    "endpoint '%s': '%s' is not a name for a device",
			    e->name, e->ifname);
}

static void check_device(struct check *c, size_t i, struct endpoints_seen *seen)
{
	static const __u8 no_mac[6];
	const struct endpoint *e = &c->model->endpoints[i];
	const struct place at = { OBJECT_ENDPOINT, i };
	char *text = seen->device_texts + i * DEVICE_TEXT_MAX;
	const struct endpoint *owner = NULL;
	char mac[MAC_TEXT_MAX];

	snprintf(text, DEVICE_TEXT_MAX, "%s %s",
		 e->netns[0] ? e->netns : e->name, e->ifname);
	if (e->ifname[0])
		owner = index_add(&seen->devices, text, strlen(text), e);
	if (owner)
		check_conflict(c, at, "ifname-in-use",
			       "endpoint '%s': %s in netns '%s' is taken by "
			       "'%s'",
			       e->name, e->ifname,
			       e->netns[0] ? e->netns : e->name, owner->name);

	if (!memcmp(e->mac, no_mac, sizeof(no_mac)))
		return;
	if (e->mac[0] & 1)
		check_usage(c, at, NULL, "endpoint '%s': mac %s is a multicast",
			    e->name, mac_print(e->mac, mac));
	owner = index_add(&seen->macs, e->mac, sizeof(e->mac), e);
	if (owner)
		check_conflict(c, at, "mac-in-use",
			       "endpoint '%s': mac %s is taken by '%s'",
			       e->name, mac_print(e->mac, mac), owner->name);
}

static const struct cidr *subnet_of(const struct network *network,
				    const struct ipaddr *ip, size_t *ret_index)
{
	for (size_t s = 0; s < network->nsubnets; s++) {
		if (cidr_contains(&network->subnets[s], ip)) {
			*ret_index = s;
			return &network->subnets[s];
		}
	}
	return NULL;
}

static bool is_gateway(const struct network *network, size_t s,
		       const struct ipaddr *ip)
{
	struct ipaddr gateway = network->gateways[s];

	/* It gives way, see address.c. */
	if (network->type == NETWORK_P2P && !network->gateway_named)
		return false;
	/* Not filled yet: it will be the first address. */
	if (ip_is_zero(&gateway))
		gateway = cidr_first(&network->subnets[s]);
	return ip_equal(&gateway, ip);
}

static void check_ip(struct check *c, struct place at, const struct endpoint *e,
		     const struct network *network, const struct ipaddr *ip,
		     bool has_ip[NETWORK_SUBNETS_MAX])
{
	const struct cidr *subnet;
	char text[IP_TEXT_MAX], prefix[CIDR_TEXT_MAX];
	size_t s;

	ip_print(ip, text);
	subnet = subnet_of(network, ip, &s);
	if (!subnet) {
		check_conflict(c, at, "bad-ip",
			       "endpoint '%s': %s is in no subnet of network "
			       "'%s'",
			       e->name, text, network->name);
		return;
	}
	cidr_print(subnet, prefix);
	if (!in_hosts(subnet, ip))
		check_conflict(c, at, "bad-ip",
			       "endpoint '%s': %s is not a host of subnet %s",
			       e->name, text, prefix);
	if (is_gateway(network, s, ip))
		check_conflict(c, at, "ip-in-use",
			       "endpoint '%s': %s is the gateway of network "
			       "'%s'",
			       e->name, text, network->name);
	if (has_ip[s])
		check_usage(c, at, "one address in each subnet",
			    "endpoint '%s': %s is a second address in %s",
			    e->name, text, prefix);
	has_ip[s] = true;
}

static void check_ips(struct check *c, size_t i, struct endpoints_seen *seen)
{
	const struct endpoint *e = &c->model->endpoints[i];
	const struct place at = { OBJECT_ENDPOINT, i };
	const struct network *network =
		index_find_name(&c->networks, e->network);
	bool has_ip[NETWORK_SUBNETS_MAX] = {};
	char text[IP_TEXT_MAX];

	if (!network) {
		if (e->network[0])
			check_missing(c, at, OBJECT_NETWORK, e->network,
				      "endpoint '%s'", e->name);
		else
			check_usage(c, at, NULL,
				    "endpoint '%s': a network is missing",
				    e->name);
		return;
	}
	for (size_t k = 0; k < e->nips; k++) {
		const struct endpoint *owner;

		check_ip(c, at, e, network, &e->ips[k], has_ip);
		owner = index_add(&seen->ips, &e->ips[k], sizeof(e->ips[k]), e);
		if (owner && owner != e)
			check_conflict(c, at, "ip-in-use",
				       "endpoint '%s': %s is taken by '%s'",
				       e->name, ip_print(&e->ips[k], text),
				       owner->name);
	}
}

static void endpoints_seen_free(struct endpoints_seen *seen)
{
	index_free(&seen->names);
	index_free(&seen->ips);
	index_free(&seen->macs);
	index_free(&seen->devices);
	free(seen->device_texts);
}

void check_endpoints(struct check *c)
{
	size_t count = c->model->nendpoints;
	__attribute__((
		cleanup(endpoints_seen_free))) struct endpoints_seen seen = {};

	seen.device_texts = calloc(count + 1, DEVICE_TEXT_MAX);
	if (!seen.device_texts || index_make(count, &seen.names) ||
	    index_make(count * ENDPOINT_ADDRS_MAX, &seen.ips) ||
	    index_make(count, &seen.macs) || index_make(count, &seen.devices)) {
		check_out_of_memory(c);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		check_endpoint_names(c, i, &seen);
		check_device(c, i, &seen);
		check_ips(c, i, &seen);
	}
	if (count >= ENDPOINTS_MAX)
		check_conflict(
			c, (struct place){ OBJECT_ENDPOINT, ENDPOINTS_MAX - 1 },
			"limit", "too many endpoints (at most %d)",
			ENDPOINTS_MAX - 1);
}
