/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_flows - the two halves of a flow put together, and its state */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "datapath/internal.h"

static struct ipaddr v4(__u32 addr)
{
	return (struct ipaddr){ { 0, 0, htonl(0xffff), htonl(addr) } };
}

/* 10.90.0.2:40000 goes out to 192.0.2.1:80 as 198.51.100.7:2048. */
static struct flow_key masqueraded_key(void)
{
	return (struct flow_key){
		.src = v4(0x0a5a0002),
		.dst = v4(0xc0000201),
		.sport = htons(40000),
		.dport = htons(80),
		.proto = IPPROTO_TCP,
	};
}

static struct flow masqueraded(void)
{
	return (struct flow){
		.flags = FLOW_NAT_SRC | FLOW_ROUTED,
		.to_src = v4(0xc6336407),
		.to_dst = v4(0xc0000201),
		.to_sport = htons(2048),
		.to_dport = htons(80),
		.packets = 5,
	};
}

/* A table of one entry, which remembers how often it was asked. */
struct table {
	struct flow_key key;
	struct flow flow;
	int asked;
};

static int find(const struct flow_key *key, struct flow *ret, void *arg)
{
	struct table *table = arg;

	table->asked++;
	if (memcmp(key, &table->key, sizeof(*key)) != 0)
		return -ENOENT;
	*ret = table->flow;
	return 0;
}

static struct table table_with_reply(void)
{
	return (struct table){
		.key = {
			.src = v4(0xc0000201),
			.dst = v4(0xc6336407),
			.sport = htons(80),
			.dport = htons(2048),
			.proto = IPPROTO_TCP,
		},
		.flow = { .flags = FLOW_REPLY, .packets = 3 },
	};
}

static void reply_key_is_the_reverse_of_the_translated_tuple(void **state)
{
	const struct flow_key key = masqueraded_key();
	const struct flow flow = masqueraded();
	const struct table table = table_with_reply();
	struct flow_key reply;
	(void)state;

	reply = flow_reply_key(&key, &flow);

	assert_memory_equal(&reply, &table.key, sizeof(reply));
}

static void forward_half_is_put_together_with_its_reply(void **state)
{
	const struct flow_key key = masqueraded_key();
	const struct flow flow = masqueraded();
	struct table table = table_with_reply();
	struct flow_pair pair;
	(void)state;

	assert_true(flow_pair_make(&key, &flow, find, &table, &pair));

	assert_memory_equal(&pair.forward_key, &key, sizeof(key));
	assert_memory_equal(&pair.reply_key, &table.key, sizeof(key));
	assert_true(pair.reply_found);
	assert_int_equal(pair.forward.packets, 5);
	assert_int_equal(pair.reply.packets, 3);
}

static void missing_reply_half_is_told(void **state)
{
	const struct flow_key key = masqueraded_key();
	const struct flow flow = masqueraded();
	struct table table = {};
	struct flow_pair pair;
	(void)state;

	assert_true(flow_pair_make(&key, &flow, find, &table, &pair));

	assert_false(pair.reply_found);
	assert_int_equal(pair.reply.packets, 0);
}

/* Another flow may go the other way between the same addresses and ports. */
static void forward_half_of_another_flow_is_no_reply(void **state)
{
	const struct flow_key key = masqueraded_key();
	const struct flow flow = masqueraded();
	struct table table = table_with_reply();
	struct flow_pair pair;
	(void)state;

	table.flow.flags = 0;
	assert_true(flow_pair_make(&key, &flow, find, &table, &pair));

	assert_false(pair.reply_found);
}

static void reply_half_makes_no_pair_of_its_own(void **state)
{
	struct table table = table_with_reply();
	struct flow_pair pair;
	(void)state;

	assert_false(
		flow_pair_make(&table.key, &table.flow, find, &table, &pair));

	assert_int_equal(table.asked, 0);
}

static const char *state_of(__u8 proto, __u8 forward, __u8 reply)
{
	const struct flow_pair pair = {
		.forward_key.proto = proto,
		.forward.seen = forward,
		.reply.seen = reply,
		.reply_found = true,
	};

	return flow_state(&pair);
}

static void tcp_state_follows_the_flags_of_both_directions(void **state)
{
	const __u8 syn = FLOW_SEEN | FLOW_SEEN_SYN;
	const __u8 ack = syn | FLOW_SEEN_ACK;
	const __u8 fin = ack | FLOW_SEEN_FIN;
	const __u8 rst = syn | FLOW_SEEN_RST;
	(void)state;

	assert_string_equal(state_of(IPPROTO_TCP, syn, 0), "syn-sent");
	assert_string_equal(state_of(IPPROTO_TCP, syn, syn), "syn-recv");
	assert_string_equal(state_of(IPPROTO_TCP, ack, syn), "established");
	assert_string_equal(state_of(IPPROTO_TCP, ack, ack), "established");
	assert_string_equal(state_of(IPPROTO_TCP, fin, syn), "established");
	assert_string_equal(state_of(IPPROTO_TCP, syn, fin), "established");
	assert_string_equal(state_of(IPPROTO_TCP, fin, fin), "closing");
	assert_string_equal(state_of(IPPROTO_TCP, rst, syn), "reset");
	assert_string_equal(state_of(IPPROTO_TCP, syn, rst), "reset");
	assert_string_equal(state_of(IPPROTO_TCP, fin, fin | rst), "reset");
}

static void other_protocols_are_one_way_or_two_way(void **state)
{
	(void)state;

	assert_string_equal(state_of(IPPROTO_UDP, FLOW_SEEN, 0), "one-way");
	assert_string_equal(state_of(IPPROTO_UDP, FLOW_SEEN, FLOW_SEEN),
			    "two-way");
	assert_string_equal(state_of(IPPROTO_ICMPV6, FLOW_SEEN, 0), "one-way");
	assert_string_equal(state_of(IPPROTO_ICMP, FLOW_SEEN, FLOW_SEEN),
			    "two-way");
}

static void reply_that_was_not_found_counts_as_unseen(void **state)
{
	const struct flow_pair pair = {
		.forward_key.proto = IPPROTO_TCP,
		.forward.seen = FLOW_SEEN,
		.reply.seen = FLOW_SEEN | FLOW_SEEN_RST,
		.reply_found = false,
	};
	(void)state;

	assert_string_equal(flow_state(&pair), "syn-sent");
}

/* What "flow list state STATE" says when one more word follows. */
static void assert_can_be_asked_for(const char *state)
{
	char keyword[] = "state", value[32] = "", wrong[] = "zzzzzz";
	char *words[] = { keyword, value, wrong };
	struct args args = { words, 3, 0 };
	struct cli cli = { .dry_run = true, .instance.name = "bn-test" };
	struct err err = { 0 };

	strncpy(value, state, sizeof(value) - 1);
	assert_int_equal(cmd_flow_list(&cli, &args, &err), -EINVAL);
	assert_string_equal(err.text, "unknown keyword 'zzzzzz'");
}

static void every_state_can_be_asked_for(void **state)
{
	const int all = FLOW_SEEN | FLOW_SEEN_SYN | FLOW_SEEN_FIN |
			FLOW_SEEN_RST | FLOW_SEEN_ACK;
	(void)state;

	for (int forward = 0; forward <= all; forward++)
		for (int reply = 0; reply <= all; reply++) {
			assert_can_be_asked_for(
				state_of(IPPROTO_TCP, forward, reply));
			assert_can_be_asked_for(
				state_of(IPPROTO_UDP, forward, reply));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			reply_key_is_the_reverse_of_the_translated_tuple),
		cmocka_unit_test(forward_half_is_put_together_with_its_reply),
		cmocka_unit_test(missing_reply_half_is_told),
		cmocka_unit_test(forward_half_of_another_flow_is_no_reply),
		cmocka_unit_test(reply_half_makes_no_pair_of_its_own),
		cmocka_unit_test(
			tcp_state_follows_the_flags_of_both_directions),
		cmocka_unit_test(other_protocols_are_one_way_or_two_way),
		cmocka_unit_test(every_state_can_be_asked_for),
		cmocka_unit_test(reply_that_was_not_found_counts_as_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
