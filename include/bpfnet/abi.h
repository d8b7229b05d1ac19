/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* abi - the structures in BPF maps, shared by the programs and user space */
#ifndef BPFNET_ABI_H
#define BPFNET_ABI_H

#include <linux/types.h>

#include "limits.h"
#include "reasons.h"

/*
 * Keys compare as bytes, so all padding is a named field and always zero.
 * __be16/__be32 are wire order, everything else host order. A changed layout,
 * of gc_args too, or another meaning of what is in it bumps BN_ABI_VERSION: the
 * programs of two builds with the same version take each other's place while
 * packets pass, and go on with the same maps. A number that a new version only
 * appends (a reason, a flag) changes no layout.
 */
#define BN_ABI_MAGIC 0x62706e31u /* "bpn1" */
#define BN_ABI_VERSION 5

/* An IPv6 address; IPv4 is mapped (::ffff:a.b.c.d, RFC 4291 2.5.5.2). */
struct ipaddr {
	__be32 word[4];
};

struct flow_key {
	struct ipaddr src;
	struct ipaddr dst;
	__be16 sport; /* ICMP echo: identifier in a request, else 0 */
	__be16 dport; /* ICMP echo: identifier in a reply, else 0 */
	__u8 proto;
	__u8 no_echo; /* 1: ICMP that is no echo, apart from an echo of id 0 */
	__u8 pad[2];
};

/* What a flow's packets do once they are translated. */
enum flow_action {
	FLOW_STACK, /* to the host's stack, as it is after translation */
	FLOW_PEER, /* into the container behind out_ifindex */
	FLOW_OUT, /* out of the uplink out_ifindex */
};

enum flow_flags {
	FLOW_NAT_SRC = 1 << 0, /* source address and port are rewritten */
	FLOW_NAT_DST = 1 << 1, /* destination address and port are rewritten */
	FLOW_ROUTED = 1 << 2, /* passes a router: TTL goes down by one */
	FLOW_REPLY = 1 << 3, /* this entry is the responder's direction */
	FLOW_DENIED = 1 << 4, /* re-decided to drop, see struct flow.reason */
	FLOW_EMBRYO =
		1 << 5, /* in bn_embryos: its packets are in hits already */
	FLOW_HELD = 1 << 6, /* a reply half alone: only its port is kept */
};

/* TCP flags this direction has shown, and whether it showed any packet. */
enum flow_seen {
	FLOW_SEEN = 1 << 0,
	FLOW_SEEN_SYN = 1 << 1,
	FLOW_SEEN_FIN = 1 << 2,
	FLOW_SEEN_RST = 1 << 3,
	FLOW_SEEN_ACK =
		1 << 4, /* an ACK that is no SYN-ACK: the handshake is over */
};

/*
 * One direction of a flow. The key is the tuple as it arrives; to_* is the
 * tuple as it leaves, whose reverse is the key of the other direction.
 *
 * In the hash table the value starts at byte 88 of a 192-byte element: what
 * the fast path touches first fills the rest of that cache line (40 bytes).
 */
struct flow {
	__u32 generation; /* of the decision; older: decide again */
	union {
		/* FLOW_OUT: of the way out; older: look up again */
		__u32 route_generation;
		/* FLOW_PEER, the client is outside: the uplink's device that
		 * his first packet came in by */
		__u32 came_in_by;
	};
	__u32 last_seen; /* ticks, see FLOW_TICK_SHIFT */
	__u32 out_ifindex;
	__u32 in_ifindex; /* endpoint's device; 0: any uplink or the stack */
	__u8 action; /* enum flow_action */
	__u8 flags; /* enum flow_flags */
	__u8 seen; /* enum flow_seen */
	__u8 reason; /* enum reason, when FLOW_DENIED */
	__u8 dmac[6];
	__u8 smac[6];
	__u16 in_slot; /* endpoint that sends, 0: not an endpoint */
	__u16 out_slot; /* endpoint that receives, 0: not an endpoint */

	__u64 packets;
	__u64 bytes;
	struct ipaddr to_src;
	struct ipaddr to_dst;
	__be16 to_sport;
	__be16 to_dport;
	__u16 publish; /* id, 0: none */
	__u16 mtu; /* of the way out, 0: any; what is longer goes to the stack */
	__u32 rule; /* id, 0: a default decided */
	__u32 created; /* ticks */
};

/* bn_embryos (LRU, key: struct flow_key): one direction of a flow that has not
 * proven itself. Each entry has both halves, because the table forgets them one
 * by one: the one that stays writes the other anew. */
struct embryo {
	struct flow mine; /* of this key */
	struct flow other; /* of its pair, as it was when the flow began */
};

/* bn_ep_flows (array, index: endpoint slot; 0: all): flows in bn_flows. */

/* bn_endpoints (key: __u32 ifindex of the host end), bn_addrs (key: ipaddr). */
struct endpoint_val {
	__u32 ifindex; /* host end of the veth */
	__u32 bridge_ifindex; /* where the stack meets it; p2p: the host end */
	__u16 slot;
	__u16 network;
	__u8 mac[6]; /* the container's */
	__u8 gateway_mac[6]; /* the bridge's; p2p: the host end's */
	__u8 pad[2];
};

enum network_flags {
	NETWORK_INTERNAL = 1 << 0,
	NETWORK_NO_ICC = 1 << 1,
	NETWORK_NO_MASQUERADE = 1 << 2,
	NETWORK_ROUTED = 1 << 3, /* its addresses are known outside */
	NETWORK_HAS_NO_MASQ = 1 << 4, /* bn_no_masq has prefixes of it */
};

/* bn_networks (array, index: network id). */
struct network_val {
	__u32 flags;
	__u32 bridge_ifindex; /* 0: none */
	struct ipaddr gateway4; /* zero: the network has no IPv4 subnet */
	struct ipaddr gateway6;
	struct ipaddr snat4; /* masquerade address; zero: the uplink's */
	struct ipaddr snat6;
};

/* Values of bn_no_masq and bn_pub_from: the IP version of the prefix. IPv4 being
 * mapped, it lies inside "::/0", which nevertheless says nothing about it. */
enum prefix_version { PREFIX_V4 = 4, PREFIX_V6 = 6 };

/* bn_no_masq (LPM): destinations that see a network's own addresses.
 * prefix_bits counts from the start of network: the prefix length of the
 * address + 32. */
struct no_masq_key {
	__u32 prefix_bits;
	__u32 network;
	struct ipaddr addr;
};

/* bn_subnets (LPM) key; value: __u32 network id. prefix_bits counts from the
 * start of addr, so IPv4 prefixes are their length + 96. */
struct subnet_key {
	__u32 prefix_bits;
	struct ipaddr addr;
};

/* bn_locals (key: ipaddr): the host's own addresses, loopback left out. */
struct local_val {
	__u32 ifindex;
};

/* bn_uplinks (array of UPLINKS_MAX); the first entry with ifindex 0 ends it. */
struct uplink_val {
	__u32 ifindex;
	__u32 pad;
	struct ipaddr snat4; /* masquerade address; zero: none */
	struct ipaddr snat6;
	struct ipaddr gateway4; /* of its default route; zero: none */
	struct ipaddr gateway6;
};

/* bn_publish: the exact host address first, then "any" (the unspecified
 * address of the family: ::ffff:0.0.0.0 or ::). The backend of a routed network
 * is in it under its own address as well. */
struct publish_key {
	struct ipaddr host;
	__be16 port;
	__u8 proto;
	__u8 pad;
};

enum publish_flags {
	PUBLISH_HAS_FROM = 1 << 0, /* only clients in bn_pub_from */
};

struct publish_val {
	struct ipaddr backend;
	__be16 backend_port;
	__u16 slot; /* endpoint */
	__u32 id;
	__u32 flags;
};

/* bn_pub_from (LPM): clients a published port admits. prefix_bits counts from
 * the start of publish: the prefix length of the address + 32. */
struct publish_from_key {
	__u32 prefix_bits;
	__u32 publish;
	struct ipaddr addr;
};

/* What a rule does. A default is one of the first two. */
enum rule_action {
	RULE_DENY,
	RULE_ALLOW,
	RULE_REJECT, /* deny, and tell the sender */
};

/*
 * bn_policy: the rules, compiled. Each rule is a bit of a vector, the first
 * rule the lowest one. Three questions are asked about a flow: who sends, who
 * receives, which service. Each of them is answered by a few sets of rules, of
 * which the union holds the rules that do not object; the lowest bit that all
 * three unions have is the rule that decides.
 *
 * The policy is an array of lines. Line 0 is the head, and a reference is the
 * number of a set's line, 0 for the empty set. Tables of references start at
 * the lines that the head names and go on in the next ones.
 */
#define POLICY_WORDS (RULES_MAX / 64)
#define POLICY_GROUPS ((POLICY_WORDS + 63) / 64)
#define POLICY_REFS 8 /* in a line */

/* Index in the tables from and to. */
enum policy_party {
	PARTY_WORLD,
	PARTY_HOST,
	PARTY_NETWORK, /* plus its id: of every endpoint in it */
	PARTY_ENDPOINT = PARTY_NETWORK + NETWORKS_MAX, /* plus its slot */
	PARTY_COUNT = PARTY_ENDPOINT + ENDPOINTS_MAX,
};

/* Protocols with a table of ports: index in the table blocks, in steps of 256,
 * to which the port's high byte is added. */
enum policy_ports {
	PORTS_TCP,
	PORTS_UDP,
	PORTS_COUNT,
};

struct policy_head {
	__u32 from; /* table by party */
	__u32 to; /* table by party */
	__u32 protos; /* table by protocol: the rules that name no port */
	__u32 blocks; /* table by port: line where 256 references start */
	__u32 verdicts; /* table of struct policy_verdict by rule */
	__u32 rules; /* how many */
	__u32 cidrs; /* how many in bn_policy_cidr; 0: do not look */
	__u32 bank; /* of those */
};

/* A set keeps only the words that are not zero, one after the other. */
struct policy_set {
	__u64 groups[POLICY_GROUPS]; /* bit: that word is not zero */
	__u32 words; /* index of the first one, in words from line 0 */
	__u8 rank[POLICY_GROUPS]; /* words kept of the groups before */
	__u8 pad;
};

enum verdict_flags {
	VERDICT_LOG = 1 << 0,
};

struct policy_verdict {
	__u32 id; /* of the rule's counters */
	__u8 action; /* enum rule_action */
	__u8 flags; /* enum verdict_flags */
	__u8 pad[2];
};

#define POLICY_VERDICTS 4 /* in a line */

union policy_line {
	struct policy_head head;
	struct policy_set set;
	__u64 words[4];
	__u32 refs[POLICY_REFS];
	struct policy_verdict verdicts[POLICY_VERDICTS];
};

/* bn_policy_cidr (LPM): what the prefixes of rules say about an address. Each
 * policy has a bank of its own. prefix_bits counts from the start of bank: the
 * prefix length of the address + 32. */
struct policy_cidr_key {
	__u32 prefix_bits;
	__u32 bank;
	struct ipaddr addr;
};

struct policy_cidr_val {
	__u32 from; /* reference to a set, as the sender */
	__u32 to; /* as the receiver */
};

/* bn_frags (LRU): the ports of an IP packet's first fragment, for the others. */
struct fragment_key {
	struct ipaddr src;
	struct ipaddr dst;
	__be32 id;
	__u32 ifindex; /* where the fragments arrive */
	__u8 proto;
	__u8 pad[3];
};

struct fragment_val {
	__be16 sport; /* these three as in struct flow_key */
	__be16 dport;
	__u8 no_echo;
	__u8 translatable; /* these two as in struct pkt */
	__u8 echo_reply;
	__u8 pad;
	__u32 seen; /* ticks, when the first fragment came */
};

/* bn_rule_hits, bn_pub_hits (arrays, index: id). Packets that met the decision
 * directly plus what expired flows had counted; live flows come on top. A flow
 * that came from another rule brings along what that one has counted, which is
 * taken off here in advance: the numbers may be negative, their sums are not. */
struct hits {
	__u64 packets;
	__u64 bytes;
	__u64 flows;
};

/* bn_ep_stats (per-CPU array, index: endpoint slot; 0: no endpoint). rx and tx
 * are the container's view. */
struct endpoint_stats {
	__u64 rx_packets;
	__u64 rx_bytes;
	__u64 tx_packets;
	__u64 tx_bytes;
	__u64 reasons[REASONS_MAX];
};

/* bn_stats (per-CPU array, one entry). */
struct flow_stats {
	__u64 created;
	__u64 expired;
	__u64 full;
	__u64 snat_allocated;
	__u64 snat_failed;
	__u64 snat_retries[SNAT_RETRY_BUCKETS];
};

/* bn_config (mmap-able array, one entry). Only user space writes it; the
 * generations and the heartbeat change by single atomic stores. Magic, version
 * and cookie are in the same place in every version. */
struct datapath_config {
	__u32 magic;
	__u32 abi;
	__u32 generation;
	__u32 route_generation;
	__u32 heartbeat; /* tick of the agent's last sign of life, 0: never */
	__u32 policy_bank; /* the last one given to a policy */
	__u8 intra; /* enum rule_action, inside a network */
	__u8 inter; /* enum rule_action, between networks */
	__u16 snat_port_min; /* host order, inclusive */
	__u16 snat_port_max; /* host order, inclusive */
	__u16 pad;
	__u64 policy_hash; /* of the policy in force, 0: not known */
	__u64 netns_cookie; /* of the host's network namespace */
	__u64 snat_secret; /* keys the choice of the first port */
	__u32 tcp_established; /* time-outs, in ticks */
	__u32 tcp_half_open;
	__u32 tcp_closing;
	__u32 tcp_reset;
	__u32 udp;
	__u32 udp_stream;
	__u32 icmp;
	__u32 other;
	__u32 flows_max; /* in bn_flows, all and of one endpoint */
	__u32 flows_per_endpoint;
};

/* bn_peers (LRU): what a host socket asked for, to show it again in
 * getpeername and recvfrom. */
struct peer_key {
	__u64 cookie;
	struct ipaddr backend;
	__be16 port;
	__u8 proto;
	__u8 pad[5];
};

struct peer_val {
	struct ipaddr service;
	__be16 port;
	__u8 pad[2];
};

/* bn_events (ring buffer): a packet that a rule with "log" has decided. */
struct event {
	struct flow_key key; /* from the client to the backend */
	__u32 rule; /* id */
	__u32 lost; /* events of this CPU since its last one: too many, or the
		     * buffer was full */
	__u8 action; /* enum rule_action */
	__u8 pad[7];
};

/* Context of the bn_gc program (BPF_PROG_TYPE_SYSCALL): in, then out. */
struct gc_args {
	/* Also end every flow of this endpoint; 0: none. The public ports of
	 * its connections that are over are held as long as if it lived. */
	__u32 slot;
	__u32 all; /* end every flow */
	__u64 scanned; /* entries visited */
	__u64 expired; /* flows removed */
	__u64 established; /* flows alive, both directions seen */
	__u64 embryonic; /* flows alive, one direction seen */
};

/* Context of the bn_flow_del program, of the same type. */
struct flow_del_args {
	struct flow_key key; /* in: of the forward half */
	__u64 ended; /* out: 1, or 0 when there is no such flow */
};

_Static_assert(sizeof(struct ipaddr) == 16, "ipaddr");
_Static_assert(sizeof(struct flow_key) == 40, "flow_key");
_Static_assert(sizeof(struct flow) == 104, "flow");
_Static_assert(__builtin_offsetof(struct flow, packets) == 40, "flow hot part");
_Static_assert(__builtin_offsetof(struct flow, smac) ==
		       __builtin_offsetof(struct flow, dmac) + 6,
	       "flow MACs");
_Static_assert(sizeof(struct embryo) == 208, "embryo");
_Static_assert(sizeof(struct endpoint_val) == 28, "endpoint");
_Static_assert(sizeof(struct network_val) == 72, "network");
_Static_assert(sizeof(struct subnet_key) == 20, "subnet_key");
_Static_assert(sizeof(struct uplink_val) == 72, "uplink");
_Static_assert(sizeof(struct publish_key) == 20, "publish_key");
_Static_assert(sizeof(struct publish_val) == 28, "publish");
_Static_assert(sizeof(struct publish_from_key) == 24, "publish_from_key");
_Static_assert(sizeof(struct no_masq_key) == 24, "no_masq_key");
_Static_assert(sizeof(union policy_line) == 32, "policy_line");
_Static_assert(sizeof(struct policy_set) == 32, "policy_set");
_Static_assert(POLICY_GROUPS == 3, "policy_set.groups");
_Static_assert(sizeof(struct policy_cidr_key) == 24, "policy_cidr_key");
_Static_assert(sizeof(struct datapath_config) == 96, "config");
_Static_assert(__builtin_offsetof(struct datapath_config, magic) == 0 &&
		       __builtin_offsetof(struct datapath_config, abi) == 4 &&
		       __builtin_offsetof(struct datapath_config,
					  netns_cookie) == 40,
	       "what every version knows of another one's config");
_Static_assert(sizeof(struct fragment_key) == 44, "fragment_key");
_Static_assert(sizeof(struct fragment_val) == 12, "fragment_val");
_Static_assert(sizeof(struct event) == 56, "event");
_Static_assert(sizeof(struct peer_key) == 32, "peer_key");
_Static_assert(sizeof(struct peer_val) == 20, "peer");
_Static_assert(REASON_COUNT <= REASONS_MAX, "bn_reasons");

#endif
