/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_upgrade_undo - an exchange that fails or dies is undone or put right */
#include "upgrade.h"

/* -------------------------------------------------------------- failure */

static int fill_fails(struct datapath *dp, void *arg, struct err *err)
{
	(void)dp;
	(void)arg;
	return err_set(err, -ENOSPC, "no room");
}

static void assert_as_before(const struct fixture *fixture,
			     const struct ids *before)
{
	const struct ids pinned = pinned_ids(fixture);
	const struct ids hooked = hooked_ids(fixture);

	assert_ids_equal(&pinned, before);
	assert_ids_equal(&hooked, before);
	assert_true(pin_exists(fixture->root, PIN_PROGS, "bn_build_other"));
}

static void failure_before_the_first_hook_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	const struct datapath_filler filler = { fill_fails, NULL };
	const struct ids before = hooked_ids(fixture);
	struct datapath *dp = NULL;

	become_another_build(fixture);
	assert_int_equal(datapath_upgrade(fixture->instance, &options, true,
					  &filler, &dp, &fixture->err),
			 -ENOSPC);

	assert_null(dp);
	assert_as_before(fixture, &before);
	assert_false(pin_exists(fixture->root, PIN_PROGS_NEXT, NULL));
	assert_false(pin_exists(fixture->root, PIN_MAPS_NEXT, NULL));
}

/* A mount point cannot be renamed, so the last step fails. */
static void failure_after_the_last_hook_is_undone(void **state)
{
	struct fixture *fixture = *state;
	const struct ids before = hooked_ids(fixture);
	const __u32 flows = map_id(fixture, MAP_FLOWS);
	char path[PIN_PATH_MAX];

	become_another_build(fixture);
	pin_path(path, fixture->root, PIN_PROGS, NULL);
	assert_int_equal(mount(path, path, NULL, MS_BIND, NULL), 0);
	assert_int_equal(upgrade(fixture, false), -EBUSY);
	assert_int_equal(umount2(path, MNT_DETACH), 0);

	assert_non_null(strstr(fixture->err.text, "progs~next"));
	assert_as_before(fixture, &before);
	assert_int_equal(map_id(fixture, MAP_FLOWS), flows);
	assert_false(pin_exists(fixture->root, PIN_PROGS_NEXT, NULL));
	assert_false(pin_exists(fixture->root, PIN_MAPS_NEXT, NULL));
}

/* A link that can have no program of the kind its name says. */
static void pin_stubborn_link(struct fixture *fixture, char path[PIN_PATH_MAX])
{
	char source[PIN_PATH_MAX];
	int link = bpf_obj_get(pin_path(source, fixture->root, PIN_LINKS,
					"cgroup_bn_connect4"));

	assert_true(link >= 0);
	pin_path(path, fixture->root, PIN_LINKS, "from_uplink_999999");
	assert_int_equal(bpf_obj_pin(link, path), 0);
	close(link);
}

static void failure_at_one_hook_is_undone_at_the_others(void **state)
{
	struct fixture *fixture = *state;
	const struct ids before = hooked_ids(fixture);
	char path[PIN_PATH_MAX];

	if (!fixture->sockets)
		skip();
	become_another_build(fixture);
	pin_stubborn_link(fixture, path);
	assert_int_equal(upgrade(fixture, true), -EINVAL);

	assert_non_null(strstr(fixture->err.text, "from_uplink_999999"));
	assert_as_before(fixture, &before);

	/* And when the obstacle is gone, it works. */
	assert_int_equal(unlink(path), 0);
	must_upgrade(fixture, true);
	assert_settled(fixture);
}

/* ------------------------------------------------------ death half-way */

enum crash_point {
	CRASH_LOADED, /* pinned, at no hook */
	CRASH_AT_SOME_HOOKS,
	CRASH_AT_ALL_HOOKS,
	CRASH_MAPS_EXCHANGED,
	CRASH_PROGRAMS_EXCHANGED,
};

struct crash {
	const struct fixture *fixture;
	enum crash_point point;
};

static void rename_exchange(const struct fixture *fixture, const char *a,
			    const char *b)
{
	char path_a[PIN_PATH_MAX], path_b[PIN_PATH_MAX];

	if (renameat2(AT_FDCWD, pin_path(path_a, fixture->root, a, NULL),
		      AT_FDCWD, pin_path(path_b, fixture->root, b, NULL),
		      RENAME_EXCHANGE))
		_exit(98);
}

/* At the uplink's hooks, or at all of them. */
static void put_next(const struct fixture *fixture, bool all)
{
	struct program_set from, to, some = { 0 };

	if (programs_open(fixture->root, PIN_PROGS, &from, NULL) ||
	    programs_open(fixture->root, PIN_PROGS_NEXT, &to, NULL))
		_exit(97);
	for (size_t i = 0; i < to.count; i++)
		if (all || strstr(to.list[i].name, "uplink"))
			some.list[some.count++] = to.list[i];
	if (links_put(fixture->root, &some, NULL) ||
	    clsact_put(&from, &some, NULL))
		_exit(96);
}

static int fill_and_die(struct datapath *dp, void *arg, struct err *err)
{
	const struct crash *crash = arg;
	const struct fixture *fixture = crash->fixture;

	(void)dp;
	(void)err;
	if (crash->point >= CRASH_AT_SOME_HOOKS)
		put_next(fixture, crash->point >= CRASH_AT_ALL_HOOKS);
	if (crash->point >= CRASH_MAPS_EXCHANGED)
		rename_exchange(fixture, PIN_MAPS, PIN_MAPS_NEXT);
	if (crash->point >= CRASH_PROGRAMS_EXCHANGED)
		rename_exchange(fixture, PIN_PROGS, PIN_PROGS_NEXT);
	raise(SIGKILL);
	return 0;
}

static void crash(struct fixture *fixture, enum crash_point point, bool keep)
{
	struct crash crash = { fixture, point };
	const struct datapath_filler filler = { fill_and_die, &crash };
	struct datapath *dp;
	pid_t pid = fork();
	int status;

	if (!pid) {
		datapath_upgrade(fixture->instance, &options, keep, &filler,
				 &dp, &fixture->err);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status))
		fail_msg("exit status %d: %s", WEXITSTATUS(status),
			 fixture->err.text);
	assert_false(datapath_is_current(fixture->dp));
}

static void crash_is_put_right_by_the_build_that_comes(void **state)
{
	static const enum crash_point points[] = { CRASH_LOADED,
						   CRASH_AT_SOME_HOOKS,
						   CRASH_MAPS_EXCHANGED,
						   CRASH_PROGRAMS_EXCHANGED };
	struct fixture *fixture = *state;
	const __u32 flows = map_id(fixture, MAP_FLOWS);

	for (size_t i = 0; i < COUNT(points); i++) {
		become_another_build(fixture);
		crash(fixture, points[i], true);
		assert_int_not_equal(compare(fixture).state, BUILD_FOREIGN);
		must_upgrade(fixture, true);

		assert_settled(fixture);
		assert_int_equal(map_id(fixture, MAP_FLOWS), flows);
	}
}

/* Back to its own programs, which the pins still are. */
static void crash_is_put_right_by_the_build_that_goes(void **state)
{
	struct fixture *fixture = *state;
	const struct ids before = hooked_ids(fixture);
	const __u32 flows = map_id(fixture, MAP_FLOWS);
	struct ids after;

	/* Without its tables: with them, this build would not replace itself. */
	crash(fixture, CRASH_AT_SOME_HOOKS, false);
	after = hooked_ids(fixture);
	assert_int_not_equal(memcmp(&after, &before, sizeof(after)), 0);
	must_upgrade(fixture, true);

	after = hooked_ids(fixture);
	assert_ids_equal(&after, &before);
	assert_settled(fixture);
	assert_int_equal(map_id(fixture, MAP_FLOWS), flows);
}

/* Until the pins of the maps change, they are the old ones. */
static void crash_on_the_way_to_other_tables_is_put_right(void **state)
{
	static const struct {
		enum crash_point point;
		enum build_state left;
	} cases[] = {
		{ CRASH_AT_ALL_HOOKS, BUILD_FOREIGN },
		{ CRASH_MAPS_EXCHANGED, BUILD_OTHER },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const __u32 flows = map_id(fixture, MAP_FLOWS);

		datapath_config(fixture->dp)->abi = BN_ABI_VERSION + 1;
		become_another_build(fixture);
		crash(fixture, cases[i].point, false);
		assert_int_equal(compare(fixture).state, cases[i].left);
		must_upgrade(fixture, cases[i].left == BUILD_OTHER);

		assert_settled(fixture);
		assert_int_not_equal(map_id(fixture, MAP_FLOWS), flows);
	}
}

static void unload_in_the_middle_leaves_no_program(void **state)
{
	struct fixture *fixture = *state;
	__u32 ids[HOOK_PROGRAMS_MAX];

	become_another_build(fixture);
	crash(fixture, CRASH_AT_SOME_HOOKS, true);
	assert_int_equal(datapath_unload(fixture->instance, &fixture->err), 0);

	assert_int_not_equal(access(fixture->root, F_OK), 0);
	for (int i = 0; i < DEVICE_PROGRAMS; i++) {
		int ifindex = i < 2 ? fixture->endpoint : fixture->uplink;

		if (by_filter(fixture, ifindex))
			assert_int_equal(device_id(fixture, ifindex, i % 2), 0);
		else
			assert_int_equal(
				tcx_programs(ifindex,
					     i % 2 ? TCX_EGRESS : TCX_INGRESS,
					     ids),
				0);
	}
	for (size_t i = 0; i < COUNT(cgroup_types) && fixture->sockets; i++)
		assert_int_equal(
			cgroup_programs(fixture->cgroup, cgroup_types[i], ids),
			0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARED(failure_before_the_first_hook_changes_nothing),
		SHARED(failure_after_the_last_hook_is_undone),
		TCX(failure_at_one_hook_is_undone_at_the_others),
		CLSACT(failure_at_one_hook_is_undone_at_the_others),
		TCX(crash_is_put_right_by_the_build_that_comes),
		TCX(crash_is_put_right_by_the_build_that_goes),
		CLSACT(crash_is_put_right_by_the_build_that_goes),
		TCX(crash_on_the_way_to_other_tables_is_put_right),
		CLSACT(unload_in_the_middle_leaves_no_program),
	};

	if (!tests_can_run()) {
		printf("skipped: needs root\n");
		return SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
