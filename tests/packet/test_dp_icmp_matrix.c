/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_icmp_matrix - ICMP errors about every kind of translated packet */
#include "dp.h"

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
enum quoted { TCP, UDP, UDP_NO_CHECKSUM, ECHO, QUOTES };

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

/* Shorter than its ports, a quote names no flow. Longer, it is translated as
 * far as it goes. */
static void every_truncation_of_a_quote_is_malformed_or_right(void **state)
{
	struct dp *dp = *state;
	struct flow models[2][2];
	struct ports ports = { 40000, 1234, 53 };

	make_models(dp, models);
	for (int i = 0; i < 2 * QUOTES; i++) {
		struct track track = { .change = BOTH,
				       .quoted = i / 2,
				       .outwards = i & 1 };
		struct frame error;
		__u16 l3, whole, least, check;

		make_sides(dp, &track, ports);
		plant(dp, &track, &models[0][track.outwards]);
		l3 = frame_l3_len(&track.in);
		whole = l3 + (track.quoted == TCP ? 20 : 8) + track.in.payload;
		check = track.quoted == TCP ? 16 : track.quoted == ECHO ? 2 : 6;
		least = l3 + (track.quoted == ECHO ? 8 : 4);
		error = frame_error(track.in.dst, UNREACHABLE, &track.in);
		for (__u16 len = 1; len < least; len++) {
			error.quote_len = len;
			dp_ingress(dp, track.outwards ? WEB : UP, error);
			dp_expect_dropped(dp, REASON_MALFORMED);
		}
		/* Half a checksum stays as it is; nobody can check it. */
		for (__u16 len = least; len <= whole; len++)
			if (len != l3 + check + 1)
				run_error(dp, &track, UNREACHABLE, false, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(error_about_tcp_is_translated),
		DP_TEST_BOTH(error_about_udp_is_translated),
		DP_TEST_BOTH(error_about_udp_without_checksum_is_translated),
		DP_TEST_BOTH(error_about_an_echo_is_translated),
		DP_TEST_BOTH(random_whole_tcp_headers_are_translated),
		DP_TEST_BOTH(random_short_tcp_headers_are_translated),
		DP_TEST_BOTH(random_udp_headers_are_translated),
		DP_TEST_BOTH(
			random_udp_headers_without_checksum_are_translated),
		DP_TEST_BOTH(random_echoes_are_translated),
		DP_TEST_BOTH(every_truncation_of_a_quote_is_malformed_or_right),
	};

	return dp_main(tests);
}
