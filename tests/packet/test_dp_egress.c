/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_egress - what the host's own stack sends: in, and out */
#include "dp.h"

#define MORE_FRAGMENTS 0x2000

/* -------------------------------------------------------- to the uplink */

static void source_of_ours_never_leaves(void **state)
{
	struct dp *dp = *state;
	const char *sources[] = { dp->ip.web, dp->ip.db, dp->ip.nobody,
				  dp->ip.front };

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		const char *src = sources[i];
		struct frame gre = frame_udp(src, 0, dp->ip.server, 0);

		gre.proto = IPPROTO_GRE;
		dp_egress(dp, UP, frame_tcp(src, 4000, dp->ip.server, 443));
		dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
		dp_egress(dp, UP, frame_udp(src, 4000, dp->ip.server, 53));
		dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
		dp_egress(dp, UP, frame_echo(src, dp->ip.server, 1));
		dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
		dp_egress(dp, UP, gre);
		dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
	}
}

static void fragment_and_options_of_ours_never_leave(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);
	bool v6 = strchr(dp->ip.web, ':');

	frame.payload = 100;
	for (__u16 at = 0; at < 96; at += 48) {
		dp_egress(dp, UP, frame_cut(frame, at, 48));
		dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
	}
	frame.options = 3;
	dp_egress(dp, UP, frame);
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
	dp_egress(dp, UP, frame_to(frame, v6 ? "ff0e::1" : "224.0.0.1", 53));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
}

static void traffic_of_the_host_leaves_untouched(void **state)
{
	struct dp *dp = *state;
	const char *sources[] = { dp->ip.host, dp->ip.lan, dp->ip.client };

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		dp_egress(dp, UP,
			  frame_tcp(sources[i], 4000, dp->ip.server, 443));
		dp_expect_passed(dp, REASON_OK);
		dp_egress(dp, UP, frame_echo(sources[i], dp->ip.server, 1));
		dp_expect_passed(dp, REASON_OK);
	}
}

static void what_is_not_ip_leaves_untouched(void **state)
{
	static const __u16 types[] = { ETH_P_ARP, 0x88cc };
	struct dp *dp = *state;
	struct frame frame = frame_switched(
		frame_udp(dp->ip.web, 4000, dp->ip.server, 53), UP, ROUTER);
	__u8 bytes[FRAME_MAX];
	size_t len = frame_build(&frame, bytes);

	for (size_t i = 0; i < 2; i++) {
		bytes[12] = types[i] >> 8;
		bytes[13] = types[i] & 0xff;
		dp_egress_bytes(dp, UP, bytes, len);

		dp_expect_passed(dp, REASON_OK);
	}
}

/* ----------------------------------------------------- to a container */

static void connection_of_the_host_is_recorded(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.host, 50000, dp->ip.web, 80);
	struct flow flow;

	for (int i = 0; i < 2; i++) {
		dp_egress(dp, WEB, syn);
		dp_expect_passed(dp, REASON_FORWARDED);
	}

	assert_true(dp_flow(dp, syn, &flow));
	assert_int_equal(flow.action, FLOW_STACK);
	assert_int_equal(flow.packets, 2);
	assert_int_equal(flow.out_slot, SLOT_WEB);
	assert_int_equal(dp_endpoint(dp, SLOT_WEB).rx_packets, 2);
	assert_int_equal(dp_stats(dp).created, 1);
}

static void policy_binds_the_host(void **state)
{
	struct dp *dp = *state;

	dp_rules(dp, { .id = 1, .from = { SELECT_HOST } });
	dp_egress(dp, WEB, frame_tcp(dp->ip.front, 50000, dp->ip.web, 80));

	dp_expect_dropped(dp, REASON_POLICY_DENY);
	assert_int_equal(dp_endpoint(dp, SLOT_WEB).reasons[REASON_POLICY_DENY],
			 1);
}

static void packet_that_the_host_forwards_is_unpublished(void **state)
{
	static const enum node origins[] = { UP, LAN, DB };
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.client, 4000, dp->ip.web, 53);

	for (size_t i = 0; i < sizeof(origins) / sizeof(*origins); i++) {
		frame.fragment = 0;
		dp_forward(dp, origins[i], WEB, frame);
		dp_expect_dropped(dp, REASON_UNPUBLISHED);
		dp_forward(dp, origins[i], WEB,
			   frame_echo(dp->ip.client, dp->ip.web, 1));
		dp_expect_dropped(dp, REASON_UNPUBLISHED);
		if (strchr(dp->ip.web, ':'))
			continue;
		frame.fragment = MORE_FRAGMENTS;
		dp_forward(dp, origins[i], WEB, frame);
		dp_expect_dropped(dp, REASON_UNPUBLISHED);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void packet_for_another_container_is_no_route(void **state)
{
	struct dp *dp = *state;

	dp_egress(dp, WEB, frame_tcp(dp->ip.front, 50000, dp->ip.mate, 80));
	dp_expect_dropped(dp, REASON_NO_ROUTE);
	dp_egress(dp, WEB, frame_tcp(dp->ip.front, 50000, dp->ip.nobody, 80));
	dp_expect_dropped(dp, REASON_NO_ROUTE);
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* They answer a packet that was let through. */
static void icmp_error_of_the_host_passes(void **state)
{
	struct dp *dp = *state;
	struct frame sent = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);

	dp_ingress(dp, WEB, sent);
	dp_egress(dp, WEB, frame_error(dp->ip.front, TIME_EXCEEDED, &sent));

	dp_expect_passed(dp, REASON_TO_STACK);
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void fragment_of_the_host_passes(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.front, 4000, dp->ip.web, 53);

	frame.payload = 100;
	dp_egress(dp, WEB, frame_cut(frame, 48, 60));
	dp_expect_passed(dp, REASON_TO_STACK);
	dp_egress(dp, WEB, frame_cut(frame, 0, 48));
	dp_expect_passed(dp, REASON_FORWARDED);
	dp_egress(dp, WEB, frame_cut(frame, 48, 60));
	dp_expect_passed(dp, REASON_FORWARDED);
}

/* Whoever answers a container from the host keeps its TTL and MACs: the stack
 * has routed it. */
static void answer_of_the_host_is_not_routed_again(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.host, 22);
	struct frame answer = frame_reply(syn);

	answer.ttl = 1;
	dp_ingress(dp, WEB, syn);
	dp_egress(dp, WEB, answer);

	dp_expect_passed(dp, REASON_FORWARDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(source_of_ours_never_leaves),
		DP_TEST_BOTH(fragment_and_options_of_ours_never_leave),
		DP_TEST_BOTH(traffic_of_the_host_leaves_untouched),
		DP_TEST_BOTH(what_is_not_ip_leaves_untouched),
		DP_TEST_BOTH(connection_of_the_host_is_recorded),
		DP_TEST_BOTH(policy_binds_the_host),
		DP_TEST_BOTH(packet_that_the_host_forwards_is_unpublished),
		DP_TEST_BOTH(packet_for_another_container_is_no_route),
		DP_TEST_BOTH(icmp_error_of_the_host_passes),
		DP_TEST_BOTH(fragment_of_the_host_passes),
		DP_TEST_BOTH(answer_of_the_host_is_not_routed_again),
	};

	return dp_main(tests);
}
