/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* policy - the ordered rules: the first match decides */
#ifndef BPFNET_BPF_POLICY_H
#define BPFNET_BPF_POLICY_H

#include "first.h"
#include "maps.h"

struct rule_walk {
	__u32 base; /* of the bank in force */
	__u32 found; /* the rest is valid */
	__u32 action; /* enum rule_action */
	__u32 rule; /* id */
};

static __always_inline bool selector_matches(const struct selector *sel,
					     const struct peer *peer)
{
	switch (sel->kind) {
	case SELECT_ANY:
		return true;
	case SELECT_ENDPOINT:
		return peer->place == PLACE_ENDPOINT &&
		       peer->endpoint.slot == sel->id;
	case SELECT_NETWORK:
		return peer->place == PLACE_ENDPOINT &&
		       peer->network == sel->id;
	case SELECT_CIDR:
		return (peer->addr.word[0] & sel->mask.word[0]) ==
			       sel->addr.word[0] &&
		       (peer->addr.word[1] & sel->mask.word[1]) ==
			       sel->addr.word[1] &&
		       (peer->addr.word[2] & sel->mask.word[2]) ==
			       sel->addr.word[2] &&
		       (peer->addr.word[3] & sel->mask.word[3]) ==
			       sel->addr.word[3];
	case SELECT_HOST:
		return peer->place == PLACE_HOST;
	case SELECT_WORLD:
		return peer->place == PLACE_WORLD;
	default:
		return false;
	}
}

static __always_inline bool rule_port_matches(const struct rule_val *rule,
					      __u16 port)
{
	if (!rule->nports)
		return true;
	for (int i = 0; i < RULE_PORTS_MAX; i++) {
		if (i >= rule->nports)
			return false;
		if (port >= rule->ports[i].low && port <= rule->ports[i].high)
			return true;
	}
	return false;
}

static __always_inline bool rule_matches(const struct rule_val *rule,
					 const struct first *first)
{
	if (rule->proto && rule->proto != first->pkt.key.proto)
		return false;
	if (!rule_port_matches(rule, bpf_ntohs(first->backend_port)))
		return false;
	return selector_matches(&rule->from, &first->from) &&
	       selector_matches(&rule->to, &first->to);
}

static long rule_visit(__u32 index, struct rule_walk *walk)
{
	__u32 zero = 0, slot = walk->base + index;
	const struct first *first = bpf_map_lookup_elem(&bn_first, &zero);
	const struct rule_val *rule = bpf_map_lookup_elem(&bn_rules, &slot);

	if (!rule || !first)
		return 1;
	if (!rule_matches(rule, first))
		return 0;
	walk->action = rule->action;
	walk->rule = rule->id;
	walk->found = 1;
	return 1;
}

/*
 * Where no rule decides. Replies never come here. A published port opens its
 * endpoint to everybody whom its "from" list admits, other networks included,
 * but neither into an internal network nor out of one.
 */
static __always_inline bool default_allows(const struct first *first,
					   const struct datapath_config *config)
{
	if (first->from.place != PLACE_ENDPOINT ||
	    first->to.place != PLACE_ENDPOINT)
		return true;
	if (first->publish && !(first->network_flags & NETWORK_INTERNAL))
		return true;
	if (first->from.network != first->to.network)
		return config->inter == RULE_ALLOW;
	return config->intra == RULE_ALLOW &&
	       !(first->network_flags & NETWORK_NO_ICC);
}

/*
 * Comes after publish, so a rule names the address and port that the packet
 * will really reach, however the client spelled it. Replies never come here:
 * their flow exists only because the request was allowed.
 */
static __always_inline enum reason
policy_decide(struct first *first, const struct datapath_config *config)
{
	__u32 rules = config->rules;
	struct rule_walk walk = {
		.base = rules & RULES_BANK ? RULES_MAX : 0,
	};

	first->rule = 0;
	bpf_loop(rules & ~RULES_BANK, rule_visit, &walk, 0);
	if (!walk.found)
		return default_allows(first, config) ? REASON_OK :
						       REASON_POLICY_DEFAULT;
	first->rule = walk.rule;
	return walk.action == RULE_ALLOW ? REASON_OK : REASON_POLICY_DENY;
}

#endif
