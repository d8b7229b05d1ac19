/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* answer - makes a packet that goes no further the answer to its sender */
#ifndef BPFNET_BPF_ANSWER_H
#define BPFNET_BPF_ANSWER_H

#include "csum.h"
#include "flow.h"
#include "maps.h"
#include "pkt.h"

/*
 * It writes packet bytes, as rewrite.h does, and stands apart from it because
 * nothing is shared: a rewrite keeps the packet and exchanges fields, this keeps
 * the buffer and makes another packet in it.
 *
 * What a rule rejects is answered by whom the packet went to, as the sender wrote
 * it, so the answer fits the sender's socket and whatever translates on its way:
 * TCP gets a reset (RFC 9293 3.10.7), the rest an ICMP error that says
 * administratively prohibited. The other answers are a router's own (RFC 1812 5.2
 * and 5.3.1, RFC 4443 3): a container hears them from its gateway, whoever is
 * outside from the address that he wrote to. Errors quote the IP header and eight
 * bytes of the transport's, with IPv6's fragment header between them.
 */

enum {
	ICMP_UNREACHABLE = 3,
	ICMP_UNREACHABLE_TOO_BIG = 4,
	ICMP_UNREACHABLE_PROHIBITED = 13,
	ICMP_TIME_EXCEEDED = 11,
	ICMPV6_UNREACHABLE = 1,
	ICMPV6_UNREACHABLE_PROHIBITED = 1,
	ICMPV6_TOO_BIG = 2,
	ICMPV6_TIME_EXCEEDED = 3,
};

#define ANSWER_QUOTE 8 /* bytes of the transport header */
#define EXTENSION_LEN 8 /* of the fragment header, and of other short ones */
#define ANSWER_TTL 64

union ip_header {
	struct iphdr v4;
	struct ipv6hdr v6;
};

/* What goes into a transport checksum beside the segment. */
struct pseudo_header {
	struct ipaddr src;
	struct ipaddr dst;
	__be32 len;
	__be32 proto;
};

struct answer {
	__u32 tick; /* in which `sent` answers have been sent */
	__u32 sent;
	struct ethhdr eth;
	__u16 pad;
	struct ipaddr from; /* who answers */
	struct pseudo_header pseudo;
	union ip_header old; /* as the packet came; ICMP quotes it */
	union ip_header ip;
	struct tcphdr old_tcp; /* the first bytes of any transport header */
	struct tcphdr tcp;
	struct icmp_echo icmp; /* id and sequence are unused in an error */
};

/*
 * bn_answer: the workspace for one answer, too large for the stack.
 *
 * Written by:	answer_send; see bn_first for why nothing else may come
 *		between.
 * Read by:	the same run of the same program.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct answer);
} bn_answer SEC(".maps");

/* One, which an error of a router's quotes as well. */
static __always_inline bool has_extension(const struct pkt *pkt)
{
	return !pkt->v4 && pkt->l4 == L4_OFFSET_V6 + EXTENSION_LEN;
}

/* Bytes that an error quotes behind the IP header. */
static __always_inline __u32 quote_len(const struct pkt *pkt)
{
	return has_extension(pkt) ? EXTENSION_LEN + ANSWER_QUOTE : ANSWER_QUOTE;
}

/* Is this a reason to tell the sender? Nobody outside hears more of containers
 * than that a packet has passed too many routers. */
static __always_inline bool is_told(const struct pkt *pkt, enum reason why)
{
	switch (why) {
	case REASON_POLICY_REJECT:
	case REASON_TTL:
	case REASON_TOO_BIG:
		return true;
	case REASON_NO_ROUTE:
	case REASON_NO_UPLINK:
	case REASON_UNTRANSLATED_EGRESS:
		return pkt->in_ifindex != FLOW_FROM_UPLINK &&
		       !pkt->through_stack;
	default:
		return false;
	}
}

/* RFC 1122 3.2.2: no error about an error, a later fragment, or what went to a
 * group, and no reset about a reset. What has more headers than usual is
 * dropped silently, too: its quote would need them. */
static __always_inline bool is_answerable(const struct pkt *pkt,
					  enum reason why)
{
	if (pkt->kind != PKT_FLOW || pkt->group_frame)
		return false;
	if (pkt->l4 != (pkt->v4 ? L4_OFFSET_V4 : L4_OFFSET_V6) &&
	    (why == REASON_POLICY_REJECT || !has_extension(pkt)))
		return false;
	switch (pkt->key.proto) {
	case IPPROTO_TCP:
		return why != REASON_POLICY_REJECT ||
		       !(pkt->tcp_flags & TCP_FLAG_RST_BIT);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return pkt->translatable && !pkt->echo_reply;
	default:
		return true;
	}
}

/* RFC 1812 4.3.2.8: answers must not become a flood. */
static __always_inline bool answer_is_due(struct answer *answer, __u32 now)
{
	if (answer->tick != now) {
		answer->tick = now;
		answer->sent = 0;
	}
	return answer->sent++ < ANSWERS_PER_TICK;
}

static __always_inline __u32 csum_add(const void *data, __u32 len, __u32 sum)
{
	return bpf_csum_diff(NULL, 0, (__be32 *)(long)data, len, sum);
}

/* A router answers with its own address. */
static __always_inline void answer_from(const struct __sk_buff *skb,
					const struct pkt *pkt, enum reason why,
					struct answer *answer)
{
	__u32 ifindex = skb->ifindex, id;
	const struct endpoint_val *endpoint;
	const struct network_val *network;

	answer->from = pkt->key.dst;
	if (why == REASON_POLICY_REJECT)
		return;
	endpoint = bpf_map_lookup_elem(&bn_endpoints, &ifindex);
	if (!endpoint)
		return;
	id = endpoint->network;
	network = bpf_map_lookup_elem(&bn_networks, &id);
	if (network)
		answer->from = pkt->v4 ? network->gateway4 : network->gateway6;
}

/* What a transport header at its usual offset starts with. */
static __always_inline bool
answer_load(struct __sk_buff *skb, const struct pkt *pkt, struct answer *answer)
{
	__u32 ip_len = pkt->v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__u8 mac[ETH_ALEN];

	if (bpf_skb_load_bytes(skb, 0, &answer->eth, ETH_HLEN))
		return false;
	__builtin_memcpy(mac, answer->eth.h_dest, ETH_ALEN);
	__builtin_memcpy(answer->eth.h_dest, answer->eth.h_source, ETH_ALEN);
	__builtin_memcpy(answer->eth.h_source, mac, ETH_ALEN);
	if (pkt->v4 ? bpf_skb_load_bytes(skb, ETH_HLEN, &answer->old,
					 sizeof(struct iphdr)) :
		      bpf_skb_load_bytes(skb, ETH_HLEN, &answer->old,
					 sizeof(struct ipv6hdr)))
		return false;
	if (pkt->key.proto == IPPROTO_TCP)
		return !bpf_skb_load_bytes(skb, ETH_HLEN + ip_len,
					   &answer->old_tcp,
					   sizeof(answer->old_tcp));
	return !bpf_skb_load_bytes(skb, ETH_HLEN + ip_len, &answer->old_tcp,
				   quote_len(pkt));
}

/* The IP header of an answer with len bytes behind it. */
static __always_inline void
answer_ip(const struct pkt *pkt, struct answer *answer, __u8 proto, __u16 len)
{
	struct iphdr *v4 = &answer->ip.v4;
	struct ipv6hdr *v6 = &answer->ip.v6;

	answer->pseudo = (struct pseudo_header){
		.src = answer->from,
		.dst = pkt->key.src,
		.len = bpf_htonl(len),
		.proto = bpf_htonl(proto),
	};
	__builtin_memset(&answer->ip, 0, sizeof(answer->ip));
	if (!pkt->v4) {
		v6->version = 6;
		v6->payload_len = bpf_htons(len);
		v6->nexthdr = proto;
		v6->hop_limit = ANSWER_TTL;
		__builtin_memcpy(&v6->saddr, &answer->from, sizeof(v6->saddr));
		__builtin_memcpy(&v6->daddr, &pkt->key.src, sizeof(v6->daddr));
		return;
	}
	/* Without the words of the mapping, which are no part of the sum. */
	answer->pseudo.src.word[2] = 0;
	answer->pseudo.dst.word[2] = 0;
	v4->version = 4;
	v4->ihl = 5;
	v4->tot_len = bpf_htons(sizeof(*v4) + len);
	v4->frag_off = bpf_htons(IP_DONT_FRAGMENT);
	v4->ttl = ANSWER_TTL;
	v4->protocol = proto;
	v4->saddr = answer->from.word[3];
	v4->daddr = pkt->key.src.word[3];
	v4->check = ~csum_fold(csum_add(v4, sizeof(*v4), 0));
}

/* Bytes that a TCP segment takes of the sequence. */
static __always_inline __u32 segment_len(const struct pkt *pkt,
					 const struct answer *answer)
{
	__u32 headers = 4 * (((const __u8 *)&answer->old_tcp)[12] >> 4);
	__u32 flags = pkt->tcp_flags;
	__u32 len;

	if (pkt->v4)
		len = bpf_ntohs(answer->old.v4.tot_len) - sizeof(struct iphdr);
	else
		len = bpf_ntohs(answer->old.v6.payload_len);
	return len - headers + !!(flags & TCP_FLAG_SYN_BIT) +
	       !!(flags & TCP_FLAG_FIN_BIT);
}

static __always_inline void answer_tcp(const struct pkt *pkt,
				       struct answer *answer)
{
	const struct tcphdr *old = &answer->old_tcp;
	struct tcphdr *tcp = &answer->tcp;
	__u8 *bytes = (__u8 *)tcp;

	__builtin_memset(tcp, 0, sizeof(*tcp));
	tcp->source = old->dest;
	tcp->dest = old->source;
	bytes[12] = sizeof(*tcp) / 4 << 4;
	bytes[13] = TCP_FLAG_RST_BIT;
	if (pkt->tcp_flags & TCP_FLAG_ACK_BIT) {
		tcp->seq = old->ack_seq;
		return;
	}
	bytes[13] |= TCP_FLAG_ACK_BIT;
	tcp->ack_seq =
		bpf_htonl(bpf_ntohl(old->seq) + segment_len(pkt, answer));
}

/*
 * The packet may have come with a partial checksum, which somebody completes
 * later: he adds up the segment, without the pseudo header, and writes the
 * result where the old protocol has its checksum. Whether that is so cannot be
 * asked, but bpf_l4_csum_replace leaves a partial checksum alone unless it is
 * told of a pseudo header. So the place gets the sum of the pseudo header, which
 * is right for a partial one, and the helper turns it into `full` for the rest.
 */
static __always_inline int checksum_write(struct __sk_buff *skb, __u32 offset,
					  __u16 pseudo, __u16 full)
{
	if (bpf_skb_store_bytes(skb, offset, &pseudo, sizeof(pseudo),
				BPF_F_RECOMPUTE_CSUM))
		return -1;
	return bpf_l4_csum_replace(skb, offset, (__u16)~pseudo, (__u16)~full,
				   sizeof(full));
}

static __always_inline int answer_headers(struct __sk_buff *skb,
					  const struct pkt *pkt,
					  const struct answer *answer,
					  __u32 len)
{
	if (bpf_skb_change_tail(skb, len, 0))
		return -1;
	if (bpf_skb_store_bytes(skb, 0, &answer->eth, ETH_HLEN, 0))
		return -1;
	if (pkt->v4)
		return bpf_skb_store_bytes(skb, ETH_HLEN, &answer->ip,
					   sizeof(struct iphdr),
					   BPF_F_RECOMPUTE_CSUM);
	return bpf_skb_store_bytes(skb, ETH_HLEN, &answer->ip,
				   sizeof(struct ipv6hdr),
				   BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int
write_reset(struct __sk_buff *skb, const struct pkt *pkt, struct answer *answer)
{
	__u32 l4 = pkt->v4 ? L4_OFFSET_V4 : L4_OFFSET_V6;
	__u32 pseudo, sum;

	answer_ip(pkt, answer, IPPROTO_TCP, sizeof(answer->tcp));
	answer_tcp(pkt, answer);
	pseudo = csum_add(&answer->pseudo, sizeof(answer->pseudo), 0);
	sum = csum_add(&answer->tcp, sizeof(answer->tcp), pseudo);
	if (answer_headers(skb, pkt, answer, l4 + sizeof(answer->tcp)) ||
	    bpf_skb_store_bytes(skb, l4, &answer->tcp, sizeof(answer->tcp),
				BPF_F_RECOMPUTE_CSUM))
		return -1;
	return checksum_write(skb, l4 + offsetof(struct tcphdr, check),
			      csum_fold(pseudo), ~csum_fold(sum));
}

/* The error's own checksum, and behind the error the quote. */
static __always_inline int write_quote(struct __sk_buff *skb, __u32 at,
				       struct answer *answer, __u32 ip_len,
				       __u32 quote, __u32 sum)
{
	struct icmp_echo *icmp = &answer->icmp;

	sum = csum_add(icmp, sizeof(*icmp), sum);
	sum = csum_add(&answer->old, ip_len, sum);
	sum = csum_add(&answer->old_tcp, quote, sum);
	icmp->checksum = ~csum_fold(sum);
	return bpf_skb_store_bytes(skb, at, icmp, sizeof(*icmp),
				   BPF_F_RECOMPUTE_CSUM) ||
	       bpf_skb_store_bytes(skb, at + sizeof(*icmp), &answer->old,
				   ip_len, BPF_F_RECOMPUTE_CSUM) ||
	       bpf_skb_store_bytes(skb, at + sizeof(*icmp) + ip_len,
				   &answer->old_tcp, quote,
				   BPF_F_RECOMPUTE_CSUM);
}

static __always_inline void answer_icmp(const struct pkt *pkt, enum reason why,
					struct icmp_echo *icmp)
{
	__builtin_memset(icmp, 0, sizeof(*icmp));
	switch (why) {
	case REASON_TTL:
		icmp->type =
			pkt->v4 ? ICMP_TIME_EXCEEDED : ICMPV6_TIME_EXCEEDED;
		return;
	case REASON_TOO_BIG: /* RFC 1191 4; IPv6: the MTU's upper half is zero */
		icmp->type = pkt->v4 ? ICMP_UNREACHABLE : ICMPV6_TOO_BIG;
		icmp->code = pkt->v4 ? ICMP_UNREACHABLE_TOO_BIG : 0;
		icmp->sequence = bpf_htons(pkt->mtu);
		return;
	default:
		icmp->type = pkt->v4 ? ICMP_UNREACHABLE : ICMPV6_UNREACHABLE;
		if (why == REASON_POLICY_REJECT)
			icmp->code = pkt->v4 ? ICMP_UNREACHABLE_PROHIBITED :
					       ICMPV6_UNREACHABLE_PROHIBITED;
	}
}

/*
 * If UDP came with a partial checksum, it will be completed in the error's
 * second unused field: then that is what makes the whole right. Where that field
 * is in use, or with TCP, the answer is right as long as nobody completes it: it
 * goes straight into the sender's stack, which does not.
 */
static __always_inline int write_error(struct __sk_buff *skb,
				       const struct pkt *pkt,
				       struct answer *answer, enum reason why)
{
	__u32 ip_len = pkt->v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__u32 quote = quote_len(pkt);
	__u32 len = sizeof(answer->icmp) + ip_len + quote;
	__u32 at = ETH_HLEN + ip_len, pseudo = 0;
	int failed;

	answer_icmp(pkt, why, &answer->icmp);
	answer_ip(pkt, answer, pkt->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, len);
	if (!pkt->v4)
		pseudo = csum_add(&answer->pseudo, sizeof(answer->pseudo), 0);
	if (answer_headers(skb, pkt, answer, at + len))
		return -1;
	failed = pkt->v4 ? write_quote(skb, L4_OFFSET_V4, answer,
				       sizeof(struct iphdr), quote, 0) :
			   write_quote(skb, L4_OFFSET_V6, answer,
				       sizeof(struct ipv6hdr), quote, pseudo);
	if (failed)
		return -1;
	if (answer->icmp.sequence || pkt->key.proto == IPPROTO_TCP)
		return 0;
	return checksum_write(skb, at + offsetof(struct icmp_echo, sequence),
			      csum_fold(pseudo), 0);
}

/* False when there is nothing to say; the packet may be damaged then. */
static __noinline bool answer_send(struct __sk_buff *skb, const struct pkt *pkt,
				   enum reason why)
{
	__u32 zero = 0;
	struct answer *answer = bpf_map_lookup_elem(&bn_answer, &zero);

	if (!answer || !is_answerable(pkt, why) ||
	    !answer_load(skb, pkt, answer) || !answer_is_due(answer, pkt->now))
		return false;
	answer_from(skb, pkt, why, answer);
	if (ipaddr_is_zero(&answer->from))
		return false;
	if (why == REASON_POLICY_REJECT && pkt->key.proto == IPPROTO_TCP)
		return !write_reset(skb, pkt, answer);
	return !write_error(skb, pkt, answer, why);
}

#endif
