/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_nd_answer - containers on one bridge that look for each other */
#include "dp_answer.h"

#include <sys/socket.h>

#define L4 54 /* behind Ethernet and IPv6 */
#define MESSAGE_LEN 32

enum { SOLICIT = 135, ADVERT = 136, SOURCE_MAC = 1, TARGET_MAC = 2 };

/* A message of neighbour discovery with one option, and its frame. */
struct message {
	const __u8 *smac, *dmac;
	const char *src, *dst;
	__u8 type;
	__u32 flags;
	const char *target;
	__u8 option;
	const __u8 *mac;
};

static size_t build(const struct message *message, __u8 *bytes)
{
	struct ipaddr src = ip_of(message->src), dst = ip_of(message->dst);
	struct ipaddr target = ip_of(message->target);
	__u8 pseudo[40 + MESSAGE_LEN] = { 0 };
	__u8 *l4 = bytes + L4;
	__u16 sum;

	memset(bytes, 0, L4 + MESSAGE_LEN);
	memcpy(bytes, message->dmac, 6);
	memcpy(bytes + 6, message->smac, 6);
	put16(bytes + 12, ETH_P_IPV6);
	bytes[14] = 0x60;
	put16(bytes + 18, MESSAGE_LEN);
	bytes[20] = IPPROTO_ICMPV6;
	bytes[21] = 255;
	memcpy(bytes + 22, &src, 16);
	memcpy(bytes + 38, &dst, 16);
	l4[0] = message->type;
	l4[4] = message->flags >> 24;
	memcpy(l4 + 8, &target, 16);
	l4[24] = message->option;
	l4[25] = 1;
	memcpy(l4 + 26, message->mac, 6);

	memcpy(pseudo, bytes + 22, 32);
	pseudo[35] = MESSAGE_LEN;
	pseudo[39] = IPPROTO_ICMPV6;
	memcpy(pseudo + 40, l4, MESSAGE_LEN);
	sum = ~sum_fold(sum_words(pseudo, sizeof(pseudo)));
	put16(l4 + 2, sum);
	return L4 + MESSAGE_LEN;
}

static void run(struct dp *dp, struct message message)
{
	__u8 bytes[FRAME_MAX];

	dp_ingress_bytes(dp, WEB, bytes, build(&message, bytes));
}

/* Who is mate? */
static struct message question(const struct dp *dp)
{
	static const __u8 group[] = { 0x33, 0x33, 0xff, 0, 0, 0x20 };

	return (struct message){
		.smac = node_mac(WEB),
		.dmac = group,
		.src = dp->ip.web,
		.dst = "ff02::1:ff00:20",
		.type = SOLICIT,
		.target = dp->ip.mate,
		.option = SOURCE_MAC,
		.mac = node_mac(WEB),
	};
}

static bool is_answered(struct dp *dp, struct message ask)
{
	const struct message answer = {
		.smac = node_mac(MATE),
		.dmac = node_mac(WEB),
		.src = dp->ip.mate,
		.dst = ask.src,
		.type = ADVERT,
		.flags = 0x60000000, /* solicited, override */
		.target = dp->ip.mate,
		.option = TARGET_MAC,
		.mac = node_mac(MATE),
	};
	__u8 question_bytes[FRAME_MAX], bytes[FRAME_MAX];
	size_t len = build(&ask, question_bytes);

	dp_live_send(dp, WEB, question_bytes, len);
	/* The bridge carries the question as it is. */
	if (!dp_live_receive(dp, MATE, question_bytes, len))
		return false;
	len = build(&answer, bytes);
	return dp_live_receive(dp, WEB, bytes, len);
}

static void question_about_a_neighbour_is_answered(void **state)
{
	struct dp *dp = *state;
	struct message ask = question(dp);

	dp_live_open(dp);
	assert_true(is_answered(dp, ask));
	ask.src = "fe80::10";
	assert_true(is_answered(dp, ask));
	/* Is it still there? (RFC 4861 7.3.3) */
	ask.dmac = node_mac(MATE);
	ask.dst = dp->ip.mate;
	assert_true(is_answered(dp, ask));
	dp_live_close(dp);
}

/* The packet itself comes out as it went in. */
static void question_stays_as_it_is(void **state)
{
	struct dp *dp = *state;

	run(dp, question(dp));
	dp_expect_passed(dp, REASON_TO_STACK);
}

/* Does anybody advertise himself to web, before a datagram that mate sends when
 * the question has been dealt with? */
static bool hears_advert(struct dp *dp)
{
	struct frame last = frame_switched(
		frame_udp(dp->ip.mate, 7, dp->ip.web, 7), MATE, WEB);
	__u8 marker[FRAME_MAX], got[FRAME_MAX];
	size_t len = frame_build(&last, marker);
	bool heard = false;
	ssize_t n;

	dp_live_send(dp, MATE, marker, len);
	do {
		n = recv(dp->sockets[WEB], got, sizeof(got), 0);
		assert_true(n > 0);
		heard |= n > L4 && got[20] == IPPROTO_ICMPV6 &&
			 got[L4] == ADVERT;
	} while (n != (ssize_t)len || memcmp(got, marker, len) != 0);
	return heard;
}

/* Asks on the real device, whose bridge lets mate hear it, too. */
static bool is_heard(struct dp *dp, struct message ask)
{
	__u8 bytes[FRAME_MAX];
	size_t len = build(&ask, bytes);

	dp_live_send(dp, WEB, bytes, len);
	assert_true(dp_live_receive(dp, MATE, bytes, len));
	return hears_advert(dp);
}

static void duplicate_address_detection_is_the_bridges(void **state)
{
	struct dp *dp = *state;
	struct message ask = question(dp);

	dp_live_open(dp);
	assert_true(is_heard(dp, ask));
	ask.src = "::";
	assert_false(is_heard(dp, ask));
	dp_live_close(dp);
}

/* Of others, the tables know nothing, or should not say it. */
static void other_questions_are_the_bridges(void **state)
{
	struct dp *dp = *state;
	const char *const targets[] = { dp->ip.front, dp->ip.web, dp->ip.db,
					dp->ip.nobody, "fe80::20" };
	struct message ask = question(dp);

	dp_live_open(dp);
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		ask.target = targets[i];
		assert_false(is_heard(dp, ask));
	}
	ask = question(dp);
	ask.option = TARGET_MAC;
	assert_false(is_heard(dp, ask));
	dp_live_close(dp);
}

static void question_without_the_askers_mac_is_the_bridges(void **state)
{
	struct dp *dp = *state;
	struct message ask = question(dp);
	__u8 bytes[FRAME_MAX];
	size_t len = build(&ask, bytes);

	dp_live_open(dp);
	for (size_t cut = L4 + 24; cut < len; cut++) {
		__u64 before = dp_reason(dp, REASON_TO_STACK);

		/* The bridge has no use for it. */
		dp_live_send(dp, WEB, bytes, cut);
		assert_true(dp_live_reason(dp, REASON_TO_STACK, before + 1));
		assert_false(hears_advert(dp));
	}
	dp_live_close(dp);
}

/* The sum of the answer covers one. */
static void question_with_another_option_is_the_bridges(void **state)
{
	static const __u8 nonce[] = { 14, 1, 1, 2, 3, 4, 5, 6 };
	struct dp *dp = *state;
	struct message ask = question(dp);
	__u8 bytes[FRAME_MAX];
	size_t len = build(&ask, bytes);
	__u64 before = dp_reason(dp, REASON_TO_STACK);

	memcpy(bytes + len, nonce, sizeof(nonce));
	put16(bytes + 18, MESSAGE_LEN + sizeof(nonce));
	dp_live_open(dp);
	dp_live_send(dp, WEB, bytes, len + sizeof(nonce));
	assert_true(dp_live_reason(dp, REASON_TO_STACK, before + 1));
	assert_false(hears_advert(dp));
	dp_live_close(dp);
}

static void forged_question_is_dropped(void **state)
{
	struct dp *dp = *state;
	struct message ask = question(dp);

	ask.src = dp->ip.mate;
	run(dp, ask);
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	ask = question(dp);
	ask.smac = node_mac(MATE);
	run(dp, ask);
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_V6(question_about_a_neighbour_is_answered),
		DP_TEST_V6(question_stays_as_it_is),
		DP_TEST_V6(duplicate_address_detection_is_the_bridges),
		DP_TEST_V6(other_questions_are_the_bridges),
		DP_TEST_V6(question_without_the_askers_mac_is_the_bridges),
		DP_TEST_V6(question_with_another_option_is_the_bridges),
		DP_TEST_V6(forged_question_is_dropped),
	};

	return dp_main(tests);
}
