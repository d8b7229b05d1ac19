/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_neighbour - neighbour discovery: cut short, and hidden */
#include "dp.h"

#define V6_LEN (ETH_HLEN + 40)
#define ICMP_LEN 8
#define ALL_NODES "ff02::1"

/* RFC 4861 4: types, and how long their fixed parts are. */
enum { ND_ROUTER_SOLICIT = 133, ND_ROUTER, ND_SOLICIT, ND_ADVERT, ND_REDIRECT };

static const struct {
	__u8 type;
	__u8 len;
} messages[] = { { ND_ROUTER_SOLICIT, 8 },
		 { ND_ROUTER, 16 },
		 { ND_SOLICIT, 24 },
		 { ND_ADVERT, 24 },
		 { ND_REDIRECT, 40 } };

#define MESSAGES (sizeof(messages) / sizeof(*messages))

/* A message of web's, about the address `target`. */
struct message {
	const char *dst, *target;
	__u8 type, len, hops;
	__u8 extension, count; /* headers of eight bytes each in front of it */
};

static size_t build(const struct dp *dp, const struct message *message,
		    __u8 *bytes)
{
	struct frame frame = frame_echo(dp->ip.web, message->dst, 0);
	struct ipaddr target = ip_of(message->target);
	__u8 *at = bytes + V6_LEN;
	size_t len;

	frame.icmp_type = message->type;
	frame.ttl = message->hops;
	frame.payload = message->len - ICMP_LEN;
	frame.options = message->count;
	frame = frame_switched(frame, WEB, FRONT);
	len = frame_build(&frame, bytes);
	if (message->count)
		bytes[ETH_HLEN + 6] = message->extension;
	for (int i = 0; i < message->count; i++, at += 8) {
		at[0] = i + 1 < message->count ? message->extension :
						 IPPROTO_ICMPV6;
		at[1] = 0;
	}
	if (message->len >= 24)
		memcpy(at + ICMP_LEN, &target, sizeof(target));
	return len;
}

static void run(struct dp *dp, const struct message *message)
{
	__u8 bytes[FRAME_MAX];
	size_t len = build(dp, message, bytes);

	dp_ingress_bytes(dp, WEB, bytes, len);
}

/* ---------------------------------------------------------- truncation */

static enum reason verdict(const struct message *message, size_t len)
{
	if (len < ICMP_LEN)
		return REASON_MALFORMED;
	if (message->type == ND_ROUTER || message->type == ND_REDIRECT)
		return REASON_SPOOFED_SOURCE;
	if (message->type == ND_ADVERT && len < message->len)
		return REASON_MALFORMED;
	return REASON_TO_STACK;
}

static void run_truncations(struct dp *dp, const struct message *message)
{
	__u8 bytes[FRAME_MAX];
	size_t len = V6_LEN, whole = build(dp, message, bytes);
	size_t head = V6_LEN + 8 * message->count;

	for (; len <= whole; len++) {
		enum reason why = len < head ? REASON_MALFORMED :
					       verdict(message, len - head);

		dp_ingress_bytes(dp, WEB, bytes, len);
		if (why == REASON_TO_STACK)
			dp_expect_passed(dp, why);
		else
			dp_expect_dropped(dp, why);
		/* To a container everything whole goes: it was checked. */
		if (why == REASON_MALFORMED && len >= head + ICMP_LEN)
			why = REASON_TO_STACK;
		dp_egress_bytes(dp, MATE, bytes, len);
		if (why == REASON_MALFORMED)
			dp_expect_dropped(dp, why);
		else
			dp_expect_passed(dp, REASON_TO_STACK);
	}
}

static void every_truncation_is_malformed_or_checked(void **state)
{
	struct dp *dp = *state;
	const char *targets[] = { ALL_NODES, dp->ip.front };

	for (size_t i = 0; i < MESSAGES; i++)
		for (size_t k = 0; k < 2; k++) {
			const struct message message = {
				.dst = targets[k],
				.target = dp->ip.web,
				.type = messages[i].type,
				.len = messages[i].len,
				.hops = 255,
			};

			run_truncations(dp, &message);
		}
}

static void every_truncation_behind_headers_too(void **state)
{
	struct dp *dp = *state;

	for (size_t i = 0; i < MESSAGES; i++)
		for (__u8 count = 1; count <= 4; count += 3) {
			const struct message message = {
				.dst = ALL_NODES,
				.target = dp->ip.web,
				.type = messages[i].type,
				.len = messages[i].len,
				.hops = 255,
				.extension = IPPROTO_HOPOPTS,
				.count = count,
			};

			run_truncations(dp, &message);
		}
}

/* --------------------------------------------------------------- hidden */

/* What a neighbour's stack would believe, it must not get: a header in front
 * changes nothing for the receiver. */
static void header_in_front_hides_no_forgery(void **state)
{
	static const __u8 extensions[] = { IPPROTO_HOPOPTS, IPPROTO_DSTOPTS,
					   IPPROTO_ROUTING };
	struct dp *dp = *state;
	const char *targets[] = { ALL_NODES, dp->ip.front, dp->ip.mate };

	for (int i = 0; i < 3 * 3 * 4; i++) {
		struct message message = {
			.dst = targets[i % 3],
			.target = dp->ip.mate,
			.hops = 255,
			.extension = extensions[i / 3 % 3],
			.count = 1 + i / 9,
		};

		for (size_t k = 0; k < MESSAGES; k++) {
			message.type = messages[k].type;
			message.len = messages[k].len;
			run(dp, &message);
			if (k % 2) /* advertisements of both kinds */
				dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
			else if (message.type == ND_REDIRECT)
				dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
			else
				dp_expect_passed(dp, REASON_TO_STACK);
		}
		message.type = ND_ADVERT;
		message.len = 24;
		message.target = dp->ip.web; /* its own */
		run(dp, &message);
		dp_expect_passed(dp, REASON_TO_STACK);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* What has passed a router is no neighbour's, and no receiver believes it. */
static void only_the_whole_hop_limit_makes_it_a_neighbours(void **state)
{
	struct dp *dp = *state;
	struct message message = { .dst = ALL_NODES,
				   .target = dp->ip.mate,
				   .type = ND_ADVERT,
				   .len = 24,
				   .hops = 254,
				   .extension = IPPROTO_HOPOPTS,
				   .count = 1 };

	run(dp, &message);
	dp_expect_passed(dp, REASON_TO_STACK); /* as any multicast */
	message.dst = dp->ip.mate;
	run(dp, &message);
	assert_int_equal(dp->why, REASON_FORWARDED); /* as any packet */
}

/* Receivers drop them (RFC 6980), all the same they are checked. */
static void fragment_hides_no_forgery(void **state)
{
	struct dp *dp = *state;
	const char *targets[] = { ALL_NODES, dp->ip.mate };

	for (size_t i = 0; i < 2; i++) {
		struct frame frame = frame_echo(dp->ip.web, targets[i], 0);

		frame.icmp_type = ND_ROUTER;
		frame.ttl = 255;
		frame.payload = 40;
		dp_ingress(dp, WEB, frame_cut(frame, 0, 16));
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
		dp_ingress(dp, WEB, frame_cut(frame, 16, 32));
		dp_expect_dropped(dp, REASON_FRAGMENT_UNKNOWN);
	}
}

/* RFC 3810 5: listeners report with a header in front, hop limit 1. */
static void listener_report_passes(void **state)
{
	static const __u8 types[] = { 131, 132, 143 };
	struct dp *dp = *state;
	struct message message = { .dst = "ff02::16",
				   .target = "ff02::fb",
				   .len = 24,
				   .hops = 1,
				   .extension = IPPROTO_HOPOPTS,
				   .count = 1 };

	for (size_t i = 0; i < sizeof(types); i++) {
		message.type = types[i];
		run(dp, &message);
		dp_expect_passed(dp, REASON_TO_STACK);
	}
}

/* The uplink's neighbours are the host's business, headers or not. */
static void neighbours_of_the_uplink_meet_the_host(void **state)
{
	struct dp *dp = *state;
	__u8 bytes[FRAME_MAX];

	for (size_t i = 0; i < MESSAGES; i++)
		for (__u8 count = 0; count < 2; count++) {
			struct message message = {
				.dst = dp->ip.host,
				.target = dp->ip.client,
				.type = messages[i].type,
				.len = messages[i].len,
				.hops = 255,
				.extension = IPPROTO_HOPOPTS,
				.count = count,
			};
			struct ipaddr router = ip_of("fe80::1");
			size_t len = build(dp, &message, bytes);

			memcpy(bytes, node_mac(UP), ETH_ALEN);
			memcpy(bytes + ETH_HLEN + 8, &router, sizeof(router));
			dp_ingress_bytes(dp, UP, bytes, len);
			dp_expect_passed(dp, REASON_TO_STACK);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_V6(every_truncation_is_malformed_or_checked),
		DP_TEST_V6(every_truncation_behind_headers_too),
		DP_TEST_V6(header_in_front_hides_no_forgery),
		DP_TEST_V6(only_the_whole_hop_limit_makes_it_a_neighbours),
		DP_TEST_V6(fragment_hides_no_forgery),
		DP_TEST_V6(listener_report_passes),
		DP_TEST_V6(neighbours_of_the_uplink_meet_the_host),
	};

	return dp_main(tests);
}
