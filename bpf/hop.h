/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* hop - the ways out: uplinks, and the next hop behind them */
#ifndef BPFNET_BPF_HOP_H
#define BPFNET_BPF_HOP_H

#include "first.h"
#include "maps.h"
#include "pkt.h"

/* <sys/socket.h> cannot be included here. */
#define AF_INET 2
#define AF_INET6 10

/* The uplink behind a device. Global, so that its loop is verified once. */
__noinline int uplink_index(__u32 ifindex)
{
	for (int i = 0; i < UPLINKS_MAX; i++) {
		__u32 slot = i;
		const struct uplink_val *uplink =
			bpf_map_lookup_elem(&bn_uplinks, &slot);

		if (!uplink || !uplink->ifindex)
			return -1;
		if (uplink->ifindex == ifindex)
			return i;
	}
	return -1;
}

static __always_inline const struct uplink_val *uplink_find(__u32 ifindex)
{
	__u32 slot = uplink_index(ifindex);

	return bpf_map_lookup_elem(&bn_uplinks, &slot);
}

static __always_inline bool uplink_has_address(const struct ipaddr *addr)
{
	for (int i = 0; i < UPLINKS_MAX; i++) {
		__u32 slot = i;
		const struct uplink_val *uplink =
			bpf_map_lookup_elem(&bn_uplinks, &slot);

		if (!uplink || !uplink->ifindex)
			return false;
		if (ipaddr_equal(&uplink->snat4, addr) ||
		    ipaddr_equal(&uplink->snat6, addr))
			return true;
	}
	return false;
}

/* 0: any, also when it is larger than an IP packet can be. */
static __always_inline __u16 mtu_or_any(__u32 mtu)
{
	return mtu > 0xffff ? 0 : mtu;
}

static __always_inline __u16 device_mtu(struct __sk_buff *skb, __u32 ifindex)
{
	__u32 mtu = 0;

	if (bpf_check_mtu(skb, ifindex, &mtu, 0, 0) < 0)
		return 0;
	return mtu_or_any(mtu);
}

/* Type of service (RFC 791 3.1) or traffic class (RFC 8200 3). */
static __always_inline __u8 traffic_class(struct __sk_buff *skb)
{
	__u8 bytes[2] = {};

	if (bpf_skb_load_bytes(skb, ETH_HLEN, bytes, sizeof(bytes)))
		return 0;
	return bytes[0] >> 4 == 4 ? bytes[1] : bytes[0] << 4 | bytes[1] >> 4;
}

/* What is asked of the kernel's routes, as seen from the device iif, which must
 * have forwarding on. */
struct route {
	__u32 iif;
	struct ipaddr src;
	struct ipaddr dst;
};

/*
 * Asks the kernel's rules and routes. A neighbour that is not known yet is no
 * failure: the hop is then unresolved, and the kernel finds it (see leave()).
 *
 * VERIFIER(all): called, not inlined, since the stack of a chain of calls is
 * limited to 512 bytes and this one need not stand beside rewrite_unusual's.
 */
static __noinline __attribute__((unused)) enum reason
hop_find(struct __sk_buff *skb, struct first *first, const struct route *route)
{
	const struct pkt *pkt = &first->pkt;
	struct bpf_fib_lookup fib = {
		.family = pkt->v4 ? AF_INET : AF_INET6,
		.l4_protocol = pkt->key.proto,
		.sport = pkt->key.sport,
		.dport = pkt->key.dport,
		/* Shorter than any MTU, to be told the route's. */
		.tot_len = 1,
		.ifindex = route->iif,
	};
	struct hop *hop = &first->hop;
	long ret;

	if (pkt->v4) {
		fib.tos = traffic_class(skb);
		fib.ipv4_src = route->src.word[3];
		fib.ipv4_dst = route->dst.word[3];
	} else {
		fib.flowinfo = bpf_htonl((__u32)traffic_class(skb) << 20);
		__builtin_memcpy(fib.ipv6_src, &route->src, 16);
		__builtin_memcpy(fib.ipv6_dst, &route->dst, 16);
	}
	ret = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	if (ret != BPF_FIB_LKUP_RET_SUCCESS && ret != BPF_FIB_LKUP_RET_NO_NEIGH)
		return REASON_NO_ROUTE;
	if (!uplink_find(fib.ifindex))
		return REASON_NO_UPLINK;

	hop->ifindex = fib.ifindex;
	hop->resolved = ret == BPF_FIB_LKUP_RET_SUCCESS;
	hop->mtu = hop->resolved ? mtu_or_any(fib.mtu_result) :
				   device_mtu(skb, fib.ifindex);
	if (fib.family == AF_INET)
		hop->gateway = ipaddr_v4(fib.ipv4_dst);
	else
		__builtin_memcpy(&hop->gateway, fib.ipv6_dst, 16);
	__builtin_memcpy(hop->dmac, fib.dmac, ETH_ALEN);
	__builtin_memcpy(hop->smac, fib.smac, ETH_ALEN);
	return REASON_OK;
}

/* The way out for a packet of first->from, as it was before translation. */
static __always_inline enum reason hop_find_first(struct __sk_buff *skb,
						  struct first *first)
{
	const struct route route = {
		.iif = first->from.endpoint.bridge_ifindex,
		.src = first->pkt.key.src,
		.dst = first->to.addr,
	};

	return hop_find(skb, first, &route);
}

static __always_inline void flow_set_hop(struct flow *flow,
					 const struct first *first)
{
	const struct hop *hop = &first->hop;

	flow->out_ifindex = hop->ifindex;
	__builtin_memcpy(flow->dmac, hop->dmac, ETH_ALEN);
	__builtin_memcpy(flow->smac, hop->smac, ETH_ALEN);
	/* Unresolved: an older generation, so the next packet asks again. */
	flow->route_generation = first->route_generation - !hop->resolved;
	flow->mtu = hop->mtu;
}

/* To the gateway, by the kernel's own neighbour table. */
static __always_inline int hop_redirect(const struct hop *hop)
{
	struct bpf_redir_neigh neigh = { .nh_family = AF_INET6 };

	if (ipaddr_is_v4(&hop->gateway)) {
		neigh.nh_family = AF_INET;
		neigh.ipv4_nh = hop->gateway.word[3];
	} else {
		__builtin_memcpy(neigh.ipv6_nh, &hop->gateway, 16);
	}
	return bpf_redirect_neigh(hop->ifindex, &neigh, sizeof(neigh), 0);
}

/*
 * Longer than the way out takes: the stack answers the sender (RFC 1191), or
 * fragments. A GSO packet counts as long as its longest segment.
 */
static __noinline __attribute__((unused)) bool
is_too_big(const struct __sk_buff *skb, const struct pkt *pkt,
	   const struct flow *flow)
{
	__u32 len = skb->len - ETH_HLEN;
	__u8 data_offset = 0;

	if (!skb->gso_size)
		return len > flow->mtu;
	len = skb->gso_size + pkt->l4 - ETH_HLEN;
	if (pkt->key.proto != IPPROTO_TCP)
		return len + sizeof(struct udphdr) > flow->mtu;
	if (bpf_skb_load_bytes(skb, pkt->l4 + 12, &data_offset, 1))
		return true;
	return len + (data_offset >> 4) * 4 > flow->mtu;
}

/* The common case is decided without a call. */
static __always_inline bool exceeds_mtu(const struct __sk_buff *skb,
					const struct pkt *pkt,
					const struct flow *flow)
{
	return unlikely(flow->mtu && skb->len > flow->mtu + ETH_HLEN) &&
	       is_too_big(skb, pkt, flow);
}

#endif
