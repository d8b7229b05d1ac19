/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* rewrite - the only writer of the packets that go on */
#ifndef BPFNET_BPF_REWRITE_H
#define BPFNET_BPF_REWRITE_H

#include "csum.h"
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
	__u32 l4 = pkt->l4;
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
	ip->check = ~csum_fold(sum);
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

/* ------------------------- what unusual.h has read: by helpers, any offset */

static __always_inline int store(struct __sk_buff *skb, __u32 offset,
				 const void *from, __u32 len)
{
	return bpf_skb_store_bytes(skb, offset, from, len, 0);
}

/* Both addresses of an IP header, the outer or the quoted one. */
struct ends {
	struct ipaddr src;
	struct ipaddr dst;
};

static __always_inline int rewrite_ends(struct __sk_buff *skb, bool v4,
					__u32 ip, const struct ends *from,
					const struct ends *to)
{
	__u32 check = ip + offsetof(struct iphdr, check);

	if (!v4)
		return store(skb, ip + offsetof(struct ipv6hdr, saddr), to,
			     sizeof(*to));
	return bpf_l3_csum_replace(skb, check, from->src.word[3],
				   to->src.word[3], 4) ||
	       bpf_l3_csum_replace(skb, check, from->dst.word[3],
				   to->dst.word[3], 4) ||
	       store(skb, ip + offsetof(struct iphdr, saddr), &to->src.word[3],
		     4) ||
	       store(skb, ip + offsetof(struct iphdr, daddr), &to->dst.word[3],
		     4);
}

static __always_inline int rewrite_hop_limit(struct __sk_buff *skb, bool v4)
{
	__u32 at = ETH_HLEN + (v4 ? offsetof(struct iphdr, ttl) :
				    offsetof(struct ipv6hdr, hop_limit));
	__be16 old, new;
	__u8 limit;

	if (!v4) {
		if (bpf_skb_load_bytes(skb, at, &limit, 1))
			return -1;
		limit--;
		return store(skb, at, &limit, 1);
	}
	if (bpf_skb_load_bytes(skb, at, &old, sizeof(old)))
		return -1;
	new = bpf_htons(bpf_ntohs(old) - 0x100); /* TTL and protocol */
	return bpf_l3_csum_replace(skb,
				   ETH_HLEN + offsetof(struct iphdr, check),
				   old, new, 2) ||
	       store(skb, at, &new, sizeof(new));
}

/* Ports or identifier of a packet that has its transport header. */
static __always_inline int rewrite_ports_at(struct __sk_buff *skb,
					    const struct pkt *pkt,
					    const struct flow *flow, __u32 l4)
{
	__be16 ports[2] = { flow->to_sport, flow->to_dport };
	__be16 id = flow->to_sport | flow->to_dport;

	switch (pkt->key.proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return store(skb, l4, ports, sizeof(ports));
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return store(skb, l4 + offsetof(struct icmp_echo, id), &id,
			     sizeof(id));
	default:
		return 0;
	}
}

static __always_inline int rewrite_transport(struct __sk_buff *skb,
					     const struct pkt *pkt,
					     const struct flow *flow)
{
	/* Only the first fragment has a transport header. */
	if (!pkt->l4 || !pkt->translatable)
		return 0;
	return rewrite_l4(skb, pkt, flow) ||
	       rewrite_ports_at(skb, pkt, flow, pkt->l4);
}

/* The checksum of the quoted transport header, if the quote is long enough to
 * have it: it changes by what changed in the addresses (where there is a pseudo
 * header) and ports. */
static __always_inline void quote_checksum(__u8 proto, __be16 *check,
					   __u64 ends_diff, __u64 ports_diff)
{
	if (proto == IPPROTO_UDP && !*check)
		return;
	if (proto == IPPROTO_ICMP)
		ends_diff = 0;
	*check = ~csum_fold((__u16) ~*check + ends_diff + ports_diff);
	if (proto == IPPROTO_UDP && !*check)
		*check = 0xffff;
}

/* Where the IP packet ends: what follows in the frame is padding. */
static __always_inline __u32 ip_end(struct __sk_buff *skb, bool v4)
{
	__u32 at = ETH_HLEN + (v4 ? offsetof(struct iphdr, tot_len) :
				    offsetof(struct ipv6hdr, payload_len));
	__be16 len;

	if (bpf_skb_load_bytes(skb, at, &len, sizeof(len)))
		return 0;
	return bpf_ntohs(len) + (v4 ? ETH_HLEN : L4_OFFSET_V6);
}

/* -1: nothing in the quoted transport header is translated. */
static __always_inline int quote_check_offset(const struct flow_key *key)
{
	if (key->no_echo)
		return -1;
	switch (key->proto) {
	case IPPROTO_TCP:
		return offsetof(struct tcphdr, check);
	case IPPROTO_UDP:
		return offsetof(struct udphdr, check);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return offsetof(struct icmp_echo, checksum);
	default:
		return -1;
	}
}

/*
 * The quoted packet becomes what its sender had sent: the error's flow entry
 * says how its own direction is translated, the quote is the other one. Returns
 * by how much the sum over the quote has changed, which is what the error's own
 * checksum has to make up for; negative on failure.
 */
static __always_inline __s64 rewrite_quote(struct __sk_buff *skb,
					   const struct pkt *pkt,
					   const struct flow *flow)
{
	const struct flow_key *key = &pkt->key;
	const struct ends from = { .src = key->dst, .dst = key->src };
	const struct ends to = { .src = flow->to_dst, .dst = flow->to_src };
	__be16 old_ports[2] = { key->dport, key->sport };
	__be16 new_ports[2] = { flow->to_dport, flow->to_sport };
	__u64 ends_diff, ports_diff, check_diff = 0;
	int at = quote_check_offset(key);
	__be16 old_check[2] = {}, new_check[2] = {};
	bool echo = key->proto == IPPROTO_ICMP || key->proto == IPPROTO_ICMPV6;

	ends_diff = (__u32)bpf_csum_diff((__be32 *)(long)&from, sizeof(from),
					 (__be32 *)(long)&to, sizeof(to), 0);
	ports_diff = (__u32)bpf_csum_diff((__be32 *)old_ports, 4,
					  (__be32 *)new_ports, 4, 0);
	if (rewrite_ends(skb, pkt->v4, pkt->quote, &from, &to))
		return -1;
	if (at < 0)
		return pkt->v4 ? 0 : ends_diff;

	if (echo) {
		new_ports[0] |= new_ports[1];
		if (store(skb, pkt->quote_l4 + offsetof(struct icmp_echo, id),
			  new_ports, 2))
			return -1;
	} else if (store(skb, pkt->quote_l4, new_ports, sizeof(new_ports))) {
		return -1;
	}
	if ((__u32)pkt->quote_l4 + at + 2 <= ip_end(skb, pkt->v4) &&
	    !bpf_skb_load_bytes(skb, pkt->quote_l4 + at, old_check, 2)) {
		new_check[0] = old_check[0];
		quote_checksum(key->proto, new_check, ends_diff, ports_diff);
		if (store(skb, pkt->quote_l4 + at, new_check, 2))
			return -1;
		check_diff = (__u32)bpf_csum_diff((__be32 *)old_check, 4,
						  (__be32 *)new_check, 4, 0);
	}
	/* An IPv4 header sums to the same value whatever its addresses are. */
	return (pkt->v4 ? 0 : ends_diff) + ports_diff + check_diff;
}

static __always_inline int rewrite_error(struct __sk_buff *skb,
					 const struct pkt *pkt,
					 const struct flow *flow,
					 const struct ends *from,
					 const struct ends *to)
{
	__u32 check = pkt->l4 + offsetof(struct icmp_echo, checksum);
	__s64 sum = rewrite_quote(skb, pkt, flow);

	if (sum < 0)
		return -1;
	if (!pkt->v4) {
		__s64 diff = bpf_csum_diff((__be32 *)(long)from, sizeof(*from),
					   (__be32 *)(long)to, sizeof(*to), 0);

		if (bpf_l4_csum_replace(skb, check, 0, diff, BPF_F_PSEUDO_HDR))
			return -1;
	}
	return bpf_l4_csum_replace(skb, check, 0, csum_fold(sum), 0);
}

static __always_inline int ends_read(struct __sk_buff *skb, bool v4,
				     struct ends *ret)
{
	__be32 addrs[2];

	if (!v4)
		return bpf_skb_load_bytes(
			skb, ETH_HLEN + offsetof(struct ipv6hdr, saddr), ret,
			sizeof(*ret));
	if (bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, saddr),
			       addrs, sizeof(addrs)))
		return -1;
	ret->src = ipaddr_v4(addrs[0]);
	ret->dst = ipaddr_v4(addrs[1]);
	return 0;
}

/* Returns an enum reason; global, so that it is verified once. */
__noinline int rewrite_unusual(struct __sk_buff *skb, const struct pkt *pkt,
			       const struct flow *flow)
{
	struct ends from, to;
	bool failed;

	if (!pkt || !flow || ends_read(skb, pkt->v4, &from))
		return REASON_MALFORMED;
	to = from;
	/* A router on the way that reports an error keeps its own address. */
	if (ipaddr_equal(&from.src, &pkt->key.src))
		to.src = flow->to_src;
	to.dst = flow->to_dst;

	if (pkt->kind == PKT_ERROR)
		failed = rewrite_error(skb, pkt, flow, &from, &to);
	else
		failed = rewrite_transport(skb, pkt, flow);
	failed = failed || rewrite_ends(skb, pkt->v4, ETH_HLEN, &from, &to);
	if (!pkt->through_stack && (flow->flags & FLOW_ROUTED))
		failed = failed || rewrite_hop_limit(skb, pkt->v4);
	if (!pkt->through_stack && flow->action != FLOW_STACK)
		failed = failed || store(skb, 0, flow->dmac, 2 * ETH_ALEN);
	return failed ? REASON_MALFORMED : REASON_OK;
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
	if (unlikely(pkt->unusual))
		return rewrite_unusual(skb, pkt, flow);
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
