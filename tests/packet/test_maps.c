/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_maps - tables, counters and flows, read from real maps */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <cmocka.h>

#include "datapath/internal.h"

#define SKIP 77
/* More than one batch of reading (4096 entries), with both halves. */
#define FLOWS_MADE 6000
#define FLOWS_MAX 8192

struct fixture {
	char instance[32];
	struct datapath *dp;
	struct err err;
};

static int setup(void **state)
{
	const struct datapath_options options = { .flows_max = FLOWS_MAX };
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	snprintf(fixture.instance, sizeof(fixture.instance), "bnmaps_%d",
		 getpid());
	*state = &fixture;
	if (!datapath_load(fixture.instance, &options, &fixture.dp,
			   &fixture.err))
		return 0;
	print_error("%s\n", fixture.err.text);
	return -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	datapath_close(fixture->dp);
	return datapath_unload(fixture->instance, NULL);
}

/* ---- tables */

static void deleting_what_is_not_there_succeeds(void **state)
{
	struct fixture *fixture = *state;
	const struct ipaddr key = { { 9 } };
	struct local_val value;

	assert_int_equal(table_get(fixture->dp, MAP_LOCALS, &key, &value),
			 -ENOENT);
	assert_int_equal(
		table_del(fixture->dp, MAP_LOCALS, &key, &fixture->err), 0);
}

static void full_table_is_named(void **state)
{
	struct fixture *fixture = *state;
	const struct local_val value = { .ifindex = 1 };
	struct ipaddr key = {};
	int ret = 0;

	for (__u32 i = 0; !ret && i <= LOCALS_MAX; i++) {
		key.word[0] = i;
		ret = table_set(fixture->dp, MAP_LOCALS, &key, &value,
				&fixture->err);
	}

	assert_int_equal(ret, -ENOSPC);
	assert_int_equal(key.word[0], LOCALS_MAX);
	assert_non_null(strstr(fixture->err.text, "'bn_locals' is full"));
}

#define ROWS_MAX 12

struct rows {
	struct ipaddr keys[ROWS_MAX];
	struct local_val values[ROWS_MAX];
	struct table_rows list;
};

/* Few keys and few values, so many rows are equal, or have the same key. */
static void rows_add_random(struct rows *rows, unsigned int *seed)
{
	size_t count = rand_r(seed) % (ROWS_MAX - rows->list.count + 1);

	for (size_t i = rows->list.count; count-- > 0; i++) {
		rows->keys[i] = (struct ipaddr){ { rand_r(seed) % 8 } };
		rows->values[i].ifindex = 1 + rand_r(seed) % 3;
		rows->list.count++;
	}
	rows->list.keys = rows->keys;
	rows->list.values = rows->values;
}

static void table_that_is_changed_is_as_one_that_is_replaced(void **state)
{
	struct fixture *fixture = *state;
	struct datapath *dp = fixture->dp;
	struct table_differ differ;

	for (unsigned int round = 0; round < 2000; round++) {
		struct rows before = { 0 }, after;
		unsigned int seed = round;

		rows_add_random(&before, &seed);
		after = before;
		after.list.count = rand_r(&seed) % (before.list.count + 1);
		rows_add_random(&after, &seed);
		rows_add_random(&before, &seed);
		assert_int_equal(table_replace(dp, MAP_LOCALS, before.keys,
					       before.values, before.list.count,
					       &fixture->err),
				 0);

		assert_int_equal(table_change(dp, MAP_LOCALS, &before.list,
					      &after.list, &fixture->err),
				 0);
		assert_int_equal(table_compare(dp, MAP_LOCALS, &after.list,
					       &differ, &fixture->err),
				 0);
		if (differ.count)
			fail_msg("round %u: %zu elements differ", round,
				 differ.count);
	}
}

/* ---- counters */

/* Value i + 1 on CPU i. */
static __u64 write_on_every_cpu(struct fixture *fixture, enum map_id map,
				__u32 index, size_t words, size_t word)
{
	int cpus = libbpf_num_possible_cpus();
	__u64 *values = calloc(cpus * words, sizeof(*values));
	__u64 sum = 0;

	assert_non_null(values);
	for (int cpu = 0; cpu < cpus; cpu++) {
		values[cpu * words + word] = cpu + 1;
		sum += cpu + 1;
	}
	assert_int_equal(
		table_set(fixture->dp, map, &index, values, &fixture->err), 0);
	free(values);
	return sum;
}

static void reasons_are_the_sum_of_all_cpus(void **state)
{
	struct fixture *fixture = *state;
	__u64 counts[REASON_COUNT];
	__u64 sum;

	sum = write_on_every_cpu(fixture, MAP_REASONS, REASON_TTL, 1, 0);
	assert_int_equal(counters_reasons(fixture->dp, counts, &fixture->err),
			 0);

	for (int why = 0; why < REASON_COUNT; why++)
		assert_int_equal(counts[why], why == REASON_TTL ? sum : 0);
}

static void endpoint_counters_are_summed_and_cleared(void **state)
{
	const size_t words = sizeof(struct endpoint_stats) / sizeof(__u64);
	struct fixture *fixture = *state;
	struct endpoint_stats stats;
	__u64 sum;

	sum = write_on_every_cpu(fixture, MAP_EP_STATS, 7, words, 3);
	assert_int_equal(
		counters_endpoint(fixture->dp, 7, &stats, &fixture->err), 0);
	assert_int_equal(stats.tx_bytes, sum);
	assert_int_equal(stats.tx_packets, 0);
	assert_int_equal(counters_endpoint_clear(fixture->dp, 7, &fixture->err),
			 0);

	assert_int_equal(
		counters_endpoint(fixture->dp, 7, &stats, &fixture->err), 0);
	assert_int_equal(stats.tx_bytes, 0);
}

static void flow_counters_are_the_sum_of_all_cpus(void **state)
{
	const size_t words = sizeof(struct flow_stats) / sizeof(__u64);
	struct fixture *fixture = *state;
	struct flow_stats stats;
	__u64 sum;

	sum = write_on_every_cpu(fixture, MAP_STATS, 0, words, words - 1);
	assert_int_equal(counters_flows(fixture->dp, &stats, &fixture->err), 0);

	assert_int_equal(stats.snat_retries[SNAT_RETRY_BUCKETS - 1], sum);
	assert_int_equal(stats.created, 0);
}

static void slot_beyond_the_end_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct endpoint_stats stats;

	assert_int_equal(counters_endpoint(fixture->dp, ENDPOINTS_MAX, &stats,
					   &fixture->err),
			 -ENOENT);
	assert_non_null(strstr(fixture->err.text, "bn_ep_stats"));
}

/* ---- usage */

static void usage_counts_the_elements_of_a_trie(void **state)
{
	struct fixture *fixture = *state;
	struct map_usage usage;
	__u32 network = 1;

	for (__u32 i = 0; i < 5; i++) {
		struct subnet_key key = {
			.prefix_bits = 120,
			.addr = { { 0, 0, htonl(0xffff),
				    htonl(0x0a5a0000 + (i << 8)) } },
		};

		assert_int_equal(table_set(fixture->dp, MAP_SUBNETS, &key,
					   &network, &fixture->err),
				 0);
	}
	assert_int_equal(
		map_usage_get(fixture->dp, MAP_SUBNETS, &usage, &fixture->err),
		0);

	assert_string_equal(usage.name, "bn_subnets");
	assert_int_equal(usage.entries, 5);
	assert_int_equal(usage.max, NETWORKS_MAX * NETWORK_SUBNETS_MAX);
	assert_int_not_equal(usage.bytes, 0);
}

static void usage_is_known_for_every_map(void **state)
{
	struct fixture *fixture = *state;
	struct map_usage usage;

	for (int map = 0; map < MAP_COUNT; map++) {
		assert_int_equal(
			map_usage_get(fixture->dp, map, &usage, &fixture->err),
			0);
		assert_string_equal(usage.name, map_name[map]);
		assert_true(usage.max > 0);
		assert_true(usage.entries <= usage.max);
	}
}

static void usage_of_an_array_is_its_size(void **state)
{
	struct fixture *fixture = *state;
	struct map_usage usage;

	assert_int_equal(
		map_usage_get(fixture->dp, MAP_NETWORKS, &usage, &fixture->err),
		0);

	assert_int_equal(usage.entries, NETWORKS_MAX);
	assert_int_equal(usage.max, NETWORKS_MAX);
}

/* ---- flows */

/* Forward half i: port i towards address i, without translation; every second
 * one has a reply half. */
static void make_flow(struct fixture *fixture, __u32 i)
{
	const struct flow_key key = {
		.src.word[3] = htonl(1),
		.dst.word[3] = htonl(i + 2),
		.sport = htons(i),
		.dport = htons(53),
		.proto = IPPROTO_UDP,
	};
	struct flow flow = {
		.to_src = key.src,
		.to_dst = key.dst,
		.to_sport = key.sport,
		.to_dport = key.dport,
		.seen = FLOW_SEEN,
		.packets = i,
	};
	struct flow_key reply_key = flow_reply_key(&key, &flow);

	assert_int_equal(
		table_set(fixture->dp, MAP_FLOWS, &key, &flow, &fixture->err),
		0);
	if (i % 2)
		return;
	flow.flags = FLOW_REPLY;
	flow.to_src = key.dst;
	flow.to_dst = key.src;
	flow.to_sport = key.dport;
	flow.to_dport = key.sport;
	assert_int_equal(table_set(fixture->dp, MAP_FLOWS, &reply_key, &flow,
				   &fixture->err),
			 0);
}

struct seen {
	__u8 flows[FLOWS_MADE];
	int calls;
	int stop_after;
};

static int on_pair(const struct flow_pair *pair, void *arg)
{
	struct seen *seen = arg;
	__u64 i = pair->forward.packets;

	assert_true(i < FLOWS_MADE);
	assert_int_equal(pair->reply_found, i % 2 == 0);
	assert_string_equal(flow_state(pair), i % 2 ? "one-way" : "two-way");
	seen->flows[i]++;
	return ++seen->calls == seen->stop_after ? 42 : 0;
}

static void every_flow_is_told_once(void **state)
{
	struct fixture *fixture = *state;
	static struct seen seen;
	struct map_usage usage;

	memset(&seen, 0, sizeof(seen));
	for (__u32 i = 0; i < FLOWS_MADE; i++)
		make_flow(fixture, i);
	assert_int_equal(flows_each(fixture->dp, on_pair, &seen, &fixture->err),
			 0);

	for (int i = 0; i < FLOWS_MADE; i++)
		assert_int_equal(seen.flows[i], 1);
	assert_int_equal(
		map_usage_get(fixture->dp, MAP_FLOWS, &usage, &fixture->err),
		0);
	assert_int_equal(usage.entries, FLOWS_MADE + FLOWS_MADE / 2);
}

static void visit_can_stop_the_walk(void **state)
{
	struct fixture *fixture = *state;
	static struct seen seen;

	memset(&seen, 0, sizeof(seen));
	seen.stop_after = 3;
	for (__u32 i = 0; i < 10; i++)
		make_flow(fixture, i);
	assert_int_equal(flows_each(fixture->dp, on_pair, &seen, &fixture->err),
			 42);

	assert_int_equal(seen.calls, 3);
}

static void gc_of_everything_empties_the_table(void **state)
{
	struct gc_args args = { .all = 1 };
	struct fixture *fixture = *state;
	struct map_usage usage;

	for (__u32 i = 0; i < 10; i++)
		make_flow(fixture, i);
	assert_int_equal(datapath_gc(fixture->dp, &args, &fixture->err), 0);

	/* What it did comes back in the arguments. */
	assert_int_equal(args.expired, 10);
	assert_int_equal(
		map_usage_get(fixture->dp, MAP_FLOWS, &usage, &fixture->err),
		0);
	assert_int_equal(usage.entries, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(deleting_what_is_not_there_succeeds),
		TEST(full_table_is_named),
		TEST(table_that_is_changed_is_as_one_that_is_replaced),
		TEST(reasons_are_the_sum_of_all_cpus),
		TEST(endpoint_counters_are_summed_and_cleared),
		TEST(flow_counters_are_the_sum_of_all_cpus),
		TEST(slot_beyond_the_end_is_an_error),
		TEST(usage_counts_the_elements_of_a_trie),
		TEST(usage_is_known_for_every_map),
		TEST(usage_of_an_array_is_its_size),
		TEST(every_flow_is_told_once),
		TEST(visit_can_stop_the_walk),
		TEST(gc_of_everything_empties_the_table),
	};

	if (geteuid() != 0) {
		printf("skipped: needs root\n");
		return SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
