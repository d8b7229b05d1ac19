/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* gen - packets made, counted, reflected and (the floor) merely forwarded */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "gen.h"

/* The frame's headers. Packed: eth is 14 bytes, so ip is not aligned. */
struct headers {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

/* Set before loading. The addresses are in host order, to be counted up. */
const volatile struct gen_flows cfg_flows;
const volatile struct gen_expect cfg_expect;
const volatile struct gen_floor cfg_floor;

/* Where the walk over the flows stands: one CPU runs the generator. */
__u32 next_flow;
__u32 next_port;
__u32 next_addr;
__u64 sent;

/* Written by user space while the sink is attached. */
volatile __u32 sink_reflects;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, GEN_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} bn_gen_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bn_gen_target SEC(".maps");

static __always_inline void count(__u32 slot)
{
	__u64 *value = bpf_map_lookup_elem(&bn_gen_counts, &slot);

	if (value)
		(*value)++;
}

/* Volatile to the last: through a plain pointer the zeros would be folded in. */
static __always_inline void copy_mac(void *to, const volatile __u16 *from)
{
	__u16 *mac = to;

	mac[0] = from[0];
	mac[1] = from[1];
	mac[2] = from[2];
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __always_inline void next(void)
{
	if (++next_flow >= cfg_flows.count) {
		next_flow = 0;
		next_port = 0;
		next_addr = 0;
	} else if (++next_port >= cfg_flows.ports) {
		next_port = 0;
		next_addr++;
	}
}

/*
 * Writes every byte of the headers each time: the pages are recycled, and the
 * last traversal left its translation in them. Both checksums are valid, so
 * that every path has to update them.
 */
static __always_inline void headers_write(struct headers *head)
{
	__u32 saddr = cfg_flows.saddr, daddr = cfg_flows.daddr;
	__u16 sport = cfg_flows.sport + next_port;
	__u32 addrs;

	if (cfg_flows.vary_daddr)
		daddr += next_addr;
	else
		saddr += next_addr;
	addrs = (saddr >> 16) + (saddr & 0xffff) + (daddr >> 16) +
		(daddr & 0xffff);
	next();
	sent++;

	copy_mac(head->eth.h_dest, cfg_flows.dmac);
	copy_mac(head->eth.h_source, cfg_flows.smac);
	head->eth.h_proto = bpf_htons(ETH_P_IP);
	head->ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(GEN_IP_LEN),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.check = bpf_htons(~fold(cfg_flows.ip_sum + addrs)),
		.saddr = bpf_htonl(saddr),
		.daddr = bpf_htonl(daddr),
	};
	head->udp = (struct udphdr){
		.source = bpf_htons(sport),
		.dest = bpf_htons(cfg_flows.dport),
		.len = bpf_htons(GEN_UDP_LEN),
		.check = bpf_htons(~fold(cfg_flows.udp_sum + addrs + sport)),
	};
	/* Zero means "no checksum" (RFC 768). */
	if (!head->udp.check)
		head->udp.check = 0xffff;
}

SEC("xdp")
int bn_gen(struct xdp_md *ctx)
{
	struct headers *head = (void *)(long)ctx->data;

	if ((void *)(head + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	headers_write(head);
	return bpf_redirect(cfg_flows.ifindex, 0);
}

/*
 * What one program costs: the test run repeats on one buffer, so the packet is
 * written anew before each call of the program under test. The same with
 * bn_gen_empty in its place is what is subtracted.
 */
SEC("tc")
int bn_gen_cost(struct __sk_buff *skb)
{
	struct headers *head = (void *)(long)skb->data;

	if ((void *)(head + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	headers_write(head);
	bpf_tail_call(skb, &bn_gen_target, 0);
	return TC_ACT_SHOT;
}

SEC("tc")
int bn_gen_empty(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_OK;
}

static __always_inline struct headers *udp_headers(struct __sk_buff *skb)
{
	struct headers *head = (void *)(long)skb->data;

	if ((void *)(head + 1) > (void *)(long)skb->data_end)
		return NULL;
	if (head->eth.h_proto != bpf_htons(ETH_P_IP) || head->ip.ihl != 5 ||
	    head->ip.protocol != IPPROTO_UDP)
		return NULL;
	return head;
}

/* Sends the packet back where it came from, as an answer. */
static __always_inline int reflect(struct __sk_buff *skb, struct headers *head)
{
	struct headers was = *head;

	__builtin_memcpy(head->eth.h_dest, was.eth.h_source, ETH_ALEN);
	__builtin_memcpy(head->eth.h_source, was.eth.h_dest, ETH_ALEN);
	head->ip.saddr = was.ip.daddr;
	head->ip.daddr = was.ip.saddr;
	head->udp.source = was.udp.dest;
	head->udp.dest = was.udp.source;
	return bpf_redirect(skb->ifindex, 0);
}

/*
 * The far end, tc ingress: counts what arrived for the measured port and drops
 * it, or answers it while the flows are being established. A packet that the
 * container would not take, or whose addresses are not those that the path
 * should have written, is counted apart: a path that forgets something must
 * not look fast.
 */
SEC("tc")
int bn_gen_sink(struct __sk_buff *skb)
{
	struct headers *head = udp_headers(skb);

	if (!head || head->udp.dest != bpf_htons(cfg_expect.dport))
		return TC_ACT_OK;
	if (skb->pkt_type != PACKET_HOST ||
	    (cfg_expect.saddr && head->ip.saddr != cfg_expect.saddr) ||
	    (cfg_expect.daddr && head->ip.daddr != cfg_expect.daddr)) {
		count(GEN_WRONG);
		return TC_ACT_SHOT;
	}
	count(GEN_RECEIVED);
	if (sink_reflects)
		return reflect(skb, head);
	return TC_ACT_SHOT;
}

/*
 * The near end, tc ingress: takes the answers, which no socket waits for. They
 * count only as coming from the port that the generator sent to.
 */
SEC("tc")
int bn_gen_near(struct __sk_buff *skb)
{
	struct headers *head = udp_headers(skb);

	if (!head || head->udp.source != bpf_htons(cfg_flows.dport))
		return TC_ACT_OK;
	count(GEN_REPLIES);
	return TC_ACT_SHOT;
}

/*
 * The floor, tc ingress: what the cheapest imaginable program costs. No lookup,
 * no translation, only the MAC addresses and the way out.
 */
SEC("tc")
int bn_gen_floor(struct __sk_buff *skb)
{
	struct headers *head = udp_headers(skb);

	if (!head || head->udp.dest != bpf_htons(cfg_floor.dport))
		return TC_ACT_OK;
	copy_mac(head->eth.h_dest, cfg_floor.dmac);
	copy_mac(head->eth.h_source, cfg_floor.smac);
	if (cfg_floor.to_peer)
		return bpf_redirect_peer(cfg_floor.ifindex, 0);
	return bpf_redirect(cfg_floor.ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
