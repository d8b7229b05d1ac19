/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_icmp - ICMP errors travel along their flow, forged ones do not */
#include "dp.h"

#define SHORT_QUOTE 8 /* bytes of transport that RFC 792 asks for */

static bool is_v6(const struct dp *dp)
{
	return strchr(dp->ip.web, ':');
}

/* ------------------------------------------------------ flows as they are */

/* A masqueraded flow of web: the query, as the world sees it, is *ret_out. */
static struct frame masquerade(struct dp *dp, struct frame *ret_out)
{
	struct frame query = frame_udp(dp->ip.web, 40000, dp->ip.server, 53);

	dp_ingress(dp, WEB, query);
	*ret_out = frame_from(query, dp->ip.host, dp_out_port(dp));
	return query;
}

static void error_from_outside_reaches_the_client(void **state)
{
	struct dp *dp = *state;
	struct frame out, query = masquerade(dp, &out);
	struct frame want = frame_error(dp->ip.server2, UNREACHABLE, &query);

	dp_ingress(dp, UP, frame_error(dp->ip.server2, UNREACHABLE, &out));

	dp_expect_sent(dp, frame_into(want, WEB));
}

/* A client that has gone tells the server, in the uplink's name. */
static void error_of_a_client_leaves_with_the_uplinks_address(void **state)
{
	struct dp *dp = *state;
	struct frame out, query = masquerade(dp, &out);
	struct frame answer = frame_reply(query), seen = frame_reply(out);

	dp_ingress(dp, WEB, frame_error(dp->ip.web, UNREACHABLE, &answer));

	dp_expect_sent(dp,
		       frame_out(frame_error(dp->ip.host, UNREACHABLE, &seen)));
}

/* Both directions of a published port; returns the client's packet. */
static struct frame publish(struct dp *dp, struct frame *ret_inside)
{
	struct frame in = frame_udp(dp->ip.client, 4000, dp->ip.host, 8080);

	dp_publish(dp, IPPROTO_UDP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, in);
	*ret_inside = frame_to(in, dp->ip.web, 80);
	return in;
}

static void error_about_a_published_port_reaches_the_server(void **state)
{
	struct dp *dp = *state;
	struct frame inside, in = publish(dp, &inside);
	struct frame answer = frame_reply(inside), seen = frame_reply(in);
	struct frame want = frame_error(dp->ip.server2, TOO_BIG, &answer);

	dp_ingress(dp, UP, frame_error(dp->ip.server2, TOO_BIG, &seen));

	dp_expect_sent(dp, frame_into(want, WEB));
}

static void error_of_a_server_leaves_with_the_published_address(void **state)
{
	struct dp *dp = *state;
	struct frame inside, in = publish(dp, &inside);

	dp_ingress(dp, WEB, frame_error(dp->ip.web, UNREACHABLE, &inside));

	dp_expect_sent(dp,
		       frame_out(frame_error(dp->ip.host, UNREACHABLE, &in)));
}

static void error_between_containers_is_switched(void **state)
{
	struct dp *dp = *state;
	struct frame query = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);
	struct frame error = frame_error(dp->ip.mate, UNREACHABLE, &query);

	dp_ingress(dp, WEB, query);
	dp_ingress(dp, MATE, error);

	dp_expect_sent(dp, frame_switched(error, MATE, WEB));
}

/* Through a published port of the host, from another network. */
static void error_between_networks_is_translated(void **state)
{
	struct dp *dp = *state;
	struct frame query = frame_udp(dp->ip.db, 4000, dp->ip.host, 8080);
	struct frame inside = frame_to(query, dp->ip.web, 80);

	dp->config->inter = RULE_ALLOW;
	dp_publish(dp, IPPROTO_UDP, NULL, 8080, WEB, 80);
	dp_ingress(dp, DB, query);
	dp_ingress(dp, WEB, frame_error(dp->ip.web, UNREACHABLE, &inside));

	dp_expect_sent(
		dp,
		frame_into(frame_error(dp->ip.host, UNREACHABLE, &query), DB));
}

/* A container that reaches itself: both ends are the gateway's or its own. */
static void error_of_a_hairpin_is_translated(void **state)
{
	struct dp *dp = *state;
	struct frame query = frame_udp(dp->ip.web, 4000, dp->ip.host, 8080);
	struct frame inside = frame_to(query, dp->ip.web, 80);

	dp_publish(dp, IPPROTO_UDP, NULL, 8080, WEB, 80);
	dp_ingress(dp, WEB, query);
	inside = frame_from(inside, dp->ip.front, dp_out_port(dp));
	dp_ingress(dp, WEB, frame_error(dp->ip.web, UNREACHABLE, &inside));

	dp_expect_sent(
		dp,
		frame_into(frame_error(dp->ip.host, UNREACHABLE, &query), WEB));
}

static void error_about_a_connection_of_the_host_passes(void **state)
{
	struct dp *dp = *state;
	struct frame query = frame_udp(dp->ip.front, 4000, dp->ip.web, 53);

	dp_egress(dp, WEB, query);
	dp_ingress(dp, WEB, frame_error(dp->ip.web, UNREACHABLE, &query));
	dp_expect_passed(dp, REASON_FORWARDED);

	query = frame_udp(dp->ip.web, 4000, dp->ip.front, 53);
	dp_ingress(dp, WEB, query);
	dp_egress(dp, WEB, frame_error(dp->ip.front, UNREACHABLE, &query));
	dp_expect_passed(dp, REASON_FORWARDED);
}

/* Nothing in it is translated, so nothing in it may change: the bytes of its
 * header are no identifier. */
static void error_about_icmp_that_is_no_echo_stays_as_it_is(void **state)
{
	struct dp *dp = *state;
	struct frame asked = frame_echo(dp->ip.web, dp->ip.mate, 0x1234);
	struct frame error = frame_error(dp->ip.mate, UNREACHABLE, &asked);

	asked.icmp_type = is_v6(dp) ? 200 : 13;
	dp_ingress(dp, WEB, asked);
	dp_expect_sent(dp, frame_switched(asked, WEB, MATE));
	dp_ingress(dp, MATE, error);

	dp_expect_sent(dp, frame_switched(error, MATE, WEB));
}

/* ------------------------------------------------------------- forgeries */

static void error_for_somebody_else_is_unrelated(void **state)
{
	struct dp *dp = *state;
	struct frame out, query = masquerade(dp, &out);
	struct frame answer = frame_reply(query);
	struct frame error = frame_error(dp->ip.server2, UNREACHABLE, &out);

	/* It is not for whom the quoted packet came from. */
	dp_ingress(dp, UP, frame_to(error, dp->ip.client, 0));
	dp_expect_dropped(dp, REASON_ICMP_UNRELATED);
	error = frame_error(dp->ip.web, UNREACHABLE, &answer);
	dp_ingress(dp, WEB, frame_to(error, dp->ip.server2, 0));
	dp_expect_dropped(dp, REASON_ICMP_UNRELATED);
}

static void error_about_no_flow_is_the_hosts_or_unrelated(void **state)
{
	struct dp *dp = *state;
	struct frame hosts = frame_udp(dp->ip.host, 4000, dp->ip.server, 53);
	struct frame mine = frame_udp(dp->ip.server, 53, dp->ip.web, 4000);

	dp_ingress(dp, UP, frame_error(dp->ip.server, UNREACHABLE, &hosts));
	dp_expect_passed(dp, REASON_TO_STACK);
	hosts.proto = IPPROTO_GRE;
	dp_ingress(dp, UP, frame_error(dp->ip.server, UNREACHABLE, &hosts));
	dp_expect_passed(dp, REASON_TO_STACK);
	hosts = frame_echo(dp->ip.host, dp->ip.server, 1);
	hosts.icmp_type = is_v6(dp) ? 200 : 13;
	dp_ingress(dp, UP, frame_error(dp->ip.server, UNREACHABLE, &hosts));
	dp_expect_passed(dp, REASON_TO_STACK);

	dp_ingress(dp, WEB, frame_error(dp->ip.web, UNREACHABLE, &mine));
	dp_expect_dropped(dp, REASON_ICMP_UNRELATED);
	mine.dst = dp->ip.mate;
	dp_ingress(dp, WEB, frame_error(dp->ip.mate, UNREACHABLE, &mine));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void error_to_a_container_from_outside_is_unpublished(void **state)
{
	struct dp *dp = *state;
	struct frame query = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	dp_ingress(dp, WEB, query);
	dp_ingress(dp, UP, frame_error(dp->ip.server, UNREACHABLE, &query));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);

	query = frame_udp(dp->ip.web, 4000, dp->ip.front, 53);
	dp_ingress(dp, WEB, query);
	dp_ingress(dp, UP, frame_error(dp->ip.server, UNREACHABLE, &query));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);
}

static void error_from_outside_with_our_source_is_spoofed(void **state)
{
	struct dp *dp = *state;
	struct frame hosts = frame_udp(dp->ip.host, 999, dp->ip.server, 53);
	struct frame out;

	masquerade(dp, &out);
	dp_ingress(dp, UP, frame_error(dp->ip.mate, UNREACHABLE, &out));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	dp_ingress(dp, UP, frame_error(dp->ip.mate, UNREACHABLE, &hosts));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
}

static void container_speaks_for_itself_only(void **state)
{
	struct dp *dp = *state;
	struct frame out, query = masquerade(dp, &out);
	struct frame answer = frame_reply(query), pair;

	/* web's own flow, in the name of another, and of the world. */
	dp_ingress(dp, WEB, frame_error(dp->ip.mate, UNREACHABLE, &answer));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	dp_ingress(dp, WEB, frame_error(dp->ip.server2, UNREACHABLE, &answer));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	/* Another's flow, by that one's name and by its own. */
	dp_ingress(dp, MATE, frame_error(dp->ip.web, UNREACHABLE, &answer));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	dp_ingress(dp, MATE, frame_error(dp->ip.mate, UNREACHABLE, &answer));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	/* To end another's connection with a third. */
	pair = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);
	dp_ingress(dp, MATE, frame_error(dp->ip.mate, UNREACHABLE, &pair));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
}

static void guard_knows_our_source_of_an_error(void **state)
{
	struct dp *dp = *state;
	struct frame seen = frame_udp(dp->ip.server, 53, dp->ip.host, 4000);

	dp_egress(dp, UP, frame_error(dp->ip.host, UNREACHABLE, &seen));
	dp_expect_passed(dp, REASON_OK);
	dp_egress(dp, UP, frame_error(dp->ip.web, UNREACHABLE, &seen));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
	seen.dst = dp->ip.web;
	dp_egress(dp, UP, frame_error(dp->ip.web, UNREACHABLE, &seen));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
	/* Nobody's: the host may have heard of it. */
	dp_egress(dp, UP, frame_error(dp->ip.host, UNREACHABLE, &seen));
	dp_expect_passed(dp, REASON_OK);
}

/* --------------------------------------------------------- flows and errors */

/* RFC 5508 REQ-3. */
static void error_keeps_no_flow_alive(void **state)
{
	struct dp *dp = *state;
	struct frame out, query = masquerade(dp, &out);
	struct frame answer = frame_reply(query), seen = frame_reply(out);
	struct flow before, after;

	dp_flow_age(dp, seen, 20);
	dp_flow_age(dp, query, 20);
	assert_true(dp_flow(dp, seen, &before));
	dp_ingress(dp, UP, frame_error(dp->ip.server2, UNREACHABLE, &out));
	assert_int_equal(dp->why, REASON_FORWARDED);
	assert_true(dp_flow(dp, seen, &after));
	assert_memory_equal(&before, &after, sizeof(before));

	assert_true(dp_flow(dp, query, &before));
	dp_ingress(dp, WEB, frame_error(dp->ip.web, UNREACHABLE, &answer));
	assert_int_equal(dp->why, REASON_FORWARDED);
	assert_true(dp_flow(dp, query, &after));
	assert_memory_equal(&before, &after, sizeof(before));
}

static void error_ends_no_connection(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.server, 443);
	struct frame out = frame_from(syn, dp->ip.host, 4000);
	struct frame rst = frame_flags(out, TCP_RST);
	struct frame fin = frame_flags(out, TCP_FIN);
	struct flow flow;

	dp_ingress(dp, WEB, syn);
	dp_ingress(dp, UP, frame_error(dp->ip.server, UNREACHABLE, &rst));
	dp_ingress(dp, UP, frame_error(dp->ip.server, UNREACHABLE, &fin));
	dp_ingress(dp, UP, frame_error(dp->ip.server, UNREACHABLE, &out));

	assert_int_equal(dp->why, REASON_FORWARDED);
	assert_true(dp_flow(dp, frame_reply(out), &flow));
	assert_int_equal(flow.seen, 0);
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void error_about_a_denied_flow_is_dropped(void **state)
{
	struct dp *dp = *state;
	struct frame out, query = masquerade(dp, &out);
	struct frame answer = frame_reply(query);

	dp_rules(dp, { .id = 1, .from = { SELECT_ENDPOINT, .id = SLOT_WEB } });
	dp_ingress(dp, UP, frame_error(dp->ip.server2, UNREACHABLE, &out));
	dp_expect_dropped(dp, REASON_POLICY_DENY);
	dp_ingress(dp, WEB, frame_error(dp->ip.web, UNREACHABLE, &answer));
	dp_expect_dropped(dp, REASON_POLICY_DENY);
}

/* Nobody is told about it: an error about an error would be next. */
static void error_at_its_last_hop_goes_no_further(void **state)
{
	struct dp *dp = *state;
	struct frame out, query = masquerade(dp, &out);
	struct frame answer = frame_reply(query);
	struct frame error = frame_error(dp->ip.server2, UNREACHABLE, &out);

	error.ttl = 1;
	dp_ingress(dp, UP, error);
	dp_expect_dropped(dp, REASON_TTL);
	error = frame_error(dp->ip.web, UNREACHABLE, &answer);
	error.ttl = 1;
	dp_ingress(dp, WEB, error);
	dp_expect_dropped(dp, REASON_TTL);
	error.ttl = 2;
	dp_ingress(dp, WEB, error);
	assert_int_equal(dp->why, REASON_FORWARDED);
}

static void error_counts_for_the_endpoint(void **state)
{
	struct dp *dp = *state;
	struct frame out;

	masquerade(dp, &out);
	dp_ingress(dp, UP, frame_error(dp->ip.server2, UNREACHABLE, &out));

	assert_int_equal(dp_endpoint(dp, SLOT_WEB).rx_packets, 1);
	assert_int_equal(dp_endpoint(dp, SLOT_WEB).rx_bytes, dp->in_len);
}

/* ----------------------------------------------------- shapes of a quote */

static void quoted_options_are_stepped_over(void **state)
{
	struct dp *dp = *state;
	struct frame out, query = masquerade(dp, &out);

	for (__u8 options = 1; options <= (is_v6(dp) ? 4 : 10); options++) {
		struct frame want;

		query.options = out.options = options;
		want = frame_error(dp->ip.server2, PARAMETER, &query);
		dp_ingress(dp, UP,
			   frame_error(dp->ip.server2, PARAMETER, &out));
		dp_expect_sent(dp, frame_into(want, WEB));
	}
}

static void options_of_the_error_are_stepped_over(void **state)
{
	struct dp *dp = *state;
	struct frame out, query = masquerade(dp, &out);
	struct frame error = frame_error(dp->ip.server2, TOO_BIG, &out);
	struct frame want = frame_error(dp->ip.server2, TOO_BIG, &query);

	error.options = want.options = 3;
	dp_ingress(dp, UP, error);

	dp_expect_sent(dp, frame_into(want, WEB));
}

/* The first fragment of what was too big, as it had left. */
static void quoted_first_fragment_is_translated(void **state)
{
	struct dp *dp = *state;
	struct frame out, query = masquerade(dp, &out), want;

	query.payload = out.payload = 300;
	query = frame_cut(query, 0, 160);
	out = frame_cut(out, 0, 160);
	want = frame_error(dp->ip.server2, TOO_BIG, &query);
	dp_ingress(dp, UP, frame_error(dp->ip.server2, TOO_BIG, &out));

	dp_expect_sent(dp, frame_into(want, WEB));
}

/* No port is in it (and RFC 792 forbids such an error). */
static void quoted_later_fragment_is_unrelated(void **state)
{
	struct dp *dp = *state;
	struct frame out;

	masquerade(dp, &out);
	out.payload = 300;
	out = frame_cut(out, 160, 160);
	dp_ingress(dp, UP, frame_error(dp->ip.server2, TOO_BIG, &out));

	dp_expect_dropped(dp, REASON_ICMP_UNRELATED);
}

/* Ethernet pads; what follows the IP packet is no part of the quote. */
static void padding_behind_a_short_quote_is_left_alone(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 40000, dp->ip.server, 443);
	struct frame out, error, want;
	__u8 bytes[FRAME_MAX];
	size_t len;

	dp_ingress(dp, WEB, syn);
	out = frame_from(syn, dp->ip.host, dp_out_port(dp));
	error = frame_error(dp->ip.server2, UNREACHABLE, &out);
	want = frame_error(dp->ip.server2, UNREACHABLE, &syn);
	error.quote_len = want.quote_len = frame_l3_len(&syn) + SHORT_QUOTE;
	error = frame_switched(error, ROUTER, UP);
	len = frame_build(&error, bytes);
	memset(bytes + len, 0x5a, 20);
	dp_ingress_bytes(dp, UP, bytes, len + 20);

	want = frame_into(want, WEB);
	assert_int_equal(dp->why, REASON_FORWARDED);
	assert_int_equal(frame_build(&want, bytes), len);
	memset(bytes + len, 0x5a, 20);
	assert_memory_equal(dp->out, bytes, len + 20);
}

static void impossible_quotes_are_malformed(void **state)
{
	static const __u8 firsts[] = { 0x05, 0x44, 0x40, 0x55, 0x65, 0xf5 };
	struct dp *dp = *state;
	struct frame out, error;
	__u8 bytes[FRAME_MAX];
	size_t len, at;

	masquerade(dp, &out);
	error = frame_switched(frame_error(dp->ip.server2, UNREACHABLE, &out),
			       ROUTER, UP);
	len = frame_build(&error, bytes);
	at = ETH_HLEN + frame_l3_len(&error) + 8;
	for (size_t i = 0; i < sizeof(firsts); i++) {
		if (is_v6(dp) && firsts[i] >> 4 == 6)
			continue;
		bytes[at] = firsts[i];
		dp_ingress_bytes(dp, UP, bytes, len);

		dp_expect_dropped(dp, REASON_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(error_from_outside_reaches_the_client),
		DP_TEST_BOTH(error_of_a_client_leaves_with_the_uplinks_address),
		DP_TEST_BOTH(error_about_a_published_port_reaches_the_server),
		DP_TEST_BOTH(
			error_of_a_server_leaves_with_the_published_address),
		DP_TEST_BOTH(error_between_containers_is_switched),
		DP_TEST_BOTH(error_between_networks_is_translated),
		DP_TEST_BOTH(error_of_a_hairpin_is_translated),
		DP_TEST_BOTH(error_about_a_connection_of_the_host_passes),
		DP_TEST_BOTH(error_about_icmp_that_is_no_echo_stays_as_it_is),
		DP_TEST_BOTH(error_for_somebody_else_is_unrelated),
		DP_TEST_BOTH(error_about_no_flow_is_the_hosts_or_unrelated),
		DP_TEST_BOTH(error_to_a_container_from_outside_is_unpublished),
		DP_TEST_BOTH(error_from_outside_with_our_source_is_spoofed),
		DP_TEST_BOTH(container_speaks_for_itself_only),
		DP_TEST_BOTH(guard_knows_our_source_of_an_error),
		DP_TEST_BOTH(error_keeps_no_flow_alive),
		DP_TEST_BOTH(error_ends_no_connection),
		DP_TEST_BOTH(error_about_a_denied_flow_is_dropped),
		DP_TEST_BOTH(error_at_its_last_hop_goes_no_further),
		DP_TEST_BOTH(error_counts_for_the_endpoint),
		DP_TEST_BOTH(quoted_options_are_stepped_over),
		DP_TEST_BOTH(options_of_the_error_are_stepped_over),
		DP_TEST_BOTH(quoted_first_fragment_is_translated),
		DP_TEST_BOTH(quoted_later_fragment_is_unrelated),
		DP_TEST_BOTH(padding_behind_a_short_quote_is_left_alone),
		DP_TEST_BOTH(impossible_quotes_are_malformed),
	};

	return dp_main(tests);
}
