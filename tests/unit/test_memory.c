/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_memory - addresses go round, and none comes back while it has flows */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/fill.h"
#include "random_model.h"

#define ENDPOINTS 6
#define ROUNDS 400
#define SEEDS 60

/* What a control process has: what exists, what it remembers, and a table of
 * flows that it may ask. */
struct world {
	struct model actual;
	struct memory memory;
	struct ipset flows;
	int asked;
	struct err err;
};

static int ask(void *arg, struct ipset *set, struct err *err)
{
	struct world *world = arg;

	(void)err;
	world->asked++;
	for (size_t i = 0; i < world->flows.count; i++)
		if (ipset_add(set, &world->flows.list[i]))
			return -ENOMEM;
	return 0;
}

static struct ipaddr ip(const char *text)
{
	struct ipaddr ret;

	assert_int_equal(ip_parse(text, &ret), 0);
	return ret;
}

static void flow_begins(struct world *world, const struct ipaddr *at)
{
	assert_int_equal(ipset_add(&world->flows, at), 0);
	ipset_finish(&world->flows);
}

static void flow_ends(struct world *world, size_t which)
{
	struct ipset *flows = &world->flows;

	flows->list[which] = flows->list[--flows->count];
	flows->sorted = 0;
	ipset_finish(flows);
}

static void add_network(struct model *m, const char *name, const char *subnet,
			const char *first, const char *last)
{
	struct network n = { .icc = true, .masquerade = true, .nsubnets = 1 };

	strcpy(n.name, name);
	assert_int_equal(cidr_parse(subnet, &n.subnets[0]), 0);
	if (first) {
		n.range_first = ip(first);
		n.range_last = ip(last);
	}
	assert_non_null(model_add_network(m, &n));
}

static void world_make(struct world *world, const char *subnet,
		       const char *first, const char *last)
{
	memset(world, 0, sizeof(*world));
	world->memory.ask = ask;
	world->memory.arg = world;
	model_init(&world->actual);
	add_network(&world->actual, "apps", subnet, first, last);
}

static void world_free(struct world *world)
{
	model_free(&world->actual);
	memory_free(&world->memory);
	ipset_free(&world->flows);
}

/* What reconcile does: nothing is different where it fails. */
static int apply(struct world *world, struct model *desired)
{
	struct memory after;
	int ret;

	assert_int_equal(memory_copy(&world->memory, &after), 0);
	after.ask = ask;
	after.arg = world;
	ret = model_fill_remembering(desired, &world->actual, &after,
				     &world->err);
	if (ret) {
		memory_free(&after);
		model_free(desired);
		return ret;
	}
	memory_free(&world->memory);
	world->memory = after;
	model_free(&world->actual);
	world->actual = *desired;
	return 0;
}

static struct model wanted(const struct world *world)
{
	struct model desired;

	assert_int_equal(model_copy(&world->actual, &desired), 0);
	return desired;
}

static void add_endpoint(struct model *m, const char *name, const char *at)
{
	struct endpoint e = { .default_route = true };

	strcpy(e.name, name);
	strcpy(e.network, "apps");
	if (at) {
		e.ips[0] = ip(at);
		e.nips = 1;
	}
	assert_non_null(model_add_endpoint(m, &e));
}

static int attach(struct world *world, const char *name, const char *at)
{
	struct model desired = wanted(world);

	add_endpoint(&desired, name, at);
	return apply(world, &desired);
}

static void detach(struct world *world, const char *name)
{
	struct model desired = wanted(world);

	model_del_endpoint(&desired, model_find_endpoint(&desired, name));
	assert_int_equal(apply(world, &desired), 0);
}

static const struct ipaddr *ip_of(const struct world *world, const char *name)
{
	return &model_find_endpoint(&world->actual, name)->ips[0];
}

static void assert_ip(const struct world *world, const char *name,
		      const char *expected)
{
	char text[IP_TEXT_MAX];

	assert_string_equal(ip_print(ip_of(world, name), text), expected);
}

static void assert_gets(struct world *world, const char *name,
			const char *expected)
{
	if (attach(world, name, NULL))
		fail_msg("%s", world->err.text);
	assert_ip(world, name, expected);
}

static void assert_comes_and_goes(struct world *world, const char *expected)
{
	assert_gets(world, "passer-by", expected);
	detach(world, "passer-by");
}

static void pass_by(struct world *world)
{
	assert_int_equal(attach(world, "passer-by", NULL), 0);
	detach(world, "passer-by");
}

/* ------------------------------------------------------------ the circle */

static void address_given_back_is_the_last_to_come_again(void **state)
{
	struct world w;

	(void)state;
	world_make(&w, "10.0.0.0/29", NULL, NULL);

	assert_gets(&w, "stays", "10.0.0.2");

	assert_comes_and_goes(&w, "10.0.0.3");
	assert_comes_and_goes(&w, "10.0.0.4");
	assert_comes_and_goes(&w, "10.0.0.5");
	assert_comes_and_goes(&w, "10.0.0.6");
	assert_comes_and_goes(&w, "10.0.0.3");
	detach(&w, "stays");
	assert_comes_and_goes(&w, "10.0.0.4");
	world_free(&w);
}

static void ends_of_a_range_are_handed_out_and_no_more(void **state)
{
	struct world w;

	(void)state;
	world_make(&w, "10.0.0.0/24", "10.0.0.254", "10.0.0.254");
	assert_comes_and_goes(&w, "10.0.0.254");
	assert_comes_and_goes(&w, "10.0.0.254");
	world_free(&w);

	world_make(&w, "fd00::/64", "fd00::fffe", "fd00::1:0");
	assert_comes_and_goes(&w, "fd00::fffe");
	assert_comes_and_goes(&w, "fd00::ffff");
	assert_comes_and_goes(&w, "fd00::1:0");
	assert_comes_and_goes(&w, "fd00::fffe");
	world_free(&w);
}

static void last_address_of_ipv6_is_followed_by_the_first(void **state)
{
	struct world w;

	(void)state;
	world_make(&w, "fd00::/64", NULL, NULL);
	assert_int_equal(attach(&w, "last", "fd00::ffff:ffff:ffff:ffff"), 0);
	assert_comes_and_goes(&w, "fd00::2");
	w.memory.list[0].handed_out = ip("fd00::ffff:ffff:ffff:fffe");

	assert_comes_and_goes(&w, "fd00::2");

	detach(&w, "last");
	w.memory.list[0].handed_out = ip("fd00::ffff:ffff:ffff:fffe");
	assert_comes_and_goes(&w, "fd00::ffff:ffff:ffff:ffff");
	assert_comes_and_goes(&w, "fd00::2");
	world_free(&w);
}

static void another_range_goes_on_where_it_can(void **state)
{
	struct world w;

	(void)state;
	world_make(&w, "10.0.0.0/24", "10.0.0.10", "10.0.0.20");
	assert_comes_and_goes(&w, "10.0.0.10");
	assert_comes_and_goes(&w, "10.0.0.11");

	w.actual.networks[0].range_first = ip("10.0.0.5");
	assert_comes_and_goes(&w, "10.0.0.12");

	w.actual.networks[0].range_last = ip("10.0.0.9");
	assert_comes_and_goes(&w, "10.0.0.5");
	world_free(&w);
}

static void what_is_named_is_kept_for_whoever_named_it(void **state)
{
	struct model desired;
	struct world w;

	(void)state;
	world_make(&w, "10.0.0.0/29", NULL, NULL);
	desired = wanted(&w);
	add_endpoint(&desired, "open", NULL);
	add_endpoint(&desired, "named", "10.0.0.2");

	assert_int_equal(apply(&w, &desired), 0);

	assert_ip(&w, "open", "10.0.0.3");
	assert_ip(&w, "named", "10.0.0.2");
	world_free(&w);
}

static void memory_goes_with_its_network(void **state)
{
	struct model desired;
	struct world w;

	(void)state;
	world_make(&w, "10.0.0.0/29", NULL, NULL);
	assert_comes_and_goes(&w, "10.0.0.2");
	assert_int_equal(w.memory.count, 1);
	desired = wanted(&w);
	model_del_network(&desired, &desired.networks[0]);

	assert_int_equal(apply(&w, &desired), 0);

	assert_int_equal(w.memory.count, 0);
	world_free(&w);
}

/* -------------------------------------------------------------- with flows */

static void address_with_flows_is_passed_over(void **state)
{
	const struct ipaddr at = ip("fd00::2");
	struct world w;

	(void)state;
	world_make(&w, "fd00::/126", NULL, NULL);
	assert_comes_and_goes(&w, "fd00::2");
	flow_begins(&w, &at);

	assert_comes_and_goes(&w, "fd00::3");
	assert_comes_and_goes(&w, "fd00::3");

	flow_ends(&w, 0);
	assert_comes_and_goes(&w, "fd00::2");
	world_free(&w);
}

static void only_address_with_flows_is_refused_and_says_so(void **state)
{
	const struct ipaddr at = ip("10.0.0.2");
	struct world w;

	(void)state;
	world_make(&w, "10.0.0.0/30", NULL, NULL);
	assert_comes_and_goes(&w, "10.0.0.2");
	flow_begins(&w, &at);

	assert_int_equal(attach(&w, "web", NULL), -EBUSY);
	assert_int_equal(w.err.exit, EXIT_CONFLICT);
	assert_string_equal(w.err.kind, "flows-live");
	assert_non_null(strstr(w.err.hint, "flow del src 10.0.0.2"));

	/* Whoever names it knows what he does; and then it is just full. */
	assert_int_equal(attach(&w, "web", "10.0.0.2"), 0);
	assert_int_equal(attach(&w, "db", NULL), -ENOSPC);
	assert_string_equal(w.err.kind, "subnet-full");
	world_free(&w);
}

/* What goes in the same change is free for what comes, unless it has flows. */
static void address_of_who_goes_now_is_asked_about(void **state)
{
	const struct ipaddr at = ip("10.0.0.2");
	struct model desired;
	struct world w;

	(void)state;
	world_make(&w, "10.0.0.0/30", NULL, NULL);
	assert_gets(&w, "old", "10.0.0.2");
	flow_begins(&w, &at);
	for (int i = 0; i < 2; i++) {
		desired = wanted(&w);
		model_del_endpoint(&desired,
				   model_find_endpoint(&desired, "old"));
		add_endpoint(&desired, "new", NULL);
		assert_int_equal(apply(&w, &desired), i ? 0 : -EBUSY);
		if (!i)
			flow_ends(&w, 0);
	}
	assert_ip(&w, "new", "10.0.0.2");
	world_free(&w);
}

/* The answer is older than the end of who goes. */
static void flow_that_begins_after_the_question_counts(void **state)
{
	const struct ipaddr at = ip("10.0.0.2");
	struct model desired;
	struct world w;

	(void)state;
	world_make(&w, "10.0.0.0/29", NULL, NULL);
	assert_int_equal(attach(&w, "old", "10.0.0.2"), 0);
	desired = wanted(&w);
	model_del_endpoint(&desired, model_find_endpoint(&desired, "old"));
	add_endpoint(&desired, "new", NULL);
	assert_int_equal(apply(&w, &desired), 0);
	assert_ip(&w, "new", "10.0.0.3");
	assert_int_equal(w.asked, 1);

	flow_begins(&w, &at);

	assert_comes_and_goes(&w, "10.0.0.4");
	assert_comes_and_goes(&w, "10.0.0.5");
	assert_comes_and_goes(&w, "10.0.0.6");
	assert_comes_and_goes(&w, "10.0.0.4");
	world_free(&w);
}

static void flows_are_asked_for_once_a_round(void **state)
{
	struct world w;
	char name[16];

	(void)state;
	world_make(&w, "10.0.0.0/24", NULL, NULL);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "e%d", i);
		assert_int_equal(attach(&w, name, NULL), 0);
	}
	assert_int_equal(w.asked, 1);

	/* 254 - the gateway's - 10: a round, and the first of the next one. */
	for (int i = 0; i < 243; i++)
		pass_by(&w);
	assert_int_equal(w.asked, 1);
	pass_by(&w);
	assert_int_equal(w.asked, 2);
	world_free(&w);
}

static void who_names_addresses_asks_nobody(void **state)
{
	struct world w;

	(void)state;
	world_make(&w, "10.0.0.0/24", NULL, NULL);
	assert_int_equal(attach(&w, "web", "10.0.0.9"), 0);
	detach(&w, "web");

	assert_int_equal(w.asked, 0);
	assert_int_equal(w.memory.count, 0);
	world_free(&w);
}

/* ---------------------------------------------------------------- property */

/* Flows begin at an address only while somebody has it. */
static void traffic(struct world *w, struct dice *dice)
{
	size_t count = w->actual.nendpoints;

	if (count && dice_roll(dice, 2))
		flow_begins(
			w, &w->actual.endpoints[dice_roll(dice, count)].ips[0]);
	if (w->flows.count && !dice_roll(dice, 3))
		flow_ends(w, dice_roll(dice, w->flows.count));
}

static bool is_held(const struct world *w, const struct ipaddr *at)
{
	for (size_t i = 0; i < w->actual.nendpoints; i++)
		if (ip_equal(&w->actual.endpoints[i].ips[0], at))
			return true;
	return ip_equal(&w->actual.networks[0].gateways[0], at);
}

static bool is_free(const struct world *w, const struct ipaddr *at)
{
	return !is_held(w, at) && !ipset_has(&w->flows, at);
}

static size_t count_free(const struct world *w, const struct ipaddr *first,
			 const struct ipaddr *last)
{
	size_t count = 0;

	for (struct ipaddr at = *first; ip_compare(&at, last) <= 0;
	     at = ip_add(&at, 1))
		count += is_free(w, &at);
	return count;
}

/* Whatever the cursor says it knows, is so. */
static void assert_knows(const struct world *w)
{
	for (size_t i = 0; i < w->memory.count; i++) {
		const struct cursor *c = &w->memory.list[i];

		assert_true(cursor_is_valid(c));
		for (struct ipaddr at = c->first;
		     ip_compare(&at, &c->last) <= 0; at = ip_add(&at, 1))
			if (cursor_knows_free(c, &at) && !is_held(w, &at))
				assert_false(ipset_has(&w->flows, &at));
	}
}

static void assert_was_free(const struct world *w, const struct ipaddr *at,
			    const struct ipaddr *first,
			    const struct ipaddr *last)
{
	assert_true(ip_compare(first, at) <= 0 && ip_compare(at, last) <= 0);
	assert_false(ip_equal(at, &w->actual.networks[0].gateways[0]));
	assert_false(ipset_has(&w->flows, at));
	/* The newest one is the last. */
	for (size_t i = 0; i + 1 < w->actual.nendpoints; i++)
		assert_false(ip_equal(&w->actual.endpoints[i].ips[0], at));
}

static void attach_open(struct world *w, const char *name,
			const struct ipaddr *first, const struct ipaddr *last)
{
	size_t count = count_free(w, first, last);
	int ret = attach(w, name, NULL);

	if (!count) {
		assert_int_not_equal(ret, 0);
		return;
	}
	assert_int_equal(ret, 0);
	assert_was_free(w, ip_of(w, name), first, last);
}

static void attach_named(struct world *w, const char *name,
			 const struct ipaddr *at, const struct ipaddr *last)
{
	char text[IP_TEXT_MAX];

	if (ip_compare(at, last) <= 0 && !is_held(w, at))
		assert_int_equal(attach(w, name, ip_print(at, text)), 0);
}

static void run_rounds(const char *subnet, const char *range_first,
		       const char *range_last, uint64_t seed)
{
	struct dice dice = { seed };
	struct ipaddr first, last, at;
	struct world w;
	struct cidr all;
	char name[16];

	assert_int_equal(cidr_parse(subnet, &all), 0);
	first = range_first ? ip(range_first) : cidr_first(&all);
	last = range_first ? ip(range_last) : cidr_last(&all);
	world_make(&w, subnet, range_first, range_last);
	for (int i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof(name), "e%u",
			 (unsigned int)dice_roll(&dice, ENDPOINTS));
		at = ip_add(&first, (long)dice_roll(&dice, 8));
		if (model_find_endpoint(&w.actual, name))
			detach(&w, name);
		else if (dice_roll(&dice, 4))
			attach_open(&w, name, &first, &last);
		else
			attach_named(&w, name, &at, &last);
		traffic(&w, &dice);
		assert_knows(&w);
	}
	world_free(&w);
}

static void no_address_is_handed_out_that_is_not_free(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		run_rounds("10.0.0.0/29", NULL, NULL, seed);
		run_rounds("10.0.0.0/30", NULL, NULL, seed);
		run_rounds("10.0.0.0/24", "10.0.0.250", "10.0.0.254", seed);
		run_rounds("fd00::/125", NULL, NULL, seed);
		run_rounds("fd00::/64", "fd00::fffd", "fd00::1:2", seed);
	}
}

/* ------------------------------------------------------------------- ipset */

static void set_has_what_was_added_once(void **state)
{
	const struct ipaddr first = ip("fd00::"), none = ip("fd00::1000:0");
	_cleanup_ipset_ struct ipset set = {};

	(void)state;
	assert_false(ipset_has(&set, &first));
	for (long i = 0; i < 100000; i++) {
		struct ipaddr at = ip_add(&first, i * 7919 % 3000);

		assert_int_equal(ipset_add(&set, &at), 0);
	}
	ipset_finish(&set);

	assert_int_equal(set.count, 3000);
	assert_true(set.room < 10000);
	for (long i = 0; i < 3000; i++) {
		struct ipaddr at = ip_add(&first, i);

		assert_true(ip_equal(&set.list[i], &at));
		assert_true(ipset_has(&set, &at));
	}
	assert_false(ipset_has(&set, &none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_given_back_is_the_last_to_come_again),
		cmocka_unit_test(ends_of_a_range_are_handed_out_and_no_more),
		cmocka_unit_test(last_address_of_ipv6_is_followed_by_the_first),
		cmocka_unit_test(another_range_goes_on_where_it_can),
		cmocka_unit_test(what_is_named_is_kept_for_whoever_named_it),
		cmocka_unit_test(memory_goes_with_its_network),
		cmocka_unit_test(address_with_flows_is_passed_over),
		cmocka_unit_test(
			only_address_with_flows_is_refused_and_says_so),
		cmocka_unit_test(address_of_who_goes_now_is_asked_about),
		cmocka_unit_test(flow_that_begins_after_the_question_counts),
		cmocka_unit_test(flows_are_asked_for_once_a_round),
		cmocka_unit_test(who_names_addresses_asks_nobody),
		cmocka_unit_test(no_address_is_handed_out_that_is_not_free),
		cmocka_unit_test(set_has_what_was_added_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
