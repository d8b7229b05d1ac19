/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* nat - decides translations: source ports */
#ifndef BPFNET_BPF_NAT_H
#define BPFNET_BPF_NAT_H

#include <linux/errno.h>

#include "embryo.h"
#include "first.h"
#include "flow.h"
#include "hop.h"
#include "maps.h"
#include "pkt.h"
#include "publish.h"

/* Does the world see the client's own address? */
static __always_inline bool is_untranslated(const struct first *first,
					    const struct network_val *network)
{
	const struct no_masq_key key = {
		.prefix_bits = 32 + 128,
		.network = first->from.network,
		.addr = first->to.addr,
	};

	if (network->flags & NETWORK_ROUTED)
		return true;
	return (network->flags & NETWORK_HAS_NO_MASQ) &&
	       prefix_admits(bpf_map_lookup_elem(&bn_no_masq, &key),
			     &first->to.addr);
}

static __always_inline const struct ipaddr *
network_snat(const struct first *first, const struct network_val *network)
{
	return first->pkt.v4 ? &network->snat4 : &network->snat6;
}

/* The client's new address on its way out of first->hop: its network's, or else
 * the uplink's; zero: it keeps its own. */
static __always_inline enum reason snat_to_world(struct first *first)
{
	const struct network_val *network = network_of(&first->from);
	const struct uplink_val *uplink = uplink_find(first->hop.ifindex);

	if (!network || !uplink)
		return REASON_NO_UPLINK;
	if (is_untranslated(first, network))
		return REASON_OK;
	if (network->flags & NETWORK_NO_MASQUERADE)
		return REASON_UNTRANSLATED_EGRESS;
	if (!first->pkt.translatable)
		return REASON_PROTOCOL;
	first->snat = *network_snat(first, network);
	if (ipaddr_is_zero(&first->snat))
		first->snat = first->pkt.v4 ? uplink->snat4 : uplink->snat6;
	return ipaddr_is_zero(&first->snat) ? REASON_UNTRANSLATED_EGRESS :
					      REASON_OK;
}

/* Would the client be known outside by this address, were it to begin now? */
static __always_inline bool world_knows_as(const struct first *first,
					   const struct ipaddr *addr)
{
	const struct network_val *network = network_of(&first->from);
	const struct ipaddr *snat;

	if (!network)
		return false;
	if (is_untranslated(first, network))
		return ipaddr_equal(addr, &first->from.addr);
	if (network->flags & NETWORK_NO_MASQUERADE)
		return false;
	snat = network_snat(first, network);
	return ipaddr_is_zero(snat) ? uplink_has_address(addr) :
				      ipaddr_equal(addr, snat);
}

/*
 * Source ports. Taking a port is inserting the reply entry under it, so two
 * CPUs cannot take the same one. The first try is the client's own port; then
 * a walk that starts at a keyed hash of the client's address and port, so that
 * one socket gets the same public port towards every destination (RFC 4787
 * REQ-1). Its stride is a prime larger than any range, hence without a common
 * factor: no port is tried twice before all of them have been tried once. The
 * primes lie as unevenly as chance would have it, and there are many: clients
 * that share a stride, or have a small one (what counts is the remainder in the
 * range), make the ports that are taken grow together, and then walk inside of
 * those clusters.
 */
static const __u32 strides[64] = {
	66403,	67801,	68659,	70051,	70913,	71453,	72313,	73709,
	74567,	75967,	77359,	78229,	79613,	80489,	81013,	81869,
	83267,	84127,	85523,	86389,	86923,	87793,	89189,	90053,
	91433,	92831,	93701,	95083,	95947,	96479,	97367,	98737,
	99607,	100999, 101863, 102397, 103289, 104651, 105509, 106087,
	106903, 108301, 109159, 110557, 111427, 111949, 112831, 114217,
	115079, 116471, 117877, 118739, 120121, 120977, 121523, 122387,
	123787, 124633, 126031, 126913, 127423, 128287, 129707, 130547
};

struct port_walk {
	struct __sk_buff *skb;
	__u32 base; /* first port of the range, host order */
	__u32 size; /* of the range, at least 1 */
	__u32 start;
	__u32 stride;
	__u32 tries;
	__u32 keep; /* host order: the client's own port */
	bool keeps; /* keep lies in the range */
	bool echo; /* the identifier of an echo is not a port */
	bool found;
	bool full; /* the table, not the ports */
};

static __always_inline __u32 hash_mix(__u32 hash, __u32 word)
{
	hash ^= word;
	hash *= 0x9e3779b1;
	return hash ^ (hash >> 15);
}

static __always_inline __u32 hash_client(__u64 secret,
					 const struct ipaddr *client,
					 __be16 port, __u8 proto)
{
	__u32 hash = secret;

	hash = hash_mix(hash, client->word[0]);
	hash = hash_mix(hash, client->word[1]);
	hash = hash_mix(hash, client->word[2]);
	hash = hash_mix(hash, client->word[3]);
	hash = hash_mix(hash, (__u32)port << 8 | proto);
	return hash_mix(hash, secret >> 32);
}

static __always_inline __u32 port_pick(const struct port_walk *walk,
				       __u32 index)
{
	if (index == 0 && walk->keeps)
		return walk->keep;
	return walk->base + (walk->start + index * walk->stride) % walk->size;
}

/* Does a socket of the host answer to the reply's tuple? */
static __always_inline bool host_has_socket(struct __sk_buff *skb,
					    const struct flow_key *key)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;
	__u32 len = sizeof(tuple.ipv4);

	if (ipaddr_is_v4(&key->dst)) {
		tuple.ipv4.saddr = key->src.word[3];
		tuple.ipv4.daddr = key->dst.word[3];
		tuple.ipv4.sport = key->sport;
		tuple.ipv4.dport = key->dport;
	} else {
		len = sizeof(tuple.ipv6);
		__builtin_memcpy(tuple.ipv6.saddr, &key->src, 16);
		__builtin_memcpy(tuple.ipv6.daddr, &key->dst, 16);
		tuple.ipv6.sport = key->sport;
		tuple.ipv6.dport = key->dport;
	}
	if (key->proto == IPPROTO_TCP)
		sk = bpf_skc_lookup_tcp(skb, &tuple, len, BPF_F_CURRENT_NETNS,
					0);
	else
		sk = bpf_sk_lookup_udp(skb, &tuple, len, BPF_F_CURRENT_NETNS,
				       0);
	if (!sk)
		return false;
	bpf_sk_release(sk);
	return true;
}

static long port_try(__u32 index, struct port_walk *walk)
{
	__u32 zero = 0;
	struct first *first = bpf_map_lookup_elem(&bn_first, &zero);
	struct flow_key *key;
	int ret;

	if (!first || !walk->size)
		return 1;
	key = &first->reply_key;
	walk->tries = index;
	key->dport = bpf_htons(port_pick(walk, index));
	/* A published port must stay free for its clients. */
	if (!walk->echo && publish_find(&key->dst, key->dport, key->proto))
		return 0;
	if (!walk->echo && host_has_socket(walk->skb, key))
		return 0;

	first->reply.other.to_sport = key->dport;
	ret = embryo_insert(key, &first->reply);
	if (ret == -EEXIST && !is_same_flow(first))
		return 0;
	first->shared = ret == -EEXIST;
	walk->found = !ret || first->shared;
	walk->full = !walk->found;
	return 1;
}

/* Bucket n counts allocations that needed 2^(n-1) to 2^n - 1 retries. */
static __always_inline void snat_count(const struct port_walk *walk)
{
	struct flow_stats *stats = stats_get();
	__u32 bucket = 0;

	if (!stats)
		return;
	if (!walk->found) {
		stats->snat_failed++;
		stats->snat_retries[SNAT_RETRY_BUCKETS - 1]++;
		return;
	}
	for (__u32 tries = walk->tries; tries; tries >>= 1)
		if (++bucket == SNAT_RETRY_BUCKETS - 2)
			break;
	stats->snat_allocated++;
	stats->snat_retries[bucket]++;
}

/*
 * Inserts first->reply, the reply entry, under a free port of the address
 * first->reply_key.dst; the port is then in first->reply_key.dport.
 */
static __always_inline enum reason
snat_insert(struct __sk_buff *skb, struct first *first,
	    const struct datapath_config *config)
{
	const struct flow_key *key = &first->pkt.key;
	__u32 own = bpf_ntohs(key->sport);
	__u32 hash = hash_client(config->snat_secret, &key->src, key->sport,
				 key->proto);
	struct port_walk walk = {
		.skb = skb,
		.base = config->snat_port_min,
		.size = config->snat_port_max - config->snat_port_min + 1,
		.start = hash & 0xffff,
		.stride = strides[hash >> 26],
		.keep = own,
		.keeps = own >= config->snat_port_min &&
			 own <= config->snat_port_max,
	};

	if (key->proto == IPPROTO_ICMP || key->proto == IPPROTO_ICMPV6) {
		walk.echo = true;
		walk.base = 0;
		walk.size = 65536;
		walk.keeps = true;
	}
	bpf_loop(SNAT_PROBES_MAX, port_try, &walk, 0);
	snat_count(&walk);
	if (walk.found)
		return REASON_OK;
	return walk.full ? REASON_FLOWS_FULL : REASON_SNAT_EXHAUSTED;
}

#endif
