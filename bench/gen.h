/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* gen - what gen.bpf.c and gen.c know in common */
#ifndef BENCH_GEN_H
#define BENCH_GEN_H

#include <linux/types.h>

/* 46 bytes of IP: the smallest Ethernet frame, 60 bytes without its FCS. */
#define GEN_IP_LEN 46
#define GEN_UDP_LEN (GEN_IP_LEN - 20)
#define GEN_FRAME_LEN (GEN_IP_LEN + 14)

/* Slots of bn_gen_counts. */
enum {
	GEN_RECEIVED,
	GEN_WRONG,
	GEN_REPLIES,
	GEN_COUNTERS,
};

/*
 * The flows: flow number f has source port sport + f % ports and, counted up
 * from the given one, address number f / ports (the source's, or the
 * destination's if vary_daddr). Numbers are in host order; the sums are the
 * constant parts of the checksums.
 */
struct gen_flows {
	__u32 count;
	__u32 ports;
	__u32 saddr;
	__u32 daddr;
	__u32 ip_sum;
	__u32 udp_sum;
	__u32 ifindex;
	__u16 sport;
	__u16 dport;
	__u16 dmac[3];
	__u16 smac[3];
	__u8 vary_daddr;
	__u8 pad[3];
};

/* What the sink expects; addresses in wire order, 0 for any. */
struct gen_expect {
	__be32 saddr;
	__be32 daddr;
	__u16 dport;
	__u16 pad;
};

struct gen_floor {
	__u32 ifindex;
	__u16 dport;
	__u16 dmac[3];
	__u16 smac[3];
	__u8 to_peer;
	__u8 pad;
};

#endif
