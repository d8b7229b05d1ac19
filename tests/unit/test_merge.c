/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_merge - a file put into what exists: replace, keep, prune */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "model/merge.h"

/* What runs, and what the file says. */
struct both {
	struct model have, file;
	struct err err;
};

static int both_make(void **state)
{
	static struct both both;

	model_init(&both.have);
	model_init(&both.file);
	memset(&both.err, 0, sizeof(both.err));
	*state = &both;
	return 0;
}

static int both_free(void **state)
{
	struct both *both = *state;

	model_free(&both->have);
	model_free(&both->file);
	return 0;
}

static void put_network(struct model *m, enum origin origin, const char *name,
			const char *subnet)
{
	struct network network = { .origin = origin, .icc = true };

	strcpy(network.name, name);
	assert_int_equal(cidr_parse(subnet, &network.subnets[0]), 0);
	network.nsubnets = 1;
	assert_non_null(model_add_network(m, &network));
}

static void put_endpoint(struct model *m, enum origin origin, const char *name,
			 const char *network)
{
	struct endpoint endpoint = { .origin = origin, .default_route = true };

	strcpy(endpoint.name, name);
	strcpy(endpoint.network, network);
	strcpy(endpoint.netns, name);
	assert_non_null(model_add_endpoint(m, &endpoint));
}

static void put_port(struct model *m, enum origin origin, const char *listen,
		     const char *endpoint)
{
	struct publish publish;

	assert_int_equal(publish_parse_listen(listen, &publish, NULL), 0);
	publish.origin = origin;
	strcpy(publish.endpoint, endpoint);
	assert_non_null(model_add_publish(m, &publish));
}

static void put_rule(struct model *m, enum origin origin, const char *name,
		     const char *to, bool allow)
{
	struct policy_rule rule = { .origin = origin,
				    .action = allow ? RULE_ALLOW : RULE_DENY };

	strcpy(rule.name, name);
	assert_int_equal(policy_peer_parse(to, &rule.to, NULL), 0);
	m->policy_given = true;
	assert_non_null(model_add_rule(m, &rule, SIZE_MAX));
}

static void merge(struct both *both, bool prune)
{
	assert_int_equal(
		model_merge(&both->have, &both->file, prune, &both->err), 0);
}

static void assert_rules(const struct model *m, const char *const *names)
{
	size_t count = 0;

	for (; names[count]; count++) {
		assert_true(count < m->nrules);
		assert_string_equal(m->rules[count].name, names[count]);
	}
	assert_int_equal(m->nrules, count);
}

static void new_objects_are_added(void **state)
{
	struct both *both = *state;
	struct netns netns = { .name = "ns", .origin = ORIGIN_FILE };
	struct uplink uplink = { .ifname = "up0", .origin = ORIGIN_FILE };

	put_network(&both->file, ORIGIN_FILE, "a", "10.0.0.0/24");
	put_endpoint(&both->file, ORIGIN_FILE, "e", "a");
	put_port(&both->file, ORIGIN_FILE, "80", "e");
	put_rule(&both->file, ORIGIN_FILE, "r", "e", true);
	model_add_netns(&both->file, &netns);
	model_add_uplink(&both->file, &uplink);

	merge(both, false);
	assert_non_null(model_find_network(&both->have, "a"));
	assert_non_null(model_find_endpoint(&both->have, "e"));
	assert_non_null(model_find_netns(&both->have, "ns"));
	assert_non_null(model_find_uplink(&both->have, "up0"));
	assert_int_equal(both->have.npublishes, 1);
	assert_int_equal(both->have.nrules, 1);
}

static void same_name_is_replaced_and_keeps_its_origin(void **state)
{
	struct both *both = *state;
	const struct network *network;

	put_network(&both->have, ORIGIN_CLI, "a", "10.0.0.0/24");
	put_network(&both->have, ORIGIN_FILE, "b", "10.0.1.0/24");
	put_network(&both->file, ORIGIN_FILE, "a", "10.9.0.0/24");

	merge(both, false);
	assert_int_equal(both->have.nnetworks, 2);
	network = model_find_network(&both->have, "a");
	assert_int_equal(network->origin, ORIGIN_CLI);
	assert_true(cidr_equal(&network->subnets[0],
			       &both->file.networks[0].subnets[0]));
	assert_non_null(model_find_network(&both->have, "b"));
}

static void port_is_replaced_where_it_listens_the_same(void **state)
{
	struct both *both = *state;

	put_port(&both->have, ORIGIN_FILE, "80", "old");
	put_port(&both->have, ORIGIN_FILE, "80/udp", "old");
	put_port(&both->have, ORIGIN_FILE, "192.0.2.1:81", "old");
	put_port(&both->file, ORIGIN_FILE, "80/tcp", "new");
	put_port(&both->file, ORIGIN_FILE, "192.0.2.2:81", "new");

	merge(both, false);
	assert_int_equal(both->have.npublishes, 4);
	assert_string_equal(both->have.publishes[0].endpoint, "new");
	assert_string_equal(both->have.publishes[1].endpoint, "old");
	assert_string_equal(both->have.publishes[2].endpoint, "old");
	assert_string_equal(both->have.publishes[3].endpoint, "new");
}

static void without_prune_nothing_goes(void **state)
{
	struct both *both = *state;

	put_network(&both->have, ORIGIN_FILE, "a", "10.0.0.0/24");
	put_endpoint(&both->have, ORIGIN_FILE, "e", "a");
	put_port(&both->have, ORIGIN_FILE, "80", "e");

	merge(both, false);
	assert_int_equal(both->have.nnetworks, 1);
	assert_int_equal(both->have.nendpoints, 1);
	assert_int_equal(both->have.npublishes, 1);
}

static void prune_takes_what_a_file_made_and_nothing_else(void **state)
{
	struct both *both = *state;
	struct uplink uplink = { .ifname = "auto0",
				 .origin = ORIGIN_FILE,
				 .automatic = true };

	put_network(&both->have, ORIGIN_FILE, "file", "10.0.0.0/24");
	put_network(&both->have, ORIGIN_CLI, "cli", "10.0.1.0/24");
	put_network(&both->have, ORIGIN_CNI, "cni", "10.0.2.0/24");
	put_network(&both->have, ORIGIN_FILE, "named", "10.0.3.0/24");
	put_endpoint(&both->have, ORIGIN_FILE, "e", "file");
	put_endpoint(&both->have, ORIGIN_CLI, "f", "cli");
	put_port(&both->have, ORIGIN_FILE, "80", "e");
	put_port(&both->have, ORIGIN_CLI, "81", "f");
	model_add_uplink(&both->have, &uplink);
	put_network(&both->file, ORIGIN_FILE, "named", "10.0.3.0/24");

	merge(both, true);
	assert_null(model_find_network(&both->have, "file"));
	assert_non_null(model_find_network(&both->have, "cli"));
	assert_non_null(model_find_network(&both->have, "cni"));
	assert_non_null(model_find_network(&both->have, "named"));
	assert_null(model_find_endpoint(&both->have, "e"));
	assert_non_null(model_find_endpoint(&both->have, "f"));
	assert_int_equal(both->have.npublishes, 1);
	assert_int_equal(both->have.publishes[0].port, 81);
	assert_non_null(model_find_uplink(&both->have, "auto0"));
}

static void named_automatic_uplink_becomes_the_files(void **state)
{
	struct both *both = *state;
	struct uplink found = { .ifname = "up0", .automatic = true };
	struct uplink named = { .ifname = "up0", .origin = ORIGIN_FILE };

	model_add_uplink(&both->have, &found);
	model_add_uplink(&both->file, &named);

	merge(both, false);
	assert_int_equal(both->have.nuplinks, 1);
	assert_false(both->have.uplinks[0].automatic);
	assert_int_equal(both->have.uplinks[0].origin, ORIGIN_FILE);
}

static void assert_in_use(struct both *both, const char *text)
{
	assert_int_equal(
		model_merge(&both->have, &both->file, true, &both->err),
		-EBUSY);
	assert_string_equal(both->err.text, text);
	assert_int_equal(both->err.exit, EXIT_CONFLICT);
	assert_string_equal(both->err.kind, "in-use");
}

static void prune_refuses_a_network_with_other_endpoints(void **state)
{
	struct both *both = *state;

	put_network(&both->have, ORIGIN_FILE, "a", "10.0.0.0/24");
	put_endpoint(&both->have, ORIGIN_CLI, "e", "a");

	assert_in_use(both, "network 'a' is used by endpoint 'e'");
}

static void prune_refuses_an_endpoint_with_other_ports(void **state)
{
	struct both *both = *state;

	put_network(&both->have, ORIGIN_CLI, "a", "10.0.0.0/24");
	put_endpoint(&both->have, ORIGIN_FILE, "e", "a");
	put_port(&both->have, ORIGIN_CLI, "80/udp", "e");

	assert_in_use(both, "endpoint 'e' is used by port '80/udp'");
}

static void prune_refuses_what_other_rules_name(void **state)
{
	struct both *both = *state;

	put_network(&both->have, ORIGIN_FILE, "a", "10.0.0.0/24");
	put_rule(&both->have, ORIGIN_CLI, "r", "net:a", true);

	assert_in_use(both, "network 'a' is used by rule 'r'");
}

static void file_rules_replace_file_rules_and_come_first(void **state)
{
	static const char *const names[] = { "f2", "f1", "c1", "c2", NULL };
	struct both *both = *state;

	put_rule(&both->have, ORIGIN_CLI, "c1", "any", true);
	put_rule(&both->have, ORIGIN_FILE, "f1", "any", true);
	put_rule(&both->have, ORIGIN_FILE, "gone", "any", true);
	put_rule(&both->have, ORIGIN_CLI, "c2", "any", true);
	put_rule(&both->file, ORIGIN_FILE, "f2", "any", true);
	put_rule(&both->file, ORIGIN_FILE, "f1", "any", false);

	merge(both, false);
	assert_rules(&both->have, names);
	assert_int_equal(both->have.rules[1].action, RULE_DENY);
}

static void file_rule_takes_the_place_of_one_from_the_command(void **state)
{
	static const char *const names[] = { "c", "f", NULL };
	struct both *both = *state;

	put_rule(&both->have, ORIGIN_FILE, "f", "any", true);
	put_rule(&both->have, ORIGIN_CLI, "c", "any", true);
	put_rule(&both->file, ORIGIN_FILE, "c", "any", false);
	put_rule(&both->file, ORIGIN_FILE, "f", "any", true);

	merge(both, true);
	assert_rules(&both->have, names);
	assert_int_equal(both->have.rules[0].action, RULE_DENY);
	assert_int_equal(both->have.rules[0].origin, ORIGIN_CLI);
	assert_int_equal(both->have.rules[1].origin, ORIGIN_FILE);
}

static void unnamed_file_rules_all_stay(void **state)
{
	static const char *const names[] = { "", "", "c", NULL };
	struct both *both = *state;

	put_rule(&both->have, ORIGIN_CLI, "c", "any", true);
	put_rule(&both->file, ORIGIN_FILE, "", "any", true);
	put_rule(&both->file, ORIGIN_FILE, "", "world", true);

	merge(both, false);
	assert_rules(&both->have, names);
}

static void settings_that_the_file_names_are_replaced(void **state)
{
	struct both *both = *state;

	both->have.settings.inter_allow = true;
	both->have.settings.udp = 99;
	both->have.settings.icmp = 77;
	both->file.settings.udp = 31;
	memset(&both->file.given.udp, 0xff, sizeof(both->file.given.udp));
	memset(&both->file.given.inter_allow, 0xff, 1);

	merge(both, false);
	assert_int_equal(both->have.settings.udp, 31);
	assert_false(both->have.settings.inter_allow);
	assert_int_equal(both->have.settings.icmp, 77);
}

static void pruning_resets_the_other_settings(void **state)
{
	struct both *both = *state;

	both->have.settings.icmp = 77;
	both->file.settings.udp = 31;

	merge(both, true);
	assert_true(settings_equal(&both->have.settings, &both->file.settings));
}

static void file_without_a_policy_leaves_it(void **state)
{
	struct both *both = *state;

	put_rule(&both->have, ORIGIN_FILE, "r", "any", false);

	merge(both, false);
	assert_int_equal(both->have.nrules, 1);
	merge(both, true);
	assert_int_equal(both->have.nrules, 0);
}

static void port_of_somebody_else_is_not_taken(void **state)
{
	struct both *both = *state;

	put_network(&both->have, ORIGIN_CLI, "a", "10.0.0.0/24");
	put_endpoint(&both->have, ORIGIN_CLI, "mine", "a");
	put_port(&both->have, ORIGIN_CLI, "7777", "mine");
	put_port(&both->file, ORIGIN_FILE, "7777", "other");

	assert_int_equal(
		model_merge(&both->have, &both->file, false, &both->err),
		-EADDRINUSE);
	assert_int_equal(both->err.exit, EXIT_CONFLICT);
	assert_non_null(strstr(both->err.text, "'mine'"));
}

static void merging_twice_changes_nothing_more(void **state)
{
	static const char *const names[] = { "r", "c", NULL };
	struct both *both = *state;

	put_network(&both->file, ORIGIN_FILE, "a", "10.0.0.0/24");
	put_endpoint(&both->file, ORIGIN_FILE, "e", "a");
	put_port(&both->file, ORIGIN_FILE, "80", "e");
	put_rule(&both->file, ORIGIN_FILE, "r", "e", true);
	put_rule(&both->have, ORIGIN_CLI, "c", "any", true);

	merge(both, true);
	merge(both, true);
	assert_int_equal(both->have.nnetworks, 1);
	assert_int_equal(both->have.nendpoints, 1);
	assert_int_equal(both->have.npublishes, 1);
	assert_rules(&both->have, names);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, both_make, both_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_objects_are_added),
		TEST(same_name_is_replaced_and_keeps_its_origin),
		TEST(port_is_replaced_where_it_listens_the_same),
		TEST(without_prune_nothing_goes),
		TEST(prune_takes_what_a_file_made_and_nothing_else),
		TEST(named_automatic_uplink_becomes_the_files),
		TEST(prune_refuses_a_network_with_other_endpoints),
		TEST(prune_refuses_an_endpoint_with_other_ports),
		TEST(prune_refuses_what_other_rules_name),
		TEST(file_rules_replace_file_rules_and_come_first),
		TEST(file_rule_takes_the_place_of_one_from_the_command),
		TEST(unnamed_file_rules_all_stay),
		TEST(settings_that_the_file_names_are_replaced),
		TEST(pruning_resets_the_other_settings),
		TEST(file_without_a_policy_leaves_it),
		TEST(port_of_somebody_else_is_not_taken),
		TEST(merging_twice_changes_nothing_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
