/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_fragment - fragments go the way of their first one */
#include "dp.h"

#include <bpf/bpf.h>

#include "datapath/internal.h"

#define PAYLOAD 1200
#define PIECE 400
#define PIECES 4 /* the last one holds what PAYLOAD leaves */

static bool is_v6(const struct dp *dp)
{
	return strchr(dp->ip.web, ':');
}

static struct frame piece(struct frame frame, int i)
{
	return frame_cut(frame, i * PIECE, PIECE);
}

/* Sends all fragments of frame; want is how the whole packet would leave. */
static void run_pieces(struct dp *dp, enum node device, struct frame frame,
		       struct frame want)
{
	for (int i = 0; i < PIECES; i++) {
		dp_ingress(dp, device, piece(frame, i));
		dp_expect_sent(dp, piece(want, i));
	}
}

static struct frame make_frame(const struct dp *dp, __u8 proto, const char *dst)
{
	struct frame frame = frame_udp(dp->ip.web, 40000, dst, 53);

	if (proto == IPPROTO_TCP)
		frame = frame_tcp(dp->ip.web, 40000, dst, 53);
	if (proto == dp->ip.icmp)
		frame = frame_echo(dp->ip.web, dst, 40000);
	frame.payload = PAYLOAD;
	return frame;
}

/* Masqueraded, and back. A ping of another container has taken the identifier,
 * so that all three protocols get another one. */
static void run_masqueraded(struct dp *dp, __u8 options)
{
	const __u8 protos[] = { IPPROTO_UDP, IPPROTO_TCP, dp->ip.icmp };

	dp_ingress(dp, MATE, frame_echo(dp->ip.mate, dp->ip.server, 40000));
	for (int i = 0; i < 3; i++) {
		struct frame out = make_frame(dp, protos[i], dp->ip.server);
		struct frame back;
		__u16 port;

		dp_ingress(dp, WEB, out);
		port = dp_out_port(dp);
		assert_int_not_equal(port, 40000);
		out.options = options;
		back = frame_reply(out);
		run_pieces(dp, WEB, out,
			   frame_out(frame_from(out, dp->ip.host, port)));
		if (protos[i] == dp->ip.icmp)
			run_pieces(
				dp, UP,
				frame_reply(frame_from(out, dp->ip.host, port)),
				frame_into(back, WEB));
		else
			run_pieces(dp, UP, frame_to(back, dp->ip.host, port),
				   frame_into(back, WEB));
	}
}

static void masqueraded_fragments_are_translated(void **state)
{
	run_masqueraded(*state, 0);
}

static void published_fragments_are_translated(void **state)
{
	const __u8 protos[] = { IPPROTO_UDP, IPPROTO_TCP };
	struct dp *dp = *state;

	for (int i = 0; i < 2; i++) {
		struct frame in = make_frame(dp, protos[i], dp->ip.host);
		struct frame inside, back;

		dp_publish(dp, protos[i], NULL, 53, WEB, 80);
		in.src = dp->ip.client;
		inside = frame_to(in, dp->ip.web, 80);
		back = frame_reply(inside);
		run_pieces(dp, UP, in, frame_into(inside, WEB));
		run_pieces(dp, WEB, back,
			   frame_out(frame_from(back, dp->ip.host, 53)));
	}
}

static void fragments_between_containers_are_switched(void **state)
{
	struct dp *dp = *state;
	const __u8 protos[] = { IPPROTO_UDP, IPPROTO_TCP, dp->ip.icmp };

	for (int i = 0; i < 3; i++) {
		struct frame out = make_frame(dp, protos[i], dp->ip.mate);
		struct frame back = frame_reply(out);

		run_pieces(dp, WEB, out, frame_switched(out, WEB, MATE));
		run_pieces(dp, MATE, back, frame_switched(back, MATE, WEB));
	}
}

/* Nothing is translated, so nothing may change. */
static void fragments_to_the_host_reach_its_stack(void **state)
{
	struct dp *dp = *state;
	struct frame out = make_frame(dp, IPPROTO_UDP, dp->ip.front);

	for (int i = 0; i < PIECES; i++) {
		dp_ingress(dp, WEB, piece(out, i));
		dp_expect_passed(dp, REASON_FORWARDED);
	}
	out.src = dp->ip.client;
	out.dst = dp->ip.host;
	for (int i = 0; i < PIECES; i++) {
		dp_ingress(dp, UP, piece(out, i));
		dp_expect_passed(dp, REASON_TO_STACK);
	}
}

static void fragments_with_options_are_translated(void **state)
{
	run_masqueraded(*state, 2);
}

/* RFC 6946: a fragment header around a whole packet. */
static void packet_in_one_fragment_is_translated(void **state)
{
	struct dp *dp = *state;
	struct frame out = make_frame(dp, IPPROTO_UDP, dp->ip.server);

	out.sport = 4000;
	out = frame_cut(out, 0, PAYLOAD + 8);
	dp_ingress(dp, WEB, out);

	dp_expect_sent(dp, frame_out(frame_from(out, dp->ip.host, 4000)));
}

/* As long as one packet of the same kind in all, all of them counted. */
static void every_fragment_counts_for_the_flow(void **state)
{
	struct dp *dp = *state;
	struct frame out = make_frame(dp, IPPROTO_UDP, dp->ip.mate);
	struct flow flow;

	run_pieces(dp, WEB, out, frame_switched(out, WEB, MATE));

	assert_true(dp_flow(dp, out, &flow));
	assert_int_equal(flow.packets, PIECES);
	assert_int_equal(dp_flow_entries(dp), 2);
}

/* -------------------------------------------------------------- strangers */

static void fragment_before_its_first_is_unknown(void **state)
{
	struct dp *dp = *state;
	struct frame out = make_frame(dp, IPPROTO_UDP, dp->ip.mate);

	for (int i = PIECES - 1; i > 0; i--) {
		dp_ingress(dp, WEB, piece(out, i));
		dp_expect_dropped(dp, REASON_FRAGMENT_UNKNOWN);
	}
	assert_int_equal(
		dp_endpoint(dp, SLOT_WEB).reasons[REASON_FRAGMENT_UNKNOWN],
		PIECES - 1);
	run_pieces(dp, WEB, out, frame_switched(out, WEB, MATE));
}

static void order_after_the_first_does_not_matter(void **state)
{
	struct dp *dp = *state;
	struct frame out = make_frame(dp, IPPROTO_UDP, dp->ip.mate);
	struct frame want = frame_switched(out, WEB, MATE);

	dp_ingress(dp, WEB, piece(out, 0));
	for (int i = PIECES - 1; i > 0; i--) {
		dp_ingress(dp, WEB, piece(out, i));
		dp_expect_sent(dp, piece(want, i));
	}
}

static void other_id_is_another_packet(void **state)
{
	struct dp *dp = *state;
	struct frame out = make_frame(dp, IPPROTO_UDP, dp->ip.mate);

	dp_ingress(dp, WEB, piece(out, 0));
	out.ip_id = 7;
	dp_ingress(dp, WEB, piece(out, 1));
	dp_expect_dropped(dp, REASON_FRAGMENT_UNKNOWN);
}

/* Two packets of one id at a time: of two containers, two protocols, two
 * destinations, two directions. */
static void same_id_of_others_does_not_mix(void **state)
{
	struct dp *dp = *state;
	struct frame frames[] = {
		make_frame(dp, IPPROTO_UDP, dp->ip.server),
		make_frame(dp, IPPROTO_UDP, dp->ip.server),
		make_frame(dp, IPPROTO_TCP, dp->ip.server),
		make_frame(dp, IPPROTO_UDP, dp->ip.server2),
		make_frame(dp, dp->ip.icmp, dp->ip.server),
	};
	enum { COUNT = sizeof(frames) / sizeof(*frames) };
	__u16 ports[COUNT];

	frames[1].src = dp->ip.mate;
	for (int n = 0; n < COUNT; n++) {
		frames[n].sport = 41000 + n;
		dp_ingress(dp, n == 1 ? MATE : WEB, frames[n]);
		ports[n] = dp_out_port(dp);
		dp_ingress(dp, n == 1 ? MATE : WEB, piece(frames[n], 0));
	}
	for (int i = 1; i < PIECES; i++)
		for (int n = 0; n < COUNT; n++) {
			dp_ingress(dp, n == 1 ? MATE : WEB,
				   piece(frames[n], i));
			dp_expect_sent(dp, piece(frame_out(frame_from(
							 frames[n], dp->ip.host,
							 ports[n])),
						 i));
		}
}

/* One client sends to two containers at a time, under one id. */
static void same_id_of_two_protocols_reaches_two_containers(void **state)
{
	struct dp *dp = *state;
	struct frame udp = make_frame(dp, IPPROTO_UDP, dp->ip.host);
	struct frame tcp = make_frame(dp, IPPROTO_TCP, dp->ip.host);
	struct frame udp_in, tcp_in;

	udp.src = tcp.src = dp->ip.client;
	tcp.dport = 443;
	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 80);
	dp_publish(dp, IPPROTO_TCP, NULL, 443, MATE, 80);
	udp_in = frame_into(frame_to(udp, dp->ip.web, 80), WEB);
	tcp_in = frame_into(frame_to(tcp, dp->ip.mate, 80), MATE);
	for (int i = 0; i < PIECES; i++) {
		dp_ingress(dp, UP, piece(udp, i));
		dp_expect_sent(dp, piece(udp_in, i));
		dp_ingress(dp, UP, piece(tcp, i));
		dp_expect_sent(dp, piece(tcp_in, i));
	}
}

/* mate sends a first fragment in web's name; web's others do not follow it. */
static void forged_first_fragment_leads_nobody(void **state)
{
	struct dp *dp = *state;
	struct frame out = make_frame(dp, IPPROTO_UDP, dp->ip.db);

	dp->config->inter = RULE_ALLOW;
	dp_ingress(dp, MATE, piece(out, 0));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	dp_ingress(dp, WEB, piece(out, 1));
	dp_expect_dropped(dp, REASON_FRAGMENT_UNKNOWN);
}

static void fragments_of_a_denied_packet_are_denied(void **state)
{
	struct dp *dp = *state;
	struct frame out = make_frame(dp, IPPROTO_UDP, dp->ip.db);

	for (int i = 0; i < PIECES; i++) {
		dp_ingress(dp, WEB, piece(out, i));
		dp_expect_dropped(dp, REASON_POLICY_DEFAULT);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* Nobody has asked: neither does the first one start a flow, nor another. */
static void fragments_of_an_answer_start_no_flow(void **state)
{
	struct dp *dp = *state;
	struct frame out = make_frame(dp, dp->ip.icmp, dp->ip.server);

	out = frame_reply(
		frame_from(frame_to(out, dp->ip.web, 0), dp->ip.server, 7));
	for (int i = 0; i < PIECES; i++) {
		dp_ingress(dp, WEB, piece(out, i));
		dp_expect_dropped(dp, REASON_PROTOCOL);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* RFC 1858: what a rule may ask for, or a checksum, must not hide in the
 * second fragment. */
static void tiny_first_fragment_is_malformed(void **state)
{
	struct dp *dp = *state;
	struct frame tcp = make_frame(dp, IPPROTO_TCP, dp->ip.server);
	struct frame udp = make_frame(dp, IPPROTO_UDP, dp->ip.server);

	for (__u16 len = 8; len < 20; len += 8) {
		dp_ingress(dp, WEB, frame_cut(tcp, 0, len));
		dp_expect_dropped(dp, REASON_MALFORMED);
		dp_ingress(dp, WEB, frame_cut(tcp, len, 400));
		dp_expect_dropped(dp, REASON_FRAGMENT_UNKNOWN);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
	dp_ingress(dp, WEB, frame_cut(udp, 0, 8));
	assert_int_equal(dp->why, REASON_FORWARDED);
}

static void every_truncation_of_a_first_fragment_is_malformed(void **state)
{
	struct dp *dp = *state;
	const __u8 protos[] = { IPPROTO_UDP, IPPROTO_TCP, dp->ip.icmp };
	__u8 bytes[FRAME_MAX];

	for (int i = 0; i < 3; i++) {
		struct frame frame = frame_switched(
			piece(make_frame(dp, protos[i], dp->ip.mate), 0), WEB,
			FRONT);
		size_t len = ETH_HLEN + (is_v6(dp) ? 40 : 20);
		size_t whole = ETH_HLEN + frame_l3_len(&frame) +
			       (protos[i] == IPPROTO_TCP ? 20 : 8);

		frame_build(&frame, bytes);
		for (; len < whole; len++) {
			dp_ingress_bytes(dp, WEB, bytes, len);
			dp_expect_dropped(dp, REASON_MALFORMED);
		}
		assert_int_equal(dp_flow_entries(dp), 2 * i);
		dp_ingress_bytes(dp, WEB, bytes, len);
		assert_int_equal(dp->why, REASON_FORWARDED);
	}
}

/* ---------------------------------------------------------------- records */

static void age_records(const struct dp *dp, __u32 ticks)
{
	int fd = datapath_map(dp->datapath, MAP_FRAGS);
	struct fragment_key *at = NULL, key;
	struct fragment_val value;

	while (bpf_map_get_next_key(fd, at, &key) == 0) {
		at = &key;
		assert_int_equal(bpf_map_lookup_elem(fd, &key, &value), 0);
		value.seen -= ticks;
		assert_int_equal(bpf_map_update_elem(fd, &key, &value, 0), 0);
	}
}

/* Sixteen bits of id come round soon. */
static void old_first_fragment_is_forgotten(void **state)
{
	struct dp *dp = *state;
	struct frame out = make_frame(dp, IPPROTO_UDP, dp->ip.mate);

	dp_ingress(dp, WEB, piece(out, 0));
	age_records(dp, FRAGMENT_TICKS - 5);
	dp_ingress(dp, WEB, piece(out, 1));
	dp_expect_sent(dp, piece(frame_switched(out, WEB, MATE), 1));
	age_records(dp, 6);
	dp_ingress(dp, WEB, piece(out, 2));
	dp_expect_dropped(dp, REASON_FRAGMENT_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(masqueraded_fragments_are_translated),
		DP_TEST_BOTH(published_fragments_are_translated),
		DP_TEST_BOTH(fragments_between_containers_are_switched),
		DP_TEST_BOTH(fragments_to_the_host_reach_its_stack),
		DP_TEST_BOTH(fragments_with_options_are_translated),
		DP_TEST_V6(packet_in_one_fragment_is_translated),
		DP_TEST_BOTH(every_fragment_counts_for_the_flow),
		DP_TEST_BOTH(fragment_before_its_first_is_unknown),
		DP_TEST_BOTH(order_after_the_first_does_not_matter),
		DP_TEST_BOTH(other_id_is_another_packet),
		DP_TEST_BOTH(same_id_of_others_does_not_mix),
		DP_TEST_BOTH(same_id_of_two_protocols_reaches_two_containers),
		DP_TEST_BOTH(forged_first_fragment_leads_nobody),
		DP_TEST_BOTH(fragments_of_a_denied_packet_are_denied),
		DP_TEST_BOTH(fragments_of_an_answer_start_no_flow),
		DP_TEST_BOTH(tiny_first_fragment_is_malformed),
		DP_TEST_BOTH(every_truncation_of_a_first_fragment_is_malformed),
		DP_TEST_BOTH(old_first_fragment_is_forgotten),
	};

	return dp_main(tests);
}
