/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* rewrite - the only writer of the packets that go on */
#ifndef BPFNET_BPF_REWRITE_H
#define BPFNET_BPF_REWRITE_H

#include "flow.h"
#include "pkt.h"

/*
 * Transport checksums go through the helpers only: a packet may carry a
 * partial one (CHECKSUM_PARTIAL, every locally generated packet), in which the
 * pseudo header counts and the ports do not. The IPv4 header checksum is never
 * offloaded on the way in, so it is updated in place (RFC 1624).
 */
static __always_inline int rewrite_l4_end(struct __sk_buff *skb,
					  const struct pkt *pkt,
					  const struct ipaddr *from,
					  const struct ipaddr *to,
					  __be16 from_port, __be16 to_port)
{
	__u32 l4 = pkt->v4 ? L4_OFFSET_V4 : L4_OFFSET_V6;
	__u64 flags = 0;
	__u32 sum;
	__s64 diff;

	switch (pkt->key.proto) {
	case IPPROTO_TCP:
		sum = l4 + offsetof(struct tcphdr, check);
		break;
	case IPPROTO_UDP:
		sum = l4 + offsetof(struct udphdr, check);
		flags = BPF_F_MARK_MANGLED_0; /* zero stays zero, RFC 768 */
		break;
	case IPPROTO_ICMP: /* no pseudo header */
		sum = l4 + offsetof(struct icmp_echo, checksum);
		return bpf_l4_csum_replace(skb, sum, from_port, to_port, 2);
	case IPPROTO_ICMPV6:
		sum = l4 + offsetof(struct icmp_echo, checksum);
		break;
	default:
		return 0;
	}
	if (from_port != to_port &&
	    bpf_l4_csum_replace(skb, sum, from_port, to_port, flags | 2))
		return -1;
	flags |= BPF_F_PSEUDO_HDR;
	if (pkt->v4)
		return bpf_l4_csum_replace(skb, sum, from->word[3], to->word[3],
					   flags | 4);

	diff = bpf_csum_diff((__be32 *)(long)from->word, sizeof(from->word),
			     (__be32 *)(long)to->word, sizeof(to->word), 0);
	if (bpf_l4_csum_replace(skb, sum, 0, diff, flags))
		return -1;
	/* The helper takes the change from a sum over the whole packet
	 * (CHECKSUM_COMPLETE) as if an IPv4 header checksum balanced it. Nothing
	 * does in IPv6: put it back; without such a sum this does nothing. */
	bpf_csum_update(skb, diff);
	return 0;
}

static __always_inline int rewrite_l4(struct __sk_buff *skb,
				      const struct pkt *pkt,
				      const struct flow *flow)
{
	const struct flow_key *key = &pkt->key;

	if ((flow->flags & FLOW_NAT_SRC) &&
	    rewrite_l4_end(skb, pkt, &key->src, &flow->to_src, key->sport,
			   flow->to_sport))
		return -1;
	if ((flow->flags & FLOW_NAT_DST) &&
	    rewrite_l4_end(skb, pkt, &key->dst, &flow->to_dst, key->dport,
			   flow->to_dport))
		return -1;
	return 0;
}

/* A port or an identifier lies in the first eight bytes of the transport
 * header. What is translated has them: pkt_parse saw it. */
#define L4_REWRITTEN 8

static __always_inline void rewrite_ports(const struct pkt *pkt,
					  const struct flow *flow, __be16 *l4)
{
	switch (pkt->key.proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		if (flow->flags & FLOW_NAT_SRC)
			l4[0] = flow->to_sport;
		if (flow->flags & FLOW_NAT_DST)
			l4[1] = flow->to_dport;
		break;
	case IPPROTO_ICMP: /* the identifier: the one of the two that is set */
	case IPPROTO_ICMPV6:
		l4[2] = flow->to_sport | flow->to_dport;
		break;
	}
}

static __always_inline void rewrite_v4(const struct pkt *pkt,
				       const struct flow *flow, bool hop,
				       struct iphdr *ip, void *end)
{
	__u64 sum = (__u16)~ip->check;

	/* RFC 1624 equation 3: HC' = ~(~HC + ~m + m'), all changes at once. */
	if (flow->flags & FLOW_NAT_SRC) {
		sum += (__u64)(__u32)~ip->saddr + flow->to_src.word[3];
		ip->saddr = flow->to_src.word[3];
	}
	if (flow->flags & FLOW_NAT_DST) {
		sum += (__u64)(__u32)~ip->daddr + flow->to_dst.word[3];
		ip->daddr = flow->to_dst.word[3];
	}
	if (hop) {
		ip->ttl--;
		sum += bpf_htons(0xfeff);
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~((sum & 0xffff) + (sum >> 16));
	if ((flow->flags & (FLOW_NAT_SRC | FLOW_NAT_DST)) &&
	    (void *)(ip + 1) + L4_REWRITTEN <= end)
		rewrite_ports(pkt, flow, (__be16 *)(ip + 1));
}

static __always_inline void rewrite_v6(const struct pkt *pkt,
				       const struct flow *flow, bool hop,
				       struct ipv6hdr *ip, void *end)
{
	if (flow->flags & FLOW_NAT_SRC)
		__builtin_memcpy(&ip->saddr, &flow->to_src, sizeof(ip->saddr));
	if (flow->flags & FLOW_NAT_DST)
		__builtin_memcpy(&ip->daddr, &flow->to_dst, sizeof(ip->daddr));
	if (hop)
		ip->hop_limit--;
	if ((flow->flags & (FLOW_NAT_SRC | FLOW_NAT_DST)) &&
	    (void *)(ip + 1) + L4_REWRITTEN <= end)
		rewrite_ports(pkt, flow, (__be16 *)(ip + 1));
}

/*
 * Makes the packet what flow says: addresses, ports, checksums and, unless the
 * stack has routed it already, TTL and MACs. The helpers come first because
 * they invalidate packet pointers.
 */
static __always_inline enum reason
rewrite(struct __sk_buff *skb, const struct pkt *pkt, const struct flow *flow)
{
	bool hop = (flow->flags & FLOW_ROUTED) && !pkt->through_stack;
	void *data, *end;

	if (!(flow->flags & (FLOW_NAT_SRC | FLOW_NAT_DST)) &&
	    flow->action == FLOW_STACK)
		return REASON_OK;
	if (rewrite_l4(skb, pkt, flow))
		return REASON_MALFORMED;

	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	if (pkt->v4) {
		if (data + L4_OFFSET_V4 > end)
			return REASON_MALFORMED;
		rewrite_v4(pkt, flow, hop, data + ETH_HLEN, end);
	} else {
		if (data + L4_OFFSET_V6 > end)
			return REASON_MALFORMED;
		rewrite_v6(pkt, flow, hop, data + ETH_HLEN, end);
	}
	if (flow->action != FLOW_STACK && !pkt->through_stack) {
		/* dmac and smac are neighbours in the entry as in the frame;
		 * copied as packed structures they would go byte by byte. */
		const __u32 *from = (const __u32 *)flow->dmac;
		__u32 *to = data;

		to[0] = from[0];
		to[1] = from[1];
		to[2] = from[2];
	}
	return REASON_OK;
}

#endif
