/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_upgrade - programs of another build told, replaced, kept */
#include "upgrade.h"

/* -------------------------------------------------------------- compare */

static void what_was_just_loaded_is_the_same_build(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(compare(fixture).state, BUILD_SAME);
	assert_true(datapath_is_current(fixture->dp));
}

static void nothing_loaded_is_no_build(void **state)
{
	struct fixture *fixture = *state;
	struct build build;

	assert_int_equal(datapath_compare("bnupg_none", &build, &fixture->err),
			 0);

	assert_int_equal(build.state, BUILD_NONE);
}

static void another_build_with_these_tables_is_told(void **state)
{
	struct fixture *fixture = *state;

	become_another_build(fixture);

	assert_int_equal(compare(fixture).state, BUILD_OTHER);
	assert_false(datapath_is_current(fixture->dp));
}

static void another_version_is_foreign_but_its_home_is_known(void **state)
{
	struct fixture *fixture = *state;
	struct build build;

	datapath_config(fixture->dp)->netns_cookie = 4711;
	datapath_config(fixture->dp)->abi = BN_ABI_VERSION + 1;
	build = compare(fixture);

	assert_int_equal(build.state, BUILD_FOREIGN);
	assert_int_equal(build.netns_cookie, 4711);
	assert_non_null(strstr(build.why, "version"));
	assert_int_equal(
		datapath_refuse(fixture->instance, &build, &fixture->err),
		-EPROTO);
	assert_int_equal(fixture->err.exit, EXIT_CONFLICT);
	assert_non_null(strstr(fixture->err.hint, "upgrade --drop-flows"));
}

static void map_of_another_layout_is_foreign(void **state)
{
	/* One property at a time is not that of bn_locals. */
	static const struct {
		enum bpf_map_type type;
		__u32 key_size, value_size, max_entries, flags;
	} layouts[] = {
		{ BPF_MAP_TYPE_PERCPU_HASH, 16, 4, LOCALS_MAX,
		  BPF_F_NO_PREALLOC },
		{ BPF_MAP_TYPE_HASH, 20, 4, LOCALS_MAX, BPF_F_NO_PREALLOC },
		{ BPF_MAP_TYPE_HASH, 16, 8, LOCALS_MAX, BPF_F_NO_PREALLOC },
		{ BPF_MAP_TYPE_HASH, 16, 4, LOCALS_MAX - 1, BPF_F_NO_PREALLOC },
		{ BPF_MAP_TYPE_HASH, 16, 4, LOCALS_MAX, 0 },
	};
	struct fixture *fixture = *state;
	char path[PIN_PATH_MAX];
	struct build build;

	become_another_build(fixture);
	pin_path(path, fixture->root, PIN_MAPS, "bn_locals");
	for (size_t i = 0; i < COUNT(layouts); i++) {
		LIBBPF_OPTS(bpf_map_create_opts, opts,
			    .map_flags = layouts[i].flags);
		int map = bpf_map_create(
			layouts[i].type, "bn_locals", layouts[i].key_size,
			layouts[i].value_size, layouts[i].max_entries, &opts);

		assert_true(map >= 0);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(bpf_obj_pin(map, path), 0);
		close(map);

		build = compare(fixture);
		assert_int_equal(build.state, BUILD_FOREIGN);
		assert_non_null(strstr(build.why, "'bn_locals'"));
	}
}

/* A new one in its place would be empty. */
static void map_that_lost_its_pin_is_foreign(void **state)
{
	struct fixture *fixture = *state;
	char path[PIN_PATH_MAX];
	struct build build;

	become_another_build(fixture);
	pin_path(path, fixture->root, PIN_MAPS, "bn_flows");
	assert_int_equal(unlink(path), 0);
	build = compare(fixture);

	assert_int_equal(build.state, BUILD_FOREIGN);
	assert_non_null(strstr(build.why, "lost their map 'bn_flows'"));
}

/* As if the other build had been made before there were fragments. Filters are
 * known by what they run. */
static void make_programs_without_maps(const struct fixture *fixture)
{
	struct program_set from, to;
	char path[PIN_PATH_MAX];

	assert_int_equal(programs_open(fixture->root, PIN_PROGS, &from, NULL),
			 0);
	assert_true(from.count > COUNT(programs));
	for (size_t i = 0; i < from.count; i++) {
		int program = foreign_program();

		pin_path(path, fixture->root, PIN_PROGS, from.list[i].name);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(bpf_obj_pin(program, path), 0);
		close(program);
	}
	assert_int_equal(programs_open(fixture->root, PIN_PROGS, &to, NULL), 0);
	assert_int_equal(clsact_put(&from, &to, NULL), 0);
	programs_close(&from);
	programs_close(&to);
}

static void map_that_the_other_build_has_not_is_made(void **state)
{
	struct fixture *fixture = *state;
	const __u32 flows = map_id(fixture, MAP_FLOWS);
	char path[PIN_PATH_MAX];
	struct datapath *dp = NULL;

	become_another_build(fixture);
	make_programs_without_maps(fixture);
	pin_path(path, fixture->root, PIN_MAPS, "bn_frags");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(datapath_open(fixture->instance, &dp, &fixture->err),
			 -EPROTO);
	assert_non_null(strstr(fixture->err.hint, "'bpfnet upgrade'"));
	assert_int_equal(compare(fixture).state, BUILD_OTHER);
	must_upgrade(fixture, true);

	assert_settled(fixture);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(map_id(fixture, MAP_FLOWS), flows);
}

static void map_that_this_build_has_not_goes(void **state)
{
	struct fixture *fixture = *state;
	char path[PIN_PATH_MAX];

	become_another_build(fixture);
	pin_path(path, fixture->root, PIN_MAPS, "bn_bygone");
	assert_int_equal(
		bpf_obj_pin(datapath_map(fixture->dp, MAP_LOCALS), path), 0);
	must_upgrade(fixture, true);

	assert_settled(fixture);
	assert_int_not_equal(access(path, F_OK), 0);
}

/* -------------------------------------------------------------- replace */

static void every_hook_gets_its_program_and_maps_stay(void **state)
{
	struct fixture *fixture = *state;
	const struct ids before = hooked_ids(fixture);
	const struct ipaddr key = { { 1, 2, 3, 4 } };
	struct local_val value = { .ifindex = 17 };
	struct map_usage usage;
	__u32 maps[MAP_COUNT];
	struct ids after;

	assert_int_not_equal(FLOWS, FLOWS_MAX_DEFAULT);
	for (int map = 0; map < MAP_COUNT; map++)
		maps[map] = map_id(fixture, map);
	assert_int_equal(table_set(fixture->dp, MAP_LOCALS, &key, &value, NULL),
			 0);
	datapath_config(fixture->dp)->generation = 4711;
	become_another_build(fixture);
	must_upgrade(fixture, true);

	after = hooked_ids(fixture);
	assert_ids_differ(&after, &before);
	assert_settled(fixture);
	for (int map = 0; map < MAP_COUNT; map++)
		assert_int_equal(map_id(fixture, map), maps[map]);
	value.ifindex = 0;
	assert_int_equal(table_get(fixture->dp, MAP_LOCALS, &key, &value), 0);
	assert_int_equal(value.ifindex, 17);
	assert_int_equal(datapath_config(fixture->dp)->generation, 4711);
	/* Also the one whose size is the user's choice. */
	assert_int_equal(map_usage_get(fixture->dp, MAP_FLOWS, &usage, NULL),
			 0);
	assert_int_equal(usage.max, 2 * FLOWS);
}

static void the_same_build_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	const struct ids before = hooked_ids(fixture);
	struct ids after;

	must_upgrade(fixture, true);

	after = hooked_ids(fixture);
	assert_ids_equal(&after, &before);
	assert_settled(fixture);
}

struct filling {
	const struct fixture *fixture;
	const struct ids *before;
};

/* No packet sees the new programs yet. */
static int fill_one(struct datapath *dp, void *arg, struct err *err)
{
	const struct filling *filling = arg;
	const struct ids hooked = hooked_ids(filling->fixture);
	const struct ipaddr key = { { 1, 2, 3, 4 } };
	const struct local_val value = { .ifindex = 17 };

	assert_ids_equal(&hooked, filling->before);
	return table_set(dp, MAP_LOCALS, &key, &value, err);
}

static void foreign_tables_are_replaced_and_filled_first(void **state)
{
	struct fixture *fixture = *state;
	const struct ids before = hooked_ids(fixture);
	struct filling filling = { fixture, &before };
	const struct datapath_filler filler = { fill_one, &filling };
	const struct ipaddr key = { { 1, 2, 3, 4 } };
	struct local_val value;
	__u32 maps[MAP_COUNT];
	struct datapath *dp;
	struct ids after;

	for (int map = 0; map < MAP_COUNT; map++)
		maps[map] = map_id(fixture, map);
	datapath_config(fixture->dp)->abi = BN_ABI_VERSION + 1;
	if (datapath_upgrade(fixture->instance, &options, false, &filler, &dp,
			     &fixture->err))
		fail_msg("%s", fixture->err.text);
	datapath_close(fixture->dp);
	fixture->dp = dp;

	after = hooked_ids(fixture);
	assert_ids_differ(&after, &before);
	assert_settled(fixture);
	for (int map = 0; map < MAP_COUNT; map++)
		assert_int_not_equal(map_id(fixture, map), maps[map]);
	assert_int_equal(table_get(fixture->dp, MAP_LOCALS, &key, &value), 0);
	assert_int_equal(datapath_config(fixture->dp)->abi, BN_ABI_VERSION);
}

static void device_that_is_gone_is_no_obstacle(void **state)
{
	struct fixture *fixture = *state;

	become_another_build(fixture);
	assert_int_equal(run("ip link del bnt0 && "
			     "ip link add bnt0 type veth peer name bnt1"),
			 0);
	must_upgrade(fixture, true);

	assert_int_equal(compare(fixture).state, BUILD_SAME);
}

static void hook_that_this_build_has_not_ends(void **state)
{
	struct fixture *fixture = *state;
	__u32 ids[HOOK_PROGRAMS_MAX];
	char path[PIN_PATH_MAX], pin[64];
	int program, link;

	if (fixture->dp->clsact)
		skip();
	program = foreign_program();
	link = bpf_link_create(program, fixture->uplink, TCX_INGRESS, NULL);
	assert_true(link >= 0);
	snprintf(pin, sizeof(pin), "from_bygone_%d", fixture->uplink);
	pin_path(path, fixture->root, PIN_LINKS, pin);
	assert_int_equal(bpf_obj_pin(link, path), 0);
	become_another_build(fixture);
	must_upgrade(fixture, true);

	assert_settled(fixture);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(tcx_programs(fixture->uplink, TCX_INGRESS, ids), 1);
	close(link);
	close(program);
}

static void socket_hook_that_is_missing_is_attached(void **state)
{
	struct fixture *fixture = *state;
	__u32 ids[HOOK_PROGRAMS_MAX];

	if (!fixture->sockets)
		skip();
	assert_int_equal(link_detach(fixture->dp, "cgroup_bn_connect6", NULL),
			 0);
	assert_int_equal(
		cgroup_programs(fixture->cgroup, BPF_CGROUP_INET6_CONNECT, ids),
		0);
	assert_int_equal(attach_sockets_missing(fixture->dp, fixture->cgroup,
						&fixture->err),
			 0);

	assert_settled(fixture);
}

/* What is there is not moved to where this command would put it. */
static void socket_hooks_that_are_there_stay_where_they_are(void **state)
{
	struct fixture *fixture = *state;

	if (!fixture->sockets)
		skip();
	assert_int_equal(
		attach_sockets_missing(fixture->dp, NULL, &fixture->err), 0);

	assert_settled(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARED(what_was_just_loaded_is_the_same_build),
		SHARED(nothing_loaded_is_no_build),
		SHARED(another_build_with_these_tables_is_told),
		SHARED(another_version_is_foreign_but_its_home_is_known),
		SHARED(map_of_another_layout_is_foreign),
		SHARED(map_that_lost_its_pin_is_foreign),
		SHARED(the_same_build_is_left_alone),
		SHARED(socket_hook_that_is_missing_is_attached),
		SHARED(socket_hooks_that_are_there_stay_where_they_are),
		TCX(map_that_the_other_build_has_not_is_made),
		TCX(map_that_this_build_has_not_goes),
		TCX(every_hook_gets_its_program_and_maps_stay),
		CLSACT(every_hook_gets_its_program_and_maps_stay),
		TCX(foreign_tables_are_replaced_and_filled_first),
		TCX(device_that_is_gone_is_no_obstacle),
		TCX(hook_that_this_build_has_not_ends),
	};

	if (!tests_can_run()) {
		printf("skipped: needs root\n");
		return SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
