/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_revoke - a change of policy reaches the flows that exist */
#include "dp.h"

#define RULE_ID 7
#define DENY .id = RULE_ID, .action = RULE_DENY
#define ALLOW .id = RULE_ID, .action = RULE_ALLOW

static void revocation_hits_both_directions_at_once(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);
	struct frame ack = frame_flags(syn, TCP_ACK);
	struct frame answer = frame_reply(syn);

	dp_ingress(dp, WEB, syn);
	dp_ingress(dp, MATE, answer);
	dp_rules(dp, { DENY, .from = { SELECT_ENDPOINT, SLOT_WEB } });

	dp_ingress(dp, MATE, answer);
	dp_expect_dropped(dp, REASON_POLICY_DENY);
	dp_ingress(dp, WEB, ack);
	dp_expect_dropped(dp, REASON_POLICY_DENY);
	/* Its own entry keeps it from passing as a new flow of the other's. */
	dp_ingress(dp, MATE, answer);
	dp_expect_dropped(dp, REASON_POLICY_DENY);
	assert_int_equal(dp_flow_entries(dp), 2);
	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, RULE_ID).packets, 3);
	assert_int_equal(dp_endpoint(dp, SLOT_MATE).reasons[REASON_POLICY_DENY],
			 2);
}

static void flow_that_is_allowed_again_goes_on(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 40000, dp->ip.server, 80);
	struct frame ack = frame_flags(syn, TCP_ACK), answer;
	__u16 port;

	dp_ingress(dp, WEB, syn);
	port = dp_out_port(dp);
	answer = frame_to(frame_reply(syn), dp->ip.host, port);
	dp_rules(dp, { DENY });
	dp_ingress(dp, WEB, ack);
	dp_expect_dropped(dp, REASON_POLICY_DENY);
	dp_ingress(dp, UP, answer);
	dp_expect_dropped(dp, REASON_POLICY_DENY);

	dp_rules_clear(dp);
	dp_ingress(dp, UP, answer);
	dp_expect_sent(dp, frame_into(frame_reply(syn), WEB));
	dp_ingress(dp, WEB, ack);
	dp_expect_sent(dp, frame_out(frame_from(ack, dp->ip.host, port)));
	assert_int_equal(dp_stats(dp).created, 1);
}

static void default_that_turns_to_deny_ends_flows(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	dp_ingress(dp, WEB, syn);
	dp->config->intra = RULE_DENY;
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_switched(syn, WEB, MATE));
	datapath_bump(dp->datapath);

	dp_ingress(dp, WEB, syn);
	dp_expect_dropped(dp, REASON_POLICY_DEFAULT);
	dp_ingress(dp, MATE, frame_reply(syn));
	dp_expect_dropped(dp, REASON_POLICY_DEFAULT);
}

static void only_the_bank_in_force_counts(void **state)
{
	const struct rule_val deny = { DENY };
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	for (int turn = 0; turn < 2; turn++) {
		__u32 other;

		dp_rules(dp, { ALLOW });
		other = dp->config->rules & RULES_BANK ? 0 : RULES_MAX;
		assert_int_equal(table_set(dp->datapath, MAP_RULES, &other,
					   &deny, &dp->err),
				 0);
		dp_ingress(dp, WEB, syn);
		dp_expect_sent(dp, frame_switched(syn, WEB, MATE));
		dp->config->rules ^= RULES_BANK;
		syn.sport++; /* another flow */
		dp_ingress(dp, WEB, syn);
		dp_expect_dropped(dp, REASON_POLICY_DENY);
	}
}

static void rule_past_the_count_is_not_in_force(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	dp_rules(dp, { .action = RULE_ALLOW, .proto = IPPROTO_UDP }, { DENY });
	dp_ingress(dp, WEB, syn);
	dp_expect_dropped(dp, REASON_POLICY_DENY);
	dp->config->rules--;

	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_switched(syn, WEB, MATE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(revocation_hits_both_directions_at_once),
		DP_TEST_BOTH(flow_that_is_allowed_again_goes_on),
		DP_TEST(default_that_turns_to_deny_ends_flows),
		DP_TEST(only_the_bank_in_force_counts),
		DP_TEST(rule_past_the_count_is_not_in_force),
	};

	return dp_main(tests);
}
