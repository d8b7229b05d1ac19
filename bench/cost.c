/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cost - what one tc program costs for each packet, without any forwarding */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "gen.h"
#include "lib/cleanup.h"
#include "bench/gen.skel.h"

#define ROUNDS 7

/* Offsets in a frame with an Ethernet and a plain IPv4 header. */
#define IP_SADDR 26
#define IP_DADDR 30
#define UDP_DPORT 36

struct sample {
	__u32 ns;
	__u32 verdict;
	__u8 frame[256];
};

static int complain(const char *what, int code)
{
	fprintf(stderr, "gen: %s: %s\n", what, strerror(-code));
	return code;
}

/* One repeated test run with @target in the place of the program under test. */
static int sample_take(struct gen_bpf *skel, int target, int ifindex,
		       int packets, struct sample *ret)
{
	static const __u8 frame[GEN_FRAME_LEN];
	struct __sk_buff ctx = { .ifindex = (__u32)ifindex,
				 .ingress_ifindex = (__u32)ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = sizeof(frame), .data_out = ret->frame,
		    .data_size_out = sizeof(ret->frame), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = packets);
	int slots = bpf_map__fd(skel->maps.bn_gen_target);
	__u32 slot = 0;

	if (bpf_map_update_elem(slots, &slot, &target, BPF_ANY))
		return complain("put the program into its slot", -errno);
	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.bn_gen_cost),
				   &opts))
		return complain("test run", -errno);
	ret->ns = opts.duration;
	ret->verdict = opts.retval;
	return 0;
}

static bool frame_is_expected(const struct sample *sample,
			      const struct gen_expect *expect)
{
	const __u8 *frame = sample->frame;
	__u16 dport = (__u16)(frame[UDP_DPORT] << 8 | frame[UDP_DPORT + 1]);

	return sample->verdict == TC_ACT_REDIRECT && dport == expect->dport &&
	       (!expect->saddr ||
		!memcmp(frame + IP_SADDR, &expect->saddr, 4)) &&
	       (!expect->daddr || !memcmp(frame + IP_DADDR, &expect->daddr, 4));
}

static int by_value(const void *a, const void *b)
{
	const __u32 *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static __u32 median(__u32 *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

int cost_run(struct gen_bpf *skel, const char *pin, int ifindex, int packets)
{
	_cleanup_close_ int under_test = bpf_obj_get(pin);
	int empty = bpf_program__fd(skel->progs.bn_gen_empty), code;
	__u32 ns[ROUNDS], empty_ns[ROUNDS];
	struct sample sample = {};

	if (under_test < 0)
		return complain(pin, -errno);
	/* Caches and branch predictors get to know the flows first. */
	code = sample_take(skel, under_test, ifindex, packets, &sample);
	for (int i = 0; !code && i < ROUNDS; i++) {
		code = sample_take(skel, empty, ifindex, packets, &sample);
		empty_ns[i] = sample.ns;
		if (!code)
			code = sample_take(skel, under_test, ifindex, packets,
					   &sample);
		ns[i] = sample.ns;
	}
	if (code)
		return code;
	if (!frame_is_expected(&sample, &skel->rodata->cfg_expect)) {
		fprintf(stderr, "gen: %s: verdict %u, or another packet\n", pin,
			sample.verdict);
		return -EBADMSG;
	}
	printf("{\"ns\":%u,\"empty_ns\":%u,\"net_ns\":%d}\n", median(ns),
	       median(empty_ns), (int)median(ns) - (int)median(empty_ns));
	return 0;
}
