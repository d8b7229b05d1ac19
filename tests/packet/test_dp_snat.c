/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_snat - masquerade: addresses, ports, checksums, exhaustion */
#include "dp_answer.h"

#define HOPELESS (SNAT_RETRY_BUCKETS - 1)

/* Sends it and returns the port that it left with, after comparing all of the
 * frame with what that port makes of it. */
static __u16 masquerade(struct dp *dp, enum node node, struct frame frame)
{
	__u16 port;

	dp_ingress(dp, node, frame);
	port = dp_out_port(dp);
	dp_expect_sent(dp, frame_out(frame_from(frame, dp->ip.host, port)));
	return port;
}

static void set_ports(struct dp *dp, __u16 min, __u16 max)
{
	dp->config->snat_port_min = min;
	dp->config->snat_port_max = max;
}

/* ------------------------------------------------------- whole frames */

static void tcp_leaves_with_the_uplinks_address(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.server, 443);

	for (int i = 0; i < 2; i++) {
		dp_ingress(dp, WEB, syn);

		dp_expect_sent(dp,
			       frame_out(frame_from(syn, dp->ip.host, 4000)));
	}
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void tcp_answer_comes_back_to_the_client(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 40000, dp->ip.server, 443);
	struct frame answer = frame_reply(syn);
	__u16 port = masquerade(dp, WEB, syn);

	assert_int_not_equal(port, 40000);
	dp_ingress(dp, UP, frame_to(answer, dp->ip.host, port));

	dp_expect_sent(dp, frame_into(answer, WEB));
}

static void udp_is_translated_both_ways(void **state)
{
	struct dp *dp = *state;
	struct frame query = frame_udp(dp->ip.web, 40000, dp->ip.server, 53);
	struct frame answer = frame_reply(query);
	__u16 port = masquerade(dp, WEB, query);

	dp_ingress(dp, UP, frame_to(answer, dp->ip.host, port));

	dp_expect_sent(dp, frame_into(answer, WEB));
}

static void udp_without_checksum_stays_without(void **state)
{
	struct dp *dp = *state;
	struct frame query = frame_udp(dp->ip.web, 40000, dp->ip.server, 53);
	struct frame answer;
	__u16 port;

	query.no_checksum = true;
	answer = frame_reply(query);
	port = masquerade(dp, WEB, query);
	assert_memory_equal(dp->out + ETH_HLEN + frame_l3_len(&query) + 6,
			    "\0\0", 2);

	dp_ingress(dp, UP, frame_to(answer, dp->ip.host, port));
	dp_expect_sent(dp, frame_into(answer, WEB));
}

/* The salt makes the sum of the translated datagram zero, which RFC 768 sends
 * as all ones: zero would mean that there is no checksum. */
static void udp_checksum_that_becomes_zero_is_sent_as_ones(void **state)
{
	struct dp *dp = *state;
	struct frame query = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);
	size_t check = ETH_HLEN + (strchr(dp->ip.web, ':') ? 40 : 20) + 6;
	struct frame out;
	__u8 bytes[FRAME_MAX];

	for (__u32 salt = 0; salt <= 0xffff; salt++) {
		query.salt = salt;
		out = frame_from(query, dp->ip.host, 4000);
		frame_build(&out, bytes);
		if (bytes[check] == 0xff && bytes[check + 1] == 0xff)
			break;
	}
	assert_memory_equal(bytes + check, "\xff\xff", 2);
	dp_ingress(dp, WEB, query);

	dp_expect_sent(dp, frame_out(out));
}

static void echo_is_translated_both_ways(void **state)
{
	struct dp *dp = *state;
	struct frame ping = frame_echo(dp->ip.web, dp->ip.server, 7);
	struct frame pong = frame_reply(ping);

	assert_int_equal(masquerade(dp, WEB, ping), 7);
	dp_ingress(dp, UP, frame_to(pong, dp->ip.host, 0));

	dp_expect_sent(dp, frame_into(pong, WEB));
}

/* An identifier is not a port: below and above the range of ports, too. */
static void echo_keeps_any_identifier(void **state)
{
	static const __u16 ids[] = { 1, 80, DP_PORT_MAX + 1, 0xffff };
	struct dp *dp = *state;

	dp_publish(dp, IPPROTO_TCP, NULL, 80, WEB, 80);
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		assert_int_equal(masquerade(dp, WEB,
					    frame_echo(dp->ip.web,
						       dp->ip.server, ids[i])),
				 ids[i]);
}

static void two_containers_ping_with_the_same_identifier(void **state)
{
	struct dp *dp = *state;
	struct frame one = frame_echo(dp->ip.web, dp->ip.server, 7);
	struct frame two = frame_echo(dp->ip.mate, dp->ip.server, 7);
	struct frame pong;
	__u16 id;

	assert_int_equal(masquerade(dp, WEB, one), 7);
	id = masquerade(dp, MATE, two);
	assert_int_not_equal(id, 7);

	pong = frame_reply(frame_from(two, dp->ip.host, id));
	dp_ingress(dp, UP, pong);
	dp_expect_sent(dp, frame_into(frame_reply(two), MATE));
	dp_ingress(dp, UP, frame_reply(frame_from(one, dp->ip.host, 7)));
	dp_expect_sent(dp, frame_into(frame_reply(one), WEB));
}

/* What has no identifier is not the answer to an echo without one: it is the
 * host's. */
static void other_icmp_does_not_meet_an_echo_with_identifier_zero(void **state)
{
	struct dp *dp = *state;
	struct frame ping = frame_echo(dp->ip.web, dp->ip.server, 0);
	struct frame other = frame_echo(dp->ip.server, dp->ip.host, 0);

	other.icmp_type = strchr(dp->ip.web, ':') ? 138 : 14;
	masquerade(dp, WEB, ping);
	dp_ingress(dp, UP, other);
	dp_expect_passed(dp, REASON_TO_STACK);

	other = frame_from(frame_to(other, dp->ip.server, 0), dp->ip.web, 0);
	dp_ingress(dp, WEB, other);
	dp_expect_dropped(dp, REASON_PROTOCOL);
}

/* ------------------------------------------------------ choice of port */

static void port_inside_the_range_is_kept(void **state)
{
	static const __u16 ports[] = { DP_PORT_MIN, 4000, DP_PORT_MAX };
	struct dp *dp = *state;

	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		assert_int_equal(masquerade(dp, WEB,
					    frame_tcp(dp->ip.web, ports[i],
						      dp->ip.server, 443)),
				 ports[i]);
	assert_int_equal(dp_stats(dp).snat_allocated, 3);
	assert_int_equal(dp_stats(dp).snat_retries[0], 3);
}

static void port_outside_the_range_is_replaced_by_one_inside(void **state)
{
	static const __u16 ports[] = { 1, DP_PORT_MIN - 1, DP_PORT_MAX + 1,
				       0xffff };
	struct dp *dp = *state;

	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		struct frame syn =
			frame_tcp(dp->ip.web, ports[i], dp->ip.server, 443);

		assert_in_range(masquerade(dp, WEB, syn), DP_PORT_MIN,
				DP_PORT_MAX);
	}
}

static void taken_port_is_not_given_again(void **state)
{
	struct dp *dp = *state;
	struct frame one = frame_tcp(dp->ip.web, 4000, dp->ip.server, 443);
	struct frame two = frame_tcp(dp->ip.mate, 4000, dp->ip.server, 443);
	__u16 port;

	assert_int_equal(masquerade(dp, WEB, one), 4000);
	port = masquerade(dp, MATE, two);
	assert_int_not_equal(port, 4000);
	assert_int_equal(dp_stats(dp).snat_retries[1], 1);

	dp_ingress(dp, UP, frame_to(frame_reply(two), dp->ip.host, port));
	dp_expect_sent(dp, frame_into(frame_reply(two), MATE));
	dp_ingress(dp, UP, frame_to(frame_reply(one), dp->ip.host, 4000));
	dp_expect_sent(dp, frame_into(frame_reply(one), WEB));
}

static void same_port_serves_two_destinations(void **state)
{
	struct dp *dp = *state;

	assert_int_equal(
		masquerade(dp, WEB,
			   frame_tcp(dp->ip.web, 4000, dp->ip.server, 443)),
		4000);
	assert_int_equal(
		masquerade(dp, MATE,
			   frame_tcp(dp->ip.mate, 4000, dp->ip.server2, 443)),
		4000);
}

/* RFC 4787 REQ-1: the mapping does not depend on the destination. */
static void one_socket_has_one_port_towards_every_server(void **state)
{
	struct dp *dp = *state;
	__u16 port;

	for (__u16 sport = 40000; sport < 40008; sport++) {
		port = masquerade(
			dp, WEB,
			frame_udp(dp->ip.web, sport, dp->ip.server, 3478));
		assert_int_equal(masquerade(dp, WEB,
					    frame_udp(dp->ip.web, sport,
						      dp->ip.server2, 3479)),
				 port);
	}
}

/* Otherwise clients of one image would all walk the same way. */
static void clients_with_the_same_port_start_elsewhere(void **state)
{
	struct dp *dp = *state;
	__u16 one = masquerade(dp, WEB,
			       frame_udp(dp->ip.web, 40000, dp->ip.server, 53));
	__u16 two = masquerade(
		dp, MATE, frame_udp(dp->ip.mate, 40000, dp->ip.server2, 53));

	assert_int_not_equal(one, two);
}

/* The first and the last port of the range are in it, and no other is. */
static void every_port_of_a_range_is_given_once(void **state)
{
	static const __u16 sizes[] = { 1, 2, 3, 5, 9, 15, 16, 45 };
	struct dp *dp = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		bool given[64] = { false };
		struct frame syn;
		__u16 port;

		set_ports(dp, 2000, 2000 + sizes[i] - 1);
		for (int client = 0; client < sizes[i]; client++) {
			syn = frame_tcp(dp->ip.web, 40000 + client,
					dp->ip.server, 5000 + i);
			port = masquerade(dp, WEB, syn);
			assert_in_range(port, 2000, 2000 + sizes[i] - 1);
			assert_false(given[port - 2000]);
			given[port - 2000] = true;
		}
		dp_ingress(dp, WEB, frame_from(syn, dp->ip.web, 50000));
		dp_expect_dropped(dp, REASON_SNAT_EXHAUSTED);
	}
}

static void published_port_is_never_taken(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 8080, dp->ip.server, 443);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, MATE, 80);
	dp_publish(dp, IPPROTO_TCP, dp->ip.host, 2000, MATE, 80);
	assert_int_not_equal(masquerade(dp, WEB, syn), 8080);

	set_ports(dp, 2000, 2001);
	assert_int_equal(
		masquerade(dp, WEB, frame_from(syn, dp->ip.web, 40000)), 2001);
	dp_ingress(dp, WEB, frame_from(syn, dp->ip.web, 40001));
	dp_expect_dropped(dp, REASON_SNAT_EXHAUSTED);
	/* A port of TCP only: UDP may have it. */
	syn.proto = IPPROTO_UDP;
	syn.tcp_flags = 0;
	assert_int_equal(masquerade(dp, WEB, frame_from(syn, dp->ip.web, 2000)),
			 2000);
}

/* ---------------------------------------------------------- exhaustion */

static void exhaustion_is_counted_and_leaves_nothing(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 40000, dp->ip.server, 443);
	struct flow_stats stats;

	set_ports(dp, 2000, 2000);
	assert_int_equal(masquerade(dp, WEB, syn), 2000);
	dp_ingress(dp, WEB, frame_from(syn, dp->ip.web, 40001));
	dp_expect_dropped(dp, REASON_SNAT_EXHAUSTED);

	stats = dp_stats(dp);
	assert_int_equal(stats.snat_allocated, 1);
	assert_int_equal(stats.snat_failed, 1);
	assert_int_equal(stats.snat_retries[HOPELESS], 1);
	assert_int_equal(stats.created, 1);
	assert_int_equal(dp_flow_entries(dp), 2);
	assert_int_equal(
		dp_endpoint(dp, SLOT_WEB).reasons[REASON_SNAT_EXHAUSTED], 1);
	/* Towards another server the port is free. */
	assert_int_equal(
		masquerade(dp, WEB, frame_to(syn, dp->ip.server2, 443)), 2000);
}

/* Bucket n counts 2^(n-1) to 2^n - 1 retries. */
static void histogram_adds_up_to_the_allocations(void **state)
{
	struct dp *dp = *state;
	struct flow_stats stats;
	__u64 total = 0;

	set_ports(dp, 2000, 2255);
	for (__u16 i = 0; i < 256; i++)
		masquerade(
			dp, WEB,
			frame_tcp(dp->ip.web, 40000 + i, dp->ip.server, 443));

	stats = dp_stats(dp);
	for (int i = 0; i < HOPELESS; i++)
		total += stats.snat_retries[i];
	assert_int_equal(total, 256);
	assert_int_equal(stats.snat_allocated, 256);
	assert_int_equal(stats.snat_failed, 0);
	/* The last clients have to look at most ports of the range. */
	assert_true(stats.snat_retries[HOPELESS - 1] > 0);
}

static void full_table_is_not_called_exhaustion(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.server, 443);

	dp->config->flows_max = 0;
	dp_ingress(dp, WEB, syn);

	dp_expect_dropped(dp, REASON_FLOWS_FULL);
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* ------------------------------------------------------------- changes */

static void flow_of_an_old_uplink_address_dies_at_once(void **state)
{
	static const char new_v4[] = "198.51.100.9",
			  new_v6[] = "2001:db8:51::9";
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.server, 443);
	struct frame ack = frame_flags(syn, TCP_ACK);
	const char *new_host = strchr(dp->ip.web, ':') ? new_v6 : new_v4;

	masquerade(dp, WEB, syn);
	dp_uplink(dp, new_v4, new_v6);
	dp_local_add(dp, new_host);
	datapath_bump(dp->datapath);

	dp_ingress(dp, WEB, ack);
	dp_expect_sent(dp, frame_out(frame_from(ack, new_host, 4000)));
	/* Nothing listens for the old one's answers any more. */
	dp_ingress(dp, UP, frame_to(frame_reply(syn), dp->ip.host, 4000));
	dp_expect_passed(dp, REASON_TO_STACK);
	assert_int_equal(dp_flow_entries(dp), 2);
}

/* The server remembers the connection for a while: nobody else gets its port,
 * and what comes late is not the host's. */
static void port_of_a_closing_flow_outlives_its_container(void **state)
{
	static const __u8 ends[][2] = {
		{ TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK },
		{ TCP_ACK, TCP_RST | TCP_ACK },
	};
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.server, 443);
	struct frame answer = frame_to(frame_reply(syn), dp->ip.host, 4000);
	struct frame other = frame_tcp(dp->ip.mate, 4000, dp->ip.server, 443);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		dp_tables_reset(dp);
		masquerade(dp, WEB, syn);
		dp_ingress(dp, UP, answer);
		dp_ingress(dp, WEB, frame_flags(syn, ends[i][0]));
		dp_ingress(dp, UP, frame_flags(answer, ends[i][1]));

		dp_address_del(dp, dp->ip.web);
		datapath_bump(dp->datapath);
		dp_gc(dp, SLOT_WEB);
		assert_int_not_equal(masquerade(dp, MATE, other), 4000);
		dp_ingress(dp, UP, frame_flags(answer, TCP_ACK));
		dp_expect_dropped(dp, REASON_NO_ROUTE);

		/* Nor does an endpoint made again with its slot and address. */
		dp_address_set(dp, dp->ip.web, WEB);
		datapath_bump(dp->datapath);
		assert_int_not_equal(masquerade(dp, WEB, syn), 4000);
		dp_gc(dp, SLOT_WEB);
		dp_gc(dp, SLOT_MATE);

		dp_flow_age(dp, answer, dp->config->tcp_closing + 1);
		assert_int_equal(dp_gc(dp, 0).expired, 1);
		assert_int_equal(masquerade(dp, MATE, other), 4000);
	}
}

static void port_of_an_open_flow_goes_with_its_container(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.server, 443);
	struct frame answer = frame_to(frame_reply(syn), dp->ip.host, 4000);

	masquerade(dp, WEB, syn);
	dp_ingress(dp, UP, answer);
	dp_ingress(dp, WEB, frame_flags(syn, TCP_FIN | TCP_ACK));
	dp_gc(dp, SLOT_WEB);

	assert_int_equal(dp_flow_entries(dp), 0);
}

static void uplink_without_an_address_lets_nothing_out(void **state)
{
	struct dp *dp = *state;

	dp_uplink(dp, NULL, NULL);
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, 4000, dp->ip.server, 443));

	dp_expect_told(dp, REASON_UNTRANSLATED_EGRESS, dp->ip.front, 0);
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void network_without_masquerade_lets_nothing_out(void **state)
{
	struct dp *dp = *state;

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_NO_MASQUERADE);
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, 4000, dp->ip.server, 443));
	dp_expect_told(dp, REASON_UNTRANSLATED_EGRESS, dp->ip.front, 0);

	dp_ingress(dp, DB, frame_tcp(dp->ip.db, 4000, dp->ip.server, 443));
	dp_expect_sent(dp, frame_out(frame_from(frame_tcp(dp->ip.db, 4000,
							  dp->ip.server, 443),
						dp->ip.host, 4000)));
}

static void device_that_is_no_uplink_gets_nothing(void **state)
{
	struct dp *dp = *state;

	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, 4000, dp->ip.lan, 443));

	dp_expect_told(dp, REASON_NO_UPLINK, dp->ip.front, 0);
}

static void unreachable_destination_is_no_route(void **state)
{
	struct dp *dp = *state;

	dp_ingress(dp, WEB,
		   frame_tcp(dp->ip.web, 4000, dp->ip.unreachable, 443));

	dp_expect_told(dp, REASON_NO_ROUTE, dp->ip.front, 0);
}

static void protocol_without_ports_is_not_masqueraded(void **state)
{
	struct dp *dp = *state;
	struct frame gre = frame_udp(dp->ip.web, 0, dp->ip.server, 0);

	gre.proto = IPPROTO_GRE;
	dp_ingress(dp, WEB, gre);

	dp_expect_dropped(dp, REASON_PROTOCOL);
	assert_int_equal(dp_flow_entries(dp), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(tcp_leaves_with_the_uplinks_address),
		DP_TEST_BOTH(tcp_answer_comes_back_to_the_client),
		DP_TEST_BOTH(udp_is_translated_both_ways),
		DP_TEST_BOTH(udp_without_checksum_stays_without),
		DP_TEST_BOTH(udp_checksum_that_becomes_zero_is_sent_as_ones),
		DP_TEST_BOTH(echo_is_translated_both_ways),
		DP_TEST_BOTH(echo_keeps_any_identifier),
		DP_TEST_BOTH(two_containers_ping_with_the_same_identifier),
		DP_TEST_BOTH(
			other_icmp_does_not_meet_an_echo_with_identifier_zero),
		DP_TEST_BOTH(port_inside_the_range_is_kept),
		DP_TEST_BOTH(port_outside_the_range_is_replaced_by_one_inside),
		DP_TEST_BOTH(taken_port_is_not_given_again),
		DP_TEST_BOTH(same_port_serves_two_destinations),
		DP_TEST_BOTH(one_socket_has_one_port_towards_every_server),
		DP_TEST_BOTH(clients_with_the_same_port_start_elsewhere),
		DP_TEST_BOTH(every_port_of_a_range_is_given_once),
		DP_TEST_BOTH(published_port_is_never_taken),
		DP_TEST_BOTH(exhaustion_is_counted_and_leaves_nothing),
		DP_TEST_BOTH(histogram_adds_up_to_the_allocations),
		DP_TEST_BOTH(full_table_is_not_called_exhaustion),
		DP_TEST_BOTH(flow_of_an_old_uplink_address_dies_at_once),
		DP_TEST_BOTH(port_of_a_closing_flow_outlives_its_container),
		DP_TEST_BOTH(port_of_an_open_flow_goes_with_its_container),
		DP_TEST_BOTH(uplink_without_an_address_lets_nothing_out),
		DP_TEST_BOTH(network_without_masquerade_lets_nothing_out),
		DP_TEST_BOTH(device_that_is_no_uplink_gets_nothing),
		DP_TEST_BOTH(unreachable_destination_is_no_route),
		DP_TEST_BOTH(protocol_without_ports_is_not_masqueraded),
	};

	return dp_main(tests);
}
