/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_plan - plans are empty, complete and in an order that can be applied */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/fill.h"
#include "model/plan.h"
#include "random_model.h"

#define SEEDS 3000
/* Each one is walked back from every step. */
#define UNDO_SEEDS 600

static struct model filled(uint64_t seed, const struct model *actual)
{
	struct model m = random_model(seed);
	struct err err;

	if (model_fill(&m, actual, &err))
		fail_msg("seed %lu: %s", (unsigned long)seed, err.text);
	return m;
}

static struct plan plan_of(const struct model *a, const struct model *b)
{
	struct plan plan;

	assert_int_equal(plan_make(a, b, &plan), 0);
	return plan;
}

static struct publish *find_equal_publish(const struct model *m,
					  const struct publish *p)
{
	for (size_t i = 0; i < m->npublishes; i++)
		if (publish_equal(&m->publishes[i], p))
			return &m->publishes[i];
	return NULL;
}

/*
 * What apply does to the kernel, done to a model. Every step insists on what
 * the real one needs: nothing is made twice, nothing is removed while used,
 * nothing stands on what is not there.
 */
static void do_add(struct model *m, const struct step *step)
{
	const struct endpoint *e = step->new;
	const struct publish *p = step->new;

	assert_null(step->old);
	switch (step->kind) {
	case OBJECT_NETNS:
		assert_null(model_find_netns(m, step->new));
		model_add_netns(m, step->new);
		break;
	case OBJECT_NETWORK:
		assert_null(model_find_network(m, step->new));
		model_add_network(m, step->new);
		break;
	case OBJECT_ENDPOINT:
		assert_null(model_find_endpoint(m, e->name));
		assert_non_null(model_find_network(m, e->network));
		if (name_is_valid(e->netns))
			assert_non_null(model_find_netns(m, e->netns));
		model_add_endpoint(m, e);
		break;
	case OBJECT_PUBLISH:
		assert_null(model_find_publish(m, p));
		assert_non_null(model_find_endpoint(m, p->endpoint));
		model_add_publish(m, p);
		break;
	case OBJECT_UPLINK:
		assert_null(model_find_uplink(m, step->new));
		model_add_uplink(m, step->new);
		break;
	default:
		fail_msg("kind %d cannot be added", (int)step->kind);
	}
}

static void do_del_endpoint(struct model *m, const struct endpoint *e)
{
	for (size_t i = 0; i < m->npublishes; i++)
		assert_string_not_equal(m->publishes[i].endpoint, e->name);
	model_del_endpoint(m, model_find_endpoint(m, e->name));
}

static void do_del(struct model *m, const struct step *step)
{
	assert_null(step->new);
	switch (step->kind) {
	case OBJECT_NETNS:
		for (size_t i = 0; i < m->nendpoints; i++)
			assert_string_not_equal(m->endpoints[i].netns,
						step->old);
		model_del_netns(m, model_find_netns(m, step->old));
		break;
	case OBJECT_NETWORK:
		for (size_t i = 0; i < m->nendpoints; i++)
			assert_string_not_equal(m->endpoints[i].network,
						step->old);
		model_del_network(m, model_find_network(m, step->old));
		break;
	case OBJECT_ENDPOINT:
		do_del_endpoint(m, step->old);
		break;
	case OBJECT_PUBLISH:
		model_del_publish(m, find_equal_publish(m, step->old));
		break;
	case OBJECT_UPLINK:
		model_del_uplink(m, model_find_uplink(m, step->old));
		break;
	default:
		fail_msg("kind %d cannot be removed", (int)step->kind);
	}
}

static void do_set_rules(struct model *m, const struct model *desired)
{
	while (m->nrules)
		model_del_rule(m, m->rules);
	for (size_t i = 0; i < desired->nrules; i++)
		model_add_rule(m, &desired->rules[i], SIZE_MAX);
}

static void do_set(struct model *m, const struct step *step,
		   const struct model *desired)
{
	switch (step->kind) {
	case OBJECT_SETTINGS:
		m->settings = desired->settings;
		break;
	case OBJECT_RULE:
		assert_int_equal(step->count, desired->nrules);
		do_set_rules(m, desired);
		break;
	case OBJECT_NETNS:
		*model_find_netns(m, step->old) =
			*(const struct netns *)step->new;
		break;
	case OBJECT_NETWORK:
		*model_find_network(m, step->old) =
			*(const struct network *)step->new;
		break;
	case OBJECT_UPLINK:
		*model_find_uplink(m, step->old) =
			*(const struct uplink *)step->new;
		break;
	default:
		fail_msg("kind %d cannot be changed", (int)step->kind);
	}
}

static void do_step(struct model *m, const struct step *step,
		    const struct model *desired)
{
	if (step->op == STEP_ADD)
		do_add(m, step);
	else if (step->op == STEP_DEL)
		do_del(m, step);
	else
		do_set(m, step, desired);
}

static void apply(struct model *m, const struct plan *plan,
		  const struct model *desired)
{
	for (size_t i = 0; i < plan->nsteps; i++)
		do_step(m, &plan->steps[i], desired);
}

/* The opposite of a step, which insists on the same. */
static void undo_step(struct model *m, const struct step *step,
		      const struct model *actual)
{
	struct step back = { .kind = step->kind,
			     .old = step->new,
			     .new = step->old,
			     .count = actual->nrules };

	back.op = step->op == STEP_ADD ? STEP_DEL :
		  step->op == STEP_DEL ? STEP_ADD :
					 STEP_SET;
	do_step(m, &back, actual);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int compare_ports(const void *a, const void *b)
{
	const struct publish *left = a, *right = b;

	return (int)left->id - (int)right->id;
}

static void sort(void *items, size_t count, size_t size,
		 int (*compare)(const void *, const void *))
{
	if (count)
		qsort(items, count, size, compare);
}

/* A plan does not promise the order of objects, only that of rules. */
static void sort_model(struct model *m)
{
	sort(m->netns, m->nnetns, sizeof(*m->netns), compare_names);
	sort(m->networks, m->nnetworks, sizeof(*m->networks), compare_names);
	sort(m->endpoints, m->nendpoints, sizeof(*m->endpoints), compare_names);
	sort(m->publishes, m->npublishes, sizeof(*m->publishes), compare_ports);
	sort(m->uplinks, m->nuplinks, sizeof(*m->uplinks), compare_names);
}

static void plan_of_a_model_with_itself_is_empty(void **state)
{
	struct model none;

	(void)state;
	model_init(&none);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct model m = filled(seed, &none);
		struct plan plan = plan_of(&m, &m);

		assert_int_equal(plan.nsteps, 0);
		plan_free(&plan);
		model_free(&m);
	}
}

static void applied_plan_makes_the_wanted_model(void **state)
{
	struct model none;

	(void)state;
	model_init(&none);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct model a = filled(seed, &none);
		struct model b = filled(seed + 1000, &a);
		struct plan plan = plan_of(&a, &b);
		struct model copy;

		assert_int_equal(model_copy(&a, &copy), 0);
		apply(&copy, &plan, &b);

		sort_model(&copy);
		plan_free(&plan);
		sort_model(&b);
		assert_true(model_equal(&copy, &b));
		model_free(&a);
		model_free(&b);
		model_free(&copy);
	}
}

/* As apply does them: namespaces go when all else is done. */
static size_t steps_in_order(const struct plan *plan, const struct step **ret)
{
	size_t count = 0;

	for (int final = 0; final < 2; final++)
		for (size_t i = 0; i < plan->nsteps; i++)
			if (final == (plan->steps[i].op == STEP_DEL &&
				      plan->steps[i].kind == OBJECT_NETNS))
				ret[count++] = &plan->steps[i];
	return count;
}

/* There and back again, from as far as each step of the way. */
static void assert_undone(const struct model *a, const struct model *b,
			  const struct plan *plan)
{
	const struct step **steps = calloc(plan->nsteps + 1, sizeof(*steps));
	size_t count;
	struct model m;

	assert_non_null(steps);
	count = steps_in_order(plan, steps);
	assert_int_equal(model_copy(a, &m), 0);
	sort_model(&m);
	for (size_t done = 1; done <= count; done++) {
		for (size_t i = 0; i < done; i++)
			do_step(&m, steps[i], b);
		for (size_t i = done; i-- > 0;)
			undo_step(&m, steps[i], a);
		sort_model(&m);
		assert_true(model_equal(&m, a));
	}
	model_free(&m);
	free(steps);
}

static void every_beginning_of_a_plan_can_be_undone(void **state)
{
	struct model none;

	(void)state;
	model_init(&none);
	for (uint64_t seed = 0; seed < UNDO_SEEDS; seed++) {
		struct model a = filled(seed, &none);
		struct model b = filled(seed + 1000, &a);
		struct plan plan, up = plan_of(&none, &b);

		/* Undoing does not promise an order, either. */
		sort_model(&a);
		plan = plan_of(&a, &b);
		assert_undone(&a, &b, &plan);
		assert_undone(&none, &b, &up);
		plan_free(&plan);
		plan_free(&up);
		model_free(&a);
		model_free(&b);
	}
}

/* Neither to nor from nothing: the first and the last life of an instance. */
static void everything_can_be_made_and_removed(void **state)
{
	struct model none;

	(void)state;
	model_init(&none);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct model b = filled(seed, &none);
		struct plan up = plan_of(&none, &b);
		struct plan down = plan_of(&b, &none);
		struct model m;

		model_init(&m);
		apply(&m, &up, &b);
		apply(&m, &down, &none);

		assert_true(model_equal(&m, &none));
		plan_free(&up);
		plan_free(&down);
		model_free(&b);
		model_free(&m);
	}
}

static void removals_come_before_additions_and_policy_last(void **state)
{
	struct model none;

	(void)state;
	model_init(&none);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct model a = filled(seed, &none);
		struct model b = filled(seed + 1, &a);
		struct plan plan = plan_of(&a, &b);
		bool going = true;

		for (size_t i = 0; i < plan.nsteps; i++) {
			if (plan.steps[i].op == STEP_DEL)
				assert_true(going);
			else
				going = false;
			if (plan.steps[i].kind == OBJECT_RULE)
				assert_int_equal(i, plan.nsteps - 1);
		}
		plan_free(&plan);
		model_free(&a);
		model_free(&b);
	}
}

/* One network with one endpoint, one port and one rule that names it. */
static struct model small_model(void)
{
	struct network network = { .name = "lan", .icc = true };
	struct endpoint endpoint = { .name = "web", .network = "lan" };
	struct policy_rule rule = { .name = "r", .action = RULE_ALLOW };
	struct publish publish;
	struct model m, none;

	model_init(&none);
	model_init(&m);
	model_add_network(&m, &network);
	model_add_endpoint(&m, &endpoint);
	publish_parse_listen("80", &publish, NULL);
	strcpy(publish.endpoint, "web");
	model_add_publish(&m, &publish);
	policy_peer_parse("web", &rule.to, NULL);
	model_add_rule(&m, &rule, SIZE_MAX);
	assert_int_equal(model_fill(&m, &none, NULL), 0);
	return m;
}

static void assert_plan(const struct model *a, const struct model *b,
			const char *expected)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct plan plan = plan_of(a, b);

	assert_non_null(out);
	plan_print(&plan, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	plan_free(&plan);
}

static void network_settings_change_in_place(void **state)
{
	struct model a = small_model();
	struct model b = small_model();

	(void)state;
	b.networks[0].internal = true;
	b.networks[0].icc = false;
	b.networks[0].mtu = 1400;

	assert_plan(&a, &b, "~ network lan internal on icc off mtu 1400\n");
	model_free(&a);
	model_free(&b);
}

static void new_subnet_takes_everything_along(void **state)
{
	struct model a = small_model();
	struct model b = small_model();

	(void)state;
	b.networks[0].subnets[0].addr = ipv4(10, 99, 0, 0);

	assert_plan(&a, &b,
		    "- port 80/tcp\n"
		    "- endpoint web\n"
		    "- network lan\n"
		    "+ network lan 10.99.0.0/24 fd90::/64\n"
		    "+ endpoint web lan 10.90.0.2 fd90::2\n"
		    "+ port 80/tcp -> web:80\n");
	model_free(&a);
	model_free(&b);
}

static void changed_endpoint_takes_its_ports_along(void **state)
{
	struct model a = small_model();
	struct model b = small_model();

	(void)state;
	b.endpoints[0].mac[5]++;

	assert_plan(&a, &b,
		    "- port 80/tcp\n"
		    "- endpoint web\n"
		    "+ endpoint web lan 10.90.0.2 fd90::2\n"
		    "+ port 80/tcp -> web:80\n");
	model_free(&a);
	model_free(&b);
}

/* The list says the same, but the number behind 'web' is another one. */
static void rules_follow_a_changed_slot(void **state)
{
	struct model a = small_model();
	struct model b = small_model();

	(void)state;
	b.endpoints[0].slot = 9;

	assert_plan(&a, &b,
		    "- port 80/tcp\n"
		    "- endpoint web\n"
		    "+ endpoint web lan 10.90.0.2 fd90::2\n"
		    "+ port 80/tcp -> web:80\n"
		    "~ policy 1 rule\n");
	model_free(&a);
	model_free(&b);
}

static void order_of_rules_is_a_change(void **state)
{
	struct policy_rule second = { .name = "s", .id = 2 };
	struct model a = small_model();
	struct model b = small_model();

	(void)state;
	model_add_rule(&a, &second, 0);
	model_add_rule(&b, &second, 1);

	assert_plan(&a, &b, "~ policy 2 rules\n");
	model_free(&a);
	model_free(&b);
}

static void plan_tells_what_of_a_list_changes(void **state)
{
	struct policy_rule more = { .name = "more", .id = 2 };
	struct uplink uplink = { .ifname = "eth0", .nsnat = 1 };
	struct model a = small_model();
	struct model b = small_model();

	(void)state;
	uplink.snat[0] = ipv4(203, 0, 113, 1);
	model_add_uplink(&a, &uplink);
	uplink.nsnat = 0;
	uplink.automatic = true;
	model_add_uplink(&b, &uplink);
	more.action = RULE_DENY;
	model_add_rule(&b, &more, 0);
	b.rules[1].log = true;
	model_add_rule(&a, &more, 0);
	snprintf(a.rules[0].name, sizeof(a.rules[0].name), "gone");
	b.settings.flows_max = 5000;
	b.settings.udp = 7;
	b.settings.nat_port_min = 40000;
	b.settings.nat_port_max = 50000;
	b.settings.intra_allow = false;

	assert_plan(&a, &b,
		    "~ settings intra deny nat_ports 40000-50000 flows.max "
		    "5000 flows.udp 7s\n"
		    "~ uplink eth0 snat auto by the default route\n"
		    "~ policy 2 rules\n"
		    "  - rule gone any -> any deny\n"
		    "  + rule more any -> any deny\n"
		    "  ~ rule r any -> web allow\n");
	model_free(&a);
	model_free(&b);
}

static void first_plan_prints_every_object(void **state)
{
	struct uplink uplink = { .ifname = "eth0", .nsnat = 1 };
	struct model b = small_model();
	struct model none;

	(void)state;
	uplink.snat[0] = ipv4(203, 0, 113, 1);
	model_add_uplink(&b, &uplink);
	b.settings.inter_allow = true;
	model_init(&none);

	assert_plan(&none, &b,
		    "~ settings inter allow\n"
		    "+ uplink eth0 snat 203.0.113.1\n"
		    "+ network lan 10.90.0.0/24 fd90::/64\n"
		    "+ netns web\n"
		    "+ endpoint web lan 10.90.0.2 fd90::2\n"
		    "+ port 80/tcp -> web:80\n"
		    "~ policy 1 rule\n"
		    "  + rule r any -> web allow\n");
	model_free(&b);
}

static void long_step_is_cut_not_overrun(void **state)
{
	struct model m = small_model();
	struct step step = {
		.op = STEP_ADD,
		.kind = OBJECT_ENDPOINT,
		.new = &m.endpoints[0],
	};
	char buf[12];

	(void)state;
	assert_string_equal(step_print(&step, buf, sizeof(buf)), "+ endpoint ");
	model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_of_a_model_with_itself_is_empty),
		cmocka_unit_test(applied_plan_makes_the_wanted_model),
		cmocka_unit_test(every_beginning_of_a_plan_can_be_undone),
		cmocka_unit_test(everything_can_be_made_and_removed),
		cmocka_unit_test(
			removals_come_before_additions_and_policy_last),
		cmocka_unit_test(network_settings_change_in_place),
		cmocka_unit_test(new_subnet_takes_everything_along),
		cmocka_unit_test(changed_endpoint_takes_its_ports_along),
		cmocka_unit_test(rules_follow_a_changed_slot),
		cmocka_unit_test(order_of_rules_is_a_change),
		cmocka_unit_test(first_plan_prints_every_object),
		cmocka_unit_test(plan_tells_what_of_a_list_changes),
		cmocka_unit_test(long_step_is_cut_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
