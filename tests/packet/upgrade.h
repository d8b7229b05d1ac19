/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* upgrade - a build with all hooks that others take the place of, for tests */
#ifndef TESTS_UPGRADE_H
#define TESTS_UPGRADE_H

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

static inline int run(const char *command)
{
	return system(command);
}

static inline int fixture_attach(struct fixture *fixture)
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

static inline int unload(struct fixture *fixture)
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

static inline int load(struct fixture *fixture, bool clsact)
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

static inline int setup_mode(void **state, bool clsact)
{
	struct fixture *fixture = &fixture_of_all;

	*state = fixture;
	if (fixture->dp && unload(fixture))
		return -1;
	return load(fixture, clsact);
}

static inline int setup(void **state)
{
	return setup_mode(state, false);
}

static inline int setup_clsact(void **state)
{
	return setup_mode(state, true);
}

static inline int teardown(void **state)
{
	return unload(*state);
}

/* Loading takes a second or two: tests that replace no program use one after
 * another what the first of them has loaded. */
static inline int setup_shared(void **state)
{
	*state = &fixture_of_all;
	return fixture_of_all.dp ? 0 : setup(state);
}

/* The pins as they were. */
static inline int teardown_shared(void **state)
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

static inline struct ids pinned_ids(const struct fixture *fixture)
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

static inline bool by_filter(const struct fixture *fixture, int ifindex)
{
	return fixture->dp->clsact || ifindex == fixture->endpoint;
}

/* The one program of a direction. */
static inline __u32 device_id(const struct fixture *fixture, int ifindex,
			      bool egress)
{
	__u32 ids[HOOK_PROGRAMS_MAX];

	if (by_filter(fixture, ifindex))
		return filter_program(ifindex,
				      egress ? BPF_TC_EGRESS : BPF_TC_INGRESS,
				      OUR_PRIORITY, OUR_HANDLE);
	assert_int_equal(
		tcx_programs(ifindex, egress ? TCX_EGRESS : TCX_INGRESS, ids),
		1);
	return ids[0];
}

/* What runs. Where there is no cgroup, its part is as the pins say. */
static inline struct ids hooked_ids(const struct fixture *fixture)
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

static inline void assert_ids_equal(const struct ids *a, const struct ids *b)
{
	for (size_t i = 0; i < COUNT(programs); i++)
		if (a->id[i] != b->id[i])
			fail_msg("%s is %u instead of %u", programs[i],
				 a->id[i], b->id[i]);
}

static inline void assert_ids_differ(const struct ids *a, const struct ids *b)
{
	for (size_t i = 0; i < COUNT(programs); i++)
		if (a->id[i] == b->id[i])
			fail_msg("%s is still %u", programs[i], a->id[i]);
}

/* --------------------------------------------------------------- builds */

/* From now on the pins say that they are of another build. */
static inline void become_another_build(const struct fixture *fixture)
{
	char old[PIN_PATH_MAX], new[PIN_PATH_MAX];

	pin_path(old, fixture->root, PIN_PROGS, objects_stamp);
	pin_path(new, fixture->root, PIN_PROGS, "bn_build_other");
	assert_int_equal(rename(old, new), 0);
}

static inline int fill_nothing(struct datapath *dp, void *arg, struct err *err)
{
	(void)dp;
	(void)arg;
	(void)err;
	return 0;
}

/* The datapath is the one that comes out of it. */
static inline int upgrade(struct fixture *fixture, bool keep)
{
	const struct datapath_filler filler = { fill_nothing, NULL };
	struct datapath *dp;
	int ret = datapath_upgrade(fixture->instance, &options, keep, &filler,
				   &dp, &fixture->err);

	if (ret)
		return ret;
	datapath_close(fixture->dp);
	fixture->dp = dp;
	return 0;
}

static inline void must_upgrade(struct fixture *fixture, bool keep)
{
	if (upgrade(fixture, keep))
		fail_msg("%s", fixture->err.text);
}

static inline struct build compare(struct fixture *fixture)
{
	struct build build;

	if (datapath_compare(fixture->instance, &build, &fixture->err))
		fail_msg("%s", fixture->err.text);
	return build;
}

/* All is in one piece: the pins, the hooks, nothing left over. */
static inline void assert_settled(struct fixture *fixture)
{
	const struct ids pinned = pinned_ids(fixture);
	const struct ids hooked = hooked_ids(fixture);

	assert_ids_equal(&hooked, &pinned);
	assert_int_equal(compare(fixture).state, BUILD_SAME);
	assert_true(datapath_is_current(fixture->dp));
	assert_false(pin_exists(fixture->root, PIN_PROGS_NEXT, NULL));
	assert_false(pin_exists(fixture->root, PIN_MAPS_NEXT, NULL));
}

static inline __u32 map_id(const struct fixture *fixture, enum map_id map)
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

#define TCX(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SHARED(name) \
	cmocka_unit_test_setup_teardown(name, setup_shared, teardown_shared)
#define CLSACT(name) \
	cmocka_unit_test_setup_teardown(name, setup_clsact, teardown)

/* Mounts of the tests are theirs alone. */
static inline bool tests_can_run(void)
{
	return geteuid() == 0 && unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

#endif
