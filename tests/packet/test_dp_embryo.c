/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_embryo - flows that have not proven themselves, and their quota */
#include "dp.h"

#define PORT 40000 /* of the client; outside of the range for masquerade */

/* A flow of web's to the internet, of which the first packet was sent. */
struct talk {
	struct frame ask, answer; /* as they arrive */
};

static struct talk talk_from(struct dp *dp, enum node node, struct frame ask)
{
	struct talk talk = { .ask = ask };

	dp_ingress(dp, node, ask);
	assert_int_equal(dp->why, REASON_FORWARDED);
	talk.answer = frame_to(frame_reply(ask), dp->ip.host, dp_out_port(dp));
	return talk;
}

static struct talk talk_start(struct dp *dp, __u8 proto, __u16 port)
{
	return talk_from(
		dp, WEB,
		proto == IPPROTO_TCP ?
			frame_tcp(dp->ip.web, port, dp->ip.server, 443) :
			frame_udp(dp->ip.web, port, dp->ip.server, 443));
}

/* Both halves are where they should be. */
static void expect_embryo(struct dp *dp, const struct talk *talk, bool embryo)
{
	assert_int_equal(dp_flow_is_embryo(dp, talk->ask), embryo);
	assert_int_equal(dp_flow_is_embryo(dp, talk->answer), embryo);
	assert_int_equal(dp_flow_entries(dp), 2);
}

static __u64 flows_of(struct dp *dp, __u32 slot)
{
	__u64 flows;

	assert_int_equal(table_get(dp->datapath, MAP_EP_FLOWS, &slot, &flows),
			 0);
	return flows;
}

static void forget(struct dp *dp, struct frame frame)
{
	struct flow_key key = frame_key(&frame);

	assert_true(dp_flow_is_embryo(dp, frame));
	assert_int_equal(table_del(dp->datapath, MAP_EMBRYOS, &key, &dp->err),
			 0);
}

/* ----------------------------------------------------------- the proof */

static void answer_moves_the_flow_of_a_container(void **state)
{
	static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct dp *dp = *state;

	for (size_t i = 0; i < sizeof(protos); i++) {
		struct talk talk = talk_start(dp, protos[i], PORT);

		expect_embryo(dp, &talk, true);
		dp_ingress(dp, UP, talk.answer);
		dp_expect_sent(dp, frame_into(frame_reply(talk.ask), WEB));
		expect_embryo(dp, &talk, false);
		assert_int_equal(flows_of(dp, SLOT_WEB), 1);
		dp_gc(dp, SLOT_WEB);
	}
}

static void answer_moves_a_ping(void **state)
{
	struct dp *dp = *state;
	struct frame ask = frame_echo(dp->ip.web, dp->ip.mate, 7);
	struct talk talk = { ask, frame_reply(ask) };

	dp_ingress(dp, WEB, talk.ask);
	expect_embryo(dp, &talk, true);
	dp_ingress(dp, MATE, talk.answer);

	expect_embryo(dp, &talk, false);
}

static void reset_proves_nothing(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_start(dp, IPPROTO_TCP, PORT);

	dp_ingress(dp, UP, frame_flags(talk.answer, TCP_RST | TCP_ACK));
	dp_expect_sent(dp, frame_into(frame_flags(frame_reply(talk.ask),
						  TCP_RST | TCP_ACK),
				      WEB));

	expect_embryo(dp, &talk, true);
}

static void error_proves_nothing(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_start(dp, IPPROTO_UDP, PORT);
	struct frame sent = frame_out(frame_reply(talk.answer));

	dp_ingress(dp, UP, frame_error(dp->ip.host, UNREACHABLE, &sent));
	assert_int_equal(dp->why, REASON_FORWARDED);

	expect_embryo(dp, &talk, true);
}

/* Whoever sends first packets with the addresses of others sees no answer. */
static void client_outside_has_to_speak_again_after_the_answer(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.host, 8080);
	struct frame query = frame_udp(dp->ip.client, 5000, dp->ip.host, 53);
	struct talk tcp = { syn, frame_reply(frame_to(syn, dp->ip.web, 80)) };
	struct talk udp = { query,
			    frame_reply(frame_to(query, dp->ip.web, 53)) };

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 53);
	dp_ingress(dp, UP, tcp.ask);
	dp_ingress(dp, WEB, tcp.answer);
	dp_ingress(dp, UP, frame_flags(tcp.ask, TCP_RST));
	expect_embryo(dp, &tcp, true);
	dp_ingress(dp, UP, frame_flags(tcp.ask, TCP_ACK));
	expect_embryo(dp, &tcp, false);
	dp_gc(dp, SLOT_WEB);

	dp_ingress(dp, UP, udp.ask);
	dp_ingress(dp, UP, udp.ask);
	dp_ingress(dp, WEB, udp.answer);
	expect_embryo(dp, &udp, true);
	dp_ingress(dp, UP, udp.ask);
	expect_embryo(dp, &udp, false);
	assert_int_equal(flows_of(dp, SLOT_WEB), 1);
}

static void stream_without_answers_moves_after_some_packets(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_start(dp, IPPROTO_UDP, PORT);

	for (int i = 2; i < EMBRYO_PACKETS_MAX; i++)
		dp_ingress(dp, WEB, talk.ask);
	expect_embryo(dp, &talk, true);
	dp_ingress(dp, WEB, talk.ask);
	expect_embryo(dp, &talk, false);
	dp_gc(dp, SLOT_WEB);

	talk = talk_start(dp, IPPROTO_TCP, PORT);
	for (int i = 1; i < 2 * EMBRYO_PACKETS_MAX; i++)
		dp_ingress(dp, WEB, talk.ask);
	expect_embryo(dp, &talk, true);
}

/* -------------------------------------------------- the LRU takes a half */

static void answer_writes_the_lost_question_anew(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_start(dp, IPPROTO_UDP, PORT);
	__u16 port = dp_out_port(dp);

	forget(dp, talk.ask);
	dp_ingress(dp, UP, talk.answer);
	dp_expect_sent(dp, frame_into(frame_reply(talk.ask), WEB));
	expect_embryo(dp, &talk, false);

	dp_ingress(dp, WEB, talk.ask);
	dp_expect_sent(dp, frame_out(frame_from(talk.ask, dp->ip.host, port)));
	assert_int_equal(dp_stats(dp).created, 1);
}

static void question_writes_the_lost_answer_anew(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_start(dp, IPPROTO_TCP, PORT);

	forget(dp, talk.answer);
	dp_ingress(dp, WEB, talk.ask);
	expect_embryo(dp, &talk, true);

	dp_ingress(dp, UP, talk.answer);
	dp_expect_sent(dp, frame_into(frame_reply(talk.ask), WEB));
	assert_int_equal(dp_stats(dp).created, 1);
}

static void client_gets_the_port_again_that_its_lost_half_had(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_start(dp, IPPROTO_TCP, PORT);
	__u16 port = dp_out_port(dp);

	forget(dp, talk.ask);
	dp_ingress(dp, WEB, talk.ask);

	dp_expect_sent(dp, frame_out(frame_from(talk.ask, dp->ip.host, port)));
	assert_int_equal(dp_flow_entries(dp), 2);
}

/* Two CPUs with the same first packet: the second finds the first one's reply
 * half, and must not take it back when the flow does not come about. */
static void shared_half_survives_a_client_that_comes_second(void **state)
{
	struct dp *dp = *state;
	struct frame ask = frame_tcp(dp->ip.web, PORT, dp->ip.mate, 80);
	struct talk talk = { ask, frame_reply(ask) };

	dp_ingress(dp, WEB, ask);
	forget(dp, ask);
	dp_ingress(dp, WEB, ask);

	dp_expect_sent(dp, frame_switched(ask, WEB, MATE));
	expect_embryo(dp, &talk, true);
}

/* The forward half is another device's, with another port: nobody would ever use
 * the reply half that was written for this one. */
static void reply_half_goes_when_its_forward_half_does_not_fit(void **state)
{
	struct dp *dp = *state;
	struct talk first = talk_from(
		dp, MATE, frame_udp(dp->ip.mate, 4000, dp->ip.server, 443));
	struct talk second = talk_start(dp, IPPROTO_UDP, 4000);
	struct flow flow;

	assert_true(dp_flow(dp, second.ask, &flow));
	flow.in_ifindex = dp->ifindex[DB];
	dp_flow_set(dp, second.ask, &flow);
	forget(dp, second.answer);
	forget(dp, first.ask);
	forget(dp, first.answer);
	dp_ingress(dp, WEB, second.ask);

	dp_expect_dropped(dp, REASON_FLOW_CONFLICT);
	assert_int_equal(dp_flow_entries(dp), 1);
}

static void tuple_that_somebody_else_took_is_his(void **state)
{
	struct dp *dp = *state;
	struct talk first = talk_start(dp, IPPROTO_UDP, 4000), second;

	assert_int_equal(dp_out_port(dp), 4000);
	forget(dp, first.answer);
	second = talk_from(dp, MATE,
			   frame_udp(dp->ip.mate, 4000, dp->ip.server, 443));
	assert_int_equal(dp_out_port(dp), 4000);

	dp_ingress(dp, WEB, first.ask);
	assert_int_equal(dp->why, REASON_FORWARDED);
	assert_int_not_equal(dp_out_port(dp), 4000);
	dp_ingress(dp, UP, second.answer);
	dp_expect_sent(dp, frame_into(frame_reply(second.ask), MATE));
	assert_int_equal(dp_flow_entries(dp), 4);
}

/* ------------------------------------------------------------ its end */

static void embryo_past_its_time_is_a_miss_without_gc(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_start(dp, IPPROTO_UDP, PORT);
	struct flow flow;

	dp_flow_age(dp, talk.ask, dp->config->udp + 2);
	dp_flow_age(dp, talk.answer, dp->config->udp + 2);
	dp_ingress(dp, UP, talk.answer);

	dp_expect_passed(dp, REASON_TO_STACK);
	assert_false(dp_flow(dp, talk.ask, &flow));
	assert_false(dp_flow(dp, talk.answer, &flow));
}

static void gc_ends_embryos_and_flows(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_start(dp, IPPROTO_UDP, PORT);
	struct gc_args args;

	talk_start(dp, IPPROTO_UDP, PORT + 1);
	dp_ingress(dp, UP, talk.answer);
	args = dp_gc(dp, 0);
	assert_int_equal(args.established, 1);
	assert_int_equal(args.embryonic, 1);
	assert_int_equal(args.scanned, 4);

	args = dp_gc(dp, SLOT_WEB);
	assert_int_equal(args.expired, 2);
	assert_int_equal(dp_flow_entries(dp), 0);
	assert_int_equal(flows_of(dp, SLOT_WEB), 0);
	assert_int_equal(flows_of(dp, 0), 0);
}

static void revoked_embryo_is_denied(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_start(dp, IPPROTO_UDP, PORT);

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_INTERNAL);
	datapath_bump(dp->datapath);
	dp_ingress(dp, WEB, talk.ask);
	dp_expect_dropped(dp, REASON_INTERNAL_NETWORK);
	dp_ingress(dp, UP, talk.answer);
	dp_expect_dropped(dp, REASON_INTERNAL_NETWORK);
}

/* ------------------------------------------------------------- floods */

#define FLOOD (3 * EMBRYOS_MIN)

static void flood_pushes_out_only_embryos(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_start(dp, IPPROTO_TCP, PORT);
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.host, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, talk.answer);
	for (__u16 i = 0; i < FLOOD; i++) {
		syn.sport = i + 1;
		dp_ingress(dp, UP, syn);
		assert_int_equal(dp->why, REASON_FORWARDED);
	}

	assert_false(dp_flow_is_embryo(dp, talk.ask));
	assert_true(dp_flow_entries(dp) <= 2 * EMBRYOS_MIN + 2);
	assert_int_equal(dp_stats(dp).created, FLOOD + 1);
	dp_ingress(dp, UP, talk.answer);
	dp_expect_sent(dp, frame_into(frame_reply(talk.ask), WEB));
}

/* ----------------------------------------------------- room and quota */

static void new_flow_is_dropped_when_there_is_no_room(void **state)
{
	struct dp *dp = *state;
	struct talk old = talk_start(dp, IPPROTO_TCP, PORT);
	struct frame new = frame_tcp(dp->ip.mate, PORT, dp->ip.server, 443);

	dp_ingress(dp, UP, old.answer);
	dp->config->flows_max = 1;
	dp_ingress(dp, MATE, new);
	dp_expect_dropped(dp, REASON_FLOWS_FULL);
	assert_int_equal(dp_stats(dp).full, 1);
	assert_int_equal(dp_flow_entries(dp), 2);

	dp_ingress(dp, UP, old.answer);
	dp_expect_sent(dp, frame_into(frame_reply(old.ask), WEB));
	dp_gc(dp, SLOT_WEB);
	dp_ingress(dp, MATE, new);
	assert_int_equal(dp->why, REASON_FORWARDED);
}

static void answer_is_dropped_when_its_flow_does_not_fit(void **state)
{
	struct dp *dp = *state;
	struct talk talk = talk_start(dp, IPPROTO_TCP, PORT);
	unsigned int room;

	for (room = 0; room < 2; room++) {
		dp_flow_fill(dp, room);
		dp_ingress(dp, UP, talk.answer);
		dp_expect_dropped(dp, REASON_FLOWS_FULL);
		assert_true(dp_flow_is_embryo(dp, talk.ask));
		assert_true(dp_flow_is_embryo(dp, talk.answer));
		assert_int_equal(dp_flow_entries(dp),
				 2 * DP_FLOWS_MAX - room + 2);
		assert_int_equal(dp_stats(dp).full, 1);
		assert_int_equal(flows_of(dp, SLOT_WEB), 0);

		dp_tables_reset(dp);
		talk = talk_start(dp, IPPROTO_TCP, PORT);
	}
}

static void endpoint_has_no_more_flows_than_its_quota(void **state)
{
	struct dp *dp = *state;
	struct talk first = talk_start(dp, IPPROTO_TCP, PORT);
	struct frame next = frame_tcp(dp->ip.web, PORT + 1, dp->ip.server, 443);

	dp->config->flows_per_endpoint = 1;
	dp_ingress(dp, UP, first.answer);
	dp_ingress(dp, WEB, next);
	dp_expect_dropped(dp, REASON_FLOWS_QUOTA);
	assert_int_equal(dp_stats(dp).full, 0);

	dp_ingress(dp, WEB, first.ask);
	assert_int_equal(dp->why, REASON_FORWARDED);
	talk_from(dp, MATE, frame_tcp(dp->ip.mate, PORT, dp->ip.server, 443));
}

/* Both were there before either was counted. */
static void answer_beyond_the_quota_is_dropped(void **state)
{
	struct dp *dp = *state;
	struct talk first = talk_start(dp, IPPROTO_TCP, PORT);
	struct talk second = talk_start(dp, IPPROTO_TCP, PORT + 1);

	dp->config->flows_per_endpoint = 1;
	dp_ingress(dp, UP, first.answer);
	dp_expect_sent(dp, frame_into(frame_reply(first.ask), WEB));
	dp_ingress(dp, UP, second.answer);
	dp_expect_dropped(dp, REASON_FLOWS_QUOTA);

	assert_int_equal(flows_of(dp, SLOT_WEB), 1);
	assert_true(dp_flow_is_embryo(dp, second.ask));
}

static void flows_from_outside_count_for_the_backend(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.host, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp->config->flows_per_endpoint = 0;
	dp_ingress(dp, UP, syn);

	dp_expect_dropped(dp, REASON_FLOWS_QUOTA);
	assert_int_equal(dp_endpoint(dp, SLOT_WEB).reasons[REASON_FLOWS_QUOTA],
			 1);
}

/* ------------------------------------------------------------ counters */

/* What user space shows: the hits, and what live flows have counted. */
static struct hits published(struct dp *dp, struct frame ask)
{
	struct hits hits = dp_hits(dp, MAP_PUB_HITS, 1);
	struct flow flow;

	if (!dp_flow(dp, ask, &flow) || (flow.flags & FLOW_EMBRYO))
		return hits;
	hits.packets += flow.packets;
	hits.bytes += flow.bytes;
	hits.flows++;
	return hits;
}

static void counters_go_on_when_the_flow_moves_and_ends(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.host, 8080);
	struct frame ack = frame_flags(syn, TCP_ACK);
	struct frame inside = frame_to(syn, dp->ip.web, 80);
	size_t len;

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, syn);
	len = dp->in_len;
	assert_int_equal(published(dp, syn).packets, 1);
	assert_int_equal(published(dp, syn).flows, 1);
	dp_ingress(dp, WEB, frame_reply(inside));
	dp_ingress(dp, UP, ack);
	assert_false(dp_flow_is_embryo(dp, syn));
	assert_int_equal(published(dp, syn).packets, 2);
	assert_int_equal(published(dp, syn).bytes, 2 * len);
	assert_int_equal(published(dp, syn).flows, 1);

	dp_gc(dp, SLOT_WEB);
	assert_int_equal(published(dp, syn).packets, 2);
	assert_int_equal(published(dp, syn).bytes, 2 * len);
	assert_int_equal(published(dp, syn).flows, 1);
}

static void embryo_that_is_pushed_out_stays_counted(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.host, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, UP, syn);
	dp_ingress(dp, UP, syn);
	forget(dp, syn);

	assert_int_equal(published(dp, syn).packets, 2);
	assert_int_equal(published(dp, syn).flows, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(answer_moves_the_flow_of_a_container),
		DP_TEST_BOTH(answer_moves_a_ping),
		DP_TEST_BOTH(reset_proves_nothing),
		DP_TEST_BOTH(error_proves_nothing),
		DP_TEST_BOTH(
			client_outside_has_to_speak_again_after_the_answer),
		DP_TEST_BOTH(stream_without_answers_moves_after_some_packets),
		DP_TEST_BOTH(answer_writes_the_lost_question_anew),
		DP_TEST_BOTH(question_writes_the_lost_answer_anew),
		DP_TEST_BOTH(client_gets_the_port_again_that_its_lost_half_had),
		DP_TEST_BOTH(shared_half_survives_a_client_that_comes_second),
		DP_TEST_BOTH(
			reply_half_goes_when_its_forward_half_does_not_fit),
		DP_TEST_BOTH(tuple_that_somebody_else_took_is_his),
		DP_TEST_BOTH(embryo_past_its_time_is_a_miss_without_gc),
		DP_TEST_BOTH(gc_ends_embryos_and_flows),
		DP_TEST_BOTH(revoked_embryo_is_denied),
		DP_TEST(flood_pushes_out_only_embryos),
		DP_TEST_BOTH(new_flow_is_dropped_when_there_is_no_room),
		DP_TEST_BOTH(answer_is_dropped_when_its_flow_does_not_fit),
		DP_TEST_BOTH(endpoint_has_no_more_flows_than_its_quota),
		DP_TEST_BOTH(answer_beyond_the_quota_is_dropped),
		DP_TEST_BOTH(flows_from_outside_count_for_the_backend),
		DP_TEST_BOTH(counters_go_on_when_the_flow_moves_and_ends),
		DP_TEST_BOTH(embryo_that_is_pushed_out_stays_counted),
	};

	return dp_main(tests);
}
