/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control_identity - a namespace is known by more than its name */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/identity.h"
#include "control_world.h"
#include "kernel/netns.h"
#include "lib/cleanup.h"

static size_t count_netns(struct world *world)
{
	struct control *control = control_of(world, CONTROL_READ);
	size_t count = control_model(control)->nnetns;

	control_close(control);
	return count;
}

static void want_netns(struct world *world, const char *name)
{
	struct netns netns = { .ndns = 0 };

	snprintf(netns.name, sizeof(netns.name), "%s", name);
	assert_non_null(model_add_netns(&world->model, &netns));
}

/* Nobody waits for the kernel to come to the old one. */
static void namespace_of_the_same_name_is_another_one(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	must("ip netns del web && ip netns add web");

	assert_int_equal(endpoints_left(world), 0);
	assert_int_equal(if_nametoindex("bne-web"), 0);
	assert_false(succeeds("ip -n web link show eth0 2>/dev/null"));
	assert_int_equal(count_netns(world), 0);
	assert_tables_match(world);
}

static void next_apply_attaches_the_new_one(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	must("ip netns del web && ip netns add web");
	must_apply(world);

	assert_int_equal(endpoints_left(world), 1);
	must("ip -n web addr show eth0 | grep -q 'inet 192.168.10.10/24'");
	must("ping -c1 -W2 192.168.10.10 >/dev/null");
	assert_tables_match(world);
}

/* Who deletes a name and gives it away means the new one by it. */
static void old_one_that_processes_keep_is_cut_off(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int inside = -1;

	want_web(world);
	must_apply(world);
	inside = netns_open("web", &world->err);
	assert_true(inside >= 0);

	must("ip netns del web && ip netns add web");

	assert_int_equal(endpoints_left(world), 0);
	assert_int_equal(if_nametoindex("bne-web"), 0);
}

static void same_namespace_under_its_name_again_stays(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int inside = -1;
	char source[32];
	size_t steps = 1;

	want_web(world);
	must_apply(world);
	inside = netns_open("web", &world->err);
	assert_true(inside >= 0);

	must("ip netns del web && touch /run/netns/web");
	snprintf(source, sizeof(source), "/proc/self/fd/%d", inside);
	assert_int_equal(mount(source, "/run/netns/web", NULL, MS_BIND, NULL),
			 0);

	assert_int_equal(apply(world, &steps), 0);
	assert_int_equal(steps, 0);
	assert_int_equal(endpoints_left(world), 1);
}

/* Removing what bpfnet has made would remove what somebody else has made. */
static void replaced_namespace_is_not_ours_to_delete(void **state)
{
	struct world *world = *state;

	want_netns(world, "mine");
	must_apply(world);
	must("ip netns del mine && ip netns add mine");

	model_del_netns(&world->model, model_find_netns(&world->model, "mine"));
	must_apply(world);

	assert_true(succeeds("ip -n mine link show lo >/dev/null"));
	assert_int_equal(count_netns(world), 0);
}

/* No command came in between: the plan still has the old one. */
static void purge_leaves_a_replaced_namespace_alone(void **state)
{
	struct world *world = *state;
	struct control *control;

	want_web(world);
	must_apply(world);
	must("ip netns del web && ip netns add web");

	control = control_of(world, CONTROL_PURGE);
	assert_int_equal(control_purge(control, &world->err), 0);
	control_close(control);

	assert_true(succeeds("ip -n web link show lo >/dev/null"));
}

static void path_that_leads_elsewhere_is_another_namespace(void **state)
{
	struct world *world = *state;

	must("touch /run/place && ip netns add one && ip netns add two && "
	     "mount --bind /run/netns/one /run/place");
	want_network(world, "front", "192.168.10.0/24");
	want_endpoint(world, "web", "front", "192.168.10.10", "/run/place");
	must_apply(world);
	assert_int_equal(endpoints_left(world), 1);

	must("umount /run/place && mount --bind /run/netns/two /run/place");

	assert_int_equal(endpoints_left(world), 0);
	assert_false(succeeds("ip -n one link show eth0 2>/dev/null"));
	assert_false(succeeds("ip -n two link show eth0 2>/dev/null"));
	must("umount /run/place && rm /run/place");
}

/* A process that stops in a namespace of its own. */
static pid_t process_start(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET))
			_exit(1);
		raise(SIGSTOP);
		/* As if another process had got the number. */
		if (unshare(CLONE_NEWNET))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	return pid;
}

static void process_go_on(pid_t pid)
{
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
}

static void process_end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void want_process(struct world *world, pid_t pid)
{
	char netns[32];

	snprintf(netns, sizeof(netns), "pid:%d", pid);
	want_network(world, "front", "192.168.10.0/24");
	want_endpoint(world, "web", "front", "192.168.10.10", netns);
}

static void number_of_another_process_is_no_namespace_of_ours(void **state)
{
	struct world *world = *state;
	pid_t pid = process_start();

	want_process(world, pid);
	must_apply(world);
	process_go_on(pid);

	assert_int_equal(endpoints_left(world), 0);
	must_apply(world);
	assert_int_equal(endpoints_left(world), 1);
	must("ping -c1 -W2 192.168.10.10 >/dev/null");
	process_end(pid);
}

/* The first process has ended, but its namespace lives on. */
static void namespace_outlives_its_process(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int inside = -1;
	pid_t pid = process_start();
	char netns[32];

	snprintf(netns, sizeof(netns), "pid:%d", pid);
	inside = netns_open(netns, &world->err);
	assert_true(inside >= 0);
	want_process(world, pid);
	must_apply(world);
	process_go_on(pid);

	assert_int_equal(endpoints_left(world), 1);
	must("ping -c1 -W2 192.168.10.10 >/dev/null");
	process_end(pid);
}

/* It is the same namespace, and its number proves it. */
static void device_that_a_process_deleted_comes_back(void **state)
{
	struct world *world = *state;
	pid_t pid = process_start();

	want_process(world, pid);
	must_apply(world);
	must("ip link del bne-web");

	assert_int_equal(endpoints_left(world), 1);
	must("ping -c1 -W2 192.168.10.10 >/dev/null");
	process_end(pid);
}

/* The endpoint's device is a way into its own namespace only. */
static void mtu_of_another_namespace_is_not_touched(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int inside = -1;
	pid_t pid = process_start();
	char command[160], netns[32];

	snprintf(netns, sizeof(netns), "pid:%d", pid);
	inside = netns_open(netns, &world->err);
	want_process(world, pid);
	must_apply(world);
	process_go_on(pid);
	snprintf(command, sizeof(command),
		 "nsenter --net=/proc/%d/ns/net ip link add eth0 type bridge",
		 pid);
	must(command);

	model_find_network(&world->model, "front")->mtu = 1400;
	assert_int_equal(apply(world, NULL), -ENOENT);

	snprintf(command, sizeof(command),
		 "nsenter --net=/proc/%d/ns/net ip link show eth0 | "
		 "grep -q 'mtu 1500'",
		 pid);
	must(command);
	process_end(pid);
}

/* Records of older versions have no number to compare. */
static void record_without_a_cookie_goes_by_the_name(void **state)
{
	struct world *world = *state;
	struct control *control;
	struct endpoint web;

	want_web(world);
	must_apply(world);
	control = control_of(world, CONTROL_READ);
	web = *model_find_endpoint(control_model(control), "web");
	control_close(control);
	assert_int_not_equal(web.netns_cookie, 0);
	web.netns_cookie = 0;
	assert_int_equal(
		state_write(INSTANCE, OBJECT_ENDPOINT, &web, true, &world->err),
		0);

	assert_int_equal(endpoints_left(world), 1);
	assert_tables_match(world);
}

/* What is lost is removed, with its ports: so to lack a descriptor is no proof. */
static void namespace_is_not_lost_for_want_of_a_descriptor(void **state)
{
	const struct endpoint web = { .netns = "web" };
	struct rlimit limit, none;
	enum identity crowded;

	must("ip netns add web");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	crowded = identity_of_endpoint(&web);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	must("ip netns del web");

	assert_int_equal(crowded, IDENTITY_SAME);
	assert_int_equal(identity_of_endpoint(&web), IDENTITY_LOST);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(namespace_of_the_same_name_is_another_one),
		WORLD_TEST(next_apply_attaches_the_new_one),
		WORLD_TEST(old_one_that_processes_keep_is_cut_off),
		WORLD_TEST(same_namespace_under_its_name_again_stays),
		WORLD_TEST(replaced_namespace_is_not_ours_to_delete),
		WORLD_TEST(purge_leaves_a_replaced_namespace_alone),
		WORLD_TEST(path_that_leads_elsewhere_is_another_namespace),
		WORLD_TEST(number_of_another_process_is_no_namespace_of_ours),
		WORLD_TEST(namespace_outlives_its_process),
		WORLD_TEST(device_that_a_process_deleted_comes_back),
		WORLD_TEST(mtu_of_another_namespace_is_not_touched),
		WORLD_TEST(record_without_a_cookie_goes_by_the_name),
		WORLD_TEST(namespace_is_not_lost_for_want_of_a_descriptor),
	};

	return world_main("control_identity", tests,
			  sizeof(tests) / sizeof(*tests));
}
