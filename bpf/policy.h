/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* policy - the ordered rules: the first match decides */
#ifndef BPFNET_BPF_POLICY_H
#define BPFNET_BPF_POLICY_H

#include "first.h"
#include "maps.h"

/*
 * The rules are compiled to sets, see abi.h. A look-up reads the sets of both
 * ends and of the service, eight at most, and follows their summaries to the
 * words that all three answers have bits in. How many rules there are does not
 * matter for the sets, and for the words only through the bound POLICY_WORDS.
 */

static __always_inline const union policy_line *policy_line(void *lines,
							    __u32 line)
{
	return bpf_map_lookup_elem(lines, &line);
}

/* An element of a table of references. */
static __always_inline __u32 policy_ref(void *lines, __u32 table, __u32 index)
{
	const union policy_line *line =
		policy_line(lines, table + index / POLICY_REFS);

	return line ? line->refs[index % POLICY_REFS] : 0;
}

static __always_inline void set_load(void *lines, __u32 ref,
				     struct policy_set *ret)
{
	const union policy_line *line = ref ? policy_line(lines, ref) : NULL;

	if (line)
		*ret = line->set;
	else
		__builtin_memset(ret, 0, sizeof(*ret));
}

/* What rules say about the sender, or about the receiver. */
static __always_inline void party_load(void *lines, __u32 table,
				       const struct peer *peer,
				       struct policy_set sets[3],
				       __u32 cidr_ref)
{
	__u32 party = PARTY_WORLD, endpoint = 0;

	if (peer->place == PLACE_HOST)
		party = PARTY_HOST;
	if (peer->place == PLACE_ENDPOINT) {
		party = PARTY_NETWORK + peer->network;
		endpoint = policy_ref(lines, table,
				      PARTY_ENDPOINT + peer->endpoint.slot);
	}
	set_load(lines, policy_ref(lines, table, party), &sets[0]);
	set_load(lines, endpoint, &sets[1]);
	set_load(lines, cidr_ref, &sets[2]);
}

static __always_inline const struct policy_cidr_val *
policy_cidr_find(struct rule_query *query, const struct ipaddr *addr)
{
	query->cidr.prefix_bits = 32 + 128;
	query->cidr.bank = query->head.bank;
	query->cidr.addr = *addr;
	return bpf_map_lookup_elem(&bn_policy_cidr, &query->cidr);
}

static __always_inline void service_load(void *lines,
					 const struct policy_head *head,
					 const struct first *first,
					 struct policy_set sets[2])
{
	__u16 port = bpf_ntohs(first->backend_port);
	__u8 proto = first->pkt.key.proto;
	__u32 block = 0, ref = 0;

	set_load(lines, policy_ref(lines, head->protos, proto), &sets[0]);
	if (proto == IPPROTO_TCP)
		block = policy_ref(lines, head->blocks,
				   PORTS_TCP * 256 + (port >> 8));
	if (proto == IPPROTO_UDP)
		block = policy_ref(lines, head->blocks,
				   PORTS_UDP * 256 + (port >> 8));
	if (block)
		ref = policy_ref(lines, block, port & 255);
	set_load(lines, ref, &sets[1]);
}

static __always_inline __u64 group_of(const struct policy_set *sets, int count,
				      __u32 group)
{
	__u64 words = 0;

	for (int i = 0; i < count; i++)
		words |= sets[i].groups[group];
	return words;
}

/* A word of the group in hand; the only bit of `bit` says which. */
static __always_inline __u64 word_of(void *lines,
				     const struct rule_query *query,
				     const struct policy_set *sets, int count,
				     __u64 bit)
{
	__u32 group = query->group;
	__u64 word = 0;

	if (group >= POLICY_GROUPS)
		return 0;
	for (int i = 0; i < count; i++) {
		__u64 kept = sets[i].groups[group];
		const union policy_line *line;
		__u32 at;

		if (!(kept & bit))
			continue;
		at = sets[i].words + sets[i].rank[group] +
		     __builtin_popcountll(kept & (bit - 1));
		line = policy_line(lines, at / 4);
		if (line)
			word |= line->words[at % 4];
	}
	return word;
}

struct word_walk {
	void *lines; /* the one policy that is asked, even if it is replaced */
	struct rule_query *query;
};

/* The lowest word that is left. */
static long word_visit(__u32 index, struct word_walk *walk)
{
	struct rule_query *query = walk->query;
	void *lines = walk->lines;
	__u64 bit, word;

	(void)index;
	if (!lines || !query || !query->left)
		return 1;
	bit = query->left & -query->left;
	query->left ^= bit;
	word = word_of(lines, query, query->sets + SETS_FROM, 3, bit);
	if (word)
		word &= word_of(lines, query, query->sets + SETS_TO, 3, bit);
	if (word)
		word &= word_of(lines, query, query->sets + SETS_SERVICE, 2,
				bit);
	if (!word)
		return 0;
	query->found = 1;
	query->rule = 4096 * query->group + 64 * __builtin_popcountll(bit - 1) +
		      __builtin_popcountll((word & -word) - 1);
	return 1;
}

static __always_inline void rule_find(void *lines, struct rule_query *query)
{
	struct word_walk walk = { lines, query };

	query->found = 0;
	for (__u32 group = 0; group < POLICY_GROUPS; group++) {
		query->group = group;
		query->left = group_of(query->sets + SETS_FROM, 3, group) &
			      group_of(query->sets + SETS_TO, 3, group) &
			      group_of(query->sets + SETS_SERVICE, 2, group);
		if (query->left)
			bpf_loop(64, word_visit, &walk, 0);
		if (query->found)
			return;
	}
}

/* A function of its own, so that its stack is free again for the walk. */
static __noinline void sets_load(void *lines, struct first *first)
{
	const struct policy_cidr_val *from = NULL, *to = NULL;
	struct rule_query *query = &first->query;

	if (query->head.cidrs) {
		from = policy_cidr_find(query, &first->from.addr);
		to = policy_cidr_find(query, &first->to.addr);
	}
	party_load(lines, query->head.from, &first->from,
		   query->sets + SETS_FROM, from ? from->from : 0);
	party_load(lines, query->head.to, &first->to, query->sets + SETS_TO,
		   to ? to->to : 0);
	service_load(lines, &query->head, first, query->sets + SETS_SERVICE);
}

enum policy_found {
	POLICY_NO_RULE,
	POLICY_RULE, /* the query's verdict is what it says */
	POLICY_MISSING, /* the policy cannot be read */
};

/*
 * Asks the policy in force about the flow in bn_first. Global, so that it is
 * verified once, and not for every way that leads here.
 */
__noinline int policy_find(void)
{
	__u32 zero = 0;
	struct first *first = bpf_map_lookup_elem(&bn_first, &zero);
	void *lines = bpf_map_lookup_elem(&bn_policy, &zero);
	const union policy_line *line;
	struct rule_query *query;

	if (!lines)
		return POLICY_NO_RULE;
	line = policy_line(lines, 0);
	if (!line || !first)
		return POLICY_MISSING;
	query = &first->query;
	query->head = line->head;
	sets_load(lines, first);
	rule_find(lines, query);
	if (!query->found)
		return POLICY_NO_RULE;
	line = policy_line(lines, query->head.verdicts +
					  query->rule / POLICY_VERDICTS);
	if (!line)
		return POLICY_MISSING;
	query->verdict = line->verdicts[query->rule % POLICY_VERDICTS];
	return POLICY_RULE;
}

/* From outside to a container that is known there by its own address. */
static __always_inline bool is_unpublished(const struct first *first)
{
	return first->from.place == PLACE_WORLD &&
	       first->to.place == PLACE_ENDPOINT && !first->publish;
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
	const struct policy_verdict *verdict = &first->query.verdict;
	int found = policy_find();

	first->rule = 0;
	if (found == POLICY_MISSING)
		return REASON_POLICY_DEFAULT;
	if (found == POLICY_NO_RULE && is_unpublished(first))
		return REASON_UNPUBLISHED;
	if (found == POLICY_NO_RULE)
		return default_allows(first, config) ? REASON_OK :
						       REASON_POLICY_DEFAULT;
	first->rule = verdict->id;
	if (verdict->action == RULE_ALLOW)
		return REASON_OK;
	return verdict->action == RULE_REJECT ? REASON_POLICY_REJECT :
						REASON_POLICY_DENY;
}

#endif
