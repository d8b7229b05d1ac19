/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_kill - whenever an apply is killed, the next command puts it right */
#include <unistd.h>

#include "fault_world.h"
#include "lib/cleanup.h"
#include "look.h"

/* The two configurations, of which one has to be there, wholly: the one before
 * with all its connections and counters. */
struct both {
	char *before;
	char *after;
};

static void both_free(struct both *both)
{
	free(both->before);
	free(both->after);
}

/* Without records and tables, where what was made anew has other numbers. */
static char *without_numbers(const char *look)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	while (*look) {
		size_t len = strcspn(look, "\n") + 1;

		if (strncmp(look, RUN_DIR "/", strlen(RUN_DIR "/")) != 0 &&
		    strncmp(look, "bn_", 3) != 0)
			fwrite(look, 1, len, out);
		look += len;
	}
	fclose(out);
	return text;
}

static void start(struct world *world, struct both *ret)
{
	_cleanup_free_ char *after = NULL;

	want_after(world);
	must_apply(world);
	after = look_at_rest(world);
	ret->after = without_numbers(after);
	want_before(world);
	must_apply(world);
	plant_traffic(world);
	ret->before = look(world);
}

/* Returns whether it is the one before. */
static bool assert_either(struct world *world, const struct both *both,
			  const char *what)
{
	_cleanup_free_ char *now = look(world);
	_cleanup_free_ char *plain = without_numbers(now);
	size_t steps = 1;

	if (!strcmp(now, both->before))
		return true;
	if (strcmp(plain, both->after) != 0) {
		fprintf(stderr, "this is not as before:\n");
		look_same(both->before, now);
		fprintf(stderr, "and this not as wanted:\n");
		look_same(both->after, plain);
		fail_msg("%s", what);
	}
	assert_tables_match(world);
	if (apply(world, &steps) || steps)
		fail_msg("%s: %zu steps are left: %s", what, steps,
			 world->err.text);
	return false;
}

static void kill_in_a_change(struct world *world, enum fault_of which)
{
	struct fault fault = { .kind = FAULT_KILL, .which = which };
	struct outcome outcome;
	struct both both;

	start(world, &both);
	for (fault.at = 1 + worker;; fault.at += WORKERS) {
		want_after(world);
		fault_run(&fault, apply_model, world, &outcome);
		if (!outcome.hit)
			break;
		assert_int_equal(outcome.status, -EINTR);
		open_and_close(world);
		if (assert_either(world, &both, outcome.what))
			continue;
		both_free(&both);
		start(world, &both);
	}
	assert_true(outcome.count > 5);
	if (!worker)
		print_message("killed at %u operations%s\n", outcome.count,
			      faults_text());
	both_free(&both);
}

static void whenever_a_change_is_killed_it_is_undone_or_done(void **state)
{
	kill_in_a_change(*state, faults_wanted());
}

static void whenever_filters_are_changed_it_is_undone_or_done(void **state)
{
	struct world *world = *state;

	world->instance.force_clsact = true;
	kill_in_a_change(world, FAULT_OF_HOOKS);
}

/* The first one of the two that come is an ordinary command, or not. */
static void kill_in_the_first(struct world *world, bool repaired)
{
	struct fault fault = { .kind = FAULT_KILL,
			       .which = faults_wanted(),
			       .short_programs = true };
	_cleanup_free_ char *nothing = look(world);
	struct outcome outcome;

	for (fault.at = 1 + worker;; fault.at += WORKERS) {
		_cleanup_free_ char *now = NULL;

		want_first(world);
		fault_run(&fault, apply_model, world, &outcome);
		if (repaired)
			open_and_close(world);
		now = repaired ? look(world) : NULL;
		if (outcome.hit && now && !look_same(nothing, now))
			fail_msg("killed at operation %u (%s)", fault.at,
				 outcome.what);
		free(take_ptr(now));
		if (purge(world))
			fail_msg("purge: %s", world->err.text);
		now = look(world);
		if (!look_same(nothing, now))
			fail_msg("purge after operation %u (%s)", fault.at,
				 outcome.what);
		if (!outcome.hit)
			break;
	}
	if (!worker)
		print_message("killed at %u operations%s\n", outcome.count,
			      faults_text());
}

static void whenever_the_first_apply_is_killed_it_is_undone(void **state)
{
	kill_in_the_first(*state, true);
}

static void
whenever_the_first_apply_is_killed_purge_leaves_nothing(void **state)
{
	kill_in_the_first(*state, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(whenever_the_first_apply_is_killed_it_is_undone),
		FAULT_TEST(
			whenever_the_first_apply_is_killed_purge_leaves_nothing),
		FAULT_TEST(whenever_a_change_is_killed_it_is_undone_or_done),
		FAULT_TEST(whenever_filters_are_changed_it_is_undone_or_done),
	};

	return workers_main("kill", tests, sizeof(tests) / sizeof(*tests));
}
