/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* decide - may this flow be: asked once, and again when something changed */
#ifndef BPFNET_BPF_DECIDE_H
#define BPFNET_BPF_DECIDE_H

#include "embryo.h"
#include "event.h"
#include "first.h"
#include "flow.h"
#include "hop.h"
#include "maps.h"
#include "nat.h"
#include "policy.h"
#include "publish.h"

static __always_inline __u32 network_flags(const struct peer *peer)
{
	const struct network_val *network = network_of(peer);

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

/* For a packet that meets no flow: what a rule drops is counted for it here, and
 * what it is to log is told. */
static __always_inline enum reason
decide_packet(const struct __sk_buff *skb, struct first *first,
	      const struct datapath_config *config)
{
	enum reason why = decide(first, config);

	event_of_rule(first);
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
		return world_knows_as(first, reply ? &key->dst : &flow->to_src);
	if (!flow->publish)
		return !client_is_outside(flow) ||
		       (network_flags(&first->to) & NETWORK_ROUTED);

	if (ipaddr_equal(service, &first->to.addr))
		publish = publish_find_at(service, port, key->proto);
	else if (bpf_map_lookup_elem(&bn_locals, service))
		publish = publish_find(service, port, key->proto);
	else
		return false;
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

	if (flow->flags & FLOW_HELD)
		return true;
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
	/* Of a flow that goes on, its beginning was logged. */
	if (why != REASON_OK && !(flow->flags & FLOW_DENIED))
		event_of_rule(first);
	flow_set_rule(flow, first->rule);
	flow->reason = why;
	if (why == REASON_OK)
		flow->flags &= ~FLOW_DENIED;
	else
		flow->flags |= FLOW_DENIED;
	flow->generation = first->generation;
	return true;
}

/* The uplink that the client of this reply half came in by, whichever way out
 * its answers have taken since then. */
static __always_inline const struct uplink_val *
uplink_of_client(const struct first *first, const struct flow *flow)
{
	struct flow_key pair_key;
	const struct flow *pair =
		flow_pair_find(&first->pkt.key, flow, &pair_key);

	return uplink_find(pair ? pair->came_in_by : flow->out_ifindex);
}

/*
 * Answers to a client outside go back by the uplink that it came in by, if that
 * has a route to it or a gateway: by another one, they would carry an address
 * that is not known there.
 */
static __always_inline enum reason hop_find_back(struct __sk_buff *skb,
						 struct first *first, __u32 iif,
						 const struct flow *flow)
{
	const struct uplink_val *uplink = uplink_of_client(first, flow);
	struct route route = { iif, flow->to_src, flow->to_dst };
	enum reason why = hop_find(skb, first, &route);
	const struct ipaddr *gateway;

	if (!uplink ||
	    (why == REASON_OK && first->hop.ifindex == uplink->ifindex))
		return why;
	gateway = first->pkt.v4 ? &uplink->gateway4 : &uplink->gateway6;
	if (ipaddr_is_zero(gateway))
		return why;
	route.dst = *gateway;
	why = hop_find(skb, first, &route);
	if (why == REASON_OK && first->hop.ifindex == uplink->ifindex)
		return why;
	/* Link-local gateways are on every link: the kernel asks on this one. */
	first->hop = (struct hop){
		.gateway = *gateway,
		.ifindex = uplink->ifindex,
		.mtu = device_mtu(skb, uplink->ifindex),
	};
	return REASON_OK;
}

/* Has the client the same address outside, now that it leaves by first->hop? */
static __always_inline bool flow_keeps_address(struct first *first,
					       const struct flow *flow)
{
	if (first->hop.ifindex == flow->out_ifindex ||
	    !(flow->flags & FLOW_NAT_SRC) || (flow->flags & FLOW_REPLY))
		return true;
	return snat_to_world(first) == REASON_OK &&
	       ipaddr_equal(&first->snat, &flow->to_src);
}

/*
 * The route has changed, or is not resolved, or nobody watches it: finds it
 * again. REASON_FORWARDED: it is in flow; REASON_OK: the flow had to go, and the
 * packet starts a new one.
 */
static __noinline enum reason flow_reroute(struct __sk_buff *skb,
					   struct pkt *pkt,
					   const struct datapath_config *config,
					   struct flow *flow)
{
	struct first *first = first_start(pkt, config);
	const struct endpoint_val *endpoint;
	__u32 ifindex = skb->ifindex;
	enum reason why;

	endpoint = bpf_map_lookup_elem(&bn_endpoints, &ifindex);
	if (!endpoint || !first)
		return REASON_UNKNOWN_DEVICE;
	peer_set(&first->from, &first->pkt.key.src, endpoint);
	peer_set(&first->to, &flow->to_dst, NULL);
	if (flow->flags & FLOW_REPLY)
		why = hop_find_back(skb, first, endpoint->bridge_ifindex, flow);
	else
		why = hop_find_first(skb, first);
	if (why != REASON_OK)
		return why;
	if (!flow_keeps_address(first, flow)) {
		flow_del(&first->pkt.key, flow);
		return REASON_OK;
	}
	flow_set_hop(flow, first);
	pkt->by_hop = !way_is_known(pkt, config, flow);
	return REASON_FORWARDED;
}

#endif
