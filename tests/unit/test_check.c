/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_check - what a model may not say, with the messages that tell so */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/check.h"
#include "random_model.h"

/* The only finding of a check, and how many there were. */
struct seen {
	size_t count;
	enum object_kind kind;
	size_t index;
	struct err err;
};

static void on_finding(void *arg, enum object_kind kind, size_t index,
		       const struct err *err)
{
	struct seen *seen = arg;

	seen->count++;
	seen->kind = kind;
	seen->index = index;
	seen->err = *err;
}

static struct seen check(const struct model *m)
{
	struct seen seen = {};
	size_t count = model_check(m, on_finding, &seen);

	assert_int_equal(count, seen.count);
	return seen;
}

static void assert_clean(const struct model *m)
{
	struct seen seen = check(m);

	if (seen.count)
		fail_msg("%s", seen.err.text);
}

/* Exactly one finding, of this kind, about this object. */
static void assert_finding(const struct model *m, enum object_kind kind,
			   size_t index, enum exit_code exit, const char *word,
			   const char *text)
{
	struct seen seen = check(m);

	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.err.text, text);
	assert_string_equal(seen.err.kind, word);
	assert_int_equal(seen.err.exit, exit);
	assert_int_equal(seen.kind, kind);
	assert_int_equal(seen.index, index);
}

static void add_publish(struct model *m, const char *listen,
			const char *endpoint)
{
	struct publish p;

	assert_int_equal(publish_parse_listen(listen, &p, NULL), 0);
	strcpy(p.endpoint, endpoint);
	assert_non_null(model_add_publish(m, &p));
}

static void add_endpoint(struct model *m, const char *name, const char *ip)
{
	struct endpoint e = { .network = "lan", .default_route = true };

	strcpy(e.name, name);
	if (ip) {
		assert_int_equal(ip_parse(ip, &e.ips[0]), 0);
		e.nips = 1;
	}
	assert_non_null(model_add_endpoint(m, &e));
}

static void add_rule(struct model *m, const char *from, const char *to)
{
	struct policy_rule r = { .action = RULE_ALLOW };

	assert_int_equal(policy_peer_parse(from, &r.from, NULL), 0);
	assert_int_equal(policy_peer_parse(to, &r.to, NULL), 0);
	assert_non_null(model_add_rule(m, &r, SIZE_MAX));
}

/* A valid model: network lan 10.0.0.0/24 with the endpoints web and api. */
static int make_model(void **state)
{
	static struct model m;
	struct network lan = { .name = "lan", .nsubnets = 1 };

	model_init(&m);
	assert_int_equal(cidr_parse("10.0.0.0/24", &lan.subnets[0]), 0);
	model_add_network(&m, &lan);
	add_endpoint(&m, "web", "10.0.0.10");
	add_endpoint(&m, "api", NULL);
	*state = &m;
	return 0;
}

static int free_model(void **state)
{
	model_free(*state);
	return 0;
}

static void valid_model_has_no_finding(void **state)
{
	struct model *m = *state;

	add_publish(m, "80", "web");
	add_publish(m, "80/udp", "web");
	add_publish(m, "192.0.2.1:81", "web");
	add_publish(m, "192.0.2.2:81", "api");
	add_rule(m, "web", "net:lan");

	assert_clean(m);
}

static void port_conflict_names_the_owner(void **state)
{
	struct model *m = *state;

	add_publish(m, "8080", "web");
	add_publish(m, "8080", "api");

	assert_finding(m, OBJECT_PUBLISH, 1, EXIT_CONFLICT, "port-in-use",
		       "port 8080/tcp is already published to 'web' "
		       "(on any address)");
}

/* The later one is at fault, whichever has the lower port. */
static void range_conflict_names_the_owners_ports(void **state)
{
	struct model *m = *state;

	add_publish(m, "192.0.2.1:8085", "web");
	add_publish(m, "8080-8090", "api");

	assert_finding(m, OBJECT_PUBLISH, 1, EXIT_CONFLICT, "port-in-use",
		       "port 8080-8090/tcp is already published to 'web' "
		       "(8085/tcp on 192.0.2.1)");
}

static void port_of_unknown_endpoint_is_not_found(void **state)
{
	struct model *m = *state;

	add_publish(m, "80", "db");

	assert_finding(m, OBJECT_PUBLISH, 0, EXIT_NOT_FOUND, "not-found",
		       "port 80/tcp: no endpoint 'db'");
}

static void range_must_fit_behind_its_target(void **state)
{
	struct model *m = *state;

	add_publish(m, "1000-1001", "web");
	m->publishes[0].target_port = 65534;
	assert_clean(m);

	m->publishes[0].target_port = 65535;
	assert_finding(m, OBJECT_PUBLISH, 0, EXIT_USAGE, "usage",
		       "port 1000-1001/tcp: the range does not fit behind port "
		       "65535");
}

static void published_ports_have_a_limit(void **state)
{
	struct model *m = *state;

	add_publish(m, "1-65535", "web");
	assert_clean(m);

	add_publish(m, "1/udp", "web");
	assert_finding(m, OBJECT_PUBLISH, 1, EXIT_CONFLICT, "limit",
		       "too many published ports (at most 65535)");
}

static void taken_address_names_the_owner(void **state)
{
	struct model *m = *state;

	add_endpoint(m, "db", "10.0.0.10");

	assert_finding(m, OBJECT_ENDPOINT, 2, EXIT_CONFLICT, "ip-in-use",
		       "endpoint 'db': 10.0.0.10 is taken by 'web'");
}

static void address_must_be_a_host_of_the_subnet(void **state)
{
	static const struct {
		const char *ip, *text;
	} cases[] = {
		{ "10.0.1.10",
		  "endpoint 'db': 10.0.1.10 is in no subnet of network 'lan'" },
		{ "10.0.0.0", "endpoint 'db': 10.0.0.0 is not a host of subnet "
			      "10.0.0.0/24" },
		{ "10.0.0.255",
		  "endpoint 'db': 10.0.0.255 is not a host of subnet "
		  "10.0.0.0/24" },
		{ "10.0.0.1",
		  "endpoint 'db': 10.0.0.1 is the gateway of network 'lan'" },
	};
	struct model *m = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen seen;

		add_endpoint(m, "db", cases[i].ip);
		seen = check(m);
		model_del_endpoint(m, model_find_endpoint(m, "db"));

		assert_int_equal(seen.count, 1);
		assert_string_equal(seen.err.text, cases[i].text);
		assert_int_equal(seen.err.exit, EXIT_CONFLICT);
	}
}

static void chosen_gateway_frees_the_first_address(void **state)
{
	struct model *m = *state;

	ip_parse("10.0.0.254", &m->networks[0].gateways[0]);
	add_endpoint(m, "db", "10.0.0.1");
	assert_clean(m);

	m->endpoints[2].ips[0] = m->networks[0].gateways[0];
	assert_finding(m, OBJECT_ENDPOINT, 2, EXIT_CONFLICT, "ip-in-use",
		       "endpoint 'db': 10.0.0.254 is the gateway of network "
		       "'lan'");
}

static void endpoint_has_one_address_in_a_subnet(void **state)
{
	struct model *m = *state;

	ip_parse("10.0.0.11", &m->endpoints[0].ips[1]);
	m->endpoints[0].nips = 2;

	assert_finding(m, OBJECT_ENDPOINT, 0, EXIT_USAGE, "usage",
		       "endpoint 'web': 10.0.0.11 is a second address in "
		       "10.0.0.0/24");
}

static void unknown_network_is_not_found(void **state)
{
	struct model *m = *state;

	strcpy(m->endpoints[1].network, "wan");

	assert_finding(m, OBJECT_ENDPOINT, 1, EXIT_NOT_FOUND, "not-found",
		       "endpoint 'api': no network 'wan'");
}

static void selectors_are_no_names_for_endpoints(void **state)
{
	static const char *const names[] = { "any", "host", "world",
					     "10.0.0.1" };
	struct model *m = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		strcpy(m->endpoints[1].name, names[i]);
		assert_int_equal(check(m).count, 1);
	}
	strcpy(m->endpoints[1].name, "hosts");
	assert_clean(m);
}

static void one_netns_may_hold_two_endpoints(void **state)
{
	struct model *m = *state;

	strcpy(m->endpoints[0].netns, "box");
	strcpy(m->endpoints[1].netns, "box");
	assert_clean(m);

	strcpy(m->endpoints[0].ifname, "eth0");
	strcpy(m->endpoints[1].ifname, "eth1");
	assert_clean(m);

	strcpy(m->endpoints[1].ifname, "eth0");
	assert_finding(m, OBJECT_ENDPOINT, 1, EXIT_CONFLICT, "ifname-in-use",
		       "endpoint 'api': eth0 in netns 'box' is taken by 'web'");
}

static void netns_is_a_name_a_path_or_a_pid(void **state)
{
	static const struct {
		const char *text;
		size_t findings;
	} cases[] = {
		{ "box", 0 },	 { "/run/netns/x", 0 }, { "pid:1", 0 },
		{ "pid:0", 1 },	 { "pid:", 1 },		{ "pid:1x", 1 },
		{ "pid:-1", 1 }, { "a/b", 1 },		{ "pid:1234567890", 1 },
	};
	struct model *m = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		strcpy(m->endpoints[0].netns, cases[i].text);
		assert_int_equal(check(m).count, cases[i].findings);
	}
}

static void overlap_is_the_later_networks_fault(void **state)
{
	struct network wide = { .name = "wide", .nsubnets = 1 };
	struct model *m = *state;

	cidr_parse("10.0.0.0/16", &wide.subnets[0]);
	model_add_network(m, &wide);

	assert_finding(m, OBJECT_NETWORK, 1, EXIT_CONFLICT, "subnet-overlap",
		       "network 'wide': subnet 10.0.0.0/16 overlaps "
		       "10.0.0.0/24 of network 'lan'");
}

/* Two subnets inside a third, apart from each other and not sorted. */
static void every_nested_subnet_is_found(void **state)
{
	static const char *const subnets[] = { "10.9.8.0/24", "10.9.0.0/16",
					       "10.9.1.0/24", "10.10.0.0/16" };
	struct network n = { .name = "n", .nsubnets = 4 };
	struct model *m = *state;

	for (int i = 0; i < 4; i++)
		cidr_parse(subnets[i], &n.subnets[i]);
	model_add_network(m, &n);

	assert_int_equal(check(m).count, 2);
}

static void host_bits_come_with_the_right_prefix(void **state)
{
	struct model *m = *state;

	cidr_parse("10.0.0.7/24", &m->networks[0].subnets[0]);

	assert_finding(m, OBJECT_NETWORK, 0, EXIT_USAGE, "usage",
		       "network 'lan': subnet 10.0.0.7/24 has host bits");
	assert_string_equal(check(m).err.hint, "did you mean 10.0.0.0/24?");
}

static void range_lies_in_one_subnet(void **state)
{
	struct model *m = *state;

	ip_parse("10.0.0.100", &m->networks[0].range_first);
	ip_parse("10.0.0.199", &m->networks[0].range_last);
	assert_clean(m);

	ip_parse("10.0.1.1", &m->networks[0].range_last);
	assert_finding(m, OBJECT_NETWORK, 0, EXIT_USAGE, "usage",
		       "network 'lan': range 10.0.0.100-10.0.1.1 does not fit");
}

static void mtu_has_limits(void **state)
{
	static const unsigned int good[] = { 0, 576, 65535 };
	static const unsigned int bad[] = { 1, 575, 65536 };
	struct model *m = *state;

	for (int i = 0; i < 3; i++) {
		m->networks[0].mtu = good[i];
		assert_int_equal(check(m).count, 0);
		m->networks[0].mtu = bad[i];
		assert_int_equal(check(m).count, 1);
	}
}

static void mtu_has_room_for_ipv6(void **state)
{
	struct model *m = *state;
	struct network *lan = &m->networks[0];

	assert_int_equal(cidr_parse("fd00::/64", &lan->subnets[1]), 0);
	lan->nsubnets = 2;
	lan->mtu = 1280;
	assert_int_equal(check(m).count, 0);

	lan->mtu = 1279;
	assert_finding(m, OBJECT_NETWORK, 0, EXIT_USAGE, "usage",
		       "network 'lan': mtu 1279");
}

static void doubled_names_exist_already(void **state)
{
	struct model *m = *state;

	add_endpoint(m, "web", NULL);

	assert_finding(m, OBJECT_ENDPOINT, 2, EXIT_CONFLICT, "exists",
		       "endpoint 'web' exists already");
}

static void ports_of_a_rule_need_tcp_or_udp(void **state)
{
	struct model *m = *state;

	add_rule(m, "any", "web");
	m->rules[0].ports[0] = (struct port_range){ 80, 80 };
	m->rules[0].nports = 1;
	m->rules[0].proto = IPPROTO_TCP;
	assert_clean(m);

	m->rules[0].proto = IPPROTO_ICMP;
	assert_finding(m, OBJECT_RULE, 0, EXIT_USAGE, "usage",
		       "policy: ports need a protocol");
}

static void selectors_of_a_rule_must_exist(void **state)
{
	struct model *m = *state;

	add_rule(m, "net:wan", "web");
	strcpy(m->rules[0].name, "r1");
	assert_finding(m, OBJECT_RULE, 0, EXIT_NOT_FOUND, "not-found",
		       "policy 'r1': no network 'wan'");

	policy_peer_parse("db", &m->rules[0].from, NULL);
	assert_finding(m, OBJECT_RULE, 0, EXIT_NOT_FOUND, "not-found",
		       "policy 'r1': no endpoint 'db'");
}

static void rules_have_a_limit(void **state)
{
	struct model *m = *state;

	for (int i = 0; i < RULES_MAX - 1; i++)
		add_rule(m, "any", "web");
	assert_clean(m);

	add_rule(m, "any", "web");
	assert_finding(m, OBJECT_RULE, RULES_MAX - 1, EXIT_CONFLICT, "limit",
		       "too many policy rules (at most 10239)");
}

static void endpoints_have_a_limit(void **state)
{
	struct model *m = *state;
	char name[16];

	cidr_parse("10.0.0.0/16", &m->networks[0].subnets[0]);
	while (m->nendpoints < ENDPOINTS_MAX - 1) {
		snprintf(name, sizeof(name), "e%zu", m->nendpoints);
		add_endpoint(m, name, NULL);
	}
	assert_clean(m);

	add_endpoint(m, "last", NULL);
	assert_finding(m, OBJECT_ENDPOINT, ENDPOINTS_MAX - 1, EXIT_CONFLICT,
		       "limit", "too many endpoints (at most 4095)");
}

static void uplink_sends_as_one_host_address(void **state)
{
	struct uplink uplink = { .ifname = "eth0", .nsnat = 1 };
	struct model *m = *state;

	uplink.snat[0] = ipv4(203, 0, 113, 1);
	model_add_uplink(m, &uplink);
	assert_clean(m);

	m->uplinks[0].snat[1] = ipv4(203, 0, 113, 2);
	m->uplinks[0].nsnat = 2;
	assert_finding(m, OBJECT_UPLINK, 0, EXIT_USAGE, "usage",
		       "uplink 'eth0': a second address 203.0.113.2");

	m->uplinks[0].nsnat = 1;
	m->uplinks[0].snat[0] = ipv4(127, 0, 0, 1);
	assert_finding(m, OBJECT_UPLINK, 0, EXIT_USAGE, "usage",
		       "uplink 'eth0': cannot send as 127.0.0.1");
}

/* A private source never leaves by an uplink. */
static void masquerade_address_is_in_no_subnet(void **state)
{
	struct model *m = *state;
	struct uplink uplink = { .ifname = "eth0", .nsnat = 1 };

	m->networks[0].masquerade = true;
	m->networks[0].nsnat = 1;
	m->networks[0].snat[0] = ipv4(10, 0, 1, 0);
	assert_clean(m);
	m->networks[0].snat[0] = ipv4(10, 0, 0, 255);
	assert_finding(
		m, OBJECT_NETWORK, 0, EXIT_CONFLICT, "bad-snat",
		"network 'lan': cannot send as 10.0.0.255, which is in a "
		"subnet of network 'lan'");
	m->networks[0].nsnat = 0;

	uplink.snat[0] = ipv4(10, 0, 0, 1);
	model_add_uplink(m, &uplink);
	assert_finding(m, OBJECT_UPLINK, 0, EXIT_CONFLICT, "bad-snat",
		       "uplink 'eth0': cannot send as 10.0.0.1, which is in a "
		       "subnet of network 'lan'");
}

static void settings_have_limits(void **state)
{
	struct model *m = *state;

	m->settings.nat_port_min = 1023;
	m->settings.nat_port_max = 2000;
	assert_finding(m, OBJECT_SETTINGS, SETTING_NAT_PORTS, EXIT_USAGE,
		       "usage", "nat_ports: 1023 is a system port");
	m->settings.nat_port_min = 2001;
	assert_int_equal(check(m).count, 1);
	m->settings.nat_port_min = 1024;
	assert_clean(m);

	m->settings.udp = 0;
	assert_finding(m, OBJECT_SETTINGS, SETTING_UDP, EXIT_USAGE, "usage",
		       "flows: udp: 0 s");
}

static void commands_get_the_first_finding(void **state)
{
	struct model *m = *state;
	struct err err;

	assert_int_equal(model_check_first(m, &err), 0);

	add_publish(m, "80", "db");
	add_publish(m, "81", "cache");
	assert_true(model_check_first(m, &err) < 0);
	assert_string_equal(err.text, "port 80/tcp: no endpoint 'db'");
	assert_int_equal(err.exit, EXIT_NOT_FOUND);
}

#define test(name) cmocka_unit_test_setup_teardown(name, make_model, free_model)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(valid_model_has_no_finding),
		test(port_conflict_names_the_owner),
		test(range_conflict_names_the_owners_ports),
		test(port_of_unknown_endpoint_is_not_found),
		test(range_must_fit_behind_its_target),
		test(published_ports_have_a_limit),
		test(taken_address_names_the_owner),
		test(address_must_be_a_host_of_the_subnet),
		test(chosen_gateway_frees_the_first_address),
		test(endpoint_has_one_address_in_a_subnet),
		test(unknown_network_is_not_found),
		test(selectors_are_no_names_for_endpoints),
		test(one_netns_may_hold_two_endpoints),
		test(netns_is_a_name_a_path_or_a_pid),
		test(overlap_is_the_later_networks_fault),
		test(every_nested_subnet_is_found),
		test(host_bits_come_with_the_right_prefix),
		test(range_lies_in_one_subnet),
		test(mtu_has_limits),
		test(mtu_has_room_for_ipv6),
		test(doubled_names_exist_already),
		test(ports_of_a_rule_need_tcp_or_udp),
		test(selectors_of_a_rule_must_exist),
		test(rules_have_a_limit),
		test(endpoints_have_a_limit),
		test(uplink_sends_as_one_host_address),
		test(masquerade_address_is_in_no_subnet),
		test(settings_have_limits),
		test(commands_get_the_first_finding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
