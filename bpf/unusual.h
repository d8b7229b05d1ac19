/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* unusual - reads what the fast path does not: fragments, options, ICMP errors */
#ifndef BPFNET_BPF_UNUSUAL_H
#define BPFNET_BPF_UNUSUAL_H

#include "flow.h"
#include "maps.h"
#include "pkt.h"

/*
 * These packets are rare, so they are read by helpers at offsets that are not
 * known to the compiler, and rewritten the same way (rewrite_unusual). What
 * comes out is a struct pkt like any other: a fragment carries the ports of its
 * first one, and an ICMP error the key of the flow that it goes along.
 */

/* Bits of the fragment offset field, RFC 791 3.1 and RFC 8200 4.5. */
#define V4_OFFSET_BITS 0x1fff
#define V4_MORE_BIT 0x2000
#define V6_OFFSET_BITS 0xfff8
#define V6_MORE_BIT 0x0001

#define EXTENSIONS_MAX 4

struct fragment {
	bool is_fragment;
	bool is_first;
	__be32 id;
};

/* Where the walk over IPv6's extension headers is. */
struct walk {
	__u32 at;
	__u8 next; /* type of what is there */
};

/* Steps over the headers in front of the transport. */
static __always_inline enum reason extensions_walk(struct __sk_buff *skb,
						   struct walk *walk,
						   struct fragment *fragment)
{
	struct {
		__u8 next;
		__u8 len; /* in units of eight bytes, without the first */
		__be16 offset;
		__be32 id;
	} head;
	__u32 at = walk->at;
	__u8 next = walk->next;

	for (int i = 0; i < EXTENSIONS_MAX && is_extension(next); i++) {
		if (bpf_skb_load_bytes(skb, at, &head, sizeof(head)))
			return REASON_MALFORMED;
		if (next == IPPROTO_FRAGMENT) {
			fragment->is_fragment = true;
			fragment->is_first =
				!(head.offset & bpf_htons(V6_OFFSET_BITS));
			fragment->id = head.id;
			at += 8;
		} else {
			at += (head.len + 1) * 8;
		}
		next = head.next;
		if (fragment->is_fragment && !fragment->is_first)
			break;
	}
	walk->at = at;
	walk->next = next;
	return REASON_OK;
}

static __always_inline enum reason v6_read(struct __sk_buff *skb,
					   struct pkt *pkt,
					   struct fragment *fragment,
					   __u8 *ret_proto)
{
	struct walk walk = { .at = L4_OFFSET_V6 };

	if (bpf_skb_load_bytes(skb,
			       ETH_HLEN + offsetof(struct ipv6hdr, nexthdr),
			       &walk.next, sizeof(walk.next)) ||
	    extensions_walk(skb, &walk, fragment) != REASON_OK)
		return REASON_MALFORMED;
	*ret_proto = walk.next;
	pkt->l4 = walk.at;
	if (is_extension(walk.next) || walk.next == IPPROTO_NONE)
		pkt->kind = PKT_OPTIONS;
	return REASON_OK;
}

static __always_inline enum reason v4_read(struct __sk_buff *skb,
					   struct pkt *pkt,
					   struct fragment *fragment,
					   __u8 *ret_proto)
{
	struct iphdr ip;
	__u16 offset;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return REASON_MALFORMED;
	offset = bpf_ntohs(ip.frag_off);
	fragment->is_fragment = offset & (V4_OFFSET_BITS | V4_MORE_BIT);
	fragment->is_first = !(offset & V4_OFFSET_BITS);
	fragment->id = ip.id;
	*ret_proto = ip.protocol;
	pkt->l4 = ETH_HLEN + ip.ihl * 4;
	return REASON_OK;
}

/* The ports of a first fragment are written down, the others find them. */
static __always_inline enum reason fragment_ports(struct __sk_buff *skb,
						  struct pkt *pkt,
						  const struct fragment *frag)
{
	struct fragment_key key = {
		.src = pkt->key.src,
		.dst = pkt->key.dst,
		.id = frag->id,
		.ifindex = skb->ifindex,
		.proto = pkt->key.proto,
	};
	const struct fragment_val *ports;
	struct fragment_val first = {
		.sport = pkt->key.sport,
		.dport = pkt->key.dport,
		.no_echo = pkt->key.no_echo,
		.translatable = pkt->translatable,
		.echo_reply = pkt->echo_reply,
		.seen = pkt->now,
	};

	if (frag->is_first) {
		bpf_map_update_elem(&bn_frags, &key, &first, BPF_ANY);
		return REASON_OK;
	}
	ports = bpf_map_lookup_elem(&bn_frags, &key);
	pkt->l4 = 0;
	/* The id of an old packet comes again with a new one. */
	if (!ports || (__s32)(pkt->now - ports->seen) > FRAGMENT_TICKS) {
		pkt->kind = PKT_FRAGMENT;
		return REASON_OK;
	}
	pkt->key.sport = ports->sport;
	pkt->key.dport = ports->dport;
	pkt->key.no_echo = ports->no_echo;
	pkt->translatable = ports->translatable;
	pkt->echo_reply = ports->echo_reply;
	return REASON_OK;
}

/* The quoted packet's tuple; its headers start at quote and quote_l4. */
static __always_inline enum reason
quote_ports(struct __sk_buff *skb, struct pkt *pkt, struct flow_key *quoted)
{
	struct icmp_echo icmp;
	__be16 ports[2];

	switch (quoted->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		if (bpf_skb_load_bytes(skb, pkt->quote_l4, ports,
				       sizeof(ports)))
			return REASON_MALFORMED;
		quoted->sport = ports[0];
		quoted->dport = ports[1];
		return REASON_OK;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (bpf_skb_load_bytes(skb, pkt->quote_l4, &icmp, sizeof(icmp)))
			return REASON_MALFORMED;
		if (icmp.type == ICMP_ECHO || icmp.type == ICMPV6_ECHO_REQUEST)
			quoted->sport = icmp.id;
		else if (icmp.type == ICMP_ECHOREPLY ||
			 icmp.type == ICMPV6_ECHO_REPLY)
			quoted->dport = icmp.id;
		else
			quoted->no_echo = 1;
		return REASON_OK;
	default:
		return REASON_OK;
	}
}

static __always_inline enum reason
quote_v4(struct __sk_buff *skb, struct pkt *pkt, struct flow_key *quoted)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, pkt->quote, &ip, sizeof(ip)) ||
	    ip.version != 4 || ip.ihl < 5)
		return REASON_MALFORMED;
	if (ip.frag_off & bpf_htons(V4_OFFSET_BITS))
		return REASON_ICMP_UNRELATED;
	quoted->src = ipaddr_v4(ip.saddr);
	quoted->dst = ipaddr_v4(ip.daddr);
	quoted->proto = ip.protocol;
	pkt->quote_l4 = pkt->quote + ip.ihl * 4;
	return REASON_OK;
}

static __always_inline enum reason
quote_v6(struct __sk_buff *skb, struct pkt *pkt, struct flow_key *quoted)
{
	struct fragment fragment = {};
	struct ipv6hdr ip;
	struct walk walk;

	if (bpf_skb_load_bytes(skb, pkt->quote, &ip, sizeof(ip)) ||
	    ip.version != 6)
		return REASON_MALFORMED;
	walk.at = pkt->quote + sizeof(ip);
	walk.next = ip.nexthdr;
	if (extensions_walk(skb, &walk, &fragment) != REASON_OK)
		return REASON_MALFORMED;
	if (fragment.is_fragment && !fragment.is_first)
		return REASON_ICMP_UNRELATED;
	__builtin_memcpy(&quoted->src, &ip.saddr, sizeof(quoted->src));
	__builtin_memcpy(&quoted->dst, &ip.daddr, sizeof(quoted->dst));
	quoted->proto = walk.next;
	pkt->quote_l4 = walk.at;
	return REASON_OK;
}

/*
 * An ICMP error goes against the packet that it quotes, so the reverse of the
 * quoted tuple is the key of the entry that translates the error's direction.
 * It is sent to whom the quoted packet came from; anything else is a forgery.
 */
static __always_inline enum reason error_read(struct __sk_buff *skb,
					      struct pkt *pkt)
{
	struct ipaddr outer = pkt->key.dst;
	struct flow_key quoted = {};
	enum reason why;

	pkt->quote = pkt->l4 + sizeof(struct icmp_echo);
	why = pkt->v4 ? quote_v4(skb, pkt, &quoted) :
			quote_v6(skb, pkt, &quoted);
	why = why ?: quote_ports(skb, pkt, &quoted);
	if (why != REASON_OK)
		return why;
	if (!ipaddr_equal(&outer, &quoted.src))
		return REASON_ICMP_UNRELATED;

	pkt->kind = PKT_ERROR;
	pkt->key.src = quoted.dst;
	pkt->key.dst = quoted.src;
	pkt->key.sport = quoted.dport;
	pkt->key.dport = quoted.sport;
	pkt->key.proto = quoted.proto;
	pkt->key.no_echo = quoted.no_echo;
	return REASON_OK;
}

static __always_inline enum reason l4_read(struct __sk_buff *skb,
					   struct pkt *pkt)
{
	struct icmp_echo icmp;
	struct tcphdr tcp;
	struct udphdr udp;

	/* A first fragment that is shorter hides what a rule may ask for, and
	 * its checksum could not be kept right (RFC 1858). */
	switch (pkt->key.proto) {
	case IPPROTO_TCP:
		if (bpf_skb_load_bytes(skb, pkt->l4, &tcp, sizeof(tcp)))
			return REASON_MALFORMED;
		pkt_set_l4(pkt, IPPROTO_TCP, tcp.source, tcp.dest);
		pkt->tcp_flags = ((__u8 *)&tcp)[13];
		pkt->translatable = true;
		return REASON_OK;
	case IPPROTO_UDP:
		if (bpf_skb_load_bytes(skb, pkt->l4, &udp, sizeof(udp)))
			return REASON_MALFORMED;
		pkt_set_l4(pkt, IPPROTO_UDP, udp.source, udp.dest);
		pkt->translatable = true;
		return REASON_OK;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (bpf_skb_load_bytes(skb, pkt->l4, &icmp, sizeof(icmp)))
			return REASON_MALFORMED;
		if (pkt->v4 != (pkt->key.proto == IPPROTO_ICMP))
			return REASON_OK;
		if (!pkt->v4 && pkt->ttl == 255 &&
		    is_neighbour_type(icmp.type)) {
			pkt->kind = PKT_NEIGHBOUR;
			return REASON_OK;
		}
		if (is_icmp_error(pkt->v4, icmp.type))
			return error_read(skb, pkt);
		if (icmp.type == (pkt->v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST))
			pkt_set_echo(pkt, pkt->key.proto, &icmp, true);
		else if (icmp.type ==
			 (pkt->v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY))
			pkt_set_echo(pkt, pkt->key.proto, &icmp, false);
		else
			pkt_set_no_echo(pkt, pkt->key.proto);
		return REASON_OK;
	default:
		return REASON_OK;
	}
}

static __always_inline enum reason unusual_parse(struct __sk_buff *skb,
						 struct pkt *pkt)
{
	struct fragment fragment = {};
	enum reason why;
	__u8 proto = 0;

	pkt->unusual = true;
	pkt->kind = PKT_FLOW;
	why = pkt->v4 ? v4_read(skb, pkt, &fragment, &proto) :
			v6_read(skb, pkt, &fragment, &proto);
	if (why != REASON_OK || pkt->kind != PKT_FLOW)
		return why;
	if (pkt->l4 > skb->len)
		return REASON_MALFORMED;
	pkt_set_l4(pkt, proto, 0, 0);
	if (!fragment.is_fragment)
		return l4_read(skb, pkt);
	if (fragment.is_first) {
		why = l4_read(skb, pkt);
		if (why != REASON_OK || pkt->kind != PKT_FLOW)
			return why;
	}
	return fragment_ports(skb, pkt, &fragment);
}

static __always_inline bool is_group(const struct ipaddr *ip)
{
	return ipaddr_is_v4(ip) ? is_group_v4(ip->word[3]) :
				  bpf_ntohl(ip->word[0]) >> 24 == 0xff;
}

/* Global, so that it is verified once and not for every path that leads here.
 * Returns an enum reason. */
__noinline int unusual_read(struct __sk_buff *skb, struct pkt *pkt)
{
	enum reason why;
	bool group;

	if (!pkt)
		return REASON_MALFORMED;
	group = is_group(&pkt->key.dst);
	/* No rule is asked about groups from outside: bn_frags is not for them. */
	if (group && pkt->in_ifindex == FLOW_FROM_UPLINK) {
		pkt->kind = PKT_MULTICAST;
		return REASON_OK;
	}
	why = unusual_parse(skb, pkt);
	if (group && pkt->kind == PKT_FLOW)
		pkt->kind = PKT_MULTICAST;
	return why;
}

#endif
