/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* group - who may hear what is sent to a group, or to everybody */
#ifndef BPFNET_BPF_GROUP_H
#define BPFNET_BPF_GROUP_H

#include "decide.h"
#include "first.h"
#include "maps.h"
#include "pkt.h"

enum { MLD_QUERY = 130, MLD_DONE = 132, MLD2_REPORT = 143 };

/* What goes to a group goes to the host as well: where a rule keeps the sender
 * from the host, it has no groups. bn_to_container asks for each container. */
static __always_inline enum reason
group_to_host(const struct __sk_buff *skb, struct first *first,
	      const struct datapath_config *config)
{
	peer_set(&first->to, &first->pkt.key.dst, NULL);
	first->to.place = PLACE_HOST;
	first->backend_port = first->pkt.key.dport;
	return decide_packet(skb, first, config) ?: REASON_TO_STACK;
}

/* Who is in which group is the link's business: IGMP, and MLD (RFC 2710 3,
 * RFC 3810 5). */
static __always_inline bool is_membership(struct __sk_buff *skb,
					  const struct pkt *pkt)
{
	__u8 type = 0;

	if (pkt->v4)
		return pkt->key.proto == IPPROTO_IGMP;
	if (pkt->key.proto != IPPROTO_ICMPV6 || !pkt->l4 ||
	    bpf_skb_load_bytes(skb, pkt->l4, &type, sizeof(type)))
		return false;
	return (type >= MLD_QUERY && type <= MLD_DONE) || type == MLD2_REPORT;
}

static __always_inline enum reason
stage_group(struct __sk_buff *skb, struct first *first,
	    const struct datapath_config *config)
{
	if (first->pkt.kind != PKT_MULTICAST)
		return REASON_OK;
	/* The bridge has to know; bn_to_container asks for each container. */
	if (is_membership(skb, &first->pkt))
		return REASON_TO_STACK;
	return group_to_host(skb, first, config);
}

/* Frames that the bridge carries for everybody on the link. A group frame with
 * an endpoint's own address inside is not one of them. */
static __always_inline bool is_link_business(const struct first *first)
{
	const struct pkt *pkt = &first->pkt;

	switch (pkt->kind) {
	case PKT_ARP:
	case PKT_NEIGHBOUR:
	case PKT_MULTICAST:
	case PKT_OTHER:
		return true;
	default:
		return pkt->group_frame && first->to.place != PLACE_ENDPOINT;
	}
}

/* A frame for everybody is no way around what its sender may tell this
 * container. Its sender is the device that it came in by. */
static __always_inline enum reason
stage_group_to_container(struct __sk_buff *skb, struct first *first,
			 const struct datapath_config *config)
{
	const struct endpoint_val *from, *to;
	struct pkt *pkt = &first->pkt;
	__u32 ifindex = skb->ifindex, ingress = skb->ingress_ifindex;

	if (pkt->kind != PKT_MULTICAST &&
	    !(pkt->kind == PKT_FLOW && pkt->group_frame))
		return REASON_OK;
	from = bpf_map_lookup_elem(&bn_endpoints, &ingress);
	to = bpf_map_lookup_elem(&bn_endpoints, &ifindex);
	/* To an endpoint's own address it is no business of the link. */
	if (!from || !to || bpf_map_lookup_elem(&bn_addrs, &pkt->key.dst))
		return REASON_OK;
	pkt->slot = to->slot;
	peer_set(&first->from, &pkt->key.src, from);
	peer_set(&first->to, &pkt->key.dst, to);
	first->backend_port = pkt->key.dport;
	return decide_packet(skb, first, config) ?: REASON_TO_STACK;
}

#endif
