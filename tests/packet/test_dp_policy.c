/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_policy - rules, defaults, revocation */
#include "dp.h"

#include <linux/pkt_cls.h>

#include "control/rules.h"
#include "model/model.h"

#define RULE_ID 7
#define DENY .id = RULE_ID, .action = RULE_DENY
#define ALLOW .id = RULE_ID, .action = RULE_ALLOW

/* ----------------------------------------------------------- selectors */

/* One flow of each kind, as bits. */
enum {
	INTRA = 1 << 0, /* web to mate */
	INTER = 1 << 1, /* web to db */
	TO_HOST = 1 << 2, /* web to the host */
	OUT = 1 << 3, /* web to a server */
	IN = 1 << 4, /* client to web, published */
	HOST_IN = 1 << 5, /* host to web */
	ALL = (1 << 6) - 1,
};

static bool is_denied(const struct dp *dp)
{
	assert_true(dp->why == REASON_POLICY_DENY ||
		    dp->why == REASON_FORWARDED);
	return dp->verdict == TC_ACT_SHOT;
}

/* Starts each of the flows; returns those that a rule denies. */
static unsigned int denied_flows(struct dp *dp)
{
	static __u16 port = 4000;
	unsigned int denied = 0;

	port++;
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, port, dp->ip.mate, 80));
	denied |= is_denied(dp) ? INTRA : 0;
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, port, dp->ip.db, 80));
	denied |= is_denied(dp) ? INTER : 0;
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, port, dp->ip.front, 80));
	denied |= is_denied(dp) ? TO_HOST : 0;
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, port, dp->ip.server, 80));
	denied |= is_denied(dp) ? OUT : 0;
	dp_ingress(dp, UP, frame_tcp(dp->ip.client, port, dp->ip.host, 8080));
	denied |= is_denied(dp) ? IN : 0;
	dp_egress(dp, WEB, frame_tcp(dp->ip.front, port, dp->ip.web, 80));
	denied |= is_denied(dp) ? HOST_IN : 0;
	return denied;
}

static unsigned int denied_by(struct dp *dp, struct selector from,
			      struct selector to)
{
	dp_rules(dp, { DENY, .from = from, .to = to });
	return denied_flows(dp);
}

static void open_everything(struct dp *dp)
{
	dp->config->inter = RULE_ALLOW;
	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
}

static struct selector select_kind(enum selector_kind kind, __u32 id)
{
	return (struct selector){ .kind = kind, .id = id };
}

static struct selector select_ip(const char *ip)
{
	char cidr[CIDR_TEXT_MAX];

	snprintf(cidr, sizeof(cidr), "%s/%d", ip, strchr(ip, ':') ? 128 : 32);
	return select_cidr(cidr);
}

static void from_selects_the_client(void **state)
{
	const struct selector any = { .kind = SELECT_ANY };
	struct dp *dp = *state;
	const struct {
		struct selector from;
		unsigned int denied;
	} cases[] = {
		{ any, ALL },
		{ select_kind(SELECT_ENDPOINT, SLOT_WEB),
		  INTRA | INTER | TO_HOST | OUT },
		{ select_kind(SELECT_ENDPOINT, SLOT_MATE), 0 },
		{ select_kind(SELECT_NETWORK, NETWORK_FRONT),
		  INTRA | INTER | TO_HOST | OUT },
		{ select_kind(SELECT_NETWORK, NETWORK_BACK), 0 },
		{ select_ip(dp->ip.web), INTRA | INTER | TO_HOST | OUT },
		{ select_ip(dp->ip.client), IN },
		{ select_ip(dp->ip.front), HOST_IN },
		{ select_kind(SELECT_HOST, 0), HOST_IN },
		{ select_kind(SELECT_WORLD, 0), IN },
	};

	open_everything(dp);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(denied_by(dp, cases[i].from, any),
				 cases[i].denied);
}

static void to_selects_the_backend(void **state)
{
	const struct selector any = { .kind = SELECT_ANY };
	struct dp *dp = *state;
	const struct {
		struct selector to;
		unsigned int denied;
	} cases[] = {
		{ any, ALL },
		{ select_kind(SELECT_ENDPOINT, SLOT_WEB), IN | HOST_IN },
		{ select_kind(SELECT_ENDPOINT, SLOT_DB), INTER },
		{ select_kind(SELECT_NETWORK, NETWORK_FRONT),
		  INTRA | IN | HOST_IN },
		{ select_kind(SELECT_NETWORK, NETWORK_BACK), INTER },
		{ select_ip(dp->ip.web), IN | HOST_IN },
		{ select_ip(dp->ip.server), OUT },
		{ select_ip(dp->ip.host), 0 }, /* it was published */
		{ select_kind(SELECT_HOST, 0), TO_HOST },
		{ select_kind(SELECT_WORLD, 0), OUT },
	};

	open_everything(dp);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(denied_by(dp, any, cases[i].to),
				 cases[i].denied);
}

static void both_selectors_must_match(void **state)
{
	struct dp *dp = *state;

	open_everything(dp);
	assert_int_equal(denied_by(dp, select_kind(SELECT_ENDPOINT, SLOT_WEB),
				   select_kind(SELECT_WORLD, 0)),
			 OUT);
	assert_int_equal(denied_by(dp, select_kind(SELECT_WORLD, 0),
				   select_kind(SELECT_WORLD, 0)),
			 0);
}

static bool server_is_denied(struct dp *dp, const char *server)
{
	static __u16 port = 5000;

	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, ++port, server, 80));
	return is_denied(dp);
}

static void prefix_matches_from_its_first_to_its_last_address(void **state)
{
	struct dp *dp = *state;
	const struct selector any = { .kind = SELECT_ANY };

	dp_rules(dp,
		 { DENY, .from = any, .to = select_cidr("203.0.113.64/29") },
		 { DENY, .from = any, .to = select_cidr("2001:db8:7:8::/61") });
	assert_false(server_is_denied(dp, "203.0.113.63"));
	assert_true(server_is_denied(dp, "203.0.113.64"));
	assert_true(server_is_denied(dp, "203.0.113.71"));
	assert_false(server_is_denied(dp, "203.0.113.72"));

	dp->ip = addresses_v6;
	assert_false(server_is_denied(dp, "2001:db8:7:7:ffff:ffff:ffff:ffff"));
	assert_true(server_is_denied(dp, "2001:db8:7:8::"));
	assert_true(server_is_denied(dp, "2001:db8:7:f:ffff:ffff:ffff:ffff"));
	assert_false(server_is_denied(dp, "2001:db8:7:10::"));
}

/* ------------------------------------------------------- order, fields */

static void first_match_decides(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.db, 3306);
	struct flow flow;

	dp_rules(dp, { .id = 1, .action = RULE_ALLOW, .proto = IPPROTO_UDP },
		 { .id = 2, .action = RULE_ALLOW }, { DENY });
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_into(syn, DB));
	assert_true(dp_flow(dp, syn, &flow));
	assert_int_equal(flow.rule, 2);
	assert_true(dp_flow(dp, frame_reply(syn), &flow));
	assert_int_equal(flow.rule, 2);

	dp_rules(dp, { .id = 1, .action = RULE_ALLOW, .proto = IPPROTO_UDP },
		 { DENY }, { .id = 2, .action = RULE_ALLOW });
	dp_ingress(dp, WEB, frame_from(syn, dp->ip.web, 4001));
	dp_expect_dropped(dp, REASON_POLICY_DENY);
}

static void denied_packets_are_counted_for_the_rule(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	dp_rules(dp, { DENY });
	dp_ingress(dp, WEB, syn);
	dp_ingress(dp, WEB, syn);

	dp_expect_dropped(dp, REASON_POLICY_DENY);
	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, RULE_ID).packets, 2);
	assert_int_equal(dp_hits(dp, MAP_RULE_HITS, RULE_ID).bytes,
			 2 * dp->in_len);
	assert_int_equal(dp_flow_entries(dp), 0);
}

static bool port_is_denied(struct dp *dp, __u16 port)
{
	static __u16 client = 5000;

	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, ++client, dp->ip.mate, port));
	return is_denied(dp);
}

static void port_range_includes_both_ends(void **state)
{
	struct dp *dp = *state;

	dp_rules(dp, { DENY, .nports = 2,
		       .ports = { { 80, 82 }, { 65535, 65535 } } });

	assert_false(port_is_denied(dp, 79));
	assert_true(port_is_denied(dp, 80));
	assert_true(port_is_denied(dp, 81));
	assert_true(port_is_denied(dp, 82));
	assert_false(port_is_denied(dp, 83));
	assert_false(port_is_denied(dp, 65534));
	assert_true(port_is_denied(dp, 65535));
}

/* Ranges past nports are not looked at, whatever they say. */
static void only_the_named_ranges_count(void **state)
{
	struct dp *dp = *state;

	dp_rules(dp, { DENY, .nports = 1, .ports = { { 80, 80 }, { 1, 79 } } });

	assert_true(port_is_denied(dp, 80));
	assert_false(port_is_denied(dp, 79));
}

static void rule_with_many_ranges_uses_them_all(void **state)
{
	struct dp *dp = *state;
	struct policy_rule rule = { .id = RULE_ID };
	struct model model = { .rules = &rule, .nrules = 1 };

	rule.from.kind = rule.to.kind = SEL_ANY;
	rule.nports = RULE_PORTS_MAX;
	for (size_t i = 0; i < rule.nports; i++)
		rule.ports[i].low = rule.ports[i].high = 100 + 10 * i;
	assert_int_equal(rules_write(dp->datapath, &model, &dp->err), 0);

	for (size_t i = 0; i < rule.nports; i++) {
		assert_true(port_is_denied(dp, 100 + 10 * i));
		assert_false(port_is_denied(dp, 101 + 10 * i));
	}
}

static void protocol_of_a_rule_must_match(void **state)
{
	struct dp *dp = *state;

	dp_rules(dp, { DENY, .proto = IPPROTO_UDP });
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80));
	assert_false(is_denied(dp));
	dp_ingress(dp, WEB, frame_udp(dp->ip.web, 4000, dp->ip.mate, 80));
	assert_true(is_denied(dp));

	dp_rules(dp, { DENY, .proto = dp->ip.icmp });
	dp_ingress(dp, WEB, frame_udp(dp->ip.web, 4001, dp->ip.mate, 80));
	assert_false(is_denied(dp));
	dp_ingress(dp, WEB, frame_echo(dp->ip.web, dp->ip.mate, 1));
	assert_true(is_denied(dp));
}

/* An echo's identifier is no port. */
static void rule_with_ports_does_not_match_an_echo(void **state)
{
	struct dp *dp = *state;

	dp_rules(dp, { DENY, .nports = 1, .ports = { { 1, 65535 } } });
	dp_ingress(dp, WEB, frame_echo(dp->ip.web, dp->ip.mate, 80));

	assert_false(is_denied(dp));
}

static void rule_names_the_port_that_the_backend_has(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.host, 8080);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_rules(dp, { DENY, .nports = 1, .ports = { { 8080, 8080 } } });
	dp_ingress(dp, UP, syn);
	assert_false(is_denied(dp));

	dp_rules(dp, { DENY, .nports = 1, .ports = { { 80, 80 } } });
	dp_ingress(dp, UP, frame_from(syn, dp->ip.client, 5001));
	assert_true(is_denied(dp));
}

/* ------------------------------------------------------------ defaults */

static void default_between_networks_is_configured(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.db, 3306);

	dp_ingress(dp, WEB, syn);
	dp_expect_dropped(dp, REASON_POLICY_DEFAULT);
	assert_int_equal(dp_flow_entries(dp), 0);

	dp->config->inter = RULE_ALLOW;
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_into(syn, DB));
}

static void default_inside_a_network_is_configured(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	dp->config->intra = RULE_DENY;
	dp_ingress(dp, WEB, syn);
	dp_expect_dropped(dp, REASON_POLICY_DEFAULT);

	dp_rules(dp, { ALLOW });
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_switched(syn, WEB, MATE));
}

static void network_without_icc_is_closed_inside(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.mate, 4000, dp->ip.web, 80);
	struct frame published = frame_to(syn, dp->ip.host, 8080);

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_NO_ICC);
	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);

	dp_ingress(dp, MATE, syn);
	dp_expect_dropped(dp, REASON_POLICY_DEFAULT);
	/* What is published is meant for everybody. */
	dp_ingress(dp, MATE, published);
	dp_expect_sent(dp, frame_into(syn, WEB));
}

static void internal_network_has_no_way_out_or_in(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_INTERNAL);
	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_rules(dp, { ALLOW }); /* changes nothing of it */

	dp_ingress(dp, WEB, frame_to(syn, dp->ip.server, 80));
	dp_expect_dropped(dp, REASON_INTERNAL_NETWORK);
	dp_ingress(dp, UP, frame_tcp(dp->ip.client, 1, dp->ip.host, 8080));
	dp_expect_dropped(dp, REASON_INTERNAL_NETWORK);
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_switched(syn, WEB, MATE));
	dp_egress(dp, WEB, frame_tcp(dp->ip.front, 1, dp->ip.web, 80));
	dp_expect_passed(dp, REASON_FORWARDED);
}

static void publish_does_not_open_an_internal_network(void **state)
{
	struct dp *dp = *state;

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_INTERNAL);
	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, DB, frame_tcp(dp->ip.db, 4000, dp->ip.host, 8080));

	dp_expect_dropped(dp, REASON_POLICY_DEFAULT);
}

static void internal_network_does_not_reach_what_others_publish(void **state)
{
	struct dp *dp = *state;

	dp_network_flags(dp, NETWORK_BACK, NETWORK_INTERNAL);
	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, DB, frame_tcp(dp->ip.db, 4000, dp->ip.host, 8080));

	dp_expect_dropped(dp, REASON_POLICY_DEFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(from_selects_the_client),
		DP_TEST_BOTH(to_selects_the_backend),
		DP_TEST_BOTH(both_selectors_must_match),
		DP_TEST(prefix_matches_from_its_first_to_its_last_address),
		DP_TEST_BOTH(first_match_decides),
		DP_TEST_BOTH(denied_packets_are_counted_for_the_rule),
		DP_TEST_BOTH(port_range_includes_both_ends),
		DP_TEST_BOTH(only_the_named_ranges_count),
		DP_TEST_BOTH(rule_with_many_ranges_uses_them_all),
		DP_TEST_BOTH(protocol_of_a_rule_must_match),
		DP_TEST_BOTH(rule_with_ports_does_not_match_an_echo),
		DP_TEST_BOTH(rule_names_the_port_that_the_backend_has),
		DP_TEST_BOTH(default_between_networks_is_configured),
		DP_TEST_BOTH(default_inside_a_network_is_configured),
		DP_TEST_BOTH(network_without_icc_is_closed_inside),
		DP_TEST_BOTH(internal_network_has_no_way_out_or_in),
		DP_TEST_BOTH(publish_does_not_open_an_internal_network),
		DP_TEST_BOTH(
			internal_network_does_not_reach_what_others_publish),
	};

	return dp_main(tests);
}
