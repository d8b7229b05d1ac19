/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* random_model - valid models made from a seed, for tests of properties */
#ifndef TESTS_RANDOM_MODEL_H
#define TESTS_RANDOM_MODEL_H

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"

/*
 * Names and ports come from small pools, so that two models of different seeds
 * share some objects, differ in others, and lack the rest. Fields that users
 * may leave open are open in about half of the objects.
 */
struct dice {
	uint64_t state;
};

/* splitmix64: every seed gives a good sequence, also 0. */
static inline uint64_t dice_roll(struct dice *dice, uint64_t sides)
{
	uint64_t z = dice->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % sides;
}

static inline struct ipaddr ipv4(unsigned int a, unsigned int b, unsigned int c,
				 unsigned int d)
{
	return ip_from_v4(htonl(a << 24 | b << 16 | c << 8 | d));
}

static inline void random_netns(struct dice *dice, struct model *m)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct netns ns = { .origin = ORIGIN_FILE };

		if (dice_roll(dice, 2))
			continue;
		snprintf(ns.name, sizeof(ns.name), "space%u", i);
		ns.ndns = dice_roll(dice, 3);
		for (unsigned int k = 0; k < ns.ndns; k++)
			ns.dns[k] = ipv4(9, 9, 9, k + 1);
		model_add_netns(m, &ns);
	}
}

static inline void random_networks(struct dice *dice, struct model *m)
{
	for (unsigned int i = 0; i < 6; i++) {
		struct network n = { .origin = ORIGIN_FILE };
		unsigned int variant = (unsigned int)dice_roll(dice, 3);

		if (!dice_roll(dice, 4))
			continue;
		snprintf(n.name, sizeof(n.name),
			 i & 1 ? "a-long-network%u" : "net%u", i);
		n.internal = dice_roll(dice, 3) == 0;
		n.icc = dice_roll(dice, 4) != 0;
		n.masquerade = dice_roll(dice, 4) != 0;
		n.mtu = dice_roll(dice, 3) ? 0 : 1400;
		n.routed = dice_roll(dice, 4) == 0;
		n.nsnat = n.masquerade && !n.routed && dice_roll(dice, 2);
		n.snat[0] = ipv4(203, 0, 113, 10 + variant);
		n.nno_masq = dice_roll(dice, 3);
		for (unsigned int k = 0; k < n.nno_masq; k++)
			n.no_masq[k] = (struct cidr){
				.addr = ipv4(172, 16 + variant, k, 0), .len = 24
			};
		n.nsubnets = dice_roll(dice, 3);
		for (unsigned int s = 0; s < n.nsubnets; s++) {
			n.subnets[s].addr = ipv4(10, i, s * 8 + variant, 0);
			n.subnets[s].len = 24;
			if (!dice_roll(dice, 3))
				n.gateways[s] =
					ipv4(10, i, s * 8 + variant, 254);
		}
		if (!dice_roll(dice, 3)) {
			n.type = NETWORK_P2P;
			n.icc = true;
			for (unsigned int s = 0; s < n.nsubnets; s++)
				n.gateway_named |= !ip_is_zero(&n.gateways[s]);
		}
		if (n.nsubnets && !dice_roll(dice, 3)) {
			n.range_first = ipv4(10, i, variant, 100);
			n.range_last = ipv4(10, i, variant, 150);
		}
		model_add_network(m, &n);
	}
}

static inline size_t count_endpoints(const struct model *m, const char *network)
{
	size_t count = 0;

	for (size_t i = 0; i < m->nendpoints; i++)
		count += !strcmp(m->endpoints[i].network, network);
	return count;
}

/* A cable has two ends, of which the host may hold one. */
static inline bool has_room(const struct model *m, const struct network *n)
{
	return n->type == NETWORK_BRIDGE ||
	       count_endpoints(m, n->name) < (n->gateway_named ? 1 : 2);
}

/* The host has no part in it: neither ports nor rules can name it. */
static inline bool is_direct(const struct model *m, const char *network)
{
	return model_find_network(m, network)->type == NETWORK_P2P &&
	       count_endpoints(m, network) == 2;
}

static inline void random_endpoint(struct dice *dice, struct model *m,
				   unsigned int i)
{
	struct endpoint e = { .origin = ORIGIN_FILE };
	const struct network *network =
		&m->networks[dice_roll(dice, m->nnetworks)];

	if (!has_room(m, network))
		return;
	snprintf(e.name, sizeof(e.name), i & 1 ? "endpoint-%u" : "e%u", i);
	strcpy(e.network, network->name);
	e.default_route = dice_roll(dice, 4) != 0;
	if (!dice_roll(dice, 3))
		snprintf(e.netns, sizeof(e.netns), "space%u",
			 (unsigned int)dice_roll(dice, 3));
	else if (!dice_roll(dice, 5))
		snprintf(e.netns, sizeof(e.netns), "pid:%u", 100 + i);
	if (!dice_roll(dice, 4))
		snprintf(e.ifname, sizeof(e.ifname), "lan%u", i);
	if (!dice_roll(dice, 4))
		memcpy(e.mac, (__u8[]){ 2, 0, 0, 0, 1, (__u8)i }, 6);
	if (network->nsubnets && !dice_roll(dice, 2)) {
		e.ips[0] = ip_add(&network->subnets[0].addr, 10 + (long)i);
		e.nips = 1;
	}
	model_add_endpoint(m, &e);
}

static inline void random_publish(struct dice *dice, struct model *m,
				  unsigned int i)
{
	struct publish p = { .origin = ORIGIN_FILE };
	const struct endpoint *e =
		&m->endpoints[dice_roll(dice, m->nendpoints)];

	if (is_direct(m, e->network))
		return;
	strcpy(p.endpoint, e->name);
	p.proto = dice_roll(dice, 2) ? IPPROTO_TCP : IPPROTO_UDP;
	p.any_host = dice_roll(dice, 2);
	if (!p.any_host)
		p.host_ip =
			ipv4(192, 0, 2, 1 + (unsigned int)dice_roll(dice, 2));
	p.port = (__u16)(8000 + 10 * i);
	p.port_last = (__u16)(p.port + (dice_roll(dice, 2) ? 0 : 5));
	p.target_port = dice_roll(dice, 2) ? p.port : 80;
	p.nfrom = dice_roll(dice, 3);
	for (unsigned int k = 0; k < p.nfrom; k++)
		p.from[k] = (struct cidr){ ipv4(198, 51, k, 0), 24 };
	model_add_publish(m, &p);
}

static inline struct policy_peer random_peer(struct dice *dice,
					     const struct model *m)
{
	static const char *const fixed[] = { "any", "host", "world",
					     "198.51.100.0/24", "192.0.2.7" };
	const struct endpoint *e =
		&m->endpoints[dice_roll(dice, m->nendpoints)];
	const struct network *n = &m->networks[dice_roll(dice, m->nnetworks)];
	uint64_t kind = dice_roll(dice, 3);
	struct policy_peer peer = {};

	if (kind == 1 && !is_direct(m, e->network)) {
		peer.kind = SEL_ENDPOINT;
		strcpy(peer.name, e->name);
	} else if (kind == 2 && !is_direct(m, n->name)) {
		peer.kind = SEL_NETWORK;
		strcpy(peer.name, n->name);
	} else {
		policy_peer_parse(fixed[dice_roll(dice, 5)], &peer, NULL);
	}
	return peer;
}

static inline void random_rule(struct dice *dice, struct model *m,
			       unsigned int i)
{
	static const __u8 protos[] = { 0, IPPROTO_TCP, IPPROTO_UDP,
				       IPPROTO_ICMP };
	struct policy_rule r = { .origin = ORIGIN_FILE };

	if (dice_roll(dice, 2))
		snprintf(r.name, sizeof(r.name), "named%u", i);
	r.from = random_peer(dice, m);
	r.to = random_peer(dice, m);
	r.proto = protos[dice_roll(dice, 4)];
	if (r.proto == IPPROTO_TCP || r.proto == IPPROTO_UDP)
		r.nports = dice_roll(dice, 12);
	for (unsigned int k = 0; k < r.nports; k++)
		r.ports[k] = (struct port_range){ (__u16)(100 + k),
						  (__u16)(100 + 2 * k) };
	r.action = dice_roll(dice, 3);
	r.log = dice_roll(dice, 2);
	if (!dice_roll(dice, 8)) {
		r.dormant = true;
		r.to.kind = SEL_ENDPOINT;
		strcpy(r.to.name, "ended");
	}
	model_add_rule(m, &r, dice_roll(dice, i + 1));
}

static inline void random_uplinks(struct dice *dice, struct model *m)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct uplink u = { .origin = ORIGIN_FILE };

		if (dice_roll(dice, 2))
			continue;
		snprintf(u.ifname, sizeof(u.ifname), "up%u", i);
		u.nsnat = dice_roll(dice, 2);
		u.snat[0] = ipv4(203, 0, 113, 1 + i);
		model_add_uplink(m, &u);
	}
}

/* A model that model_check accepts, not filled, to be freed by the caller. */
static inline struct model random_model(uint64_t seed)
{
	struct dice dice = { seed };
	struct model m;

	model_init(&m);
	m.settings.inter_allow = dice_roll(&dice, 2);
	m.settings.uplink_auto = dice_roll(&dice, 4) != 0;
	m.settings.udp = 30 + (__u32)dice_roll(&dice, 2);
	if (dice_roll(&dice, 2)) {
		m.settings.nat_port_min = 20000;
		m.settings.nat_port_max = 30000;
	}
	random_netns(&dice, &m);
	random_networks(&dice, &m);
	random_uplinks(&dice, &m);
	for (unsigned int i = 0; m.nnetworks && i < 12; i++)
		if (dice_roll(&dice, 4))
			random_endpoint(&dice, &m, i);
	for (unsigned int i = 0; m.nendpoints && i < 8; i++)
		if (dice_roll(&dice, 3))
			random_publish(&dice, &m, i);
	for (unsigned int i = 0; m.nendpoints && i < dice_roll(&dice, 9); i++)
		random_rule(&dice, &m, i);
	return m;
}

/* Each object has one of the three makers. */
static inline void random_origins(uint64_t seed, struct model *m)
{
	struct dice dice = { seed };

	for (size_t i = 0; i < m->nnetns; i++)
		m->netns[i].origin = dice_roll(&dice, 3);
	for (size_t i = 0; i < m->nnetworks; i++)
		m->networks[i].origin = dice_roll(&dice, 3);
	for (size_t i = 0; i < m->nendpoints; i++)
		m->endpoints[i].origin = dice_roll(&dice, 3);
	for (size_t i = 0; i < m->npublishes; i++)
		m->publishes[i].origin = dice_roll(&dice, 3);
	for (size_t i = 0; i < m->nrules; i++)
		m->rules[i].origin = dice_roll(&dice, 3);
	for (size_t i = 0; i < m->nuplinks; i++)
		m->uplinks[i].origin = dice_roll(&dice, 3);
}

/* Same objects in the same order, origin left out. */
static inline bool model_equal(const struct model *a, const struct model *b)
{
	bool same = settings_equal(&a->settings, &b->settings) &&
		    a->nnetns == b->nnetns && a->nnetworks == b->nnetworks &&
		    a->nendpoints == b->nendpoints &&
		    a->npublishes == b->npublishes && a->nrules == b->nrules &&
		    a->nuplinks == b->nuplinks;

	for (size_t i = 0; same && i < a->nnetns; i++)
		same = netns_equal(&a->netns[i], &b->netns[i]);
	for (size_t i = 0; same && i < a->nnetworks; i++)
		same = network_equal(&a->networks[i], &b->networks[i]);
	for (size_t i = 0; same && i < a->nendpoints; i++)
		same = endpoint_equal(&a->endpoints[i], &b->endpoints[i]);
	for (size_t i = 0; same && i < a->npublishes; i++)
		same = publish_equal(&a->publishes[i], &b->publishes[i]);
	for (size_t i = 0; same && i < a->nrules; i++)
		same = rule_equal(&a->rules[i], &b->rules[i]);
	for (size_t i = 0; same && i < a->nuplinks; i++)
		same = uplink_equal(&a->uplinks[i], &b->uplinks[i]);
	return same;
}

#endif
