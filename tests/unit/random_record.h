/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* random_record - objects of every kind with whatever a record can hold */
#ifndef TESTS_RANDOM_RECORD_H
#define TESTS_RANDOM_RECORD_H

#include "model/check.h"
#include "random_model.h"

/* What a member holds that a test does not know: no bool, no count. */
#define UNKNOWN 0x5a

static const struct {
	const char *name;
	size_t size;
} kinds[] = {
	[OBJECT_SETTINGS] = { "settings", sizeof(struct settings) },
	[OBJECT_NETNS] = { "netns", sizeof(struct netns) },
	[OBJECT_NETWORK] = { "network", sizeof(struct network) },
	[OBJECT_ENDPOINT] = { "endpoint", sizeof(struct endpoint) },
	[OBJECT_UPLINK] = { "uplink", sizeof(struct uplink) },
	[OBJECT_PUBLISH] = { "publish", sizeof(struct publish) },
	[OBJECT_RULE] = { "rule", sizeof(struct policy_rule) },
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static inline bool random_bool(struct dice *dice)
{
	return dice_roll(dice, 2);
}

static inline __u32 random_number(struct dice *dice, __u32 max)
{
	return dice_roll(dice, 4) ? dice_roll(dice, (uint64_t)max + 1) : max;
}

static inline void random_bytes(struct dice *dice, void *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((__u8 *)at)[i] = dice_roll(dice, 256);
}

static inline struct ipaddr random_ip(struct dice *dice)
{
	struct ipaddr ip;

	random_bytes(dice, &ip, sizeof(ip));
	return random_bool(dice) ? ip : ip_from_v4(ip.word[0]);
}

/* Both members are integers of 4 bytes: there is no padding. */
static inline struct cidr random_cidr(struct dice *dice)
{
	struct ipaddr ip = random_ip(dice);

	return (struct cidr){ ip,
			      (int)dice_roll(dice, ip_is_v4(&ip) ? 33 : 129) };
}

static inline void random_ips(struct dice *dice, struct ipaddr *ips, size_t max,
			      size_t count)
{
	memset(ips, 0, max * sizeof(*ips));
	for (size_t i = 0; i < count; i++)
		ips[i] = random_ip(dice);
}

static inline void random_cidrs(struct dice *dice, struct cidr *cidrs,
				size_t max, size_t count)
{
	memset(cidrs, 0, max * sizeof(*cidrs));
	for (size_t i = 0; i < count; i++)
		cidrs[i] = random_cidr(dice);
}

static inline void random_mac(struct dice *dice, __u8 mac[6])
{
	random_bytes(dice, mac, 6);
	mac[0] = (mac[0] & 0xfe) | 2;
}

/* Now and then as long as it may be; no word that has a meaning. */
static inline void random_text(struct dice *dice, char *text, size_t size)
{
	size_t len = dice_roll(dice, 4) ? 1 + dice_roll(dice, 8) : size - 1;

	memset(text, 0, size);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + dice_roll(dice, 8));
}

static inline void fill_peer(struct dice *dice, struct policy_peer *peer)
{
	memset(peer, 0, sizeof(*peer));
	peer->kind = dice_roll(dice, SEL_WORLD + 1);
	if (peer->kind == SEL_ENDPOINT || peer->kind == SEL_NETWORK)
		random_text(dice, peer->name, sizeof(peer->name));
	if (peer->kind == SEL_CIDR) {
		struct cidr cidr = random_cidr(dice);

		peer->cidr = cidr_subnet(&cidr);
	}
}

static inline void fill_settings(struct dice *dice, struct settings *s)
{
	s->uplink_auto = random_bool(dice);
	s->intra_allow = random_bool(dice);
	s->inter_allow = random_bool(dice);
	s->nat_port_min = random_number(dice, UINT16_MAX);
	s->nat_port_max = random_number(dice, UINT16_MAX);
	s->flows_max = random_number(dice, UINT32_MAX);
	s->flows_per_endpoint = random_number(dice, UINT32_MAX);
	s->tcp_established = random_number(dice, UINT32_MAX);
	s->tcp_half_open = random_number(dice, UINT32_MAX);
	s->tcp_closing = random_number(dice, UINT32_MAX);
	s->tcp_reset = random_number(dice, UINT32_MAX);
	s->udp = random_number(dice, UINT32_MAX);
	s->udp_stream = random_number(dice, UINT32_MAX);
	s->icmp = random_number(dice, UINT32_MAX);
	s->other = random_number(dice, UINT32_MAX);
}

static inline void fill_space(struct dice *dice, struct netns *ns)
{
	random_text(dice, ns->name, sizeof(ns->name));
	ns->origin = dice_roll(dice, ORIGIN_CNI + 1);
	ns->ndns = random_number(dice, 3);
	random_ips(dice, ns->dns, 3, ns->ndns);
	ns->implied = random_bool(dice);
	ns->adopted = random_bool(dice);
	ns->cookie = random_number(dice, UINT32_MAX) * 3ull;
	ns->mount = random_number(dice, UINT32_MAX) * 3ull;
}

static inline void fill_network(struct dice *dice, struct network *n)
{
	random_text(dice, n->name, sizeof(n->name));
	n->origin = dice_roll(dice, ORIGIN_CNI + 1);
	n->type = dice_roll(dice, NETWORK_P2P + 1);
	n->nsubnets = random_number(dice, NETWORK_SUBNETS_MAX);
	random_cidrs(dice, n->subnets, NETWORK_SUBNETS_MAX, n->nsubnets);
	random_ips(dice, n->gateways, NETWORK_SUBNETS_MAX, n->nsubnets);
	n->gateway_named = random_bool(dice);
	n->range_first = random_ip(dice);
	n->range_last = random_ip(dice);
	n->internal = random_bool(dice);
	n->icc = random_bool(dice);
	n->masquerade = random_bool(dice);
	n->routed = random_bool(dice);
	n->nsnat = random_number(dice, 2);
	random_ips(dice, n->snat, 2, n->nsnat);
	n->nno_masq = random_number(dice, NETWORK_NO_MASQ_MAX);
	random_cidrs(dice, n->no_masq, NETWORK_NO_MASQ_MAX, n->nno_masq);
	n->mtu = random_number(dice, UINT32_MAX);
	n->id = random_number(dice, NETWORKS_MAX - 1);
	random_text(dice, n->bridge, sizeof(n->bridge));
	random_mac(dice, n->mac);
}

static inline void fill_endpoint(struct dice *dice, struct endpoint *e)
{
	random_text(dice, e->name, sizeof(e->name));
	e->origin = dice_roll(dice, ORIGIN_CNI + 1);
	random_text(dice, e->network, sizeof(e->network));
	random_text(dice, e->netns, sizeof(e->netns));
	random_text(dice, e->ifname, sizeof(e->ifname));
	random_text(dice, e->host_ifname, sizeof(e->host_ifname));
	e->nips = random_number(dice, ENDPOINT_ADDRS_MAX);
	random_ips(dice, e->ips, ENDPOINT_ADDRS_MAX, e->nips);
	random_mac(dice, e->mac);
	e->default_route = random_bool(dice);
	e->slot = random_number(dice, ENDPOINTS_MAX - 1);
	e->netns_cookie = random_number(dice, UINT32_MAX) * 3ull;
	e->netns_mount = random_number(dice, UINT32_MAX) * 3ull;
	e->lo_before = dice_roll(dice, LO_NEW + 1);
}

static inline void fill_uplink(struct dice *dice, struct uplink *u)
{
	random_text(dice, u->ifname, sizeof(u->ifname));
	u->origin = dice_roll(dice, ORIGIN_CNI + 1);
	u->automatic = random_bool(dice);
	u->nsnat = random_number(dice, 2);
	random_ips(dice, u->snat, 2, u->nsnat);
}

static inline void fill_port(struct dice *dice, struct publish *p)
{
	p->origin = dice_roll(dice, ORIGIN_CNI + 1);
	p->proto = random_number(dice, UINT8_MAX);
	p->any_host = random_bool(dice);
	p->host_ip = random_ip(dice);
	p->port = random_number(dice, UINT16_MAX);
	p->port_last = random_number(dice, UINT16_MAX);
	random_text(dice, p->endpoint, sizeof(p->endpoint));
	p->target_port = random_number(dice, UINT16_MAX);
	p->nfrom = random_number(dice, PUBLISH_FROM_MAX);
	random_cidrs(dice, p->from, PUBLISH_FROM_MAX, p->nfrom);
	p->id = random_number(dice, PUBLISH_MAX - 1);
}

static inline void fill_rule(struct dice *dice, struct policy_rule *r)
{
	random_text(dice, r->name, sizeof(r->name));
	r->origin = dice_roll(dice, ORIGIN_CNI + 1);
	fill_peer(dice, &r->from);
	fill_peer(dice, &r->to);
	r->proto = random_number(dice, UINT8_MAX);
	r->nports = random_number(dice, sizeof(r->ports) / sizeof(*r->ports));
	memset(r->ports, 0, sizeof(r->ports));
	for (size_t i = 0; i < r->nports; i++) {
		r->ports[i].low = 1 + dice_roll(dice, 30000);
		r->ports[i].high = r->ports[i].low + dice_roll(dice, 30000);
	}
	r->action = dice_roll(dice, RULE_REJECT + 1);
	r->log = random_bool(dice);
	r->dormant = random_bool(dice);
	r->id = random_number(dice, RULES_MAX - 1);
}

/* What alignment leaves between two members, or behind the last one. A new
 * member that just fits in there has to be added to the filling by hand. */
#define END_OF(kind, member) \
	(offsetof(struct kind, member) + sizeof(((struct kind *)0)->member))
#define HOLE(kind, after, before)                                  \
	{                                                          \
		END_OF(kind, after), offsetof(struct kind, before) \
	}
#define TAIL(kind, after)                                \
	{                                                \
		END_OF(kind, after), sizeof(struct kind) \
	}

static const size_t holes[KINDS][4][2] = {
	[OBJECT_SETTINGS] = { HOLE(settings, inter_allow, nat_port_min) },
	[OBJECT_NETNS] = { HOLE(netns, dns, ndns),
			   HOLE(netns, adopted, cookie) },
	[OBJECT_NETWORK] = { HOLE(network, routed, snat),
			     HOLE(network, snat, nsnat), TAIL(network, mac) },
	[OBJECT_ENDPOINT] = { HOLE(endpoint, ips, nips),
			      HOLE(endpoint, default_route, slot),
			      HOLE(endpoint, lo_before, netns_cookie) },
	[OBJECT_UPLINK] = { HOLE(uplink, automatic, snat) },
	[OBJECT_PUBLISH] = { HOLE(publish, any_host, host_ip),
			     HOLE(publish, target_port, from),
			     TAIL(publish, id) },
	[OBJECT_RULE] = { HOLE(policy_rule, proto, ports),
			  HOLE(policy_rule, ports, nports),
			  HOLE(policy_rule, dormant, id),
			  TAIL(policy_rule, id) },
};

/* Zeros in the holes, UNKNOWN in every member that is not filled here. */
static inline void fill_object(struct dice *dice, enum object_kind kind,
			       union object *object)
{
	memset(object, UNKNOWN, sizeof(*object));
	for (size_t i = 0; i < sizeof(holes[kind]) / sizeof(*holes[kind]); i++)
		memset((char *)object + holes[kind][i][0], 0,
		       holes[kind][i][1] - holes[kind][i][0]);
	switch (kind) {
	case OBJECT_SETTINGS:
		fill_settings(dice, &object->settings);
		break;
	case OBJECT_NETNS:
		fill_space(dice, &object->netns);
		break;
	case OBJECT_NETWORK:
		fill_network(dice, &object->network);
		break;
	case OBJECT_ENDPOINT:
		fill_endpoint(dice, &object->endpoint);
		break;
	case OBJECT_UPLINK:
		fill_uplink(dice, &object->uplink);
		break;
	case OBJECT_PUBLISH:
		fill_port(dice, &object->publish);
		break;
	case OBJECT_RULE:
		fill_rule(dice, &object->rule);
		break;
	}
}

#endif
