/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_upgrade - programs of another build replaced, kept, put right */
#include "hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/objects.h"

#define SKIP 77
#define FLOWS 1024

/* Every hook: an endpoint on bnt0, an uplink on bnt1, sockets at a cgroup. */
struct fixture {
	char instance[32];
	char root[PIN_ROOT_MAX];
	struct datapath *dp;
	char cgroup[CGROUP_PATH_MAX];
	bool sockets;
	int endpoint;
	int uplink;
	struct err err;
};

static const struct datapath_options options = { .flows_max = FLOWS };

static int run(const char *command)
{
	return system(command);
}

static int fixture_attach(struct fixture *fixture)
{
	int ret =
		attach_endpoint(fixture->dp, fixture->endpoint, &fixture->err);

	ret = ret ? ret :
		    attach_uplink(fixture->dp, fixture->uplink, &fixture->err);
	fixture->sockets = cgroup_make(fixture->cgroup);
	if (fixture->sockets && !ret)
		ret = attach_sockets(fixture->dp, fixture->cgroup,
				     &fixture->err);
	return ret;
}

static struct fixture fixture_of_all;

static int unload(struct fixture *fixture)
{
	int ret;

	datapath_close(fixture->dp);
	fixture->dp = NULL;
	ret = datapath_unload(fixture->instance, &fixture->err);
	if (ret)
		print_error("%s\n", fixture->err.text);
	run("ip link del bnt0");
	if (fixture->sockets)
		rmdir(fixture->cgroup);
	return ret || access(fixture->root, F_OK) == 0;
}

static int load(struct fixture *fixture, bool clsact)
{
	const struct datapath_options first = {
		.flows_max = FLOWS,
		.force_clsact = clsact,
	};

	memset(fixture, 0, sizeof(*fixture));
	snprintf(fixture->instance, sizeof(fixture->instance), "bnupg_%d",
		 getpid());
	snprintf(fixture->root, sizeof(fixture->root), "%s/%s", BPFFS,
		 fixture->instance);
	if (run("ip link add bnt0 type veth peer name bnt1"))
		return -1;
	fixture->endpoint = (int)if_nametoindex("bnt0");
	fixture->uplink = (int)if_nametoindex("bnt1");
	if (!datapath_load(fixture->instance, &first, &fixture->dp,
			   &fixture->err) &&
	    !fixture_attach(fixture))
		return 0;
	print_error("%s\n", fixture->err.text);
	return -1;
}

static int setup_mode(void **state, bool clsact)
{
	struct fixture *fixture = &fixture_of_all;

	*state = fixture;
	if (fixture->dp && unload(fixture))
		return -1;
	return load(fixture, clsact);
}

static int setup(void **state)
{
	return setup_mode(state, false);
}

static int setup_clsact(void **state)
{
	return setup_mode(state, true);
}

static int teardown(void **state)
{
	return unload(*state);
}

/* Loading takes a second or two: tests that replace no program use one after
 * another what the first of them has loaded. */
static int setup_shared(void **state)
{
	*state = &fixture_of_all;
	return fixture_of_all.dp ? 0 : setup(state);
}

/* The pins as they were. */
static int teardown_shared(void **state)
{
	struct fixture *fixture = *state;
	char path[PIN_PATH_MAX], other[PIN_PATH_MAX];

	datapath_config(fixture->dp)->abi = BN_ABI_VERSION;
	pin_path(path, fixture->root, PIN_PROGS, objects_stamp);
	pin_path(other, fixture->root, PIN_PROGS, "bn_build_other");
	rename(other, path);
	for (int map = 0; map < MAP_COUNT; map++) {
		pin_path(path, fixture->root, PIN_MAPS, map_name[map]);
		unlink(path);
		if (bpf_obj_pin(fixture->dp->maps[map], path))
			return -1;
	}
	return 0;
}

/* -------------------------------------------------------------- programs */

static const char *const programs[] = {
	"bn_from_container", "bn_to_container", "bn_from_uplink",
	"bn_to_uplink",	     "bn_connect4",	"bn_connect6",
	"bn_sendmsg4",	     "bn_sendmsg6",	"bn_recvmsg4",
	"bn_recvmsg6",	     "bn_getpeer4",	"bn_getpeer6",
};
static const enum bpf_attach_type cgroup_types[] = {
	BPF_CGROUP_INET4_CONNECT,     BPF_CGROUP_INET6_CONNECT,
	BPF_CGROUP_UDP4_SENDMSG,      BPF_CGROUP_UDP6_SENDMSG,
	BPF_CGROUP_UDP4_RECVMSG,      BPF_CGROUP_UDP6_RECVMSG,
	BPF_CGROUP_INET4_GETPEERNAME, BPF_CGROUP_INET6_GETPEERNAME,
};
#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define DEVICE_PROGRAMS 4

/* Ids, in the order of the names above. */
struct ids {
	__u32 id[COUNT(programs)];
};

static struct ids pinned_ids(const struct fixture *fixture)
{
	struct ids ids;

	for (size_t i = 0; i < COUNT(programs); i++) {
		char path[PIN_PATH_MAX];
		int fd = bpf_obj_get(
			pin_path(path, fixture->root, PIN_PROGS, programs[i]));

		assert_true(fd >= 0);
		ids.id[i] = id_of(fd);
		close(fd);
	}
	return ids;
}

/* The one program of a direction. */
static __u32 device_id(const struct fixture *fixture, int ifindex, bool egress)
{
	__u32 ids[HOOK_PROGRAMS_MAX];

	if (fixture->dp->clsact)
		return filter_program(ifindex,
				      egress ? BPF_TC_EGRESS : BPF_TC_INGRESS,
				      OUR_PRIORITY, OUR_HANDLE);
	assert_int_equal(
		tcx_programs(ifindex, egress ? TCX_EGRESS : TCX_INGRESS, ids),
		1);
	return ids[0];
}

/* What runs. Where there is no cgroup, its part is as the pins say. */
static struct ids hooked_ids(const struct fixture *fixture)
{
	struct ids ids = pinned_ids(fixture);

	for (int i = 0; i < DEVICE_PROGRAMS; i++)
		ids.id[i] = device_id(
			fixture, i < 2 ? fixture->endpoint : fixture->uplink,
			i % 2);
	for (size_t i = 0; i < COUNT(cgroup_types) && fixture->sockets; i++) {
		__u32 found[HOOK_PROGRAMS_MAX];

		assert_int_equal(cgroup_programs(fixture->cgroup,
						 cgroup_types[i], found),
				 1);
		ids.id[DEVICE_PROGRAMS + i] = found[0];
	}
	return ids;
}

static void assert_ids_equal(const struct ids *a, const struct ids *b)
{
	for (size_t i = 0; i < COUNT(programs); i++)
		if (a->id[i] != b->id[i])
			fail_msg("%s is %u instead of %u", programs[i],
				 a->id[i], b->id[i]);
}

static void assert_ids_differ(const struct ids *a, const struct ids *b)
{
	for (size_t i = 0; i < COUNT(programs); i++)
		if (a->id[i] == b->id[i])
			fail_msg("%s is still %u", programs[i], a->id[i]);
}

/* --------------------------------------------------------------- builds */

/* From now on the pins say that they are of another build. */
static void become_another_build(const struct fixture *fixture)
{
	char old[PIN_PATH_MAX], new[PIN_PATH_MAX];

	pin_path(old, fixture->root, PIN_PROGS, objects_stamp);
	pin_path(new, fixture->root, PIN_PROGS, "bn_build_other");
	assert_int_equal(rename(old, new), 0);
}

static int fill_nothing(struct datapath *dp, void *arg, struct err *err)
{
	(void)dp;
	(void)arg;
	(void)err;
	return 0;
}

/* The datapath is the one that comes out of it. */
static int upgrade(struct fixture *fixture, bool keep)
{
	struct datapath *dp;
	int ret = datapath_upgrade(fixture->instance, &options, keep,
				   fill_nothing, NULL, &dp, &fixture->err);

	if (ret)
		return ret;
	datapath_close(fixture->dp);
	fixture->dp = dp;
	return 0;
}

static void must_upgrade(struct fixture *fixture, bool keep)
{
	if (upgrade(fixture, keep))
		fail_msg("%s", fixture->err.text);
}

static struct build compare(struct fixture *fixture)
{
	struct build build;

	if (datapath_compare(fixture->instance, &build, &fixture->err))
		fail_msg("%s", fixture->err.text);
	return build;
}

/* All is in one piece: the pins, the hooks, nothing left over. */
static void assert_settled(struct fixture *fixture)
{
	const struct ids pinned = pinned_ids(fixture);
	const struct ids hooked = hooked_ids(fixture);

	assert_ids_equal(&hooked, &pinned);
	assert_int_equal(compare(fixture).state, BUILD_SAME);
	assert_true(datapath_is_current(fixture->dp));
	assert_false(pin_exists(fixture->root, PIN_PROGS_NEXT, NULL));
	assert_false(pin_exists(fixture->root, PIN_MAPS_NEXT, NULL));
}

static __u32 map_id(const struct fixture *fixture, enum map_id map)
{
	char path[PIN_PATH_MAX];
	int fd = bpf_obj_get(
		pin_path(path, fixture->root, PIN_MAPS, map_name[map]));
	struct bpf_map_info info;

	assert_true(fd >= 0);
	assert_int_equal(map_info(fd, &info), 0);
	close(fd);
	return info.id;
}

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

/* As if the other build had been made before there were fragments. */
static void make_programs_without_maps(const struct fixture *fixture)
{
	int program = foreign_program();
	struct program_set set;
	char path[PIN_PATH_MAX];

	assert_int_equal(programs_open(fixture->root, PIN_PROGS, &set, NULL),
			 0);
	assert_true(set.count > COUNT(programs));
	for (size_t i = 0; i < set.count; i++) {
		pin_path(path, fixture->root, PIN_PROGS, set.list[i].name);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(bpf_obj_pin(program, path), 0);
	}
	programs_close(&set);
	close(program);
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
	const struct ipaddr key = { { 1, 2, 3, 4 } };
	struct local_val value;
	__u32 maps[MAP_COUNT];
	struct datapath *dp;
	struct ids after;

	for (int map = 0; map < MAP_COUNT; map++)
		maps[map] = map_id(fixture, map);
	datapath_config(fixture->dp)->abi = BN_ABI_VERSION + 1;
	if (datapath_upgrade(fixture->instance, &options, false, fill_one,
			     &filling, &dp, &fixture->err))
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
	const struct ids before = hooked_ids(fixture);
	struct datapath *dp = NULL;

	become_another_build(fixture);
	assert_int_equal(datapath_upgrade(fixture->instance, &options, true,
					  fill_fails, NULL, &dp, &fixture->err),
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
	    (fixture->dp->clsact && clsact_put(&from, &some, NULL)))
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
	struct datapath *dp;
	pid_t pid = fork();
	int status;

	if (!pid) {
		datapath_upgrade(fixture->instance, &options, keep,
				 fill_and_die, &crash, &dp, &fixture->err);
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

		if (fixture->dp->clsact)
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

#define TCX(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SHARED(name) \
	cmocka_unit_test_setup_teardown(name, setup_shared, teardown_shared)
#define CLSACT(name) \
	cmocka_unit_test_setup_teardown(name, setup_clsact, teardown)

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
		SHARED(failure_before_the_first_hook_changes_nothing),
		SHARED(failure_after_the_last_hook_is_undone),
		TCX(map_that_the_other_build_has_not_is_made),
		TCX(map_that_this_build_has_not_goes),
		TCX(every_hook_gets_its_program_and_maps_stay),
		CLSACT(every_hook_gets_its_program_and_maps_stay),
		TCX(foreign_tables_are_replaced_and_filled_first),
		TCX(device_that_is_gone_is_no_obstacle),
		TCX(hook_that_this_build_has_not_ends),
		TCX(failure_at_one_hook_is_undone_at_the_others),
		CLSACT(failure_at_one_hook_is_undone_at_the_others),
		TCX(crash_is_put_right_by_the_build_that_comes),
		TCX(crash_is_put_right_by_the_build_that_goes),
		CLSACT(crash_is_put_right_by_the_build_that_goes),
		TCX(crash_on_the_way_to_other_tables_is_put_right),
		CLSACT(unload_in_the_middle_leaves_no_program),
	};

	/* Mounts of the tests are theirs alone. */
	if (geteuid() != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		printf("skipped: needs root\n");
		return SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
