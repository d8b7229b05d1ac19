/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* random_policy - rule lists from a seed, and what they say, rule by rule */
#ifndef TESTS_RANDOM_POLICY_H
#define TESTS_RANDOM_POLICY_H

#include <stdlib.h>

#include "random_model.h"

/*
 * The same small world as in the packet tests: two endpoints in network front,
 * one in back, a host, and others outside. The rules' prefixes lie around
 * these addresses, so that many of them match something.
 */
enum party_place { AT_WORLD, AT_HOST, AT_ENDPOINT };

struct party {
	enum party_place place;
	const char *endpoint;
	const char *network;
	struct ipaddr ip;
};

struct service {
	__u8 proto;
	__u16 port; /* 0 unless TCP or UDP */
};

static const __u16 random_ports[] = { 1,    53,	  79,	 80,	81,    255,
				      256,  443,  3306,	 8080,	32767, 32768,
				      4000, 4096, 65534, 65535, 511,   512 };
#define RANDOM_PORTS (sizeof(random_ports) / sizeof(*random_ports))

static inline struct ipaddr ip_text(const char *text)
{
	struct ipaddr ip = { { 0 } };

	ip_parse(text, &ip);
	return ip;
}

/* Parties 0 to 2 are web, mate and db, 3 is the host, the rest outside. */
static inline struct party random_party(struct dice *dice, unsigned int which,
					bool v4)
{
	static const char *const text[][2] = {
		{ "fd00:10::10", "192.168.10.10" },
		{ "fd00:10::20", "192.168.10.20" },
		{ "fd00:20::10", "192.168.20.10" },
		{ "fd00:10::1", "192.168.10.1" },
		{ "2001:db8:7::", "203.0.113.0" },
	};
	static const char *const endpoints[] = { "web", "mate", "db" };
	struct party party = { .place = AT_WORLD };

	which = which > 4 ? 4 : which;
	party.ip = ip_text(text[which][v4]);
	if (which < 3) {
		party.place = AT_ENDPOINT;
		party.endpoint = endpoints[which];
		party.network = which == 2 ? "back" : "front";
	} else if (which == 3) {
		party.place = AT_HOST;
	} else {
		party.ip = ip_add(&party.ip, 1 + (long)dice_roll(dice, 250));
	}
	return party;
}

static inline struct service random_service(struct dice *dice, bool v4)
{
	struct service service = {
		.port = random_ports[dice_roll(dice, RANDOM_PORTS)],
	};

	switch (dice_roll(dice, 5)) {
	case 0:
		service.proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		service.port = 0;
		return service;
	case 1:
	case 2:
		service.proto = IPPROTO_UDP;
		break;
	default:
		service.proto = IPPROTO_TCP;
	}
	if (!dice_roll(dice, 4))
		service.port = 1 + dice_roll(dice, 65535);
	return service;
}

/* ---------------------------------------------------------------- lists */

static inline struct cidr random_cidr(struct dice *dice)
{
	bool v4 = dice_roll(dice, 2);
	struct party party = random_party(dice, dice_roll(dice, 8), v4);
	int max = v4 ? 32 : 128;
	struct cidr cidr = { .addr = party.ip };

	/* Half of them close around the address. */
	cidr.len =
		max - (int)dice_roll(dice, dice_roll(dice, 2) ? 12 : max + 1);
	return cidr_subnet(&cidr);
}

static inline struct policy_peer random_policy_peer(struct dice *dice)
{
	static const char *const endpoints[] = { "web", "mate", "db", "ghost" };
	static const char *const networks[] = { "front", "back", "empty" };
	struct policy_peer peer = { .kind = SEL_ANY };
	const char *name = "";

	switch (dice_roll(dice, 12)) {
	case 0:
	case 1:
		break;
	case 2:
		peer.kind = SEL_HOST;
		break;
	case 3:
		peer.kind = SEL_WORLD;
		break;
	case 4:
	case 5:
	case 6:
		peer.kind = SEL_ENDPOINT;
		name = endpoints[dice_roll(dice, 4)];
		break;
	case 7:
	case 8:
		peer.kind = SEL_NETWORK;
		name = networks[dice_roll(dice, 3)];
		break;
	default:
		peer.kind = SEL_CIDR;
		peer.cidr = random_cidr(dice);
	}
	snprintf(peer.name, sizeof(peer.name), "%s", name);
	return peer;
}

/* A prefix or a network that nobody in a packet has. */
static inline struct policy_peer random_stranger(struct dice *dice)
{
	struct policy_peer peer = { .kind = SEL_NETWORK, .name = "empty" };

	if (dice_roll(dice, 2))
		return peer;
	peer.kind = SEL_CIDR;
	peer.cidr.addr = ipv4(240, dice_roll(dice, 8), dice_roll(dice, 8), 0);
	peer.cidr.len = 8 + (int)dice_roll(dice, 25);
	peer.cidr = cidr_subnet(&peer.cidr);
	return peer;
}

static inline void random_rule_ports(struct dice *dice,
				     struct policy_rule *rule)
{
	rule->nports = dice_roll(dice, 2) ? dice_roll(dice, 4) :
					    dice_roll(dice, RULE_PORTS_MAX + 1);
	for (size_t i = 0; i < rule->nports; i++) {
		struct port_range *range = &rule->ports[i];

		range->low = random_ports[dice_roll(dice, RANDOM_PORTS)];
		range->high = range->low;
		if (!dice_roll(dice, 3))
			range->high += dice_roll(dice, 65536 - range->low);
		else if (range->high < 65535)
			range->high += dice_roll(dice, 2);
	}
}

static inline struct policy_rule random_policy_rule(struct dice *dice)
{
	static const __u8 protos[] = { 0,	    0,
				       IPPROTO_TCP, IPPROTO_TCP,
				       IPPROTO_UDP, IPPROTO_ICMP,
				       IPPROTO_UDP, IPPROTO_ICMPV6 };
	struct policy_rule rule = {
		.from = random_policy_peer(dice),
		.to = random_policy_peer(dice),
		.proto = protos[dice_roll(dice, sizeof(protos))],
		.action = dice_roll(dice, 3),
	};

	if (rule.proto == IPPROTO_TCP || rule.proto == IPPROTO_UDP ||
	    !dice_roll(dice, 6))
		random_rule_ports(dice, &rule);
	return rule;
}

/*
 * Long lists are mostly rules about strangers, or the first few rules would
 * decide everything; one end of such a rule may well match.
 */
static inline void random_policy(struct dice *dice, struct model *m)
{
	static const unsigned int lengths[] = {
		1, 8, 8, 24, 24, 100, 300, 6000
	};
	size_t count = dice_roll(
		dice, 1 + lengths[dice_roll(dice, sizeof(lengths) /
							  sizeof(*lengths))]);

	m->rules = calloc(count + 1, sizeof(*m->rules));
	for (size_t i = 0; m->rules && i < count; i++) {
		struct policy_rule rule = random_policy_rule(dice);

		if (count > 30 && dice_roll(dice, count) > 20) {
			if (dice_roll(dice, 2))
				rule.from = random_stranger(dice);
			else
				rule.to = random_stranger(dice);
		}
		rule.id = i + 1;
		m->rules[m->nrules++] = rule;
	}
}

/* The endpoints and networks that rules name, by their numbers in the packet
 * tests. */
static inline void random_policy_world(struct model *m)
{
	static const char *const names[] = { "web", "mate", "db" };
	struct network front = { .name = "front", .id = 1 };
	struct network back = { .name = "back", .id = 2 };
	struct network empty = { .name = "empty", .id = 3 };

	model_init(m);
	model_add_network(m, &front);
	model_add_network(m, &back);
	model_add_network(m, &empty);
	for (__u32 i = 0; i < 3; i++) {
		struct endpoint endpoint = { .slot = i + 1 };

		snprintf(endpoint.name, sizeof(endpoint.name), "%s", names[i]);
		model_add_endpoint(m, &endpoint);
	}
}

/* ----------------------------------------------------- what a list says */

static inline bool naive_bits(const struct ipaddr *left,
			      const struct ipaddr *right, int bits)
{
	const __u8 *a = (const __u8 *)left, *b = (const __u8 *)right;

	for (int i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

/* An IPv6 prefix has no IPv4 address in it, however they are written. */
static inline bool naive_prefix(const struct cidr *cidr,
				const struct ipaddr *ip)
{
	bool v4 = ip_is_v4(&cidr->addr);

	return v4 == ip_is_v4(ip) &&
	       naive_bits(&cidr->addr, ip, cidr->len + (v4 ? 96 : 0));
}

static inline bool naive_peer(const struct policy_peer *peer,
			      const struct party *party)
{
	switch (peer->kind) {
	case SEL_ANY:
		return true;
	case SEL_HOST:
		return party->place == AT_HOST;
	case SEL_WORLD:
		return party->place == AT_WORLD;
	case SEL_ENDPOINT:
		return party->endpoint && !strcmp(peer->name, party->endpoint);
	case SEL_NETWORK:
		return party->network && !strcmp(peer->name, party->network);
	case SEL_CIDR:
		return naive_prefix(&peer->cidr, &party->ip);
	}
	return false;
}

static inline bool naive_service(const struct policy_rule *rule,
				 const struct service *service)
{
	if (rule->proto && rule->proto != service->proto)
		return false;
	if (!rule->nports)
		return true;
	if (service->proto != IPPROTO_TCP && service->proto != IPPROTO_UDP)
		return false;
	for (size_t i = 0; i < rule->nports; i++)
		if (service->port >= rule->ports[i].low &&
		    service->port <= rule->ports[i].high)
			return true;
	return false;
}

/* The first rule that matches, or NULL. */
static inline const struct policy_rule *
naive_find(const struct model *m, const struct party *from,
	   const struct party *to, const struct service *service)
{
	for (size_t i = 0; i < m->nrules; i++)
		if (naive_peer(&m->rules[i].from, from) &&
		    naive_peer(&m->rules[i].to, to) &&
		    naive_service(&m->rules[i], service))
			return &m->rules[i];
	return NULL;
}

#endif
