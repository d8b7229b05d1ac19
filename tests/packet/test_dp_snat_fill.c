/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_snat_fill - source ports towards one server become scarce */
#include "dp.h"

#include "datapath/internal.h"

/*
 * A port is looked for in at most 256 places. That is enough only while those
 * are spread evenly: where a walk tries neighbours, the ports that are taken
 * grow together, and most walks end inside of such a cluster. So the range is
 * filled by the program itself, and then asked how often one client more fails.
 * With ports in random order and a share f taken, a client fails with
 * f^256: 0.6 % at 98 %, nobody at 90 %.
 */
#define PORTS 8192
#define PORT_FIRST 1024
#define CLIENT_FIRST (PORT_FIRST + PORTS) /* no client's own port is free */
#define CLIENTS_MORE 4000
/* Both halves of a flow for every port fit into half of bn_embryos. */
#define FLOWS_MAX (2 * PORTS * EMBRYOS_SHARE)

static struct frame client(const struct dp *dp, __u16 number)
{
	return frame_udp(dp->ip.web, CLIENT_FIRST + number, dp->ip.server, 53);
}

/* Whether it got a port. */
static bool start(struct dp *dp, struct frame frame)
{
	dp_ingress(dp, WEB, frame);
	if (dp->why == REASON_FORWARDED)
		return true;
	dp_expect_dropped(dp, REASON_SNAT_EXHAUSTED);
	return false;
}

/* Clients come until so many ports are taken; returns how many came. */
static __u16 fill(struct dp *dp, unsigned int ports)
{
	unsigned int taken = 0;
	__u16 number = 0;

	dp->config->snat_port_min = PORT_FIRST;
	dp->config->snat_port_max = PORT_FIRST + PORTS - 1;
	while (taken < ports) {
		assert_true(number < 5 * (PORTS / 4));
		taken += start(dp, client(dp, number++));
	}
	assert_int_equal(dp_flow_entries(dp), 2 * ports);
	return number;
}

static void forget(struct dp *dp, struct frame frame, __u16 port)
{
	struct frame answer = frame_to(frame_reply(frame), dp->ip.host, port);
	struct flow_key forward = frame_key(&frame), back = frame_key(&answer);

	assert_int_equal(
		table_del(dp->datapath, MAP_EMBRYOS, &forward, &dp->err), 0);
	assert_int_equal(table_del(dp->datapath, MAP_EMBRYOS, &back, &dp->err),
			 0);
}

/* One client more, many times over: each goes before the next one comes.
 * Returns what they did to the counters. */
static struct flow_stats one_more(struct dp *dp, __u16 number)
{
	struct flow_stats before = dp_stats(dp), after;
	__u64 *then = (__u64 *)&before, *now = (__u64 *)&after;

	for (int i = 0; i < CLIENTS_MORE; i++) {
		struct frame frame = client(dp, number++);

		if (start(dp, frame))
			forget(dp, frame, dp_out_port(dp));
	}
	after = dp_stats(dp);
	for (size_t i = 0; i < sizeof(after) / sizeof(*now); i++)
		now[i] -= then[i];
	assert_int_equal(after.snat_allocated + after.snat_failed,
			 CLIENTS_MORE);
	assert_int_equal(after.snat_failed,
			 after.snat_retries[SNAT_RETRY_BUCKETS - 1]);
	return after;
}

static double power(double base, unsigned int exponent)
{
	double result = 1;

	while (exponent--)
		result *= base;
	return result;
}

/* Each bucket has as many clients as chance alone would send there, give or
 * take a third: with the share `taken`, n retries do not suffice for a client
 * with taken^n. */
static void check_histogram(const struct flow_stats *stats, double taken)
{
	for (int n = 0; n < SNAT_RETRY_BUCKETS - 1; n++) {
		unsigned int least = n ? 1u << (n - 1) : 0, next = 1u << n;
		double want = CLIENTS_MORE *
			      (power(taken, least) - power(taken, next));

		assert_in_range(stats->snat_retries[n], want * 2 / 3,
				want * 4 / 3);
	}
}

static void nobody_fails_at_90_percent(void **state)
{
	struct dp *dp = *state;
	__u16 came = fill(dp, PORTS * 90 / 100);
	struct flow_stats stats = one_more(dp, came);

	assert_int_equal(came, PORTS * 90 / 100);
	assert_int_equal(stats.snat_failed, 0);
}

static void one_client_of_a_hundred_at_most_fails_at_98_percent(void **state)
{
	struct dp *dp = *state;
	__u16 came = fill(dp, PORTS * 98 / 100);
	struct flow_stats stats = one_more(dp, came);

	assert_true(stats.snat_failed <= CLIENTS_MORE / 100);
	check_histogram(&stats, 0.98);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(nobody_fails_at_90_percent),
		DP_TEST_BOTH(
			one_client_of_a_hundred_at_most_fails_at_98_percent),
	};

	return dp_main_sized(tests, FLOWS_MAX);
}
