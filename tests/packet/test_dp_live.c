/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_live - where frames really go, on real devices */
#include "dp.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <pthread.h>
#include <sys/socket.h>

#define ARP_LEN (ETH_HLEN + 28)

static struct frame syn_out(const struct dp *dp)
{
	return frame_tcp(dp->ip.web, 4000, dp->ip.server, 443);
}

static void change_hop(struct dp *dp, struct frame frame, enum node dmac)
{
	struct flow flow;

	assert_true(dp_flow(dp, frame, &flow));
	memcpy(flow.dmac, node_mac(dmac), sizeof(flow.dmac));
	dp_flow_set(dp, frame, &flow);
}

/* Sends syn_out on a real device and waits for it on the uplink's other end. */
static bool leaves_towards(struct dp *dp, enum node router)
{
	struct frame in = frame_switched(syn_out(dp), WEB, FRONT);
	struct frame out = frame_out(frame_from(in, dp->ip.host, 4000));
	__u8 bytes[FRAME_MAX];
	size_t len = frame_build(&in, bytes);

	dp_live_send(dp, WEB, bytes, len);
	out.dmac = router;
	len = frame_build(&out, bytes);
	return dp_live_receive(dp, UP, bytes, len);
}

static void cached_next_hop_is_used_while_the_agent_lives(void **state)
{
	struct dp *dp = *state;

	dp_live_open(dp);
	assert_true(leaves_towards(dp, ROUTER));
	change_hop(dp, syn_out(dp), STRANGER);

	assert_true(leaves_towards(dp, STRANGER));
	dp_live_close(dp);
}

static void kernel_finds_the_next_hop_when_the_agent_is_silent(void **state)
{
	struct dp *dp = *state;

	dp_live_open(dp);
	assert_true(leaves_towards(dp, ROUTER));
	change_hop(dp, syn_out(dp), STRANGER);
	dp->config->heartbeat = datapath_now() - HEARTBEAT_STALE_TICKS - 1;

	assert_true(leaves_towards(dp, ROUTER));
	dp_live_close(dp);
}

/* An agent that dies and comes back all the time, until `stop`. */
struct flicker {
	struct datapath_config *config;
	bool stop;
};

static void *flicker(void *arg)
{
	struct flicker *f = arg;
	__u32 now = datapath_now();

	for (__u32 i = 0; !__atomic_load_n(&f->stop, __ATOMIC_RELAXED); i++)
		__atomic_store_n(&f->config->heartbeat, i & 1 ? 0 : now,
				 __ATOMIC_RELAXED);
	return NULL;
}

/* Has a frame to this address come to the node since the last look? */
static bool has_received(struct dp *dp, enum node node, const char *dst)
{
	struct ipaddr ip = ip_of(dst);
	__be32 want = ip_to_v4(&ip);
	__u8 got[FRAME_MAX];
	bool found = false;
	ssize_t n;

	while ((n = recv(dp->sockets[node], got, sizeof(got), MSG_DONTWAIT)) >
	       0)
		found |= n >= 34 && !memcmp(got + 30, &want, sizeof(want));
	return found;
}

/* A packet goes where its own look-up says, or its flow: whichever it is, that is
 * said once. Asked twice, it could go where the packet before had gone. */
static void way_out_is_ones_own_whenever_the_agent_ends(void **state)
{
	enum { ROUNDS = 30000 };
	struct dp *dp = *state;
	struct frame to_lan = frame_switched(
		frame_tcp(dp->ip.web, 4001, dp->ip.lan, 443), WEB, FRONT);
	struct frame to_server = frame_switched(syn_out(dp), WEB, FRONT);
	struct flicker f = { .config = dp->config };
	__u8 lan[FRAME_MAX], server[FRAME_MAX];
	size_t lan_len = frame_build(&to_lan, lan), server_len;
	bool astray = false;
	pthread_t thread;

	/* It takes its time. */
	to_server.options = 1;
	server_len = frame_build(&to_server, server);
	dp_uplink_lan(dp, NULL);
	dp_live_open(dp);
	assert_int_equal(pthread_create(&thread, NULL, flicker, &f), 0);
	for (int i = 0; i < ROUNDS && !astray; i++) {
		dp_live_send(dp, WEB, lan, lan_len);
		dp_live_send(dp, WEB, server, server_len);
		if (i % 64 == 0)
			astray = has_received(dp, LAN, dp->ip.server) ||
				 has_received(dp, UP, dp->ip.lan);
	}
	__atomic_store_n(&f.stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	dp_live_close(dp);
	assert_false(astray);
}

/* Who has `target`, or (with the target's MAC known) its answer. */
static void arp(__u8 *bytes, enum node from, const char *sender, enum node to,
		const char *target)
{
	static const __u8 head[] = { 8, 6, 0, 1, 8, 0, 6, 4, 0 };
	struct ipaddr src = ip_of(sender), dst = ip_of(target);
	__be32 src4 = ip_to_v4(&src), dst4 = ip_to_v4(&dst);

	memset(bytes, 0, ARP_LEN);
	memcpy(bytes, node_mac(to ?: EVERYBODY), ETH_ALEN);
	memcpy(bytes + 6, node_mac(from), ETH_ALEN);
	memcpy(bytes + 12, head, sizeof(head));
	bytes[21] = to ? 2 : 1;
	memcpy(bytes + 22, node_mac(from), ETH_ALEN);
	memcpy(bytes + 28, &src4, 4);
	if (to)
		memcpy(bytes + 32, node_mac(to), ETH_ALEN);
	memcpy(bytes + 38, &dst4, 4);
}

/* The kernel asks, keeps the packet meanwhile, and sends it. */
static void unknown_neighbour_is_asked_for(void **state)
{
	static const char neighbour[] = "198.51.100.66";
	struct dp *dp = *state;
	struct frame in = frame_switched(frame_to(syn_out(dp), neighbour, 443),
					 WEB, FRONT);
	struct frame out = frame_out(frame_from(in, dp->ip.host, 4000));
	__u8 bytes[FRAME_MAX];
	size_t len = frame_build(&in, bytes);

	dp_live_open(dp);
	dp_live_send(dp, WEB, bytes, len);
	arp(bytes, UP, dp->ip.host, NODE_NONE, neighbour);
	assert_true(dp_live_receive(dp, UP, bytes, ARP_LEN));

	arp(bytes, STRANGER, neighbour, UP, dp->ip.host);
	dp_live_send(dp, UP, bytes, ARP_LEN);
	out.dmac = STRANGER;
	len = frame_build(&out, bytes);
	assert_true(dp_live_receive(dp, UP, bytes, len));
	dp_live_close(dp);
}

static void frame_arrives_inside_the_other_container(void **state)
{
	struct dp *dp = *state;
	struct frame in = frame_switched(
		frame_udp(dp->ip.web, 4000, dp->ip.mate, 53), WEB, FRONT);
	struct frame out = frame_switched(in, WEB, MATE);
	__u8 bytes[FRAME_MAX];
	size_t len = frame_build(&in, bytes);

	dp_live_open(dp);
	dp_live_send(dp, WEB, bytes, len);
	len = frame_build(&out, bytes);

	assert_true(dp_live_receive(dp, MATE, bytes, len));
	dp_live_close(dp);
	/* Its stack drops what is for others. */
	assert_int_equal(dp->packet_type, PACKET_HOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(cached_next_hop_is_used_while_the_agent_lives),
		DP_TEST_BOTH(
			kernel_finds_the_next_hop_when_the_agent_is_silent),
		DP_TEST(way_out_is_ones_own_whenever_the_agent_ends),
		DP_TEST(unknown_neighbour_is_asked_for),
		DP_TEST_BOTH(frame_arrives_inside_the_other_container),
	};

	return dp_main(tests);
}
