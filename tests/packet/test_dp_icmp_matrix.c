/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_icmp_matrix - ICMP errors about every kind of translated packet */
#include "dp_answer.h"

#include <stdlib.h>

#include "datapath/internal.h"

#define SHORT_QUOTE 8 /* bytes of transport that RFC 792 asks for */
#define RANDOM_PACKETS 500

static bool is_v6(const struct dp *dp)
{
	return strchr(dp->ip.web, ':');
}

/* --------------------------------------------------------- the matrix */

/* What is translated between the two sides of a flow. */
enum change { ADDRESS, PORT, BOTH, CHANGES };

/* What the quoted packet is. */
enum quoted { TCP, UDP, UDP_NO_CHECKSUM, ECHO, QUOTES, OTHER = QUOTES };

/* A flow whose container is web, and an error on its way along it. */
struct track {
	bool published; /* else web is the client */
	bool outwards; /* web sends the error, else it comes from outside */
	enum change change;
	enum quoted quoted;
	/* The quoted packet as the error's sender has it, and as its receiver
	 * has to see it. */
	struct frame in, out;
};

static struct frame quoted_frame(enum quoted quoted, const char *src,
				 __u16 sport, const char *dst, __u16 dport)
{
	struct frame frame = frame_udp(src, sport, dst, dport);

	if (quoted == TCP)
		frame = frame_flags(frame_tcp(src, sport, dst, dport), TCP_ACK);
	if (quoted == ECHO)
		frame = frame_echo(src, dst, sport);
	if (quoted == OTHER) {
		frame.proto = IPPROTO_GRE;
		frame.sport = frame.dport = 0;
	}
	frame.no_checksum = quoted == UDP_NO_CHECKSUM;
	frame.ttl = 3;
	return frame;
}

/*
 * The entry that an error about `in` meets: a copy of a real one of the same
 * direction, with the ends of this one. So every row of the matrix can be,
 * also those that no configuration asks for.
 */
static struct flow_key reverse_key(const struct frame *frame)
{
	struct flow_key key = frame_key(frame);

	return (struct flow_key){ .src = key.dst,
				  .dst = key.src,
				  .sport = key.dport,
				  .dport = key.sport,
				  .proto = key.proto };
}

static void plant(struct dp *dp, const struct track *track,
		  const struct flow *model)
{
	struct flow_key key = reverse_key(&track->in);
	struct flow_key to = reverse_key(&track->out);
	struct flow flow = *model;

	flow.to_src = to.src;
	flow.to_dst = to.dst;
	flow.to_sport = to.sport;
	flow.to_dport = to.dport;
	assert_int_equal(
		table_set(dp->datapath, MAP_FLOWS, &key, &flow, &dp->err), 0);
}

/* Entries of real flows: [published][outwards]. */
static void make_models(struct dp *dp, struct flow models[2][2])
{
	struct frame out = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);
	struct frame in = frame_udp(dp->ip.client, 4000, dp->ip.host, 8080);
	struct frame answer = frame_reply(in);

	dp_publish(dp, IPPROTO_UDP, NULL, 8080, WEB, 80);
	dp_ingress(dp, WEB, out);
	dp_ingress(dp, UP, in);
	/* The way back is looked up when the answer comes. */
	answer = frame_from(answer, dp->ip.web, 80);
	dp_ingress(dp, WEB, answer);
	assert_true(dp_flow(dp, out, &models[0][1]));
	assert_true(dp_flow(dp, frame_to(frame_reply(out), dp->ip.host, 4000),
			    &models[0][0]));
	assert_true(dp_flow(dp, in, &models[1][0]));
	assert_true(dp_flow(dp, answer, &models[1][1]));
}

struct ports {
	__u16 inside, outside, far;
};

/* The side of web, and the side that the world sees. */
static void make_sides(const struct dp *dp, struct track *track,
		       struct ports ports)
{
	const char *far = track->published ? dp->ip.client : dp->ip.server;
	const char *outside = dp->ip.host;
	enum quoted what = track->quoted;
	struct frame in, out;

	if (track->change == PORT)
		outside = dp->ip.web;
	if (track->change == ADDRESS)
		ports.outside = ports.inside;
	/* An error goes against what it quotes. */
	if (track->outwards) {
		in = quoted_frame(what, far, ports.far, dp->ip.web,
				  ports.inside);
		out = quoted_frame(what, far, ports.far, outside,
				   ports.outside);
	} else {
		in = quoted_frame(what, outside, ports.outside, far, ports.far);
		out = quoted_frame(what, dp->ip.web, ports.inside, far,
				   ports.far);
	}
	if (what == ECHO) {
		in.sport = track->outwards ? ports.inside : ports.outside;
		out.sport = track->outwards ? ports.outside : ports.inside;
		/* Who asks is the client: its requests go out, or come in. */
		if (track->published != track->outwards)
			in.icmp_type = out.icmp_type = is_v6(dp) ? 129 : 0;
	}
	track->in = in;
	track->out = out;
}

/* From a router on the way (only from outside), or from the end itself. */
static void run_error(struct dp *dp, const struct track *track, int error,
		      bool router, __u16 quote_len)
{
	const char *src = router ? dp->ip.server2 : track->in.dst;
	struct frame frame = frame_error(src, error, &track->in);
	struct frame want =
		frame_error(router ? src : track->out.dst, error, &track->out);

	frame.quote_len = want.quote_len = quote_len;
	dp_ingress(dp, track->outwards ? WEB : UP, frame);

	dp_expect_sent(dp, track->outwards ? frame_out(want) :
					     frame_into(want, WEB));
}

static void run_track(struct dp *dp, const struct track *track)
{
	__u16 short_len = frame_l3_len(&track->in) + SHORT_QUOTE;

	for (int error = 0; error < ERRORS; error++)
		for (int router = 0; router <= !track->outwards; router++) {
			run_error(dp, track, error, router, 0);
			run_error(dp, track, error, router, short_len);
		}
}

static void run_tracks(struct dp *dp, enum quoted quoted)
{
	static const struct ports ports = { 40000, 1234, 53 };
	struct flow models[2][2];

	make_models(dp, models);
	for (int i = 0; i < 4 * CHANGES; i++) {
		struct track track = {
			.published = i & 1,
			.outwards = i & 2,
			.change = i / 4,
			.quoted = quoted,
		};

		make_sides(dp, &track, ports);
		plant(dp, &track, &models[track.published][track.outwards]);
		run_track(dp, &track);
	}
}

static void error_about_tcp_is_translated(void **state)
{
	run_tracks(*state, TCP);
}

static void error_about_udp_is_translated(void **state)
{
	run_tracks(*state, UDP);
}

static void error_about_udp_without_checksum_is_translated(void **state)
{
	run_tracks(*state, UDP_NO_CHECKSUM);
}

static void error_about_an_echo_is_translated(void **state)
{
	run_tracks(*state, ECHO);
}

/* Such flows are not translated today. An error about one is right all the
 * same. */
static void error_about_a_protocol_without_ports_is_translated(void **state)
{
	static const struct ports none = { 0, 0, 0 };
	struct dp *dp = *state;
	struct flow models[2][2];

	make_models(dp, models);
	for (int i = 0; i < 4; i++) {
		struct track track = { .published = i & 1,
				       .outwards = i & 2,
				       .change = ADDRESS,
				       .quoted = OTHER };

		make_sides(dp, &track, none);
		plant(dp, &track, &models[track.published][track.outwards]);
		run_track(dp, &track);
	}
}

static bool is_all_ones(const struct frame *frame)
{
	__u8 bytes[FRAME_MAX];

	frame_build(frame, bytes);
	return memcmp(bytes + ETH_HLEN + frame_l3_len(frame) + 6, "\xff\xff",
		      2) == 0;
}

/* RFC 768: zero would say that there is none. */
static void quoted_udp_checksum_that_becomes_zero_is_all_ones(void **state)
{
	static const struct ports ports = { 40000, 1234, 53 };
	struct dp *dp = *state;
	struct flow models[2][2];

	make_models(dp, models);
	for (int i = 0; i < 4; i++) {
		struct track track = { .published = i & 1,
				       .outwards = i & 2,
				       .change = BOTH,
				       .quoted = UDP };

		make_sides(dp, &track, ports);
		while (!is_all_ones(&track.out)) {
			track.out.salt++;
			assert_int_not_equal(track.out.salt, 0);
		}
		track.in.salt = track.out.salt;
		plant(dp, &track, &models[track.published][track.outwards]);
		run_error(dp, &track, UNREACHABLE, false, 0);
	}
}

/* The full matrix by chance: any ports, contents and lengths. */
static void random_packets(struct dp *dp, enum quoted quoted, bool full)
{
	struct flow models[2][2];

	srandom(4711);
	make_models(dp, models);
	for (int i = 0; i < RANDOM_PACKETS; i++) {
		const struct ports ports = { random(), random(), random() };
		struct track track = {
			.published = random() & 1,
			.outwards = random() & 1,
			.change = random() % CHANGES,
			.quoted = quoted,
		};
		bool router = !track.outwards && random() % 2;
		int l3, whole, error = random() % ERRORS;
		struct flow_key key;

		make_sides(dp, &track, ports);
		track.in.salt = track.out.salt = random();
		track.in.payload = track.out.payload = 2 + random() % 600;
		l3 = frame_l3_len(&track.in);
		whole = quoted == TCP ? 20 : 8;
		plant(dp, &track, &models[track.published][track.outwards]);
		if (full)
			run_error(dp, &track, error, router,
				  l3 + whole +
					  random() % (track.in.payload + 1));
		else
			run_error(dp, &track, error, router,
				  l3 + SHORT_QUOTE + random() % 9);
		key = reverse_key(&track.in);
		table_del(dp->datapath, MAP_FLOWS, &key, &dp->err);
	}
}

static void random_whole_tcp_headers_are_translated(void **state)
{
	random_packets(*state, TCP, true);
}

/* Eight to sixteen bytes: without the checksum. */
static void random_short_tcp_headers_are_translated(void **state)
{
	random_packets(*state, TCP, false);
}

static void random_udp_headers_are_translated(void **state)
{
	random_packets(*state, UDP, true);
}

static void random_udp_headers_without_checksum_are_translated(void **state)
{
	random_packets(*state, UDP_NO_CHECKSUM, true);
}

static void random_echoes_are_translated(void **state)
{
	random_packets(*state, ECHO, true);
}

/* ---------------------------------------------------------- truncation */

/* As it comes to the device. */
static struct frame arriving(const struct track *track, struct frame frame)
{
	return track->outwards ? frame_switched(frame, WEB, FRONT) :
				 frame_switched(frame, ROUTER, UP);
}

/* Half a checksum stays as it is, as do the other half's place (padding) and
 * what is there; nobody can check it. The error's own is right nevertheless. */
static void run_half_checksum(struct dp *dp, const struct track *track,
			      __u16 quote_len)
{
	struct frame error =
		frame_error(track->in.dst, UNREACHABLE, &track->in);
	struct frame out =
		frame_error(track->out.dst, UNREACHABLE, &track->out);
	struct answer want = { .l4 = ETH_HLEN + frame_l3_len(&error) };
	__u8 *icmp = want.bytes + want.l4, bytes[FRAME_MAX];
	size_t len;
	__u32 sum;

	error.quote_len = out.quote_len = quote_len;
	error = arriving(track, error);
	len = frame_build(&error, bytes);
	bytes[len] = 0x5a;
	dp_ingress_bytes(dp, track->outwards ? WEB : UP, bytes, len + 1);

	out = track->outwards ? frame_out(out) : frame_into(out, WEB);
	want.len = frame_build(&out, want.bytes);
	want.bytes[len - 1] = bytes[len - 1];
	want.bytes[len] = 0; /* the other half of the last word */
	put16(icmp + 2, 0);
	sum = sum_words(icmp, len - want.l4 + 1);
	if (is_v6(dp))
		sum += pseudo_sum(&want, IPPROTO_ICMPV6);
	put16(icmp + 2, ~sum_fold(sum));
	want.bytes[len] = 0x5a;
	assert_int_equal(dp->why, REASON_FORWARDED);
	assert_int_equal(dp->out_len, len + 1);
	assert_memory_equal(dp->out, want.bytes, len + 1);
}

/* What a quote has to have before it names a flow, and where its transport
 * checksum is. */
static __u16 least_quote(const struct track *track)
{
	return frame_l3_len(&track->in) + (track->quoted == ECHO ? 8 : 4);
}

static __u16 checksum_at(const struct track *track)
{
	static const __u8 at[] = {
		[TCP] = 16, [UDP] = 6, [UDP_NO_CHECKSUM] = 6, [ECHO] = 2
	};

	return frame_l3_len(&track->in) + at[track->quoted];
}

static void run_quotes(struct dp *dp, const struct track *track)
{
	__u16 len, whole, least = least_quote(track);
	struct frame error =
		frame_error(track->in.dst, UNREACHABLE, &track->in);
	__u8 bytes[FRAME_MAX];

	whole = frame_build(&track->in, bytes) - ETH_HLEN;
	for (len = 1; len < least; len++) {
		error.quote_len = len;
		dp_ingress(dp, track->outwards ? WEB : UP, error);
		dp_expect_dropped(dp, REASON_MALFORMED);
	}
	for (; len <= whole; len++)
		if (len == checksum_at(track) + 1)
			run_half_checksum(dp, track, len);
		else
			run_error(dp, track, UNREACHABLE, false, len);
}

/* Every kind of flow and of quoted packet; the packet may have options, and be
 * a first fragment. */
static void each_track(struct dp *dp, __u8 options, bool fragment,
		       void (*run)(struct dp *dp, const struct track *track))
{
	static const struct ports ports = { 40000, 1234, 53 };
	struct flow models[2][2];

	make_models(dp, models);
	for (int i = 0; i < 4 * QUOTES; i++) {
		struct track track = { .published = i & 1,
				       .outwards = i & 2,
				       .change = BOTH,
				       .quoted = i / 4 };

		make_sides(dp, &track, ports);
		plant(dp, &track, &models[track.published][track.outwards]);
		track.in.options = track.out.options = options;
		if (fragment)
			track.in.cut_len = track.out.cut_len =
				track.quoted == TCP ? 24 : 16;
		run(dp, &track);
	}
}

/* Shorter than its ports, a quote names no flow. Longer, it is translated as
 * far as it goes. */
static void every_truncation_of_a_quote_is_malformed_or_right(void **state)
{
	each_track(*state, 0, false, run_quotes);
}

static void every_truncation_of_a_quote_with_options_too(void **state)
{
	struct dp *dp = *state;

	each_track(dp, 1, false, run_quotes);
	dp_tables_reset(dp);
	each_track(dp, is_v6(dp) ? 4 : 10, false, run_quotes);
}

static void every_truncation_of_a_quoted_fragment_too(void **state)
{
	struct dp *dp = *state;

	each_track(dp, 0, true, run_quotes);
	dp_tables_reset(dp);
	each_track(dp, 2, true, run_quotes);
}

/* The frame ends before the IP packet does. */
static void run_short_frames(struct dp *dp, const struct track *track)
{
	struct frame error = arriving(
		track, frame_error(track->in.dst, UNREACHABLE, &track->in));
	enum node device = track->outwards ? WEB : UP;
	__u8 bytes[FRAME_MAX];
	size_t whole, least, len = ETH_HLEN + (is_v6(dp) ? 40 : 20);

	error.options = track->in.options;
	least = ETH_HLEN + frame_l3_len(&error) + 8 + least_quote(track);
	whole = frame_build(&error, bytes);
	for (; len < least; len++) {
		dp_ingress_bytes(dp, device, bytes, len);
		dp_expect_dropped(dp, REASON_MALFORMED);
	}
	for (; len <= whole; len++) {
		dp_ingress_bytes(dp, device, bytes, len);
		assert_int_equal(dp->why, REASON_FORWARDED);
		assert_int_equal(dp->out_len, len);
	}
}

static void every_truncation_of_an_error_is_malformed(void **state)
{
	struct dp *dp = *state;

	each_track(dp, 0, false, run_short_frames);
	dp_tables_reset(dp);
	each_track(dp, 2, false, run_short_frames);
	dp_tables_reset(dp);
	each_track(dp, 0, true, run_short_frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(error_about_tcp_is_translated),
		DP_TEST_BOTH(error_about_udp_is_translated),
		DP_TEST_BOTH(error_about_udp_without_checksum_is_translated),
		DP_TEST_BOTH(error_about_an_echo_is_translated),
		DP_TEST_BOTH(
			error_about_a_protocol_without_ports_is_translated),
		DP_TEST_BOTH(quoted_udp_checksum_that_becomes_zero_is_all_ones),
		DP_TEST_BOTH(random_whole_tcp_headers_are_translated),
		DP_TEST_BOTH(random_short_tcp_headers_are_translated),
		DP_TEST_BOTH(random_udp_headers_are_translated),
		DP_TEST_BOTH(
			random_udp_headers_without_checksum_are_translated),
		DP_TEST_BOTH(random_echoes_are_translated),
		DP_TEST_BOTH(every_truncation_of_a_quote_is_malformed_or_right),
		DP_TEST_BOTH(every_truncation_of_a_quote_with_options_too),
		DP_TEST_BOTH(every_truncation_of_a_quoted_fragment_too),
		DP_TEST_BOTH(every_truncation_of_an_error_is_malformed),
	};

	return dp_main(tests);
}
