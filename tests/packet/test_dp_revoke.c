/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_revoke - a change of policy reaches the flows that exist */
#include "dp.h"

#define RULE_ID 7
#define DENY .id = RULE_ID, .action = RULE_DENY
#define ALLOW .id = RULE_ID, .action = RULE_ALLOW

/* What the list shows: ended flows and drops, and the flows there are. */
static __u64 total_hits(struct dp *dp, __u32 id, struct frame frame)
{
	__u64 packets = dp_hits(dp, MAP_RULE_HITS, id).packets;
	struct flow flow;

	if (dp_flow(dp, frame, &flow) && flow.rule == id)
		packets += flow.packets;
	if (dp_flow(dp, frame_reply(frame), &flow) && flow.rule == id)
		packets += flow.packets;
	return packets;
}

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
	assert_int_equal(total_hits(dp, RULE_ID, syn), 3);
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

/* A process that died may have left some. */
static void prefixes_of_other_banks_do_not_count(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.server, 80);
	const struct rule_val deny = { DENY,
				       .to = select_cidr("203.0.113.0/24") };
	const struct rule_val allow = { ALLOW, .to = deny.to };
	struct policy_cidr_key key = {
		.prefix_bits = 32 + 96 + 32,
		.addr = ip_of(dp->ip.server),
	};
	struct policy_cidr_val value = { 0 };

	for (int turn = 0; turn < 4; turn++) {
		dp_rules_set(dp, turn % 2 ? &allow : &deny, 1);
		key.bank = dp->config->policy_bank - 1;
		assert_int_equal(table_set(dp->datapath, MAP_POLICY_CIDR, &key,
					   &value, &dp->err),
				 0);
		syn.sport++; /* another flow */
		dp_ingress(dp, WEB, syn);
		assert_int_equal(dp->why, turn % 2 ? REASON_FORWARDED :
						     REASON_POLICY_DENY);
	}
}

static void replaced_policy_leaves_no_prefixes(void **state)
{
	struct dp *dp = *state;
	struct map_usage usage;

	dp_rules(dp, { DENY, .to = select_cidr("203.0.113.0/24") },
		 { DENY, .from = select_cidr("192.0.2.0/25") });
	dp_rules(dp, { DENY, .to = select_cidr("203.0.113.7/32") });
	assert_int_equal(
		map_usage_get(dp->datapath, MAP_POLICY_CIDR, &usage, &dp->err),
		0);
	/* Its own one, and the one of all IPv4. */
	assert_int_equal(usage.entries, 2);

	dp_rules_clear(dp);
	assert_int_equal(
		map_usage_get(dp->datapath, MAP_POLICY_CIDR, &usage, &dp->err),
		0);
	assert_int_equal(usage.entries, 0);
}

static void rule_keeps_what_it_has_counted(void **state)
{
	struct dp *dp = *state;
	struct frame udp = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	dp_rules(dp, { .id = 1, .action = RULE_ALLOW });
	dp_ingress(dp, WEB, udp);
	dp_ingress(dp, WEB, udp);
	dp_ingress(dp, MATE, frame_reply(udp));
	assert_int_equal(total_hits(dp, 1, udp), 3);

	dp_rules(dp, { .id = 2, .action = RULE_ALLOW },
		 { .id = 1, .action = RULE_ALLOW });
	assert_int_equal(total_hits(dp, 1, udp), 3);
	dp_ingress(dp, WEB, udp);
	assert_int_equal(total_hits(dp, 1, udp), 3);
	assert_int_equal(total_hits(dp, 2, udp), 1);
	dp_ingress(dp, MATE, frame_reply(udp));
	assert_int_equal(total_hits(dp, 1, udp), 3);
	assert_int_equal(total_hits(dp, 2, udp), 2);

	dp_rules(dp, { DENY });
	dp_ingress(dp, WEB, udp);
	dp_rules_clear(dp);
	dp_ingress(dp, WEB, udp);
	assert_int_equal(total_hits(dp, RULE_ID, udp), 1);

	dp_gc(dp, SLOT_WEB);
	assert_int_equal(dp_flow_entries(dp), 0);
	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, 1).packets, 3);
	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, 2).packets, 2);
	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, RULE_ID).packets, 1);
	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, 1).bytes, 3 * dp->in_len);
	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, 1).flows, 1);
}

static void same_policy_is_not_written_again(void **state)
{
	struct dp *dp = *state;
	__u32 bank;

	dp_rules(dp, { DENY }, { ALLOW });
	bank = dp->config->policy_bank;
	dp_rules(dp, { DENY }, { ALLOW });
	assert_int_equal(dp->config->policy_bank, bank);
	dp_rules(dp, { ALLOW }, { DENY });
	assert_int_not_equal(dp->config->policy_bank, bank);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(revocation_hits_both_directions_at_once),
		DP_TEST_BOTH(flow_that_is_allowed_again_goes_on),
		DP_TEST_BOTH(default_that_turns_to_deny_ends_flows),
		DP_TEST(prefixes_of_other_banks_do_not_count),
		DP_TEST(replaced_policy_leaves_no_prefixes),
		DP_TEST(same_policy_is_not_written_again),
		DP_TEST_BOTH(rule_keeps_what_it_has_counted),
	};

	return dp_main(tests);
}
