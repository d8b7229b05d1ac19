/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_uplinks - several uplinks, addresses of networks, routed networks */
#include "dp_answer.h"

#include <linux/pkt_cls.h>
#include <stdlib.h>

static bool is_v6(const struct dp *dp)
{
	return dp->ip.icmp == IPPROTO_ICMPV6;
}

static const char *of_family(const struct dp *dp, const char *v4,
			     const char *v6)
{
	return is_v6(dp) ? v6 : v4;
}

static void ip(const char *format, ...)
{
	char command[128] = "ip ";
	va_list list;

	va_start(list, format);
	vsnprintf(command + 3, sizeof(command) - 3, format, list);
	va_end(list);
	assert_int_equal(system(command), 0);
}

/* As it leaves by the second uplink. */
static struct frame frame_out_lan(struct frame frame)
{
	frame = frame_out(frame);
	frame.smac = LAN;
	return frame;
}

static struct frame syn_to(const struct dp *dp, const char *server)
{
	return frame_tcp(dp->ip.web, 4000, server, 443);
}

static __u32 out_device(struct dp *dp, struct frame frame)
{
	struct flow flow;

	assert_true(dp_flow(dp, frame, &flow));
	return flow.out_ifindex;
}

/* ---------------------------------------------------- several uplinks */

static void each_uplink_gives_its_own_address(void **state)
{
	struct dp *dp = *state;
	struct frame to_lan = syn_to(dp, dp->ip.lan);
	struct frame to_server = syn_to(dp, dp->ip.server);

	dp_uplink_lan(dp, NULL);
	dp_ingress(dp, WEB, to_lan);
	dp_expect_sent(
		dp, frame_out_lan(frame_from(to_lan, dp->ip.lan_host, 4000)));
	dp_ingress(dp, WEB, to_server);
	dp_expect_sent(dp, frame_out(frame_from(to_server, dp->ip.host, 4000)));
}

static void answer_comes_in_by_the_second_uplink(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_to(dp, dp->ip.lan);

	dp_uplink_lan(dp, NULL);
	dp_ingress(dp, WEB, syn);
	dp_ingress(dp, LAN, frame_to(frame_reply(syn), dp->ip.lan_host, 4000));

	dp_expect_sent(dp, frame_into(frame_reply(syn), WEB));
}

/* The server's route moves from one uplink to the other. */
static void flow_that_changes_its_uplink_starts_anew(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_to(dp, dp->ip.server);

	dp_uplink_lan(dp, NULL);
	dp_ingress(dp, WEB, syn);
	ip("route add %s via %s", dp->ip.server, dp->ip.lan);
	datapath_bump_routes(dp->datapath);

	dp_ingress(dp, WEB, frame_flags(syn, TCP_ACK));
	dp_expect_sent(dp, frame_out_lan(frame_from(frame_flags(syn, TCP_ACK),
						    dp->ip.lan_host, 4000)));
	assert_int_equal(dp_stats(dp).created, 2);
	assert_int_equal(dp_flow_entries(dp), 2);
	ip("route del %s", dp->ip.server);
}

/* With an address that both uplinks know, it goes on. */
static void flow_with_a_network_address_changes_its_uplink(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_to(dp, dp->ip.server);
	const char *snat = of_family(dp, "198.51.100.7", "2001:db8:51::7");

	dp_uplink_lan(dp, NULL);
	dp_network_snat(dp, NETWORK_FRONT, snat);
	dp_ingress(dp, WEB, syn);
	ip("route add %s via %s", dp->ip.server, dp->ip.lan);
	datapath_bump_routes(dp->datapath);

	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_out_lan(frame_from(syn, snat, 4000)));
	assert_int_equal(dp_stats(dp).created, 1);
	ip("route del %s", dp->ip.server);
}

/* A client far away, whose route leads out by the first uplink, comes in by the
 * second one. Its connection's answer is what is returned. */
static struct frame client_by_lan(struct dp *dp)
{
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.lan_host, 80);

	dp_local_add(dp, dp->ip.lan_host);
	dp_publish(dp, IPPROTO_TCP, NULL, 80, WEB, 8080);
	dp_ingress(dp, LAN, syn);
	dp_expect_sent(dp, frame_into(frame_to(syn, dp->ip.web, 8080), WEB));
	return frame_reply(frame_to(syn, dp->ip.web, 8080));
}

static void answer_goes_back_by_the_clients_uplink(void **state)
{
	struct dp *dp = *state;
	struct frame answer;

	dp_uplink_lan(dp, dp->ip.lan);
	answer = client_by_lan(dp);
	dp_ingress(dp, WEB, answer);

	dp_expect_sent(dp,
		       frame_out_lan(frame_from(answer, dp->ip.lan_host, 80)));
	assert_int_equal(out_device(dp, answer), dp->ifindex[LAN]);
}

static void without_a_gateway_there_the_route_decides(void **state)
{
	struct dp *dp = *state;
	struct frame answer;

	dp_uplink_lan(dp, NULL);
	answer = client_by_lan(dp);
	dp_ingress(dp, WEB, answer);

	dp_expect_sent(dp, frame_out(frame_from(answer, dp->ip.lan_host, 80)));
	assert_int_equal(out_device(dp, answer), dp->ifindex[UP]);
}

/* As it is when that uplink has been down for a moment. */
static void answer_goes_back_as_soon_as_there_is_a_gateway(void **state)
{
	struct dp *dp = *state;
	struct frame answer;

	dp_uplink_lan(dp, NULL);
	answer = client_by_lan(dp);
	dp_ingress(dp, WEB, answer);
	assert_int_equal(out_device(dp, answer), dp->ifindex[UP]);

	dp_uplink_lan(dp, dp->ip.lan);
	datapath_bump_routes(dp->datapath);
	dp_ingress(dp, WEB, answer);
	dp_expect_sent(dp,
		       frame_out_lan(frame_from(answer, dp->ip.lan_host, 80)));
	assert_int_equal(out_device(dp, answer), dp->ifindex[LAN]);
}

/* A link-local gateway cannot be asked for without its link: the kernel finds
 * it for every packet. */
static void link_local_gateway_is_left_to_the_kernel(void **state)
{
	struct dp *dp = *state;
	struct frame answer;

	dp_uplink_lan(dp, "fe80::1");
	answer = client_by_lan(dp);
	dp_ingress(dp, WEB, answer);

	assert_int_equal(dp->why, REASON_FORWARDED);
	assert_int_equal(dp->verdict, TC_ACT_REDIRECT);
	assert_int_equal(out_device(dp, answer), dp->ifindex[LAN]);
}

static void rule_about_the_published_address_decides(void **state)
{
	struct dp *dp = *state;
	const char *family = of_family(dp, "-4", "-6");
	struct frame answer;

	dp_uplink_lan(dp, NULL);
	ip("%s route add default via %s table 99", family, dp->ip.lan);
	ip("%s rule add from %s table 99", family, dp->ip.lan_host);
	answer = client_by_lan(dp);
	dp_ingress(dp, WEB, answer);

	dp_expect_sent(dp,
		       frame_out_lan(frame_from(answer, dp->ip.lan_host, 80)));
	ip("%s rule del from %s table 99", family, dp->ip.lan_host);
	ip("%s route del default table 99", family);
}

/* What a rule can ask for: address, port and type of service of the packet as
 * the container sent it. */
static void rules_see_the_containers_packet(void **state)
{
	struct dp *dp = *state;
	const char *family = of_family(dp, "-4", "-6");
	struct frame syn = syn_to(dp, dp->ip.server);
	char from_web[64];
	const char *const rules[] = { from_web, "dport 443",
				      "sport 4000 ipproto tcp" };

	snprintf(from_web, sizeof(from_web), "from %s", dp->ip.web);
	dp_uplink_lan(dp, NULL);
	ip("%s route add default via %s table 99", family, dp->ip.lan);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		ip("%s rule add %s table 99", family, rules[i]);
		dp_ingress(dp, WEB, syn);
		dp_expect_sent(dp, frame_out_lan(frame_from(
					   syn, dp->ip.lan_host, 4000)));

		ip("%s rule del %s table 99", family, rules[i]);
		datapath_bump_routes(dp->datapath);
		dp_ingress(dp, WEB, syn);
		dp_expect_sent(dp,
			       frame_out(frame_from(syn, dp->ip.host, 4000)));
		dp_gc(dp, SLOT_WEB);
	}
	ip("%s route del default table 99", family);
}

static void rule_that_prohibits_is_told(void **state)
{
	struct dp *dp = *state;
	const char *family = of_family(dp, "-4", "-6");

	ip("%s rule add from %s prohibit", family, dp->ip.web);
	dp_ingress(dp, WEB, syn_to(dp, dp->ip.server));

	dp_expect_told(dp, REASON_NO_ROUTE, dp->ip.front, 0);
	ip("%s rule del from %s prohibit", family, dp->ip.web);
}

/* Without an agent, the kernel finds the gateway for every packet: that of the
 * container's route, and not any gateway of the device. */
static void stale_heartbeat_asks_for_every_packet(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_to(dp, dp->ip.server);
	struct flow flow;

	dp_uplink_lan(dp, NULL);
	dp_ingress(dp, WEB, syn);
	dp->config->heartbeat = 0;
	ip("route add %s via %s", dp->ip.server, dp->ip.lan);
	dp_ingress(dp, WEB, syn);

	/* No generation has changed, and yet it knows. */
	assert_int_equal(dp->verdict, TC_ACT_REDIRECT);
	assert_true(dp_flow(dp, syn, &flow));
	assert_int_equal(flow.out_ifindex, dp->ifindex[LAN]);
	ip("route del %s", dp->ip.server);
}

static void mtu_of_a_route_counts(void **state)
{
	struct dp *dp = *state;
	struct frame query = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);
	struct flow flow;

	ip("route add %s via %s mtu lock 1300", dp->ip.server,
	   of_family(dp, "198.51.100.254", "2001:db8:51::fe"));
	dp_ingress(dp, WEB, query);
	assert_true(dp_flow(dp, query, &flow));
	assert_int_equal(flow.mtu, 1300);

	query.payload = 1290;
	dp_ingress(dp, WEB, query);
	if (is_v6(dp))
		dp_expect_told(dp, REASON_TOO_BIG, dp->ip.front, 1300);
	else
		dp_expect_passed(dp, REASON_TO_STACK);
	ip("route del %s", dp->ip.server);
}

/* --------------------------------------------- addresses of a network */

static void address_of_the_network_goes_before_the_uplinks(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_to(dp, dp->ip.server);
	const char *snat = of_family(dp, "198.51.100.7", "2001:db8:51::7");

	dp_network_snat(dp, NETWORK_FRONT, snat);
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_out(frame_from(syn, snat, 4000)));
	dp_ingress(dp, UP, frame_to(frame_reply(syn), snat, 4000));
	dp_expect_sent(dp, frame_into(frame_reply(syn), WEB));

	/* Other networks have the uplink's. */
	syn.src = dp->ip.db;
	dp_ingress(dp, DB, syn);
	dp_expect_sent(dp, frame_out(frame_from(syn, dp->ip.host, 4000)));
}

static void flow_of_an_old_network_address_dies_at_once(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_to(dp, dp->ip.server);
	const char *snat = of_family(dp, "198.51.100.7", "2001:db8:51::7");

	dp_ingress(dp, WEB, syn);
	dp_network_snat(dp, NETWORK_FRONT, snat);
	datapath_bump(dp->datapath);
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_out(frame_from(syn, snat, 4000)));

	dp_network_flags(dp, NETWORK_FRONT, 0);
	datapath_bump(dp->datapath);
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_out(frame_from(syn, dp->ip.host, 4000)));
	assert_int_equal(dp_flow_entries(dp), 2);
}

static void masquerade_that_ends_takes_its_flows_along(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_to(dp, dp->ip.server);

	dp_ingress(dp, WEB, syn);
	dp_network_flags(dp, NETWORK_FRONT, NETWORK_NO_MASQUERADE);
	datapath_bump(dp->datapath);
	dp_ingress(dp, WEB, syn);

	dp_expect_told(dp, REASON_UNTRANSLATED_EGRESS, dp->ip.front, 0);
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* --------------------------------------- without masquerade: no_masq */

static void no_masquerade_towards_a_prefix(void **state)
{
	struct dp *dp = *state;
	struct frame to_server = syn_to(dp, dp->ip.server);
	struct frame to_other = syn_to(dp, dp->ip.server2);
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "%s/%d", dp->ip.server,
		 is_v6(dp) ? 128 : 32);
	dp_no_masq(dp, NETWORK_FRONT, prefix);

	dp_ingress(dp, WEB, to_server);
	dp_expect_sent(dp, frame_out(to_server));
	dp_ingress(dp, UP, frame_reply(to_server));
	dp_expect_sent(dp, frame_into(frame_reply(to_server), WEB));
	dp_ingress(dp, WEB, to_other);
	dp_expect_sent(dp, frame_out(frame_from(to_other, dp->ip.host, 4000)));
	/* The way in is not open to it. */
	dp_ingress(dp, UP, frame_tcp(dp->ip.server, 5000, dp->ip.web, 80));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);
}

/* As a network has it that is known outside by IPv6 only. */
static void all_of_ipv6_is_nothing_of_ipv4(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_to(dp, dp->ip.server);

	dp_no_masq(dp, NETWORK_FRONT, "::/0");
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(
		dp, frame_out(is_v6(dp) ? syn :
					  frame_from(syn, dp->ip.host, 4000)));
}

static void prefix_of_one_network_is_not_anothers(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.db, 4000, dp->ip.server, 443);

	dp_no_masq(dp, NETWORK_FRONT, of_family(dp, "0.0.0.0/0", "::/0"));
	dp_network_flags(dp, NETWORK_BACK, NETWORK_HAS_NO_MASQ);
	dp_ingress(dp, DB, syn);

	dp_expect_sent(dp, frame_out(frame_from(syn, dp->ip.host, 4000)));
}

static void guard_passes_untranslated_flows_only(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_to(dp, dp->ip.server);

	dp_no_masq(dp, NETWORK_FRONT, of_family(dp, "0.0.0.0/0", "::/0"));
	dp_ingress(dp, WEB, syn);
	dp_egress(dp, UP, frame_out(syn));
	dp_expect_passed(dp, REASON_OK);

	dp_egress(dp, UP, frame_out(syn_to(dp, dp->ip.server2)));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
	dp_network_flags(dp, NETWORK_FRONT, 0);
	datapath_bump(dp->datapath);
	dp_egress(dp, UP, frame_out(syn));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
}

/* -------------------------------------------------- routed networks */

static void routed_network_keeps_its_addresses(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_to(dp, dp->ip.server);
	struct frame echo = frame_echo(dp->ip.web, dp->ip.server, 7);

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_ROUTED);
	dp_ingress(dp, WEB, syn);
	dp_expect_sent(dp, frame_out(syn));
	dp_ingress(dp, UP, frame_reply(syn));
	dp_expect_sent(dp, frame_into(frame_reply(syn), WEB));
	dp_ingress(dp, WEB, echo);
	dp_expect_sent(dp, frame_out(echo));
	dp_ingress(dp, UP, frame_reply(echo));
	dp_expect_sent(dp, frame_into(frame_reply(echo), WEB));
}

static void routed_network_passes_other_protocols(void **state)
{
	struct dp *dp = *state;
	struct frame esp = { .src = dp->ip.web,
			     .dst = dp->ip.server,
			     .proto = IPPROTO_ESP,
			     .ttl = 64,
			     .payload = 64 };

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_ROUTED);
	dp_ingress(dp, WEB, esp);
	dp_expect_sent(dp, frame_out(esp));
	dp_ingress(dp, UP, frame_reply(esp));
	dp_expect_sent(dp, frame_into(frame_reply(esp), WEB));
}

static void errors_about_routed_flows_pass_both_ways(void **state)
{
	struct dp *dp = *state;
	struct frame query = frame_udp(dp->ip.web, 4000, dp->ip.server, 53);
	struct frame answer = frame_reply(query);
	struct frame in = frame_error(dp->ip.server, UNREACHABLE, &query);
	struct frame out = frame_error(dp->ip.web, UNREACHABLE, &answer);

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_ROUTED);
	dp_ingress(dp, WEB, query);
	dp_ingress(dp, UP, in);
	dp_expect_sent(dp, frame_into(in, WEB));
	dp_ingress(dp, WEB, out);
	dp_expect_sent(dp, frame_out(out));
	dp_egress(dp, UP, frame_out(out));
	dp_expect_passed(dp, REASON_OK);
}

static void routed_container_is_closed_to_the_outside(void **state)
{
	struct dp *dp = *state;

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_ROUTED);
	dp_ingress(dp, UP, frame_tcp(dp->ip.client, 5000, dp->ip.web, 80));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);
	dp_ingress(dp, UP, frame_echo(dp->ip.client, dp->ip.web, 5));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);
	dp_ingress(dp, UP, frame_tcp(dp->ip.client, 5000, dp->ip.nobody, 80));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);
}

static void routed_container_is_open_at_its_published_port(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.web, 80);

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_ROUTED);
	dp_publish(dp, IPPROTO_TCP, dp->ip.web, 80, WEB, 80);
	dp_ingress(dp, UP, syn);
	dp_expect_sent(dp, frame_into(syn, WEB));
	dp_ingress(dp, WEB, frame_reply(syn));
	dp_expect_sent(dp, frame_out(frame_reply(syn)));

	/* The first packet of another flow, too: nothing is left to chance. */
	dp_publish_from(dp, of_family(dp, "192.0.2.0/24", "2001:db8:2::/64"));
	dp_ingress(dp, UP, frame_from(syn, dp->ip.client, 5001));
	dp_expect_dropped(dp, REASON_PUBLISH_FROM);
	dp_ingress(dp, UP, frame_flags(syn, TCP_ACK));
	dp_expect_dropped(dp, REASON_PUBLISH_FROM);
}

/* It is a way in for the world, not one around the policy between networks. */
static void published_port_of_a_routed_container_is_the_worlds(void **state)
{
	struct dp *dp = *state;

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_ROUTED);
	dp_publish(dp, IPPROTO_TCP, dp->ip.web, 80, WEB, 80);
	dp_ingress(dp, DB, frame_tcp(dp->ip.db, 5000, dp->ip.web, 80));

	dp_expect_dropped(dp, REASON_POLICY_DEFAULT);
}

/* "Any address" is any of the host's: a port of another container's, and its
 * own under the host's number. */
static void what_is_published_at_the_host_is_not_at_the_container(void **state)
{
	struct dp *dp = *state;

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_ROUTED);
	dp_publish(dp, IPPROTO_TCP, NULL, 80, DB, 8080);
	dp_ingress(dp, UP, frame_tcp(dp->ip.client, 5000, dp->ip.web, 80));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);

	dp_publish(dp, IPPROTO_TCP, NULL, 81, WEB, 8080);
	dp_ingress(dp, UP, frame_tcp(dp->ip.client, 5000, dp->ip.web, 81));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);
}

static void rule_opens_a_routed_container(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.web, 443);
	const struct rule_val rule = {
		.from = { .kind = SELECT_WORLD },
		.to = { .kind = SELECT_NETWORK, .id = NETWORK_FRONT },
		.proto = IPPROTO_TCP,
		.action = RULE_ALLOW,
		.id = 1,
		.ports = { { 443, 443 } },
		.nports = 1,
	};

	dp_rules(dp, rule);
	dp_ingress(dp, UP, syn);
	dp_expect_dropped(dp, REASON_UNPUBLISHED);

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_ROUTED);
	dp_ingress(dp, UP, syn);
	dp_expect_sent(dp, frame_into(syn, WEB));
	dp_ingress(dp, UP, frame_to(syn, dp->ip.web, 444));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);

	dp_rules_clear(dp);
	dp_ingress(dp, UP, frame_flags(syn, TCP_ACK));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);
	dp_ingress(dp, WEB, frame_reply(syn));
	dp_expect_dropped(dp, REASON_UNPUBLISHED);
}

/* What the programs say in a container's name, for packets that made no flow. */
static void guard_passes_answers_of_routed_networks(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.web, 80);
	struct frame query = frame_udp(dp->ip.client, 5000, dp->ip.web, 53);
	struct frame reset = frame_flags(frame_reply(syn), TCP_RST | TCP_ACK);
	struct frame error = frame_error(dp->ip.web, UNREACHABLE, &query);

	dp_egress(dp, UP, frame_out(reset));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
	dp_egress(dp, UP, frame_out(error));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_ROUTED);
	dp_egress(dp, UP, frame_out(reset));
	dp_expect_passed(dp, REASON_OK);
	dp_egress(dp, UP, frame_out(error));
	dp_expect_passed(dp, REASON_OK);
	dp_egress(dp, UP, frame_out(frame_reply(syn)));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
	dp_egress(dp, UP, frame_out(frame_reply(query)));
	dp_expect_dropped(dp, REASON_UNTRANSLATED_EGRESS);
}

static void flow_dies_when_its_network_is_routed_no_more(void **state)
{
	struct dp *dp = *state;
	struct frame syn = syn_to(dp, dp->ip.server);

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_ROUTED);
	dp_ingress(dp, WEB, syn);
	dp_network_flags(dp, NETWORK_FRONT, 0);
	datapath_bump(dp->datapath);
	dp_ingress(dp, WEB, syn);

	dp_expect_sent(dp, frame_out(frame_from(syn, dp->ip.host, 4000)));
	assert_int_equal(dp_flow_entries(dp), 2);
}

/* Also one from outside, although its port is still published at the host. */
static void published_flow_dies_when_its_network_is_routed_no_more(void **state)
{
	struct dp *dp = *state;
	struct frame syn = frame_tcp(dp->ip.client, 5000, dp->ip.web, 80);

	dp_network_flags(dp, NETWORK_FRONT, NETWORK_ROUTED);
	dp_publish(dp, IPPROTO_TCP, NULL, 80, WEB, 80);
	/* The same publish. */
	dp->published--;
	dp_publish(dp, IPPROTO_TCP, dp->ip.web, 80, WEB, 80);
	dp_ingress(dp, UP, syn);
	dp_expect_sent(dp, frame_into(syn, WEB));

	dp_network_flags(dp, NETWORK_FRONT, 0);
	dp_unpublish(dp, IPPROTO_TCP, dp->ip.web, 80);
	dp_ingress(dp, UP, syn);
	dp_expect_dropped(dp, REASON_UNPUBLISHED);
	assert_int_equal(dp_flow_entries(dp), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(each_uplink_gives_its_own_address),
		DP_TEST_BOTH(answer_comes_in_by_the_second_uplink),
		DP_TEST_BOTH(flow_that_changes_its_uplink_starts_anew),
		DP_TEST_BOTH(flow_with_a_network_address_changes_its_uplink),
		DP_TEST_BOTH(answer_goes_back_by_the_clients_uplink),
		DP_TEST_BOTH(without_a_gateway_there_the_route_decides),
		DP_TEST_BOTH(answer_goes_back_as_soon_as_there_is_a_gateway),
		DP_TEST_V6(link_local_gateway_is_left_to_the_kernel),
		DP_TEST_BOTH(rule_about_the_published_address_decides),
		DP_TEST_BOTH(rules_see_the_containers_packet),
		DP_TEST_BOTH(rule_that_prohibits_is_told),
		DP_TEST_BOTH(stale_heartbeat_asks_for_every_packet),
		DP_TEST_BOTH(mtu_of_a_route_counts),
		DP_TEST_BOTH(address_of_the_network_goes_before_the_uplinks),
		DP_TEST_BOTH(flow_of_an_old_network_address_dies_at_once),
		DP_TEST_BOTH(masquerade_that_ends_takes_its_flows_along),
		DP_TEST_BOTH(no_masquerade_towards_a_prefix),
		DP_TEST_BOTH(all_of_ipv6_is_nothing_of_ipv4),
		DP_TEST_BOTH(prefix_of_one_network_is_not_anothers),
		DP_TEST_BOTH(guard_passes_untranslated_flows_only),
		DP_TEST_BOTH(routed_network_keeps_its_addresses),
		DP_TEST_BOTH(routed_network_passes_other_protocols),
		DP_TEST_BOTH(errors_about_routed_flows_pass_both_ways),
		DP_TEST_BOTH(routed_container_is_closed_to_the_outside),
		DP_TEST_BOTH(routed_container_is_open_at_its_published_port),
		DP_TEST_BOTH(
			published_port_of_a_routed_container_is_the_worlds),
		DP_TEST_BOTH(
			what_is_published_at_the_host_is_not_at_the_container),
		DP_TEST_BOTH(rule_opens_a_routed_container),
		DP_TEST_BOTH(guard_passes_answers_of_routed_networks),
		DP_TEST_BOTH(flow_dies_when_its_network_is_routed_no_more),
		DP_TEST_BOTH(
			published_flow_dies_when_its_network_is_routed_no_more),
	};

	return dp_main(tests);
}
