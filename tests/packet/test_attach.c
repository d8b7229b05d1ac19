/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_attach - programs on devices and cgroups, by tcx and by clsact */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "datapath/internal.h"
#include "hooks.h"

#define SKIP 77

struct fixture {
	char instance[32];
	char root[PIN_ROOT_MAX];
	struct datapath *dp;
	char cgroup[CGROUP_PATH_MAX]; /* "" until a test makes one */
	int ifindex;
	int foreign; /* a program that is not bpfnet's */
	struct err err;
};

static int run(const char *command)
{
	return system(command);
}

static int setup_mode(void **state, bool clsact)
{
	const struct datapath_options options = {
		.flows_max = 1024,
		.force_clsact = clsact,
	};
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	snprintf(fixture.instance, sizeof(fixture.instance), "bntest_%d",
		 getpid());
	snprintf(fixture.root, sizeof(fixture.root), "%s/%s", BPFFS,
		 fixture.instance);
	if (run("ip link add bnt0 type veth peer name bnt1"))
		return -1;
	fixture.ifindex = (int)if_nametoindex("bnt0");
	fixture.foreign = foreign_program();
	if (datapath_load(fixture.instance, &options, &fixture.dp,
			  &fixture.err)) {
		print_error("%s\n", fixture.err.text);
		return -1;
	}
	*state = &fixture;
	return fixture.foreign < 0 ? -1 : 0;
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
	struct fixture *fixture = *state;

	datapath_close(fixture->dp);
	datapath_unload(fixture->instance, NULL);
	close(fixture->foreign);
	run("ip link del bnt0 2>/dev/null");
	if (fixture->cgroup[0])
		rmdir(fixture->cgroup);
	return access(fixture->root, F_OK) == 0;
}

static __u32 id_of_pinned(struct fixture *fixture, const char *name)
{
	int program = pin_program(fixture->dp, name, &fixture->err);
	__u32 id;

	assert_true(program >= 0);
	id = id_of(program);
	close(program);
	return id;
}

static bool has_tcx(const struct fixture *fixture)
{
	return probe_tcx(fixture->foreign);
}

static int filter_add(const struct fixture *fixture, __u32 priority,
		      __u32 handle)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = fixture->ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .priority = priority, .handle = handle,
		    .prog_fd = fixture->foreign);

	bpf_tc_hook_create(&hook);
	return bpf_tc_attach(&hook, &opts);
}

static bool has_clsact(void)
{
	return run("tc qdisc show dev bnt0 | grep -q clsact") == 0;
}

/* ---- tcx */

static void tcx_attach_twice_leaves_one_program(void **state)
{
	struct fixture *fixture = *state;
	__u32 ids[HOOK_PROGRAMS_MAX];

	if (!has_tcx(fixture))
		skip();
	assert_string_equal(datapath_attach_mode(fixture->dp), "tcx");
	for (int i = 0; i < 2; i++)
		assert_int_equal(attach_uplink(fixture->dp, fixture->ifindex,
					       &fixture->err),
				 0);

	assert_int_equal(tcx_programs(fixture->ifindex, TCX_INGRESS, ids), 1);
	assert_int_equal(ids[0], id_of_pinned(fixture, "bn_from_uplink"));
	assert_int_equal(tcx_programs(fixture->ifindex, TCX_EGRESS, ids), 1);
	assert_int_equal(ids[0], id_of_pinned(fixture, "bn_to_uplink"));
}

static void tcx_link_gets_the_program_of_this_load(void **state)
{
	struct fixture *fixture = *state;
	char path[PIN_PATH_MAX];
	__u32 ids[HOOK_PROGRAMS_MAX];
	int link;

	if (!has_tcx(fixture))
		skip();
	link = bpf_link_create(fixture->foreign, fixture->ifindex, TCX_INGRESS,
			       NULL);
	assert_true(link >= 0);
	snprintf(path, sizeof(path), "%s/links/from_uplink_%d", fixture->root,
		 fixture->ifindex);
	assert_int_equal(bpf_obj_pin(link, path), 0);
	close(link);

	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);

	assert_int_equal(tcx_programs(fixture->ifindex, TCX_INGRESS, ids), 1);
	assert_int_equal(ids[0], id_of_pinned(fixture, "bn_from_uplink"));
}

static void tcx_link_of_a_dead_device_is_replaced(void **state)
{
	struct fixture *fixture = *state;
	__u32 ids[HOOK_PROGRAMS_MAX];
	char command[128];

	if (!has_tcx(fixture))
		skip();
	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);
	snprintf(command, sizeof(command),
		 "ip link del bnt0 && "
		 "ip link add bnt0 index %d type veth peer name bnt1",
		 fixture->ifindex);
	assert_int_equal(run(command), 0);

	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);

	assert_int_equal(tcx_programs(fixture->ifindex, TCX_INGRESS, ids), 1);
	assert_int_equal(ids[0], id_of_pinned(fixture, "bn_from_uplink"));
}

static void tcx_detach_of_a_dead_device_removes_the_pins(void **state)
{
	struct fixture *fixture = *state;
	char pin[64];

	if (!has_tcx(fixture))
		skip();
	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);
	assert_int_equal(run("ip link del bnt0"), 0);

	assert_int_equal(
		detach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);

	snprintf(pin, sizeof(pin), "from_uplink_%d", fixture->ifindex);
	assert_false(pin_exists(fixture->root, PIN_LINKS, pin));
}

static void tcx_leaves_foreign_program_in_place(void **state)
{
	struct fixture *fixture = *state;
	__u32 ids[HOOK_PROGRAMS_MAX];
	int link;

	if (!has_tcx(fixture))
		skip();
	link = bpf_link_create(fixture->foreign, fixture->ifindex, TCX_INGRESS,
			       NULL);
	assert_true(link >= 0);

	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);
	assert_int_equal(tcx_programs(fixture->ifindex, TCX_INGRESS, ids), 2);
	assert_int_equal(ids[0], id_of(fixture->foreign));
	for (int i = 0; i < 2; i++)
		assert_int_equal(detach_uplink(fixture->dp, fixture->ifindex,
					       &fixture->err),
				 0);

	assert_int_equal(tcx_programs(fixture->ifindex, TCX_INGRESS, ids), 1);
	assert_int_equal(ids[0], id_of(fixture->foreign));
	assert_int_equal(tcx_programs(fixture->ifindex, TCX_EGRESS, ids), 0);
	close(link);
}

/* ---- clsact */

static __u32 ours(const struct fixture *fixture, enum bpf_tc_attach_point point)
{
	return filter_program(fixture->ifindex, point, FILTER_PRIORITY,
			      FILTER_HANDLE);
}

static void clsact_attach_twice_leaves_one_program(void **state)
{
	struct fixture *fixture = *state;

	assert_string_equal(datapath_attach_mode(fixture->dp), "clsact");
	for (int i = 0; i < 2; i++)
		assert_int_equal(attach_endpoint(fixture->dp, fixture->ifindex,
						 &fixture->err),
				 0);

	assert_int_equal(ours(fixture, BPF_TC_INGRESS),
			 id_of_pinned(fixture, "bn_from_container"));
	assert_int_equal(ours(fixture, BPF_TC_EGRESS),
			 id_of_pinned(fixture, "bn_to_container"));
	assert_int_equal(run("test $(tc filter show dev bnt0 ingress |"
			     " grep -c bn_from) = 1"),
			 0);
}

/* See attach.c: a tcx link would make every endpoint wait. */
static void endpoint_has_filters_where_there_is_tcx(void **state)
{
	struct fixture *fixture = *state;
	__u32 ids[PROGRAMS_MAX];

	if (!has_tcx(fixture))
		skip();
	assert_int_equal(
		attach_endpoint(fixture->dp, fixture->ifindex, &fixture->err),
		0);
	assert_int_equal(ours(fixture, BPF_TC_INGRESS),
			 id_of_pinned(fixture, "bn_from_container"));
	assert_int_equal(ours(fixture, BPF_TC_EGRESS),
			 id_of_pinned(fixture, "bn_to_container"));
	assert_int_equal(tcx_programs(fixture->ifindex, TCX_INGRESS, ids), 0);
	assert_int_equal(
		detach_endpoint(fixture->dp, fixture->ifindex, &fixture->err),
		0);

	assert_int_equal(ours(fixture, BPF_TC_INGRESS), 0);
	assert_int_equal(ours(fixture, BPF_TC_EGRESS), 0);
}

static void clsact_program_of_another_kind_is_replaced(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(
		attach_endpoint(fixture->dp, fixture->ifindex, &fixture->err),
		0);
	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);

	assert_int_equal(ours(fixture, BPF_TC_INGRESS),
			 id_of_pinned(fixture, "bn_from_uplink"));
	assert_int_equal(ours(fixture, BPF_TC_EGRESS),
			 id_of_pinned(fixture, "bn_to_uplink"));
}

static void clsact_mode_is_remembered(void **state)
{
	struct fixture *fixture = *state;
	struct datapath *second;

	assert_int_equal(
		datapath_open(fixture->instance, &second, &fixture->err), 0);

	assert_string_equal(datapath_attach_mode(second), "clsact");
	datapath_close(second);
}

static void clsact_qdisc_goes_with_the_last_filter(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);
	assert_true(has_clsact());
	for (int i = 0; i < 2; i++)
		assert_int_equal(detach_uplink(fixture->dp, fixture->ifindex,
					       &fixture->err),
				 0);

	assert_false(has_clsact());
}

static void clsact_qdisc_of_others_stays(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run("tc qdisc add dev bnt0 clsact"), 0);
	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);
	assert_int_equal(
		detach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);

	assert_true(has_clsact());
}

static void clsact_leaves_foreign_filter_in_place(void **state)
{
	struct fixture *fixture = *state;
	__u32 foreign = id_of(fixture->foreign);

	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);
	assert_int_equal(filter_add(fixture, 7, 3), 0);
	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);
	assert_int_equal(
		detach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);

	assert_int_equal(filter_program(fixture->ifindex, BPF_TC_INGRESS, 7, 3),
			 foreign);
	assert_int_equal(ours(fixture, BPF_TC_INGRESS), 0);
	assert_int_equal(ours(fixture, BPF_TC_EGRESS), 0);
}

static void clsact_foreign_filter_in_our_place_is_a_conflict(void **state)
{
	struct fixture *fixture = *state;
	__u32 foreign = id_of(fixture->foreign);

	assert_int_equal(filter_add(fixture, FILTER_PRIORITY, FILTER_HANDLE),
			 0);

	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err),
		-EEXIST);
	assert_int_equal(fixture->err.exit, EXIT_CONFLICT);
	assert_int_equal(
		detach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);

	assert_int_equal(ours(fixture, BPF_TC_INGRESS), foreign);
	assert_int_equal(ours(fixture, BPF_TC_EGRESS), 0);
}

static void missing_device_is_not_found(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(attach_uplink(fixture->dp, 0, &fixture->err), -ENODEV);
	assert_int_equal(attach_uplink(fixture->dp, 99999, &fixture->err),
			 -ENODEV);
	assert_int_equal(fixture->err.exit, EXIT_NOT_FOUND);
	assert_int_equal(detach_uplink(fixture->dp, 99999, &fixture->err), 0);
}

static void failed_attach_takes_the_first_program_back(void **state)
{
	struct fixture *fixture = *state;
	__u32 ids[HOOK_PROGRAMS_MAX];
	char path[PIN_PATH_MAX];

	pin_path(path, fixture->root, PIN_PROGS, "bn_to_uplink");
	assert_int_equal(unlink(path), 0);

	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err),
		-ENOENT);

	assert_non_null(strstr(fixture->err.text, "bn_to_uplink"));
	assert_int_equal(ours(fixture, BPF_TC_INGRESS), 0);
	assert_false(has_clsact());
	if (has_tcx(fixture))
		assert_int_equal(
			tcx_programs(fixture->ifindex, TCX_INGRESS, ids), 0);
}

/* ---- sockets */

static void sockets_are_attached_once_and_detached(void **state)
{
	static const enum bpf_attach_type types[] = {
		BPF_CGROUP_INET4_CONNECT,     BPF_CGROUP_INET6_CONNECT,
		BPF_CGROUP_UDP4_SENDMSG,      BPF_CGROUP_UDP6_SENDMSG,
		BPF_CGROUP_UDP4_RECVMSG,      BPF_CGROUP_UDP6_RECVMSG,
		BPF_CGROUP_INET4_GETPEERNAME, BPF_CGROUP_INET6_GETPEERNAME,
	};
	struct fixture *fixture = *state;
	const char *path = fixture->cgroup;
	__u32 ids[HOOK_PROGRAMS_MAX];

	if (!cgroup_make(fixture->cgroup))
		skip();
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			attach_sockets(fixture->dp, path, &fixture->err), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(cgroup_programs(path, types[i], ids), 1);
	assert_int_equal(detach_sockets(fixture->dp, &fixture->err), 0);

	for (int i = 0; i < 8; i++)
		assert_int_equal(cgroup_programs(path, types[i], ids), 0);
}

static void sockets_of_no_cgroup_are_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(attach_sockets(fixture->dp, "/proc", &fixture->err),
			 -EINVAL);
	assert_int_equal(fixture->err.exit, EXIT_USAGE);
	assert_int_equal(attach_sockets(fixture->dp, "/none", &fixture->err),
			 -ENOENT);
}

/* ---- unload */

static void unload_leaves_no_pin_and_no_tcx_program(void **state)
{
	struct fixture *fixture = *state;
	__u32 ids[HOOK_PROGRAMS_MAX];

	if (!has_tcx(fixture))
		skip();
	assert_int_equal(
		attach_uplink(fixture->dp, fixture->ifindex, &fixture->err), 0);
	assert_int_equal(datapath_unload(fixture->instance, &fixture->err), 0);

	assert_int_not_equal(access(fixture->root, F_OK), 0);
	assert_int_equal(tcx_programs(fixture->ifindex, TCX_INGRESS, ids), 0);
	assert_int_equal(tcx_programs(fixture->ifindex, TCX_EGRESS, ids), 0);
}

static void unload_leaves_no_pin_and_no_filter(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(
		attach_endpoint(fixture->dp, fixture->ifindex, &fixture->err),
		0);
	assert_int_equal(datapath_unload(fixture->instance, &fixture->err), 0);

	assert_int_not_equal(access(fixture->root, F_OK), 0);
	assert_int_equal(ours(fixture, BPF_TC_INGRESS), 0);
	assert_int_equal(ours(fixture, BPF_TC_EGRESS), 0);
}

#define TCX(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define CLSACT(name) \
	cmocka_unit_test_setup_teardown(name, setup_clsact, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TCX(tcx_attach_twice_leaves_one_program),
		TCX(tcx_link_gets_the_program_of_this_load),
		TCX(tcx_link_of_a_dead_device_is_replaced),
		TCX(tcx_detach_of_a_dead_device_removes_the_pins),
		TCX(tcx_leaves_foreign_program_in_place),
		CLSACT(clsact_attach_twice_leaves_one_program),
		TCX(endpoint_has_filters_where_there_is_tcx),
		CLSACT(clsact_program_of_another_kind_is_replaced),
		CLSACT(clsact_mode_is_remembered),
		CLSACT(clsact_qdisc_goes_with_the_last_filter),
		CLSACT(clsact_qdisc_of_others_stays),
		CLSACT(clsact_leaves_foreign_filter_in_place),
		CLSACT(clsact_foreign_filter_in_our_place_is_a_conflict),
		TCX(missing_device_is_not_found),
		CLSACT(missing_device_is_not_found),
		TCX(failed_attach_takes_the_first_program_back),
		CLSACT(failed_attach_takes_the_first_program_back),
		TCX(sockets_are_attached_once_and_detached),
		TCX(sockets_of_no_cgroup_are_refused),
		TCX(unload_leaves_no_pin_and_no_tcx_program),
		TCX(unload_leaves_no_pin_and_no_filter),
		CLSACT(unload_leaves_no_pin_and_no_filter),
	};

	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
		printf("skipped: needs root\n");
		return SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
