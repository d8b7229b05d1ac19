/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* embryo - flows that have not proven themselves yet */
#ifndef BPFNET_BPF_EMBRYO_H
#define BPFNET_BPF_EMBRYO_H

/*
 * DOC: embryos
 *
 * Anybody can send first packets, with any source address, as fast as the link
 * goes. So a flow begins in bn_embryos, where it can push out nothing but others
 * of its kind, and moves to bn_flows when it has proven that somebody means it:
 *
 *   a client of ours		by the first answer. Its address was checked, and
 *				its endpoint has a quota in bn_flows.
 *   a client outside		by its first packet after an answer: it received
 *				the answer, so its address is its own.
 *   other than TCP		by its EMBRYO_PACKETS_MAX-th packet in any case: a
 *				stream that is never answered would pay for two
 *				look-ups for ever.
 *
 * A reset proves nothing. Both halves move together. Each entry has a copy of
 * the other half, so where the LRU has taken one, its pair writes it anew.
 *
 * What an embryo counts goes into its rule's and publish's hits at once, since
 * it may go without notice; with the move it is taken off again, because live
 * flows are added to the hits (see struct hits).
 */

#include <linux/errno.h>

#include "first.h"
#include "flow.h"
#include "maps.h"
#include "pkt.h"

/*
 * Inserts one half, or returns -EEXIST when either table has the key, -ENOMEM
 * when there is no room. Whoever moves a flow writes it to bn_flows before it
 * leaves bn_embryos: so an entry that is still missing in bn_flows after ours
 * stands will not come any more.
 */
static __always_inline int embryo_insert(const struct flow_key *key,
					 const struct embryo *embryo)
{
	int ret;

	if (bpf_map_lookup_elem(&bn_flows, key))
		return -EEXIST;
	ret = bpf_map_update_elem(&bn_embryos, key, embryo, BPF_NOEXIST);
	if (ret || !bpf_map_lookup_elem(&bn_flows, key))
		return ret;
	bpf_map_delete_elem(&bn_embryos, key);
	return -EEXIST;
}

/* Another CPU commits this very flow, or the LRU has left this half of it: the
 * entry under the reply's key is as good as ours. */
static __always_inline bool is_same_flow(const struct first *first)
{
	const struct flow *old = flow_find(&first->reply_key);
	const struct flow *mine = &first->reply.mine;

	return old && (old->flags & FLOW_REPLY) && !(old->flags & FLOW_HELD) &&
	       old->in_ifindex == mine->in_ifindex &&
	       old->publish == mine->publish &&
	       old->to_sport == mine->to_sport &&
	       old->to_dport == mine->to_dport &&
	       ipaddr_equal(&old->to_src, &mine->to_src) &&
	       ipaddr_equal(&old->to_dst, &mine->to_dst);
}

static __always_inline void embryo_count(const struct flow *flow, __u64 bytes)
{
	if (flow->rule)
		hits_add(&bn_rule_hits, flow->rule, 1, bytes, 0);
	if (flow->publish && !(flow->flags & FLOW_REPLY))
		hits_add(&bn_pub_hits, flow->publish, 1, bytes, 0);
}

/* The flow itself, once for both halves. */
static __always_inline void embryo_count_flow(const struct flow *forward)
{
	if (forward->rule)
		hits_add(&bn_rule_hits, forward->rule, 0, 0, 1);
	if (forward->publish)
		hits_add(&bn_pub_hits, forward->publish, 0, 0, 1);
}

/* From now on bn_flows has what this half has counted. */
static __always_inline void embryo_uncount(const struct flow *flow)
{
	bool reply = flow->flags & FLOW_REPLY;

	if (flow->rule)
		hits_add(&bn_rule_hits, flow->rule, -flow->packets,
			 -flow->bytes, reply ? 0 : -1);
	if (flow->publish && !reply)
		hits_add(&bn_pub_hits, flow->publish, -flow->packets,
			 -flow->bytes, -1);
}

/*
 * Writes half to bn_flows, through the workspace: its flags change.
 *
 * A table gives an element to the next flow as soon as it is deleted, so another
 * CPU may have made half somebody else's. What has been copied cannot change any
 * more: -ENOENT when that is not the half that leads to pair_key.
 */
static __always_inline int half_promote(struct first *first,
					const struct flow_key *key,
					const struct flow *half,
					const struct flow_key *pair_key)
{
	struct flow *flow = &first->reply.mine;
	int ret;

	*flow = *half;
	if (!flow_leads_to(flow, pair_key))
		return -ENOENT;
	flow->flags &= ~FLOW_EMBRYO;
	ret = bpf_map_update_elem(&bn_flows, key, flow, BPF_NOEXIST);
	if (ret)
		return ret;
	embryo_uncount(flow);
	if (!(flow->flags & FLOW_REPLY)) {
		flows_count(flow_owner(flow), 1);
		flows_count(0, 1);
	}
	return 0;
}

static __always_inline void half_demote(const struct flow_key *key)
{
	struct flow *flow = bpf_map_lookup_elem(&bn_flows, key);

	if (flow)
		flow_del_half(key, flow);
}

static __always_inline void full_count(void)
{
	struct flow_stats *stats = stats_get();

	if (stats)
		stats->full++;
}

/* Has its owner as many flows as it may have, or the table? */
static __always_inline enum reason
flows_room(const struct datapath_config *config, const struct flow *flow)
{
	if (!flows_are_below(flow_owner(flow), config->flows_per_endpoint))
		return REASON_FLOWS_QUOTA;
	return flows_are_below(0, config->flows_max) ? REASON_OK :
						       REASON_FLOWS_FULL;
}

/* Moves both halves. Two CPUs may do so at once: what the other one has written
 * is as good as ours. And another CPU may have ended the flow meanwhile: then
 * nothing is moved, and the packet will find nothing. */
static __always_inline enum reason
embryo_promote(struct first *first, const struct flow_key *key,
	       const struct embryo *embryo, const struct flow_key *pair_key,
	       const struct flow *pair)
{
	int ret = half_promote(first, pair_key, pair, key);

	if (ret && ret != -EEXIST)
		return ret == -ENOENT ? REASON_OK : REASON_FLOWS_FULL;
	ret = half_promote(first, key, &embryo->mine, pair_key);
	if (ret && ret != -EEXIST) {
		half_demote(pair_key);
		return ret == -ENOENT ? REASON_OK : REASON_FLOWS_FULL;
	}
	bpf_map_delete_elem(&bn_embryos, pair_key);
	bpf_map_delete_elem(&bn_embryos, key);
	return REASON_OK;
}

static __always_inline bool client_is_outside(const struct flow *flow)
{
	return flow->flags & FLOW_REPLY ? flow->action == FLOW_OUT :
					  flow->in_ifindex == FLOW_FROM_UPLINK;
}

static __always_inline bool has_proven_itself(const struct pkt *pkt,
					      const struct flow *flow,
					      const struct flow *pair)
{
	if (pkt->kind != PKT_FLOW || (flow->flags & FLOW_DENIED) ||
	    (pkt->tcp_flags & (TCP_FLAG_RST_BIT)))
		return false;
	if (pkt->key.proto != IPPROTO_TCP &&
	    flow->packets + 1 >= EMBRYO_PACKETS_MAX)
		return true;
	if (client_is_outside(flow))
		return !(flow->flags & FLOW_REPLY) && (pair->seen & FLOW_SEEN);
	return flow->flags & FLOW_REPLY;
}

/* The other half, written anew when the LRU has taken it; NULL when somebody
 * else has its tuple now. */
static __always_inline const struct flow *
embryo_pair(struct first *first, const struct flow_key *key,
	    const struct embryo *embryo, struct flow_key *ret_key)
{
	const struct flow *pair = flow_pair_find(key, &embryo->mine, ret_key);

	if (pair)
		return pair;
	first->reply.mine = embryo->other;
	first->reply.other = embryo->mine;
	/* As in half_promote. */
	if (!flow_leads_to(&first->reply.mine, key) ||
	    !flow_leads_to(&first->reply.other, ret_key))
		return NULL;
	embryo_insert(ret_key, &first->reply);
	return flow_pair_find(key, &embryo->mine, ret_key);
}

/*
 * The entry that this packet meets in bn_embryos, in bn_flows when this is the
 * packet that moves it there, or NULL. Returns REASON_OK, or why the packet goes
 * no further. A table of its own asks for expiry of its own: with or without
 * bn_gc, what is over its time is not there.
 */
static __noinline enum reason embryo_hit(const struct pkt *pkt,
					 const struct datapath_config *config,
					 struct flow **ret_flow)
{
	struct embryo *embryo = bpf_map_lookup_elem(&bn_embryos, &pkt->key);
	__u32 zero = 0;
	struct first *first = bpf_map_lookup_elem(&bn_first, &zero);
	struct flow_key pair_key;
	const struct flow *pair;
	enum reason why;
	__u32 limit;

	if (!embryo || !first || embryo->mine.in_ifindex != pkt->in_ifindex)
		return REASON_OK;
	pair = embryo_pair(first, &pkt->key, embryo, &pair_key);
	limit = flow_idle_limit(config, pkt->key.proto, embryo->mine.seen,
				pair ? pair->seen : 0);
	if (!pair ||
	    flow_idle_ticks(pkt->now, &embryo->mine, pair) > (__s32)limit) {
		flow_del(&pkt->key, &embryo->mine);
		return REASON_OK;
	}
	if (!has_proven_itself(pkt, &embryo->mine, pair)) {
		*ret_flow = &embryo->mine;
		return REASON_OK;
	}
	why = flows_room(config, &embryo->mine) ?:
		      embryo_promote(first, &pkt->key, embryo, &pair_key, pair);
	if (why == REASON_OK)
		*ret_flow = bpf_map_lookup_elem(&bn_flows, &pkt->key);
	else if (why == REASON_FLOWS_FULL)
		full_count();
	return why;
}

#endif
