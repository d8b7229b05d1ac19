/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_martian - sources that nobody can have */
#include "dp_answer.h"

/*
 * RFC 1122 3.2.1.3, RFC 4291 2.5 and 2.7: this network, loopback, groups and the
 * rest of class D and E; the unspecified address, loopback, groups. An answer to
 * one of them goes to many, or to oneself.
 */
static const char *const martians_v4[] = {
	"0.0.0.0",	   "0.0.0.1",	      "0.255.255.255",	 "127.0.0.0",
	"127.0.0.1",	   "127.255.255.255", "224.0.0.0",	 "224.0.0.251",
	"239.255.255.255", "240.0.0.1",	      "255.255.255.255",
};
static const char *const martians_v6[] = {
	"::",
	"::1",
	"ff00::",
	"ff02::1",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
};
/* The addresses before and after those. */
static const char *const neighbours_v4[] = {
	"1.0.0.0",
	"126.255.255.255",
	"128.0.0.0",
	"223.255.255.255",
};
static const char *const neighbours_v6[] = { "::2", "feff::1", "2000::1" };

static bool is_v6(const struct dp *dp)
{
	return strchr(dp->ip.web, ':');
}

struct list {
	const char *const *sources;
	size_t count;
};

#define LIST(array) ((struct list){ array, sizeof(array) / sizeof(*(array)) })

static struct list martians(const struct dp *dp)
{
	return is_v6(dp) ? LIST(martians_v6) : LIST(martians_v4);
}

static struct list neighbours(const struct dp *dp)
{
	return is_v6(dp) ? LIST(neighbours_v6) : LIST(neighbours_v4);
}

static void martian_of_a_container_is_spoofed(void **state)
{
	struct dp *dp = *state;
	const char *targets[] = { dp->ip.mate, dp->ip.db, dp->ip.front,
				  dp->ip.server, dp->ip.host };
	struct list list = martians(dp);

	dp->config->inter = RULE_ALLOW;
	for (size_t i = 0; i < list.count; i++)
		for (size_t k = 0; k < 5; k++) {
			const char *src = list.sources[i];

			dp_ingress(dp, WEB,
				   frame_udp(src, 4000, targets[k], 53));
			dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
			dp_ingress(dp, WEB,
				   frame_tcp(src, 4000, targets[k], 80));
			dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
			dp_ingress(dp, WEB, frame_echo(src, targets[k], 7));
			dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
		}
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void publish_all(struct dp *dp)
{
	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 53);
	dp_publish(dp, IPPROTO_TCP, NULL, 80, WEB, 80);
}

/* To published ports, to the host itself, to a container, to others. */
static void martian_from_outside_is_spoofed(void **state)
{
	struct dp *dp = *state;
	const char *targets[] = { dp->ip.host, dp->ip.web, dp->ip.server };
	struct list list = martians(dp);

	publish_all(dp);
	for (size_t i = 0; i < list.count; i++)
		for (size_t k = 0; k < 3; k++) {
			const char *src = list.sources[i];

			dp_ingress(dp, UP,
				   frame_udp(src, 4000, targets[k], 53));
			dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
			dp_ingress(dp, UP,
				   frame_tcp(src, 4000, targets[k], 80));
			dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
			dp_ingress(dp, UP,
				   frame_tcp(src, 4000, targets[k], 22));
			dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
			dp_ingress(dp, UP, frame_echo(src, targets[k], 7));
			dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
		}
	assert_int_equal(dp_flow_entries(dp), 0);
	assert_int_equal(dp_endpoint(dp, 0).reasons[REASON_SPOOFED_SOURCE],
			 12 * list.count);
}

static void addresses_beside_them_are_clients(void **state)
{
	struct dp *dp = *state;
	struct list list = neighbours(dp);

	publish_all(dp);
	for (size_t i = 0; i < list.count; i++) {
		struct frame in =
			frame_udp(list.sources[i], 4000, dp->ip.host, 53);

		dp_ingress(dp, UP, in);
		dp_expect_sent(dp,
			       frame_into(frame_to(in, dp->ip.web, 53), WEB));
	}
}

/* They would go to a group, or to everybody on the link. */
static void martian_hears_no_answer(void **state)
{
	struct dp *dp = *state;
	struct list list = martians(dp);

	publish_all(dp);
	dp_rules(dp, { .id = 1, .action = RULE_REJECT, .proto = IPPROTO_TCP });
	for (size_t i = 0; i < list.count; i++) {
		struct frame udp =
			frame_udp(list.sources[i], 4000, dp->ip.host, 53);

		udp.ttl = 1;
		dp_ingress(dp, UP, udp);
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
		dp_ingress(dp, UP,
			   frame_tcp(list.sources[i], 4000, dp->ip.host, 80));
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	}
}

/* Any router may report about a flow, but no martian. */
static void error_of_a_martian_is_spoofed(void **state)
{
	struct dp *dp = *state;
	struct frame query = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);
	struct frame out = frame_from(query, dp->ip.host, 4000);
	struct frame hosts = frame_udp(dp->ip.host, 999, dp->ip.server, 53);
	struct list list = martians(dp);

	dp_ingress(dp, WEB, query);
	for (size_t i = 0; i < list.count; i++) {
		const char *src = list.sources[i];

		dp_ingress(dp, UP, frame_error(src, UNREACHABLE, &out));
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
		dp_ingress(dp, UP, frame_error(src, UNREACHABLE, &hosts));
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	}
}

/* Whoever has no address yet asks for one, and DHCP's server is the host. */
static void request_for_an_address_from_outside_is_the_hosts(void **state)
{
	struct dp *dp = *state;
	struct frame discover = frame_udp("0.0.0.0", 68, "255.255.255.255", 67);

	discover.dmac = EVERYBODY;
	dp_ingress(dp, UP, discover);

	dp_expect_passed(dp, REASON_TO_STACK);
}

/* The default route leads there, too. Groups are another matter. */
static void martian_is_no_destination_of_a_container(void **state)
{
	static const char *const v4[] = { "0.0.0.0", "127.0.0.1", "240.0.0.1" };
	static const char *const v6[] = { "::", "::1", "::1" };
	struct dp *dp = *state;

	for (size_t i = 0; i < 3; i++) {
		dp_ingress(dp, WEB,
			   frame_udp(dp->ip.web, 4000,
				     is_v6(dp) ? v6[i] : v4[i], 53));
		dp_expect_told(dp, REASON_NO_ROUTE, dp->ip.front, 0);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* ------------------------------------------------ addresses of this machine */

/* The host's own: nobody outside has them. */
static void address_of_the_host_from_outside_is_spoofed(void **state)
{
	struct dp *dp = *state;

	publish_all(dp);
	dp_ingress(dp, UP, frame_udp(dp->ip.host, 4000, dp->ip.host, 53));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	dp_ingress(dp, UP, frame_udp(dp->ip.host, 4000, dp->ip.host, 54));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);

	dp_local_del(dp, dp->ip.host);
	dp_local_add(dp, dp->ip.lan);
	dp_ingress(dp, UP, frame_udp(dp->ip.host, 4000, dp->ip.lan, 53));
	assert_int_equal(dp->why, REASON_FORWARDED);
	dp_ingress(dp, UP, frame_udp(dp->ip.lan, 4000, dp->ip.lan, 53));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
}

/* From the first to the last address of each subnet, and one beyond. */
static void subnets_are_ours_to_their_last_address(void **state)
{
	static const char *const v4[] = { "192.168.10.0", "192.168.10.255",
					  "192.168.20.0", "192.168.20.255" };
	static const char *const v6[] = {
		"fd00:10::", "fd00:10::ffff:ffff:ffff:ffff",
		"fd00:20::", "fd00:20::ffff:ffff:ffff:ffff"
	};
	static const char *const beyond_v4[] = { "192.168.9.255",
						 "192.168.11.0" };
	static const char *const beyond_v6[] = {
		"fd00:f:ffff:ffff:ffff:ffff:ffff:ffff", "fd00:10:0:1::"
	};
	struct dp *dp = *state;

	publish_all(dp);
	for (int i = 0; i < 4; i++) {
		dp_ingress(dp, UP,
			   frame_udp(is_v6(dp) ? v6[i] : v4[i], 4000,
				     dp->ip.host, 53));
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	}
	for (int i = 0; i < 2; i++) {
		dp_ingress(dp, UP,
			   frame_udp(is_v6(dp) ? beyond_v6[i] : beyond_v4[i],
				     4000, dp->ip.host, 53));
		assert_int_equal(dp->why, REASON_FORWARDED);
	}
}

/* --------------------------------------------------------- IPv6's own ways */

/* Link-local addresses belong to no endpoint, and what goes between two of them
 * meets no rule. */
static void link_local_address_of_a_container_is_spoofed(void **state)
{
	struct dp *dp = *state;
	const char *targets[] = { dp->ip.mate, dp->ip.server, dp->ip.front,
				  "fe80::1" };

	for (size_t i = 0; i < 4; i++) {
		dp_ingress(dp, WEB, frame_udp("fe80::5", 4000, targets[i], 53));
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	}
}

/* A neighbour of the uplink may speak to the host, but to no container: an
 * answer could not come back. RFC 4291 2.5.6. */
static void link_local_address_from_outside_meets_the_host(void **state)
{
	static const char *const sources[] = { "fe80::", "fe80::99",
					       "febf:ffff::1" };
	struct dp *dp = *state;

	publish_all(dp);
	for (size_t i = 0; i < 3; i++) {
		dp_ingress(dp, UP,
			   frame_udp(sources[i], 4000, dp->ip.host, 53));
		dp_expect_passed(dp, REASON_TO_STACK);
		dp_ingress(dp, UP,
			   frame_tcp(sources[i], 4000, dp->ip.host, 80));
		dp_expect_passed(dp, REASON_TO_STACK);
		/* The stack does not carry it on, nor does its other end. */
		dp_ingress(dp, UP, frame_udp(sources[i], 4000, dp->ip.web, 53));
		dp_expect_passed(dp, REASON_TO_STACK);
		dp_forward(dp, UP, WEB,
			   frame_udp(sources[i], 4000, dp->ip.web, 53));
		dp_expect_dropped(dp, REASON_UNPUBLISHED);
	}
	dp_ingress(dp, UP, frame_udp("fec0::", 4000, dp->ip.host, 53));
	assert_int_equal(dp->why, REASON_FORWARDED);
	dp_ingress(dp, UP, frame_udp("fe7f:ffff::1", 4000, dp->ip.host, 53));
	assert_int_equal(dp->why, REASON_FORWARDED);
}

/* IPv4's link-local addresses (RFC 3927) are nobody's here. */
static void ipv4_link_local_address_of_a_container_is_spoofed(void **state)
{
	struct dp *dp = *state;

	dp_ingress(dp, WEB, frame_udp("169.254.1.1", 4000, dp->ip.mate, 53));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	dp_ingress(dp, WEB, frame_udp("169.254.1.1", 4000, "224.0.0.1", 53));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
}

/* They are IPv4's keys in our tables, so on the wire they are forgeries. */
static void mapped_address_on_the_wire_is_malformed(void **state)
{
	struct dp *dp = *state;
	const struct ipaddr web = ip_of(addresses_v4.web);
	__u8 bytes[FRAME_MAX];
	size_t len;

	for (int i = 0; i < 4; i++) {
		bool outside = i & 1;
		struct frame frame =
			outside ? frame_udp(dp->ip.client, 4000, dp->ip.host,
					    53) :
				  frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

		frame = outside ? frame_switched(frame, ROUTER, UP) :
				  frame_switched(frame, WEB, FRONT);
		len = frame_build(&frame, bytes);
		memcpy(bytes + ETH_HLEN + (i & 2 ? 8 : 24), &web, sizeof(web));
		dp_ingress_bytes(dp, outside ? UP : WEB, bytes, len);
		dp_expect_dropped(dp, REASON_MALFORMED);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(martian_of_a_container_is_spoofed),
		DP_TEST_BOTH(martian_from_outside_is_spoofed),
		DP_TEST_BOTH(addresses_beside_them_are_clients),
		DP_TEST_BOTH(martian_hears_no_answer),
		DP_TEST_BOTH(error_of_a_martian_is_spoofed),
		DP_TEST(request_for_an_address_from_outside_is_the_hosts),
		DP_TEST_BOTH(martian_is_no_destination_of_a_container),
		DP_TEST_BOTH(address_of_the_host_from_outside_is_spoofed),
		DP_TEST_BOTH(subnets_are_ours_to_their_last_address),
		DP_TEST_V6(link_local_address_of_a_container_is_spoofed),
		DP_TEST_V6(link_local_address_from_outside_meets_the_host),
		DP_TEST(ipv4_link_local_address_of_a_container_is_spoofed),
		DP_TEST_V6(mapped_address_on_the_wire_is_malformed),
	};

	return dp_main(tests);
}
