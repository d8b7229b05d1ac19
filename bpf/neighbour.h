/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* neighbour - answers containers that look for each other (RFC 4861) */
#ifndef BPFNET_BPF_NEIGHBOUR_H
#define BPFNET_BPF_NEIGHBOUR_H

#include "csum.h"
#include "maps.h"
#include "pkt.h"

/*
 * The bridge would carry the question, but where br_netfilter is loaded the
 * host's ip6tables see what a bridge carries, and a FORWARD policy of DROP would
 * keep containers from finding each other. The tables know who has the address,
 * so the question becomes its own answer: the option with the asker's MAC is as
 * long as the one with the target's.
 *
 * Whoever asks from no address yet (duplicate address detection, RFC 4862 5.4)
 * is left to the bridge: that answer goes to everybody. IPv4's ARP passes
 * br_netfilter without a look.
 */

enum {
	ND_NEIGHBOR_SOLICIT = 135,
	ND_OPTION_SOURCE_MAC = 1,
	ND_OPTION_TARGET_MAC = 2,
};

/* RFC 4861 4.3, 4.4, 4.6.1: solicitation or advertisement, and one option. */
struct neighbour_message {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be32 flags; /* of an advertisement */
	struct ipaddr target;
	__u8 option;
	__u8 option_len; /* in units of eight bytes */
	__u8 mac[ETH_ALEN];
};

#define ND_SOLICITED 0x40000000u
#define ND_OVERRIDE 0x20000000u

/* What the sum of an ICMPv6 message covers beside it (RFC 8200 8.1). */
struct neighbour_pseudo {
	struct ipaddr src;
	struct ipaddr dst;
	__be32 len;
	__be32 proto;
};

/* The endpoint, another one than the asker's, that the message looks for on
 * their common bridge; NULL when the bridge should be asked. */
static __always_inline const struct endpoint_val *
neighbour_find(struct __sk_buff *skb, const struct neighbour_message *message)
{
	__u32 ifindex = skb->ifindex;
	const struct endpoint_val *asker, *target;

	if (message->type != ND_NEIGHBOR_SOLICIT ||
	    message->option != ND_OPTION_SOURCE_MAC || message->option_len != 1)
		return NULL;
	asker = bpf_map_lookup_elem(&bn_endpoints, &ifindex);
	target = bpf_map_lookup_elem(&bn_addrs, &message->target);
	if (!asker || !target || target->ifindex == asker->ifindex ||
	    target->bridge_ifindex != asker->bridge_ifindex)
		return NULL;
	return target;
}

static __always_inline void
neighbour_advertise(const struct endpoint_val *target,
		    const struct ipaddr *asker,
		    struct neighbour_message *message)
{
	struct neighbour_pseudo pseudo = {
		.src = message->target,
		.dst = *asker,
		.len = bpf_htonl(sizeof(*message)),
		.proto = bpf_htonl(IPPROTO_ICMPV6),
	};
	__s64 sum;

	message->type = ND_NEIGHBOR_ADVERT;
	message->checksum = 0;
	message->flags = bpf_htonl(ND_SOLICITED | ND_OVERRIDE);
	message->option = ND_OPTION_TARGET_MAC;
	__builtin_memcpy(message->mac, target->mac, ETH_ALEN);
	sum = bpf_csum_diff(NULL, 0, (__be32 *)(void *)&pseudo, sizeof(pseudo),
			    0);
	sum = bpf_csum_diff(NULL, 0, (__be32 *)(void *)message,
			    sizeof(*message), sum);
	message->checksum = ~csum_fold(sum);
}

/* Is it the message with one option, and nothing else? Another option (a nonce,
 * RFC 3971 5.3.2) would stay behind in the answer. */
static __always_inline bool is_plain(struct __sk_buff *skb)
{
	__be16 len;

	return !bpf_skb_load_bytes(
		       skb, ETH_HLEN + offsetof(struct ipv6hdr, payload_len),
		       &len, sizeof(len)) &&
	       bpf_ntohs(len) == sizeof(struct neighbour_message);
}

/* Makes the question, whose source has been checked, its answer. False when
 * there is none to give: the packet is as it was then, unless the kernel has
 * refused to write to it. */
static __noinline bool neighbour_answer(struct __sk_buff *skb,
					const struct pkt *pkt)
{
	const __u32 src = ETH_HLEN + offsetof(struct ipv6hdr, saddr);
	const struct endpoint_val *target;
	struct neighbour_message message;
	struct ipaddr ends[2];
	__u8 macs[2 * ETH_ALEN];

	if (ipaddr_is_zero(&pkt->key.src) || !is_plain(skb) ||
	    bpf_skb_load_bytes(skb, L4_OFFSET_V6, &message, sizeof(message)) ||
	    bpf_skb_load_bytes(skb, ETH_ALEN, macs, ETH_ALEN))
		return false;
	target = neighbour_find(skb, &message);
	if (!target)
		return false;
	ends[0] = message.target;
	ends[1] = pkt->key.src;
	__builtin_memcpy(macs + ETH_ALEN, target->mac, ETH_ALEN);
	neighbour_advertise(target, &pkt->key.src, &message);
	return !bpf_skb_store_bytes(skb, 0, macs, sizeof(macs), 0) &&
	       !bpf_skb_store_bytes(skb, src, ends, sizeof(ends),
				    BPF_F_RECOMPUTE_CSUM) &&
	       !bpf_skb_store_bytes(skb, L4_OFFSET_V6, &message,
				    sizeof(message), BPF_F_RECOMPUTE_CSUM);
}

#endif
