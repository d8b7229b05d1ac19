/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_live - where frames really go, on real devices */
#include "dp.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>

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
		DP_TEST(unknown_neighbour_is_asked_for),
		DP_TEST_BOTH(frame_arrives_inside_the_other_container),
	};

	return dp_main(tests);
}
