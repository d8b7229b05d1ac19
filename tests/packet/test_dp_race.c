/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_race - both directions of a flow on two CPUs, while it begins and ends */
#include "dp.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/internal.h"

/*
 * One CPU has the container's packets, the other one the answers, as fast as
 * they go. Meanwhile the network's masquerade address changes all the time: each
 * time the flow is removed and begins anew, mostly by the elements of the tables
 * that have just become free. The programs' workspaces are the CPU's, so each
 * CPU may have one runner only.
 */
#define CHANGES 15000
#define FRAMES 4

struct runner {
	int cpu, program;
	__u32 ifindex;
	__u8 bytes[FRAMES][FRAME_MAX];
	size_t len[FRAMES];
	bool stop;
	int failed;
	pthread_t thread;
};

static int pin_to(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one);
}

static void *run(void *arg)
{
	struct runner *r = arg;
	struct __sk_buff skb = { .ifindex = r->ifindex };
	__u8 out[FRAME_MAX];

	r->failed = pin_to(r->cpu);
	for (unsigned int i = 0;
	     !r->failed && !__atomic_load_n(&r->stop, __ATOMIC_RELAXED); i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts,
			    .data_in = r->bytes[i % FRAMES],
			    .data_size_in = r->len[i % FRAMES], .data_out = out,
			    .data_size_out = sizeof(out), .ctx_in = &skb,
			    .ctx_size_in = sizeof(skb));

		r->failed = bpf_prog_test_run_opts(r->program, &opts);
	}
	return NULL;
}

static void start(struct runner *r, struct dp *dp, const char *program,
		  int ifindex)
{
	r->program = pin_program(dp->datapath, program, &dp->err);
	assert_true(r->program >= 0);
	r->ifindex = ifindex;
	assert_int_equal(pthread_create(&r->thread, NULL, run, r), 0);
}

static void stop(struct runner *r)
{
	__atomic_store_n(&r->stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(r->thread, NULL), 0);
	close(r->program);
	assert_int_equal(r->failed, 0);
}

static void change_all_the_time(struct dp *dp, const char *const snat[2])
{
	struct timespec pause = { 0 };

	srand(1);
	for (int i = 0; i < CHANGES; i++) {
		dp_network_snat(dp, NETWORK_FRONT, snat[i % 2]);
		datapath_bump(dp->datapath);
		if (i % 3 == 0)
			datapath_bump_routes(dp->datapath);
		if (i % 16 == 0)
			dp_gc(dp, i % 32 ? 0 : SLOT_WEB);
		pause.tv_nsec = rand() % 50000;
		nanosleep(&pause, NULL);
	}
}

/* What is under a key is a half with that key: the container's packets lead
 * outside, and outside has the answers. */
struct tally {
	struct flow_key forward_key;
	unsigned int forward, wrong;
};

static int tally_flow(const void *key, const void *value, void *arg)
{
	const struct flow *flow = value;
	struct tally *tally = arg;
	bool forward =
		!memcmp(key, &tally->forward_key, sizeof(struct flow_key));

	tally->forward += forward;
	tally->wrong += forward != !(flow->flags & FLOW_REPLY);
	return 0;
}

static int tally_embryo(const void *key, const void *value, void *arg)
{
	const struct embryo *embryo = value;
	struct tally *tally = arg;
	unsigned int forward = tally->forward;

	tally_flow(key, &embryo->mine, tally);
	tally->forward = forward;
	return 0;
}

static void assert_tables_are_sound(struct dp *dp, struct frame syn)
{
	struct tally tally = { .forward_key = frame_key(&syn) };
	const __u32 slots[] = { 0, SLOT_WEB };
	__u64 flows;

	assert_int_equal(map_each(datapath_map(dp->datapath, MAP_FLOWS),
				  tally_flow, &tally),
			 0);
	assert_int_equal(map_each(datapath_map(dp->datapath, MAP_EMBRYOS),
				  tally_embryo, &tally),
			 0);
	assert_int_equal(tally.wrong, 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(table_get(dp->datapath, MAP_EP_FLOWS,
					   &slots[i], &flows),
				 0);
		assert_int_equal(flows, tally.forward);
	}
}

static void flow_that_ends_while_it_begins_leaves_nothing_wrong(void **state)
{
	static const char *const snat[] = { "198.51.100.7", "198.51.100.8" };
	static const __u8 flags[] = { TCP_SYN, TCP_ACK, TCP_SYN,
				      TCP_ACK | TCP_FIN };
	static const __u8 reply_flags[] = { TCP_SYN | TCP_ACK,
					    TCP_SYN | TCP_ACK, TCP_ACK,
					    TCP_ACK | TCP_RST };
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.server, 443);
	struct runner in = { .cpu = 0 }, out = { .cpu = 1 };

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip();
	for (size_t i = 0; i < FRAMES; i++) {
		struct frame f = frame_flags(syn, flags[i]);
		struct frame reply = frame_flags(
			frame_to(frame_reply(syn), snat[i % 2], 4000),
			reply_flags[i]);

		f.smac = WEB;
		f.dmac = FRONT;
		reply.smac = ROUTER;
		reply.dmac = UP;
		out.len[i] = frame_build(&f, out.bytes[i]);
		in.len[i] = frame_build(&reply, in.bytes[i]);
	}
	start(&out, dp, "bn_from_container", dp->ifindex[WEB]);
	start(&in, dp, "bn_from_uplink", dp->ifindex[UP]);
	change_all_the_time(dp, snat);
	stop(&out);
	stop(&in);

	assert_tables_are_sound(dp, syn);
	/* One flow at a time is no crowd. */
	assert_int_equal(dp_reason(dp, REASON_FLOWS_QUOTA), 0);
	assert_int_equal(dp_reason(dp, REASON_FLOWS_FULL), 0);
	dp_ingress(dp, WEB, syn);
	assert_int_equal(dp->why, REASON_FORWARDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST(flow_that_ends_while_it_begins_leaves_nothing_wrong),
	};

	return dp_main(tests);
}
