/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_load - an instance's pins: made, opened, refused, removed */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "datapath/internal.h"

#define SKIP 77

struct fixture {
	char instance[32];
	char root[PIN_ROOT_MAX];
	struct datapath *dp;
	struct err err;
};

static int setup(void **state)
{
	const struct datapath_options options = { .flows_max = 1024 };
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	snprintf(fixture.instance, sizeof(fixture.instance), "bnload_%d",
		 getpid());
	snprintf(fixture.root, sizeof(fixture.root), "%s/%s", BPFFS,
		 fixture.instance);
	*state = &fixture;
	if (!datapath_load(fixture.instance, &options, &fixture.dp,
			   &fixture.err))
		return 0;
	print_error("%s\n", fixture.err.text);
	return -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	datapath_close(fixture->dp);
	datapath_unload(fixture->instance, NULL);
	return access(fixture->root, F_OK) == 0;
}

static __u32 id_of_pinned(struct fixture *fixture, const char *name)
{
	int program = pin_program(fixture->dp, name, &fixture->err);
	__u32 id = 0;

	assert_true(program >= 0);
	assert_int_equal(program_id(program, &id), 0);
	close(program);
	return id;
}

/* ---- load and open */

static void second_open_sees_the_same_maps(void **state)
{
	struct fixture *fixture = *state;
	const struct ipaddr key = { { 1, 2, 3, 4 } };
	const struct local_val written = { .ifindex = 17 };
	struct local_val seen = {};
	struct datapath *second;

	assert_int_equal(table_set(fixture->dp, MAP_LOCALS, &key, &written,
				   &fixture->err),
			 0);
	datapath_bump(fixture->dp);
	assert_int_equal(
		datapath_open(fixture->instance, &second, &fixture->err), 0);

	assert_int_equal(table_get(second, MAP_LOCALS, &key, &seen), 0);
	assert_int_equal(seen.ifindex, 17);
	assert_int_equal(datapath_config(second)->generation,
			 datapath_config(fixture->dp)->generation);
	assert_int_equal(datapath_config(second)->generation, 1);
	datapath_close(second);
}

static void flow_table_has_two_entries_for_each_flow(void **state)
{
	struct fixture *fixture = *state;
	struct map_usage usage;

	assert_int_equal(
		map_usage_get(fixture->dp, MAP_FLOWS, &usage, &fixture->err),
		0);

	assert_int_equal(usage.max, 2 * 1024);
}

static void pins_are_for_root_alone(void **state)
{
	static const char *const dirs[] = { "", "/maps", "/progs", "/links" };
	struct fixture *fixture = *state;
	char path[PIN_PATH_MAX];
	struct stat st;

	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", fixture->root, dirs[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
	}
}

static void open_without_pins_is_not_found(void **state)
{
	struct fixture *fixture = *state;
	struct datapath *dp = NULL;

	assert_int_equal(datapath_open("bnload_none", &dp, &fixture->err),
			 -ENOENT);

	assert_null(dp);
	assert_int_equal(fixture->err.exit, EXIT_NOT_FOUND);
}

static void open_of_another_version_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct datapath *dp = NULL;

	datapath_config(fixture->dp)->abi = BN_ABI_VERSION + 1;
	assert_int_equal(datapath_open(fixture->instance, &dp, &fixture->err),
			 -EPROTO);

	assert_null(dp);
	assert_non_null(strstr(fixture->err.hint, "upgrade --drop-flows"));
}

static void name_that_bpffs_cannot_hold_is_refused(void **state)
{
	static const char *const names[] = { "",    ".",    "..",   "a.b",
					     "a/b", "../x", "a~new" };
	struct fixture *fixture = *state;
	struct datapath *dp = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(datapath_open(names[i], &dp, &fixture->err),
				 -EINVAL);
		assert_int_equal(fixture->err.exit, EXIT_USAGE);
		assert_int_equal(datapath_unload(names[i], &fixture->err),
				 -EINVAL);
	}
}

static void second_load_is_refused_and_changes_nothing(void **state)
{
	const struct datapath_options options = { .flows_max = 1024 };
	struct fixture *fixture = *state;
	__u32 before = id_of_pinned(fixture, "bn_from_uplink");
	struct datapath *dp = NULL;

	assert_int_equal(
		datapath_load(fixture->instance, &options, &dp, &fixture->err),
		-EEXIST);

	assert_null(dp);
	assert_int_equal(id_of_pinned(fixture, "bn_from_uplink"), before);
}

static void load_that_fails_leaves_nothing(void **state)
{
	/* More than the kernel lets a hash table have. */
	const struct datapath_options options = { .flows_max = 0x7fffffff };
	struct fixture *fixture = *state;
	struct datapath *dp = NULL;
	char instance[48], path[128];

	snprintf(instance, sizeof(instance), "%s_big", fixture->instance);
	assert_true(datapath_load(instance, &options, &dp, &fixture->err) < 0);

	assert_null(dp);
	assert_non_null(strstr(fixture->err.text, "bn_flows"));
	snprintf(path, sizeof(path), "%s/%s", BPFFS, instance);
	assert_int_not_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/%s~new", BPFFS, instance);
	assert_int_not_equal(access(path, F_OK), 0);
}

/* ---- unload */

static void unload_of_nothing_succeeds(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(datapath_unload("bnload_none", &fixture->err), 0);
}

static void unload_removes_a_half_made_directory(void **state)
{
	struct fixture *fixture = *state;
	char path[PIN_PATH_MAX];

	for (int map = 0; map < MAP_COUNT; map += 2)
		assert_int_equal(unlink(pin_path(path, fixture->root, PIN_MAPS,
						 map_name[map])),
				 0);
	assert_int_equal(rmdir(pin_path(path, fixture->root, PIN_LINKS, NULL)),
			 0);
	snprintf(path, sizeof(path), "%s~new", fixture->root);
	assert_int_equal(mkdir(path, 0700), 0);

	assert_int_equal(datapath_unload(fixture->instance, &fixture->err), 0);

	assert_int_not_equal(access(fixture->root, F_OK), 0);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void unload_keeps_what_is_not_ours(void **state)
{
	struct fixture *fixture = *state;
	char path[PIN_PATH_MAX];

	pin_path(path, fixture->root, PIN_MAPS, "foreign");
	assert_int_equal(
		bpf_obj_pin(datapath_map(fixture->dp, MAP_LOCALS), path), 0);

	assert_int_equal(datapath_unload(fixture->instance, &fixture->err),
			 -ENOTEMPTY);

	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(unlink(path), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(second_open_sees_the_same_maps),
		TEST(flow_table_has_two_entries_for_each_flow),
		TEST(pins_are_for_root_alone),
		TEST(open_without_pins_is_not_found),
		TEST(open_of_another_version_is_refused),
		TEST(name_that_bpffs_cannot_hold_is_refused),
		TEST(second_load_is_refused_and_changes_nothing),
		TEST(load_that_fails_leaves_nothing),
		TEST(unload_of_nothing_succeeds),
		TEST(unload_removes_a_half_made_directory),
		TEST(unload_keeps_what_is_not_ours),
	};

	if (geteuid() != 0) {
		printf("skipped: needs root\n");
		return SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
