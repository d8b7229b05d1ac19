/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* pkt - what the stages know of a packet: bounded parsing, offsets */
#ifndef BPFNET_BPF_PKT_H
#define BPFNET_BPF_PKT_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <bpfnet/abi.h>

#define IP_FRAGMENT_BITS 0x3fff /* more fragments, or an offset */

#define L4_OFFSET_V4 (ETH_HLEN + (int)sizeof(struct iphdr))
#define L4_OFFSET_V6 (ETH_HLEN + (int)sizeof(struct ipv6hdr))

/* The start of an ICMP and of an ICMPv6 message (RFC 792, RFC 4443 4.1); the
 * kernel's own headers for them cannot be included here. */
struct icmp_echo {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be16 id;
	__be16 sequence;
};

enum icmp_type {
	ICMP_ECHOREPLY = 0,
	ICMP_ECHO = 8,
	ICMPV6_ECHO_REQUEST = 128,
	ICMPV6_ECHO_REPLY = 129,
};

/* All headers that are read or written, at their longest. */
#define HEADERS_LEN (L4_OFFSET_V6 + (int)sizeof(struct tcphdr))

enum pkt_kind {
	PKT_FLOW, /* unicast IP: key is complete, ports 0 where none */
	PKT_FRAGMENT, /* IP fragment, the first one included */
	PKT_OPTIONS, /* IPv4 options or IPv6 extension headers */
	PKT_MULTICAST, /* to a group, or to all (255.255.255.255) */
	PKT_NEIGHBOUR, /* IPv6 neighbour discovery, RS/RA (RFC 4861) */
	PKT_ARP,
	PKT_OTHER, /* any other ethertype, or a VLAN tag */
};

/* What every packet's stages know: plain data, most of it the flow key. */
struct pkt {
	struct flow_key key; /* the tuple as it arrived */
	__u32 now; /* ticks */
	__u32 in_ifindex; /* as in struct flow */
	__u8 kind; /* enum pkt_kind */
	__u8 ttl;
	__u8 tcp_flags; /* byte 13 of the TCP header */
	bool v4;
	bool translatable; /* TCP, UDP or ICMP echo */
	bool echo_reply;
	bool through_stack; /* the stack has routed it: MACs and TTL are done */
	bool group_frame; /* the frame goes to a group, whatever IP says */
	__u32 slot; /* endpoint that a drop is counted for */
};

#define TCP_FLAG_FIN_BIT 0x01
#define TCP_FLAG_SYN_BIT 0x02
#define TCP_FLAG_RST_BIT 0x04
#define TCP_FLAG_ACK_BIT 0x10

static __always_inline struct ipaddr ipaddr_v4(__be32 addr)
{
	return (struct ipaddr){ { 0, 0, bpf_htonl(0xffff), addr } };
}

static __always_inline bool ipaddr_is_v4(const struct ipaddr *ip)
{
	return !ip->word[0] && !ip->word[1] && ip->word[2] == bpf_htonl(0xffff);
}

static __always_inline bool ipaddr_is_zero(const struct ipaddr *ip)
{
	return !(ip->word[0] | ip->word[1] | ip->word[2] | ip->word[3]);
}

static __always_inline bool ipaddr_equal(const struct ipaddr *a,
					 const struct ipaddr *b)
{
	return a->word[3] == b->word[3] && a->word[2] == b->word[2] &&
	       a->word[1] == b->word[1] && a->word[0] == b->word[0];
}

/* clang 14 leaves __builtin_memcmp of packet bytes as a call. */
static __always_inline bool mac_equal(const __u8 *a, const __u8 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3] &&
	       a[4] == b[4] && a[5] == b[5];
}

/* An echo's identifier takes the place of a port: in sport of a request, in
 * dport of a reply, so that reversing a key works for it, too. */
static __always_inline void pkt_set_echo(struct pkt *pkt,
					 const struct icmp_echo *icmp,
					 __u8 request, __u8 reply)
{
	if (icmp->type == request)
		pkt->key.sport = icmp->id;
	else if (icmp->type == reply)
		pkt->key.dport = icmp->id;
	else
		return;
	pkt->translatable = true;
	pkt->echo_reply = icmp->type == reply;
}

/* Ports of the transport header at l4, which is a constant at every call. */
static __always_inline enum reason pkt_parse_l4(struct pkt *pkt, void *l4,
						void *end)
{
	struct icmp_echo *icmp = l4;
	struct tcphdr *tcp = l4;
	struct udphdr *udp = l4;

	switch (pkt->key.proto) {
	case IPPROTO_TCP:
		if ((void *)(tcp + 1) > end)
			return REASON_MALFORMED;
		pkt->key.sport = tcp->source;
		pkt->key.dport = tcp->dest;
		pkt->tcp_flags = ((__u8 *)tcp)[13];
		pkt->translatable = true;
		return REASON_OK;
	case IPPROTO_UDP:
		if ((void *)(udp + 1) > end)
			return REASON_MALFORMED;
		pkt->key.sport = udp->source;
		pkt->key.dport = udp->dest;
		pkt->translatable = true;
		return REASON_OK;
	case IPPROTO_ICMP:
		if ((void *)(icmp + 1) > end)
			return REASON_MALFORMED;
		pkt_set_echo(pkt, icmp, ICMP_ECHO, ICMP_ECHOREPLY);
		return REASON_OK;
	case IPPROTO_ICMPV6:
		if ((void *)(icmp + 1) > end)
			return REASON_MALFORMED;
		pkt_set_echo(pkt, icmp, ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REPLY);
		return REASON_OK;
	default:
		return REASON_OK;
	}
}

static __always_inline bool is_group_v4(__be32 addr)
{
	return (addr & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000) ||
	       addr == 0xffffffff;
}

static __always_inline enum reason pkt_parse_v4(struct pkt *pkt, void *data,
						void *end)
{
	struct iphdr *ip = data + ETH_HLEN;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return REASON_MALFORMED;

	pkt->v4 = true;
	pkt->key.src = ipaddr_v4(ip->saddr);
	pkt->key.dst = ipaddr_v4(ip->daddr);
	pkt->key.proto = ip->protocol;
	pkt->ttl = ip->ttl;
	if (is_group_v4(ip->daddr)) {
		pkt->kind = PKT_MULTICAST;
		return REASON_OK;
	}
	if (ip->frag_off & bpf_htons(IP_FRAGMENT_BITS)) {
		pkt->kind = PKT_FRAGMENT;
		return REASON_OK;
	}
	if (ip->ihl > 5) {
		pkt->kind = PKT_OPTIONS;
		return REASON_OK;
	}
	pkt->kind = PKT_FLOW;
	return pkt_parse_l4(pkt, data + L4_OFFSET_V4, end);
}

/* RFC 8200 4: headers that may stand between IPv6 and the transport. */
static __always_inline bool is_extension(__u8 next_header)
{
	return next_header == IPPROTO_HOPOPTS ||
	       next_header == IPPROTO_ROUTING || next_header == IPPROTO_DSTOPTS;
}

/*
 * RFC 4861 4: types 133 to 137. Only these pass by link-local addresses, which
 * belong to no endpoint: anything else between them would be a way around the
 * policy.
 */
static __always_inline bool is_neighbour(const struct ipv6hdr *ip, void *end)
{
	const struct icmp_echo *icmp = (void *)(ip + 1);

	return ip->nexthdr == IPPROTO_ICMPV6 && ip->hop_limit == 255 &&
	       (void *)(icmp + 1) <= end && icmp->type >= 133 &&
	       icmp->type <= 137;
}

static __always_inline enum reason pkt_parse_v6(struct pkt *pkt, void *data,
						void *end)
{
	struct ipv6hdr *ip = data + ETH_HLEN;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return REASON_MALFORMED;

	__builtin_memcpy(&pkt->key.src, &ip->saddr, sizeof(pkt->key.src));
	__builtin_memcpy(&pkt->key.dst, &ip->daddr, sizeof(pkt->key.dst));
	pkt->key.proto = ip->nexthdr;
	pkt->ttl = ip->hop_limit;
	if (is_neighbour(ip, end)) {
		pkt->kind = PKT_NEIGHBOUR;
		return REASON_OK;
	}
	if (ip->daddr.s6_addr[0] == 0xff) {
		pkt->kind = PKT_MULTICAST;
		return REASON_OK;
	}
	if (ip->nexthdr == IPPROTO_FRAGMENT) {
		pkt->kind = PKT_FRAGMENT;
		return REASON_OK;
	}
	if (is_extension(ip->nexthdr)) {
		pkt->kind = PKT_OPTIONS;
		return REASON_OK;
	}
	pkt->kind = PKT_FLOW;
	return pkt_parse_l4(pkt, data + L4_OFFSET_V6, end);
}

/* Reads the headers. */
static __always_inline enum reason pkt_parse(struct __sk_buff *skb,
					     struct pkt *pkt)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	/* Headers beyond the linear part are rare (never on veth); pulling a
	 * GSO fraglist panics kernels before 6.16, so those stay malformed. */
	if (data + HEADERS_LEN > end && skb->len > (__u32)(end - data) &&
	    !skb->gso_size) {
		if (bpf_skb_pull_data(skb, skb->len < HEADERS_LEN ?
						   skb->len :
						   HEADERS_LEN))
			return REASON_MALFORMED;
		data = (void *)(long)skb->data;
		end = (void *)(long)skb->data_end;
		eth = data;
	}
	if ((void *)(eth + 1) > end)
		return REASON_MALFORMED;

	if (skb->vlan_present) {
		pkt->kind = PKT_OTHER;
		return REASON_OK;
	}
	pkt->group_frame = eth->h_dest[0] & 1;
	switch (eth->h_proto) {
	case bpf_htons(ETH_P_IP):
		return pkt_parse_v4(pkt, data, end);
	case bpf_htons(ETH_P_IPV6):
		return pkt_parse_v6(pkt, data, end);
	case bpf_htons(ETH_P_ARP):
		pkt->kind = PKT_ARP;
		return REASON_OK;
	default:
		pkt->kind = PKT_OTHER;
		return REASON_OK;
	}
}

#endif
