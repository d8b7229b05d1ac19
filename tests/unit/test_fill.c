/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_fill - open fields get free values, filled ones keep theirs */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/check.h"
#include "model/fill.h"
#include "random_model.h"

#define SEEDS 300

static void add_network(struct model *m, const char *name, const char *subnet)
{
	struct network n = { .icc = true, .masquerade = true };

	strcpy(n.name, name);
	if (subnet && !cidr_parse(subnet, &n.subnets[0]))
		n.nsubnets = 1;
	assert_non_null(model_add_network(m, &n));
}

static struct endpoint *add_endpoint(struct model *m, const char *name,
				     const char *network, const char *ip)
{
	struct endpoint e = { .default_route = true };

	strcpy(e.name, name);
	strcpy(e.network, network);
	if (ip && !ip_parse(ip, &e.ips[0]))
		e.nips = 1;
	return model_add_endpoint(m, &e);
}

static void add_publish(struct model *m, const char *listen,
			const char *endpoint)
{
	struct publish p;

	assert_int_equal(publish_parse_listen(listen, &p, NULL), 0);
	strcpy(p.endpoint, endpoint);
	assert_non_null(model_add_publish(m, &p));
}

static void fill(struct model *desired, const struct model *actual)
{
	struct err err;

	if (model_fill(desired, actual, &err))
		fail_msg("%s", err.text);
}

static const char *ip_of(const struct model *m, const char *endpoint)
{
	static char text[IP_TEXT_MAX];

	return ip_print(&model_find_endpoint(m, endpoint)->ips[0], text);
}

static void on_finding(void *arg, enum object_kind kind, size_t index,
		       const struct err *err)
{
	(void)arg;
	(void)kind;
	(void)index;
	print_error("%s\n", err->text);
}

static void open_fields_get_the_documented_values(void **state)
{
	struct model none, m;
	struct endpoint *e;
	char text[CIDR_TEXT_MAX];

	(void)state;
	model_init(&none);
	model_init(&m);
	add_network(&m, "lan", NULL);
	add_endpoint(&m, "web", "lan", NULL);
	add_publish(&m, "80", "web");

	fill(&m, &none);

	assert_string_equal(cidr_print(&m.networks[0].subnets[0], text),
			    "10.90.0.0/24");
	assert_string_equal(ip_print(&m.networks[0].gateways[0], text),
			    "10.90.0.1");
	assert_string_equal(ip_print(&m.networks[0].gateways[1], text),
			    "fd90::1");
	assert_string_equal(m.networks[0].bridge, "bn-lan");
	assert_int_equal(m.networks[0].id, 1);
	e = &m.endpoints[0];
	assert_string_equal(ip_of(&m, "web"), "10.90.0.2");
	assert_string_equal(ip_print(&e->ips[1], text), "fd90::2");
	assert_string_equal(e->netns, "web");
	assert_string_equal(e->ifname, "eth0");
	assert_string_equal(e->host_ifname, "bne-web");
	assert_int_equal(e->mac[0], 2);
	assert_int_equal(e->slot, 1);
	assert_int_equal(m.publishes[0].id, 1);
	assert_int_equal(m.nnetns, 1);
	assert_string_equal(m.netns[0].name, "web");
	assert_true(m.netns[0].implied);
	model_free(&m);
}

static void networks_get_different_subnets(void **state)
{
	struct model none, m;
	char text[CIDR_TEXT_MAX];

	(void)state;
	model_init(&none);
	model_init(&m);
	add_network(&m, "a", NULL);
	add_network(&m, "b", "10.90.1.0/24");
	add_network(&m, "c", NULL);

	fill(&m, &none);

	assert_string_equal(cidr_print(&m.networks[0].subnets[0], text),
			    "10.90.0.0/24");
	assert_string_equal(cidr_print(&m.networks[2].subnets[0], text),
			    "10.90.2.0/24");
	model_free(&m);
}

static void picked_address_avoids_gateway_and_explicit_ones(void **state)
{
	struct model none, m;

	(void)state;
	model_init(&none);
	model_init(&m);
	add_network(&m, "lan", "10.0.0.0/29");
	ip_parse("10.0.0.2", &m.networks[0].gateways[0]);
	add_endpoint(&m, "a", "lan", NULL);
	add_endpoint(&m, "b", "lan", "10.0.0.1");
	add_endpoint(&m, "c", "lan", NULL);

	fill(&m, &none);

	assert_string_equal(ip_of(&m, "a"), "10.0.0.3");
	assert_string_equal(ip_of(&m, "c"), "10.0.0.4");
	model_free(&m);
}

static void picked_address_stays_in_the_range(void **state)
{
	struct model none, m;
	struct err err;

	(void)state;
	model_init(&none);
	model_init(&m);
	add_network(&m, "lan", "10.0.0.0/24");
	ip_parse("10.0.0.100", &m.networks[0].range_first);
	ip_parse("10.0.0.101", &m.networks[0].range_last);
	add_endpoint(&m, "a", "lan", NULL);
	add_endpoint(&m, "b", "lan", NULL);
	fill(&m, &none);
	assert_string_equal(ip_of(&m, "a"), "10.0.0.100");
	assert_string_equal(ip_of(&m, "b"), "10.0.0.101");

	add_endpoint(&m, "c", "lan", NULL);
	assert_int_equal(model_fill(&m, &none, &err), -ENOSPC);

	assert_string_equal(err.text, "endpoint 'c': subnet 10.0.0.0/24 of "
				      "network 'lan' is full");
	assert_int_equal(err.exit, EXIT_CONFLICT);
	model_free(&m);
}

static void running_endpoint_keeps_its_address_and_slot(void **state)
{
	struct model none, old, m;

	(void)state;
	model_init(&none);
	model_init(&old);
	add_network(&old, "lan", "10.0.0.0/24");
	add_endpoint(&old, "a", "lan", NULL);
	add_endpoint(&old, "b", "lan", NULL);
	fill(&old, &none);

	/* 'a' is gone, and 'new' comes first. */
	model_init(&m);
	add_network(&m, "lan", "10.0.0.0/24");
	add_endpoint(&m, "new", "lan", NULL);
	add_endpoint(&m, "b", "lan", NULL);
	fill(&m, &old);

	assert_true(endpoint_equal(&m.endpoints[1], &old.endpoints[1]));
	assert_string_equal(ip_of(&m, "new"), "10.0.0.4");
	assert_int_equal(m.endpoints[0].slot, 3);
	model_free(&old);
	model_free(&m);
}

/* What goes makes room for what comes, but only when there is no other. */
static void full_subnet_reuses_what_goes(void **state)
{
	struct model none, old, m;

	(void)state;
	model_init(&none);
	model_init(&old);
	add_network(&old, "lan", "10.0.0.0/30");
	add_endpoint(&old, "a", "lan", NULL);
	fill(&old, &none);

	model_init(&m);
	add_network(&m, "lan", "10.0.0.0/30");
	add_endpoint(&m, "b", "lan", NULL);
	fill(&m, &old);

	assert_string_equal(ip_of(&m, "b"), "10.0.0.2");
	model_free(&old);
	model_free(&m);
}

static void endpoints_of_one_netns_get_different_ifnames(void **state)
{
	struct model none, m;

	(void)state;
	model_init(&none);
	model_init(&m);
	add_network(&m, "lan", NULL);
	strcpy(add_endpoint(&m, "a", "lan", NULL)->netns, "box");
	strcpy(add_endpoint(&m, "b", "lan", NULL)->netns, "box");
	strcpy(add_endpoint(&m, "c", "lan", NULL)->netns, "box");
	strcpy(m.endpoints[2].ifname, "eth0");

	fill(&m, &none);

	assert_string_equal(m.endpoints[0].ifname, "eth1");
	assert_string_equal(m.endpoints[1].ifname, "eth2");
	assert_int_equal(m.nnetns, 1);
	model_free(&m);
}

static void long_names_make_different_devices(void **state)
{
	struct model none, m;

	(void)state;
	model_init(&none);
	model_init(&m);
	add_network(&m, "the-same-long-name-1", NULL);
	add_network(&m, "the-same-long-name-2", NULL);
	add_network(&m, "abcdefghijkl", NULL);

	fill(&m, &none);

	assert_int_equal(strlen(m.networks[0].bridge), IFNAMSIZ - 1);
	assert_memory_equal(m.networks[0].bridge, "bn-the-s", 8);
	assert_string_not_equal(m.networks[0].bridge, m.networks[1].bridge);
	assert_string_equal(m.networks[2].bridge, "bn-abcdefghijkl");
	model_free(&m);
}

static void implied_netns_goes_with_its_last_endpoint(void **state)
{
	struct model none, old, m;
	struct netns kept = { .name = "kept" };

	(void)state;
	model_init(&none);
	model_init(&old);
	add_network(&old, "lan", NULL);
	add_endpoint(&old, "a", "lan", NULL);
	model_add_netns(&old, &kept);
	fill(&old, &none);
	assert_int_equal(old.nnetns, 2);

	assert_int_equal(model_copy(&old, &m), 0);
	model_del_endpoint(&m, &m.endpoints[0]);
	fill(&m, &old);

	assert_int_equal(m.nnetns, 1);
	assert_string_equal(m.netns[0].name, "kept");
	model_free(&old);
	model_free(&m);
}

static void paths_and_pids_imply_no_netns(void **state)
{
	struct model none, m;

	(void)state;
	model_init(&none);
	model_init(&m);
	add_network(&m, "lan", NULL);
	strcpy(add_endpoint(&m, "a", "lan", NULL)->netns, "pid:17");
	strcpy(add_endpoint(&m, "b", "lan", NULL)->netns, "/proc/17/ns/net");

	fill(&m, &none);

	assert_int_equal(m.nnetns, 0);
	model_free(&m);
}

static void publish_that_leads_elsewhere_gets_another_id(void **state)
{
	struct model none, old, m;

	(void)state;
	model_init(&none);
	model_init(&old);
	add_network(&old, "lan", NULL);
	add_endpoint(&old, "a", "lan", NULL);
	add_endpoint(&old, "b", "lan", NULL);
	add_publish(&old, "80", "a");
	add_publish(&old, "81", "a");
	fill(&old, &none);

	model_init(&m);
	add_network(&m, "lan", NULL);
	add_endpoint(&m, "a", "lan", NULL);
	add_endpoint(&m, "b", "lan", NULL);
	add_publish(&m, "81", "a");
	add_publish(&m, "80", "b");
	fill(&m, &old);

	assert_int_equal(m.publishes[0].id, old.publishes[1].id);
	assert_int_equal(m.publishes[1].id, 3);
	model_free(&old);
	model_free(&m);
}

static void unnamed_rule_finds_its_running_name(void **state)
{
	struct policy_rule a = { .action = RULE_ALLOW };
	struct policy_rule b = { .action = RULE_DENY };
	struct model none, old, m;

	(void)state;
	model_init(&none);
	model_init(&old);
	model_add_rule(&old, &a, SIZE_MAX);
	model_add_rule(&old, &b, SIZE_MAX);
	model_add_rule(&old, &a, SIZE_MAX);
	fill(&old, &none);
	assert_string_equal(old.rules[0].name, "rule-1");

	model_init(&m);
	model_add_rule(&m, &b, SIZE_MAX);
	model_add_rule(&m, &a, SIZE_MAX);
	model_add_rule(&m, &a, SIZE_MAX);
	model_add_rule(&m, &a, SIZE_MAX);
	fill(&m, &old);

	assert_string_equal(m.rules[0].name, "rule-2");
	assert_string_equal(m.rules[1].name, "rule-3");
	assert_string_equal(m.rules[2].name, "rule-1");
	assert_string_equal(m.rules[3].name, "rule-4");
	model_free(&old);
	model_free(&m);
}

/* 'c' goes, but its number is not given to 'b' in the same step. */
static void ids_wrap_around_to_the_free_ones(void **state)
{
	struct model none, old, m;

	(void)state;
	model_init(&none);
	model_init(&old);
	add_network(&old, "a", NULL);
	add_network(&old, "c", NULL);
	fill(&old, &none);
	old.networks[0].id = NETWORKS_MAX - 1;
	old.networks[1].id = 1;

	assert_int_equal(model_copy(&old, &m), 0);
	model_del_network(&m, model_find_network(&m, "c"));
	add_network(&m, "b", NULL);
	fill(&m, &old);

	assert_int_equal(m.networks[1].id, 2);
	model_free(&old);
	model_free(&m);
}

static void random_models_are_valid_before_and_after(void **state)
{
	struct model none;

	(void)state;
	model_init(&none);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct model m = random_model(seed);

		assert_int_equal(model_check(&m, on_finding, NULL), 0);
		fill(&m, &none);
		assert_int_equal(model_check(&m, on_finding, NULL), 0);
		model_free(&m);
	}
}

static void filling_twice_changes_nothing(void **state)
{
	struct model none;

	(void)state;
	model_init(&none);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct model once = random_model(seed);
		struct model again = random_model(seed);
		struct model twice;

		fill(&once, &none);
		fill(&again, &once);
		assert_int_equal(model_copy(&once, &twice), 0);
		fill(&twice, &once);

		assert_true(model_equal(&once, &again));
		assert_true(model_equal(&once, &twice));
		model_free(&once);
		model_free(&again);
		model_free(&twice);
	}
}

static void numbers_in_use_are_never_given_again(void **state)
{
	struct model none;

	(void)state;
	model_init(&none);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct model old = random_model(seed);
		struct model m = random_model(seed + 1000);

		fill(&old, &none);
		fill(&m, &old);
		for (size_t i = 0; i < m.nendpoints; i++)
			for (size_t k = 0; k < old.nendpoints; k++)
				if (m.endpoints[i].slot ==
				    old.endpoints[k].slot)
					assert_string_equal(
						m.endpoints[i].name,
						old.endpoints[k].name);
		model_free(&old);
		model_free(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_fields_get_the_documented_values),
		cmocka_unit_test(networks_get_different_subnets),
		cmocka_unit_test(
			picked_address_avoids_gateway_and_explicit_ones),
		cmocka_unit_test(picked_address_stays_in_the_range),
		cmocka_unit_test(running_endpoint_keeps_its_address_and_slot),
		cmocka_unit_test(full_subnet_reuses_what_goes),
		cmocka_unit_test(endpoints_of_one_netns_get_different_ifnames),
		cmocka_unit_test(long_names_make_different_devices),
		cmocka_unit_test(implied_netns_goes_with_its_last_endpoint),
		cmocka_unit_test(paths_and_pids_imply_no_netns),
		cmocka_unit_test(publish_that_leads_elsewhere_gets_another_id),
		cmocka_unit_test(unnamed_rule_finds_its_running_name),
		cmocka_unit_test(ids_wrap_around_to_the_free_ones),
		cmocka_unit_test(random_models_are_valid_before_and_after),
		cmocka_unit_test(filling_twice_changes_nothing),
		cmocka_unit_test(numbers_in_use_are_never_given_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
