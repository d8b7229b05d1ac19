/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* limits - every bound of bpfnet, each with its unit in the name */
#ifndef BPFNET_LIMITS_H
#define BPFNET_LIMITS_H

/* Object names as users type them: [A-Za-z0-9][A-Za-z0-9_.-]*. */
#define NAME_LEN_MAX 63

/* Tables. Endpoints, networks and rules are slots of arrays: slot 0 of each
 * means "none", so usable numbers run from 1 to MAX - 1. */
#define ENDPOINTS_MAX 4096
#define ENDPOINT_ADDRS_MAX 8
#define NETWORKS_MAX 1024
#define NETWORK_SUBNETS_MAX 8
#define NETWORK_NO_MASQ_MAX 16 /* prefixes */
#define UPLINKS_MAX 16
#define UPLINK_ADDRS_MAX 8
#define LOCALS_MAX 4096
#define PUBLISH_MAX 65536
#define PUBLISH_FROM_MAX 16
/* Fragmented IP packets on their way, of which the first fragment was seen. */
#define FRAGMENTS_MAX 16384
/* As long as a receiver waits for the missing ones (RFC 791: at least 15 s). */
#define FRAGMENT_TICKS 30
#define RULES_MAX 10240 /* a multiple of 64: see bn_policy */
#define RULE_PORTS_MAX 16
#define REASONS_MAX 32 /* room for those that later versions append */
#define ANSWERS_PER_TICK 1000 /* resets and ICMP errors of ours, per CPU */
#define EVENTS_PER_TICK 100 /* lines that rules log, per CPU */
#define EVENTS_BYTES 131072 /* on their way to the agent; a power of two */
#define POLICY_CIDRS_MAX 81920 /* four times what rules can name */
#define POLICY_LINES_MAX 2097152 /* of a compiled policy: 64 MiB */

/* Flows: one flow takes two entries, one for each direction. */
#define FLOWS_MAX_DEFAULT 262144
#define FLOWS_PER_ENDPOINT_DEFAULT 65536
/* Flows that have not proven themselves (bn_embryos): a share of flows.max, and
 * not less than an LRU table needs to be one. */
#define EMBRYOS_SHARE 4
#define EMBRYOS_MIN 2048
/* A stream that nobody answers moves to the flow table with this packet. */
#define EMBRYO_PACKETS_MAX 8

/* Time-outs in seconds; RFC 5382 REQ-5, RFC 4787 REQ-5, RFC 5508 REQ-2. */
#define FLOW_TCP_ESTABLISHED_SECONDS 8000
#define FLOW_TCP_HALF_OPEN_SECONDS 60
#define FLOW_TCP_CLOSING_SECONDS 30
#define FLOW_TCP_RESET_SECONDS 10
#define FLOW_UDP_SECONDS 30
#define FLOW_UDP_STREAM_SECONDS 300
#define FLOW_ICMP_SECONDS 60
#define FLOW_OTHER_SECONDS 600

/* One clock for last-seen and expiry: CLOCK_MONOTONIC_COARSE >> this. One tick
 * is 1.07 s; a shift spares the program a division per packet. */
#define FLOW_TICK_SHIFT 30

/* The agent writes its heartbeat every tick; cached next hops are trusted for
 * this long after the last one. */
#define HEARTBEAT_SECONDS 3
#define HEARTBEAT_STALE_TICKS 10

/* SNAT: ports tried for one new flow before it is dropped (snat-exhausted). */
#define SNAT_PROBES_MAX 256
#define SNAT_RETRY_BUCKETS 10 /* 0, 1, 2-3, 4-7 ... 128-255, failed */
#define SNAT_PORT_MIN 1024

#endif
