/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control_upgrade - who replaces the programs of another build, who not */
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control_world.h"
#include "kernel/netns.h"
#include "lib/cleanup.h"

/* From now on the pins say that they are of another build. */
static void become_another_build(void)
{
	must("cd " PIN_DIR "/progs && mv bn_build_* bn_build_other");
}

/* And that its tables were other ones. */
static void become_another_version(struct world *world)
{
	struct control *control = control_of(world, CONTROL_READ);

	datapath_config(control_datapath(control))->abi = BN_ABI_VERSION + 1;
	control_close(control);
	become_another_build();
}

static bool is_another_build(void)
{
	return succeeds("test -d " PIN_DIR "/progs/bn_build_other");
}

/* Opens, closes, and tells what that did to the programs. */
static enum upgrade opened(struct world *world, enum control_mode mode)
{
	struct control *control = control_of(world, mode);
	enum upgrade upgraded = control_upgraded(control);

	control_close(control);
	return upgraded;
}

static int refused(struct world *world, enum control_mode mode)
{
	struct control *control;
	int rc = control_open(&world->instance, mode, &control, &world->err);

	if (!rc)
		fail_msg("mode %d is not refused", mode);
	return rc;
}

/* Where the kernel's table of published ports is. */
static __u32 count_ports(struct world *world)
{
	struct control *control = control_of(world, CONTROL_READ);
	size_t count = table_count(control_datapath(control), MAP_PUBLISH);

	control_close(control);
	return count;
}

/* ------------------------------------------------------------------ who */

static void whoever_changes_something_brings_its_programs(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	assert_int_equal(opened(world, CONTROL_WRITE), UPGRADE_NONE);

	become_another_build();
	assert_int_equal(opened(world, CONTROL_WRITE), UPGRADE_KEPT);

	assert_false(is_another_build());
	assert_int_equal(opened(world, CONTROL_WRITE), UPGRADE_NONE);
	assert_tables_match(world);
}

static void whoever_only_looks_replaces_nothing(void **state)
{
	static const enum control_mode modes[] = { CONTROL_READ, CONTROL_PLAN,
						   CONTROL_TRY_WRITE };
	struct world *world = *state;
	struct build build;

	want_web(world);
	must_apply(world);
	become_another_build();
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		assert_int_equal(opened(world, modes[i]), UPGRADE_NONE);
	assert_int_equal(control_compare(&world->instance, &build, &world->err),
			 0);

	assert_int_equal(build.state, BUILD_OTHER);
	assert_true(is_another_build());
}

/* They may be another build's idea of what the programs need. */
static void tables_are_filled_anew_although_they_are_kept(void **state)
{
	struct world *world = *state;
	struct control *control;
	struct ipaddr web = ip_of_text("192.168.10.10");

	want_web(world);
	must_apply(world);
	control = control_of(world, CONTROL_READ);
	table_del(control_datapath(control), MAP_ADDRS, &web, NULL);
	control_close(control);
	become_another_build();
	assert_int_equal(opened(world, CONTROL_WRITE), UPGRADE_KEPT);

	assert_tables_match(world);
}

static void leftovers_of_a_killed_upgrade_are_removed(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	must("mkdir " PIN_DIR "/progs~next " PIN_DIR "/maps~next");
	opened(world, CONTROL_WRITE);

	assert_false(succeeds("ls -d " PIN_DIR "/*~next 2>/dev/null"));
	assert_tables_match(world);
}

static void missing_socket_hook_is_attached_with_the_programs(void **state)
{
	static const char look[] = "ls " PIN_DIR "/links/cgroup_bn_connect6"
				   " 2>/dev/null";
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	must("rm " PIN_DIR "/links/cgroup_bn_connect6");
	assert_int_equal(opened(world, CONTROL_WRITE), UPGRADE_NONE);
	assert_false(succeeds(look));
	become_another_build();
	assert_int_equal(opened(world, CONTROL_WRITE), UPGRADE_KEPT);

	assert_true(succeeds(look));
}

/* --------------------------------------------------------- other tables */

static void other_tables_are_refused_and_nothing_is_changed(void **state)
{
	static const enum control_mode modes[] = { CONTROL_READ, CONTROL_PLAN,
						   CONTROL_WRITE,
						   CONTROL_TRY_WRITE };
	struct world *world = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;
	static const char look[] =
		"find " PIN_DIR "; cd " RUN_DIR " && grep -r . .; ip -o link";

	want_web(world);
	must_apply(world);
	become_another_version(world);
	before = output_of(look);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		assert_int_equal(refused(world, modes[i]), -EPROTO);
		assert_int_equal(world->err.exit, EXIT_CONFLICT);
		assert_string_equal(world->err.kind, "abi-version");
		assert_non_null(strstr(world->err.text, "layout version"));
		assert_non_null(
			strstr(world->err.hint, "upgrade --drop-flows"));
	}

	after = output_of(look);
	assert_string_equal(after, before);
}

static void other_tables_are_replaced_when_flows_may_go(void **state)
{
	struct world *world = *state;

	want_web(world);
	want_network(world, "back", "192.168.20.0/24");
	want_endpoint(world, "api", "back", "192.168.20.10", NULL);
	world->model.settings.flows_max = 4096;
	must_apply(world);
	become_another_version(world);
	assert_int_equal(opened(world, CONTROL_DROP_FLOWS), UPGRADE_DROPPED);

	assert_false(is_another_build());
	assert_int_equal(opened(world, CONTROL_WRITE), UPGRADE_NONE);
	assert_tables_match(world);
	assert_int_equal(count_ports(world), 3);
	assert_int_equal(succeeds("bpftool map show pinned " PIN_DIR
				  "/maps/bn_flows | grep -q max_entries.8192"),
			 true);
}

static void flows_are_kept_when_they_can_although_they_may_go(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	become_another_build();

	assert_int_equal(opened(world, CONTROL_DROP_FLOWS), UPGRADE_KEPT);
}

static void nothing_loaded_is_nothing_to_replace(void **state)
{
	struct world *world = *state;

	assert_int_equal(opened(world, CONTROL_DROP_FLOWS), UPGRADE_NONE);

	assert_false(succeeds("test -e " RUN_DIR));
	assert_false(succeeds("test -e " PIN_DIR));
}

/* In the namespace 'elsewhere', as a process that was born there. */
static enum exit_code open_elsewhere(struct world *world,
				     enum control_mode mode)
{
	struct control *control;
	int status;
	pid_t pid;

	must("ip netns add elsewhere");
	pid = fork();
	if (!pid) {
		int fd = netns_open("elsewhere", NULL);

		if (fd < 0 || setns(fd, CLONE_NEWNET))
			_exit(99);
		_exit(control_open(&world->instance, mode, &control,
				   &world->err) ?
			      world->err.exit :
			      0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	must("ip netns del elsewhere");
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Devices of the same names there are somebody else's. */
static void other_version_still_knows_its_home(void **state)
{
	static const enum control_mode modes[] = { CONTROL_WRITE,
						   CONTROL_DROP_FLOWS,
						   CONTROL_PURGE };
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	become_another_version(world);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		assert_int_equal(open_elsewhere(world, modes[i]),
				 EXIT_CONFLICT);

	assert_true(is_another_build());
}

/* The teardown purges, and fails when something is left. */
static void other_version_can_be_purged(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	become_another_version(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(whoever_changes_something_brings_its_programs),
		WORLD_TEST(whoever_only_looks_replaces_nothing),
		WORLD_TEST(tables_are_filled_anew_although_they_are_kept),
		WORLD_TEST(leftovers_of_a_killed_upgrade_are_removed),
		WORLD_TEST(missing_socket_hook_is_attached_with_the_programs),
		WORLD_TEST(other_tables_are_refused_and_nothing_is_changed),
		WORLD_TEST(other_tables_are_replaced_when_flows_may_go),
		WORLD_TEST(flows_are_kept_when_they_can_although_they_may_go),
		WORLD_TEST(nothing_loaded_is_nothing_to_replace),
		WORLD_TEST(other_version_still_knows_its_home),
		WORLD_TEST(other_version_can_be_purged),
	};

	return world_main("control_upgrade", tests,
			  sizeof(tests) / sizeof(*tests));
}
