/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* datapath - a packet's life: stages in walking order, entry points last */

/*
 * DOC: the walk
 *
 *	internet            host                              container
 *	         bn_from_uplink   ....................... redirect_peer
 *	  --->  [uplink ingress] :  flow hit, else       : --->  eth0
 *	                         :  decide and commit    :
 *	  <---  [uplink egress]  :                       : <---  eth0
 *	         bn_to_uplink     .......................  [veth ingress]
 *	          (guard)                 |   ^             bn_from_container
 *	                                  v   |
 *	                              host's stack  --->  [veth egress]
 *	                                                   bn_to_container
 *
 * Every program is a chain of stages joined by ?: and the first stage that has
 * something to say ends the walk. A packet of a known flow ends at
 * stage_flow_hit: one look-up holds the translated tuple, the verdict and the
 * way out. The stages after it run for a flow's first packet. They only fill
 * struct first; stage_commit then writes the two entries of the flow, the last
 * thing that can fail, so a dropped packet leaves nothing behind. finish()
 * rewrites, counts and sends. It is the only place that ends a packet.
 *
 * redirect_peer delivers into the container's namespace without a look at the
 * device's own programs, so what is decided here covers both ends: the policy
 * for the sender and for the receiver, and the source check. Frames that are no
 * unicast IP (ARP, neighbour discovery, multicast) go through the bridge as
 * ever, after the source check.
 *
 * bn_to_container sees what the host's own stack sends to a container: its own
 * connections, which become flows of the host, and answers to containers.
 * bn_to_uplink is a guard: nothing leaves with a source address of ours.
 */
#include <linux/bpf.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <bpfnet/abi.h>

#include "commit.h"
#include "decide.h"
#include "embryo.h"
#include "finish.h"
#include "first.h"
#include "flow.h"
#include "group.h"
#include "guard.h"
#include "hop.h"
#include "maps.h"
#include "nat.h"
#include "pkt.h"
#include "policy.h"
#include "publish.h"
#include "rewrite.h"
#include "source.h"
#include "unusual.h"

/* A router must not forward the last hop of a packet's life. */
static __always_inline enum reason ttl_check(const struct pkt *pkt, bool routed)
{
	return likely(!routed || pkt->ttl > 1) ? REASON_OK : REASON_TTL;
}

/*
 * An answer to somebody outside, which may go back by another uplink than the
 * stack would send it by: that has an MTU of its own, and would take it.
 */
static __always_inline bool is_too_big_for_good(struct __sk_buff *skb,
						const struct pkt *pkt,
						const struct flow *flow)
{
	__be16 fragment = 0;

	return (flow->flags & FLOW_REPLY) && !pkt->unusual &&
	       pkt->key.proto != IPPROTO_ICMP &&
	       !bpf_skb_load_bytes(skb,
				   ETH_HLEN + offsetof(struct iphdr, frag_off),
				   &fragment, sizeof(fragment)) &&
	       (fragment & bpf_htons(IP_DONT_FRAGMENT));
}

/* The stack fragments, or tells the sender (RFC 1191). IPv6 has nobody on the
 * way fragment, and its stack would answer only if all devices forwarded. */
static __noinline enum reason too_big(struct __sk_buff *skb, struct pkt *pkt,
				      const struct flow *flow)
{
	if (pkt->v4 && !is_too_big_for_good(skb, pkt, flow))
		return REASON_TO_STACK;
	pkt->mtu = flow->mtu;
	return REASON_TOO_BIG;
}

/* ------------------------------------------------- a flow that is known */

/* A SYN on a flow that is ending starts a new connection: its own policy, its
 * own port. A SYN-ACK does not, nor does anybody outside on a flow that a
 * container began. */
static __noinline bool flow_is_ending(const struct pkt *pkt,
				      const struct flow *flow)
{
	if ((flow->flags & FLOW_REPLY) && pkt->in_ifindex == FLOW_FROM_UPLINK)
		return false;
	return (flow->seen | flow_pair_seen(&pkt->key, flow)) &
	       (FLOW_SEEN_FIN | FLOW_SEEN_RST);
}

static __always_inline bool is_syn(const struct pkt *pkt)
{
	return (pkt->tcp_flags & (TCP_FLAG_SYN_BIT | TCP_FLAG_ACK_BIT)) ==
	       TCP_FLAG_SYN_BIT;
}

static __always_inline void flow_touch(const struct __sk_buff *skb,
				       const struct pkt *pkt, struct flow *flow)
{
	__u8 seen = flow_seen_bits(pkt);

	flow->packets++;
	flow->bytes += skb->len;
	if (unlikely(flow->last_seen != pkt->now))
		flow->last_seen = pkt->now;
	/* Traffic after a reset shows that it was none: somebody forged it, or
	 * its receiver did not believe it (RFC 7857 2.2, RFC 5961 3). */
	if (unlikely((flow->seen & (seen | FLOW_SEEN_RST)) != seen))
		flow->seen = (flow->seen & ~FLOW_SEEN_RST) | seen;
	if (unlikely(flow->flags & FLOW_EMBRYO))
		embryo_count(flow, skb->len);
}

static __noinline enum reason flow_denied(const struct __sk_buff *skb,
					  const struct flow *flow)
{
	if (flow->rule)
		hits_add(&bn_rule_hits, flow->rule, 1, skb->len, 0);
	return flow->reason;
}

/* A flow to the host's stack crosses the bridge, which learns from the frame's
 * MAC: it must be the endpoint's own. */
static __always_inline bool flow_frame_is_valid(struct __sk_buff *skb,
						const struct flow *flow)
{
	const struct endpoint_val *endpoint;
	__u32 ifindex = skb->ifindex;

	if (likely(flow->action != FLOW_STACK) || !flow->in_slot)
		return true;
	endpoint = bpf_map_lookup_elem(&bn_endpoints, &ifindex);
	return endpoint && frame_is_from(skb, endpoint);
}

/* Who sent the packet: an ICMP error's key has the flow's address there. */
static __always_inline struct ipaddr pkt_sender(struct __sk_buff *skb,
						const struct pkt *pkt)
{
	struct ends outer;

	if (pkt->kind != PKT_ERROR || ends_read(skb, pkt->v4, &outer))
		return pkt->key.src;
	return outer.src;
}

/* An ICMP error from a container must come from the end that it speaks for, one
 * from outside from any router that is none of ours. */
static __noinline enum reason error_check(struct __sk_buff *skb,
					  const struct pkt *pkt,
					  const struct flow *flow)
{
	struct ipaddr sender = pkt_sender(skb, pkt);

	if (ipaddr_equal(&sender, &pkt->key.src))
		return REASON_FORWARDED;
	return flow->in_slot || address_is_ours(&sender) ||
			       is_martian(&sender) ?
		       REASON_SPOOFED_SOURCE :
		       REASON_FORWARDED;
}

/* The fast path. REASON_OK is a miss: the packet walks on. */
static __always_inline enum reason
stage_flow_hit(struct __sk_buff *skb, struct pkt *pkt,
	       const struct datapath_config *config, struct flow **ret_flow)
{
	struct flow *flow;
	enum reason why;

	if (unlikely(pkt->kind != PKT_FLOW && pkt->kind != PKT_ERROR))
		return REASON_OK;
	flow = bpf_map_lookup_elem(&bn_flows, &pkt->key);
	if (unlikely(!flow)) {
		struct flow *embryo = NULL;

		why = embryo_hit(pkt, config, &embryo);
		if (why != REASON_OK)
			return why;
		flow = embryo;
	}
	/* Somebody else's flow: the source check will say more. */
	if (unlikely(!flow || flow->in_ifindex != pkt->in_ifindex))
		return REASON_OK;
	if (unlikely(flow->generation != config->generation) &&
	    !flow_redecide(pkt, config, flow))
		return REASON_OK;
	if (unlikely(is_syn(pkt)) && flow_is_ending(pkt, flow)) {
		flow_del(&pkt->key, flow);
		return REASON_OK;
	}

	/* A bridge that has forgotten a MAC floods: not for this device. */
	if (pkt->through_stack && flow->out_ifindex != skb->ifindex)
		return REASON_NO_ROUTE;
	pkt->slot = flow->in_slot ?: flow->out_slot;
	if (unlikely(flow->flags & FLOW_DENIED))
		return flow_denied(skb, flow);
	if (!flow_frame_is_valid(skb, flow))
		return REASON_SPOOFED_SOURCE;
	why = ttl_check(pkt, flow->flags & FLOW_ROUTED);
	if (why != REASON_OK)
		return why;
	if (flow->action == FLOW_OUT && !pkt->through_stack &&
	    !way_is_known(pkt, config, flow)) {
		why = flow_reroute(skb, pkt, config, flow);
		if (why != REASON_FORWARDED)
			return why;
	}
	if (exceeds_mtu(skb, pkt, flow))
		return too_big(skb, pkt, flow);
	*ret_flow = flow;
	/* RFC 5508 REQ-3: an error keeps no flow alive. */
	if (unlikely(pkt->kind == PKT_ERROR))
		return error_check(skb, pkt, flow);
	flow_touch(skb, pkt, flow);
	return REASON_FORWARDED;
}

/* ---------------------------------------------------- the first packet */

/* Every packet of a container proves its source before anything else. */
static __always_inline enum reason stage_source(struct __sk_buff *skb,
						struct first *first)
{
	const struct endpoint_val *endpoint;
	struct pkt *pkt = &first->pkt;
	__u32 ifindex = skb->ifindex;
	enum reason why;

	endpoint = bpf_map_lookup_elem(&bn_endpoints, &ifindex);
	if (!endpoint)
		return REASON_UNKNOWN_DEVICE;
	pkt->slot = endpoint->slot;
	if (pkt->kind == PKT_OTHER)
		return REASON_ETHERTYPE;
	if (!frame_is_from(skb, endpoint))
		return REASON_SPOOFED_SOURCE;

	why = pkt->kind == PKT_ARP ?
		      arp_check(skb, endpoint) :
		      (source_check(pkt, endpoint) ?:
			       pkt->kind == PKT_NEIGHBOUR ?
			       neighbour_check(skb, pkt, endpoint) :
			       REASON_OK);
	if (why != REASON_OK)
		return why;
	peer_set(&first->from, &pkt->key.src, endpoint);
	return REASON_OK;
}

/* Nothing from outside may claim to be one of ours. */
static __always_inline enum reason stage_outside_source(struct __sk_buff *skb,
							struct first *first)
{
	const struct pkt *pkt = &first->pkt;
	struct ipaddr sender;

	/* Frames to others, which a promiscuous device shows, and to all. */
	if (pkt->kind == PKT_ARP || pkt->kind == PKT_OTHER ||
	    skb->pkt_type != PACKET_HOST)
		return REASON_TO_STACK;
	sender = pkt_sender(skb, pkt);
	if (is_martian(&sender) || address_is_ours(&sender) ||
	    bpf_map_lookup_elem(&bn_locals, &sender))
		return REASON_SPOOFED_SOURCE;
	/* No router carries that source any further (RFC 4291 2.5.6). */
	if (is_link_scope(&sender))
		return REASON_TO_STACK;
	peer_set(&first->from, &sender, NULL);
	return REASON_OK;
}

/* What cannot be a flow, or start one, stays with the link, or ends here: with
 * its ports unread, no rule could be asked about it. */
static __always_inline enum reason stage_not_a_flow(const struct first *first)
{
	const struct pkt *pkt = &first->pkt;

	switch (pkt->kind) {
	case PKT_ARP:
	case PKT_MULTICAST:
	case PKT_NEIGHBOUR:
		return REASON_TO_STACK;
	case PKT_FRAGMENT:
		return REASON_FRAGMENT_UNKNOWN;
	case PKT_OPTIONS:
		return REASON_EXTENSIONS;
	case PKT_ERROR:
		return REASON_ICMP_UNRELATED;
	default:
		return pkt->echo_reply ? REASON_PROTOCOL : REASON_OK;
	}
}

/* On the host's own addresses, for the world only those outside of our subnets:
 * the guard lets no answer of the others out. And where the world knows containers
 * by their addresses, on those. */
static __always_inline bool may_be_published(const struct first *first)
{
	bool is_outside = first->from.place == PLACE_WORLD;

	if (first->to.place == PLACE_HOST)
		return !is_outside || !address_is_ours(&first->to.addr);
	return first->to.place == PLACE_ENDPOINT && is_outside &&
	       (network_flags(&first->to) & NETWORK_ROUTED);
}

/* Flow look-up came first: an exact tuple beats a listener. So only the first
 * packet of a flow to such an address gets here. */
static __always_inline enum reason stage_publish(struct first *first)
{
	const struct flow_key *key = &first->pkt.key;
	const struct publish_val *publish;

	first->backend_port = key->dport;
	peer_find(&first->to, &key->dst);
	if (!may_be_published(first) || first->pkt.kind != PKT_FLOW)
		return REASON_OK;
	if (key->proto != IPPROTO_TCP && key->proto != IPPROTO_UDP)
		return REASON_OK;
	if (first->to.place == PLACE_HOST)
		publish = publish_find(&key->dst, key->dport, key->proto);
	else
		publish = publish_find_at(&key->dst, key->dport, key->proto);
	if (!publish)
		return REASON_OK;

	if (!first->pkt.slot)
		first->pkt.slot = publish->slot;
	if (!publish_admits(publish, &first->from.addr))
		return REASON_PUBLISH_FROM;
	peer_find(&first->to, &publish->backend);
	if (first->to.place != PLACE_ENDPOINT)
		return REASON_NO_ROUTE;
	first->backend_port = publish->backend_port;
	first->publish = publish->id;
	return REASON_OK;
}

/* From outside, only published ports lead to a container, or a rule, where the
 * world knows its address. The rest is the host's business: its own traffic, and
 * what it forwards elsewhere. */
static __always_inline enum reason
stage_outside_destination(struct first *first)
{
	if (first->publish)
		return REASON_OK;
	if (first->to.place == PLACE_HOST ||
	    !address_is_ours(&first->pkt.key.dst))
		return REASON_TO_STACK;
	if (first->to.place == PLACE_ENDPOINT)
		first->pkt.slot = first->to.endpoint.slot;
	if (!(network_flags(&first->to) & NETWORK_ROUTED))
		return REASON_UNPUBLISHED;
	return stage_not_a_flow(first);
}

/* An address that nobody can have (RFC 1812 5.3.7), or one of our subnets that
 * nobody has; a group frame to it is a broadcast to the subnet. */
static __always_inline enum reason
stage_destination(const struct __sk_buff *skb, struct first *first,
		  const struct datapath_config *config)
{
	const struct ipaddr *dst = &first->pkt.key.dst;

	if (first->to.place != PLACE_WORLD)
		return REASON_OK;
	if (is_martian(dst))
		return REASON_NO_ROUTE;
	if (!address_is_ours(dst))
		return REASON_OK;
	return first->pkt.group_frame ? group_to_host(skb, first, config) :
					REASON_NO_ROUTE;
}

static __always_inline enum reason
stage_policy(const struct __sk_buff *skb, struct first *first,
	     const struct datapath_config *config)
{
	return decide_packet(skb, first, config);
}

static __always_inline enum reason stage_next_hop(struct __sk_buff *skb,
						  struct first *first)
{
	enum reason why = ttl_check(&first->pkt, is_routed(first));

	if (why != REASON_OK || first->to.place != PLACE_WORLD)
		return why;
	return hop_find_first(skb, first);
}

/* Which address the client gets: the uplink's on the way out, the gateway's
 * when a container reaches itself through a published port, else its own. */
static __always_inline enum reason stage_snat(struct first *first)
{
	const struct network_val *network;

	if (first->to.place == PLACE_WORLD)
		return snat_to_world(first);
	if (!first->publish ||
	    first->from.endpoint.slot != first->to.endpoint.slot)
		return REASON_OK;
	network = network_of(&first->from);
	if (!network)
		return REASON_NO_ROUTE;
	first->snat = first->pkt.v4 ? network->gateway4 : network->gateway6;
	return REASON_OK;
}

/*
 * Writes the flow. The reply entry goes first, because inserting it is what
 * takes the source port; the forward entry follows. Another CPU may commit the
 * same flow at the same time: whoever comes second uses the first one's flow, and
 * takes its own reply entry back if that is another one.
 */
static __always_inline enum reason
stage_commit(struct __sk_buff *skb, struct first *first,
	     const struct datapath_config *config, struct flow **ret_flow)
{
	struct flow *flow;
	enum reason why;

	flow_set_reply(first, skb->ifindex);
	reply_key_set(first);
	flow_set_forward(first);
	why = flows_room(config, &first->reply.other)  ?:
		      reply_insert(skb, first, config) ?:
							 forward_insert(first);
	if (why == REASON_FLOWS_FULL)
		full_count();
	if (why != REASON_OK)
		return why;

	flow = flow_find(&first->pkt.key);
	if (!flow || flow->in_ifindex != first->pkt.in_ifindex)
		return REASON_FLOW_CONFLICT;
	if (exceeds_mtu(skb, &first->pkt, flow))
		return too_big(skb, &first->pkt, flow);
	flow_touch(skb, &first->pkt, flow);
	first->pkt.by_hop = first->to.place == PLACE_WORLD &&
			    !way_is_known(&first->pkt, config, flow);
	*ret_flow = flow;
	return REASON_FORWARDED;
}

/* -------------------------------------------------- the stack's own side */

/*
 * What the stack sends to a container is the host's own (a connection, an ICMP
 * error) or an answer, which is a flow hit. A packet that the host forwards
 * from somewhere else has an ingress device and is not published to anybody.
 */
static __always_inline enum reason stage_host_source(struct __sk_buff *skb,
						     struct first *first)
{
	const struct endpoint_val *endpoint;
	struct pkt *pkt = &first->pkt;
	__u32 ifindex = skb->ifindex;

	endpoint = bpf_map_lookup_elem(&bn_endpoints, &ifindex);
	if (!endpoint)
		return REASON_UNKNOWN_DEVICE;
	pkt->slot = endpoint->slot;
	peer_find(&first->to, &pkt->key.dst);
	if (is_link_business(first))
		return REASON_TO_STACK;
	if (skb->ingress_ifindex)
		return REASON_UNPUBLISHED;
	if (pkt->kind != PKT_FLOW)
		return REASON_TO_STACK;
	/* ICMP errors answer a packet that was let through. */
	if (!pkt->translatable && (pkt->key.proto == IPPROTO_ICMP ||
				   pkt->key.proto == IPPROTO_ICMPV6))
		return REASON_TO_STACK;

	peer_set(&first->from, &pkt->key.src, NULL);
	first->from.place = PLACE_HOST;
	first->backend_port = pkt->key.dport;
	if (first->to.endpoint.ifindex != ifindex)
		return REASON_NO_ROUTE;
	return REASON_OK;
}

/* ----------------------------------------------------------- entry points */

static __always_inline enum reason stage_parse(struct __sk_buff *skb,
					       struct pkt *pkt)
{
	enum reason why = pkt_parse(skb, pkt);

	if (unlikely(why == REASON_OK && pkt->kind == PKT_UNUSUAL))
		return unusual_read(skb, pkt);
	return why;
}

static __always_inline void pkt_start(struct pkt *pkt, __u32 in_ifindex)
{
	pkt->in_ifindex = in_ifindex;
	pkt->now = flow_now();
}

/* What finish() has to know of the workspace. */
static __always_inline void first_done(const struct first *first,
				       struct pkt *pkt)
{
	pkt->slot = first->pkt.slot;
	pkt->mtu = first->pkt.mtu;
	pkt->by_hop = first->pkt.by_hop;
}

/*
 * The walk of a flow's first packet, one for each program. It says what the
 * stages say, the flow when they made one, and whose packet it is in pkt->slot.
 * A function of its own: inlined, the verifier would follow every kind of packet
 * through all of its stages. It returns before finish() begins, so the two never
 * stand on the stack together.
 */
typedef enum reason (*first_walk)(struct __sk_buff *skb, struct pkt *pkt,
				  const struct datapath_config *config,
				  struct flow **ret_flow);

/* What the three programs that forward have in common: the fast path, and the
 * walk where it misses. Inlined, so that first is a direct call. */
static __always_inline int walk(struct __sk_buff *skb, struct pkt *pkt,
				first_walk first)
{
	const struct datapath_config *config = config_get();
	struct flow *flow = NULL;
	enum reason why;

	if (unlikely(!config))
		return finish(skb, pkt, flow, REASON_UNKNOWN_DEVICE);
	why = stage_parse(skb, pkt) ?: stage_flow_hit(skb, pkt, config, &flow);
	if (unlikely(why == REASON_OK))
		why = first(skb, pkt, config, &flow);
	return finish(skb, pkt, flow, why);
}

static __noinline enum reason
first_from_container(struct __sk_buff *skb, struct pkt *pkt,
		     const struct datapath_config *config,
		     struct flow **ret_flow)
{
	struct first *first = first_start(pkt, config);
	enum reason why;

	if (!first)
		return REASON_UNKNOWN_DEVICE;
	why = stage_source(skb, first)			    ?:
		      stage_group(skb, first, config)	    ?:
		      stage_not_a_flow(first)		    ?:
		      stage_publish(first)		    ?:
		      stage_destination(skb, first, config) ?:
		      stage_policy(skb, first, config)	    ?:
		      stage_next_hop(skb, first)	    ?:
		      stage_snat(first)			    ?:
		      stage_commit(skb, first, config, ret_flow);
	first_done(first, pkt);
	return why;
}

SEC("tc")
int bn_from_container(struct __sk_buff *skb)
{
	struct pkt pkt = {};

	if (is_own_answer(skb))
		return TC_ACT_UNSPEC;
	pkt_start(&pkt, skb->ifindex);
	return walk(skb, &pkt, first_from_container);
}

static __noinline enum reason
first_from_uplink(struct __sk_buff *skb, struct pkt *pkt,
		  const struct datapath_config *config, struct flow **ret_flow)
{
	struct first *first = first_start(pkt, config);
	enum reason why;

	if (!first)
		return REASON_UNKNOWN_DEVICE;
	why = stage_outside_source(skb, first)	       ?:
		      stage_publish(first)	       ?:
		      stage_outside_destination(first) ?:
		      stage_policy(skb, first, config) ?:
		      stage_next_hop(skb, first)       ?:
		      stage_commit(skb, first, config, ret_flow);
	first_done(first, pkt);
	return why;
}

SEC("tc")
int bn_from_uplink(struct __sk_buff *skb)
{
	struct pkt pkt = {};

	pkt_start(&pkt, FLOW_FROM_UPLINK);
	return walk(skb, &pkt, first_from_uplink);
}

static __noinline enum reason
first_to_container(struct __sk_buff *skb, struct pkt *pkt,
		   const struct datapath_config *config, struct flow **ret_flow)
{
	struct first *first = first_start(pkt, config);
	enum reason why;

	if (!first)
		return REASON_UNKNOWN_DEVICE;
	why = stage_group_to_container(skb, first, config) ?:
		      stage_host_source(skb, first)	   ?:
		      stage_policy(skb, first, config)	   ?:
		      stage_commit(skb, first, config, ret_flow);
	first_done(first, pkt);
	return why;
}

SEC("tc")
int bn_to_container(struct __sk_buff *skb)
{
	struct pkt pkt = { .through_stack = true };

	pkt_start(&pkt, FLOW_FROM_HOST);
	return walk(skb, &pkt, first_to_container);
}

/* What the stack has routed instead of the datapath (fragments of a packet that
 * was too big): its flow says how it leaves. */
static __always_inline enum reason
stage_translate(struct __sk_buff *skb, struct pkt *pkt, struct flow *flow)
{
	if (!flow || pkt->kind != PKT_FLOW)
		return REASON_UNTRANSLATED_EGRESS;
	flow_touch(skb, pkt, flow);
	return REASON_FORWARDED;
}

SEC("tc")
int bn_to_uplink(struct __sk_buff *skb)
{
	const struct datapath_config *config = config_get();
	struct pkt pkt = { .through_stack = true };
	struct flow *flow = NULL;
	struct ipaddr sender;
	enum reason why;

	if (!config || is_translated(skb))
		return TC_ACT_UNSPEC;
	pkt_start(&pkt, FLOW_FROM_HOST);
	why = stage_parse(skb, &pkt);
	/* Of a packet without addresses, they are zero: not ours. */
	sender = pkt_sender(skb, &pkt);
	if (pkt.kind == PKT_ARP || pkt.kind == PKT_OTHER ||
	    !address_is_ours(&sender))
		return TC_ACT_UNSPEC;
	if (why == REASON_OK)
		flow = flow_outbound(&pkt, config);
	if (flow && !(flow->flags & (FLOW_NAT_SRC | FLOW_NAT_DST)))
		return TC_ACT_UNSPEC;
	if (!flow && why == REASON_OK && is_answer(&pkt, &sender))
		return TC_ACT_UNSPEC;
	why = why ?: stage_translate(skb, &pkt, flow);
	return finish(skb, &pkt, flow, why);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
