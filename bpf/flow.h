/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* flow - flow entries: keys, pairs, states, time-outs */
#ifndef BPFNET_BPF_FLOW_H
#define BPFNET_BPF_FLOW_H

/*
 * DOC: flows
 *
 * A flow is two entries in bn_flows, one for each direction, each found by the
 * tuple as it arrives. An entry says how the tuple leaves (to_*), and the
 * reverse of that is the key of the other entry:
 *
 *	container 192.168.10.10:4000 asks 203.0.113.7:80 through 198.51.100.1
 *
 *	forward  192.168.10.10:4000 > 203.0.113.7:80
 *	   to    198.51.100.1:4000  > 203.0.113.7:80
 *	reply    203.0.113.7:80     > 198.51.100.1:4000	  (reverse of "to")
 *	   to    203.0.113.7:80     > 192.168.10.10:4000  (reverse of forward)
 *
 * So each half leads to the other without a pointer, translation is symmetric,
 * and taking a source port is inserting the reply entry: the hash table's own
 * lock makes sure that only one CPU gets it. The forward entry comes second;
 * when it cannot be inserted the reply entry is taken back.
 *
 * A flow begins in bn_embryos and moves to bn_flows when it has proven itself
 * (embryo.h). An entry is in one of the two, but for the moment of the move.
 *
 * A direction only ever writes its own entry: what it has seen of TCP's flags,
 * when it last saw a packet, and how many. The state of the flow is made from
 * both halves when somebody asks: a FIN in both is closing, an RST in either is
 * reset, packets in both is established. Nothing on the fast path reads the
 * other half. Counters are plain additions: a direction of a flow normally
 * stays on one CPU; where it does not, a lost count is the worst that happens,
 * while bn_reasons and bn_ep_stats are per CPU and exact.
 *
 * An entry carries the generation of the decisions it was made under. When
 * anything changes that might decide differently (policy, publishes,
 * endpoints), user space counts the generation up, and the next packet of each
 * half is decided again, with its translation kept. A flow that is no longer
 * allowed stays as a denied entry until it expires: were it removed, its next
 * packet could pass as a new flow in the other direction. A flow that was built
 * on something that is gone (a publish, an uplink's address, the route to the
 * uplink whose address it has) is removed, and its packet starts anew.
 *
 * When a container goes, bn_gc removes its flows. Of a masqueraded connection
 * that was over, the reply half stays, FLOW_HELD, for as long as the far end may
 * remember it: it holds the public port, and nothing passes by it.
 */

#include <bpfnet/abi.h>

#include "maps.h"
#include "pkt.h"

/* struct flow.in_ifindex of entries that no endpoint's device feeds. The
 * loopback device is 1 in every namespace and never an endpoint's. */
#define FLOW_FROM_UPLINK 0
#define FLOW_FROM_HOST 1

static __always_inline __u32 flow_now(void)
{
	return bpf_ktime_get_coarse_ns() >> FLOW_TICK_SHIFT;
}

/* The key of the other direction. */
static __always_inline void flow_pair_key(const struct flow_key *key,
					  const struct flow *flow,
					  struct flow_key *ret_key)
{
	*ret_key = (struct flow_key){
		.src = flow->to_dst,
		.dst = flow->to_src,
		.sport = flow->to_dport,
		.dport = flow->to_sport,
		.proto = key->proto,
		.no_echo = key->no_echo,
	};
}

/* A flow lives while either half does; negative means that another CPU's clock
 * is already a tick ahead. pair may be NULL. */
static __always_inline __s32 flow_idle_ticks(__u32 now, const struct flow *flow,
					     const struct flow *pair)
{
	__s32 mine = now - flow->last_seen;
	__s32 other = pair ? (__s32)(now - pair->last_seen) : mine;

	return mine < other ? mine : other;
}

/* One half of a flow, in whichever table it is, or NULL. */
static __always_inline struct flow *flow_find(const struct flow_key *key)
{
	struct flow *flow = bpf_map_lookup_elem(&bn_flows, key);
	struct embryo *embryo;

	if (flow)
		return flow;
	embryo = bpf_map_lookup_elem(&bn_embryos, key);
	return embryo ? &embryo->mine : NULL;
}

/* Is the other half of this one under key? */
static __always_inline bool flow_leads_to(const struct flow *flow,
					  const struct flow_key *key)
{
	return flow->to_sport == key->dport && flow->to_dport == key->sport &&
	       ipaddr_equal(&flow->to_src, &key->dst) &&
	       ipaddr_equal(&flow->to_dst, &key->src);
}

/* The other half, and its key, or NULL: an entry that leads back to this one.
 * Where the LRU has taken the other half of an embryo, somebody else may have
 * its tuple by now. */
static __always_inline struct flow *flow_pair_find(const struct flow_key *key,
						   const struct flow *flow,
						   struct flow_key *ret_key)
{
	struct flow *pair;

	flow_pair_key(key, flow, ret_key);
	pair = flow_find(ret_key);
	return pair && flow_leads_to(pair, key) ? pair : NULL;
}

static __always_inline __u8 flow_pair_seen(const struct flow_key *key,
					   const struct flow *flow)
{
	struct flow_key pair_key;
	struct flow *pair = flow_pair_find(key, flow, &pair_key);

	return pair ? pair->seen : 0;
}

static __always_inline __u8 flow_seen_bits(const struct pkt *pkt)
{
	__u8 seen = FLOW_SEEN;

	if (pkt->tcp_flags & TCP_FLAG_SYN_BIT)
		seen |= FLOW_SEEN_SYN;
	else if (pkt->tcp_flags & TCP_FLAG_ACK_BIT)
		seen |= FLOW_SEEN_ACK;
	if (pkt->tcp_flags & TCP_FLAG_FIN_BIT)
		seen |= FLOW_SEEN_FIN;
	if (pkt->tcp_flags & TCP_FLAG_RST_BIT)
		seen |= FLOW_SEEN_RST;
	return seen;
}

/* Both ends have closed, or one has reset: TIME_WAIT, or as good as that. */
static __always_inline bool is_over(__u8 proto, __u8 mine, __u8 other)
{
	return proto == IPPROTO_TCP &&
	       (((mine | other) & FLOW_SEEN_RST) ||
		((mine & FLOW_SEEN_FIN) && (other & FLOW_SEEN_FIN)));
}

/* Ticks that a flow may be idle; mine and other are the seen bits of its two
 * halves. The values are RFC 5382 REQ-5, RFC 4787 REQ-5, RFC 5508 REQ-2. */
static __always_inline __u32 flow_idle_limit(const struct datapath_config *c,
					     __u8 proto, __u8 mine, __u8 other)
{
	bool both = (mine & FLOW_SEEN) && (other & FLOW_SEEN);

	switch (proto) {
	case IPPROTO_TCP:
		if ((mine | other) & FLOW_SEEN_RST)
			return c->tcp_reset;
		if ((mine & FLOW_SEEN_FIN) && (other & FLOW_SEEN_FIN))
			return c->tcp_closing;
		return both && ((mine | other) & FLOW_SEEN_ACK) ?
			       c->tcp_established :
			       c->tcp_half_open;
	case IPPROTO_UDP:
		return both ? c->udp_stream : c->udp;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return c->icmp;
	default:
		return c->other;
	}
}

/*
 * May the cached next hop be used? Without an agent that watches the neighbours
 * it is not trusted: the kernel finds it for every packet, slower but right.
 */
static __always_inline bool way_is_known(const struct pkt *pkt,
					 const struct datapath_config *config,
					 const struct flow *flow)
{
	return likely(flow->route_generation == config->route_generation &&
		      pkt->now - config->heartbeat <= HEARTBEAT_STALE_TICKS);
}

static __always_inline void hits_add(void *map, __u32 id, __u64 packets,
				     __u64 bytes, __u64 flows)
{
	struct hits *hits = bpf_map_lookup_elem(map, &id);

	if (!hits)
		return;
	__sync_fetch_and_add(&hits->packets, packets);
	__sync_fetch_and_add(&hits->bytes, bytes);
	__sync_fetch_and_add(&hits->flows, flows);
}

/* The endpoint that a flow is counted for: the client, or else the backend. */
static __always_inline __u32 flow_owner(const struct flow *flow)
{
	return flow->flags & FLOW_REPLY ? flow->out_slot ?: flow->in_slot :
	       flow->in_slot		?:
					  flow->out_slot;
}

static __always_inline void flows_count(__u32 slot, __s64 change)
{
	__u64 *flows = bpf_map_lookup_elem(&bn_ep_flows, &slot);

	if (flows)
		__sync_fetch_and_add(flows, change);
}

/* A flow may be gone before the CPU that added it has counted it: then there is
 * one less than none, for a moment. */
static __always_inline bool flows_are_below(__u32 slot, __u32 max)
{
	const __u64 *flows = bpf_map_lookup_elem(&bn_ep_flows, &slot);

	return (flows ? (__s64)*flows : 0) < (__s64)max;
}

/*
 * Another rule decides the flow from now on. What it has counted stays with the
 * old one; the flow takes its counters along, so the new one gets that much less
 * and comes out right when they are added, modulo 2^64. Two CPUs may come here
 * with the same flow: only one of them exchanges the rule.
 */
static __always_inline void flow_set_rule(struct flow *flow, __u32 rule)
{
	__u64 packets = flow->packets, bytes = flow->bytes;
	__u32 old = flow->rule;

	if (old == rule ||
	    __sync_val_compare_and_swap(&flow->rule, old, rule) != old)
		return;
	if (flow->flags & FLOW_EMBRYO)
		return;
	if (old)
		hits_add(&bn_rule_hits, old, packets, bytes,
			 !(flow->flags & FLOW_REPLY));
	if (rule)
		hits_add(&bn_rule_hits, rule, -packets, -bytes, 0);
}

/* What a flow counted outlives it in its publish and its rule; an embryo's
 * packets are there already. Two CPUs may remove one entry: the one whose delete
 * succeeds does the adding, and is told so. */
static __always_inline bool flow_del_half(const struct flow_key *key,
					  const struct flow *flow)
{
	bool reply = flow->flags & FLOW_REPLY;
	__u64 packets = flow->packets;
	__u64 bytes = flow->bytes;
	__u32 publish = flow->publish;
	__u32 rule = flow->rule;
	__u32 owner = flow_owner(flow);

	if (flow->flags & FLOW_EMBRYO)
		return !bpf_map_delete_elem(&bn_embryos, key);
	if (bpf_map_delete_elem(&bn_flows, key))
		return false;
	if (!reply) {
		flows_count(owner, -1);
		flows_count(0, -1);
	}
	if (publish && !reply)
		hits_add(&bn_pub_hits, publish, packets, bytes, 1);
	if (rule)
		hits_add(&bn_rule_hits, rule, packets, bytes, !reply);
	return true;
}

/* Both halves are one unit. */
static __noinline __attribute__((unused)) void
flow_del(const struct flow_key *key, const struct flow *flow)
{
	struct flow_key pair_key;
	struct flow *pair = flow_pair_find(key, flow, &pair_key);

	if (pair)
		flow_del_half(&pair_key, pair);
	flow_del_half(key, flow);
}

#endif
