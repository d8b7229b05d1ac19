/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* finish - the only way out: every packet is counted once, under one reason */
#ifndef BPFNET_BPF_FINISH_H
#define BPFNET_BPF_FINISH_H

#include <linux/errno.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include "answer.h"
#include "first.h"
#include "flow.h"
#include "hop.h"
#include "maps.h"
#include "neighbour.h"
#include "pkt.h"
#include "rewrite.h"

static __always_inline void count_reason(enum reason why)
{
	__u32 slot = why;
	__u64 *count = bpf_map_lookup_elem(&bn_reasons, &slot);

	if (count)
		(*count)++;
}

static __always_inline void count_endpoint_drop(__u32 slot, enum reason why)
{
	struct endpoint_stats *stats = bpf_map_lookup_elem(&bn_ep_stats, &slot);

	if (stats && why < 32)
		stats->reasons[why]++;
}

static __always_inline void count_endpoints(const struct __sk_buff *skb,
					    const struct flow *flow)
{
	struct endpoint_stats *stats;
	__u32 slot = flow->in_slot;

	if (slot) {
		stats = bpf_map_lookup_elem(&bn_ep_stats, &slot);
		if (stats) {
			stats->tx_packets++;
			stats->tx_bytes += skb->len;
		}
	}
	slot = flow->out_slot;
	if (slot) {
		stats = bpf_map_lookup_elem(&bn_ep_stats, &slot);
		if (stats) {
			stats->rx_packets++;
			stats->rx_bytes += skb->len;
		}
	}
}

/* By the hop that was found for this very packet. */
static __noinline int leave_by_hop(void)
{
	const struct first *first = first_get();

	return first ? hop_redirect(&first->hop) : TC_ACT_SHOT;
}

/* Where the translated packet goes. */
static __always_inline int leave(struct __sk_buff *skb, const struct pkt *pkt,
				 const struct flow *flow)
{
	if (flow->action == FLOW_PEER) {
		/* The bridge's MAC is not the device's, so the frame counts as
		 * somebody else's; redirect_peer does not look again. */
		if (unlikely(skb->pkt_type != PACKET_HOST))
			bpf_skb_change_type(skb, PACKET_HOST);
		return bpf_redirect_peer(flow->out_ifindex, 0);
	}
	if (flow->action == FLOW_OUT && !pkt->through_stack) {
		if (likely(!pkt->by_hop))
			return bpf_redirect(flow->out_ifindex, 0);
		return leave_by_hop();
	}
	return TC_ACT_UNSPEC; /* the next program, then the stack */
}

/*
 * Marks an answer that goes up the stack where that meets the container at the
 * host end itself, of a cable without a bridge: bn_from_container is in between.
 * A container cannot forge it, since a veth takes the mark off whatever comes
 * from another namespace.
 */
#define ANSWER_MARK 0x62706e61

/* Takes the mark off again. */
static __always_inline bool is_own_answer(struct __sk_buff *skb)
{
	if (likely(skb->mark != ANSWER_MARK))
		return false;
	skb->mark = 0;
	return true;
}

/*
 * The answer to a packet, back to where that came from: into the
 * container, out of the uplink, or up the stack. There it comes in by the
 * bridge, as all that containers send to the host, and past our own programs.
 */
static __always_inline int leave_back(struct __sk_buff *skb,
				      const struct pkt *pkt)
{
	const struct endpoint_val *endpoint;
	__u32 ifindex = skb->ifindex;

	if (pkt->through_stack) {
		endpoint = bpf_map_lookup_elem(&bn_endpoints, &ifindex);
		if (!endpoint || !endpoint->bridge_ifindex)
			return TC_ACT_SHOT;
		if (endpoint->bridge_ifindex == ifindex)
			skb->mark = ANSWER_MARK;
		return bpf_redirect(endpoint->bridge_ifindex, BPF_F_INGRESS);
	}
	if (pkt->in_ifindex == FLOW_FROM_UPLINK)
		return bpf_redirect(ifindex, 0);
	if (skb->pkt_type != PACKET_HOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	return bpf_redirect_peer(ifindex, 0);
}

/* A container may be looking for another one. */
static __always_inline bool is_question(const struct pkt *pkt)
{
	return pkt->kind == PKT_NEIGHBOUR && !pkt->through_stack &&
	       pkt->in_ifindex != FLOW_FROM_UPLINK;
}

/*
 * why is what the last stage said: forwarded (as flow says), left to the stack,
 * or the reason of a drop. TC_ACT_UNSPEC lets foreign programs go on.
 */
static __always_inline int finish(struct __sk_buff *skb, const struct pkt *pkt,
				  const struct flow *flow, enum reason why)
{
	if (likely(why == REASON_FORWARDED)) {
		why = flow ? rewrite(skb, pkt, flow) : REASON_MALFORMED;
		if (likely(why == REASON_OK)) {
			count_reason(REASON_FORWARDED);
			count_endpoints(skb, flow);
			return leave(skb, pkt, flow);
		}
	}
	count_reason(why);
	if (why == REASON_TO_STACK) {
		if (is_question(pkt))
			neighbour_answer(skb);
		return TC_ACT_UNSPEC;
	}
	count_endpoint_drop(pkt->slot, why);
	if (is_told(pkt, why) && answer_send(skb, pkt, why))
		return leave_back(skb, pkt);
	return TC_ACT_SHOT;
}

#endif
