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

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define IP_FRAGMENT_BITS 0x3fff /* more fragments, or an offset */
#define IP_DONT_FRAGMENT 0x4000

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
	ND_ROUTER_SOLICIT = 133,
	ND_ROUTER_ADVERT = 134,
	ND_NEIGHBOR_ADVERT = 136,
	ND_REDIRECT = 137,
};

/* All headers that are read or written, at their longest. */
#define HEADERS_LEN (L4_OFFSET_V6 + (int)sizeof(struct tcphdr))

enum pkt_kind {
	PKT_FLOW, /* unicast IP: key is complete, ports 0 where none */
	PKT_ERROR, /* ICMP error: key is that of the flow it goes along */
	PKT_UNUSUAL, /* not read yet: unusual.h does */
	PKT_FRAGMENT, /* IP fragment whose first one was not seen */
	PKT_OPTIONS, /* extension headers that hide the transport */
	PKT_MULTICAST, /* to a group, or to all (255.255.255.255) */
	PKT_NEIGHBOUR, /* IPv6 neighbour discovery, RS/RA (RFC 4861) */
	PKT_ARP,
	PKT_OTHER, /* any other ethertype, or a VLAN tag */
};

/* What every packet's stages know: plain data, most of it the flow key. */
struct pkt {
	/* The tuple as it arrived; aligned for pkt_set_ends and pkt_set_l4. */
	struct flow_key key __attribute__((aligned(8)));
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
	__u16 l4; /* offset of the transport header, 0: not in this packet */
	__u16 quote; /* PKT_ERROR: offset of the quoted IP header */
	__u16 quote_l4; /* PKT_ERROR: offset of the quoted transport header */
	__u16 mtu; /* that it exceeds, with REASON_TOO_BIG */
	bool unusual; /* offsets are not the usual ones: rewritten by helpers */
	bool by_hop; /* leaves by the hop that was found for it, not by the
		      * flow's: decided once, the agent may end meanwhile */
	__u8 pad[6];
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

/* found: what addr has found in a table of prefixes, or NULL. */
static __always_inline bool prefix_admits(const __u8 *found,
					  const struct ipaddr *addr)
{
	return found && *found == (ipaddr_is_v4(addr) ? PREFIX_V4 : PREFIX_V6);
}

/* clang 14 leaves __builtin_memcmp of packet bytes as a call. */
static __always_inline bool mac_equal(const __u8 *a, const __u8 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3] &&
	       a[4] == b[4] && a[5] == b[5];
}

/*
 * The key is written in words of eight bytes, as the look-up reads it: a load
 * that spans several smaller stores has to wait until they have left the CPU's
 * store buffer.
 */
union key_word {
	__be32 half[2];
	struct {
		__be16 sport;
		__be16 dport;
		__u8 proto;
		__u8 no_echo;
		__u8 pad[2];
	} l4;
	__u64 whole;
};

static __always_inline void key_set(struct flow_key *key, int word,
				    union key_word value)
{
	__builtin_memcpy((char *)key + 8 * word, &value.whole, 8);
}

static __always_inline void pkt_set_ends_v4(struct pkt *pkt, __be32 src,
					    __be32 dst)
{
	const union key_word zero = { .whole = 0 };

	key_set(&pkt->key, 0, zero);
	key_set(&pkt->key, 1,
		(union key_word){ .half = { bpf_htonl(0xffff), src } });
	key_set(&pkt->key, 2, zero);
	key_set(&pkt->key, 3,
		(union key_word){ .half = { bpf_htonl(0xffff), dst } });
}

static __always_inline void pkt_set_l4(struct pkt *pkt, __u8 proto,
				       __be16 sport, __be16 dport)
{
	key_set(&pkt->key, 4,
		(union key_word){ .l4 = { .sport = sport,
					  .dport = dport,
					  .proto = proto } });
}

static __always_inline void pkt_set_no_echo(struct pkt *pkt, __u8 proto)
{
	key_set(&pkt->key, 4,
		(union key_word){ .l4 = { .proto = proto, .no_echo = 1 } });
}

/* An echo's identifier takes the place of a port: in sport of a request, in
 * dport of a reply, so that reversing a key works for it, too. */
static __always_inline void pkt_set_echo(struct pkt *pkt, __u8 proto,
					 const struct icmp_echo *icmp,
					 bool request)
{
	pkt_set_l4(pkt, proto, request ? icmp->id : 0, request ? 0 : icmp->id);
	pkt->translatable = true;
	pkt->echo_reply = !request;
}

/* RFC 792: destination unreachable, time exceeded, parameter problem; RFC 4443
 * 2.1: the four errors that are defined. */
static __always_inline bool is_icmp_error(bool v4, __u8 type)
{
	if (v4)
		return type == 3 || type == 11 || type == 12;
	return type >= 1 && type <= 4;
}

/* Protocol and ports of the transport header at l4, whose offset is a constant
 * at every call. */
static __always_inline enum reason pkt_parse_l4(struct pkt *pkt, __u8 proto,
						void *l4, void *end)
{
	struct icmp_echo *icmp = l4;
	struct tcphdr *tcp = l4;
	struct udphdr *udp = l4;

	switch (proto) {
	case IPPROTO_TCP:
		if ((void *)(tcp + 1) > end)
			return REASON_MALFORMED;
		pkt_set_l4(pkt, proto, tcp->source, tcp->dest);
		pkt->tcp_flags = ((__u8 *)tcp)[13];
		pkt->translatable = true;
		return REASON_OK;
	case IPPROTO_UDP:
		if ((void *)(udp + 1) > end)
			return REASON_MALFORMED;
		pkt_set_l4(pkt, proto, udp->source, udp->dest);
		pkt->translatable = true;
		return REASON_OK;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if ((void *)(icmp + 1) > end)
			return REASON_MALFORMED;
		if (proto != (pkt->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
			pkt_set_l4(pkt, proto, 0, 0);
		else if (icmp->type ==
			 (pkt->v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST))
			pkt_set_echo(pkt, proto, icmp, true);
		else if (icmp->type ==
			 (pkt->v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY))
			pkt_set_echo(pkt, proto, icmp, false);
		else if (pkt->kind == PKT_FLOW &&
			 is_icmp_error(pkt->v4, icmp->type))
			pkt->kind = PKT_UNUSUAL;
		else
			pkt_set_no_echo(pkt, proto);
		return REASON_OK;
	default:
		pkt_set_l4(pkt, proto, 0, 0);
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
	pkt_set_ends_v4(pkt, ip->saddr, ip->daddr);
	pkt->ttl = ip->ttl;
	pkt->kind = PKT_FLOW;
	if (unlikely(is_group_v4(ip->daddr)))
		pkt->kind = PKT_MULTICAST;
	pkt->l4 = L4_OFFSET_V4;
	if (unlikely(ip->ihl > 5 ||
		     (ip->frag_off & bpf_htons(IP_FRAGMENT_BITS)))) {
		pkt_set_l4(pkt, ip->protocol, 0, 0);
		pkt->kind = PKT_UNUSUAL;
		return REASON_OK;
	}
	return pkt_parse_l4(pkt, ip->protocol, data + L4_OFFSET_V4, end);
}

/* RFC 8200 4: headers that may stand between IPv6 and the transport. */
static __always_inline bool is_extension(__u8 next_header)
{
	return next_header == IPPROTO_HOPOPTS ||
	       next_header == IPPROTO_ROUTING ||
	       next_header == IPPROTO_FRAGMENT ||
	       next_header == IPPROTO_DSTOPTS;
}

static __always_inline bool is_neighbour_type(__u8 type)
{
	return type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT;
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
	       (void *)(icmp + 1) <= end && is_neighbour_type(icmp->type);
}

static __always_inline enum reason pkt_parse_v6(struct pkt *pkt, void *data,
						void *end)
{
	struct ipv6hdr *ip = data + ETH_HLEN;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return REASON_MALFORMED;

	__builtin_memcpy(&pkt->key.src, &ip->saddr, sizeof(pkt->key.src));
	__builtin_memcpy(&pkt->key.dst, &ip->daddr, sizeof(pkt->key.dst));
	/* On the wire, they would meet IPv4's keys (RFC 4038 4.2). */
	if (unlikely(ipaddr_is_v4(&pkt->key.src) ||
		     ipaddr_is_v4(&pkt->key.dst)))
		return REASON_MALFORMED;
	pkt->ttl = ip->hop_limit;
	if (is_neighbour(ip, end)) {
		pkt->kind = PKT_NEIGHBOUR;
		pkt->l4 = L4_OFFSET_V6;
		return REASON_OK;
	}
	pkt->kind = PKT_FLOW;
	if (unlikely(ip->daddr.s6_addr[0] == 0xff))
		pkt->kind = PKT_MULTICAST;
	pkt->l4 = L4_OFFSET_V6;
	if (unlikely(is_extension(ip->nexthdr))) {
		pkt->kind = PKT_UNUSUAL;
		return REASON_OK;
	}
	return pkt_parse_l4(pkt, ip->nexthdr, data + L4_OFFSET_V6, end);
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
	if (unlikely(data + HEADERS_LEN > end) &&
	    skb->len > (__u32)(end - data) && !skb->gso_size) {
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

	if (unlikely(skb->vlan_present)) {
		pkt->kind = PKT_OTHER;
		return REASON_OK;
	}
	pkt->group_frame = eth->h_dest[0] & 1;
	/* struct ethhdr is packed: clang would read this byte by byte. */
	switch (((__be16 *)data)[6]) {
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
