/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* commit - writes the two entries of a flow */
#ifndef BPFNET_BPF_COMMIT_H
#define BPFNET_BPF_COMMIT_H

#include <linux/errno.h>

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

static __always_inline void flow_set_common(struct first *first)
{
	struct flow *flow = &first->flow;

	__builtin_memset(flow, 0, sizeof(*flow));
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
	struct flow *flow = &first->flow;

	flow_set_common(first);
	flow->flags |= FLOW_REPLY;
	if (first->publish)
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

static __always_inline void flow_set_forward(struct first *first)
{
	struct flow *flow = &first->flow;

	flow_set_common(first);
	if (first->publish)
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
	struct flow *old = bpf_map_lookup_elem(&bn_flows, key);
	struct flow_key pair_key;
	struct flow *pair;
	__u32 limit;

	if (!old)
		return true;
	flow_pair_key(key, old, &pair_key);
	pair = bpf_map_lookup_elem(&bn_flows, &pair_key);
	limit = flow_idle_limit(config, key->proto, old->seen,
				pair ? pair->seen : 0);
	if (flow_idle_ticks(first->pkt.now, old, pair) <= (__s32)limit)
		return false;
	flow_del(key, old);
	return true;
}

/* Another CPU commits this very flow: its entry is as good as ours. */
static __always_inline bool is_same_flow(const struct first *first)
{
	const struct flow *old =
		bpf_map_lookup_elem(&bn_flows, &first->reply_key);
	const struct flow *mine = &first->flow;

	return old && (old->flags & FLOW_REPLY) &&
	       old->in_ifindex == mine->in_ifindex &&
	       old->publish == mine->publish &&
	       old->to_sport == mine->to_sport &&
	       old->to_dport == mine->to_dport &&
	       ipaddr_equal(&old->to_src, &mine->to_src) &&
	       ipaddr_equal(&old->to_dst, &mine->to_dst);
}

static __always_inline enum reason
reply_insert(struct __sk_buff *skb, struct first *first,
	     const struct datapath_config *config)
{
	struct flow_key *key = &first->reply_key;
	int ret;

	key->src = first->to.addr;
	key->sport = first->backend_port;
	key->dst = first->pkt.key.src;
	/* An echo request's identifier moves to the other side of its reply. */
	key->dport = first->pkt.key.sport;
	key->proto = first->pkt.key.proto;
	key->no_echo = first->pkt.key.no_echo;
	if (!ipaddr_is_zero(&first->snat)) {
		key->dst = first->snat;
		return snat_insert(skb, first, config);
	}

	ret = bpf_map_update_elem(&bn_flows, key, &first->flow, BPF_NOEXIST);
	if (ret == -EEXIST) {
		if (is_same_flow(first))
			return REASON_OK;
		if (!conflict_clear(first, config))
			return REASON_FLOW_CONFLICT;
		ret = bpf_map_update_elem(&bn_flows, key, &first->flow,
					  BPF_NOEXIST);
	}
	return ret ? REASON_FLOWS_FULL : REASON_OK;
}

static __always_inline enum reason forward_insert(struct first *first)
{
	struct flow_stats *stats = stats_get();
	int ret;

	flow_set_forward(first);
	ret = bpf_map_update_elem(&bn_flows, &first->pkt.key, &first->flow,
				  BPF_NOEXIST);
	if (!ret) {
		if (stats)
			stats->created++;
		return REASON_OK;
	}
	/* Without SNAT both CPUs have the one reply entry in common. */
	if (ret != -EEXIST || !ipaddr_is_zero(&first->snat))
		bpf_map_delete_elem(&bn_flows, &first->reply_key);
	return ret == -EEXIST ? REASON_OK : REASON_FLOWS_FULL;
}

#endif
