/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_log - what rules with "log" tell user space */
#include "dp.h"

#include <sched.h>

#include "lib/ip.h"

#define RULE_ID 7
#define EVENTS_MAX (2 * EVENTS_PER_TICK)

/* What came since the last look. */
struct told {
	struct event events[EVENTS_MAX];
	size_t count;
};

static void on_told(const struct event *event, void *arg)
{
	struct told *told = arg;

	assert_true(told->count < EVENTS_MAX);
	told->events[told->count++] = *event;
}

static struct events *events;
static struct told told;

/* Reads from now on: what earlier tests have left is thrown away. */
static void listen_to(struct dp *dp)
{
	if (events && !events_are_of(events, dp->datapath)) {
		events_close(events);
		events = NULL;
	}
	if (!events)
		assert_int_equal(events_open(dp->datapath, on_told, &told,
					     &events, &dp->err),
				 0);
	assert_int_equal(events_read(events, &dp->err), 0);
	told.count = 0;
}

static size_t heard(struct dp *dp)
{
	told.count = 0;
	assert_int_equal(events_read(events, &dp->err), 0);
	return told.count;
}

static void rule(struct dp *dp, enum rule_action action, bool log)
{
	dp_rules(dp, { .id = RULE_ID, .action = action, .log = log });
}

static void assert_event(size_t i, struct flow_key key, enum rule_action action)
{
	const struct event want = {
		.key = key,
		.rule = RULE_ID,
		.action = action,
	};

	assert_memory_equal(&told.events[i], &want, sizeof(want));
}

static void first_packet_of_an_allowed_flow_is_told(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	listen_to(dp);
	rule(dp, RULE_ALLOW, true);
	dp_ingress(dp, WEB, syn);
	dp_ingress(dp, WEB, frame_flags(syn, TCP_ACK));
	dp_ingress(dp, MATE, frame_reply(syn));

	assert_int_equal(heard(dp), 1);
	assert_event(0, frame_key(&syn), RULE_ALLOW);
}

static void every_denied_packet_is_told(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	listen_to(dp);
	rule(dp, RULE_DENY, true);
	dp_ingress(dp, WEB, syn);
	dp_ingress(dp, WEB, syn);

	assert_int_equal(heard(dp), 2);
	assert_event(1, frame_key(&syn), RULE_DENY);
}

/* As the rule saw it: to the container, from the client. */
static void published_port_is_told_as_the_backend(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 4000, dp->ip.host, 80);
	struct frame inside = frame_to(syn, dp->ip.web, 8080);

	listen_to(dp);
	rule(dp, RULE_REJECT, true);
	dp_publish(dp, IPPROTO_TCP, NULL, 80, WEB, 8080);
	dp_ingress(dp, UP, syn);

	assert_int_equal(heard(dp), 1);
	assert_event(0, frame_key(&inside), RULE_REJECT);
}

static void rule_without_log_tells_nothing(void **state)
{
	struct dp *dp = *state;

	listen_to(dp);
	rule(dp, RULE_DENY, false);
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80));
	dp_rules_clear(dp);
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, 4000, dp->ip.db, 80));
	dp_expect_dropped(dp, REASON_POLICY_DEFAULT);

	assert_int_equal(heard(dp), 0);
}

/* A flow that is revoked is told once; one that stays allowed is not. */
static void revoked_flow_is_told_once(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	dp_ingress(dp, WEB, syn);
	listen_to(dp);
	rule(dp, RULE_ALLOW, true);
	dp_ingress(dp, WEB, syn);
	assert_int_equal(heard(dp), 0);

	rule(dp, RULE_DENY, true);
	dp_ingress(dp, WEB, syn);
	dp_expect_dropped(dp, REASON_POLICY_DENY);
	dp_ingress(dp, WEB, syn);
	datapath_bump(dp->datapath);
	dp_ingress(dp, WEB, syn);
	assert_int_equal(heard(dp), 1);
	assert_event(0, frame_key(&syn), RULE_DENY);
}

/* The counters are the CPU's own. */
static void stay_on_this_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* As many as a tick has room for; what is too much is counted, and told with the
 * next one. */
static void flood_is_cut_and_counted(void **state)
{
	const unsigned int many = 40 * EVENTS_PER_TICK;
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	size_t got, lost = 0;
	__u32 tick;

	stay_on_this_cpu();
	listen_to(dp);
	rule(dp, RULE_DENY, true);
	dp_ingress(dp, WEB, syn);
	dp_ingress_again(dp, WEB, many - 1);
	got = heard(dp);
	/* It may have begun before, and a tick may have passed. */
	assert_true(got > 0 && got <= 2 * EVENTS_PER_TICK);

	/* The next tick has room again. */
	tick = datapath_now();
	while (!heard(dp)) {
		assert_true(datapath_now() - tick < 30);
		dp_ingress(dp, WEB, syn);
		lost++;
	}
	assert_int_equal(told.events[0].lost, many + lost - 1 - got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(first_packet_of_an_allowed_flow_is_told),
		DP_TEST_BOTH(every_denied_packet_is_told),
		DP_TEST_BOTH(published_port_is_told_as_the_backend),
		DP_TEST(rule_without_log_tells_nothing),
		DP_TEST_BOTH(revoked_flow_is_told_once),
		DP_TEST(flood_is_cut_and_counted),
	};

	return dp_main(tests);
}
