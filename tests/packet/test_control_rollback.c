/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control_rollback - the state before an apply, kept and gone back to */
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control/pending.h"
#include "control/previous.h"
#include "control_world.h"
#include "fault.h"
#include "lib/cleanup.h"
#include "model/fill.h"
#include "model/plan.h"
#include "unit/random_model.h"

#define ROUNDS 200

/* As `apply` does it; seconds 0: without --confirm. */
static int apply_kept(struct world *world, unsigned int seconds)
{
	const struct confirm_request confirm = { .seconds = seconds };
	struct control *control = control_of(world, CONTROL_WRITE);
	struct model desired;
	int rc;

	assert_int_equal(model_copy(&world->model, &desired), 0);
	rc = control_apply(control, &desired, seconds ? &confirm : NULL, NULL,
			   NULL, &world->err);
	model_free(&desired);
	control_close(control);
	return rc;
}

static int roll_back(struct world *world, size_t *ret_steps)
{
	struct control *control = control_of(world, CONTROL_WRITE);
	int rc = control_rollback(control, false, NULL, ret_steps, &world->err);

	control_close(control);
	return rc;
}

/* What the next command does before anything else; whether it rolls back. */
static bool opening_rolls_back(struct world *world)
{
	struct control *control = control_of(world, CONTROL_WRITE);
	bool rolled_back = control_has_rolled_back(control);

	control_close(control);
	return rolled_back;
}

static bool is_pending(struct world *world)
{
	struct control *control = control_of(world, CONTROL_READ);
	bool pending = control_is_pending(control, NULL);

	control_close(control);
	return pending;
}

/* The time is over. */
static void expire(void)
{
	struct pending pending;

	assert_int_equal(pending_read(INSTANCE, &pending, NULL), 0);
	pending.deadline_ns = 1;
	assert_int_equal(pending_write(INSTANCE, &pending, NULL), 0);
}

/* The second state: web stays, api comes, the rule goes, a port changes. */
static void want_second(struct world *world)
{
	want_endpoint(world, "api", "front", "192.168.10.11", NULL);
	want_port(world, "9000", "api", 90);
	model_del_rule(&world->model, world->model.rules);
	world->model.publishes[0].target_port = 81;
}

static void begin(struct world *world, unsigned int seconds)
{
	want_web(world);
	assert_int_equal(apply_kept(world, 0), 0);
	want_second(world);
	assert_int_equal(apply_kept(world, seconds), 0);
}

static bool exists(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), RUN_DIR "/%s", name);
	return access(path, F_OK) == 0;
}

/* Without the files that make the difference: what is kept is kept apart. */
static char *look(struct world *world)
{
	_cleanup_free_ char *text = snapshot(world);
	char *lines = NULL, *save = NULL;
	size_t len;
	FILE *out = open_memstream(&lines, &len);

	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strstr(line, "previous") && !strstr(line, "pending.json"))
			fprintf(out, "%s\n", line);
	fclose(out);
	return lines;
}

/* ------------------------------------------------------------ what is kept */

static void every_model_comes_back_as_it_was(void **state)
{
	const struct model nothing = { .nnetns = 0 };
	struct err err;

	(void)state;
	must("mkdir -p " RUN_DIR);
	for (size_t round = 0; round < ROUNDS; round++) {
		struct model before = random_model(round), after;
		struct plan plan;

		assert_int_equal(model_fill(&before, &nothing, &err), 0);
		assert_int_equal(previous_begin(INSTANCE, &before, &err), 0);
		assert_int_equal(previous_commit(INSTANCE, &err), 0);
		if (previous_read(INSTANCE, &after, &err))
			fail_msg("%s", err.text);

		assert_int_equal(plan_make(&before, &after, &plan), 0);
		assert_int_equal(plan.nsteps, 0);
		plan_free(&plan);
		model_free(&before);
		model_free(&after);
	}
}

static void damaged_file_is_told(void **state)
{
	struct world *world = *state;

	begin(world, 0);
	must("sed -i '0,/web/s//wen/' " RUN_DIR "/previous");

	assert_int_equal(roll_back(world, NULL), -EINVAL);
	assert_non_null(strstr(world->err.text, RUN_DIR "/previous:"));
}

/* --------------------------------------------------------------- rollback */

static void state_before_the_last_apply_comes_back(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	want_web(world);
	assert_int_equal(apply_kept(world, 0), 0);
	before = look(world);
	want_second(world);
	assert_int_equal(apply_kept(world, 0), 0);

	assert_int_equal(roll_back(world, NULL), 0);

	after = look(world);
	assert_string_equal(before, after);
	assert_tables_match(world);
}

static void first_apply_is_rolled_back_to_nothing(void **state)
{
	struct world *world = *state;

	want_web(world);
	assert_int_equal(apply_kept(world, 0), 0);

	assert_int_equal(roll_back(world, NULL), 0);

	assert_false(succeeds("test -e " RUN_DIR));
	assert_false(succeeds("test -e " PIN_DIR));
}

static void one_state_is_kept(void **state)
{
	struct world *world = *state;

	begin(world, 0);
	assert_int_equal(roll_back(world, NULL), 0);

	assert_int_equal(roll_back(world, NULL), -ENOENT);
	assert_int_equal(world->err.exit, EXIT_NOT_FOUND);
}

static void apply_that_changes_nothing_keeps_nothing(void **state)
{
	struct world *world = *state;
	size_t steps = 0;

	begin(world, 0);
	assert_int_equal(apply_kept(world, 0), 0);

	assert_int_equal(roll_back(world, &steps), 0);
	assert_true(steps > 0);
}

static void apply_that_fails_keeps_nothing(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *first = NULL, *after_rollback = NULL;
	_cleanup_free_ char *before = NULL, *after = NULL;

	want_web(world);
	assert_int_equal(apply_kept(world, 0), 0);
	first = look(world);
	want_second(world);
	assert_int_equal(apply_kept(world, 0), 0);
	before = snapshot(world);
	want_endpoint(world, "bad", "front", "192.168.10.12", "/no/such/path");
	assert_int_not_equal(apply_kept(world, 60), 0);

	after = snapshot(world);
	assert_string_equal(before, after);
	assert_false(is_pending(world));
	assert_int_equal(roll_back(world, NULL), 0);
	after_rollback = look(world);
	assert_string_equal(first, after_rollback);
}

static void dry_run_goes_nowhere(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct control *control;
	size_t steps = 0;

	begin(world, 0);
	before = snapshot(world);
	control = control_of(world, CONTROL_PLAN);
	assert_int_equal(
		control_rollback(control, true, NULL, &steps, &world->err), 0);
	control_close(control);

	after = snapshot(world);
	assert_string_equal(before, after);
	assert_true(steps > 0);
}

/* Endpoints whose containers have ended do not come back as empty ones. */
static void what_went_by_itself_stays_away(void **state)
{
	struct world *world = *state;
	struct control *control;

	begin(world, 0);
	must("ip netns del web");
	opening_rolls_back(world);

	assert_int_equal(roll_back(world, NULL), 0);

	control = control_of(world, CONTROL_READ);
	assert_int_equal(control_model(control)->nendpoints, 0);
	assert_int_equal(control_model(control)->npublishes, 0);
	assert_int_equal(control_model(control)->nrules, 1);
	assert_true(control_model(control)->rules[0].dormant);
	control_close(control);
	assert_false(succeeds("test -e /run/netns/web"));
	assert_tables_match(world);
}

static pid_t process_start(struct world *world, const char *endpoint)
{
	pid_t pid = fork();
	char netns[32];

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	snprintf(netns, sizeof(netns), "pid:%d", pid);
	strcpy(model_find_endpoint(&world->model, endpoint)->netns, netns);
	return pid;
}

/* The apply took it away, and then its process ended. */
static void process_that_has_ended_is_left_out(void **state)
{
	struct world *world = *state;
	struct control *control;
	pid_t pid;

	want_web(world);
	want_endpoint(world, "api", "front", "192.168.10.11", NULL);
	pid = process_start(world, "api");
	assert_int_equal(apply_kept(world, 0), 0);
	model_del_endpoint(&world->model,
			   model_find_endpoint(&world->model, "api"));
	assert_int_equal(apply_kept(world, 0), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);

	assert_int_equal(roll_back(world, NULL), 0);

	control = control_of(world, CONTROL_READ);
	assert_int_equal(control_model(control)->nendpoints, 1);
	control_close(control);
	assert_tables_match(world);
}

static void uplink_whose_device_is_gone_is_left_out(void **state)
{
	struct world *world = *state;
	struct uplink uplink = { .ifname = "up1" };
	struct control *control;

	must("ip link add up1 type bridge");
	want_web(world);
	assert_non_null(model_add_uplink(&world->model, &uplink));
	assert_int_equal(apply_kept(world, 0), 0);
	model_del_uplink(&world->model,
			 model_find_uplink(&world->model, "up1"));
	want_second(world);
	assert_int_equal(apply_kept(world, 0), 0);
	must("ip link del up1");

	assert_int_equal(roll_back(world, NULL), 0);

	control = control_of(world, CONTROL_READ);
	assert_null(model_find_uplink(control_model(control), "up1"));
	assert_null(model_find_endpoint(control_model(control), "api"));
	control_close(control);
}

/* ---------------------------------------------------------------- confirm */

static void what_is_confirmed_stays(void **state)
{
	struct world *world = *state;
	struct control *control;

	begin(world, 60);
	assert_true(is_pending(world));
	control = control_of(world, CONTROL_WRITE);
	assert_int_equal(control_confirm(control, &world->err), 0);
	assert_int_equal(control_confirm(control, &world->err), -ENOENT);
	control_close(control);

	assert_false(is_pending(world));
	assert_false(opening_rolls_back(world));
	assert_tables_match(world);
	assert_int_equal(roll_back(world, NULL), 0);
}

static void what_is_not_confirmed_in_time_is_rolled_back(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	want_web(world);
	assert_int_equal(apply_kept(world, 0), 0);
	before = look(world);
	want_second(world);
	assert_int_equal(apply_kept(world, 60), 0);
	assert_false(opening_rolls_back(world));
	expire();

	assert_true(opening_rolls_back(world));

	after = look(world);
	assert_string_equal(before, after);
	assert_false(exists("pending.json"));
	assert_false(exists("previous"));
	assert_false(opening_rolls_back(world));
}

/* Who only looks, or plans, changes nothing. */
static void readers_do_not_roll_back(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	begin(world, 60);
	expire();
	before = snapshot(world);
	control_close(control_of(world, CONTROL_READ));
	control_close(control_of(world, CONTROL_PLAN));

	after = snapshot(world);
	assert_string_equal(before, after);
}

/* RFC 6241, 8.4: back to the state before the first of them. */
static void second_request_goes_back_before_the_first(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct pending first, second;

	want_web(world);
	assert_int_equal(apply_kept(world, 0), 0);
	before = look(world);
	want_second(world);
	assert_int_equal(apply_kept(world, 60), 0);
	assert_int_equal(pending_read(INSTANCE, &first, NULL), 0);
	want_rule(world, "more", "any", "web");
	assert_int_equal(apply_kept(world, 600), 0);
	assert_int_equal(pending_read(INSTANCE, &second, NULL), 0);
	assert_true(second.deadline_ns > first.deadline_ns);
	expire();

	assert_true(opening_rolls_back(world));

	after = look(world);
	assert_string_equal(before, after);
}

static void same_file_again_begins_the_time_anew(void **state)
{
	struct world *world = *state;
	struct pending first, second;

	begin(world, 60);
	assert_int_equal(pending_read(INSTANCE, &first, NULL), 0);
	assert_int_equal(apply_kept(world, 600), 0);
	assert_int_equal(pending_read(INSTANCE, &second, NULL), 0);

	assert_true(second.deadline_ns > first.deadline_ns);
}

static void second_request_that_fails_leaves_the_first(void **state)
{
	struct world *world = *state;
	struct pending first, second;

	begin(world, 60);
	assert_int_equal(pending_read(INSTANCE, &first, NULL), 0);
	want_endpoint(world, "bad", "front", "192.168.10.12", "/no/such/path");
	assert_int_not_equal(apply_kept(world, 600), 0);
	assert_int_equal(pending_read(INSTANCE, &second, NULL), 0);

	assert_true(second.deadline_ns == first.deadline_ns);
}

static void nothing_to_confirm_without_a_change(void **state)
{
	struct world *world = *state;

	begin(world, 0);
	assert_int_equal(apply_kept(world, 60), 0);

	assert_false(is_pending(world));
}

static void rollback_ends_the_waiting(void **state)
{
	struct world *world = *state;

	begin(world, 60);
	assert_int_equal(roll_back(world, NULL), 0);

	assert_false(is_pending(world));
}

/* Its record says what was before it. */
static void apply_that_was_killed_is_rolled_back_as_well(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	want_web(world);
	assert_int_equal(apply_kept(world, 0), 0);
	before = look(world);
	want_second(world);
	assert_int_equal(apply_kept(world, 60), 0);
	expire();
	must("mv " RUN_DIR "/previous " RUN_DIR "/before && "
	     "touch " RUN_DIR "/unfinished");
	interrupt(OBJECT_ENDPOINT, "api");

	assert_true(opening_rolls_back(world));

	after = look(world);
	assert_string_equal(before, after);
}

static int apply_to_confirm(void *world, struct err *err)
{
	(void)err;
	return apply_kept(world, 60);
}

/* The ways back from the first and from the second state. */
struct ways {
	char *to_first; /* the file */
	char *second; /* what is there */
};

static void ways_free(struct ways *ways)
{
	free(ways->to_first);
	free(ways->second);
}

static char *way_back(void)
{
	return output_of("cat " RUN_DIR "/previous");
}

/* Whether it was undone; then nothing tells of it, else it is what is rolled
 * back. */
static bool assert_kept(struct world *world, const struct ways *ways,
			const char *what)
{
	_cleanup_free_ char *now = look(world), *way = way_back();
	bool undone = !strcmp(now, ways->second);

	if (undone && strcmp(way, ways->to_first) != 0)
		fail_msg("%s: the way back is another one", what);
	if (undone == is_pending(world))
		fail_msg("%s: %s", what, undone ? "waits" : "does not wait");
	return undone;
}

static void apply_that_was_killed_and_undone_keeps_nothing(void **state)
{
	struct fault fault = { .kind = FAULT_KILL, .at = 1 };
	struct world *world = *state;
	_cleanup_free_ char *after = NULL;
	struct ways ways;
	struct outcome outcome;
	unsigned int undone = 0;

	begin(world, 0);
	ways.to_first = way_back();
	ways.second = look(world);
	want_endpoint(world, "db", "front", "192.168.10.12", NULL);
	for (;; fault.at++) {
		fault_run(&fault, apply_to_confirm, world, &outcome);
		if (!outcome.hit)
			fail_msg("it was never done");
		assert_false(opening_rolls_back(world));
		if (!assert_kept(world, &ways, outcome.what))
			break;
		undone++;
	}

	assert_true(undone > 20);
	assert_int_equal(roll_back(world, NULL), 0);
	after = look(world);
	assert_string_equal(ways.second, after);
	ways_free(&ways);
}

static void process_that_died_at_the_end_leaves_nothing_to_do(void **state)
{
	struct world *world = *state;

	begin(world, 60);
	expire();
	must("rm " RUN_DIR "/previous");

	opening_rolls_back(world);

	assert_false(is_pending(world));
	assert_tables_match(world);
}

/* A bridge of that name is in the way of the network that would come back. */
static void rollback_that_fails_is_tried_again_but_not_for_ever(void **state)
{
	struct world *world = *state;
	struct pending pending;

	want_web(world);
	want_network(world, "back", "192.168.20.0/24");
	assert_int_equal(apply_kept(world, 0), 0);
	model_del_network(&world->model,
			  model_find_network(&world->model, "back"));
	assert_int_equal(apply_kept(world, 60), 0);
	must("ip link add bn-back type bridge");
	expire();

	for (__u32 tries = 1; tries <= 5; tries++) {
		assert_false(opening_rolls_back(world));
		assert_int_equal(pending_read(INSTANCE, &pending, NULL), 0);
		assert_int_equal(pending.tries, tries);
	}
	assert_true(pending_is_hopeless(&pending));
	assert_tables_match(world);
	must("ip link del bn-back");
	assert_false(opening_rolls_back(world));
	assert_int_equal(roll_back(world, NULL), 0);
	assert_int_not_equal(if_nametoindex("bn-back"), 0);
	assert_false(is_pending(world));
}

static void purge_ends_it(void **state)
{
	struct world *world = *state;
	struct control *control;

	begin(world, 60);
	control = control_of(world, CONTROL_PURGE);
	assert_int_equal(control_purge(control, &world->err), 0);
	control_close(control);

	assert_false(succeeds("test -e " RUN_DIR));
}

static void seconds_that_are_left_have_begun(void **state)
{
	struct pending pending = pending_make(60);

	(void)state;
	assert_in_range(pending_left_s(&pending), 50, 60);
	pending.deadline_ns = 1;
	assert_int_equal(pending_left_s(&pending), 0);
	assert_true(pending_left(&pending) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(every_model_comes_back_as_it_was),
		WORLD_TEST(damaged_file_is_told),
		WORLD_TEST(state_before_the_last_apply_comes_back),
		WORLD_TEST(first_apply_is_rolled_back_to_nothing),
		WORLD_TEST(one_state_is_kept),
		WORLD_TEST(apply_that_changes_nothing_keeps_nothing),
		WORLD_TEST(apply_that_fails_keeps_nothing),
		WORLD_TEST(dry_run_goes_nowhere),
		WORLD_TEST(what_went_by_itself_stays_away),
		WORLD_TEST(process_that_has_ended_is_left_out),
		WORLD_TEST(uplink_whose_device_is_gone_is_left_out),
		WORLD_TEST(what_is_confirmed_stays),
		WORLD_TEST(what_is_not_confirmed_in_time_is_rolled_back),
		WORLD_TEST(readers_do_not_roll_back),
		WORLD_TEST(second_request_goes_back_before_the_first),
		WORLD_TEST(same_file_again_begins_the_time_anew),
		WORLD_TEST(second_request_that_fails_leaves_the_first),
		WORLD_TEST(nothing_to_confirm_without_a_change),
		WORLD_TEST(rollback_ends_the_waiting),
		WORLD_TEST(apply_that_was_killed_is_rolled_back_as_well),
		WORLD_TEST(apply_that_was_killed_and_undone_keeps_nothing),
		WORLD_TEST(process_that_died_at_the_end_leaves_nothing_to_do),
		WORLD_TEST(rollback_that_fails_is_tried_again_but_not_for_ever),
		WORLD_TEST(purge_ends_it),
		WORLD_TEST(seconds_that_are_left_have_begun),
	};

	return world_main("control_rollback", tests,
			  sizeof(tests) / sizeof(*tests));
}
