/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_faults - whichever operation of an apply fails, nothing is changed */
#include <unistd.h>

#include "fault_world.h"
#include "lib/cleanup.h"
#include "look.h"

struct way {
	void (*from)(struct world *world); /* NULL: from nothing */
	void (*to)(struct world *world);
	struct fault fault;
};

/* What goes the other way, after it went there: as before. */
static char *start(struct world *world, const struct way *way)
{
	if (way->from) {
		way->from(world);
		must_apply(world);
		plant_traffic(world);
	} else if (purge(world)) {
		fail_msg("purge: %s", world->err.text);
	}
	return look(world);
}

/* The failure did no harm, so what was wanted is there, or is made whole by the
 * next process. */
static void assert_done(struct world *world, const struct outcome *outcome)
{
	size_t steps;

	control_close(control_of(world, CONTROL_WRITE));
	if (apply(world, &steps) || steps)
		fail_msg("operation %u (%s): %zu steps are left: %s",
			 outcome->count, outcome->what, steps, world->err.text);
	assert_tables_match(world);
}

/* Returns how many failures the whole apply had. */
static unsigned int fail_each(struct world *world, struct way *way)
{
	_cleanup_free_ char *before = start(world, way);
	struct fault *fault = &way->fault;
	unsigned int failed = 0;
	struct outcome outcome;

	fault->kind = FAULT_FAIL;
	for (fault->at = 1 + worker;; fault->at += WORKERS) {
		_cleanup_free_ char *after = NULL;

		way->to(world);
		fault_run(fault, apply_model, world, &outcome);
		if (!outcome.hit)
			break;
		if (outcome.status) {
			after = look(world);
			if (!look_same(before, after))
				fail_msg("operation %u (%s): %s", fault->at,
					 outcome.what, outcome.err.text);
			failed++;
			continue;
		}
		assert_done(world, &outcome);
		free(before);
		before = start(world, way);
	}
	assert_int_equal(outcome.status, 0);
	if (!worker)
		print_message("%u operations%s have failed, one by one\n",
			      outcome.count, faults_text());
	return failed;
}

static void each_failure_of_the_first_apply_leaves_nothing(void **state)
{
	struct way way = {
		.to = want_first,
		.fault = { .which = faults_wanted(), .short_programs = true },
	};

	assert_true(fail_each(*state, &way) > 20);
}

static void each_failure_of_a_change_is_undone(void **state)
{
	struct way way = {
		.from = want_before,
		.to = want_after,
		.fault = { .which = faults_wanted() },
	};

	assert_true(fail_each(*state, &way) > 50);
}

/* With tcx, hooks are something else; the rest has been seen. */
static void each_failure_of_a_filter_is_undone(void **state)
{
	struct way way = {
		.from = want_before,
		.to = want_after,
		.fault = { .which = FAULT_OF_HOOKS },
	};
	struct world *world = *state;

	world->instance.force_clsact = true;
	assert_true(fail_each(world, &way) > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(each_failure_of_the_first_apply_leaves_nothing),
		FAULT_TEST(each_failure_of_a_change_is_undone),
		FAULT_TEST(each_failure_of_a_filter_is_undone),
	};

	return workers_main("faults", tests, sizeof(tests) / sizeof(*tests));
}
