/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* gc - what it costs to look through a flow table: in the kernel, outside */
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#include <bpf/bpf.h>

#include "datapath/datapath.h"

#define INSTANCE "bnbench"
#define SLOT 1 /* whose flows they are */
#define SPORT_FIRST 1024
#define SPORT_COUNT 50000 /* flows to one server */
#define IDLE_TICKS 1000 /* of every flow */
#define BATCH 16384 /* entries */
#define ROUNDS_MAX 99
#define FLOWS_MAX 4000000

static const char usage[] =
	"usage: gc [flows N] [rounds N]\n"
	"           flows N    in the table, 1..4000000 (1000000); 0.6 kB each\n"
	"           rounds N   of which the median is printed, 1..99 (5)\n";

enum work { KEEP, SCAN, PAIRS, END, TAKE, WORKS };

static const char *const work_text[WORKS] = {
	[KEEP] = "nothing to end     bn_gc",
	[SCAN] = "                   user space, batches",
	[PAIRS] = "                   user space, batches and pairs",
	[END] = "all of it to end   bn_gc",
	[TAKE] = "                   user space, batches that delete",
};

struct bench {
	struct datapath *datapath;
	struct datapath_config *config;
	int flows_fd;
	__u32 flows; /* two entries each */
	__u32 seen; /* last_seen of all of them */
	int rounds;
	double seconds[WORKS][ROUNDS_MAX];
	struct flow_key *keys; /* BATCH of each */
	struct flow *values;
	struct err err;
};

static void die(const char *what, int code)
{
	fprintf(stderr, "gc: %s: %s\n", what,
		strerror(code < 0 ? -code : code));
	exit(EXIT_FAILURE);
}

/* A result that no table should give is no measurement. */
static void expect(const char *what, __u64 found, __u64 wanted)
{
	if (found == wanted)
		return;
	fprintf(stderr, "gc: %s: %llu, not %llu\n", what,
		(unsigned long long)found, (unsigned long long)wanted);
	exit(EXIT_FAILURE);
}

/* Time of this thread: others on the machine do not count, waiting neither. */
static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ------------------------------------------------------------- the table */

static struct ipaddr address(__u32 host_order)
{
	return (struct ipaddr){ .word = { 0, 0, htonl(0xffff),
					  htonl(host_order) } };
}

/* Entry number i: an even one is a flow's forward half, the next one its reply
 * half, of a container that asks many servers, masqueraded. */
static void entry_make(const struct bench *bench, __u32 i, struct flow_key *key,
		       struct flow *flow)
{
	__u32 number = i / 2;
	struct ipaddr client = address(0xc0a80a0a), host = address(0xc6336401);
	struct ipaddr server = address(0x0a000000 + number / SPORT_COUNT);
	__be16 sport = htons(SPORT_FIRST + number % SPORT_COUNT);
	bool reply = i % 2;

	*key = (struct flow_key){
		.src = reply ? server : client,
		.dst = reply ? host : server,
		.sport = reply ? htons(443) : sport,
		.dport = reply ? sport : htons(443),
		.proto = IPPROTO_TCP,
	};
	*flow = (struct flow){
		.last_seen = bench->seen,
		.action = reply ? FLOW_PEER : FLOW_OUT,
		.flags = reply ? FLOW_NAT_DST | FLOW_REPLY : FLOW_NAT_SRC,
		.seen = FLOW_SEEN | FLOW_SEEN_ACK,
		.in_slot = reply ? 0 : SLOT,
		.out_slot = reply ? SLOT : 0,
		.to_src = reply ? server : host,
		.to_dst = reply ? client : server,
		.to_sport = key->sport,
		.to_dport = key->dport,
	};
}

static void count_set(const struct bench *bench, __u32 slot, __u64 flows)
{
	int ret =
		bpf_map_update_elem(datapath_map(bench->datapath, MAP_EP_FLOWS),
				    &slot, &flows, BPF_ANY);

	if (ret)
		die("write to bn_ep_flows", ret);
}

static void fill(struct bench *bench)
{
	__u32 total = 2 * bench->flows;
	int ret;

	bench->seen = datapath_now() - IDLE_TICKS;
	for (__u32 at = 0; at < total;) {
		__u32 count = 0;

		for (; count < BATCH && at < total; count++, at++)
			entry_make(bench, at, &bench->keys[count],
				   &bench->values[count]);
		ret = bpf_map_update_batch(bench->flows_fd, bench->keys,
					   bench->values, &count, NULL);
		if (ret)
			die("fill the table", ret);
	}
	count_set(bench, SLOT, bench->flows);
	count_set(bench, 0, bench->flows);
}

static __u64 entries_left(struct bench *bench)
{
	struct map_usage used;
	int ret = map_usage_get(bench->datapath, MAP_FLOWS, &used, &bench->err);

	if (ret)
		die(bench->err.text, ret);
	return used.entries;
}

/* --------------------------------------------------------------- the works */

static struct gc_args run_gc(struct bench *bench, __u32 limit)
{
	struct gc_args args = { 0 };
	int ret;

	bench->config->tcp_established = limit;
	ret = datapath_gc(bench->datapath, &args, &bench->err);
	if (ret)
		die(bench->err.text, ret);
	return args;
}

static void keep(struct bench *bench)
{
	struct gc_args args = run_gc(bench, 2 * IDLE_TICKS);

	expect("entries visited", args.scanned, 2ull * bench->flows);
	expect("flows alive", args.established, bench->flows);
	expect("flows ended", args.expired, 0);
}

static void end(struct bench *bench)
{
	expect("flows ended", run_gc(bench, IDLE_TICKS / 2).expired,
	       bench->flows);
}

typedef int (*batch_call)(int fd, void *in_batch, void *out_batch, void *keys,
			  void *values, __u32 *count,
			  const struct bpf_map_batch_opts *opts);

/* All entries by one of the two calls that read batches; looks at the age. */
static void scan_by(struct bench *bench, batch_call call)
{
	__u32 token, count, now = datapath_now();
	__u64 visited = 0, idle = 0;
	void *from = NULL;
	int ret;

	do {
		count = BATCH;
		ret = call(bench->flows_fd, from, &token, bench->keys,
			   bench->values, &count, NULL);
		if (ret && ret != -ENOENT)
			die("read the table", ret);
		for (__u32 i = 0; i < count; i++)
			idle += now - bench->values[i].last_seen >
				IDLE_TICKS / 2;
		visited += count;
		from = &token;
	} while (!ret);
	expect("entries read", visited, 2ull * bench->flows);
	expect("entries that are idle", idle, visited);
}

static void scan(struct bench *bench)
{
	scan_by(bench, bpf_map_lookup_batch);
}

static void take(struct bench *bench)
{
	scan_by(bench, bpf_map_lookup_and_delete_batch);
}

static int on_pair(const struct flow_pair *pair, void *arg)
{
	__u64 *pairs = arg;

	*pairs += pair->reply_found;
	return 0;
}

static void pairs(struct bench *bench)
{
	__u64 found = 0;
	int ret = flows_each(bench->datapath, on_pair, &found, &bench->err);

	if (ret)
		die(bench->err.text, ret);
	expect("pairs", found, bench->flows);
}

static void measure(struct bench *bench, enum work work, int round,
		    void (*run)(struct bench *bench))
{
	double start = cpu_seconds();

	run(bench);
	bench->seconds[work][round] = cpu_seconds() - start;
}

/* In turn, because the machine's speed drifts. */
static void run_round(struct bench *bench, int round)
{
	fill(bench);
	measure(bench, KEEP, round, keep);
	measure(bench, SCAN, round, scan);
	measure(bench, PAIRS, round, pairs);
	expect("entries before the end", entries_left(bench),
	       2ull * bench->flows);
	measure(bench, END, round, end);
	expect("entries left", entries_left(bench), 0);
	fill(bench);
	measure(bench, TAKE, round, take);
	expect("entries left", entries_left(bench), 0);
}

/* ------------------------------------------------------------------ report */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static void print_report(struct bench *bench)
{
	double seconds[WORKS], entries = 2.0 * bench->flows;
	struct utsname name;

	uname(&name);
	printf("%u flows, %.0f entries, Linux %s %s; CPU time, median of %d "
	       "rounds;\nonly ratios inside one run mean anything\n\n",
	       bench->flows, entries, name.release, name.machine,
	       bench->rounds);
	printf("%-49s %8s %9s %6s\n", "", "seconds", "ns/entry", "ratio");
	for (int work = 0; work < WORKS; work++) {
		enum work base = work < END ? KEEP : END;

		seconds[work] = median(bench->seconds[work], bench->rounds);
		printf("%-49s %8.3f %9.0f %6.2f\n", work_text[work],
		       seconds[work], seconds[work] / entries * 1e9,
		       seconds[work] / seconds[base]);
	}
}

/* ------------------------------------------------------------------- begin */

/* A bpffs of our own: what is pinned there ends with the process. */
static void leave_the_machine(void)
{
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) != 0)
		die("a mount namespace with a bpffs", errno);
}

static void bench_open(struct bench *bench)
{
	const struct datapath_options options = { .flows_max = bench->flows };
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int ret;

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	leave_the_machine();
	ret = datapath_load(INSTANCE, &options, &bench->datapath, &bench->err);
	if (ret)
		die(bench->err.text, ret);
	bench->config = datapath_config(bench->datapath);
	bench->flows_fd = datapath_map(bench->datapath, MAP_FLOWS);
	bench->keys = calloc(BATCH, sizeof(*bench->keys));
	bench->values = calloc(BATCH, sizeof(*bench->values));
	if (!bench->keys || !bench->values)
		die("memory", ENOMEM);
}

static void bench_close(struct bench *bench)
{
	free(bench->keys);
	free(bench->values);
	datapath_close(bench->datapath);
	datapath_unload(INSTANCE, &bench->err);
}

static long number(const char *text, long max)
{
	char *end_of;
	long value = strtol(text, &end_of, 10);

	if (*end_of || value < 1 || value > max) {
		fputs(usage, stderr);
		exit(EXIT_FAILURE);
	}
	return value;
}

int main(int argc, char **argv)
{
	static struct bench bench = { .flows = 1000000, .rounds = 5 };

	for (int i = 1; i < argc; i += 2) {
		const char *value = argv[i + 1] ?: "";

		if (strcmp(argv[i], "flows") == 0)
			bench.flows = (__u32)number(value, FLOWS_MAX);
		else if (strcmp(argv[i], "rounds") == 0)
			bench.rounds = (int)number(value, ROUNDS_MAX);
		else
			number("", 0);
	}
	bench_open(&bench);
	for (int round = 0; round < bench.rounds; round++)
		run_round(&bench, round);
	print_report(&bench);
	bench_close(&bench);
	return EXIT_SUCCESS;
}
