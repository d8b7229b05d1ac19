/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* reasons - why a packet ended as it did: the one list of enum, label, help */
#ifndef BPFNET_REASONS_H
#define BPFNET_REASONS_H

/*
 * REASONS(X): X(NAME, "label", "what it means and what to do about it").
 *
 * Append only: the numbers index pinned counters and travel in flow entries.
 * REASON_OK means "go on with the next stage" and is never counted. The two
 * next ones let a packet live, all the others drop it (reason_is_drop).
 */
#define REASONS(X)                                                             \
	X(OK, "ok", "not decided yet")                                         \
	X(FORWARDED, "forwarded", "translated as needed and sent on its way")  \
	X(TO_STACK, "to-stack",                                                \
	  "left to the host's own network stack, unchanged")                   \
	X(POLICY_DENY, "policy-deny",                                          \
	  "a policy rule denies it: 'bpfnet policy list'")                     \
	X(POLICY_DEFAULT, "policy-default",                                    \
	  "no rule allows it and the default denies: 'bpfnet policy list'")    \
	X(SPOOFED_SOURCE, "spoofed-source",                                    \
	  "the source address or MAC does not belong to the sender")           \
	X(UNPUBLISHED, "unpublished",                                          \
	  "from outside to a container's own address: publish a port instead") \
	X(PUBLISH_FROM, "publish-from",                                        \
	  "the published port does not admit this client: its 'from' list")    \
	X(NO_ROUTE, "no-route",                                                \
	  "no route, or no endpoint has the address: 'ip route get ADDRESS'")  \
	X(NO_UPLINK, "no-uplink",                                              \
	  "the route leaves by a device that is not an uplink: "               \
	  "'bpfnet uplink add DEVICE'")                                        \
	X(SNAT_EXHAUSTED, "snat-exhausted",                                    \
	  "no free source port towards that destination")                      \
	X(FLOWS_FULL, "flows-full", "the flow table is full: raise flows.max") \
	X(FLOW_CONFLICT, "flow-conflict",                                      \
	  "another flow already uses the same addresses and ports")            \
	X(FRAGMENT_UNKNOWN, "fragment-unknown",                                \
	  "an IP fragment whose flow cannot be told")                          \
	X(MALFORMED, "malformed", "a truncated or impossible header")          \
	X(INTERNAL_NETWORK, "internal-network",                                \
	  "the network is internal: it has no way out")                        \
	X(UNTRANSLATED_EGRESS, "untranslated-egress",                          \
	  "would leave with a private source address: masquerade is off")      \
	X(PROTOCOL, "protocol",                                                \
	  "a protocol or ICMP type that is not translated")                    \
	X(ETHERTYPE, "ethertype",                                              \
	  "neither IP nor ARP, or VLAN tagged, from a container")              \
	X(UNKNOWN_DEVICE, "unknown-device",                                    \
	  "the device is not in bpfnet's tables: 'bpfnet apply' again")        \
	X(TTL, "ttl-exceeded", "the packet has passed too many routers")       \
	X(ICMP_UNRELATED, "icmp-unrelated",                                    \
	  "an ICMP error about no flow that is known")                         \
	X(POLICY_REJECT, "policy-reject",                                      \
	  "a policy rule rejects it and tells the sender: "                    \
	  "'bpfnet policy list'")                                              \
	X(FLOWS_QUOTA, "flows-quota",                                          \
	  "the endpoint has as many flows as it may: flows.per_endpoint")      \
	X(TOO_BIG, "too-big",                                                  \
	  "longer than the way out takes; its sender is told the MTU")         \
	X(EXTENSIONS, "extensions",                                            \
	  "IPv6 extension headers with no transport behind the first four")

#define REASON_ENUM(name, label, text) REASON_##name,
enum reason { REASONS(REASON_ENUM) REASON_COUNT };
#undef REASON_ENUM

#define REASON_FIRST_DROP REASON_POLICY_DENY

#endif
