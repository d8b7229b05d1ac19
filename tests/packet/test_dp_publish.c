/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_publish - published ports: who gets in, and whom they reach */
#include "dp.h"

/* A request of the client on the internet to the host's address. */
static struct frame request(const struct dp *dp, __u8 proto, __u16 port)
{
	if (proto == IPPROTO_UDP)
		return frame_udp(dp->ip.client, 5000, dp->ip.host, port);
	return frame_tcp(dp->ip.client, 5000, dp->ip.host, port);
}

/* ------------------------------------------------------- whole frames */

static void tcp_reaches_the_container_from_outside(void **state)
{
	struct dp *dp = *state;
	struct frame syn = request(dp, IPPROTO_TCP, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	for (int i = 0; i < 2; i++) {
		dp_ingress(dp, UP, syn);

		dp_expect_sent(dp,
			       frame_into(frame_to(syn, dp->ip.web, 80), WEB));
	}
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void answer_leaves_with_the_published_address(void **state)
{
	struct dp *dp = *state;
	struct frame syn = request(dp, IPPROTO_TCP, 8080);
	struct frame answer = frame_reply(frame_to(syn, dp->ip.web, 80));

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, syn);
	for (int i = 0; i < 2; i++) {
		dp_ingress(dp, WEB, answer);

		dp_expect_sent(
			dp, frame_out(frame_from(answer, dp->ip.host, 8080)));
	}
	/* An answer is not masqueraded. */
	assert_int_equal(dp_stats(dp).snat_allocated, 0);
}

static void udp_is_translated_both_ways(void **state)
{
	struct dp *dp = *state;
	struct frame query = request(dp, IPPROTO_UDP, 53);
	struct frame inside = frame_to(query, dp->ip.db, 5353);

	dp_publish(dp, IPPROTO_UDP, NULL, 53, DB, 5353);
	dp_ingress(dp, UP, query);
	dp_expect_sent(dp, frame_into(inside, DB));

	dp_ingress(dp, DB, frame_reply(inside));
	dp_expect_sent(dp, frame_out(frame_reply(query)));
}

static void udp_without_checksum_stays_without(void **state)
{
	struct dp *dp = *state;
	struct frame query = request(dp, IPPROTO_UDP, 53);
	struct frame inside;

	query.no_checksum = true;
	inside = frame_to(query, dp->ip.web, 5353);
	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 5353);
	dp_ingress(dp, UP, query);
	dp_expect_sent(dp, frame_into(inside, WEB));

	dp_ingress(dp, WEB, frame_reply(inside));
	dp_expect_sent(dp, frame_out(frame_reply(query)));
}

/* ------------------------------------------------- which one answers */

static void exact_address_beats_any(void **state)
{
	struct dp *dp = *state;
	struct frame syn = request(dp, IPPROTO_TCP, 8080);
	struct frame other = frame_to(syn, dp->ip.server2, 8080);

	dp_local_add(dp, dp->ip.server2);
	dp_publish(dp, IPPROTO_TCP, dp->ip.host, 8080, WEB, 80);
	dp_publish(dp, IPPROTO_TCP, NULL, 8080, MATE, 81);

	dp_ingress(dp, UP, syn);
	dp_expect_sent(dp, frame_into(frame_to(syn, dp->ip.web, 80), WEB));
	dp_ingress(dp, UP, other);
	dp_expect_sent(dp, frame_into(frame_to(other, dp->ip.mate, 81), MATE));
}

static void other_port_and_protocol_stay_the_hosts(void **state)
{
	struct dp *dp = *state;

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);

	dp_ingress(dp, UP, request(dp, IPPROTO_TCP, 8081));
	dp_expect_passed(dp, REASON_TO_STACK);
	dp_ingress(dp, UP, request(dp, IPPROTO_UDP, 8080));
	dp_expect_passed(dp, REASON_TO_STACK);
	dp_ingress(dp, UP, frame_echo(dp->ip.client, dp->ip.host, 8080));
	dp_expect_passed(dp, REASON_TO_STACK);
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* A range is an entry for each port: its ends are in it, what is beside them is
 * the host's. The first and the last port of all are ports like any other. */
static void range_is_published_from_its_first_to_its_last_port(void **state)
{
	static const struct {
		__u16 first, last, backend;
	} ranges[] = { { 1, 3, 101 },
		       { 8000, 8003, 80 },
		       { 65533, 65535, 9000 } };
	static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct dp *dp = *state;

	for (int i = 0; i < 6; i++) {
		__u8 proto = protos[i % 2];
		__u16 first = ranges[i / 2].first, last = ranges[i / 2].last;
		struct frame in = request(dp, proto, 0);

		for (__u32 port = first; port <= last; port++)
			dp_publish(dp, proto, NULL, port, WEB,
				   ranges[i / 2].backend + port - first);
		for (__u32 port = first; port <= last; port++) {
			in.dport = port;
			dp_ingress(dp, UP, in);
			dp_expect_sent(
				dp, frame_into(frame_to(in, dp->ip.web,
							ranges[i / 2].backend +
								port - first),
					       WEB));
		}
		in.dport = first - 1;
		dp_ingress(dp, UP, in);
		dp_expect_passed(dp, REASON_TO_STACK);
		in.dport = last + 1;
		dp_ingress(dp, UP, in);
		dp_expect_passed(dp, REASON_TO_STACK);
	}
}

/* "Any" means the host's own addresses. */
static void traffic_that_the_host_forwards_is_untouched(void **state)
{
	struct dp *dp = *state;

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, frame_tcp(dp->ip.client, 5000, dp->ip.server, 8080));

	dp_expect_passed(dp, REASON_TO_STACK);
}

static void port_of_the_loopback_is_closed_to_the_outside(void **state)
{
	struct dp *dp = *state;

	dp_publish(dp, IPPROTO_TCP,
		   strchr(dp->ip.host, ':') ? "::1" : "127.0.0.1", 8080, WEB,
		   80);

	dp_ingress(dp, UP, request(dp, IPPROTO_TCP, 8080));
	dp_expect_passed(dp, REASON_TO_STACK);
	dp_ingress(dp, MATE, frame_tcp(dp->ip.mate, 1, dp->ip.host, 8080));
	dp_expect_passed(dp, REASON_FORWARDED); /* to the host itself */
}

static void containers_own_address_is_closed_to_the_outside(void **state)
{
	struct dp *dp = *state;

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, frame_tcp(dp->ip.client, 5000, dp->ip.web, 80));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);
	assert_int_equal(dp_endpoint(dp, SLOT_WEB).reasons[REASON_UNPUBLISHED],
			 1);

	dp_ingress(dp, UP, frame_tcp(dp->ip.client, 5000, dp->ip.nobody, 80));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);
}

/* It is the host's, too, but no answer of it could leave. */
static void gateways_address_is_not_published_outside(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.front, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, syn);
	dp_expect_passed(dp, REASON_TO_STACK);

	/* Not even where the world knows the network. */
	dp_network_flags(dp, NETWORK_FRONT, NETWORK_ROUTED);
	dp_ingress(dp, UP, syn);
	dp_expect_passed(dp, REASON_TO_STACK);
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void publish_of_an_address_without_endpoint_is_no_route(void **state)
{
	struct dp *dp = *state;

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_address_del(dp, dp->ip.web);
	dp_ingress(dp, UP, request(dp, IPPROTO_TCP, 8080));

	dp_expect_dropped(dp, REASON_NO_ROUTE);
}

/* ---------------------------------------------------------- from list */

static void from_list_admits_only_its_clients(void **state)
{
	struct dp *dp = *state;
	bool v4 = !strchr(dp->ip.host, ':');
	struct frame syn = request(dp, IPPROTO_TCP, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_publish_from(dp, v4 ? "203.0.113.96/30" : "2001:db8:7::98/126");
	dp_ingress(dp, UP, syn); /* .99 */
	dp_expect_sent(dp, frame_into(frame_to(syn, dp->ip.web, 80), WEB));

	syn.src = v4 ? "203.0.113.100" : "2001:db8:7::9c";
	dp_ingress(dp, UP, syn);
	dp_expect_dropped(dp, REASON_PUBLISH_FROM);
	assert_int_equal(dp_endpoint(dp, SLOT_WEB).reasons[REASON_PUBLISH_FROM],
			 1);
	syn.src = v4 ? "203.0.113.95" : "2001:db8:7::97";
	dp_ingress(dp, UP, syn);
	dp_expect_dropped(dp, REASON_PUBLISH_FROM);
	/* A list may have single addresses and several entries. */
	dp_publish_from(dp, v4 ? "203.0.113.95/32" : "2001:db8:7::97/128");
	dp_ingress(dp, UP, syn);
	dp_expect_sent(dp, frame_into(frame_to(syn, dp->ip.web, 80), WEB));
}

/* A prefix that has the client, and one that has not. */
static const char *clients(const struct dp *dp)
{
	return strchr(dp->ip.web, ':') ? "2001:db8:7::/64" : "203.0.113.0/24";
}

static const char *others(const struct dp *dp)
{
	return strchr(dp->ip.web, ':') ? "2001:db8:8::/64" : "192.0.2.0/24";
}

static void from_list_of_one_port_says_nothing_about_another(void **state)
{
	struct dp *dp = *state;

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_publish_from(dp, clients(dp));
	dp_publish(dp, IPPROTO_TCP, NULL, 8081, WEB, 81);
	dp_publish_from(dp, others(dp));

	dp_ingress(dp, UP, request(dp, IPPROTO_TCP, 8081));
	dp_expect_dropped(dp, REASON_PUBLISH_FROM);
}

static void from_list_of_all_ipv6_admits_no_ipv4(void **state)
{
	struct dp *dp = *state;
	struct frame syn = request(dp, IPPROTO_TCP, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_publish_from(dp, "::/0");
	dp_ingress(dp, UP, syn);
	if (dp->ip.icmp == IPPROTO_ICMP)
		dp_expect_dropped(dp, REASON_PUBLISH_FROM);
	else
		dp_expect_sent(dp,
			       frame_into(frame_to(syn, dp->ip.web, 80), WEB));
}

static void from_list_binds_containers_too(void **state)
{
	struct dp *dp = *state;

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_publish_from(dp, clients(dp));
	dp_ingress(dp, MATE, frame_tcp(dp->ip.mate, 1, dp->ip.host, 8080));

	dp_expect_dropped(dp, REASON_PUBLISH_FROM);
}

static void from_list_that_comes_later_ends_the_flow(void **state)
{
	struct dp *dp = *state;
	struct frame syn = request(dp, IPPROTO_TCP, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, syn);
	dp_publish_from(dp, others(dp));

	dp_ingress(dp, UP, frame_flags(syn, TCP_ACK));
	dp_expect_dropped(dp, REASON_PUBLISH_FROM);
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* ----------------------------------------------- clients on this host */

static void other_container_keeps_its_source(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.mate, 5000, dp->ip.host, 8080);
	struct frame inside = frame_to(syn, dp->ip.web, 80);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, MATE, syn);
	dp_expect_sent(dp, frame_into(inside, WEB));

	dp_ingress(dp, WEB, frame_reply(inside));
	dp_expect_sent(dp, frame_into(frame_reply(syn), MATE));
}

static void published_port_is_open_to_other_networks(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.db, 5000, dp->ip.host, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, DB, syn);

	dp_expect_sent(dp, frame_into(frame_to(syn, dp->ip.web, 80), WEB));
}

/* Without a new source it would see its own address as the peer's. */
static void container_reaches_itself_as_the_gateway(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 5000, dp->ip.host, 8080);
	struct frame inside =
		frame_from(frame_to(syn, dp->ip.web, 80), dp->ip.front, 5000);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	for (int i = 0; i < 2; i++) {
		dp_ingress(dp, WEB, syn);
		dp_expect_sent(dp, frame_into(inside, WEB));
	}

	dp_ingress(dp, WEB, frame_reply(inside));
	dp_expect_sent(dp, frame_into(frame_reply(syn), WEB));
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void container_reaches_itself_over_udp(void **state)
{
	struct dp *dp = *state;
	struct frame query = frame_udp(dp->ip.db, 5000, dp->ip.host, 53);
	struct frame inside =
		frame_from(frame_to(query, dp->ip.db, 5353), dp->ip.back, 5000);

	dp_publish(dp, IPPROTO_UDP, NULL, 53, DB, 5353);
	dp_ingress(dp, DB, query);
	dp_expect_sent(dp, frame_into(inside, DB));

	dp_ingress(dp, DB, frame_reply(inside));
	dp_expect_sent(dp, frame_into(frame_reply(query), DB));
}

/* --------------------------------------------------- flows and changes */

/* The answer to a masqueraded flow comes to a port that was published in the
 * meantime. */
static void flow_is_looked_up_before_the_publish(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.mate, 8080, dp->ip.client, 5000);
	struct frame answer = frame_reply(syn);

	dp_ingress(dp, MATE, syn);
	dp_expect_sent(dp, frame_out(frame_from(syn, dp->ip.host, 8080)));
	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);

	dp_ingress(dp, UP, frame_to(answer, dp->ip.host, 8080));
	dp_expect_sent(dp, frame_into(answer, MATE));
}

static void flow_to_a_replaced_backend_is_a_miss(void **state)
{
	struct dp *dp = *state;
	struct frame syn = request(dp, IPPROTO_UDP, 53);

	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 5353);
	dp_ingress(dp, UP, syn);
	dp_publish(dp, IPPROTO_UDP, NULL, 53, MATE, 5354);

	dp_ingress(dp, UP, syn);
	dp_expect_sent(dp, frame_into(frame_to(syn, dp->ip.mate, 5354), MATE));
	assert_int_equal(dp_flow_entries(dp), 2);
}

/* Publishes again, as the same object (its id), or as a new one. */
static void publish_again(struct dp *dp, bool same, __u16 backend_port)
{
	dp->published -= same;
	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, backend_port);
}

static void publish_is_known_by_its_backend_and_its_id(void **state)
{
	struct dp *dp = *state;
	struct frame query = request(dp, IPPROTO_UDP, 53);
	struct flow flow;

	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 5353);
	dp_ingress(dp, UP, query);
	publish_again(dp, true, 5353); /* nothing new */
	dp_ingress(dp, UP, query);
	assert_int_equal(dp_stats(dp).created, 1);

	publish_again(dp, true, 5354);
	dp_ingress(dp, UP, query);
	dp_expect_sent(dp, frame_into(frame_to(query, dp->ip.web, 5354), WEB));

	dp_address_set(dp, dp->ip.nobody, WEB);
	dp->ip.web = dp->ip.nobody;
	publish_again(dp, true, 5354);
	dp_ingress(dp, UP, query);
	dp_expect_sent(dp,
		       frame_into(frame_to(query, dp->ip.nobody, 5354), WEB));

	publish_again(dp, false, 5354);
	dp_ingress(dp, UP, query);
	assert_int_equal(dp_stats(dp).created, 4);
	assert_true(dp_flow(dp, query, &flow));
	assert_int_equal(flow.publish, 2);
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void flow_of_a_removed_publish_is_a_miss(void **state)
{
	struct dp *dp = *state;
	struct frame query = request(dp, IPPROTO_UDP, 53);
	struct frame answer = frame_reply(frame_to(query, dp->ip.web, 5353));

	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 5353);
	dp_ingress(dp, UP, query);
	dp_unpublish(dp, IPPROTO_UDP, NULL, 53);

	dp_ingress(dp, UP, query);
	dp_expect_passed(dp, REASON_TO_STACK);
	assert_int_equal(dp_flow_entries(dp), 0);
	/* What the container still sends is a flow of its own. */
	dp_ingress(dp, WEB, answer);
	dp_expect_sent(dp, frame_out(frame_from(answer, dp->ip.host, 5353)));
}

static void flow_to_an_address_that_the_host_lost_is_a_miss(void **state)
{
	struct dp *dp = *state;
	struct frame syn = request(dp, IPPROTO_TCP, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, syn);
	dp_local_del(dp, dp->ip.host);
	datapath_bump(dp->datapath);

	dp_ingress(dp, UP, frame_flags(syn, TCP_ACK));
	dp_expect_passed(dp, REASON_TO_STACK);
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void flow_survives_a_change_that_does_not_concern_it(void **state)
{
	struct dp *dp = *state;
	struct frame syn = request(dp, IPPROTO_TCP, 8080);
	struct frame inside = frame_to(syn, dp->ip.web, 80);
	struct flow flow;

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, syn);
	dp_publish(dp, IPPROTO_TCP, NULL, 9090, MATE, 90);
	dp_ingress(dp, UP, frame_flags(syn, TCP_ACK));
	dp_expect_sent(dp, frame_into(frame_flags(inside, TCP_ACK), WEB));
	dp_ingress(dp, WEB, frame_reply(inside));
	dp_expect_sent(dp, frame_out(frame_reply(syn)));

	assert_true(dp_flow(dp, syn, &flow));
	assert_int_equal(flow.packets, 2);
	assert_int_equal(flow.generation, dp->config->generation);
}

static void ended_flow_leaves_its_counts_with_the_publish(void **state)
{
	struct dp *dp = *state;
	struct frame syn = request(dp, IPPROTO_TCP, 8080);
	struct frame inside = frame_to(syn, dp->ip.web, 80);
	size_t bytes;

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, syn);
	bytes = 2 * dp->in_len;
	dp_ingress(dp, WEB, frame_reply(inside));
	dp_ingress(dp, UP, frame_flags(syn, TCP_ACK));
	assert_int_equal(dp_hits(dp, MAP_PUB_HITS, 1).flows, 0);
	dp_gc(dp, SLOT_WEB);

	assert_int_equal(dp_hits(dp, MAP_PUB_HITS, 1).flows, 1);
	assert_int_equal(dp_hits(dp, MAP_PUB_HITS, 1).packets, 2);
	assert_int_equal(dp_hits(dp, MAP_PUB_HITS, 1).bytes, bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(tcp_reaches_the_container_from_outside),
		DP_TEST_BOTH(answer_leaves_with_the_published_address),
		DP_TEST_BOTH(udp_is_translated_both_ways),
		DP_TEST_BOTH(udp_without_checksum_stays_without),
		DP_TEST_BOTH(exact_address_beats_any),
		DP_TEST_BOTH(other_port_and_protocol_stay_the_hosts),
		DP_TEST_BOTH(
			range_is_published_from_its_first_to_its_last_port),
		DP_TEST_BOTH(traffic_that_the_host_forwards_is_untouched),
		DP_TEST_BOTH(port_of_the_loopback_is_closed_to_the_outside),
		DP_TEST_BOTH(containers_own_address_is_closed_to_the_outside),
		DP_TEST_BOTH(gateways_address_is_not_published_outside),
		DP_TEST_BOTH(
			publish_of_an_address_without_endpoint_is_no_route),
		DP_TEST_BOTH(from_list_admits_only_its_clients),
		DP_TEST_BOTH(from_list_of_one_port_says_nothing_about_another),
		DP_TEST_BOTH(from_list_binds_containers_too),
		DP_TEST_BOTH(from_list_that_comes_later_ends_the_flow),
		DP_TEST_BOTH(from_list_of_all_ipv6_admits_no_ipv4),
		DP_TEST_BOTH(other_container_keeps_its_source),
		DP_TEST_BOTH(published_port_is_open_to_other_networks),
		DP_TEST_BOTH(container_reaches_itself_as_the_gateway),
		DP_TEST_BOTH(container_reaches_itself_over_udp),
		DP_TEST_BOTH(flow_is_looked_up_before_the_publish),
		DP_TEST_BOTH(flow_to_a_replaced_backend_is_a_miss),
		DP_TEST_BOTH(publish_is_known_by_its_backend_and_its_id),
		DP_TEST_BOTH(flow_of_a_removed_publish_is_a_miss),
		DP_TEST_BOTH(flow_to_an_address_that_the_host_lost_is_a_miss),
		DP_TEST_BOTH(flow_survives_a_change_that_does_not_concern_it),
		DP_TEST_BOTH(ended_flow_leaves_its_counts_with_the_publish),
	};

	return dp_main(tests);
}
