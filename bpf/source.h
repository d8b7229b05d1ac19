/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* source - does a container's frame come from whom it says */
#ifndef BPFNET_BPF_SOURCE_H
#define BPFNET_BPF_SOURCE_H

#include "maps.h"
#include "pkt.h"

static __always_inline bool frame_is_from(struct __sk_buff *skb,
					  const struct endpoint_val *endpoint)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return false;
	return mac_equal(eth->h_source, endpoint->mac);
}

/* RFC 826: the sender's MAC and IPv4 address must be the endpoint's own. */
static __always_inline enum reason
arp_check(struct __sk_buff *skb, const struct endpoint_val *endpoint)
{
	struct {
		__u8 head[8]; /* hardware, protocol, their lengths, operation */
		__u8 sender_mac[ETH_ALEN];
		__be32 sender;
	} __attribute__((packed)) arp;
	const struct endpoint_val *owner;
	struct ipaddr sender;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &arp, sizeof(arp)))
		return REASON_MALFORMED;
	if (!mac_equal(arp.sender_mac, endpoint->mac))
		return REASON_SPOOFED_SOURCE;
	if (!arp.sender) /* a probe, RFC 5227 1.1 */
		return REASON_OK;
	sender = ipaddr_v4(arp.sender);
	owner = bpf_map_lookup_elem(&bn_addrs, &sender);
	if (!owner || owner->ifindex != endpoint->ifindex)
		return REASON_SPOOFED_SOURCE;
	return REASON_OK;
}

static __always_inline bool is_link_scope(const struct ipaddr *ip)
{
	return (ip->word[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

/* :: or 0.0.0.0 */
static __always_inline bool ipaddr_is_none(const struct ipaddr *ip)
{
	return !ip->word[3] && (ipaddr_is_v4(ip) || ipaddr_is_zero(ip));
}

/* Nobody sends from there (RFC 1122 3.2.1.3, RFC 4291 2.5 and 2.7): this network,
 * loopback, groups; an answer would go to many, or to oneself. */
static __always_inline bool is_martian(const struct ipaddr *ip)
{
	__u32 last = bpf_ntohl(ip->word[3]);
	__u8 first = last >> 24;

	if (ipaddr_is_v4(ip))
		return first == 0 || first == 127 || first >= 224;
	return bpf_ntohl(ip->word[0]) >> 24 == 0xff ||
	       (!(ip->word[0] | ip->word[1] | ip->word[2]) && last <= 1);
}

/* An endpoint may send from its own addresses only; neighbour discovery and
 * what goes to a group also from none yet (DHCP, DAD), or from link-local. */
static __always_inline enum reason source_check(const struct pkt *pkt,
						const struct endpoint_val *ep)
{
	const struct ipaddr *src = &pkt->key.src;
	const struct endpoint_val *owner = bpf_map_lookup_elem(&bn_addrs, src);

	if (owner && owner->ifindex == ep->ifindex)
		return REASON_OK;
	if ((pkt->kind == PKT_MULTICAST || pkt->kind == PKT_NEIGHBOUR) &&
	    (ipaddr_is_none(src) || is_link_scope(src)))
		return REASON_OK;
	return REASON_SPOOFED_SOURCE;
}

/*
 * RFC 4861 4: a container is no router, so it sends neither advertisements of
 * one nor redirects; and it answers for its own addresses only.
 */
static __always_inline enum reason
neighbour_check(struct __sk_buff *skb, const struct pkt *pkt,
		const struct endpoint_val *endpoint)
{
	const struct endpoint_val *owner;
	struct {
		struct icmp_echo head; /* its last four bytes are flags */
		struct ipaddr target;
	} message;

	if (bpf_skb_load_bytes(skb, pkt->l4, &message.head,
			       sizeof(message.head)))
		return REASON_MALFORMED;
	if (message.head.type == ND_ROUTER_ADVERT ||
	    message.head.type == ND_REDIRECT)
		return REASON_SPOOFED_SOURCE;
	if (message.head.type != ND_NEIGHBOR_ADVERT)
		return REASON_OK;

	if (bpf_skb_load_bytes(skb, pkt->l4, &message, sizeof(message)))
		return REASON_MALFORMED;
	if (is_link_scope(&message.target))
		return REASON_OK;
	owner = bpf_map_lookup_elem(&bn_addrs, &message.target);
	return owner && owner->ifindex == endpoint->ifindex ?
		       REASON_OK :
		       REASON_SPOOFED_SOURCE;
}

#endif
