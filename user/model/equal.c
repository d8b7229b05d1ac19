/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* equal - whether two objects say the same */
#include <string.h>

#include "model/model.h"

/*
 * Field by field: the bytes behind a name's end and between fields may differ,
 * and origin is no part of what an object says.
 */
static bool text_equal(const char *a, const char *b)
{
	return !strcmp(a, b);
}

static bool ips_equal(const struct ipaddr *a, size_t na, const struct ipaddr *b,
		      size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++)
		if (!ip_equal(&a[i], &b[i]))
			return false;
	return true;
}

static bool cidrs_equal(const struct cidr *a, size_t na, const struct cidr *b,
			size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++)
		if (!cidr_equal(&a[i], &b[i]))
			return false;
	return true;
}

bool netns_equal(const struct netns *a, const struct netns *b)
{
	/* Not adopted, cookie and mount: nobody wrote them, they are what
	 * apply once found. */
	return text_equal(a->name, b->name) && a->implied == b->implied &&
	       ips_equal(a->dns, a->ndns, b->dns, b->ndns);
}

bool network_equal(const struct network *a, const struct network *b)
{
	return text_equal(a->name, b->name) && a->type == b->type &&
	       cidrs_equal(a->subnets, a->nsubnets, b->subnets, b->nsubnets) &&
	       ips_equal(a->gateways, a->nsubnets, b->gateways, b->nsubnets) &&
	       a->gateway_named == b->gateway_named &&
	       ip_equal(&a->range_first, &b->range_first) &&
	       ip_equal(&a->range_last, &b->range_last) &&
	       a->internal == b->internal && a->icc == b->icc &&
	       a->masquerade == b->masquerade && a->routed == b->routed &&
	       ips_equal(a->snat, a->nsnat, b->snat, b->nsnat) &&
	       cidrs_equal(a->no_masq, a->nno_masq, b->no_masq, b->nno_masq) &&
	       a->mtu == b->mtu && a->id == b->id &&
	       text_equal(a->bridge, b->bridge) &&
	       !memcmp(a->mac, b->mac, sizeof(a->mac));
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return text_equal(a->name, b->name) &&
	       text_equal(a->network, b->network) &&
	       text_equal(a->netns, b->netns) &&
	       text_equal(a->ifname, b->ifname) &&
	       text_equal(a->host_ifname, b->host_ifname) &&
	       ips_equal(a->ips, a->nips, b->ips, b->nips) &&
	       !memcmp(a->mac, b->mac, sizeof(a->mac)) &&
	       a->default_route == b->default_route && a->slot == b->slot;
}

bool publish_equal(const struct publish *a, const struct publish *b)
{
	return a->proto == b->proto && a->any_host == b->any_host &&
	       (a->any_host || ip_equal(&a->host_ip, &b->host_ip)) &&
	       a->port == b->port && a->port_last == b->port_last &&
	       text_equal(a->endpoint, b->endpoint) &&
	       a->target_port == b->target_port &&
	       cidrs_equal(a->from, a->nfrom, b->from, b->nfrom) &&
	       a->id == b->id;
}

bool publish_collides(const struct publish *a, const struct publish *b)
{
	return a->proto == b->proto && a->port <= b->port_last &&
	       b->port <= a->port_last &&
	       (a->any_host || b->any_host ||
		ip_equal(&a->host_ip, &b->host_ip));
}

static bool peer_equal(const struct policy_peer *a, const struct policy_peer *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == SEL_ENDPOINT || a->kind == SEL_NETWORK)
		return text_equal(a->name, b->name);
	if (a->kind == SEL_CIDR)
		return cidr_equal(&a->cidr, &b->cidr);
	return true;
}

bool rule_equal(const struct policy_rule *a, const struct policy_rule *b)
{
	if (a->nports != b->nports)
		return false;
	for (size_t i = 0; i < a->nports; i++)
		if (a->ports[i].low != b->ports[i].low ||
		    a->ports[i].high != b->ports[i].high)
			return false;
	return text_equal(a->name, b->name) && peer_equal(&a->from, &b->from) &&
	       peer_equal(&a->to, &b->to) && a->proto == b->proto &&
	       a->action == b->action && a->log == b->log && a->id == b->id;
}

bool uplink_equal(const struct uplink *a, const struct uplink *b)
{
	return text_equal(a->ifname, b->ifname) &&
	       a->automatic == b->automatic &&
	       ips_equal(a->snat, a->nsnat, b->snat, b->nsnat);
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
	return a->uplink_auto == b->uplink_auto &&
	       a->intra_allow == b->intra_allow &&
	       a->inter_allow == b->inter_allow &&
	       a->nat_port_min == b->nat_port_min &&
	       a->nat_port_max == b->nat_port_max &&
	       a->flows_max == b->flows_max &&
	       a->flows_per_endpoint == b->flows_per_endpoint &&
	       a->tcp_established == b->tcp_established &&
	       a->tcp_half_open == b->tcp_half_open &&
	       a->tcp_closing == b->tcp_closing &&
	       a->tcp_reset == b->tcp_reset && a->udp == b->udp &&
	       a->udp_stream == b->udp_stream && a->icmp == b->icmp &&
	       a->other == b->other;
}
