/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* first - the workspace in which a flow's first packet is decided */
#ifndef BPFNET_BPF_FIRST_H
#define BPFNET_BPF_FIRST_H

#include "maps.h"
#include "pkt.h"

/* Who stands at one end of a flow. */
enum place { PLACE_WORLD, PLACE_HOST, PLACE_ENDPOINT };

struct peer {
	__u32 place; /* enum place */
	__u32 network;
	struct ipaddr addr;
	struct endpoint_val endpoint; /* zero unless PLACE_ENDPOINT */
};

/* The sets of rules that a flow meets, by the question that they answer. Their
 * union is the answer. */
enum rule_sets {
	SETS_FROM, /* sender: world, host or network; endpoint; address */
	SETS_TO = SETS_FROM + 3, /* receiver: likewise */
	SETS_SERVICE = SETS_TO + 3, /* protocol; port */
	SETS_COUNT = SETS_SERVICE + 2,
};

/* What policy_find works with; it writes before it reads. */
struct rule_query {
	struct policy_head head;
	struct policy_set sets[SETS_COUNT];
	struct policy_cidr_key cidr;
	__u64 left; /* words of the group that may hold a match */
	__u32 group;
	__u32 found; /* the rest is valid */
	__u32 rule; /* index of the first match */
	__u32 pad;
	struct policy_verdict verdict; /* of that rule */
};

/* The way out of an uplink. */
struct hop {
	struct ipaddr gateway; /* whom the frame goes to */
	__u32 ifindex;
	__u8 dmac[ETH_ALEN];
	__u8 smac[ETH_ALEN];
	__u16 resolved; /* the MACs are known */
	__u16 mtu; /* of the device, 0: unknown */
};

/*
 * Both ends of a flow have fixed names: the client speaks first, to the
 * service; the backend is who really answers. "src" and "dst" exist only in
 * wire headers and in flow keys. The stages fill this from top to bottom.
 */
struct first {
	struct pkt pkt;
	struct rule_query query;
	/* These three are the CPU's, whatever packet comes. */
	__u32 events_tick; /* in which events_sent have been sent */
	__u32 events_sent;
	__u32 events_lost; /* since then or before */
	/* Read before anything is decided: what changes meanwhile has a newer
	 * generation, and the flow is decided again. */
	__u32 generation;
	__u32 route_generation;
	struct peer from; /* client */
	struct peer to; /* backend */
	__be16 backend_port;
	__u16 pad;
	__u32 network_flags; /* enum network_flags of both ends' networks */
	__u32 publish; /* id, 0: none */
	__u32 rule; /* id, 0: a default decided */
	struct hop hop; /* towards PLACE_WORLD */
	struct ipaddr snat; /* the client's new address, zero: keep it */
	struct flow_key reply_key;
	__u32 shared; /* the reply entry is there: another CPU's, or left over */
	__u32 pad2;
	struct embryo reply; /* the entries that are being written */
	struct embryo forward;
};

/*
 * bn_first: one workspace for each CPU. A map and not the stack, which has 512
 * bytes; and since the verifier does not follow the contents of maps, the many
 * kinds of packets merge into one state here instead of multiplying.
 *
 * Written by:	the slow path. Programs at tc run with softirqs off, so nothing
 *		else uses a CPU's workspace meanwhile.
 * Read by:	the same run of the same program.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct first);
} bn_first SEC(".maps");

/* This CPU's, as it is. */
static __always_inline struct first *first_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&bn_first, &zero);
}

/* A clean workspace that knows pkt. */
static __always_inline struct first *
first_start(const struct pkt *pkt, const struct datapath_config *config)
{
	struct first *first = first_get();

	if (!first)
		return NULL;
	first->pkt = *pkt;
	first->generation = config->generation;
	first->route_generation = config->route_generation;
	__builtin_memset(&first->from, 0,
			 sizeof(*first) - offsetof(struct first, from));
	return first;
}

static __always_inline bool address_is_ours(const struct ipaddr *addr)
{
	struct subnet_key key = { .prefix_bits = 128, .addr = *addr };

	return bpf_map_lookup_elem(&bn_subnets, &key);
}

static __always_inline void peer_set(struct peer *peer,
				     const struct ipaddr *addr,
				     const struct endpoint_val *endpoint)
{
	peer->addr = *addr;
	peer->place = PLACE_WORLD;
	if (!endpoint)
		return;
	peer->place = PLACE_ENDPOINT;
	peer->network = endpoint->network;
	peer->endpoint = *endpoint;
}

static __always_inline const struct network_val *
network_of(const struct peer *peer)
{
	__u32 id = peer->network;

	if (peer->place != PLACE_ENDPOINT)
		return NULL;
	return bpf_map_lookup_elem(&bn_networks, &id);
}

/* Who has this address: an endpoint, the host, or somebody outside. */
static __always_inline void peer_find(struct peer *peer,
				      const struct ipaddr *addr)
{
	peer_set(peer, addr, bpf_map_lookup_elem(&bn_addrs, addr));
	if (peer->place == PLACE_WORLD && bpf_map_lookup_elem(&bn_locals, addr))
		peer->place = PLACE_HOST;
}

#endif
