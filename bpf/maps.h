/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* maps - every map, with its contract: who writes, who reads, when full */
#ifndef BPFNET_BPF_MAPS_H
#define BPFNET_BPF_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <bpfnet/abi.h>

/*
 * All objects (datapath, socket, gc) define the same maps; user space loads
 * the first one and gives its maps to the others. "control" is the process
 * that holds the instance's lock; the agent takes part only where it is named.
 */

/*
 * bn_config: generations, heartbeat, settings.
 *
 * Written by:	control, through mmap; heartbeat and route_generation also by
 *		the agent. Single aligned words, so readers need no lock.
 * Read by:	every program, once per packet.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct datapath_config);
} bn_config SEC(".maps");

/*
 * bn_flows: connection tracking and NAT, one entry for each direction.
 *
 * Written by:	embryo_promote and the fast path; bn_gc removes.
 * Read by:	every packet, once.
 * When full:	the new flow's packet is dropped (flows-full), established
 *		flows are never touched. Preallocated: no allocation per flow.
 * Missing key:	bn_embryos is asked, then the slow path decides.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * FLOWS_MAX_DEFAULT); /* resized at load */
	__type(key, struct flow_key);
	__type(value, struct flow);
} bn_flows SEC(".maps");

/*
 * bn_embryos: flows that have not proven themselves, likewise.
 *
 * Written by:	stage_commit; embryo_promote and bn_gc remove.
 * Read by:	packets without an entry in bn_flows.
 * When full:	the longest unused entry goes, so a flood of first packets pushes
 *		out nothing but other first packets.
 * Missing key:	the slow path decides.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries,
	       2 * FLOWS_MAX_DEFAULT / EMBRYOS_SHARE); /* likewise */
	__type(key, struct flow_key);
	__type(value, struct embryo);
} bn_embryos SEC(".maps");

/*
 * bn_ep_flows: how many flows in bn_flows each endpoint has, and all together.
 *
 * Written by:	who adds a forward half to bn_flows or removes it, by atomic
 *		addition.
 * Read by:	the slow path, and user space.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ENDPOINTS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} bn_ep_flows SEC(".maps");

/*
 * bn_endpoints: the endpoint behind a host-end device.
 *
 * Written by:	control, at attach and detach.
 * Read by:	the slow path of container packets, and every non-IP frame.
 * Missing key:	drop, unknown-device: a program without its table entry.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ENDPOINTS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct endpoint_val);
} bn_endpoints SEC(".maps");

/*
 * bn_addrs: the endpoint that owns an address.
 *
 * Written by:	control, at attach and detach.
 * Read by:	the slow path.
 * Missing key:	the address is not an endpoint's.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ENDPOINTS_MAX *ENDPOINT_ADDRS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ipaddr);
	__type(value, struct endpoint_val);
} bn_addrs SEC(".maps");

/*
 * bn_networks: flags, gateways and masquerade addresses of a network.
 *
 * Written by:	control.
 * Read by:	the slow path.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NETWORKS_MAX);
	__type(key, __u32);
	__type(value, struct network_val);
} bn_networks SEC(".maps");

/*
 * bn_no_masq: destinations that a network's packets reach untranslated; value:
 * enum prefix_version.
 *
 * Written by:	control.
 * Read by:	the slow path, for networks with NETWORK_HAS_NO_MASQ.
 * Missing key:	masquerade as usual.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, NETWORKS_MAX *NETWORK_NO_MASQ_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct no_masq_key);
	__type(value, __u8);
} bn_no_masq SEC(".maps");

/*
 * bn_subnets: which addresses are ours; value: network id.
 *
 * Written by:	control.
 * Read by:	the slow path, and the guard on the uplink's egress.
 * Missing key:	not ours.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, NETWORKS_MAX *NETWORK_SUBNETS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct subnet_key);
	__type(value, __u32);
} bn_subnets SEC(".maps");

/*
 * bn_locals: the host's own addresses, on which "any" publishes answer.
 *
 * Written by:	control, and the agent when an address comes or goes.
 * Read by:	the slow path and the socket hooks.
 * Missing key:	not the host's.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LOCALS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ipaddr);
	__type(value, struct local_val);
} bn_locals SEC(".maps");

/*
 * bn_uplinks: devices that lead outside, the address that masquerade uses on
 * each, and the gateway. The first entry with ifindex 0 ends the list.
 *
 * Written by:	control, and the agent when one of them changes.
 * Read by:	the slow path and the uplink's egress.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, UPLINKS_MAX);
	__type(key, __u32);
	__type(value, struct uplink_val);
} bn_uplinks SEC(".maps");

/*
 * bn_publish: published ports, one entry for each host address, port and
 * protocol; the exact address goes before "any".
 *
 * Written by:	control.
 * Read by:	the slow path and the socket hooks.
 * Missing key:	not published.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PUBLISH_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct publish_key);
	__type(value, struct publish_val);
} bn_publish SEC(".maps");

/*
 * bn_pub_from: clients that a publish with PUBLISH_HAS_FROM admits; value: enum
 * prefix_version.
 *
 * Written by:	control.
 * Read by:	the slow path.
 * Missing key:	drop, publish-from.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, PUBLISH_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct publish_from_key);
	__type(value, __u8);
} bn_pub_from SEC(".maps");

/*
 * bn_pub_hits, bn_rule_hits: what ended flows and drops have counted.
 *
 * Written by:	the slow path and bn_gc, by atomic addition; control clears an
 *		id that it gives to a new object.
 * Read by:	user space, which adds the live flows.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PUBLISH_MAX);
	__type(key, __u32);
	__type(value, struct hits);
} bn_pub_hits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULES_MAX);
	__type(key, __u32);
	__type(value, struct hits);
} bn_rule_hits SEC(".maps");

/*
 * bn_policy: the compiled rules, see abi.h. Each policy is an array of its own,
 * as long as it has to be.
 *
 * Written by:	control: it fills an array that no program sees yet, and then
 *		puts it in the place of the old one by one store.
 * Read by:	stage_policy, which takes the array once and then reads a number
 *		of lines that has a bound (policy.h).
 * Missing key:	there are no rules.
 */
struct policy_lines {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* of the template; every policy has its own */
	__uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	/* Sizes: clang 14 leaves types out of an inner map's description. */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(union policy_line));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct policy_lines);
} bn_policy SEC(".maps");

/*
 * bn_policy_cidr: the prefixes that rules name, in a bank for each policy.
 *
 * Written by:	control: the new bank before the policy that names it is in
 *		force, the others are removed after that. There is room for two
 *		policies and for what processes that died may leave.
 * Read by:	stage_policy, for the sender's and the receiver's address.
 * Missing key:	no rule names a prefix that has the address.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, POLICY_CIDRS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct policy_cidr_key);
	__type(value, struct policy_cidr_val);
} bn_policy_cidr SEC(".maps");

/*
 * bn_reasons: how many packets ended under each reason.
 *
 * Written by:	finish, once for every packet.
 * Read by:	user space, which sums the CPUs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} bn_reasons SEC(".maps");

/*
 * bn_ep_stats: packets, bytes and drops of each endpoint; slot 0 takes the
 * drops of packets that belong to no endpoint.
 *
 * Written by:	finish; control clears the slot of a new endpoint.
 * Read by:	user space, which sums the CPUs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ENDPOINTS_MAX);
	__type(key, __u32);
	__type(value, struct endpoint_stats);
} bn_ep_stats SEC(".maps");

/*
 * bn_stats: flow and SNAT counters of the whole instance.
 *
 * Written by:	the slow path and bn_gc.
 * Read by:	user space, which sums the CPUs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_stats);
} bn_stats SEC(".maps");

/*
 * bn_peers: the published address that a host socket asked for.
 *
 * Written by:	bn_connect*, bn_sendmsg*.
 * Read by:	bn_getpeer*, bn_recvmsg*.
 * When full:	the longest unused entry goes; such a socket then sees the
 *		container's address as its peer, its traffic is not affected.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct peer_key);
	__type(value, struct peer_val);
} bn_peers SEC(".maps");

/*
 * bn_events: what rules with "log" have to tell.
 *
 * Written by:	the slow path, at most EVENTS_PER_TICK on each CPU.
 * Read by:	the agent.
 * When full:	the event is lost, and the next one says how many were.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENTS_BYTES);
} bn_events SEC(".maps");

/*
 * bn_frags: the ports of fragmented packets, which only the first fragment has.
 *
 * Written by:	the parser, at a first fragment.
 * Read by:	the parser, at every other one.
 * When full:	the longest unused entry goes, and the rest of that packet is
 *		dropped (fragment-unknown).
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FRAGMENTS_MAX);
	__type(key, struct fragment_key);
	__type(value, struct fragment_val);
} bn_frags SEC(".maps");

static __always_inline struct datapath_config *config_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&bn_config, &zero);
}

static __always_inline struct flow_stats *stats_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&bn_stats, &zero);
}

#endif
