/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* dp - the real programs, run on frames made by hand */
#ifndef BPFNET_TEST_DP_H
#define BPFNET_TEST_DP_H

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>

#include <cmocka.h>

#include "control/compile.h"
#include "datapath/datapath.h"
#include "lib/ip.h"

/*
 * Where everything runs; devices are named after what stands at their end:
 *
 *	server, client			      front      web   slot 1
 *	    ...		 router --- up  [host]  ---+---  mate  slot 2
 *						 back
 *			  (lan) --- lan	       ---+---  db    slot 3
 *
 * front and back are bridges and networks 1 and 2. "lan" is no uplink. All of
 * it, the pins too, lives in namespaces that end with the process.
 */
enum node {
	NODE_NONE,
	WEB,
	MATE,
	DB,
	FRONT,
	BACK,
	UP,
	LAN,
	DEVICES, /* the rest is known by its MAC only */
	ROUTER,
	STRANGER,
	EVERYBODY,
};

#define SLOT_WEB 1
#define SLOT_MATE 2
#define SLOT_DB 3
#define NETWORK_FRONT 1
#define NETWORK_BACK 2

/* Flows that fit into the table, unless dp_main_sized says otherwise. */
#define DP_FLOWS_MAX 512
#define DP_PORT_MIN 1024
#define DP_PORT_MAX 32767

/* One address for each role, in one family. */
struct addresses {
	const char *web, *mate, *db;
	const char *front, *back; /* gateways */
	const char *host; /* on up, the masquerade address */
	const char *server, *server2; /* on the internet */
	const char *client;
	const char *nobody; /* in front's subnet */
	const char *lan; /* by a device that is no uplink */
	const char *lan_host; /* on it, masquerade address of dp_uplink_lan */
	const char *unreachable;
	const char *any;
	__u8 icmp; /* protocol */
};

extern const struct addresses addresses_v4, addresses_v6;

/* -------------------------------------------------------------- frames */

#define FRAME_MAX 1514

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

/* A frame by what its fields say; equal descriptions give equal bytes. The
 * checksums are computed from the whole content by plain code. */
struct frame {
	enum node smac, dmac; /* NODE_NONE: as usual where it arrives */
	const char *src, *dst;
	__u8 proto, ttl;
	__u16 sport, dport; /* ICMP echo: sport is the identifier */
	__u8 tcp_flags, icmp_type, icmp_code;
	bool no_checksum; /* UDP */
	__u16 fragment; /* IPv4 fragment field, host order */
	/* IPv4: 32-bit words of options. IPv6: a hop-by-hop header of as many
	 * eight bytes. */
	__u8 options;
	__u16 payload; /* bytes */
	__u16 salt; /* in the payload's first two bytes */
	/* A fragment: cut_len bytes of the transport header and what follows
	 * it, from the byte cut_at on. 0: all of it, no fragment. */
	__u16 cut_at, cut_len;
	__u16 ip_id; /* 0: some */
	/* An ICMP error about this packet, of which it repeats quote_len bytes
	 * (0: all). dport is the MTU it tells. */
	const struct frame *quote;
	__u16 quote_len;
};

struct frame frame_tcp(const char *src, __u16 sport, const char *dst,
		       __u16 dport); /* a SYN */
struct frame frame_udp(const char *src, __u16 sport, const char *dst,
		       __u16 dport);
struct frame frame_echo(const char *src, const char *dst, __u16 id);
/* src tells whoever sent *quote about an error; *quote has to live on. */
enum icmp_error { UNREACHABLE, TIME_EXCEEDED, TOO_BIG, PARAMETER, ERRORS };
struct frame frame_error(const char *src, enum icmp_error error,
			 const struct frame *quote);
/* The len bytes from at on, see struct frame. */
struct frame frame_cut(struct frame frame, __u16 at, __u16 len);

/* The same frame with other TCP flags; from or to somebody else; as the answer
 * to itself (SYN: SYN-ACK, echo request: reply, TTL 64 again). */
struct frame frame_flags(struct frame frame, __u8 tcp_flags);
struct frame frame_from(struct frame frame, const char *src, __u16 sport);
struct frame frame_to(struct frame frame, const char *dst, __u16 dport);
struct frame frame_reply(struct frame frame);

/* As it leaves: routed to the router, routed by the container's bridge into
 * it, switched from one container to another. */
struct frame frame_out(struct frame frame);
struct frame frame_into(struct frame frame, enum node node);
struct frame frame_switched(struct frame frame, enum node from, enum node to);

size_t frame_build(const struct frame *frame, __u8 *bytes);
/* Length of the IP header, with what stands between it and the transport. */
size_t frame_l3_len(const struct frame *frame);
/* As a stack leaves TCP and UDP to the device: the checksum field, at offset
 * from start, holds the sum of the pseudo header only. */
struct partial {
	__u16 start, offset;
};
size_t frame_build_partial(const struct frame *frame, __u8 *bytes,
			   struct partial *ret_partial);
/* The key of the flow entry that this frame meets. */
struct flow_key frame_key(const struct frame *frame);
const __u8 *node_mac(enum node node);
struct ipaddr ip_of(const char *text);

/* ------------------------------------------------------------- harness */

struct dp {
	struct datapath *datapath;
	struct datapath_config *config;
	__u32 flows_max; /* as the tables were loaded */
	struct addresses ip; /* of the family that the test runs with */
	int programs[4];
	int ifindex[DEVICES];
	bool lan_is_uplink; /* the test has made it one */
	int outside; /* namespace of the containers and the router */
	int sockets[DEVICES]; /* there, see dp_live_open */
	struct flow_stats stats_before;
	__u32 published; /* the last publish's id */

	/* What the last run was given and what it did. */
	__u8 in[FRAME_MAX], out[FRAME_MAX];
	size_t in_len, out_len;
	int verdict; /* TC_ACT_* */
	__u32 mark; /* the frame's, before and after */
	enum reason why; /* the one that was counted; REASON_OK: none */
	int packet_type; /* PACKET_*, of the last dp_live_receive */
	struct err err;
};

/* A frame that comes in by a device (from a container, from the uplink) or
 * that the stack sends out by it. Fails the test when more than one reason is
 * counted, or one more than once. */
void dp_ingress(struct dp *dp, enum node device, struct frame frame);
void dp_egress(struct dp *dp, enum node device, struct frame frame);
/* From a container: a TCP or UDP packet that the device cuts into segments of
 * size bytes of payload. */
void dp_ingress_gso(struct dp *dp, enum node device, struct frame frame,
		    __u16 size);
/* The stack forwards a frame that came in by another device. */
void dp_forward(struct dp *dp, enum node from, enum node device,
		struct frame frame);
/* The last frame, from the same container, so many times more: for frames that
 * come out unchanged. */
void dp_ingress_again(struct dp *dp, enum node device, unsigned int times);
/* The first len bytes of any content. */
void dp_ingress_bytes(struct dp *dp, enum node device, const __u8 *bytes,
		      size_t len);
void dp_egress_bytes(struct dp *dp, enum node device, const __u8 *bytes,
		     size_t len);

/* What the last run did. sent: redirected, and the frame is exactly want.
 * stack: forwarded, but by the stack. passed: given on unchanged, counted as why
 * (REASON_OK: not counted). */
#define dp_expect_sent(dp, want) dp_check_sent(dp, want, __FILE__, __LINE__)
#define dp_expect_dropped(dp, reason) \
	dp_check_dropped(dp, reason, __FILE__, __LINE__)
#define dp_expect_stack(dp, want) dp_check_stack(dp, want, __FILE__, __LINE__)
#define dp_expect_passed(dp, reason) \
	dp_check_passed(dp, reason, __FILE__, __LINE__)
void dp_check_sent(struct dp *dp, struct frame want, const char *file,
		   int line);
void dp_check_stack(struct dp *dp, struct frame want, const char *file,
		    int line);
void dp_check_dropped(struct dp *dp, enum reason want, const char *file,
		      int line);
void dp_check_passed(struct dp *dp, enum reason want, const char *file,
		     int line);

/* The source port (echo: identifier) of the frame that went out. */
__u16 dp_out_port(const struct dp *dp);

/* ------------------------------------------------- tables and counters */

/* The flow entry that this frame meets: look, change, change its age. */
bool dp_flow(struct dp *dp, struct frame frame, struct flow *ret);
bool dp_flow_is_embryo(struct dp *dp, struct frame frame);
void dp_flow_set(struct dp *dp, struct frame frame, const struct flow *flow);
void dp_flow_age(struct dp *dp, struct frame frame, __u32 ticks);
unsigned int dp_flow_entries(struct dp *dp);
/* Fills the table with entries that no frame meets, but for `room`. */
void dp_flow_fill(struct dp *dp, unsigned int room);
struct gc_args dp_gc(struct dp *dp, __u16 slot);

struct endpoint_stats dp_endpoint(struct dp *dp, __u32 slot);
struct flow_stats dp_stats(struct dp *dp); /* since the test began */
struct hits dp_hits(struct dp *dp, enum map_id map, __u32 id);
__u64 dp_reason(struct dp *dp, enum reason why); /* since the load */

/* Publishes host:port (host NULL: any address) on a container's port. */
void dp_publish(struct dp *dp, __u8 proto, const char *host, __u16 port,
		enum node node, __u16 backend_port);
void dp_unpublish(struct dp *dp, __u8 proto, const char *host, __u16 port);
/* Makes the last publish admit only these clients, and the ones before. */
void dp_publish_from(struct dp *dp, const char *prefix);

/* Puts these rules in force, as a change of policy does. */
#define dp_rules(dp, ...)                                               \
	dp_rules_set(dp, (const struct rule_val[]){ __VA_ARGS__ },      \
		     sizeof((const struct rule_val[]){ __VA_ARGS__ }) / \
			     sizeof(struct rule_val))
void dp_rules_set(struct dp *dp, const struct rule_val *rules, size_t count);
void dp_rules_clear(struct dp *dp);
struct selector select_cidr(const char *prefix);

void dp_network_flags(struct dp *dp, __u32 network, __u32 flags);
/* Also with a masquerade address of its own (NULL: the uplink's); destinations
 * that see the network's own addresses. */
void dp_network_snat(struct dp *dp, __u32 network, const char *snat);
void dp_no_masq(struct dp *dp, __u32 network, const char *prefix);
void dp_uplink(struct dp *dp, const char *snat4, const char *snat6);
/* Makes "lan" the second uplink; gateway (NULL: none) is of dp->ip's family. */
void dp_uplink_lan(struct dp *dp, const char *gateway);
void dp_local_add(struct dp *dp, const char *ip);
void dp_local_del(struct dp *dp, const char *ip);
void dp_address_set(struct dp *dp, const char *ip, enum node node);
void dp_address_del(struct dp *dp, const char *ip);

/* ------------------------------------------- frames on real devices */

/* Attaches the programs and opens a socket at every device's other end. */
void dp_live_open(struct dp *dp);
void dp_live_close(struct dp *dp);
/* The node sends; false when exactly this frame does not arrive in time. */
void dp_live_send(struct dp *dp, enum node node, const __u8 *bytes, size_t len);
void dp_live_send_partial(struct dp *dp, enum node node, const __u8 *bytes,
			  size_t len, struct partial partial);
bool dp_live_receive(struct dp *dp, enum node node, const __u8 *want,
		     size_t len);
/* Waits until `count` packets in all have ended under why. */
bool dp_live_reason(struct dp *dp, enum reason why, __u64 count);

/* ------------------------------------------------------------ programs */

/* Each test starts with the tables that dp_reset writes, and no flow. */
int dp_reset(void **state);
#define DP_TEST(test)                                                       \
	{                                                                   \
		.name = #test, .test_func = (test), .setup_func = dp_reset, \
		.initial_state = (void *)(uintptr_t)&addresses_v4,          \
	}
#define DP_TEST_V6(test)                                           \
	{                                                          \
		.name = #test "_over_ipv6", .test_func = (test),   \
		.setup_func = dp_reset,                            \
		.initial_state = (void *)(uintptr_t)&addresses_v6, \
	}
#define DP_TEST_BOTH(test) DP_TEST(test), DP_TEST_V6(test)

/* Runs them in fresh namespaces; what main returns. */
#define dp_main(tests) dp_main_sized(tests, DP_FLOWS_MAX)
#define dp_main_sized(tests, flows_max) \
	dp_run_tests(#tests, tests, sizeof(tests) / sizeof(*(tests)), flows_max)
int dp_run_tests(const char *name, const struct CMUnitTest *tests, size_t count,
		 __u32 flows_max);

/* dp_net.c: namespaces and devices; false when they cannot be made.
 * dp_tables.c: the tables of the drawing above, and nothing else. */
bool dp_net_make(struct dp *dp);
void dp_tables_reset(struct dp *dp);

#endif
