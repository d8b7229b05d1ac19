/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_gc - flows end when they have been idle past their time */
#include "dp.h"

#include <time.h>

/* The tick as bn_gc reads it. */
static __u32 tick(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec * 1000000000ull + now.tv_nsec) >> FLOW_TICK_SHIFT;
}

static void set_last_seen(struct dp *dp, struct frame frame, __u32 last_seen)
{
	struct flow flow;

	assert_true(dp_flow(dp, frame, &flow));
	flow.last_seen = last_seen;
	dp_flow_set(dp, frame, &flow);
}

/* A flow of web's: its first frame, as it arrives, and the answer to it. */
struct talk {
	struct frame ask, answer;
};

static struct talk talk_make(const struct dp *dp, __u8 proto)
{
	struct talk talk = {
		.ask = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53),
	};

	if (proto == IPPROTO_TCP)
		talk.ask = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	else if (proto == IPPROTO_ICMP)
		talk.ask = frame_echo(dp->ip.web, dp->ip.mate, 7);
	else if (proto == IPPROTO_GRE)
		talk.ask = frame_udp(dp->ip.web, 0, dp->ip.mate, 0);
	if (proto == IPPROTO_GRE)
		talk.ask.proto = IPPROTO_GRE;
	talk.answer = frame_reply(talk.ask);
	return talk;
}

/* How many flows a run ends when both halves have been idle for so long. */
static __u64 ended_at_age(struct dp *dp, const struct talk *talk, __u32 age)
{
	__u32 now = tick();

	set_last_seen(dp, talk->ask, now - age);
	set_last_seen(dp, talk->answer, now - age);
	return dp_gc(dp, 0).expired;
}

/* One tick less than the limit, because the run may meet a new tick. */
static void lives_for(struct dp *dp, const struct talk *talk, __u32 limit)
{
	assert_int_equal(dp_flow_entries(dp), 2);
	assert_int_equal(ended_at_age(dp, talk, limit - 1), 0);
	assert_int_equal(dp_flow_entries(dp), 2);
	assert_int_equal(ended_at_age(dp, talk, limit + 1), 1);
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* The client sends a SYN, then both send these; 0: nothing. */
static void tcp_lives(struct dp *dp, __u8 client, __u8 server, __u32 limit)
{
	struct talk talk = talk_make(dp, IPPROTO_TCP);

	dp_ingress(dp, WEB, talk.ask);
	if (server)
		dp_ingress(dp, MATE, frame_flags(talk.answer, server));
	if (client)
		dp_ingress(dp, WEB, frame_flags(talk.ask, client));
	lives_for(dp, &talk, limit);
}

/* ------------------------------------------------------------ time-outs */

static void tcp_lives_as_long_as_its_state_says(void **state)
{
	struct dp *dp = *state;
	const struct datapath_config *c = dp->config;

	tcp_lives(dp, 0, 0, c->tcp_half_open);
	tcp_lives(dp, TCP_ACK, TCP_SYN | TCP_ACK, c->tcp_established);
	tcp_lives(dp, TCP_FIN | TCP_ACK, TCP_ACK, c->tcp_established);
	tcp_lives(dp, TCP_ACK, TCP_FIN | TCP_ACK, c->tcp_established);
	tcp_lives(dp, TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK, c->tcp_closing);
	tcp_lives(dp, TCP_RST, TCP_ACK, c->tcp_reset);
	tcp_lives(dp, TCP_ACK, TCP_RST | TCP_ACK, c->tcp_reset);
	tcp_lives(dp, 0, TCP_RST | TCP_ACK, c->tcp_reset);
	tcp_lives(dp, TCP_FIN | TCP_ACK, TCP_RST, c->tcp_reset);
}

static void udp_lives_longer_when_it_is_answered(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_make(dp, IPPROTO_UDP);

	dp_ingress(dp, WEB, talk.ask);
	lives_for(dp, &talk, dp->config->udp);

	dp_ingress(dp, WEB, talk.ask);
	dp_ingress(dp, MATE, talk.answer);
	lives_for(dp, &talk, dp->config->udp_stream);
}

static void echo_and_other_protocols_have_times_of_their_own(void **state)
{
	struct dp *dp = *state;
	struct talk ping = talk_make(dp, IPPROTO_ICMP);
	struct talk gre = talk_make(dp, IPPROTO_GRE);

	dp_ingress(dp, WEB, ping.ask);
	dp_ingress(dp, MATE, ping.answer);
	lives_for(dp, &ping, dp->config->icmp);

	dp_ingress(dp, WEB, gre.ask);
	lives_for(dp, &gre, dp->config->other);
}

static void flow_lives_while_either_half_does(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_make(dp, IPPROTO_UDP);
	__u32 long_ago = tick() - 2 * dp->config->udp_stream;

	dp_ingress(dp, WEB, talk.ask);
	dp_ingress(dp, MATE, talk.answer);
	set_last_seen(dp, talk.ask, long_ago);
	assert_int_equal(dp_gc(dp, 0).expired, 0);
	dp_ingress(dp, WEB, talk.ask);
	set_last_seen(dp, talk.answer, long_ago);
	assert_int_equal(dp_gc(dp, 0).expired, 0);

	assert_int_equal(dp_flow_entries(dp), 2);
}

/* Its time is then that of a flow which nobody answered. */
static void half_that_lost_its_pair_ends_too(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_make(dp, IPPROTO_UDP);
	struct flow_key forward = frame_key(&talk.ask);

	dp_ingress(dp, WEB, talk.ask);
	dp_ingress(dp, MATE, talk.answer);
	assert_int_equal(table_del(dp->datapath, MAP_FLOWS, &forward, &dp->err),
			 0);
	set_last_seen(dp, talk.answer, tick() - dp->config->udp - 2);

	assert_int_equal(dp_gc(dp, 0).expired, 1);
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* A packet may come after the run has read its clock. */
static void flow_of_the_next_tick_lives(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_make(dp, IPPROTO_UDP);

	dp_ingress(dp, WEB, talk.ask);
	set_last_seen(dp, talk.ask, tick() + 2);

	assert_int_equal(dp_gc(dp, 0).expired, 0);
}

/* --------------------------------------------------------- whose flows */

static void flows_of_one_endpoint_end(void **state)
{
	struct dp *dp = *state;
	struct frame out = frame_udp(dp->ip.web, 1, dp->ip.server, 53);
	struct frame in = frame_udp(dp->ip.client, 2, dp->ip.host, 53);
	struct frame other = frame_udp(dp->ip.mate, 3, dp->ip.server, 53);
	struct gc_args args;
	struct flow flow;

	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 53);
	dp_ingress(dp, WEB, out);
	dp_ingress(dp, UP, in);
	dp_ingress(dp, MATE, other);
	args = dp_gc(dp, SLOT_WEB);

	assert_int_equal(args.expired, 2);
	assert_false(dp_flow(dp, out, &flow));
	assert_false(dp_flow(dp, in, &flow));
	assert_true(dp_flow(dp, other, &flow));
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void all_flows_end(void **state)
{
	struct dp *dp = *state;
	struct gc_args args = { .all = 1 };

	for (__u16 port = 1; port < 20; port++)
		dp_ingress(dp, WEB,
			   frame_udp(dp->ip.web, port, dp->ip.server, 53));
	assert_int_equal(datapath_gc(dp->datapath, &args, &dp->err), 0);

	assert_int_equal(args.expired, 19);
	assert_int_equal(dp_flow_entries(dp), 0);
	assert_int_equal(dp_stats(dp).expired, 19);
}

/* Both halves of a flow may stand in one bucket, where the walk has the second
 * in its hand already when the first takes it away. Many flows, so that some
 * do. */
static void every_flow_is_counted_once(void **state)
{
	struct dp *dp = *state;

	for (__u16 round = 0; round < 16; round++) {
		struct gc_args args = { .all = 1 };

		for (__u16 port = 1; port <= DP_FLOWS_MAX; port++)
			dp_ingress(dp, WEB,
				   frame_udp(dp->ip.web, port, dp->ip.mate,
					     1000 + round));
		assert_int_equal(dp_flow_entries(dp), 2 * DP_FLOWS_MAX);
		assert_int_equal(datapath_gc(dp->datapath, &args, &dp->err), 0);

		assert_int_equal(args.expired, DP_FLOWS_MAX);
		assert_int_equal(dp_flow_entries(dp), 0);
	}
	assert_int_equal(dp_stats(dp).expired, 16 * DP_FLOWS_MAX);
}

static void run_counts_what_it_sees(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_make(dp, IPPROTO_TCP);
	struct gc_args args;

	dp_ingress(dp, WEB, talk.ask);
	dp_ingress(dp, MATE, talk.answer);
	for (__u16 port = 1; port < 4; port++)
		dp_ingress(dp, WEB,
			   frame_udp(dp->ip.web, port, dp->ip.server, 53));
	args = dp_gc(dp, 0);

	assert_int_equal(args.scanned, 8);
	assert_int_equal(args.expired, 0);
	assert_int_equal(args.established, 1);
	assert_int_equal(args.embryonic, 3);
}

static void ended_flow_leaves_its_counts_with_the_rule(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_make(dp, IPPROTO_TCP);
	struct hits hits;
	size_t bytes;

	dp_rules(dp, { .id = 5, .action = RULE_ALLOW });
	dp_ingress(dp, WEB, talk.ask);
	bytes = dp->in_len;
	dp_ingress(dp, MATE, talk.answer);
	dp_ingress(dp, MATE, talk.answer);
	bytes += 2 * dp->in_len;
	assert_int_equal(dp_gc(dp, SLOT_MATE).expired, 1);

	hits = dp_hits(dp, MAP_RULE_HITS, 5);
	assert_int_equal(hits.packets, 3);
	assert_int_equal(hits.bytes, bytes);
	assert_int_equal(hits.flows, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(tcp_lives_as_long_as_its_state_says),
		DP_TEST_BOTH(udp_lives_longer_when_it_is_answered),
		DP_TEST_BOTH(echo_and_other_protocols_have_times_of_their_own),
		DP_TEST_BOTH(flow_lives_while_either_half_does),
		DP_TEST_BOTH(half_that_lost_its_pair_ends_too),
		DP_TEST_BOTH(flow_of_the_next_tick_lives),
		DP_TEST_BOTH(flows_of_one_endpoint_end),
		DP_TEST_BOTH(all_flows_end),
		DP_TEST(every_flow_is_counted_once),
		DP_TEST_BOTH(run_counts_what_it_sees),
		DP_TEST_BOTH(ended_flow_leaves_its_counts_with_the_rule),
	};

	return dp_main(tests);
}
