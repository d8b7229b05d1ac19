/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_config - printed models are read back, broken files are refused */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "lib/cleanup.h"
#include "lib/file.h"
#include "model/check.h"
#include "model/fill.h"
#include "model/plan.h"
#include "random_model.h"

#define SEEDS 200
#define EXAMPLE "examples/three-tier.yaml"

typedef void (*print_model)(const struct model *model, FILE *out);

static void ignore_line(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static void show_line(void *arg, const char *line)
{
	(void)arg;
	print_error("%s\n", line);
}

static void keep_line(void *arg, const char *line)
{
	snprintf(arg, 256, "%s", line);
}

static char *printed(const struct model *m, print_model print)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print(m, out);
	fclose(out);
	return text;
}

static struct model parsed(const char *text)
{
	struct model m;
	struct err err;

	if (config_parse("test", text, strlen(text), show_line, NULL, &m, &err))
		fail_msg("%s in\n%s", err.text, text);
	return m;
}

/* A model that was printed, read and filled is the one that runs. */
static void assert_survives(const struct model *m, print_model print)
{
	_cleanup_free_ char *once = printed(m, print);
	_cleanup_free_ char *twice = NULL;
	struct model again = parsed(once);
	struct plan plan;
	struct err err;

	twice = printed(&again, print);
	assert_string_equal(once, twice);

	if (model_fill(&again, m, &err))
		fail_msg("%s", err.text);
	assert_int_equal(plan_make(m, &again, &plan), 0);
	if (plan.nsteps)
		plan_print(&plan, stderr);
	assert_int_equal(plan.nsteps, 0);
	plan_free(&plan);
	model_free(&again);
}

static void printed_model_is_read_back(void **state)
{
	struct model none;

	(void)state;
	model_init(&none);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct model m = random_model(seed);
		struct err err;

		if (model_fill(&m, &none, &err))
			fail_msg("%s", err.text);
		assert_survives(&m, config_print);
		assert_survives(&m, config_print_json);
		model_free(&m);
	}
}

/* Also before anything is filled, when optional parts are missing. */
static void printing_what_was_read_is_a_fixed_point(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct model m = random_model(seed);
		_cleanup_free_ char *once = printed(&m, config_print);
		struct model again = parsed(once);
		_cleanup_free_ char *twice = printed(&again, config_print);

		assert_string_equal(once, twice);
		model_free(&m);
		model_free(&again);
	}
}

static void everything_read_has_the_origin_file(void **state)
{
	struct model m = parsed("version: 1\n"
				"uplinks: [eth0]\n"
				"networks: {lan: }\n"
				"netns: {box: }\n"
				"endpoints: {web: {network: lan}}\n"
				"publish: [80 -> web]\n"
				"policy: [{from: any, to: any, deny: true}]\n");

	(void)state;
	assert_int_equal(m.uplinks[0].origin, ORIGIN_FILE);
	assert_int_equal(m.networks[0].origin, ORIGIN_FILE);
	assert_int_equal(m.netns[0].origin, ORIGIN_FILE);
	assert_int_equal(m.endpoints[0].origin, ORIGIN_FILE);
	assert_int_equal(m.publishes[0].origin, ORIGIN_FILE);
	assert_int_equal(m.rules[0].origin, ORIGIN_FILE);
	model_free(&m);
}

static void automatic_uplinks_and_implied_netns_are_not_printed(void **state)
{
	struct uplink uplink = { .ifname = "eth0", .automatic = true };
	struct netns netns = { .name = "box", .implied = true };
	_cleanup_free_ char *text = NULL;
	struct model m;

	(void)state;
	model_init(&m);
	model_add_uplink(&m, &uplink);
	model_add_netns(&m, &netns);

	text = printed(&m, config_print);

	assert_null(strstr(text, "eth0"));
	assert_null(strstr(text, "box"));
	assert_non_null(strstr(text, "uplink: auto"));
	model_free(&m);
}

static void one_entry_makes_an_endpoint_in_each_network(void **state)
{
	struct model m = parsed("version: 1\n"
				"networks: {a: , b: }\n"
				"endpoints:\n"
				"  web: {networks: [a, b]}\n");

	(void)state;
	assert_int_equal(m.nendpoints, 2);
	assert_string_equal(m.endpoints[0].name, "web");
	assert_string_equal(m.endpoints[0].network, "a");
	assert_string_equal(m.endpoints[0].ifname, "eth0");
	assert_true(m.endpoints[0].default_route);
	assert_string_equal(m.endpoints[1].name, "web.b");
	assert_string_equal(m.endpoints[1].network, "b");
	assert_string_equal(m.endpoints[1].ifname, "eth1");
	assert_false(m.endpoints[1].default_route);
	assert_string_equal(m.endpoints[0].netns, "web");
	assert_string_equal(m.endpoints[1].netns, "web");
	model_free(&m);
}

/*
 * Cut at any byte, the example is refused or says less, but never says what it
 * did not say; under the sanitizers this also walks every error path.
 */
static void cut_file_is_never_taken_for_the_whole(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct model m, whole;
	struct err err;
	size_t len, end;

	(void)state;
	assert_int_equal(file_read(EXAMPLE, &text, &len, &err), 0);
	whole = parsed(text);
	end = (size_t)(strrchr(text, '}') - text);
	for (size_t cut = 0; cut < end; cut++) {
		if (config_parse("cut", text, cut, ignore_line, NULL, &m, &err))
			continue;
		assert_false(model_equal(&m, &whole));
		model_free(&m);
	}
	model_free(&whole);
}

static void cut_json_is_refused_at_every_byte(void **state)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *json = NULL;
	struct model m, whole;
	struct err err;
	size_t len;

	(void)state;
	assert_int_equal(file_read(EXAMPLE, &text, &len, &err), 0);
	whole = parsed(text);
	json = printed(&whole, config_print_json);
	for (size_t cut = 0; cut + 2 < strlen(json); cut++)
		assert_int_not_equal(config_parse("cut", json, cut, ignore_line,
						  NULL, &m, &err),
				     0);
	model_free(&whole);
}

/* Flipped bytes make any kind of nonsense; none may crash or pass unchecked. */
static void damaged_files_do_no_harm(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct dice dice = { 1 };
	struct model m;
	struct err err;
	size_t len;

	(void)state;
	assert_int_equal(file_read(EXAMPLE, &text, &len, &err), 0);
	for (int i = 0; i < 3000; i++) {
		size_t at = dice_roll(&dice, len);
		char kept = text[at];

		text[at] = (char)dice_roll(&dice, 256);
		if (!config_parse("damaged", text, len, ignore_line, NULL, &m,
				  &err)) {
			assert_int_equal(model_check(&m, NULL, NULL), 0);
			model_free(&m);
		}
		if (dice_roll(&dice, 4))
			text[at] = kept;
	}
}

static void result_is_untouched_on_failure(void **state)
{
	static const char text[] = "version: 2\n";
	struct model m = { .nrules = 77 };
	struct err err;

	(void)state;
	assert_int_equal(config_parse("x", text, strlen(text), ignore_line,
				      NULL, &m, &err),
			 -EINVAL);

	assert_int_equal(m.nrules, 77);
	assert_int_equal(err.exit, EXIT_USAGE);
	assert_string_equal(err.text, "x: 1 error");
}

static void conflicts_alone_exit_with_conflict(void **state)
{
	static const char text[] = "version: 1\n"
				   "networks:\n"
				   "  a: {subnets: 10.0.0.0/24}\n"
				   "  b: {subnets: 10.0.0.0/24}\n";
	char line[256] = "";
	struct model m;
	struct err err;

	(void)state;
	assert_int_not_equal(config_parse("x", text, strlen(text), keep_line,
					  line, &m, &err),
			     0);

	assert_int_equal(err.exit, EXIT_CONFLICT);
	assert_string_equal(line, "x:4:3: network 'b': subnet 10.0.0.0/24 "
				  "overlaps 10.0.0.0/24 of network 'a'");
}

static void missing_file_is_not_found(void **state)
{
	struct model m;
	struct err err;

	(void)state;
	assert_int_not_equal(config_read("/nonexistent/file.yaml", ignore_line,
					 NULL, &m, NULL, &err),
			     0);
	assert_int_equal(err.exit, EXIT_NOT_FOUND);
}

static void the_example_is_valid(void **state)
{
	struct model m;
	struct err err;

	(void)state;
	assert_int_equal(config_read(EXAMPLE, show_line, NULL, &m, NULL, &err),
			 0);

	assert_int_equal(m.nnetworks, 3);
	assert_int_equal(m.nendpoints, 3);
	assert_int_equal(m.npublishes, 1);
	assert_int_equal(m.nrules, 3);
	model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printed_model_is_read_back),
		cmocka_unit_test(printing_what_was_read_is_a_fixed_point),
		cmocka_unit_test(everything_read_has_the_origin_file),
		cmocka_unit_test(
			automatic_uplinks_and_implied_netns_are_not_printed),
		cmocka_unit_test(one_entry_makes_an_endpoint_in_each_network),
		cmocka_unit_test(cut_file_is_never_taken_for_the_whole),
		cmocka_unit_test(cut_json_is_refused_at_every_byte),
		cmocka_unit_test(damaged_files_do_no_harm),
		cmocka_unit_test(result_is_untouched_on_failure),
		cmocka_unit_test(conflicts_alone_exit_with_conflict),
		cmocka_unit_test(missing_file_is_not_found),
		cmocka_unit_test(the_example_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
