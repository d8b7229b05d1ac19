/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_rules - the policy of a model as the datapath reads it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "control/rules.h"

static int setup(void **state)
{
	static struct model model;
	struct network network = { .name = "front", .id = 7 };
	struct endpoint endpoint = { .name = "web", .slot = 42 };

	model_init(&model);
	*state = &model;
	return !model_add_network(&model, &network) ||
	       !model_add_endpoint(&model, &endpoint);
}

static int teardown(void **state)
{
	model_free(*state);
	return 0;
}

static struct policy_peer peer(const char *text)
{
	struct policy_peer peer;

	assert_int_equal(policy_peer_parse(text, &peer, NULL), 0);
	return peer;
}

static void rule_add(struct model *model, __u32 id, const char *from,
		     const char *to)
{
	struct policy_rule rule = {
		.from = peer(from),
		.to = peer(to),
		.id = id,
	};

	snprintf(rule.name, sizeof(rule.name), "rule-%u", id);
	assert_non_null(model_add_rule(model, &rule, SIZE_MAX));
}

static size_t rules_in(const struct model *model, struct rule_val *ret)
{
	size_t count;

	assert_int_equal(rules_of(model, ret, &count), 0);
	return count;
}

/* The only rule of a model. */
static struct rule_val only_rule(const struct model *model)
{
	struct rule_val value[2];

	memset(value, 0xff, sizeof(value));
	assert_int_equal(rules_in(model, value), 1);
	return value[0];
}

static void assert_selector(const struct selector *selector, __u32 kind,
			    __u32 id)
{
	const struct selector want = { .kind = kind, .id = id };

	assert_memory_equal(selector, &want, sizeof(want));
}

static void assert_cidr(const struct selector *selector, const __u32 addr[4],
			const __u32 mask[4])
{
	assert_int_equal(selector->kind, SELECT_CIDR);
	assert_int_equal(selector->id, 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(ntohl(selector->addr.word[i]), addr[i]);
		assert_int_equal(ntohl(selector->mask.word[i]), mask[i]);
	}
}

static void endpoint_is_selected_by_its_slot(void **state)
{
	struct rule_val value;

	rule_add(*state, 1, "web", "any");

	value = only_rule(*state);

	assert_selector(&value.from, SELECT_ENDPOINT, 42);
	assert_selector(&value.to, SELECT_ANY, 0);
}

static void network_is_selected_by_its_id(void **state)
{
	struct rule_val value;

	rule_add(*state, 1, "any", "net:front");

	value = only_rule(*state);

	assert_selector(&value.from, SELECT_ANY, 0);
	assert_selector(&value.to, SELECT_NETWORK, 7);
}

static void host_and_world_are_selected_by_kind(void **state)
{
	struct rule_val value;

	rule_add(*state, 1, "host", "world");

	value = only_rule(*state);

	assert_selector(&value.from, SELECT_HOST, 0);
	assert_selector(&value.to, SELECT_WORLD, 0);
}

static void ipv4_prefix_is_mapped_with_its_mask(void **state)
{
	struct rule_val value;

	rule_add(*state, 1, "198.51.96.0/20", "0.0.0.0/0");

	value = only_rule(*state);

	assert_cidr(&value.from, (__u32[]){ 0, 0, 0xffff, 0xc6336000 },
		    (__u32[]){ ~0u, ~0u, ~0u, 0xfffff000 });
	assert_cidr(&value.to, (__u32[]){ 0, 0, 0xffff, 0 },
		    (__u32[]){ ~0u, ~0u, ~0u, 0 });
}

/* The programs compare the masked address with it. */
static void host_bits_are_cleared(void **state)
{
	struct model *model = *state;
	struct rule_val value;

	rule_add(model, 1, "198.51.96.0/20", "any");
	model->rules[0].from.cidr.addr = ip_from_v4(htonl(0xc633644d));

	value = only_rule(model);

	assert_cidr(&value.from, (__u32[]){ 0, 0, 0xffff, 0xc6336000 },
		    (__u32[]){ ~0u, ~0u, ~0u, 0xfffff000 });
}

static void ipv4_address_is_a_whole_mask(void **state)
{
	struct rule_val value;

	rule_add(*state, 1, "198.51.100.77", "any");

	value = only_rule(*state);

	assert_cidr(&value.from, (__u32[]){ 0, 0, 0xffff, 0xc633644d },
		    (__u32[]){ ~0u, ~0u, ~0u, ~0u });
}

static void ipv6_prefix_has_its_own_mask(void **state)
{
	struct rule_val value;

	rule_add(*state, 1, "2001:db8:1:2::/68", "::/0");

	value = only_rule(*state);

	assert_cidr(&value.from,
		    (__u32[]){ 0x20010db8, 0x00010002, 0x00000000, 0 },
		    (__u32[]){ ~0u, ~0u, 0xf0000000, 0 });
	assert_cidr(&value.to, (__u32[]){ 0, 0, 0, 0 },
		    (__u32[]){ 0, 0, 0, 0 });
}

static void rule_about_an_unknown_name_is_left_out(void **state)
{
	struct rule_val values[4];

	rule_add(*state, 1, "nobody", "any");
	rule_add(*state, 2, "any", "net:nowhere");
	rule_add(*state, 3, "any", "web");

	assert_int_equal(rules_in(*state, values), 1);
	assert_int_equal(values[0].id, 3);
}

static void action_protocol_number_and_log_are_copied(void **state)
{
	struct model *model = *state;
	struct rule_val value;

	rule_add(model, 9, "any", "any");
	model->rules[0].action = RULE_ALLOW;
	model->rules[0].proto = 17;

	value = only_rule(model);

	assert_int_equal(value.id, 9);
	assert_int_equal(value.action, RULE_ALLOW);
	assert_int_equal(value.proto, 17);
	assert_int_equal(value.nports, 0);
	assert_false(value.log);

	model->rules[0].action = RULE_REJECT;
	model->rules[0].log = true;
	assert_int_equal(only_rule(model).action, RULE_REJECT);
	assert_true(only_rule(model).log);
}

static void ports_set(struct policy_rule *rule, size_t count)
{
	rule->nports = count;
	for (size_t i = 0; i < count; i++)
		rule->ports[i] = (struct port_range){ 100 + i, 200 + i };
}

static void all_port_ranges_are_copied(void **state)
{
	struct model *model = *state;
	struct rule_val value;

	rule_add(model, 1, "any", "any");
	ports_set(&model->rules[0], RULE_PORTS_MAX);

	value = only_rule(model);

	assert_int_equal(value.nports, RULE_PORTS_MAX);
	assert_memory_equal(value.ports, model->rules[0].ports,
			    sizeof(value.ports));
}

static void order_is_kept(void **state)
{
	static const __u32 want[] = { 3, 1, 2 };
	struct model *model = *state;
	struct rule_val values[8];

	rule_add(model, 3, "any", "any");
	rule_add(model, 1, "any", "web");
	rule_add(model, 2, "web", "any");

	assert_int_equal(rules_in(model, values), 3);

	for (int i = 0; i < 3; i++)
		assert_int_equal(values[i].id, want[i]);
}

static void no_rules_are_no_entries(void **state)
{
	assert_int_equal(rules_in(*state, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(endpoint_is_selected_by_its_slot),
		TEST(network_is_selected_by_its_id),
		TEST(host_and_world_are_selected_by_kind),
		TEST(ipv4_prefix_is_mapped_with_its_mask),
		TEST(host_bits_are_cleared),
		TEST(ipv4_address_is_a_whole_mask),
		TEST(ipv6_prefix_has_its_own_mask),
		TEST(rule_about_an_unknown_name_is_left_out),
		TEST(action_protocol_number_and_log_are_copied),
		TEST(all_port_ranges_are_copied),
		TEST(order_is_kept),
		TEST(no_rules_are_no_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
