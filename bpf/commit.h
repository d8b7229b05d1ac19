/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* commit - writes the two entries of a flow */
#ifndef BPFNET_BPF_COMMIT_H
#define BPFNET_BPF_COMMIT_H

#include <linux/errno.h>

#include "embryo.h"
#include "first.h"
#include "flow.h"
#include "hop.h"
#include "maps.h"
#include "nat.h"

/* The host's own stack stands at one end: it sends and receives as usual. */
static __always_inline bool is_host_flow(const struct first *first)
{
	return first->from.place == PLACE_HOST || first->to.place == PLACE_HOST;
}

/* A packet between two endpoints of one network is switched, not routed. */
static __always_inline bool is_routed(const struct first *first)
{
	if (is_host_flow(first))
		return false;
	return first->publish || first->from.network != first->to.network;
}

/* Is the service another address or port than the backend's? */
static __always_inline bool is_dnat(const struct first *first)
{
	const struct flow_key *key = &first->pkt.key;

	return first->publish && (key->dport != first->backend_port ||
				  !ipaddr_equal(&key->dst, &first->to.addr));
}

/* Into peer's container, from the other end of the flow. */
static __always_inline void flow_set_peer(struct flow *flow,
					  const struct peer *peer,
					  const struct peer *other)
{
	flow->action = FLOW_PEER;
	flow->out_ifindex = peer->endpoint.ifindex;
	__builtin_memcpy(flow->dmac, peer->endpoint.mac, ETH_ALEN);
	if (flow->flags & FLOW_ROUTED)
		__builtin_memcpy(flow->smac, peer->endpoint.gateway_mac,
				 ETH_ALEN);
	else
		__builtin_memcpy(flow->smac, other->endpoint.mac, ETH_ALEN);
}

static __always_inline void flow_set_common(const struct first *first,
					    struct flow *flow)
{
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->flags = FLOW_EMBRYO;
	flow->generation = first->generation;
	flow->last_seen = first->pkt.now;
	flow->created = first->pkt.now;
	flow->publish = first->publish;
	flow->rule = first->rule;
	if (is_routed(first))
		flow->flags |= FLOW_ROUTED;
}

static __always_inline void flow_set_reply(struct first *first,
					   __u32 in_ifindex)
{
	const struct flow_key *key = &first->pkt.key;
	struct flow *flow = &first->reply.mine;

	flow_set_common(first, flow);
	flow->flags |= FLOW_REPLY;
	if (is_dnat(first))
		flow->flags |= FLOW_NAT_SRC;
	if (!ipaddr_is_zero(&first->snat))
		flow->flags |= FLOW_NAT_DST;
	flow->in_ifindex = FLOW_FROM_UPLINK;
	if (first->to.place == PLACE_ENDPOINT)
		flow->in_ifindex = first->to.endpoint.ifindex;
	if (first->to.place == PLACE_HOST)
		flow->in_ifindex = FLOW_FROM_HOST;
	flow->in_slot = first->to.endpoint.slot;
	flow->out_slot = first->from.endpoint.slot;
	flow->to_src = key->dst;
	flow->to_sport = key->dport;
	flow->to_dst = key->src;
	flow->to_dport = key->sport;
	if (is_host_flow(first)) {
		flow->out_ifindex = first->from.endpoint.ifindex;
		return;
	}
	if (first->from.place == PLACE_ENDPOINT) {
		flow_set_peer(flow, &first->from, &first->to);
		return;
	}
	/* The way back out is looked up by the first reply. */
	flow->action = FLOW_OUT;
	flow->out_ifindex = in_ifindex;
	flow->route_generation = first->route_generation - 1;
}

/* Its source port is what the reply's key says when that stands. */
static __always_inline void flow_set_forward(struct first *first)
{
	struct flow *flow = &first->reply.other;

	flow_set_common(first, flow);
	if (is_dnat(first))
		flow->flags |= FLOW_NAT_DST;
	if (!ipaddr_is_zero(&first->snat))
		flow->flags |= FLOW_NAT_SRC;
	flow->in_ifindex = first->pkt.in_ifindex;
	flow->in_slot = first->from.endpoint.slot;
	flow->out_slot = first->to.endpoint.slot;
	flow->to_src = first->reply_key.dst;
	flow->to_sport = first->reply_key.dport;
	flow->to_dst = first->to.addr;
	flow->to_dport = first->backend_port;
	if (is_host_flow(first)) {
		flow->out_ifindex = first->to.endpoint.ifindex;
		return;
	}
	if (first->to.place == PLACE_ENDPOINT) {
		flow_set_peer(flow, &first->to, &first->from);
		if (first->from.place == PLACE_WORLD)
			flow->came_in_by = first->reply.mine.out_ifindex;
		return;
	}
	flow->action = FLOW_OUT;
	flow_set_hop(flow, first);
}

/* Another flow has the reply's tuple. One that has been idle past its time is
 * only waiting for bn_gc: it makes room. */
static __always_inline bool conflict_clear(const struct first *first,
					   const struct datapath_config *config)
{
	const struct flow_key *key = &first->reply_key;
	struct flow *old = flow_find(key);
	struct flow_key pair_key;
	struct flow *pair;
	__u32 limit;

	if (!old)
		return true;
	pair = flow_pair_find(key, old, &pair_key);
	limit = flow_idle_limit(config, key->proto, old->seen,
				pair ? pair->seen : 0);
	if (flow_idle_ticks(first->pkt.now, old, pair) <= (__s32)limit)
		return false;
	flow_del(key, old);
	return true;
}

static __always_inline void reply_key_set(struct first *first)
{
	struct flow_key *key = &first->reply_key;

	key->src = first->to.addr;
	key->sport = first->backend_port;
	key->dst = first->pkt.key.src;
	if (!ipaddr_is_zero(&first->snat))
		key->dst = first->snat;
	/* An echo request's identifier moves to the other side of its reply. */
	key->dport = first->pkt.key.sport;
	key->proto = first->pkt.key.proto;
	key->no_echo = first->pkt.key.no_echo;
}

static __always_inline enum reason
reply_insert(struct __sk_buff *skb, struct first *first,
	     const struct datapath_config *config)
{
	const struct flow_key *key = &first->reply_key;
	int ret;

	if (!ipaddr_is_zero(&first->snat))
		return snat_insert(skb, first, config);

	ret = embryo_insert(key, &first->reply);
	if (ret == -EEXIST) {
		first->shared = is_same_flow(first);
		if (first->shared)
			return REASON_OK;
		if (!conflict_clear(first, config))
			return REASON_FLOW_CONFLICT;
		ret = embryo_insert(key, &first->reply);
	}
	return ret ? REASON_FLOWS_FULL : REASON_OK;
}

/* Does the forward entry that is there lead to our reply entry? */
static __always_inline bool uses_our_reply(const struct first *first)
{
	const struct flow *old = flow_find(&first->pkt.key);

	return old && old->to_sport == first->reply_key.dport &&
	       ipaddr_equal(&old->to_src, &first->reply_key.dst);
}

static __always_inline enum reason forward_insert(struct first *first)
{
	struct flow_stats *stats = stats_get();
	int ret;

	first->forward.mine = first->reply.other;
	first->forward.other = first->reply.mine;
	ret = embryo_insert(&first->pkt.key, &first->forward);
	if (!ret) {
		embryo_count_flow(&first->forward.mine);
		if (stats)
			stats->created++;
		return REASON_OK;
	}
	if (!first->shared && !(ret == -EEXIST && uses_our_reply(first)))
		bpf_map_delete_elem(&bn_embryos, &first->reply_key);
	return ret == -EEXIST ? REASON_OK : REASON_FLOWS_FULL;
}

#endif
