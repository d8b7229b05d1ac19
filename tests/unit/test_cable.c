/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_cable - networks of type p2p: who has the ends, from model to plan */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/cable.h"
#include "model/fill.h"
#include "model/plan.h"
#include "random_model.h"

#define SEEDS 400

static const struct model none;

/* A network of type p2p; gateway NULL: not named. */
static struct model cable_of(const char *subnet, const char *gateway)
{
	struct network n = { .name = "link",
			     .type = NETWORK_P2P,
			     .icc = true,
			     .masquerade = true,
			     .nsubnets = 1 };
	struct model m;

	assert_int_equal(cidr_parse(subnet, &n.subnets[0]), 0);
	if (gateway) {
		assert_int_equal(ip_parse(gateway, &n.gateways[0]), 0);
		n.gateway_named = true;
	}
	model_init(&m);
	assert_non_null(model_add_network(&m, &n));
	return m;
}

/* ip NULL: to be found. */
static void add_end(struct model *m, const char *name, const char *ip)
{
	struct endpoint e = { .network = "link", .default_route = true };

	snprintf(e.name, sizeof(e.name), "%s", name);
	if (ip) {
		assert_int_equal(ip_parse(ip, &e.ips[0]), 0);
		e.nips = 1;
	}
	assert_non_null(model_add_endpoint(m, &e));
}

static void fill(struct model *m, const struct model *actual)
{
	struct err err;

	if (model_fill(m, actual, &err) || model_check_first(m, &err))
		fail_msg("%s", err.text);
}

/* What is there with one more end, or one less. */
static struct model with_end(const struct model *actual, const char *name,
			     const char *ip)
{
	struct model m;

	assert_int_equal(model_copy(actual, &m), 0);
	add_end(&m, name, ip);
	fill(&m, actual);
	return m;
}

static struct model without_end(const struct model *actual, const char *name)
{
	struct model m;

	assert_int_equal(model_copy(actual, &m), 0);
	model_del_endpoint(&m, model_find_endpoint(&m, name));
	fill(&m, actual);
	return m;
}

static void assert_gateway(const struct model *m, const char *expected)
{
	char text[IP_TEXT_MAX];

	assert_string_equal(ip_print(&m->networks[0].gateways[0], text),
			    expected);
}

static void assert_end(const struct model *m, const char *name, const char *ip,
		       const char *host_ifname)
{
	const struct endpoint *e = model_find_endpoint(m, name);
	char text[IP_TEXT_MAX];

	assert_string_equal(ip_print(&e->ips[0], text), ip);
	assert_string_equal(e->host_ifname, host_ifname);
}

#define NO_GATEWAY "::"

/* ------------------------------------------------------------------ fill */

static void host_has_the_other_end_of_one_endpoint(void **state)
{
	struct model m = cable_of("10.0.1.0/24", NULL);

	(void)state;
	add_end(&m, "a", NULL);
	fill(&m, &none);

	assert_gateway(&m, "10.0.1.1");
	assert_end(&m, "a", "10.0.1.2", "bne-a");
	assert_string_equal(m.networks[0].bridge, "");
	model_free(&m);
}

static void two_endpoints_leave_the_host_out(void **state)
{
	struct model m = cable_of("10.0.1.0/24", NULL);

	(void)state;
	add_end(&m, "a", "10.0.1.20");
	add_end(&m, "b", NULL);
	fill(&m, &none);

	assert_gateway(&m, NO_GATEWAY);
	assert_end(&m, "a", "10.0.1.20", "");
	assert_end(&m, "b", "10.0.1.1", "");
	model_free(&m);
}

static void host_gives_way_to_the_endpoints_address(void **state)
{
	struct model first = cable_of("10.0.1.0/24", NULL);
	struct model low = cable_of("10.0.1.0/31", NULL);
	struct model high = cable_of("10.0.1.0/31", NULL);

	(void)state;
	add_end(&first, "a", "10.0.1.1");
	add_end(&low, "a", "10.0.1.0");
	add_end(&high, "a", "10.0.1.1");
	fill(&first, &none);
	fill(&low, &none);
	fill(&high, &none);

	assert_gateway(&first, "10.0.1.2");
	assert_gateway(&low, "10.0.1.1");
	assert_gateway(&high, "10.0.1.0");
	model_free(&first);
	model_free(&low);
	model_free(&high);
}

/* Also one that was chosen before the endpoint came. */
static void chosen_gateway_gives_way_later(void **state)
{
	struct model old = cable_of("10.0.1.0/24", NULL), m;

	(void)state;
	fill(&old, &none);
	assert_gateway(&old, "10.0.1.1");

	m = with_end(&old, "a", "10.0.1.1");

	assert_gateway(&m, "10.0.1.2");
	model_free(&old);
	model_free(&m);
}

static void second_endpoint_makes_the_cable_direct(void **state)
{
	struct model old = cable_of("10.0.1.0/31", NULL), m;

	(void)state;
	add_end(&old, "a", NULL);
	fill(&old, &none);
	assert_end(&old, "a", "10.0.1.1", "bne-a");

	m = with_end(&old, "b", NULL);

	assert_gateway(&m, NO_GATEWAY);
	assert_end(&m, "a", "10.0.1.1", "");
	assert_end(&m, "b", "10.0.1.0", "");
	model_free(&old);
	model_free(&m);
}

static void who_is_left_keeps_its_address(void **state)
{
	struct model old = cable_of("10.0.1.0/24", NULL), m;

	(void)state;
	add_end(&old, "a", NULL);
	add_end(&old, "b", NULL);
	fill(&old, &none);

	m = without_end(&old, "b");

	assert_end(&m, "a", "10.0.1.1", "bne-a");
	assert_gateway(&m, "10.0.1.2");
	model_free(&old);
	model_free(&m);
}

/* As above, from a file that names no address. */
static void who_is_left_gets_its_address_back(void **state)
{
	struct model old = cable_of("10.0.1.0/24", NULL);
	struct model m = cable_of("10.0.1.0/24", NULL);

	(void)state;
	add_end(&old, "a", NULL);
	add_end(&old, "b", NULL);
	fill(&old, &none);
	add_end(&m, "a", NULL);
	fill(&m, &old);

	assert_end(&m, "a", "10.0.1.1", "bne-a");
	assert_gateway(&m, "10.0.1.2");
	model_free(&old);
	model_free(&m);
}

static void named_gateway_does_not_give_way(void **state)
{
	struct model m = cable_of("10.0.1.0/24", "10.0.1.1");
	struct err err;

	(void)state;
	add_end(&m, "a", "10.0.1.1");

	assert_int_equal(model_fill(&m, &none, &err), 0);
	assert_int_not_equal(model_check_first(&m, &err), 0);

	assert_string_equal(err.text, "endpoint 'a': 10.0.1.1 is the gateway "
				      "of network 'link'");
	model_free(&m);
}

static void bridge_that_becomes_a_cable_loses_its_device(void **state)
{
	struct model old = cable_of("10.0.1.0/24", NULL), m;

	(void)state;
	old.networks[0].type = NETWORK_BRIDGE;
	fill(&old, &none);
	assert_string_equal(old.networks[0].bridge, "bn-link");

	assert_int_equal(model_copy(&old, &m), 0);
	m.networks[0].type = NETWORK_P2P;
	fill(&m, &old);

	assert_string_equal(m.networks[0].bridge, "");
	model_free(&old);
	model_free(&m);
}

/* Its address was free as long as there was no gateway. */
static void
cable_that_becomes_a_bridge_moves_who_had_the_first_address(void **state)
{
	struct model old = cable_of("10.0.1.0/24", NULL);
	struct model m = cable_of("10.0.1.0/24", NULL);

	(void)state;
	add_end(&old, "a", NULL);
	add_end(&old, "b", NULL);
	fill(&old, &none);
	assert_end(&old, "a", "10.0.1.1", "");

	m.networks[0].type = NETWORK_BRIDGE;
	add_end(&m, "a", NULL);
	add_end(&m, "b", NULL);
	fill(&m, &old);

	assert_gateway(&m, "10.0.1.1");
	assert_end(&m, "a", "10.0.1.3", "bne-a");
	assert_end(&m, "b", "10.0.1.2", "bne-b");
	model_free(&old);
	model_free(&m);
}

static void assert_refused(struct model *m, const char *text, const char *kind)
{
	struct err err;

	assert_int_not_equal(model_fill(m, &none, &err), 0);
	assert_string_equal(err.text, text);
	assert_string_equal(err.kind, kind);
	assert_int_equal(err.exit, EXIT_CONFLICT);
	assert_string_not_equal(err.hint, "");
	assert_int_not_equal(model_check_first(m, &err), 0);
	assert_string_equal(err.text, text);
}

/* Before a full subnet is. */
static void third_endpoint_is_refused(void **state)
{
	struct model m = cable_of("10.0.1.0/31", NULL);

	(void)state;
	add_end(&m, "a", NULL);
	add_end(&m, "b", NULL);
	add_end(&m, "c", NULL);

	assert_refused(&m,
		       "endpoint 'c': the cable 'link' has both its ends "
		       "already: 'a' and 'b'",
		       "cable-in-use");
	model_free(&m);
}

static void second_endpoint_is_refused_where_the_host_has_an_end(void **state)
{
	struct model m = cable_of("10.0.1.0/31", "10.0.1.0");

	(void)state;
	add_end(&m, "a", NULL);
	add_end(&m, "b", NULL);

	assert_refused(&m,
		       "endpoint 'b': the cable 'link' leads from 'a' to the "
		       "host, gateway 10.0.1.0",
		       "cable-in-use");
	model_free(&m);
}

/* ----------------------------------------------------------------- check */

static void assert_finding(const struct model *m, const char *text,
			   const char *kind, enum exit_code exit)
{
	struct err err;

	assert_int_not_equal(model_check_first(m, &err), 0);
	assert_string_equal(err.text, text);
	assert_string_equal(err.kind, kind);
	assert_int_equal(err.exit, exit);
}

static void nothing_is_published_past_the_host(void **state)
{
	struct model m = cable_of("10.0.1.0/24", NULL);
	struct publish p;
	struct err err;

	(void)state;
	assert_int_equal(publish_parse_listen("80", &p, NULL), 0);
	strcpy(p.endpoint, "a");
	model_add_publish(&m, &p);
	add_end(&m, "a", NULL);
	assert_int_equal(model_check_first(&m, &err), 0);
	add_end(&m, "b", NULL);

	assert_finding(&m,
		       "port 80/tcp: 'a' is at the end of a cable between two "
		       "endpoints",
		       "cable-direct", EXIT_CONFLICT);
	model_free(&m);
}

static void no_rule_names_what_does_not_pass_the_host(void **state)
{
	static const struct {
		const char *from, *to, *text;
	} cases[] = {
		{ "any", "b",
		  "policy 'r': 'b' is at the end of a cable between two "
		  "endpoints" },
		{ "a", "any",
		  "policy 'r': 'a' is at the end of a cable between two "
		  "endpoints" },
		{ "net:link", "world",
		  "policy 'r': 'net:link' is a cable between two endpoints" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct policy_rule r = { .name = "r", .action = RULE_DENY };
		struct model m = cable_of("10.0.1.0/24", NULL);

		policy_peer_parse(cases[i].from, &r.from, NULL);
		policy_peer_parse(cases[i].to, &r.to, NULL);
		model_add_rule(&m, &r, SIZE_MAX);
		add_end(&m, "a", NULL);
		add_end(&m, "b", NULL);

		assert_finding(&m, cases[i].text, "cable-direct",
			       EXIT_CONFLICT);
		model_free(&m);
	}
}

static void rules_about_a_cable_to_the_host_are_in_order(void **state)
{
	struct policy_rule r = { .name = "r", .action = RULE_DENY };
	struct model m = cable_of("10.0.1.0/24", NULL);
	struct err err;

	(void)state;
	policy_peer_parse("net:link", &r.from, NULL);
	policy_peer_parse("a", &r.to, NULL);
	model_add_rule(&m, &r, SIZE_MAX);
	add_end(&m, "a", NULL);

	assert_int_equal(model_check_first(&m, &err), 0);
	model_free(&m);
}

static void cable_has_nobody_to_keep_apart(void **state)
{
	struct model m = cable_of("10.0.1.0/24", NULL);

	(void)state;
	m.networks[0].icc = false;

	assert_finding(&m, "network 'link': type p2p with icc off", "usage",
		       EXIT_USAGE);
	model_free(&m);
}

/* ------------------------------------------------------------------ plan */

static void assert_plan(const struct model *a, const struct model *b,
			const char *expected)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct plan plan;

	assert_non_null(out);
	assert_int_equal(plan_make(a, b, &plan), 0);
	plan_print(&plan, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	plan_free(&plan);
}

static void plan_turns_the_host_link_into_a_cable_and_back(void **state)
{
	struct model a = cable_of("10.0.1.0/24", NULL), b;

	(void)state;
	add_end(&a, "a", NULL);
	fill(&a, &none);
	b = with_end(&a, "b", NULL);

	assert_plan(&a, &b,
		    "- endpoint a\n"
		    "~ network link gateway none\n"
		    "+ netns b\n"
		    "+ endpoint a link 10.0.1.2\n"
		    "+ endpoint b link 10.0.1.3\n");
	assert_plan(&b, &a,
		    "- endpoint a\n"
		    "- endpoint b\n"
		    "- netns b\n"
		    "~ network link gateway 10.0.1.1\n"
		    "+ endpoint a link 10.0.1.2\n");
	model_free(&a);
	model_free(&b);
}

static void changed_end_takes_the_other_one_along(void **state)
{
	struct model a = cable_of("10.0.1.0/24", NULL), b;

	(void)state;
	add_end(&a, "a", NULL);
	add_end(&a, "b", NULL);
	fill(&a, &none);
	assert_int_equal(model_copy(&a, &b), 0);
	b.endpoints[1].mac[5]++;

	assert_plan(&a, &b,
		    "- endpoint a\n"
		    "- endpoint b\n"
		    "+ endpoint a link 10.0.1.1\n"
		    "+ endpoint b link 10.0.1.2\n");
	model_free(&a);
	model_free(&b);
}

/* The default route inside leads to it. */
static void other_gateway_replaces_the_endpoint(void **state)
{
	struct model a = cable_of("10.0.1.0/24", NULL);
	struct model b = cable_of("10.0.1.0/24", "10.0.1.254");

	(void)state;
	add_end(&a, "a", NULL);
	add_end(&b, "a", NULL);
	fill(&a, &none);
	fill(&b, &a);

	assert_plan(&a, &b,
		    "- endpoint a\n"
		    "~ network link gateway fixed gateway 10.0.1.254\n"
		    "+ endpoint a link 10.0.1.2\n");
	model_free(&a);
	model_free(&b);
}

static void naming_the_gateway_disturbs_nobody(void **state)
{
	struct model a = cable_of("10.0.1.0/24", NULL);
	struct model b = cable_of("10.0.1.0/24", "10.0.1.1");

	(void)state;
	add_end(&a, "a", NULL);
	add_end(&b, "a", NULL);
	fill(&a, &none);
	fill(&b, &a);

	assert_plan(&a, &b, "~ network link gateway fixed\n");
	assert_plan(&b, &a, "~ network link gateway open\n");
	model_free(&a);
	model_free(&b);
}

static size_t count_steps(const struct plan *plan, enum step_op op,
			  const struct cable *cable)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->nsteps; i++) {
		const struct step *step = &plan->steps[i];
		const struct endpoint *e =
			op == STEP_ADD ? step->new : step->old;

		count += step->op == op && step->kind == OBJECT_ENDPOINT &&
			 (e == cable->ends[0] || e == cable->ends[1]);
	}
	return count;
}

/* All ends of a cable or none: whoever removes one has removed the device. */
static void assert_together(const struct plan *plan, const struct model *m,
			    enum step_op op)
{
	struct cables cables;

	assert_int_equal(cables_make(m, &cables), 0);
	for (size_t i = 0; i < m->nnetworks; i++) {
		const struct cable *cable =
			cables_find(&cables, m->networks[i].name);
		size_t count;

		if (!cable_is_direct(cable))
			continue;
		count = count_steps(plan, op, cable);
		assert_true(count == 0 || count == 2);
	}
	cables_free(&cables);
}

static void ends_of_a_cable_come_and_go_together(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct model a = random_model(seed);
		struct model b = random_model(seed + 1000);
		struct plan plan;

		assert_int_equal(model_fill(&a, &none, NULL), 0);
		assert_int_equal(model_fill(&b, &a, NULL), 0);
		assert_int_equal(plan_make(&a, &b, &plan), 0);

		assert_together(&plan, &a, STEP_DEL);
		assert_together(&plan, &b, STEP_ADD);
		plan_free(&plan);
		model_free(&a);
		model_free(&b);
	}
}

static void other_end_is_found(void **state)
{
	struct model m = cable_of("10.0.1.0/24", NULL);
	struct network lan = { .name = "lan" };

	(void)state;
	add_end(&m, "a", NULL);
	assert_null(cable_find_other(&m, &m.endpoints[0]));

	add_end(&m, "b", NULL);
	assert_ptr_equal(cable_find_other(&m, &m.endpoints[0]),
			 &m.endpoints[1]);
	assert_ptr_equal(cable_find_other(&m, &m.endpoints[1]),
			 &m.endpoints[0]);

	model_add_network(&m, &lan);
	strcpy(m.endpoints[0].network, "lan");
	strcpy(m.endpoints[1].network, "lan");
	assert_null(cable_find_other(&m, &m.endpoints[0]));
	model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_has_the_other_end_of_one_endpoint),
		cmocka_unit_test(two_endpoints_leave_the_host_out),
		cmocka_unit_test(host_gives_way_to_the_endpoints_address),
		cmocka_unit_test(chosen_gateway_gives_way_later),
		cmocka_unit_test(second_endpoint_makes_the_cable_direct),
		cmocka_unit_test(who_is_left_keeps_its_address),
		cmocka_unit_test(who_is_left_gets_its_address_back),
		cmocka_unit_test(named_gateway_does_not_give_way),
		cmocka_unit_test(bridge_that_becomes_a_cable_loses_its_device),
		cmocka_unit_test(
			cable_that_becomes_a_bridge_moves_who_had_the_first_address),
		cmocka_unit_test(third_endpoint_is_refused),
		cmocka_unit_test(
			second_endpoint_is_refused_where_the_host_has_an_end),
		cmocka_unit_test(nothing_is_published_past_the_host),
		cmocka_unit_test(no_rule_names_what_does_not_pass_the_host),
		cmocka_unit_test(rules_about_a_cable_to_the_host_are_in_order),
		cmocka_unit_test(cable_has_nobody_to_keep_apart),
		cmocka_unit_test(
			plan_turns_the_host_link_into_a_cable_and_back),
		cmocka_unit_test(changed_end_takes_the_other_one_along),
		cmocka_unit_test(other_gateway_replaces_the_endpoint),
		cmocka_unit_test(naming_the_gateway_disturbs_nobody),
		cmocka_unit_test(ends_of_a_cable_come_and_go_together),
		cmocka_unit_test(other_end_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
