/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_forward - packets between containers and with the host itself */
#include "dp_answer.h"

static const struct rule_val allow_all = { .action = RULE_ALLOW };

/* ---------------------------------------------------- inside a network */

static void first_packet_is_switched_inside_a_network(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	struct flow flow;

	dp_ingress(dp, WEB, syn);

	dp_expect_sent(dp, frame_switched(syn, WEB, MATE));
	assert_true(dp_flow(dp, syn, &flow));
	assert_int_equal(flow.action, FLOW_PEER);
	assert_int_equal(flow.out_ifindex, dp->ifindex[MATE]);
}

static void answer_is_switched_back(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	struct frame answer = frame_reply(syn);
	struct flow flow;

	dp_ingress(dp, WEB, syn);
	dp_ingress(dp, MATE, answer);

	dp_expect_sent(dp, frame_switched(answer, MATE, WEB));
	assert_true(dp_flow(dp, answer, &flow));
	assert_int_equal(flow.out_ifindex, dp->ifindex[WEB]);
	assert_true(flow.flags & FLOW_REPLY);
}

static void switched_packet_keeps_its_ttl(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	udp.ttl = 1;
	for (int i = 0; i < 2; i++) {
		dp_ingress(dp, WEB, udp);

		dp_expect_sent(dp, frame_switched(udp, WEB, MATE));
	}
}

static void echo_is_switched_both_ways(void **state)
{
	struct dp *dp = *state;
	struct frame ping = frame_echo(dp->ip.web, dp->ip.mate, 77);

	dp_ingress(dp, WEB, ping);
	dp_expect_sent(dp, frame_switched(ping, WEB, MATE));

	dp_ingress(dp, MATE, frame_reply(ping));
	dp_expect_sent(dp, frame_switched(frame_reply(ping), MATE, WEB));
}

static void echo_reply_that_nobody_asked_for_is_dropped(void **state)
{
	struct dp *dp = *state;
	struct frame ping = frame_echo(dp->ip.mate, dp->ip.web, 77);

	dp_ingress(dp, WEB, frame_reply(ping));

	dp_expect_dropped(dp, REASON_PROTOCOL);
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void other_protocol_is_switched(void **state)
{
	struct dp *dp = *state;
	struct frame gre = frame_udp(dp->ip.web, 0, dp->ip.mate, 0);

	gre.proto = IPPROTO_GRE;
	gre.payload = 40;
	dp_ingress(dp, WEB, gre);

	dp_expect_sent(dp, frame_switched(gre, WEB, MATE));
}

static void longest_frame_goes_through_whole(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	udp.payload = 1400;
	dp_ingress(dp, WEB, udp);

	dp_expect_sent(dp, frame_switched(udp, WEB, MATE));
}

static void address_that_nobody_has_is_no_route(void **state)
{
	struct dp *dp = *state;

	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, 4000, dp->ip.nobody, 80));

	dp_expect_told(dp, REASON_NO_ROUTE, dp->ip.front, 0);
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* ---------------------------------------------------- between networks */

static void packet_between_networks_is_routed(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.db, 3306);

	dp_rules(dp, allow_all);
	for (int i = 0; i < 2; i++) {
		dp_ingress(dp, WEB, syn);

		dp_expect_sent(dp, frame_into(syn, DB));
	}
}

static void answer_between_networks_is_routed_back(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.db, 3306);

	dp_rules(dp, allow_all);
	dp_ingress(dp, WEB, syn);
	dp_ingress(dp, DB, frame_reply(syn));

	dp_expect_sent(dp, frame_into(frame_reply(syn), WEB));
}

/* ------------------------------------------------------------ the host */

static void packet_to_the_host_is_left_to_its_stack(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.front, 22);
	struct flow flow;

	for (int i = 0; i < 2; i++) {
		dp_ingress(dp, WEB, syn);

		dp_expect_passed(dp, REASON_FORWARDED);
	}
	assert_true(dp_flow(dp, syn, &flow));
	assert_int_equal(flow.action, FLOW_STACK);
	assert_int_equal(flow.packets, 2);
}

static void answer_of_the_host_passes(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.front, 22);
	struct flow flow;

	dp_ingress(dp, WEB, syn);
	dp_egress(dp, WEB, frame_reply(syn));

	dp_expect_passed(dp, REASON_FORWARDED);
	assert_true(dp_flow(dp, frame_reply(syn), &flow));
	assert_int_equal(flow.packets, 1);
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void connection_of_the_host_passes_both_ways(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.front, 50000, dp->ip.web, 80);
	struct flow flow;

	dp_egress(dp, WEB, syn);
	dp_expect_passed(dp, REASON_FORWARDED);

	dp_ingress(dp, WEB, frame_reply(syn));
	dp_expect_passed(dp, REASON_FORWARDED);
	assert_int_equal(dp_flow_entries(dp), 2);
	assert_true(dp_flow(dp, frame_reply(syn), &flow));
	assert_int_equal(flow.in_ifindex, dp->ifindex[WEB]);
}

static void last_hop_to_and_from_the_host_is_no_router(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.host, 22);

	syn.ttl = 1;
	dp_ingress(dp, WEB, syn);

	dp_expect_passed(dp, REASON_FORWARDED);
}

/* ------------------------------------------------------------ counters */

static void flow_counts_packets_and_bytes_of_each_direction(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	struct frame answer = frame_reply(syn);
	__u32 before = datapath_now();
	struct flow flow;

	answer.payload = 500;
	for (int i = 0; i < 3; i++)
		dp_ingress(dp, WEB, syn);
	assert_true(dp_flow(dp, syn, &flow));
	assert_int_equal(flow.packets, 3);
	assert_int_equal(flow.bytes, 3 * dp->in_len);
	assert_in_range(flow.created, before, datapath_now());
	assert_in_range(flow.last_seen, flow.created, datapath_now());
	assert_true(dp_flow(dp, answer, &flow));
	assert_int_equal(flow.packets, 0);
	assert_int_equal(flow.seen, 0);

	dp_ingress(dp, MATE, answer);
	assert_true(dp_flow(dp, answer, &flow));
	assert_int_equal(flow.packets, 1);
	assert_int_equal(flow.bytes, dp->in_len);
	assert_int_equal(dp_stats(dp).created, 1);
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void endpoints_count_what_they_send_and_receive(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	struct endpoint_stats web, mate;
	size_t sent, received;

	for (int i = 0; i < 2; i++)
		dp_ingress(dp, WEB, syn);
	sent = 2 * dp->in_len;
	dp_ingress(dp, MATE, frame_reply(syn));
	received = dp->in_len;

	web = dp_endpoint(dp, SLOT_WEB);
	mate = dp_endpoint(dp, SLOT_MATE);
	assert_int_equal(web.tx_packets, 2);
	assert_int_equal(web.tx_bytes, sent);
	assert_int_equal(web.rx_packets, 1);
	assert_int_equal(web.rx_bytes, received);
	assert_int_equal(mate.tx_packets, 1);
	assert_int_equal(mate.tx_bytes, received);
	assert_int_equal(mate.rx_packets, 2);
	assert_int_equal(mate.rx_bytes, sent);
}

static void drop_is_counted_for_the_endpoint_that_sent(void **state)
{
	struct dp *dp = *state;

	dp_ingress(dp, DB, frame_tcp(dp->ip.db, 4000, dp->ip.web, 80));

	dp_expect_dropped(dp, REASON_POLICY_DEFAULT);
	assert_int_equal(
		dp_endpoint(dp, SLOT_DB).reasons[REASON_POLICY_DEFAULT], 1);
	assert_int_equal(dp_endpoint(dp, SLOT_DB).tx_packets, 0);
	assert_int_equal(
		dp_endpoint(dp, SLOT_WEB).reasons[REASON_POLICY_DEFAULT], 0);
}

static void conversation_with_the_host_counts_for_the_endpoint(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.front, 22);

	dp_ingress(dp, WEB, syn);
	dp_egress(dp, WEB, frame_reply(syn));

	assert_int_equal(dp_endpoint(dp, SLOT_WEB).tx_packets, 1);
	assert_int_equal(dp_endpoint(dp, SLOT_WEB).rx_packets, 1);
}

/* --------------------------------------------------------------- limits */

/* Two published ways to one backend port, then the direct one: the answers of
 * the two flows would look the same. */
static void two_flows_with_the_same_answers_are_a_conflict(void **state)
{
	struct dp *dp = *state;
	struct frame direct = frame_tcp(dp->ip.mate, 5000, dp->ip.web, 80);
	struct frame published = frame_to(direct, dp->ip.host, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, MATE, published);
	dp_expect_sent(dp,
		       frame_into(frame_to(published, dp->ip.web, 80), WEB));

	dp_ingress(dp, MATE, direct);
	dp_expect_dropped(dp, REASON_FLOW_CONFLICT);
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void idle_flow_makes_room_for_one_with_the_same_answers(void **state)
{
	struct dp *dp = *state;
	struct frame direct = frame_udp(dp->ip.mate, 5000, dp->ip.web, 80);
	struct frame published = frame_to(direct, dp->ip.host, 8080);
	struct flow flow;

	dp_publish(dp, IPPROTO_UDP, NULL, 8080, WEB, 80);
	dp_ingress(dp, MATE, published);
	dp_flow_age(dp, published, dp->config->udp + 1);
	dp_flow_age(dp, frame_reply(direct), dp->config->udp + 1);

	dp_ingress(dp, MATE, direct);
	dp_expect_sent(dp, frame_switched(direct, MATE, WEB));
	assert_false(dp_flow(dp, published, &flow));
	assert_int_equal(dp_flow_entries(dp), 2);
}

/* A flow lives while either half does: nobody has to answer a stream. */
static void flow_that_nobody_answers_keeps_its_place(void **state)
{
	struct dp *dp = *state;
	struct frame direct = frame_udp(dp->ip.mate, 5000, dp->ip.web, 80);
	struct frame published = frame_to(direct, dp->ip.host, 8080);
	struct flow flow;

	dp_publish(dp, IPPROTO_UDP, NULL, 8080, WEB, 80);
	dp_ingress(dp, MATE, published);
	dp_flow_age(dp, frame_reply(direct), dp->config->udp + 1);

	dp_ingress(dp, MATE, direct);
	dp_expect_dropped(dp, REASON_FLOW_CONFLICT);
	assert_true(dp_flow(dp, published, &flow));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(first_packet_is_switched_inside_a_network),
		DP_TEST_BOTH(answer_is_switched_back),
		DP_TEST_BOTH(switched_packet_keeps_its_ttl),
		DP_TEST_BOTH(echo_is_switched_both_ways),
		DP_TEST_BOTH(echo_reply_that_nobody_asked_for_is_dropped),
		DP_TEST_BOTH(other_protocol_is_switched),
		DP_TEST_BOTH(longest_frame_goes_through_whole),
		DP_TEST_BOTH(address_that_nobody_has_is_no_route),
		DP_TEST_BOTH(packet_between_networks_is_routed),
		DP_TEST_BOTH(answer_between_networks_is_routed_back),
		DP_TEST_BOTH(packet_to_the_host_is_left_to_its_stack),
		DP_TEST_BOTH(answer_of_the_host_passes),
		DP_TEST_BOTH(connection_of_the_host_passes_both_ways),
		DP_TEST_BOTH(last_hop_to_and_from_the_host_is_no_router),
		DP_TEST_BOTH(flow_counts_packets_and_bytes_of_each_direction),
		DP_TEST_BOTH(endpoints_count_what_they_send_and_receive),
		DP_TEST_BOTH(drop_is_counted_for_the_endpoint_that_sent),
		DP_TEST_BOTH(
			conversation_with_the_host_counts_for_the_endpoint),
		DP_TEST_BOTH(two_flows_with_the_same_answers_are_a_conflict),
		DP_TEST_BOTH(
			idle_flow_makes_room_for_one_with_the_same_answers),
		DP_TEST_BOTH(flow_that_nobody_answers_keeps_its_place),
	};

	return dp_main(tests);
}
