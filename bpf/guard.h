/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* guard - what may leave by an uplink as it is */
#ifndef BPFNET_BPF_GUARD_H
#define BPFNET_BPF_GUARD_H

#include "flow.h"
#include "hop.h"
#include "maps.h"
#include "pkt.h"

/*
 * The uplink's own traffic, and every masqueraded packet that bn_from_container
 * redirects, passes at the first comparison. Most hosts have one uplink, so it
 * is tried without a walk.
 */
static __always_inline bool is_translated(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ipv6hdr *ip6 = data + ETH_HLEN;
	struct iphdr *ip = data + ETH_HLEN;
	const struct uplink_val *uplink;
	struct ethhdr *eth = data;
	struct ipaddr src;
	__u32 first = 0;

	uplink = bpf_map_lookup_elem(&bn_uplinks, &first);
	if (uplink && uplink->ifindex != skb->ifindex)
		uplink = uplink_find(skb->ifindex);
	if (!uplink || (void *)(ip + 1) > end)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return ip->saddr == uplink->snat4.word[3];
	if (eth->h_proto != bpf_htons(ETH_P_IPV6) || (void *)(ip6 + 1) > end)
		return false;
	__builtin_memcpy(&src, &ip6->saddr, sizeof(src));
	return ipaddr_equal(&src, &uplink->snat6);
}

/*
 * The flow of a container's packet, if that may leave by an uplink. Without any
 * translation in it, the world knows the container by its own address: then
 * bn_from_container has counted the packet, or left it to the stack.
 */
static __always_inline struct flow *
flow_outbound(const struct pkt *pkt, const struct datapath_config *config)
{
	struct flow *flow;

	if (pkt->kind != PKT_FLOW && pkt->kind != PKT_ERROR)
		return NULL;
	flow = flow_find(&pkt->key);
	if (!flow || flow->action != FLOW_OUT || !flow->in_slot ||
	    flow->generation != config->generation ||
	    (flow->flags & FLOW_DENIED))
		return NULL;
	return flow;
}

/*
 * What these programs answer to the world in the name of a container that is
 * known there (answer.h): a reset, or an ICMP error. There need not be a flow: it
 * may be that there will be none. A container's own do not come here without one.
 */
static __always_inline bool is_answer(const struct pkt *pkt,
				      const struct ipaddr *sender)
{
	const struct subnet_key key = { .prefix_bits = 128, .addr = *sender };
	const __u32 *id = bpf_map_lookup_elem(&bn_subnets, &key);
	const struct network_val *network =
		id ? bpf_map_lookup_elem(&bn_networks, id) : NULL;

	if (!network || !(network->flags & NETWORK_ROUTED))
		return false;
	return pkt->kind == PKT_ERROR ||
	       (pkt->kind == PKT_FLOW && pkt->key.proto == IPPROTO_TCP &&
		(pkt->tcp_flags & TCP_FLAG_RST_BIT));
}

#endif
