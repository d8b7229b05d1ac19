/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* traffic - makes packets at a device, and counts them where they arrive */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "lib/cleanup.h"
#include "traffic.h"
#include "bench/gen.skel.h"

#define TAP_PRIORITY 1
#define TAP_HANDLE 1

/* Fewer than the 256 places of a veth ring: a batch never overflows it. */
#define BATCH 64

#define PRIME_SECONDS 3
#define CPUS_MAX 1024

static int complain(const char *what, int code)
{
	fprintf(stderr, "gen: %s: %s\n", what, strerror(-code));
	return code;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int cpu_take(int cpu)
{
	const struct sched_param first = { .sched_priority = 1 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return complain("pin to the CPU", -errno);
	/* Refused where the control group has no real-time share: not fatal,
	 * the result says how busy the machine was. */
	sched_setscheduler(0, SCHED_FIFO, &first);
	return 0;
}

/* Enters @netns, a descriptor; returns one of the namespace left, or -errno. */
static int netns_switch(int netns)
{
	_cleanup_close_ int old =
		open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (old < 0 || setns(netns, CLONE_NEWNET))
		return -errno;
	return take_fd(old);
}

static int tap_attach_here(const char *device, int prog_fd, int *ret_ifindex)
{
	int ifindex = (int)if_nametoindex(device), code;
	libbpf_print_fn_t old;

	if (!ifindex)
		return complain(device, -errno);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TAP_HANDLE,
		    .priority = TAP_PRIORITY, .prog_fd = prog_fd,
		    .flags = BPF_TC_F_REPLACE);

	/* That it exists already is said by libbpf too, and is no news. */
	old = libbpf_set_print(NULL);
	code = bpf_tc_hook_create(&hook);
	libbpf_set_print(old);
	if (code && code != -EEXIST)
		return complain("create clsact", code);
	code = bpf_tc_attach(&hook, &opts);
	if (code)
		return complain("attach at tc ingress", code);
	*ret_ifindex = ifindex;
	return 0;
}

int tap_attach(const char *netns, const char *device, int prog_fd,
	       struct tap *ret_tap)
{
	_cleanup_close_ int there = -1, home = -1;
	int ifindex = 0, code;

	if (netns) {
		there = open(netns, O_RDONLY | O_CLOEXEC);
		if (there < 0)
			return complain(netns, -errno);
		home = netns_switch(there);
		if (home < 0)
			return complain(netns, home);
	}
	code = tap_attach_here(device, prog_fd, &ifindex);
	if (netns && setns(home, CLONE_NEWNET))
		return complain("return to the own namespace", -errno);
	if (code)
		return code;
	*ret_tap = (struct tap){ .netns = take_fd(there), .ifindex = ifindex };
	return 0;
}

void tap_detach(struct tap *tap)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = tap->ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TAP_HANDLE,
		    .priority = TAP_PRIORITY);
	_cleanup_close_ int there = tap->netns, home = -1;

	if (!tap->ifindex)
		return;
	if (there >= 0) {
		home = netns_switch(there);
		if (home < 0) {
			complain("enter the sink's namespace", home);
			return;
		}
	}
	bpf_tc_detach(&hook, &opts);
	if (home >= 0 && setns(home, CLONE_NEWNET))
		complain("return to the own namespace", -errno);
	*tap = (struct tap){ .netns = -1 };
}

/*
 * One test run of the kernel's. It is never cut into pieces: each costs the
 * 20 ms and more that its page pool takes to go. A signal ends it, with EINTR.
 * The kernel's duration is an average per packet and leaves set-up out.
 */
static int send_once(struct gen_bpf *skel, int packets, double *ret_seconds)
{
	static const char frame[GEN_FRAME_LEN];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = sizeof(frame), .repeat = packets,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.bn_gen), &opts))
		return -errno;
	*ret_seconds = (double)opts.duration * packets / 1e9;
	return 0;
}

/* Sums over the CPUs; @ret_here is what the CPU we are pinned to received. */
static int counts_sum(struct gen_bpf *skel, uint64_t ret_counts[GEN_COUNTERS],
		      uint64_t *ret_here)
{
	int fd = bpf_map__fd(skel->maps.bn_gen_counts);
	int cpus = libbpf_num_possible_cpus(), here = sched_getcpu();
	uint64_t values[CPUS_MAX];

	if (cpus < 0 || cpus > CPUS_MAX || here < 0 || here >= cpus)
		return complain("number of CPUs", -ERANGE);
	for (uint32_t slot = 0; slot < GEN_COUNTERS; slot++) {
		if (bpf_map_lookup_elem(fd, &slot, values))
			return complain("read the counters", -errno);
		if (slot == GEN_RECEIVED)
			*ret_here = values[here];
		ret_counts[slot] = 0;
		for (int cpu = 0; cpu < cpus; cpu++)
			ret_counts[slot] += values[cpu];
	}
	return 0;
}

int counts_read(struct gen_bpf *skel, uint64_t ret_counts[GEN_COUNTERS])
{
	uint64_t here;

	return counts_sum(skel, ret_counts, &here);
}

/* Idle seconds of all CPUs but ours since boot, and how many those are. */
static double idle_read(int *ret_cpus)
{
	_cleanup_fclose_ FILE *stat = fopen("/proc/stat", "re");
	int cpu, here = sched_getcpu();
	unsigned long long idle, wait;
	unsigned long long sum = 0;
	char line[1024];

	*ret_cpus = 0;
	while (stat && fgets(line, sizeof(line), stat)) {
		if (sscanf(line, "cpu%d %*u %*u %*u %llu %llu", &cpu, &idle,
			   &wait) != 3 ||
		    line[3] == ' ' || cpu == here)
			continue;
		sum += idle + wait;
		(*ret_cpus)++;
	}
	return (double)sum / (double)sysconf(_SC_CLK_TCK);
}

static void on_alarm(int signo)
{
	(void)signo;
}

/*
 * Sends for @seconds, or fewer when @packets are through before. The kernel
 * looks for the signal after each batch, so the alarm's time is the run's time
 * to a few microseconds, while the call returns only much later.
 */
static int send_timed(struct gen_bpf *skel, double seconds, int packets,
		      double *ret_seconds)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = {
		.it_value.tv_sec = (time_t)seconds,
		.it_value.tv_usec =
			(suseconds_t)((seconds - (double)(time_t)seconds) *
				      1e6),
	};
	int code;

	sigaction(SIGALRM, &action, NULL);
	if (setitimer(ITIMER_REAL, &timer, NULL))
		return complain("set the timer", -errno);
	code = send_once(skel, packets, ret_seconds);
	timer = (struct itimerval){};
	setitimer(ITIMER_REAL, &timer, NULL);
	if (code == -EINTR) {
		*ret_seconds = seconds;
		return 0;
	}
	return code ? complain("send live frames", code) : 0;
}

int traffic_run(struct gen_bpf *skel, double seconds, int packets,
		struct run *ret_run)
{
	uint64_t before[GEN_COUNTERS], here_before, here;
	uint64_t sent = skel->bss->sent;
	struct run run = {};
	double start, idle;
	int cpus, code;

	if (counts_sum(skel, before, &here_before))
		return -EIO;
	idle = idle_read(&cpus);
	start = now();
	code = send_timed(skel, seconds, packets, &run.seconds);
	if (code)
		return code;
	if (cpus)
		run.others_idle =
			(idle_read(&cpus) - idle) / (now() - start) / cpus;
	if (counts_sum(skel, run.counts, &here))
		return -EIO;
	run.sent = skel->bss->sent - sent;
	for (int slot = 0; slot < GEN_COUNTERS; slot++)
		run.counts[slot] -= before[slot];
	if (run.counts[GEN_RECEIVED])
		run.on_cpu = (double)(here - here_before) /
			     (double)run.counts[GEN_RECEIVED];
	*ret_run = run;
	return 0;
}

static void walk_restart(struct gen_bpf *skel)
{
	skel->bss->next_flow = 0;
	skel->bss->next_port = 0;
	skel->bss->next_addr = 0;
}

/*
 * The first packets may get lost while addresses are being resolved, so one
 * flow is tried until it is answered. Then each flow gets two round trips: the
 * first answer establishes it, a packet after it is what the path will see
 * while it is measured.
 */
int traffic_prime(struct gen_bpf *skel, int flows)
{
	uint64_t counts[GEN_COUNTERS] = {};
	double end = now() + PRIME_SECONDS, seconds;
	int code = 0;

	skel->bss->sink_reflects = 1;
	while (!code && !counts[GEN_REPLIES] && now() < end) {
		code = send_once(skel, 1, &seconds);
		if (!code)
			code = counts_read(skel, counts);
	}
	walk_restart(skel);
	if (!code)
		code = send_once(skel, 2 * flows, &seconds);
	skel->bss->sink_reflects = 0;
	walk_restart(skel);
	return code ? complain("establish the flows", code) : 0;
}
