/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_parse - short, impossible and unusual headers */
#include "dp.h"

#include <arpa/inet.h>

#define V4_LEN (ETH_HLEN + 20)
#define V6_LEN (ETH_HLEN + 40)
#define TCP_LEN 20
#define UDP_LEN 8
#define ECHO_LEN 8
#define MORE_FRAGMENTS 0x2000
#define DO_NOT_FRAGMENT 0x4000

static size_t ip_len(const struct dp *dp)
{
	return strchr(dp->ip.web, ':') ? V6_LEN : V4_LEN;
}

/* Frames as a container sends them, one of each protocol. */
struct sample {
	struct frame frame;
	size_t min; /* shorter ones are malformed */
};

static void make_samples(const struct dp *dp, struct sample samples[3])
{
	size_t l3 = ip_len(dp);

	samples[0].frame = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	samples[0].min = l3 + TCP_LEN;
	samples[1].frame = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);
	samples[1].min = l3 + UDP_LEN;
	samples[2].frame = frame_echo(dp->ip.web, dp->ip.mate, 1);
	samples[2].min = l3 + ECHO_LEN;
}

/* ---------------------------------------------------------- truncation */

static void every_truncation_from_a_container_is_malformed(void **state)
{
	struct dp *dp = *state;
	struct sample samples[3];
	__u8 bytes[FRAME_MAX];

	make_samples(dp, samples);
	for (int i = 0; i < 3; i++) {
		struct frame frame =
			frame_switched(samples[i].frame, WEB, FRONT);
		size_t whole = frame_build(&frame, bytes), len = ip_len(dp);

		for (; len < samples[i].min; len++) {
			dp_ingress_bytes(dp, WEB, bytes, len);
			dp_expect_dropped(dp, REASON_MALFORMED);
		}
		assert_int_equal(dp_flow_entries(dp), 2 * i);
		for (; len <= whole; len++) {
			dp_ingress_bytes(dp, WEB, bytes, len);
			assert_int_equal(dp->why, REASON_FORWARDED);
			assert_int_equal(dp->out_len, len);
		}
	}
}

static void every_truncation_from_outside_is_malformed(void **state)
{
	struct dp *dp = *state;
	struct sample samples[3];
	__u8 bytes[FRAME_MAX];

	dp_publish(dp, IPPROTO_TCP, NULL, 80, WEB, 80);
	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 53);
	make_samples(dp, samples);
	for (int i = 0; i < 3; i++) {
		struct frame frame = samples[i].frame;
		size_t len = ip_len(dp);

		frame.src = dp->ip.client;
		frame.dst = dp->ip.host;
		frame = frame_switched(frame, ROUTER, UP);
		frame_build(&frame, bytes);
		for (; len < samples[i].min; len++) {
			dp_ingress_bytes(dp, UP, bytes, len);
			dp_expect_dropped(dp, REASON_MALFORMED);
		}
		dp_ingress_bytes(dp, UP, bytes, len);
		/* Nobody publishes pings. */
		assert_int_equal(dp->why,
				 i == 2 ? REASON_TO_STACK : REASON_FORWARDED);
	}
}

static void every_truncation_to_a_container_is_malformed(void **state)
{
	struct dp *dp = *state;
	struct sample samples[3];
	__u8 bytes[FRAME_MAX];

	make_samples(dp, samples);
	for (int i = 0; i < 3; i++) {
		struct frame frame = samples[i].frame;
		size_t len = ip_len(dp);

		frame.src = dp->ip.front;
		frame = frame_switched(frame, FRONT, MATE);
		frame_build(&frame, bytes);
		for (; len < samples[i].min; len++) {
			dp_egress_bytes(dp, MATE, bytes, len);
			dp_expect_dropped(dp, REASON_MALFORMED);
		}
		dp_egress_bytes(dp, MATE, bytes, len);
		dp_expect_passed(dp, REASON_FORWARDED);
	}
}

/* Test runs want a whole IP header, so shorter frames come by a device. */
static void frame_without_a_whole_ip_header_is_malformed(void **state)
{
	static const enum node nodes[] = { WEB, UP };
	struct dp *dp = *state;
	struct frame frame = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	__u64 before = dp_reason(dp, REASON_MALFORMED);
	__u8 bytes[FRAME_MAX];

	frame_build(&frame, bytes);
	dp_live_open(dp);
	for (int i = 0; i < 2; i++)
		for (size_t len = ETH_HLEN; len < ip_len(dp); len++) {
			dp_live_send(dp, nodes[i], bytes, len);
			assert_true(
				dp_live_reason(dp, REASON_MALFORMED, ++before));
		}
	dp_live_close(dp);
	assert_int_equal(dp_reason(dp, REASON_MALFORMED), before);
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* Its source address is there, and ours. */
static void truncation_of_ours_never_leaves(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_switched(
		frame_tcp(dp->ip.web, 4000, dp->ip.server, 80), UP, ROUTER);
	__u8 bytes[FRAME_MAX];
	size_t len = ip_len(dp);

	frame_build(&frame, bytes);
	for (; len < ip_len(dp) + TCP_LEN; len++) {
		dp_egress_bytes(dp, UP, bytes, len);
		dp_expect_dropped(dp, REASON_MALFORMED);
	}
	dp_egress_bytes(dp, UP, bytes, len);
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
}

/* Ethernet pads short frames: the padding stays and counts for nothing. */
static void padding_after_the_packet_is_kept(void **state)
{
	static const __u8 padding[] = { 1, 2, 3, 4, 5, 6 };
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);
	struct frame want = frame_out(frame_from(frame, dp->ip.host, 4000));
	__u8 bytes[FRAME_MAX];
	size_t len;

	frame = frame_switched(frame, WEB, FRONT);
	len = frame_build(&frame, bytes);
	memcpy(bytes + len, padding, sizeof(padding));
	dp_ingress_bytes(dp, WEB, bytes, len + sizeof(padding));

	assert_int_equal(dp->why, REASON_FORWARDED);
	frame_build(&want, bytes);
	memcpy(bytes + len, padding, sizeof(padding));
	assert_int_equal(dp->out_len, len + sizeof(padding));
	assert_memory_equal(dp->out, bytes, dp->out_len);
}

/* ---------------------------------------------------------- impossible */

/* Runs it with another first byte of the IP header: version and length. */
static void run_with_first_byte(struct dp *dp, __u8 first)
{
	struct frame frame = frame_switched(
		frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80), WEB, FRONT);
	__u8 bytes[FRAME_MAX];
	size_t len = frame_build(&frame, bytes);

	bytes[ETH_HLEN] = first;
	dp_ingress_bytes(dp, WEB, bytes, len);
}

static void wrong_version_is_malformed(void **state)
{
	static const __u8 v4[] = { 0x05, 0x35, 0x55, 0x65, 0xf5 };
	static const __u8 v6[] = { 0x00, 0x40, 0x45, 0x50, 0x70, 0xf0 };
	struct dp *dp = *state;
	bool is_v6 = strchr(dp->ip.web, ':');

	for (size_t i = 0; i < (is_v6 ? sizeof(v6) : sizeof(v4)); i++) {
		run_with_first_byte(dp, is_v6 ? v6[i] : v4[i]);

		dp_expect_dropped(dp, REASON_MALFORMED);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void header_shorter_than_twenty_bytes_is_malformed(void **state)
{
	struct dp *dp = *state;

	for (__u8 words = 0; words < 5; words++) {
		run_with_first_byte(dp, 0x40 | words);

		dp_expect_dropped(dp, REASON_MALFORMED);
	}
}

/* ------------------------------------------------------------- unusual */

static void fragment_without_its_first_is_unknown(void **state)
{
	static const __u16 fields[] = { MORE_FRAGMENTS | 185, 185, 1, 0x1fff,
					DO_NOT_FRAGMENT | 185 };
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		frame.fragment = fields[i];
		dp_ingress(dp, WEB, frame);
		dp_expect_dropped(dp, REASON_FRAGMENT_UNKNOWN);
		dp_ingress(dp, WEB, frame_to(frame, dp->ip.server, 53));
		dp_expect_dropped(dp, REASON_FRAGMENT_UNKNOWN);
		dp_ingress(dp, WEB, frame_to(frame, dp->ip.front, 53));
		dp_expect_dropped(dp, REASON_FRAGMENT_UNKNOWN);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* Whether it is for a published port cannot be told. */
static void fragment_from_outside_is_the_hosts_or_unpublished(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.client, 4000, dp->ip.host, 53);

	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 53);
	frame.payload = 100;
	frame = frame_cut(frame, 48, 48);
	dp_ingress(dp, UP, frame);
	dp_expect_passed(dp, REASON_TO_STACK);
	dp_ingress(dp, UP, frame_to(frame, dp->ip.web, 53));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);
}

static void packet_that_must_not_be_fragmented_is_no_fragment(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);

	frame.fragment = DO_NOT_FRAGMENT;
	dp_ingress(dp, WEB, frame);

	dp_expect_sent(dp, frame_out(frame_from(frame, dp->ip.host, 4000)));
}

static void options_stay_and_the_packet_is_translated(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	struct frame out;

	for (frame.options = 1; frame.options <= 10; frame.options++) {
		dp_ingress(dp, WEB, frame);
		dp_expect_sent(dp, frame_switched(frame, WEB, MATE));

		out = frame_to(frame, dp->ip.server, 443);
		dp_ingress(dp, WEB, out);
		dp_expect_sent(dp,
			       frame_out(frame_from(out, dp->ip.host, 4000)));
		dp_ingress(dp, UP,
			   frame_to(frame_reply(out), dp->ip.host, 4000));
		dp_expect_sent(dp, frame_into(frame_reply(out), WEB));
	}
	assert_int_equal(dp_flow_entries(dp), 4);
}

/* The first words of the options look like the ports of the flow. */
static void ports_are_read_behind_the_options(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_tcp(dp->ip.web, 0x0101, dp->ip.mate, 0x0101);
	struct frame other = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	struct flow flow;

	dp_ingress(dp, WEB, frame);
	dp_expect_sent(dp, frame_switched(frame, WEB, MATE));
	other.options = 1;
	dp_ingress(dp, WEB, other);
	dp_expect_sent(dp, frame_switched(other, WEB, MATE));

	assert_true(dp_flow(dp, frame, &flow));
	assert_int_equal(flow.packets, 1);
	assert_true(dp_flow(dp, other, &flow));
}

static void every_truncation_behind_options_is_malformed(void **state)
{
	struct dp *dp = *state;
	struct sample samples[3];
	__u8 bytes[FRAME_MAX];

	make_samples(dp, samples);
	for (int i = 0; i < 3; i++) {
		struct frame frame =
			frame_switched(samples[i].frame, WEB, FRONT);
		size_t len = ip_len(dp), options;

		frame.options = 2;
		options = frame_l3_len(&frame) + ETH_HLEN - len;
		frame_build(&frame, bytes);
		for (; len < samples[i].min + options; len++) {
			dp_ingress_bytes(dp, WEB, bytes, len);
			dp_expect_dropped(dp, REASON_MALFORMED);
		}
		dp_ingress_bytes(dp, WEB, bytes, len);
		assert_int_equal(dp->why, REASON_FORWARDED);
	}
}

/* A frame to UDP with `count` extension headers of eight bytes each, all of
 * them of this type, and `last` behind them. */
static size_t build_extended(struct frame frame, __u8 type, __u8 count,
			     __u8 last, __u8 *bytes)
{
	__u8 *at = bytes + V6_LEN;
	size_t len;

	frame.options = count;
	len = frame_build(&frame, bytes);
	bytes[ETH_HLEN + 6] = count ? type : last;
	for (__u8 i = 0; i < count; i++, at += 8) {
		at[0] = i + 1 < count ? type : last;
		at[1] = 0;
	}
	return len;
}

static const __u8 extensions[] = { IPPROTO_HOPOPTS, IPPROTO_DSTOPTS,
				   IPPROTO_ROUTING };

static void transport_is_found_behind_four_extension_headers(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);
	struct frame in = frame_switched(frame, WEB, FRONT);
	struct frame out = frame_switched(frame, WEB, MATE);
	__u8 bytes[FRAME_MAX];
	struct flow flow;
	size_t len;

	for (size_t i = 0; i < sizeof(extensions); i++)
		for (__u8 n = 1; n <= 4; n++) {
			len = build_extended(in, extensions[i], n, IPPROTO_UDP,
					     bytes);
			dp_ingress_bytes(dp, WEB, bytes, len);
			assert_int_equal(dp->why, REASON_FORWARDED);
			build_extended(out, extensions[i], n, IPPROTO_UDP,
				       bytes);
			assert_int_equal(dp->out_len, len);
			assert_memory_equal(dp->out, bytes, len);
		}

	assert_true(dp_flow(dp, frame, &flow));
	assert_int_equal(flow.packets, 4 * sizeof(extensions));
	assert_int_equal(dp_flow_entries(dp), 2);
}

/* A walk that goes on for ever would be the sender's to command. */
static void fifth_extension_header_hides_the_transport(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_switched(
		frame_udp(dp->ip.web, 4000, dp->ip.mate, 53), WEB, FRONT);
	__u8 bytes[FRAME_MAX];
	size_t len;

	dp_ingress(dp, WEB, frame); /* a flow of the same ports is no help */
	for (size_t i = 0; i < sizeof(extensions); i++)
		for (__u8 n = 5; n <= 10; n++) {
			len = build_extended(frame, extensions[i], n,
					     IPPROTO_UDP, bytes);
			dp_ingress_bytes(dp, WEB, bytes, len);
			dp_expect_dropped(dp, REASON_EXTENSIONS);
		}
	/* A fragment's header is one of the four. */
	frame.options = 4;
	frame = frame_cut(frame, 0, 16);
	len = frame_build(&frame, bytes);
	for (__u8 *at = bytes + V6_LEN, i = 0; i < 4; i++, at += 8) {
		at[0] = i < 3 ? IPPROTO_HOPOPTS : IPPROTO_FRAGMENT;
		at[1] = 0;
	}
	dp_ingress_bytes(dp, WEB, bytes, len);
	dp_expect_dropped(dp, REASON_EXTENSIONS);

	assert_int_equal(dp_endpoint(dp, SLOT_WEB).reasons[REASON_EXTENSIONS],
			 19);
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void nothing_behind_extension_headers_is_no_flow(void **state)
{
	struct dp *dp = *state;
	const char *targets[] = { dp->ip.mate, dp->ip.server, dp->ip.front };
	__u8 bytes[FRAME_MAX];
	size_t len;

	for (size_t i = 0; i < 3; i++)
		for (__u8 n = 1; n <= 4; n++) {
			struct frame frame = frame_switched(
				frame_udp(dp->ip.web, 4000, targets[i], 53),
				WEB, FRONT);

			len = build_extended(frame, IPPROTO_DSTOPTS, n,
					     IPPROTO_NONE, bytes);
			dp_ingress_bytes(dp, WEB, bytes, len);
			dp_expect_dropped(dp, REASON_EXTENSIONS);
		}
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* From outside it may be the host's, which reads more of them. */
static void
hidden_transport_from_outside_is_the_hosts_or_unpublished(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_switched(
		frame_udp(dp->ip.client, 4000, dp->ip.host, 53), ROUTER, UP);
	__u8 bytes[FRAME_MAX];
	size_t len;

	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 53);
	len = build_extended(frame, IPPROTO_HOPOPTS, 5, IPPROTO_UDP, bytes);
	dp_ingress_bytes(dp, UP, bytes, len);
	dp_expect_passed(dp, REASON_TO_STACK);

	frame.dst = dp->ip.web;
	build_extended(frame, IPPROTO_HOPOPTS, 5, IPPROTO_UDP, bytes);
	dp_ingress_bytes(dp, UP, bytes, len);
	dp_expect_dropped(dp, REASON_UNPUBLISHED);

	frame = frame_switched(frame_udp(dp->ip.web, 4000, dp->ip.server, 53),
			       UP, ROUTER);
	build_extended(frame, IPPROTO_HOPOPTS, 5, IPPROTO_UDP, bytes);
	dp_egress_bytes(dp, UP, bytes, len);
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
}

static void extension_header_longer_than_the_packet_is_malformed(void **state)
{
	static const __u8 headers[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING,
					IPPROTO_DSTOPTS };
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.web, 0, dp->ip.mate, 0);

	/* The payload's second byte is the header's length. */
	frame.payload = 40;
	for (size_t i = 0; i < sizeof(headers); i++) {
		frame.proto = headers[i];
		dp_ingress(dp, WEB, frame);
		dp_expect_dropped(dp, REASON_MALFORMED);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void rules_about_the_host_bind_fragments_and_options(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.web, 4000, dp->ip.front, 53);

	frame.payload = 100;
	dp_rules(dp, { .to = { SELECT_HOST },
		       .proto = IPPROTO_UDP,
		       .nports = 1,
		       .ports = { { 53, 53 } } });
	dp_ingress(dp, WEB, frame_cut(frame, 0, 48));
	dp_expect_dropped(dp, REASON_POLICY_DENY);
	dp_ingress(dp, WEB, frame_cut(frame, 48, 60));
	dp_expect_dropped(dp, REASON_POLICY_DENY);
	frame.options = 1;
	dp_ingress(dp, WEB, frame);
	dp_expect_dropped(dp, REASON_POLICY_DENY);
}

static void icmp_that_is_no_echo_is_not_masqueraded(void **state)
{
	static const __u8 types_v4[] = { 5, 9, 13, 17 };
	static const __u8 types_v6[] = { 5, 100, 138, 139 };
	struct dp *dp = *state;
	struct frame frame = frame_echo(dp->ip.web, dp->ip.server, 1);
	bool is_v6 = strchr(dp->ip.web, ':');

	for (size_t i = 0; i < sizeof(types_v4); i++) {
		frame.icmp_type = is_v6 ? types_v6[i] : types_v4[i];
		dp_ingress(dp, WEB, frame);

		dp_expect_dropped(dp, REASON_PROTOCOL);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* Behind options, and in fragments, of which none has ports. */
static void other_protocol_behind_options_is_switched(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.web, 0, dp->ip.mate, 0);
	struct frame want = frame_switched(frame, WEB, MATE);
	struct flow flow;

	frame.proto = want.proto = IPPROTO_GRE;
	frame.payload = want.payload = 96;
	for (__u8 options = 0; options <= 4; options++) {
		frame.options = want.options = options;
		dp_ingress(dp, WEB, frame);
		dp_expect_sent(dp, want);
		for (__u16 at = 0; at < 96; at += 48) {
			dp_ingress(dp, WEB, frame_cut(frame, at, 48));
			dp_expect_sent(dp, frame_cut(want, at, 48));
		}
	}
	assert_true(dp_flow(dp, frame, &flow));
	assert_int_equal(flow.packets, 15);
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void unicast_protocol_without_payload_is_switched(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.web, 0, dp->ip.mate, 0);

	frame.proto = 253; /* RFC 3692: for experiments */
	for (frame.payload = 0; frame.payload < 9; frame.payload++) {
		dp_ingress(dp, WEB, frame);

		dp_expect_sent(dp, frame_switched(frame, WEB, MATE));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(every_truncation_from_a_container_is_malformed),
		DP_TEST_BOTH(every_truncation_from_outside_is_malformed),
		DP_TEST_BOTH(every_truncation_to_a_container_is_malformed),
		DP_TEST_BOTH(frame_without_a_whole_ip_header_is_malformed),
		DP_TEST_BOTH(truncation_of_ours_never_leaves),
		DP_TEST_BOTH(padding_after_the_packet_is_kept),
		DP_TEST_BOTH(wrong_version_is_malformed),
		DP_TEST(header_shorter_than_twenty_bytes_is_malformed),
		DP_TEST(fragment_without_its_first_is_unknown),
		DP_TEST_BOTH(fragment_from_outside_is_the_hosts_or_unpublished),
		DP_TEST(packet_that_must_not_be_fragmented_is_no_fragment),
		DP_TEST_BOTH(options_stay_and_the_packet_is_translated),
		DP_TEST_BOTH(ports_are_read_behind_the_options),
		DP_TEST_BOTH(every_truncation_behind_options_is_malformed),
		DP_TEST_V6(transport_is_found_behind_four_extension_headers),
		DP_TEST_V6(fifth_extension_header_hides_the_transport),
		DP_TEST_V6(nothing_behind_extension_headers_is_no_flow),
		DP_TEST_V6(
			hidden_transport_from_outside_is_the_hosts_or_unpublished),
		DP_TEST_V6(
			extension_header_longer_than_the_packet_is_malformed),
		DP_TEST_BOTH(rules_about_the_host_bind_fragments_and_options),
		DP_TEST_BOTH(icmp_that_is_no_echo_is_not_masqueraded),
		DP_TEST_BOTH(other_protocol_behind_options_is_switched),
		DP_TEST_BOTH(unicast_protocol_without_payload_is_switched),
	};

	return dp_main(tests);
}
