/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* decide - may this flow be: asked once, and again when something changed */
#ifndef BPFNET_BPF_DECIDE_H
#define BPFNET_BPF_DECIDE_H

#include "first.h"
#include "flow.h"
#include "hop.h"
#include "maps.h"
#include "nat.h"
#include "policy.h"
#include "publish.h"

static __always_inline __u32 network_flags(const struct peer *peer)
{
	__u32 id = peer->network;
	const struct network_val *network;

	if (peer->place != PLACE_ENDPOINT)
		return 0;
	network = bpf_map_lookup_elem(&bn_networks, &id);
	return network ? network->flags : 0;
}

/* The structural limits of networks, then the rules. */
static __always_inline enum reason decide(struct first *first,
					  const struct datapath_config *config)
{
	first->network_flags =
		network_flags(&first->from) | network_flags(&first->to);
	if ((first->network_flags & NETWORK_INTERNAL) &&
	    (first->to.place == PLACE_WORLD ||
	     first->from.place == PLACE_WORLD))
		return REASON_INTERNAL_NETWORK;
	return policy_decide(first, config);
}

/* For a packet that meets no flow: what a rule drops is counted for it here. */
static __always_inline enum reason
decide_packet(const struct __sk_buff *skb, struct first *first,
	      const struct datapath_config *config)
{
	enum reason why = decide(first, config);

	if (why == REASON_POLICY_DENY || why == REASON_POLICY_REJECT)
		hits_add(&bn_rule_hits, first->rule, 1, skb->len, 0);
	return why;
}

/* Does what the flow was built on still stand? */
static __always_inline bool flow_is_current(const struct first *first,
					    const struct flow *flow)
{
	const struct flow_key *key = &first->pkt.key;
	bool reply = flow->flags & FLOW_REPLY;
	const struct ipaddr *service = reply ? &flow->to_src : &key->dst;
	__be16 port = reply ? flow->to_sport : key->dport;
	__u16 client_slot = reply ? flow->out_slot : flow->in_slot;
	__u16 backend_slot = reply ? flow->in_slot : flow->out_slot;
	const struct peer *receiver = reply ? &first->from : &first->to;
	const struct publish_val *publish;

	if (first->from.endpoint.slot != client_slot ||
	    first->to.endpoint.slot != backend_slot)
		return false;
	/* The slot and the address may be those of an endpoint made again. */
	if (receiver->place == PLACE_ENDPOINT &&
	    flow->out_ifindex != receiver->endpoint.ifindex)
		return false;
	if (first->to.place == PLACE_WORLD)
		return uplink_has_address(reply ? &key->dst : &flow->to_src);
	if (!flow->publish)
		return true;

	if (!bpf_map_lookup_elem(&bn_locals, service))
		return false;
	publish = publish_find(service, port, key->proto);
	return publish && publish->id == flow->publish &&
	       ipaddr_equal(&publish->backend, &first->to.addr) &&
	       publish->backend_port == first->backend_port &&
	       publish_admits(publish, &first->from.addr);
}

/*
 * Decides a flow again after its generation has passed. False when it was built
 * on something that is gone: it is removed, and the packet starts a new flow.
 */
static __noinline bool flow_redecide(const struct pkt *pkt,
				     const struct datapath_config *config,
				     struct flow *flow)
{
	struct first *first = first_start(pkt, config);
	enum reason why;

	if (!first)
		return false;
	if (flow->flags & FLOW_REPLY) {
		peer_find(&first->from, &flow->to_dst);
		peer_find(&first->to, &first->pkt.key.src);
		first->backend_port = first->pkt.key.sport;
	} else {
		peer_find(&first->from, &first->pkt.key.src);
		peer_find(&first->to, &flow->to_dst);
		first->backend_port = flow->to_dport;
	}
	first->publish = flow->publish;
	if (!flow_is_current(first, flow)) {
		flow_del(&first->pkt.key, flow);
		return false;
	}

	why = decide(first, config);
	flow_set_rule(flow, first->rule);
	flow->reason = why;
	if (why == REASON_OK)
		flow->flags &= ~FLOW_DENIED;
	else
		flow->flags |= FLOW_DENIED;
	flow->generation = first->generation;
	return true;
}

/* The route has changed, or was not resolved: find it again. */
static __noinline enum reason flow_reroute(struct __sk_buff *skb,
					   const struct pkt *pkt,
					   const struct datapath_config *config,
					   struct flow *flow)
{
	const struct endpoint_val *endpoint;
	__u32 ifindex = skb->ifindex;
	struct first *first = first_start(pkt, config);
	enum reason why;

	endpoint = bpf_map_lookup_elem(&bn_endpoints, &ifindex);
	if (!endpoint || !first)
		return REASON_UNKNOWN_DEVICE;
	why = hop_find(skb, first, endpoint->bridge_ifindex, &flow->to_dst);
	if (why == REASON_OK)
		flow_set_hop(flow, first);
	return why;
}

#endif
