/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_rfc - what RFC 4787, 5382, 5508 and 7857 ask of a NAT, and no other
 * test shows: docs/rfc.md names the test of each requirement */
#include "dp_answer.h"

#include "model/model.h"

#define CLIENT 40000 /* outside of the range of ports for masquerade */

/* A flow of web's: what it sends, and what comes to it and to the uplink. */
struct talk {
	struct frame ask, answer; /* as web sees them */
	struct frame out, in; /* as the world sees them */
};

static struct talk talk_from(struct dp *dp, struct frame ask)
{
	struct talk talk = { .ask = ask, .answer = frame_reply(ask) };

	dp_ingress(dp, WEB, ask);
	assert_int_equal(dp->why, REASON_FORWARDED);
	talk.out = frame_from(ask, dp->ip.host, dp_out_port(dp));
	talk.in = frame_reply(talk.out);
	return talk;
}

static struct talk udp_talk(struct dp *dp)
{
	return talk_from(dp, frame_udp(dp->ip.web, CLIENT, dp->ip.server, 53));
}

static struct talk tcp_talk(struct dp *dp)
{
	return talk_from(dp, frame_tcp(dp->ip.web, CLIENT, dp->ip.server, 443));
}

static bool is_v6(const struct dp *dp)
{
	return strchr(dp->ip.web, ':');
}

/* ------------------------------------------------------------- mappings */

/* One socket of web's, whose mapping must be the same towards every server. */
static void expect_one_port(struct dp *dp, struct frame ask)
{
	const char *const servers[] = { dp->ip.server, dp->ip.server2,
					dp->ip.client };
	__u16 dport = ask.dport;
	__u16 port = talk_from(dp, ask).out.sport;

	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
		ask = frame_to(ask, servers[i], dport ? dport + i : 0);
		assert_int_equal(talk_from(dp, ask).out.sport, port);
	}
}

static void connections_of_one_port_have_one_port_outside(void **state)
{
	struct dp *dp = *state;
	static const __u16 ports[] = { 1, DP_PORT_MIN, CLIENT, 0xffff };

	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		expect_one_port(dp, frame_tcp(dp->ip.web, ports[i],
					      dp->ip.server, 443));
}

static void pings_of_one_identifier_have_one_outside(void **state)
{
	struct dp *dp = *state;

	expect_one_port(dp, frame_echo(dp->ip.web, dp->ip.server, 7));
}

static void mapping_of_one_protocol_is_none_of_another(void **state)
{
	struct dp *dp = *state;
	struct talk tcp = talk_from(
		dp, frame_tcp(dp->ip.web, CLIENT, dp->ip.server, 443));
	struct talk udp = talk_from(
		dp, frame_udp(dp->ip.web, CLIENT + 1, dp->ip.server, 443));

	dp_ingress(dp, UP,
		   frame_udp(dp->ip.server, 443, dp->ip.host, tcp.out.sport));
	dp_expect_passed(dp, REASON_TO_STACK);
	dp_ingress(dp, UP,
		   frame_tcp(dp->ip.server, 443, dp->ip.host, udp.out.sport));
	dp_expect_passed(dp, REASON_TO_STACK);
	dp_ingress(dp, UP, tcp.in);
	dp_expect_sent(dp, frame_into(tcp.answer, WEB));
}

/* What is in place of the client's own port cannot be guessed from it. */
static void port_depends_on_a_secret(void **state)
{
	struct dp *dp = *state;
	__u16 port = udp_talk(dp).out.sport;

	dp_tables_reset(dp);
	assert_int_equal(udp_talk(dp).out.sport, port);
	dp_tables_reset(dp);
	dp->config->snat_secret ^= 1ull << 40;
	assert_int_not_equal(udp_talk(dp).out.sport, port);
}

/* ------------------------------------------------------------- time-outs */

/* RFC 5382 REQ-5, RFC 4787 REQ-5c, RFC 5508 REQ-2. What docs/rfc.md says is
 * shorter is not asked for here. */
static void default_time_outs_are_those_of_the_rfcs(void **state)
{
	struct model model;

	(void)state;
	model_init(&model);
	assert_true(model.settings.tcp_established >= 2 * 3600 + 4 * 60);
	assert_true(model.settings.udp_stream >= 5 * 60);
	assert_true(model.settings.icmp >= 60);
	model_free(&model);
}

/* A flow that has been answered, and is past its time but for a packet. */
static struct talk idle_talk(struct dp *dp)
{
	struct talk talk = udp_talk(dp);

	dp_ingress(dp, UP, talk.in);
	dp_flow_age(dp, talk.ask, dp->config->udp_stream + 5);
	dp_flow_age(dp, talk.in, dp->config->udp_stream + 5);
	return talk;
}

static void outbound_packet_refreshes_the_mapping(void **state)
{
	struct dp *dp = *state;
	struct talk talk = idle_talk(dp);

	dp_ingress(dp, WEB, talk.ask);
	dp_expect_sent(dp, frame_out(talk.out));
	assert_int_equal(dp_gc(dp, 0).expired, 0);
}

static void inbound_packet_refreshes_the_mapping(void **state)
{
	struct dp *dp = *state;
	struct talk talk = idle_talk(dp);

	dp_ingress(dp, UP, talk.in);
	dp_expect_sent(dp, frame_into(talk.answer, WEB));
	assert_int_equal(dp_gc(dp, 0).expired, 0);
}

static void idle_mapping_ends(void **state)
{
	struct dp *dp = *state;

	idle_talk(dp);
	assert_int_equal(dp_gc(dp, 0).expired, 1);
}

/* ------------------------------------------------------------- filtering */

/* Only whom the client has asked gets in, from the port that was asked. */
static void mapping_admits_only_who_was_asked(void **state)
{
	struct dp *dp = *state;
	const struct talk talks[] = { udp_talk(dp), tcp_talk(dp) };

	for (size_t i = 0; i < sizeof(talks) / sizeof(*talks); i++) {
		const struct talk *talk = &talks[i];

		dp_ingress(
			dp, UP,
			frame_from(talk->in, dp->ip.server2, talk->in.sport));
		dp_expect_passed(dp, REASON_TO_STACK);
		dp_ingress(dp, UP,
			   frame_from(talk->in, dp->ip.server,
				      talk->in.sport + 1));
		dp_expect_passed(dp, REASON_TO_STACK);
		dp_ingress(dp, UP, talk->in);
		dp_expect_sent(dp, frame_into(talk->answer, WEB));
	}
}

/* ------------------------------------------------------------------ TCP */

/* Both begin, neither answers a SYN by SYN and ACK before its own is there. */
static void simultaneous_open_is_translated(void **state)
{
	static const __u8 flags[] = { TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK };
	struct dp *dp = *state;
	struct talk talk = tcp_talk(dp);

	for (size_t i = 0; i < sizeof(flags); i++) {
		dp_ingress(dp, WEB, frame_flags(talk.ask, flags[i]));
		dp_expect_sent(dp, frame_out(frame_flags(talk.out, flags[i])));
		dp_ingress(dp, UP, frame_flags(talk.in, flags[i]));
		dp_expect_sent(
			dp,
			frame_into(frame_flags(talk.answer, flags[i]), WEB));
	}

	dp_flow_age(dp, talk.ask, dp->config->tcp_half_open + 5);
	dp_flow_age(dp, talk.in, dp->config->tcp_half_open + 5);
	assert_int_equal(dp_gc(dp, 0).expired, 0);
	assert_int_equal(dp_flow_entries(dp), 2);
}

/* The other SYN came too early: it was nobody's, and did no harm. */
static void syn_before_ours_does_not_disturb(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.server, 443);
	struct frame early = frame_flags(
		frame_to(frame_reply(syn), dp->ip.host, 4000), TCP_SYN);

	dp_ingress(dp, UP, early);
	dp_expect_passed(dp, REASON_TO_STACK);
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_out(frame_from(syn, dp->ip.host, 4000)));
	dp_ingress(dp, UP, early);
	dp_expect_sent(dp, frame_into(frame_to(early, dp->ip.web, 4000), WEB));
}

static void reset_is_translated_both_ways(void **state)
{
	struct dp *dp = *state;
	struct talk talk = tcp_talk(dp);

	dp_ingress(dp, UP, frame_flags(talk.in, TCP_RST | TCP_ACK));
	dp_expect_sent(
		dp,
		frame_into(frame_flags(talk.answer, TCP_RST | TCP_ACK), WEB));
	dp_ingress(dp, WEB, frame_flags(talk.ask, TCP_RST));
	dp_expect_sent(dp, frame_out(frame_flags(talk.out, TCP_RST)));
	assert_int_equal(dp_flow_entries(dp), 2);
}

/* ------------------------------------------------------------- contents */

/* There is no gateway of the application layer, whatever the port says. */
static void address_in_a_payload_stays(void **state)
{
	static const __u16 ports[] = { 21, 69, 554, 1720, 1723, 5060 };
	struct dp *dp = *state;
	__u8 bytes[FRAME_MAX];

	for (size_t i = 0; i < 2 * (sizeof(ports) / sizeof(*ports)); i++) {
		struct frame ask = frame_udp(dp->ip.web, 4000, dp->ip.server,
					     ports[i / 2]);
		size_t len, size = 60;

		if (i % 2)
			ask = frame_flags(frame_tcp(dp->ip.web, 4000,
						    dp->ip.server,
						    ports[i / 2]),
					  TCP_ACK);
		ask.payload = size;
		ask.smac = WEB;
		ask.dmac = FRONT;
		len = frame_build(&ask, bytes);
		snprintf((char *)bytes + len - size, size,
			 "PORT 192,168,10,10,15,160 sip:a@%s:4000", dp->ip.web);
		dp_ingress_bytes(dp, WEB, bytes, len);

		assert_int_equal(dp->why, REASON_FORWARDED);
		assert_int_equal(dp->out_len, len);
		assert_memory_equal(dp->out + len - size, bytes + len - size,
				    size);
	}
}

/* ------------------------------------------------------------ fragments */

/* Whoever sends beginnings only pushes out no more than other beginnings. */
static void flood_of_first_fragments_leaves_the_others(void **state)
{
	struct dp *dp = *state;
	struct talk talk = udp_talk(dp);
	struct frame flood = frame_udp(dp->ip.client, 1, dp->ip.host, 9);

	flood.payload = talk.in.payload = talk.answer.payload = 80;
	flood = frame_cut(flood, 0, 48);
	for (int i = 0; i < FRAGMENTS_MAX + 1000; i++) {
		flood.ip_id = 1 + i;
		dp_ingress(dp, UP, flood);
	}

	dp_ingress(dp, UP, talk.in);
	dp_expect_sent(dp, frame_into(talk.answer, WEB));
	for (int at = 0; at < 88; at += 48) {
		__u16 len = at ? 40 : 48;

		dp_ingress(dp, UP, frame_cut(talk.in, at, len));
		dp_expect_sent(
			dp, frame_into(frame_cut(talk.answer, at, len), WEB));
	}
}

/* ---------------------------------------------------------- ICMP errors */

static void type_and_code_of_an_error_stay(void **state)
{
	struct dp *dp = *state;
	struct talk talk = udp_talk(dp);

	for (int i = 0; i < ERRORS * 16; i++) {
		struct frame in =
			frame_error(dp->ip.server2, i / 16, &talk.out);
		struct frame answer =
			frame_error(dp->ip.web, i / 16, &talk.answer);
		struct frame want =
			frame_error(dp->ip.server2, i / 16, &talk.ask);

		in.icmp_code = want.icmp_code = answer.icmp_code = i % 16;
		dp_ingress(dp, UP, in);
		dp_expect_sent(dp, frame_into(want, WEB));

		dp_ingress(dp, WEB, answer);
		want = frame_error(dp->ip.host, i / 16, &talk.in);
		want.icmp_code = i % 16;
		dp_expect_sent(dp, frame_out(want));
	}
}

static void error_about_a_ping_leaves_its_flow(void **state)
{
	struct dp *dp = *state;
	struct talk talk =
		talk_from(dp, frame_echo(dp->ip.web, dp->ip.server, 7));
	struct flow before[2], after[2];

	dp_ingress(dp, UP, talk.in);
	dp_flow_age(dp, talk.ask, 20);
	dp_flow_age(dp, talk.in, 20);
	assert_true(dp_flow(dp, talk.ask, &before[0]));
	assert_true(dp_flow(dp, talk.in, &before[1]));
	for (enum icmp_error error = 0; error < ERRORS; error++) {
		dp_ingress(dp, UP,
			   frame_error(dp->ip.server2, error, &talk.out));
		assert_int_equal(dp->why, REASON_FORWARDED);
		dp_ingress(dp, WEB,
			   frame_error(dp->ip.web, error, &talk.answer));
		assert_int_equal(dp->why, REASON_FORWARDED);
	}

	assert_true(dp_flow(dp, talk.ask, &after[0]));
	assert_true(dp_flow(dp, talk.in, &after[1]));
	assert_memory_equal(before, after, sizeof(before));
}

/* RFC 6633 has ended it; what is left of it is the host's, or goes nowhere. */
static void source_quench_is_not_translated(void **state)
{
	struct dp *dp = *state;
	struct talk talk = udp_talk(dp);
	struct frame quench =
		frame_error(dp->ip.server2, UNREACHABLE, &talk.out);

	quench.icmp_type = 4;
	dp_ingress(dp, UP, quench);
	dp_expect_passed(dp, REASON_TO_STACK);
	quench = frame_error(dp->ip.web, UNREACHABLE, &talk.answer);
	quench.icmp_type = 4;
	dp_ingress(dp, WEB, quench);
	dp_expect_dropped(dp, REASON_PROTOCOL);
}

/* As bytes that a test may change. */
static struct answer error_bytes(const struct frame *error)
{
	struct answer bytes = { 0 };

	bytes.len = frame_build(error, bytes.bytes);
	/* sum_words takes the byte behind an odd length along. */
	memset(bytes.bytes + bytes.len, 0, FRAME_MAX - bytes.len);
	bytes.l4 = ETH_HLEN + frame_l3_len(error);
	return bytes;
}

/* What the fields at their places make of the packet: RFC 1071. */
static __u16 icmp_sum(const struct answer *at)
{
	__u32 sum = sum_words(at->bytes + at->l4, at->len - at->l4);

	if (!frame_is_v4(at->bytes))
		sum += pseudo_sum(at, IPPROTO_ICMPV6);
	return sum_fold(sum);
}

static void checksums_renew(struct answer *bytes)
{
	__u8 *ip = bytes->bytes + ETH_HLEN;
	__u8 *icmp = bytes->bytes + bytes->l4;

	if (frame_is_v4(bytes->bytes)) {
		put16(ip + 10, 0);
		put16(ip + 10, ~sum_fold(sum_words(ip, 20)));
	}
	put16(icmp + 2, 0);
	put16(icmp + 2, ~icmp_sum(bytes));
}

/* As it has gone out. */
static struct answer sent(const struct dp *dp)
{
	struct answer at = { .len = dp->out_len };

	assert_int_equal(dp->why, REASON_FORWARDED);
	memcpy(at.bytes, dp->out, dp->out_len);
	at.l4 = frame_is_v4(at.bytes) ? 34 : 54;
	return at;
}

static struct frame error_to_web(struct dp *dp, const struct talk *talk)
{
	struct frame error =
		frame_error(dp->ip.server2, UNREACHABLE, &talk->out);

	return frame_switched(error, ROUTER, UP);
}

/* The checksum is not looked at: who receives the error does that, and still
 * finds it wrong. */
static void error_with_a_wrong_checksum_stays_wrong(void **state)
{
	struct dp *dp = *state;
	struct talk talk = udp_talk(dp);
	struct frame error = error_to_web(dp, &talk);
	struct answer bytes = error_bytes(&error);
	struct answer out;

	dp_ingress_bytes(dp, UP, bytes.bytes, bytes.len);
	out = sent(dp);
	assert_int_equal(icmp_sum(&out), 0xffff);

	bytes.bytes[bytes.l4 + 3] ^= 1;
	dp_ingress_bytes(dp, UP, bytes.bytes, bytes.len);
	out = sent(dp);
	assert_int_not_equal(icmp_sum(&out), 0xffff);
}

/* So is that of the quoted IP header. */
static void quote_with_a_wrong_checksum_stays_wrong(void **state)
{
	struct dp *dp = *state;
	struct talk talk = udp_talk(dp);
	struct frame error = error_to_web(dp, &talk);
	struct answer bytes = error_bytes(&error);
	struct answer out;

	bytes.bytes[bytes.l4 + 8 + 11] ^= 1;
	checksums_renew(&bytes);
	dp_ingress_bytes(dp, UP, bytes.bytes, bytes.len);

	out = sent(dp);
	assert_int_equal(icmp_sum(&out), 0xffff);
	assert_int_not_equal(sum_fold(sum_words(out.bytes + out.l4 + 8, 20)),
			     0xffff);
}

/* RFC 5508 REQ-3c: the damage may be what the error is about. */
static void quote_of_a_damaged_packet_is_translated(void **state)
{
	struct dp *dp = *state;
	struct talk talk = udp_talk(dp);
	struct frame error = error_to_web(dp, &talk);
	struct answer bytes = error_bytes(&error);
	size_t check = bytes.l4 + 8 + (is_v6(dp) ? 40 : 20) + 6;
	struct answer out;

	bytes.bytes[check] ^= 0x55;
	checksums_renew(&bytes);
	dp_ingress_bytes(dp, UP, bytes.bytes, bytes.len);

	out = sent(dp);
	assert_int_equal(icmp_sum(&out), 0xffff);
}

/* RFC 4884: the quote is padded to 128 bytes, the error tells so in words of
 * four bytes (IPv6: eight), and the extensions follow. */
static struct answer extended_error(struct frame error)
{
	static const __u8 extensions[] = { 0x20, 0, 0x12, 0x34, 0, 8,
					   1,	 1, 0,	  0x10, 1, 0x40 };
	struct answer bytes;
	__u8 *ip, *icmp;

	error.quote_len = 128;
	bytes = error_bytes(&error);
	ip = bytes.bytes + ETH_HLEN;
	icmp = bytes.bytes + bytes.l4;
	memcpy(bytes.bytes + bytes.len, extensions, sizeof(extensions));
	bytes.len += sizeof(extensions);
	if (frame_is_v4(bytes.bytes)) {
		put16(ip + 2, bytes.len - ETH_HLEN);
		icmp[5] = 128 / 4;
	} else {
		put16(ip + 4, bytes.len - bytes.l4);
		icmp[4] = 128 / 8;
	}
	checksums_renew(&bytes);
	return bytes;
}

static void extensions_of_an_error_are_left_alone(void **state)
{
	struct dp *dp = *state;
	struct talk talk = udp_talk(dp);
	struct answer bytes, want;

	talk.ask.payload = talk.out.payload = 200;
	bytes = extended_error(error_to_web(dp, &talk));
	want = extended_error(frame_into(
		frame_error(dp->ip.server2, UNREACHABLE, &talk.ask), WEB));
	dp_ingress_bytes(dp, UP, bytes.bytes, bytes.len);

	assert_int_equal(dp->why, REASON_FORWARDED);
	assert_int_equal(dp->out_len, want.len);
	assert_memory_equal(dp->out, want.bytes, want.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(connections_of_one_port_have_one_port_outside),
		DP_TEST_BOTH(pings_of_one_identifier_have_one_outside),
		DP_TEST_BOTH(mapping_of_one_protocol_is_none_of_another),
		DP_TEST_BOTH(port_depends_on_a_secret),
		DP_TEST(default_time_outs_are_those_of_the_rfcs),
		DP_TEST_BOTH(outbound_packet_refreshes_the_mapping),
		DP_TEST_BOTH(inbound_packet_refreshes_the_mapping),
		DP_TEST_BOTH(idle_mapping_ends),
		DP_TEST_BOTH(mapping_admits_only_who_was_asked),
		DP_TEST_BOTH(simultaneous_open_is_translated),
		DP_TEST_BOTH(syn_before_ours_does_not_disturb),
		DP_TEST_BOTH(reset_is_translated_both_ways),
		DP_TEST_BOTH(address_in_a_payload_stays),
		DP_TEST_BOTH(flood_of_first_fragments_leaves_the_others),
		DP_TEST_BOTH(type_and_code_of_an_error_stay),
		DP_TEST_BOTH(error_about_a_ping_leaves_its_flow),
		DP_TEST(source_quench_is_not_translated),
		DP_TEST_BOTH(error_with_a_wrong_checksum_stays_wrong),
		DP_TEST(quote_with_a_wrong_checksum_stays_wrong),
		DP_TEST_BOTH(quote_of_a_damaged_packet_is_translated),
		DP_TEST_BOTH(extensions_of_an_error_are_left_alone),
	};

	return dp_main(tests);
}
