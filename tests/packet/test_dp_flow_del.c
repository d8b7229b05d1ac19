/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_flow_del - flows that somebody names end, both halves of them */
#include "dp.h"

/* Ends the flow that the frame meets; how many that were. */
static __u64 end(struct dp *dp, struct frame frame)
{
	struct flow_key key = frame_key(&frame);
	__u64 ended = 99;

	assert_int_equal(flows_end(dp->datapath, &key, 1, &ended, &dp->err), 0);
	return ended;
}

/* All flows in bn_flows, or those of an endpoint. */
static __u64 flows_of(struct dp *dp, __u32 slot)
{
	__u64 count;

	assert_int_equal(table_get(dp->datapath, MAP_EP_FLOWS, &slot, &count),
			 0);
	return count;
}

static void both_halves_of_a_flow_end(void **state)
{
	struct dp *dp = *state;
	struct frame ask = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	struct frame other = frame_tcp(dp->ip.web, 4001, dp->ip.mate, 80);

	dp_ingress(dp, WEB, ask);
	dp_ingress(dp, MATE, frame_reply(ask));
	dp_ingress(dp, WEB, other);
	dp_ingress(dp, MATE, frame_reply(other));
	assert_int_equal(flows_of(dp, 0), 2);
	assert_int_equal(flows_of(dp, SLOT_WEB), 2);

	assert_int_equal(end(dp, ask), 1);

	assert_false(dp_flow(dp, ask, &(struct flow){ 0 }));
	assert_false(dp_flow(dp, frame_reply(ask), &(struct flow){ 0 }));
	assert_int_equal(dp_flow_entries(dp), 2);
	assert_int_equal(flows_of(dp, 0), 1);
	assert_int_equal(flows_of(dp, SLOT_WEB), 1);
	assert_int_equal(dp_stats(dp).expired, 1);
}

static void flow_that_nobody_answered_ends(void **state)
{
	struct dp *dp = *state;
	struct frame ask = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);

	dp_ingress(dp, WEB, ask);
	assert_true(dp_flow_is_embryo(dp, ask));

	assert_int_equal(end(dp, ask), 1);

	assert_int_equal(dp_flow_entries(dp), 0);
	assert_int_equal(flows_of(dp, 0), 0);
}

static void what_it_counted_stays_with_the_rule_and_the_port(void **state)
{
	struct dp *dp = *state;
	struct frame ask = frame_tcp(dp->ip.client, 2000, dp->ip.host, 8080);
	struct frame answer = frame_tcp(dp->ip.web, 80, dp->ip.client, 2000);
	struct hits rule, port;
	size_t inward = 0, outward;

	dp_rules(dp, { .id = 5, .action = RULE_ALLOW });
	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, ask);
	inward += dp->in_len;
	dp_ingress(dp, WEB, frame_flags(answer, TCP_SYN | TCP_ACK));
	outward = dp->in_len;
	dp_ingress(dp, UP, frame_flags(ask, TCP_ACK));
	inward += dp->in_len;

	assert_int_equal(end(dp, ask), 1);

	port = dp_hits(dp, MAP_PUB_HITS, dp->published);
	assert_int_equal(port.packets, 2);
	assert_int_equal(port.bytes, inward);
	assert_int_equal(port.flows, 1);
	rule = dp_hits(dp, MAP_RULE_HITS, 5);
	assert_int_equal(rule.packets, 3);
	assert_int_equal(rule.bytes, inward + outward);
	assert_int_equal(rule.flows, 1);
}

static void flow_that_is_gone_is_not_counted(void **state)
{
	struct dp *dp = *state;
	struct frame ask = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	dp_ingress(dp, WEB, ask);
	dp_ingress(dp, MATE, frame_reply(ask));
	assert_int_equal(end(dp, ask), 1);

	assert_int_equal(end(dp, ask), 0);

	assert_int_equal(flows_of(dp, 0), 0);
	assert_int_equal(dp_stats(dp).expired, 1);
}

/* Half a flow would pass for a whole one. */
static void reply_half_names_no_flow(void **state)
{
	struct dp *dp = *state;
	struct frame ask = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	dp_ingress(dp, WEB, ask);
	dp_ingress(dp, MATE, frame_reply(ask));

	assert_int_equal(end(dp, frame_reply(ask)), 0);

	assert_int_equal(dp_flow_entries(dp), 2);
}

static void next_packet_begins_it_anew(void **state)
{
	struct dp *dp = *state;
	struct frame ask = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);

	dp_ingress(dp, WEB, ask);
	assert_int_equal(end(dp, ask), 1);
	dp_ingress(dp, WEB, ask);

	assert_int_equal(dp_flow_entries(dp), 2);
	assert_int_equal(dp_stats(dp).created, 2);
}

static void many_flows_end_at_once(void **state)
{
	struct dp *dp = *state;
	struct flow_key keys[50];
	__u64 ended;

	for (__u16 i = 0; i < 60; i++) {
		struct frame ask =
			frame_udp(dp->ip.web, 4000 + i, dp->ip.server, 53);

		dp_ingress(dp, WEB, ask);
		if (i < 50)
			keys[i] = frame_key(&ask);
	}
	assert_int_equal(flows_end(dp->datapath, keys, 50, &ended, &dp->err),
			 0);

	assert_int_equal(ended, 50);
	assert_int_equal(dp_flow_entries(dp), 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(both_halves_of_a_flow_end),
		DP_TEST_BOTH(flow_that_nobody_answered_ends),
		DP_TEST_BOTH(what_it_counted_stays_with_the_rule_and_the_port),
		DP_TEST_BOTH(flow_that_is_gone_is_not_counted),
		DP_TEST_BOTH(reply_half_names_no_flow),
		DP_TEST_BOTH(next_packet_begins_it_anew),
		DP_TEST_BOTH(many_flows_end_at_once),
	};

	return dp_main(tests);
}
