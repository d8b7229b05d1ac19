/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_reject - a rejected sender is told */
#include "dp_answer.h"

#include <arpa/inet.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <time.h>

#define RULE_ID 7
#define REJECT .id = RULE_ID, .action = RULE_REJECT
#define ALLOW .action = RULE_ALLOW

/* --------------------------------- what is wanted, byte by byte from the RFCs */

static struct answer reset_to(const __u8 *in, __u32 seq, __u32 ack, __u8 flags)
{
	struct answer answer = answer_to(in, IPPROTO_TCP, 20);
	__u8 *tcp = answer.bytes + answer.l4;

	memcpy(tcp, in + answer.l4 + 2, 2);
	memcpy(tcp + 2, in + answer.l4, 2);
	put16(tcp + 4, seq >> 16);
	put16(tcp + 6, seq);
	put16(tcp + 8, ack >> 16);
	put16(tcp + 10, ack);
	tcp[12] = 0x50;
	tcp[13] = flags;
	put16(tcp + 16,
	      ~sum_fold(sum_words(tcp, 20) + pseudo_sum(&answer, IPPROTO_TCP)));
	return answer;
}

static struct answer prohibited(const __u8 *in)
{
	bool v4 = frame_is_v4(in);

	return error_to(in, v4 ? 3 : 1, v4 ? 13 : 1, NULL, 0, 8);
}

/* ---------------------------------------------------------------- checks */

static void expect_answer(const struct dp *dp, const struct answer *want)
{
	assert_int_equal(dp->why, REASON_POLICY_REJECT);
	assert_int_equal(dp->verdict, TC_ACT_REDIRECT);
	assert_int_equal(dp->out_len, want->len);
	assert_memory_equal(dp->out, want->bytes, want->len);
}

static void expect_reset(const struct dp *dp, __u32 seq, __u32 ack, __u8 flags)
{
	const struct answer want = reset_to(dp->in, seq, ack, flags);

	expect_answer(dp, &want);
}

static void expect_error(const struct dp *dp)
{
	const struct answer want = prohibited(dp->in);

	expect_answer(dp, &want);
}

#define SEQ 0x01020304 /* of every TCP frame */

/* ----------------------------------------------------------------- tests */

static void syn_is_answered_by_a_reset(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	dp_rules(dp, { REJECT });
	dp_ingress(dp, WEB, syn);
	/* The SYN counts as one byte. */
	expect_reset(dp, 0, SEQ + syn.payload + 1, TCP_RST | TCP_ACK);

	syn.payload = 0;
	dp_ingress(dp, WEB, syn);
	expect_reset(dp, 0, SEQ + 1, TCP_RST | TCP_ACK);
	dp_ingress(dp, WEB, frame_flags(syn, TCP_FIN));
	expect_reset(dp, 0, SEQ + 1, TCP_RST | TCP_ACK);
	dp_ingress(dp, WEB, frame_flags(syn, 0));
	expect_reset(dp, 0, SEQ, TCP_RST | TCP_ACK);
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* Sends a frame whose acknowledgement is `ack`. */
static void send_ack(struct dp *dp, enum node node, struct frame frame,
		     __u32 ack)
{
	__u8 bytes[FRAME_MAX];
	size_t len, at;

	frame.smac = node;
	frame.dmac = FRONT;
	len = frame_build(&frame, bytes);
	at = frame_is_v4(bytes) ? 34 : 54;
	put16(bytes + at + 8, ack >> 16);
	put16(bytes + at + 10, ack);
	dp_ingress_bytes(dp, node, bytes, len);
}

static void established_flow_is_reset_from_both_ends(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	struct frame ack = frame_flags(syn, TCP_ACK);

	dp_ingress(dp, WEB, syn);
	dp_ingress(dp, MATE, frame_reply(syn));
	dp_rules(dp, { REJECT });

	send_ack(dp, WEB, ack, 0x0a0b0c0d);
	expect_reset(dp, 0x0a0b0c0d, 0, TCP_RST);
	send_ack(dp, MATE, frame_reply(ack), 0xf0f1f2f3);
	expect_reset(dp, 0xf0f1f2f3, 0, TCP_RST);
	send_ack(dp, WEB, ack, 0x0a0b0c0d);
	expect_reset(dp, 0x0a0b0c0d, 0, TCP_RST);
}

static void reset_is_not_answered(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	dp_rules(dp, { REJECT });
	dp_ingress(dp, WEB, frame_flags(frame, TCP_RST));
	dp_expect_dropped(dp, REASON_POLICY_REJECT);
	dp_ingress(dp, WEB, frame_flags(frame, TCP_RST | TCP_ACK));
	dp_expect_dropped(dp, REASON_POLICY_REJECT);
}

static void all_but_tcp_gets_an_icmp_error(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);
	struct frame other = udp;

	dp_rules(dp, { REJECT });
	dp_ingress(dp, WEB, udp);
	expect_error(dp);
	udp.payload = 0; /* shorter than its answer */
	dp_ingress(dp, WEB, udp);
	expect_error(dp);
	udp.payload = 1200;
	dp_ingress(dp, WEB, udp);
	expect_error(dp);
	dp_ingress(dp, WEB, frame_echo(dp->ip.web, dp->ip.mate, 9));
	expect_error(dp);
	other.proto = 132; /* SCTP */
	dp_ingress(dp, WEB, other);
	expect_error(dp);
}

/* RFC 1122 3.2.2: never an error about an error. */
static void icmp_error_is_not_answered(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	dp_ingress(dp, WEB, udp);
	dp_rules(dp, { REJECT });
	dp_ingress(dp, MATE, frame_error(dp->ip.mate, UNREACHABLE, &udp));
	dp_expect_dropped(dp, REASON_POLICY_REJECT);
}

/* Neither an echo nor an error. */
static void other_icmp_is_not_answered(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_echo(dp->ip.web, dp->ip.mate, 9);

	dp_rules(dp, { REJECT });
	frame.icmp_type = 200;
	dp_ingress(dp, WEB, frame);
	dp_expect_dropped(dp, REASON_POLICY_REJECT);
}

static void packet_with_more_headers_is_not_answered(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	dp_rules(dp, { REJECT });
	udp.options = 1;
	dp_ingress(dp, WEB, udp);
	dp_expect_dropped(dp, REASON_POLICY_REJECT);
}

static void only_the_first_fragment_is_answered(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	dp_rules(dp, { REJECT });
	udp.payload = 1192;
	udp.ip_id = 77;
	dp_ingress(dp, WEB, frame_cut(udp, 0, 600));
	expect_error(dp);
	dp_ingress(dp, WEB, frame_cut(udp, 600, 600));
	dp_expect_dropped(dp, REASON_POLICY_REJECT);
}

static void packet_too_short_to_be_quoted_is_not_answered(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	dp_rules(dp, { REJECT });
	frame.proto = 132;
	frame.payload = 8;
	dp_ingress(dp, WEB, frame);
	expect_error(dp);
	frame.payload = 7;
	dp_ingress(dp, WEB, frame);
	dp_expect_dropped(dp, REASON_POLICY_REJECT);
}

static void frame_to_a_group_is_not_answered(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	dp_rules(dp, { REJECT });
	frame.dmac = EVERYBODY;
	dp_ingress(dp, WEB, frame);
	dp_expect_dropped(dp, REASON_POLICY_REJECT);
}

/* The answer comes from the published address. */
static void client_outside_is_told(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.host, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_publish(dp, IPPROTO_UDP, NULL, 8080, WEB, 53);
	dp_rules(dp, { REJECT, .from = { .kind = SELECT_WORLD } });
	dp_ingress(dp, UP, syn);
	expect_reset(dp, 0, SEQ + syn.payload + 1, TCP_RST | TCP_ACK);
	syn.proto = IPPROTO_UDP;
	dp_ingress(dp, UP, syn);
	expect_error(dp);
}

static void host_is_told(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.front, 5000, dp->ip.web, 80);

	dp_rules(dp, { REJECT, .from = { .kind = SELECT_HOST } });
	dp_egress(dp, WEB, syn);
	expect_reset(dp, 0, SEQ + syn.payload + 1, TCP_RST | TCP_ACK);
}

/* web's cable leads to no bridge, so to the host's stack itself. */
static void take_off_the_bridge(struct dp *dp)
{
	struct endpoint_val value;
	__u32 ifindex = dp->ifindex[WEB];

	assert_int_equal(
		table_get(dp->datapath, MAP_ENDPOINTS, &ifindex, &value), 0);
	value.bridge_ifindex = ifindex;
	assert_int_equal(table_set(dp->datapath, MAP_ENDPOINTS, &ifindex,
				   &value, &dp->err),
			 0);
}

static void answer_to_the_host_passes_the_host_end(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_tcp(dp->ip.front, 5000, dp->ip.web, 80);
	__u8 answer[FRAME_MAX];

	take_off_the_bridge(dp);
	dp_rules(dp, { REJECT, .from = { .kind = SELECT_HOST } },
		 { .action = RULE_DENY });
	for (int i = 0; i < 2; i++) {
		size_t len;

		frame.proto = i ? IPPROTO_UDP : IPPROTO_TCP;
		dp_egress(dp, WEB, frame);
		assert_int_equal(dp->why, REASON_POLICY_REJECT);
		assert_int_equal(dp->verdict, TC_ACT_REDIRECT);
		len = dp->out_len;
		memcpy(answer, dp->out, len);

		dp_ingress_bytes(dp, WEB, answer, len);
		dp_expect_passed(dp, REASON_OK);
		assert_int_equal(dp->mark, 0);
		assert_int_equal(dp_flow_entries(dp), 0);
	}
}

/* As if a container had sent one: it comes without the mark. */
static void answer_that_is_not_ours_does_not_pass(void **state)
{
	struct dp *dp = *state;
	struct frame rst = frame_flags(
		frame_tcp(dp->ip.web, 80, dp->ip.front, 5000), TCP_RST);

	take_off_the_bridge(dp);
	dp_rules(dp, { .action = RULE_DENY });
	rst.smac = WEB;
	dp_ingress(dp, WEB, rst);
	dp_expect_dropped(dp, REASON_POLICY_DENY);
	dp->mark = 1;
	dp_ingress(dp, WEB, rst);
	dp_expect_dropped(dp, REASON_POLICY_DENY);
}

/* Where the bridge has no program of ours, nothing has to be marked. */
static void answer_by_the_bridge_is_not_marked(void **state)
{
	struct dp *dp = *state;

	dp_rules(dp, { REJECT, .from = { .kind = SELECT_HOST } });
	dp_egress(dp, WEB, frame_tcp(dp->ip.front, 5000, dp->ip.web, 80));

	assert_int_equal(dp->verdict, TC_ACT_REDIRECT);
	assert_int_equal(dp->mark, 0);
}

static void rejected_packets_are_counted(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	dp_rules(dp, { REJECT });
	dp_ingress(dp, WEB, udp);
	dp_ingress(dp, WEB, udp);

	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, RULE_ID).packets, 2);
	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, RULE_ID).bytes,
			 2 * dp->in_len);
	assert_int_equal(
		dp_endpoint(dp, SLOT_WEB).reasons[REASON_POLICY_REJECT], 2);
}

/* A tick may end on the way, but not every few packets. */
/* Until none comes any more; returns how many came. */
static int use_up_answers(struct dp *dp, struct frame frame)
{
	int sent = 0;

	do {
		dp_ingress(dp, WEB, frame);
		assert_int_equal(dp->why, REASON_POLICY_REJECT);
	} while (dp->verdict == TC_ACT_REDIRECT &&
		 ++sent < 20 * ANSWERS_PER_TICK);
	return sent;
}

static void answers_of_one_tick_have_a_bound(void **state)
{
	struct dp *dp = *state;

	dp_rules(dp, { REJECT });
	use_up_answers(dp, frame_udp(dp->ip.web, 4000, dp->ip.mate, 53));

	assert_int_equal(dp->verdict, TC_ACT_SHOT);
}

/* Each CPU counts for itself, hence only one. */
static void next_tick_is_answered_again(void **state)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);
	__u32 start = datapath_now();
	cpu_set_t all, one;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	dp_rules(dp, { REJECT });
	use_up_answers(dp, udp);
	while (dp->verdict == TC_ACT_SHOT && datapath_now() - start < 20) {
		nanosleep(&pause, NULL);
		dp_ingress(dp, WEB, udp);
	}

	assert_int_equal(dp->verdict, TC_ACT_REDIRECT);
	assert_true(use_up_answers(dp, udp) >= ANSWERS_PER_TICK - 1);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

/* ------------------------------------------------------ on real devices */

/* A device adds up what follows start, and writes the result at offset. Then
 * whoever adds up everything must get all ones. */
static void assert_completes(struct answer answer, struct partial partial)
{
	__u8 *l4 = answer.bytes + answer.l4;
	size_t len = answer.len - answer.l4;
	__u8 proto = answer.bytes[frame_is_v4(answer.bytes) ? 23 : 20];
	__u32 sum = proto == IPPROTO_ICMP ? 0 : pseudo_sum(&answer, proto);

	assert_int_equal(partial.start, answer.l4);
	put16(l4 + partial.offset, ~sum_fold(sum_words(l4, len)));
	assert_int_equal(sum_fold(sum + sum_words(l4, len)), 0xffff);
}

/* What arrives where the packet came from still is to be completed, at the
 * place where the packet had its checksum. */
static bool partial_answer_arrives(struct dp *dp, enum node node,
				   struct frame frame)
{
	struct partial partial;
	struct answer want;
	__u8 bytes[FRAME_MAX];
	size_t len = frame_build_partial(&frame, bytes, &partial);
	bool tcp = frame.proto == IPPROTO_TCP;
	bool arrives;

	want = tcp ? reset_to(bytes, 0, SEQ + frame.payload + 1,
			      TCP_RST | TCP_ACK) :
		     prohibited(bytes);
	if (tcp)
		put16(want.bytes + want.l4 + 16,
		      sum_fold(pseudo_sum(&want, IPPROTO_TCP)));
	else if (!frame_is_v4(bytes))
		put16(want.bytes + want.l4 + 6,
		      sum_fold(pseudo_sum(&want, IPPROTO_ICMPV6)));
	assert_completes(want, partial);
	dp_live_open(dp);
	dp_live_send_partial(dp, node, bytes, len, partial);
	arrives = dp_live_receive(dp, node == ROUTER ? UP : node, want.bytes,
				  want.len);
	dp_live_close(dp);
	return arrives;
}

static void answer_arrives_in_the_container(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_tcp(dp->ip.web, 4000, dp->ip.db, 80);

	frame.smac = WEB;
	frame.dmac = FRONT;
	dp_rules(dp, { REJECT });
	assert_true(partial_answer_arrives(dp, WEB, frame));
	frame.proto = IPPROTO_UDP;
	assert_true(partial_answer_arrives(dp, WEB, frame));
}

static void answer_leaves_by_the_uplink(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_tcp(dp->ip.client, 5000, dp->ip.host, 8080);

	frame.smac = ROUTER;
	frame.dmac = UP;
	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_publish(dp, IPPROTO_UDP, NULL, 8080, WEB, 53);
	dp_rules(dp, { REJECT });
	assert_true(partial_answer_arrives(dp, UP, frame));
	frame.proto = IPPROTO_UDP;
	assert_true(partial_answer_arrives(dp, UP, frame));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(syn_is_answered_by_a_reset),
		DP_TEST_BOTH(established_flow_is_reset_from_both_ends),
		DP_TEST_BOTH(reset_is_not_answered),
		DP_TEST_BOTH(all_but_tcp_gets_an_icmp_error),
		DP_TEST_BOTH(icmp_error_is_not_answered),
		DP_TEST_BOTH(other_icmp_is_not_answered),
		DP_TEST_BOTH(packet_with_more_headers_is_not_answered),
		DP_TEST(only_the_first_fragment_is_answered),
		DP_TEST_BOTH(packet_too_short_to_be_quoted_is_not_answered),
		DP_TEST_BOTH(frame_to_a_group_is_not_answered),
		DP_TEST_BOTH(client_outside_is_told),
		DP_TEST_BOTH(host_is_told),
		DP_TEST_BOTH(answer_to_the_host_passes_the_host_end),
		DP_TEST_BOTH(answer_that_is_not_ours_does_not_pass),
		DP_TEST_BOTH(answer_by_the_bridge_is_not_marked),
		DP_TEST_BOTH(rejected_packets_are_counted),
		DP_TEST_BOTH(answer_arrives_in_the_container),
		DP_TEST_BOTH(answer_leaves_by_the_uplink),
		/* Nobody gets an answer after this for the rest of the tick. */
		DP_TEST_BOTH(answers_of_one_tick_have_a_bound),
		DP_TEST(next_tick_is_answered_again),
	};

	return dp_main(tests);
}
