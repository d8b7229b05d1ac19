/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* neighbour - answers containers that look for each other (RFC 4861) */
#ifndef BPFNET_BPF_NEIGHBOUR_H
#define BPFNET_BPF_NEIGHBOUR_H

#include "csum.h"
#include "maps.h"
#include "pkt.h"

/*
 * The bridge carries the question, as it is. But where br_netfilter is loaded the
 * host's ip6tables see what a bridge carries, and a FORWARD policy of DROP would
 * keep containers from finding each other. The tables know who has the address,
 * so they answer as well: a copy of the question is made the answer, in which
 * the option with the asker's MAC is as long as the one with the target's. Where
 * the target hears the question, the asker gets the same answer twice.
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

#define NEIGHBOUR_ENDS (ETH_HLEN + (int)offsetof(struct ipv6hdr, saddr))
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
	struct {
		__be16 len;
		__u8 next;
	} ip;

	return !bpf_skb_load_bytes(
		       skb, ETH_HLEN + offsetof(struct ipv6hdr, payload_len),
		       &ip, 3) &&
	       bpf_ntohs(ip.len) == sizeof(struct neighbour_message) &&
	       ip.next == IPPROTO_ICMPV6;
}

/* All that an answer and its question differ in. */
struct neighbour_frame {
	__u8 macs[2 * ETH_ALEN];
	struct ipaddr ends[2];
	struct neighbour_message message;
};

static __always_inline int neighbour_load(struct __sk_buff *skb,
					  struct neighbour_frame *frame)
{
	return bpf_skb_load_bytes(skb, 0, frame->macs, sizeof(frame->macs)) ||
	       bpf_skb_load_bytes(skb, NEIGHBOUR_ENDS, frame->ends,
				  sizeof(frame->ends)) ||
	       bpf_skb_load_bytes(skb, L4_OFFSET_V6, &frame->message,
				  sizeof(frame->message));
}

static __always_inline int neighbour_store(struct __sk_buff *skb,
					   const struct neighbour_frame *frame)
{
	return bpf_skb_store_bytes(skb, 0, frame->macs, sizeof(frame->macs),
				   0) ||
	       bpf_skb_store_bytes(skb, NEIGHBOUR_ENDS, frame->ends,
				   sizeof(frame->ends), BPF_F_RECOMPUTE_CSUM) ||
	       bpf_skb_store_bytes(skb, L4_OFFSET_V6, &frame->message,
				   sizeof(frame->message),
				   BPF_F_RECOMPUTE_CSUM);
}

/*
 * Sends the answer to the question, whose source has been checked, if the tables
 * have one. The packet becomes the answer, a copy of that goes back by the
 * device, and the packet becomes what it was.
 */
static __noinline void neighbour_answer(struct __sk_buff *skb)
{
	struct neighbour_frame question, answer;
	const struct endpoint_val *target;

	if (!is_plain(skb) || neighbour_load(skb, &question) ||
	    ipaddr_is_zero(&question.ends[0]))
		return;
	target = neighbour_find(skb, &question.message);
	if (!target)
		return;
	answer.message = question.message;
	answer.ends[0] = question.message.target;
	answer.ends[1] = question.ends[0];
	__builtin_memcpy(answer.macs, question.macs + ETH_ALEN, ETH_ALEN);
	__builtin_memcpy(answer.macs + ETH_ALEN, target->mac, ETH_ALEN);
	neighbour_advertise(target, &question.ends[0], &answer.message);
	if (!neighbour_store(skb, &answer))
		bpf_clone_redirect(skb, skb->ifindex, 0);
	neighbour_store(skb, &question);
}

#endif
