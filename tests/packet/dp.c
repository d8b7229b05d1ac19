/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* dp - loads the programs, runs them, says what they did */
#include "dp.h"

#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/internal.h"

#define INSTANCE "bnpacket"

enum { FROM_CONTAINER, TO_CONTAINER, FROM_UPLINK, TO_UPLINK, PROGRAMS };

static const char *const program_name[PROGRAMS] = {
	[FROM_CONTAINER] = "bn_from_container",
	[TO_CONTAINER] = "bn_to_container",
	[FROM_UPLINK] = "bn_from_uplink",
	[TO_UPLINK] = "bn_to_uplink",
};

static struct dp the_dp;

/* ------------------------------------------------------------ programs */

static int group_setup(void **state)
{
	struct dp *dp = &the_dp;
	const struct datapath_options options = { .flows_max = dp->flows_max };

	(void)state;
	if (!dp_net_make(dp)) {
		print_error("namespaces and devices cannot be made\n");
		return -1;
	}
	if (datapath_load(INSTANCE, &options, &dp->datapath, &dp->err)) {
		print_error("%s\n", dp->err.text);
		return -1;
	}
	dp->config = datapath_config(dp->datapath);
	for (int i = 0; i < PROGRAMS; i++) {
		dp->programs[i] =
			pin_program(dp->datapath, program_name[i], &dp->err);
		if (dp->programs[i] < 0)
			return -1;
	}
	return 0;
}

static int group_teardown(void **state)
{
	struct dp *dp = &the_dp;

	(void)state;
	for (int i = 0; i < PROGRAMS; i++)
		close(dp->programs[i]);
	datapath_close(dp->datapath);
	return datapath_unload(INSTANCE, &dp->err);
}

static void needs_root(void **state)
{
	(void)state;
	skip();
}

int dp_run_tests(const char *name, const struct CMUnitTest *tests, size_t count,
		 __u32 flows_max)
{
	struct CMUnitTest *skipped;
	int failed;

	the_dp.flows_max = flows_max;
	if (geteuid() == 0)
		return _cmocka_run_group_tests(name, tests, count, group_setup,
					       group_teardown);
	skipped = calloc(count, sizeof(*skipped));
	if (!skipped)
		return 1;
	for (size_t i = 0; i < count; i++) {
		skipped[i].name = tests[i].name;
		skipped[i].test_func = needs_root;
	}
	failed = _cmocka_run_group_tests(name, skipped, count, NULL, NULL);
	free(skipped);
	return failed;
}

int dp_reset(void **state)
{
	struct dp *dp = &the_dp;

	memcpy(&dp->ip, *state, sizeof(dp->ip));
	dp_tables_reset(dp);
	dp->published = 0;
	dp->mark = 0;
	dp->in_len = dp->out_len = 0;
	*state = dp;
	return 0;
}

/* ---------------------------------------------------------------- runs */

/* The one reason that was counted between two readings. */
static enum reason reason_between(const __u64 *before, const __u64 *after)
{
	enum reason why = REASON_OK;
	__u64 total = 0;

	for (int i = 0; i < REASON_COUNT; i++) {
		total += after[i] - before[i];
		if (after[i] != before[i])
			why = i;
	}
	if (total > 1)
		print_error("%llu packets counted, one was run\n",
			    (unsigned long long)total);
	assert_true(total <= 1);
	return why;
}

static void run_skb(struct dp *dp, int program, struct __sk_buff skb)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = dp->in,
		    .data_size_in = dp->in_len, .data_out = dp->out,
		    .data_size_out = sizeof(dp->out), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .ctx_out = &skb,
		    .ctx_size_out = sizeof(skb));
	__u64 before[REASON_COUNT], after[REASON_COUNT];
	int ret;

	skb.mark = dp->mark;
	assert_int_equal(counters_reasons(dp->datapath, before, &dp->err), 0);
	ret = bpf_prog_test_run_opts(dp->programs[program], &opts);
	if (ret)
		print_error("%s: %s\n", program_name[program], strerror(-ret));
	assert_int_equal(ret, 0);
	assert_int_equal(counters_reasons(dp->datapath, after, &dp->err), 0);
	dp->out_len = opts.data_size_out;
	dp->verdict = (int)opts.retval;
	dp->mark = skb.mark;
	dp->why = reason_between(before, after);
}

static void run(struct dp *dp, int program, int ifindex, int from)
{
	const struct __sk_buff skb = { .ifindex = ifindex,
				       .ingress_ifindex = from };

	run_skb(dp, program, skb);
}

static bool is_uplink(const struct dp *dp, enum node device)
{
	return device == UP || (device == LAN && dp->lan_is_uplink);
}

void dp_ingress_bytes(struct dp *dp, enum node device, const __u8 *bytes,
		      size_t len)
{
	memcpy(dp->in, bytes, len);
	dp->in_len = len;
	run(dp, is_uplink(dp, device) ? FROM_UPLINK : FROM_CONTAINER,
	    dp->ifindex[device], dp->ifindex[device]);
}

void dp_ingress_again(struct dp *dp, enum node device, unsigned int times)
{
	struct __sk_buff skb = { .ifindex = dp->ifindex[device],
				 .ingress_ifindex = dp->ifindex[device] };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = dp->in,
		    .data_size_in = dp->in_len, .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = (int)times);

	assert_int_equal(
		bpf_prog_test_run_opts(dp->programs[FROM_CONTAINER], &opts), 0);
}

static void egress(struct dp *dp, enum node device, const __u8 *bytes,
		   size_t len, int from)
{
	memcpy(dp->in, bytes, len);
	dp->in_len = len;
	run(dp, is_uplink(dp, device) ? TO_UPLINK : TO_CONTAINER,
	    dp->ifindex[device], from);
}

void dp_egress_bytes(struct dp *dp, enum node device, const __u8 *bytes,
		     size_t len)
{
	egress(dp, device, bytes, len, 0);
}

static enum node bridge_of(enum node device)
{
	return device == DB ? BACK : FRONT;
}

/* MACs as neighbours see them, where the test names none. */
static void set_macs(struct frame *frame, enum node from, enum node to)
{
	frame->smac = frame->smac ?: from;
	frame->dmac = frame->dmac ?: to;
}

void dp_ingress(struct dp *dp, enum node device, struct frame frame)
{
	__u8 bytes[FRAME_MAX];

	if (is_uplink(dp, device))
		set_macs(&frame, ROUTER, device);
	else
		set_macs(&frame, device, bridge_of(device));
	dp_ingress_bytes(dp, device, bytes, frame_build(&frame, bytes));
}

void dp_ingress_gso(struct dp *dp, enum node device, struct frame frame,
		    __u16 size)
{
	const struct __sk_buff skb = {
		.ifindex = dp->ifindex[device],
		.ingress_ifindex = dp->ifindex[device],
		.gso_size = size,
		.gso_segs = (frame.payload + size - 1) / size,
	};

	set_macs(&frame, device, bridge_of(device));
	dp->in_len = frame_build(&frame, dp->in);
	run_skb(dp, FROM_CONTAINER, skb);
}

static size_t build_egress(const struct dp *dp, enum node device,
			   struct frame frame, __u8 *bytes)
{
	if (is_uplink(dp, device))
		set_macs(&frame, device, ROUTER);
	else
		set_macs(&frame, bridge_of(device), device);
	return frame_build(&frame, bytes);
}

void dp_egress(struct dp *dp, enum node device, struct frame frame)
{
	__u8 bytes[FRAME_MAX];

	egress(dp, device, bytes, build_egress(dp, device, frame, bytes), 0);
}

void dp_forward(struct dp *dp, enum node from, enum node device,
		struct frame frame)
{
	__u8 bytes[FRAME_MAX];

	egress(dp, device, bytes, build_egress(dp, device, frame, bytes),
	       dp->ifindex[from]);
}

/* -------------------------------------------------------- expectations */

static void print_bytes(const char *what, const __u8 *bytes, size_t len)
{
	print_error("%s (%zu bytes):", what, len);
	for (size_t i = 0; i < len; i++)
		print_error("%s%02x", i % 16 ? " " : "\n  ", bytes[i]);
	print_error("\n");
}

static void check_outcome(const struct dp *dp, int verdict, enum reason want,
			  const char *file, int line)
{
	if (dp->why == want && dp->verdict == verdict)
		return;
	print_error("ended as '%s' (verdict %d), not '%s' (verdict %d)\n",
		    reason_label[dp->why], dp->verdict, reason_label[want],
		    verdict);
	_fail(file, line);
}

static void check_bytes(const struct dp *dp, const __u8 *want, size_t len,
			const char *file, int line)
{
	if (dp->out_len == len && memcmp(dp->out, want, len) == 0)
		return;
	print_bytes("frame in", dp->in, dp->in_len);
	print_bytes("frame out", dp->out, dp->out_len);
	print_bytes("wanted", want, len);
	_fail(file, line);
}

void dp_check_sent(struct dp *dp, struct frame want, const char *file, int line)
{
	__u8 bytes[FRAME_MAX];

	check_outcome(dp, TC_ACT_REDIRECT, REASON_FORWARDED, file, line);
	check_bytes(dp, bytes, frame_build(&want, bytes), file, line);
}

void dp_check_stack(struct dp *dp, struct frame want, const char *file,
		    int line)
{
	__u8 bytes[FRAME_MAX];

	check_outcome(dp, TC_ACT_UNSPEC, REASON_FORWARDED, file, line);
	check_bytes(dp, bytes, frame_build(&want, bytes), file, line);
}

void dp_check_dropped(struct dp *dp, enum reason want, const char *file,
		      int line)
{
	check_outcome(dp, TC_ACT_SHOT, want, file, line);
}

void dp_check_passed(struct dp *dp, enum reason want, const char *file,
		     int line)
{
	check_outcome(dp, TC_ACT_UNSPEC, want, file, line);
	check_bytes(dp, dp->in, dp->in_len, file, line);
}

__u16 dp_out_port(const struct dp *dp)
{
	bool v4 = dp->out[12] == 0x08;
	const __u8 *ip = dp->out + ETH_HLEN, *l4 = ip + (v4 ? 20 : 40);
	__u8 proto = ip[v4 ? 9 : 6];

	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6)
		l4 += 4;
	return l4[0] << 8 | l4[1];
}
