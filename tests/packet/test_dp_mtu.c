/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_mtu - what is too long for the way out goes by the stack, translated */
#include "dp_answer.h"

#include <stdlib.h>

#include "datapath/internal.h"

#define MTU 1300
#define UDP_LEN 8
#define TCP_LEN 20

static bool is_v6(const struct dp *dp)
{
	return strchr(dp->ip.web, ':');
}

static void set_mtu(struct dp *dp, int mtu)
{
	char command[64];

	snprintf(command, sizeof(command), "ip link set dev up mtu %d", mtu);
	assert_int_equal(system(command), 0);
	/* As the agent does when a device changes. */
	datapath_bump_routes(dp->datapath);
}

/* web's query, as many bytes of IP in all. */
static struct frame make_query(const struct dp *dp, int len)
{
	struct frame frame = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);

	frame.payload = len - frame_l3_len(&frame) - UDP_LEN;
	return frame;
}

/* As the stack hands it to the uplink: routed, not translated. */
static struct frame from_stack(struct frame frame)
{
	frame.ttl--;
	return frame_switched(frame, UP, ROUTER);
}

/* ------------------------------------------------------------- too long */

static void flow_learns_the_mtu_of_its_way_out(void **state)
{
	struct dp *dp = *state;
	struct frame query = make_query(dp, 100);
	struct flow flow;

	set_mtu(dp, MTU);
	dp_ingress(dp, WEB, query);

	dp_expect_sent(dp, frame_out(frame_from(query, dp->ip.host, 4000)));
	assert_true(dp_flow(dp, query, &flow));
	assert_int_equal(flow.mtu, MTU);
}

/* IPv4: the stack fragments, or tells the sender. IPv6: the sender is told. */
static void expect_too_long(struct dp *dp)
{
	if (is_v6(dp))
		dp_expect_told(dp, REASON_TOO_BIG, dp->ip.front, MTU);
	else
		dp_expect_passed(dp, REASON_TO_STACK);
}

/* Its neighbour is not known yet, its device is. */
static void mtu_is_known_before_the_neighbour(void **state)
{
	struct dp *dp = *state;
	struct frame query = make_query(dp, MTU + 1);
	struct flow flow;

	set_mtu(dp, MTU);
	query.dst = is_v6(dp) ? "2001:db8:51::77" : "198.51.100.77";
	dp_ingress(dp, WEB, query);

	expect_too_long(dp);
	assert_true(dp_flow(dp, query, &flow));
	assert_int_equal(flow.mtu, MTU);
}

static void packet_as_long_as_the_mtu_is_sent(void **state)
{
	struct dp *dp = *state;
	struct frame query = make_query(dp, MTU);

	set_mtu(dp, MTU);
	for (int i = 0; i < 2; i++) {
		dp_ingress(dp, WEB, query);
		dp_expect_sent(dp,
			       frame_out(frame_from(query, dp->ip.host, 4000)));
	}
}

/* The first packet of a flow, and a later one; with options, too. */
static void longer_packet_goes_no_further(void **state)
{
	struct dp *dp = *state;
	struct frame query = make_query(dp, MTU + 1);

	set_mtu(dp, MTU);
	for (query.options = 0; query.options < 2; query.options++) {
		dp_ingress(dp, WEB, query);
		expect_too_long(dp);
	}
	dp_ingress(dp, WEB, query);
	if (is_v6(dp))
		dp_expect_dropped(dp, REASON_TOO_BIG);
	else
		expect_too_long(dp);
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void longer_answer_of_a_published_port_goes_no_further(void **state)
{
	struct dp *dp = *state;
	struct frame in = frame_udp(dp->ip.client, 4000, dp->ip.host, 8080);
	struct frame answer = frame_reply(frame_to(in, dp->ip.web, 80));

	set_mtu(dp, MTU);
	dp_publish(dp, IPPROTO_UDP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, in);
	answer.payload = MTU - frame_l3_len(&answer) - UDP_LEN;
	dp_ingress(dp, WEB, answer);
	dp_expect_sent(dp, frame_out(frame_from(answer, dp->ip.host, 8080)));
	answer.payload++;
	dp_ingress(dp, WEB, answer);
	expect_too_long(dp);
}

/* The stack might send it by another uplink, and tell nobody. */
static void longer_answer_that_nobody_may_cut_is_told(void **state)
{
	struct dp *dp = *state;
	struct frame in = frame_tcp(dp->ip.client, 4000, dp->ip.host, 8080);
	struct frame answer = frame_reply(frame_to(in, dp->ip.web, 80));

	set_mtu(dp, MTU);
	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, in);
	dp_ingress(dp, WEB, answer);
	answer.fragment = 0x4000;
	answer.payload = MTU;
	dp_ingress(dp, WEB, answer);
	dp_expect_told(dp, REASON_TOO_BIG, dp->ip.front, MTU);
}

static void longer_fragment_goes_no_further(void **state)
{
	struct dp *dp = *state;
	struct frame query = make_query(dp, 1420);

	set_mtu(dp, MTU);
	dp_ingress(dp, WEB, frame_cut(query, 0, 8));
	assert_int_equal(dp->why, REASON_FORWARDED);
	dp_ingress(dp, WEB, frame_cut(query, 8, 1304));
	if (is_v6(dp))
		dp_expect_dropped(dp, REASON_TOO_BIG);
	else
		expect_too_long(dp);
	query.ip_id = 2;
	dp_ingress(dp, WEB, frame_cut(query, 0, 1304));
	expect_too_long(dp);
}

static void new_mtu_counts_at_once(void **state)
{
	struct dp *dp = *state;
	struct frame query = make_query(dp, 1400);
	struct frame out = frame_out(frame_from(query, dp->ip.host, 4000));

	set_mtu(dp, 1500);
	dp_ingress(dp, WEB, query);
	dp_expect_sent(dp, out);
	set_mtu(dp, MTU);
	dp_ingress(dp, WEB, query);
	expect_too_long(dp);
	set_mtu(dp, 1500);
	dp_ingress(dp, WEB, query);
	dp_expect_sent(dp, out);
}

/* It leaves by no uplink. */
static void length_between_containers_is_not_judged(void **state)
{
	struct dp *dp = *state;
	struct frame query = make_query(dp, 1500);

	set_mtu(dp, MTU);
	query.dst = dp->ip.mate;
	dp_ingress(dp, WEB, query);

	dp_expect_sent(dp, frame_switched(query, WEB, MATE));
}

/* -------------------------------------------------------------- segments */

static void tcp_is_judged_by_its_segments(void **state)
{
	struct dp *dp = *state;
	struct frame tcp = frame_tcp(dp->ip.web, 4000, dp->ip.server, 443);
	__u16 fits = MTU - frame_l3_len(&tcp) - TCP_LEN;

	set_mtu(dp, MTU);
	tcp.payload = 1400;
	for (int i = 0; i < 2; i++) {
		dp_ingress_gso(dp, WEB, tcp, fits);
		dp_expect_sent(dp,
			       frame_out(frame_from(tcp, dp->ip.host, 4000)));
		dp_ingress_gso(dp, WEB, tcp, fits + 1);
		expect_too_long(dp);
	}
}

static void udp_is_judged_by_its_segments(void **state)
{
	struct dp *dp = *state;
	struct frame udp = make_query(dp, 1480);
	__u16 fits = MTU - frame_l3_len(&udp) - UDP_LEN;

	set_mtu(dp, MTU);
	for (int i = 0; i < 2; i++) {
		dp_ingress_gso(dp, WEB, udp, fits);
		dp_expect_sent(dp,
			       frame_out(frame_from(udp, dp->ip.host, 4000)));
		dp_ingress_gso(dp, WEB, udp, fits + 1);
		expect_too_long(dp);
	}
}

/* ------------------------------------------------ what the stack sends */

static void stack_sends_translated(void **state)
{
	struct dp *dp = *state;
	struct frame frames[] = {
		make_query(dp, MTU + 1),
		frame_tcp(dp->ip.web, 40000, dp->ip.server, 443),
		frame_echo(dp->ip.web, dp->ip.server, 4000),
	};

	set_mtu(dp, MTU);
	frames[1].payload = frames[2].payload = 1350;
	for (int i = 0; i < 3; i++) {
		struct frame small = frames[i], out;

		small.payload = 10;
		dp_ingress(dp, WEB, small);
		out = from_stack(
			frame_from(frames[i], dp->ip.host, dp_out_port(dp)));
		dp_ingress(dp, WEB, frames[i]);
		expect_too_long(dp);
		dp_egress(dp, UP, from_stack(frames[i]));
		dp_expect_stack(dp, out);
	}
}

static void stack_sends_fragments_translated(void **state)
{
	struct dp *dp = *state;
	struct frame query = make_query(dp, 1450);
	struct frame sent = from_stack(query);
	struct frame out = frame_from(sent, dp->ip.host, 4000);

	set_mtu(dp, MTU);
	dp_ingress(dp, WEB, query);
	for (int at = 0; at < 1410; at += 480) {
		dp_egress(dp, UP, frame_cut(sent, at, 480));
		dp_expect_stack(dp, frame_cut(out, at, 480));
	}
	sent.ip_id = 7;
	dp_egress(dp, UP, frame_cut(sent, 480, 480));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
}

static void stack_sends_answers_of_a_published_port_translated(void **state)
{
	struct dp *dp = *state;
	struct frame in = frame_udp(dp->ip.client, 4000, dp->ip.host, 8080);
	struct frame answer = frame_reply(frame_to(in, dp->ip.web, 80));
	struct frame out;

	set_mtu(dp, MTU);
	dp_publish(dp, IPPROTO_UDP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, in);
	answer.payload = 1400;
	dp_ingress(dp, WEB, answer);
	expect_too_long(dp);
	answer = from_stack(answer);
	out = frame_from(answer, dp->ip.host, 8080);
	for (int at = 0; at < 1408; at += 1256) {
		dp_egress(dp, UP, frame_cut(answer, at, 1256));
		dp_expect_stack(dp, frame_cut(out, at, 1256));
	}
}

static void what_the_stack_sends_keeps_the_flow_alive(void **state)
{
	struct dp *dp = *state;
	struct frame query = make_query(dp, MTU + 1);
	struct flow flow;

	set_mtu(dp, MTU);
	dp_ingress(dp, WEB, query);
	assert_true(dp_flow(dp, query, &flow));
	assert_int_equal(flow.packets, 0);
	dp_flow_age(dp, query, 20);
	dp_egress(dp, UP, from_stack(query));

	assert_true(dp_flow(dp, query, &flow));
	assert_in_range(datapath_now() - flow.last_seen, 0, 1);
	assert_int_equal(flow.packets, 1);
	assert_int_equal(flow.seen, FLOW_SEEN);
	assert_int_equal(dp_endpoint(dp, SLOT_WEB).tx_packets, 1);
}

static void stack_sends_nothing_without_a_flow_of_the_uplink(void **state)
{
	struct dp *dp = *state;
	struct frame query = make_query(dp, 100);
	struct frame mates = frame_to(query, dp->ip.mate, 53);
	struct frame hosts = frame_udp(dp->ip.front, 4000, dp->ip.web, 53);

	dp_egress(dp, UP, from_stack(query));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
	/* A flow that leaves elsewhere, and one of the host. */
	dp_ingress(dp, WEB, mates);
	dp_egress(dp, UP, from_stack(mates));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
	dp_egress(dp, WEB, hosts);
	dp_egress(dp, UP, from_stack(hosts));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
}

static void stack_sends_nothing_of_a_denied_flow(void **state)
{
	struct dp *dp = *state;
	struct frame query = make_query(dp, 100);

	dp_ingress(dp, WEB, query);
	dp_rules(dp, { .id = 1, .from = { SELECT_ENDPOINT, .id = SLOT_WEB } });
	/* It has not been decided again yet, then it has. */
	dp_egress(dp, UP, from_stack(query));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
	dp_ingress(dp, WEB, query);
	dp_expect_dropped(dp, REASON_POLICY_DENY);
	dp_egress(dp, UP, from_stack(query));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(flow_learns_the_mtu_of_its_way_out),
		DP_TEST_BOTH(mtu_is_known_before_the_neighbour),
		DP_TEST_BOTH(packet_as_long_as_the_mtu_is_sent),
		DP_TEST_BOTH(longer_packet_goes_no_further),
		DP_TEST_BOTH(longer_answer_of_a_published_port_goes_no_further),
		DP_TEST_BOTH(longer_answer_that_nobody_may_cut_is_told),
		DP_TEST_BOTH(longer_fragment_goes_no_further),
		DP_TEST_BOTH(new_mtu_counts_at_once),
		DP_TEST_BOTH(length_between_containers_is_not_judged),
		DP_TEST_BOTH(tcp_is_judged_by_its_segments),
		DP_TEST_BOTH(udp_is_judged_by_its_segments),
		DP_TEST_BOTH(stack_sends_translated),
		DP_TEST_BOTH(stack_sends_fragments_translated),
		DP_TEST_BOTH(
			stack_sends_answers_of_a_published_port_translated),
		DP_TEST_BOTH(what_the_stack_sends_keeps_the_flow_alive),
		DP_TEST_BOTH(stack_sends_nothing_without_a_flow_of_the_uplink),
		DP_TEST_BOTH(stack_sends_nothing_of_a_denied_flow),
	};

	return dp_main(tests);
}
