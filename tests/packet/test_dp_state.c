/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_state - what a flow remembers: TCP's end, TTL, its way out */
#include "dp_answer.h"

#include <linux/pkt_cls.h>
#include <stdlib.h>

static struct frame syn_out(const struct dp *dp)
{
	return frame_tcp(dp->ip.web, 4000, dp->ip.server, 443);
}

/* The answer as it comes to the uplink. */
static struct frame answer_of(const struct dp *dp, struct frame frame,
			      __u8 tcp_flags)
{
	return frame_flags(
		frame_to(frame_reply(frame), dp->ip.host, frame.sport),
		tcp_flags);
}

/* ------------------------------------------------------- TCP's life */

/* A connection that has seen these flags in both directions. */
static void talk(struct dp *dp, __u8 client_flags, __u8 server_flags)
{
	dp_ingress(dp, WEB, syn_out(dp));
	dp_ingress(dp, UP, answer_of(dp, syn_out(dp), TCP_SYN | TCP_ACK));
	dp_ingress(dp, WEB, frame_flags(syn_out(dp), client_flags));
	dp_ingress(dp, UP, answer_of(dp, syn_out(dp), server_flags));
}

/* How often the flow that syn_out meets has been started. */
static __u64 starts(struct dp *dp)
{
	struct flow flow;

	assert_int_equal(dp->why, REASON_FORWARDED);
	assert_true(dp_flow(dp, syn_out(dp), &flow));
	assert_int_equal(dp_flow_entries(dp), 2);
	return dp_stats(dp).created;
}

static void syn_after_the_end_starts_a_new_flow(void **state)
{
	static const __u8 ends[][2] = {
		{ TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK },
		{ TCP_FIN | TCP_ACK, TCP_ACK },
		{ TCP_ACK, TCP_FIN | TCP_ACK },
		{ TCP_RST, TCP_ACK },
		{ TCP_ACK, TCP_RST | TCP_ACK },
	};
	struct dp *dp = *state;
	struct flow flow;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		dp_tables_reset(dp);
		talk(dp, ends[i][0], ends[i][1]);
		assert_int_equal(starts(dp), 1);

		dp_ingress(dp, WEB, syn_out(dp));
		assert_int_equal(starts(dp), 2);
		assert_true(dp_flow(dp, syn_out(dp), &flow));
		assert_int_equal(flow.packets, 1);
		assert_int_equal(flow.seen, FLOW_SEEN | FLOW_SEEN_SYN);
	}
}

static void syn_after_the_end_is_decided_by_the_policy(void **state)
{
	struct dp *dp = *state;

	talk(dp, TCP_RST, TCP_ACK);
	dp_network_flags(dp, NETWORK_FRONT, NETWORK_INTERNAL);
	dp_ingress(dp, WEB, syn_out(dp));

	dp_expect_dropped(dp, REASON_INTERNAL_NETWORK);
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void syn_again_is_the_same_flow(void **state)
{
	struct dp *dp = *state;

	talk(dp, TCP_ACK, TCP_ACK);
	dp_ingress(dp, WEB, syn_out(dp));

	assert_int_equal(starts(dp), 1);
}

static void syn_ack_after_the_end_is_the_same_flow(void **state)
{
	struct dp *dp = *state;
	struct frame both = frame_flags(syn_out(dp), TCP_SYN | TCP_ACK);

	talk(dp, TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK);
	dp_ingress(dp, WEB, both);
	assert_int_equal(starts(dp), 1);
	dp_ingress(dp, UP, answer_of(dp, syn_out(dp), TCP_SYN | TCP_ACK));
	assert_int_equal(starts(dp), 1);
}

/* The peer may not have got it: the last ACKs still find their way. */
static void reset_and_fin_leave_the_flow(void **state)
{
	struct dp *dp = *state;
	struct frame ack = frame_flags(syn_out(dp), TCP_ACK);

	talk(dp, TCP_FIN | TCP_ACK, TCP_RST);
	dp_ingress(dp, WEB, ack);

	dp_expect_sent(dp, frame_out(frame_from(ack, dp->ip.host, 4000)));
	assert_int_equal(starts(dp), 1);
}

static void traffic_after_a_reset_shows_that_it_was_none(void **state)
{
	struct dp *dp = *state;
	struct frame ack = frame_flags(syn_out(dp), TCP_ACK);
	struct frame answer = answer_of(dp, syn_out(dp), TCP_ACK);
	struct flow flow;

	talk(dp, TCP_ACK, TCP_RST | TCP_ACK);
	dp_ingress(dp, UP, answer);

	/* Idle for longer than a connection that was reset may be. */
	dp_flow_age(dp, ack, dp->config->tcp_reset + 5);
	dp_flow_age(dp, answer, dp->config->tcp_reset + 5);
	assert_int_equal(dp_gc(dp, 0).expired, 0);
	assert_true(dp_flow(dp, answer, &flow));
	assert_int_equal(flow.seen & FLOW_SEEN_RST, 0);

	/* It is the direction of the reset that has to show it. */
	dp_ingress(dp, UP, answer_of(dp, syn_out(dp), TCP_RST | TCP_ACK));
	dp_ingress(dp, WEB, ack);
	dp_flow_age(dp, ack, dp->config->tcp_reset + 5);
	dp_flow_age(dp, answer, dp->config->tcp_reset + 5);
	assert_int_equal(dp_gc(dp, 0).expired, 1);
}

static void each_direction_remembers_its_own_flags(void **state)
{
	struct dp *dp = *state;
	struct flow flow;

	talk(dp, TCP_FIN | TCP_ACK, TCP_RST);

	assert_true(dp_flow(dp, syn_out(dp), &flow));
	assert_int_equal(flow.seen, FLOW_SEEN | FLOW_SEEN_SYN | FLOW_SEEN_ACK |
					    FLOW_SEEN_FIN);
	assert_true(dp_flow(dp, answer_of(dp, syn_out(dp), 0), &flow));
	assert_int_equal(flow.seen, FLOW_SEEN | FLOW_SEEN_SYN | FLOW_SEEN_RST);
}

/* ------------------------------------------------------------- owners */

static void flow_of_an_endpoint_that_is_gone_is_a_miss(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	dp_ingress(dp, WEB, udp);
	dp_address_del(dp, dp->ip.mate);
	datapath_bump(dp->datapath);
	dp_ingress(dp, WEB, udp);

	dp_expect_told(dp, REASON_NO_ROUTE, dp->ip.front, 0);
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void flow_of_an_address_that_moved_is_a_miss(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.db, 53);

	dp->config->inter = RULE_ALLOW;
	dp_ingress(dp, WEB, udp);
	dp_expect_sent(dp, frame_into(udp, DB));
	dp_address_set(dp, dp->ip.db, MATE);
	datapath_bump(dp->datapath);
	dp_ingress(dp, WEB, udp);

	dp_expect_sent(dp, frame_switched(udp, WEB, MATE));
	assert_int_equal(dp_flow_entries(dp), 2);
}

/* The owner of the address that the answers go to. */
static void flow_of_a_client_that_moved_is_a_miss(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);
	struct flow flow;

	dp_ingress(dp, WEB, udp);
	dp_address_set(dp, dp->ip.web, DB);
	datapath_bump(dp->datapath);
	dp_ingress(dp, MATE, frame_reply(udp));

	dp_expect_dropped(dp, REASON_POLICY_DEFAULT); /* a new flow to db */
	assert_false(dp_flow(dp, udp, &flow));
}

/* ----------------------------------------------------------------- TTL */

static void last_hop_of_a_container_is_told_by_its_gateway(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);

	for (udp.ttl = 0; udp.ttl < 2; udp.ttl++) {
		dp_tables_reset(dp);
		dp_ingress(dp, WEB, udp);
		dp_expect_told(dp, REASON_TTL, dp->ip.front, 0);
		assert_int_equal(dp_flow_entries(dp), 0);
	}

	udp.ttl = 2;
	dp_ingress(dp, WEB, udp);
	dp_expect_sent(dp, frame_out(frame_from(udp, dp->ip.host, 4000)));
	udp.ttl = 1;
	dp_ingress(dp, WEB, udp);
	dp_expect_told(dp, REASON_TTL, dp->ip.front, 0);
}

/* By the address that it wrote to: of the container it knows nothing. */
static void last_hop_from_outside_is_told_by_the_host(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.client, 4000, dp->ip.host, 53);

	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 53);
	udp.ttl = 1;
	dp_ingress(dp, UP, udp);
	dp_expect_told(dp, REASON_TTL, dp->ip.host, 0);
	assert_int_equal(dp_flow_entries(dp), 0);

	udp.ttl = 2;
	dp_ingress(dp, UP, udp);
	dp_expect_sent(dp, frame_into(frame_to(udp, dp->ip.web, 53), WEB));
	udp.ttl = 1;
	dp_ingress(dp, UP, udp);
	dp_expect_told(dp, REASON_TTL, dp->ip.host, 0);
}

static void last_hop_to_a_published_port_is_told_by_the_gateway(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.mate, 4000, dp->ip.host, 53);

	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 53);
	udp.ttl = 1;
	dp_ingress(dp, MATE, udp);
	dp_expect_told(dp, REASON_TTL, dp->ip.front, 0);

	udp.ttl = 2;
	dp_ingress(dp, MATE, udp);
	dp_expect_sent(dp, frame_into(frame_to(udp, dp->ip.web, 53), WEB));
}

static void last_hop_of_an_answer_from_outside_is_told_by_the_host(void **state)
{
	struct dp *dp = *state;
	struct frame answer;

	dp_ingress(dp, WEB, syn_out(dp));
	answer = answer_of(dp, syn_out(dp), TCP_SYN | TCP_ACK);
	answer.ttl = 1;
	dp_ingress(dp, UP, answer);

	dp_expect_told(dp, REASON_TTL, dp->ip.host, 0);
}

/* -------------------------------------------------------- the way out */

static void change_hop(struct dp *dp, struct frame frame, enum node dmac)
{
	struct flow flow;

	assert_true(dp_flow(dp, frame, &flow));
	memcpy(flow.dmac, node_mac(dmac), sizeof(flow.dmac));
	dp_flow_set(dp, frame, &flow);
}

static void next_hop_is_found_again_when_routes_change(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_out(dp);
	struct frame out = frame_out(frame_from(syn, dp->ip.host, 4000));
	struct flow flow;

	dp_ingress(dp, WEB, syn);
	change_hop(dp, syn, STRANGER);
	out.dmac = STRANGER;
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, out);

	datapath_bump_routes(dp->datapath);
	out.dmac = ROUTER;
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, out);
	assert_true(dp_flow(dp, syn, &flow));
	assert_int_equal(flow.route_generation, dp->config->route_generation);
}

static void way_back_of_an_inbound_flow_is_found_by_its_answer(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.host, 80);
	struct frame answer = frame_reply(frame_to(syn, dp->ip.web, 80));
	struct flow flow;

	dp_publish(dp, IPPROTO_TCP, NULL, 80, WEB, 80);
	dp_ingress(dp, UP, syn);
	assert_true(dp_flow(dp, answer, &flow));
	assert_int_not_equal(flow.route_generation,
			     dp->config->route_generation);

	dp_ingress(dp, WEB, answer);
	dp_expect_sent(dp, frame_out(frame_reply(syn)));
	assert_true(dp_flow(dp, answer, &flow));
	assert_int_equal(flow.route_generation, dp->config->route_generation);
	assert_int_equal(flow.out_ifindex, dp->ifindex[UP]);
}

static void way_back_by_no_uplink_is_closed(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.lan, 5000, dp->ip.host, 80);
	struct frame inside = frame_to(syn, dp->ip.web, 80);

	dp_publish(dp, IPPROTO_TCP, NULL, 80, WEB, 80);
	dp_ingress(dp, UP, syn);
	dp_expect_sent(dp, frame_into(inside, WEB));
	dp_ingress(dp, WEB, frame_reply(inside));

	dp_expect_told(dp, REASON_NO_UPLINK, dp->ip.front, 0);
}

static void flow_without_a_route_waits_for_one(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_out(dp);
	bool v6 = strchr(dp->ip.web, ':');

	dp_ingress(dp, WEB, syn);
	assert_int_equal(
		system(v6 ? "ip -6 route del default" : "ip route del default"),
		0);
	datapath_bump_routes(dp->datapath);
	dp_ingress(dp, WEB, syn);
	dp_expect_told(dp, REASON_NO_ROUTE, dp->ip.front, 0);
	assert_int_equal(dp_flow_entries(dp), 2);

	assert_int_equal(
		system(v6 ? "ip route add default via 2001:db8:51::fe" :
			    "ip route add default via 198.51.100.254"),
		0);
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_out(frame_from(syn, dp->ip.host, 4000)));
}

/* The kernel finds an unknown neighbour by itself, for every packet. */
static void unknown_neighbour_is_looked_up_again(void **state)
{
	struct dp *dp = *state;
	const char *neighbour =
		strchr(dp->ip.web, ':') ? "2001:db8:51::77" : "198.51.100.77";
	struct frame syn = frame_to(syn_out(dp), neighbour, 443);
	struct frame out = frame_out(frame_from(syn, dp->ip.host, 4000));
	char command[128];

	dp_ingress(dp, WEB, syn);
	assert_int_equal(dp->why, REASON_FORWARDED);
	assert_int_equal(dp->verdict, TC_ACT_REDIRECT);

	snprintf(command, sizeof(command),
		 "ip neigh replace %s dev up lladdr 02:00:5e:00:00:%02x",
		 neighbour, STRANGER);
	assert_int_equal(system(command), 0);
	out.dmac = STRANGER;
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, out);
	snprintf(command, sizeof(command), "ip neigh del %s dev up", neighbour);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(syn_after_the_end_starts_a_new_flow),
		DP_TEST_BOTH(syn_after_the_end_is_decided_by_the_policy),
		DP_TEST_BOTH(syn_again_is_the_same_flow),
		DP_TEST_BOTH(syn_ack_after_the_end_is_the_same_flow),
		DP_TEST_BOTH(reset_and_fin_leave_the_flow),
		DP_TEST_BOTH(traffic_after_a_reset_shows_that_it_was_none),
		DP_TEST_BOTH(each_direction_remembers_its_own_flags),
		DP_TEST_BOTH(flow_of_an_endpoint_that_is_gone_is_a_miss),
		DP_TEST_BOTH(flow_of_an_address_that_moved_is_a_miss),
		DP_TEST_BOTH(flow_of_a_client_that_moved_is_a_miss),
		DP_TEST_BOTH(last_hop_of_a_container_is_told_by_its_gateway),
		DP_TEST_BOTH(last_hop_from_outside_is_told_by_the_host),
		DP_TEST_BOTH(
			last_hop_to_a_published_port_is_told_by_the_gateway),
		DP_TEST_BOTH(
			last_hop_of_an_answer_from_outside_is_told_by_the_host),
		DP_TEST_BOTH(next_hop_is_found_again_when_routes_change),
		DP_TEST_BOTH(
			way_back_of_an_inbound_flow_is_found_by_its_answer),
		DP_TEST_BOTH(way_back_by_no_uplink_is_closed),
		DP_TEST_BOTH(flow_without_a_route_waits_for_one),
		DP_TEST_BOTH(unknown_neighbour_is_looked_up_again),
	};

	return dp_main(tests);
}
