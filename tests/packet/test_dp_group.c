/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_group - what is sent to a group, or to everybody, and who hears it */
#include "dp.h"

#define RULE_ID 7
#define DENY .id = RULE_ID, .action = RULE_DENY
#define MDNS 5353

static bool is_v6(const struct dp *dp)
{
	return strchr(dp->ip.web, ':');
}

/* Frames of web's to many: to a group, to the link, to the subnet. */
enum { GROUPS_V4 = 4, GROUPS_V6 = 3 };

static size_t group_count(const struct dp *dp)
{
	return is_v6(dp) ? GROUPS_V6 : GROUPS_V4;
}

static struct frame to_group(const struct dp *dp, size_t i)
{
	static const char *const v4[GROUPS_V4] = { "224.0.0.251",
						   "239.255.255.250",
						   "255.255.255.255",
						   "192.168.10.255" };
	static const char *const v6[GROUPS_V6] = { "ff02::fb", "ff02::1",
						   "ff0e::1234" };
	struct frame frame =
		frame_udp(dp->ip.web, MDNS, is_v6(dp) ? v6[i] : v4[i], MDNS);

	frame.dmac = EVERYBODY;
	return frame;
}

/* A membership report: IGMPv3 or MLDv2, the latter behind a router alert. */
static struct frame report(const struct dp *dp)
{
	struct frame frame = { .src = dp->ip.web,
			       .ttl = 1,
			       .options = 1,
			       .dmac = EVERYBODY,
			       .payload = 16 };

	frame.dst = is_v6(dp) ? "ff02::16" : "224.0.0.22";
	frame.proto = is_v6(dp) ? IPPROTO_ICMPV6 : IPPROTO_IGMP;
	frame.icmp_type = 143;
	return frame;
}

/* ------------------------------------------------------------- the sender */

static void memberships_reach_the_bridge_whatever_rules_say(void **state)
{
	struct dp *dp = *state;
	struct frame other = report(dp);

	dp_rules(dp, { DENY, .from = { SELECT_ENDPOINT, SLOT_WEB },
		       .to = { SELECT_HOST } });
	dp_ingress(dp, WEB, report(dp));
	dp_expect_passed(dp, REASON_TO_STACK);

	/* They are no way to anybody else. */
	other.icmp_type = 200;
	other.proto = is_v6(dp) ? IPPROTO_ICMPV6 : IPPROTO_GRE;
	dp_ingress(dp, WEB, other);
	dp_expect_dropped(dp, REASON_POLICY_DENY);
}

static void group_is_left_to_the_bridge(void **state)
{
	struct dp *dp = *state;

	for (size_t i = 0; i < group_count(dp); i++) {
		dp_ingress(dp, WEB, to_group(dp, i));
		dp_expect_passed(dp, REASON_TO_STACK);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void rule_about_the_host_holds_for_groups(void **state)
{
	struct dp *dp = *state;

	dp_rules(dp, { DENY, .from = { SELECT_ENDPOINT, SLOT_WEB },
		       .to = { SELECT_HOST } });
	for (size_t i = 0; i < group_count(dp); i++) {
		struct frame frame = to_group(dp, i);

		dp_ingress(dp, WEB, frame);
		dp_expect_dropped(dp, REASON_POLICY_DENY);
		dp_ingress(dp, MATE, frame_from(frame, dp->ip.mate, MDNS));
		dp_expect_passed(dp, REASON_TO_STACK);
	}
	assert_int_equal(dp_endpoint(dp, SLOT_WEB).reasons[REASON_POLICY_DENY],
			 group_count(dp));
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void rule_about_a_port_holds_for_groups(void **state)
{
	struct dp *dp = *state;

	dp_rules(dp, { DENY, .to = { SELECT_HOST }, .proto = IPPROTO_UDP,
		       .nports = 1, .ports = { { MDNS, MDNS } } });
	for (size_t i = 0; i < group_count(dp); i++) {
		struct frame frame = to_group(dp, i);

		dp_ingress(dp, WEB, frame);
		dp_expect_dropped(dp, REASON_POLICY_DENY);
		frame.dport = MDNS + 1;
		dp_ingress(dp, WEB, frame);
		dp_expect_passed(dp, REASON_TO_STACK);
	}
}

/* Neither options nor fragments are a way around it. */
static void rule_about_a_port_holds_behind_options(void **state)
{
	struct dp *dp = *state;

	dp_rules(dp, { DENY, .proto = IPPROTO_UDP, .nports = 1,
		       .ports = { { MDNS, MDNS } } });
	for (size_t i = 0; i < group_count(dp); i++) {
		struct frame frame = to_group(dp, i);

		for (frame.options = 1; frame.options <= 4; frame.options++) {
			frame.dport = MDNS;
			dp_ingress(dp, WEB, frame);
			dp_expect_dropped(dp, REASON_POLICY_DENY);
			dp_forward(dp, WEB, MATE, frame);
			dp_expect_dropped(dp, REASON_POLICY_DENY);
			frame.dport = MDNS + 1;
			dp_ingress(dp, WEB, frame);
			dp_expect_passed(dp, REASON_TO_STACK);
			dp_forward(dp, WEB, MATE, frame);
			dp_expect_passed(dp, REASON_TO_STACK);
		}
	}
}

static void rule_about_a_port_holds_for_fragments(void **state)
{
	struct dp *dp = *state;
	struct frame frame = to_group(dp, 0);

	dp_rules(dp, { DENY, .proto = IPPROTO_UDP, .nports = 1,
		       .ports = { { MDNS, MDNS } } });
	frame.payload = 100;
	dp_ingress(dp, WEB, frame_cut(frame, 48, 60));
	dp_expect_dropped(dp, REASON_FRAGMENT_UNKNOWN);
	for (int at = 0; at < 96; at += 48) {
		dp_ingress(dp, WEB, frame_cut(frame, at, 48));
		dp_expect_dropped(dp, REASON_POLICY_DENY);
		dp_forward(dp, WEB, MATE, frame_cut(frame, at, 48));
		dp_expect_dropped(dp, REASON_POLICY_DENY);
	}

	frame.dport = MDNS + 1;
	frame.ip_id = 7;
	for (int at = 0; at < 96; at += 48) {
		dp_ingress(dp, WEB, frame_cut(frame, at, 48));
		dp_expect_passed(dp, REASON_TO_STACK);
		dp_forward(dp, WEB, MATE, frame_cut(frame, at, 48));
		dp_expect_passed(dp, REASON_TO_STACK);
	}
}

/* Shorter than its ports, it is asked about no rule. */
static void every_truncation_of_a_group_frame_is_malformed(void **state)
{
	struct dp *dp = *state;
	__u8 bytes[FRAME_MAX];

	for (__u8 options = 0; options < 3; options++) {
		struct frame frame = to_group(dp, 0);
		size_t len = ETH_HLEN + (is_v6(dp) ? 40 : 20), whole;

		frame.options = options;
		whole = ETH_HLEN + frame_l3_len(&frame) + 8;
		frame = frame_switched(frame, WEB, EVERYBODY);
		frame_build(&frame, bytes);
		for (; len < whole; len++) {
			dp_ingress_bytes(dp, WEB, bytes, len);
			dp_expect_dropped(dp, REASON_MALFORMED);
			dp_egress_bytes(dp, MATE, bytes, len);
			dp_expect_dropped(dp, REASON_MALFORMED);
		}
		dp_ingress_bytes(dp, WEB, bytes, len);
		dp_expect_passed(dp, REASON_TO_STACK);
	}
}

static void denied_group_frame_is_counted_for_the_rule(void **state)
{
	struct dp *dp = *state;

	dp_rules(dp, { DENY, .from = { SELECT_ENDPOINT, SLOT_WEB } });
	for (size_t i = 0; i < group_count(dp); i++) {
		dp_ingress(dp, WEB, to_group(dp, i));
		dp_expect_dropped(dp, REASON_POLICY_DENY);
	}
	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, RULE_ID).packets,
			 group_count(dp));
	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, RULE_ID).bytes,
			 group_count(dp) * dp->in_len);

	dp_forward(dp, WEB, MATE, to_group(dp, 0));
	dp_expect_dropped(dp, REASON_POLICY_DENY);
	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, RULE_ID).packets,
			 group_count(dp) + 1);
}

/* ---------------------------------------------------------- the receivers */

static void group_reaches_the_others_of_the_network(void **state)
{
	struct dp *dp = *state;

	for (size_t i = 0; i < group_count(dp); i++) {
		dp_forward(dp, WEB, MATE, to_group(dp, i));
		dp_expect_passed(dp, REASON_TO_STACK);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void network_without_icc_is_closed_for_groups(void **state)
{
	struct dp *dp = *state;

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_NO_ICC);
	for (size_t i = 0; i < group_count(dp); i++) {
		dp_forward(dp, WEB, MATE, to_group(dp, i));
		dp_expect_dropped(dp, REASON_POLICY_DEFAULT);
	}
	assert_int_equal(
		dp_endpoint(dp, SLOT_MATE).reasons[REASON_POLICY_DEFAULT],
		group_count(dp));
}

static void rule_between_two_holds_for_groups(void **state)
{
	struct dp *dp = *state;

	dp_address_set(dp, dp->ip.db, DB);
	dp_rules(dp, { DENY, .from = { SELECT_ENDPOINT, SLOT_WEB },
		       .to = { SELECT_ENDPOINT, SLOT_MATE } });
	for (size_t i = 0; i < group_count(dp); i++) {
		struct frame frame = to_group(dp, i);

		dp_ingress(dp, WEB, frame); /* the host may hear it */
		dp_expect_passed(dp, REASON_TO_STACK);
		dp_forward(dp, WEB, MATE, frame);
		dp_expect_dropped(dp, REASON_POLICY_DENY);
		/* The sender is the device: an address proves nothing here. */
		dp_forward(dp, WEB, MATE, frame_from(frame, dp->ip.db, MDNS));
		dp_expect_dropped(dp, REASON_POLICY_DENY);
		dp_forward(dp, MATE, WEB, frame_from(frame, dp->ip.mate, MDNS));
		dp_expect_passed(dp, REASON_TO_STACK);
	}
}

static void rule_about_a_port_holds_for_the_receivers(void **state)
{
	struct dp *dp = *state;

	dp_rules(dp, { DENY, .to = { SELECT_ENDPOINT, SLOT_MATE },
		       .proto = IPPROTO_UDP, .nports = 1,
		       .ports = { { MDNS, MDNS } } });
	for (size_t i = 0; i < group_count(dp); i++) {
		struct frame frame = to_group(dp, i);

		dp_forward(dp, WEB, MATE, frame);
		dp_expect_dropped(dp, REASON_POLICY_DENY);
		frame.dport = MDNS + 1;
		dp_forward(dp, WEB, MATE, frame);
		dp_expect_passed(dp, REASON_TO_STACK);
	}
}

static void group_of_the_host_reaches_a_container(void **state)
{
	struct dp *dp = *state;

	for (size_t i = 0; i < group_count(dp); i++) {
		dp_egress(dp, WEB,
			  frame_from(to_group(dp, i), dp->ip.front, 1));
		dp_expect_passed(dp, REASON_TO_STACK);
	}
}

/* ------------------------------------------------------- from the outside */

static void group_from_outside_is_the_hosts(void **state)
{
	struct dp *dp = *state;

	dp_publish(dp, IPPROTO_UDP, NULL, MDNS, WEB, MDNS);
	for (size_t i = 0; i < group_count(dp); i++) {
		dp_ingress(dp, UP,
			   frame_from(to_group(dp, i), dp->ip.client, MDNS));
		dp_expect_passed(dp, REASON_TO_STACK);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* A stream of them must not push out what containers need. */
static void fragments_to_groups_from_outside_are_not_recorded(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_from(to_group(dp, 0), dp->ip.client, MDNS);
	struct map_usage usage;

	frame.payload = 100;
	for (int at = 0; at < 96; at += 48) {
		dp_ingress(dp, UP, frame_cut(frame, at, 48));
		dp_expect_passed(dp, REASON_TO_STACK);
	}
	assert_int_equal(
		map_usage_get(dp->datapath, MAP_FRAGS, &usage, &dp->err), 0);
	assert_int_equal(usage.entries, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(memberships_reach_the_bridge_whatever_rules_say),
		DP_TEST_BOTH(group_is_left_to_the_bridge),
		DP_TEST_BOTH(rule_about_the_host_holds_for_groups),
		DP_TEST_BOTH(rule_about_a_port_holds_for_groups),
		DP_TEST_BOTH(rule_about_a_port_holds_behind_options),
		DP_TEST_BOTH(rule_about_a_port_holds_for_fragments),
		DP_TEST_BOTH(every_truncation_of_a_group_frame_is_malformed),
		DP_TEST_BOTH(denied_group_frame_is_counted_for_the_rule),
		DP_TEST_BOTH(group_reaches_the_others_of_the_network),
		DP_TEST_BOTH(network_without_icc_is_closed_for_groups),
		DP_TEST_BOTH(rule_between_two_holds_for_groups),
		DP_TEST_BOTH(rule_about_a_port_holds_for_the_receivers),
		DP_TEST_BOTH(group_of_the_host_reaches_a_container),
		DP_TEST_BOTH(group_from_outside_is_the_hosts),
		DP_TEST_BOTH(fragments_to_groups_from_outside_are_not_recorded),
	};

	return dp_main(tests);
}
