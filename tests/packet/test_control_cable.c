/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control_cable - cables to the host and from one endpoint to another */
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control_world.h"
#include "kernel/netns.h"
#include "lib/cleanup.h"

/* What the next command does before anything else. */
static void unwant(struct world *world, const char *endpoint)
{
	model_del_endpoint(&world->model,
			   model_find_endpoint(&world->model, endpoint));
}

/* left .1 and right .2, both ends of one cable. */
static void want_pair(struct world *world)
{
	want_cable(world, "pair", "10.0.1.0/24");
	want_endpoint(world, "left", "pair", "10.0.1.1", NULL);
	want_endpoint(world, "right", "pair", "10.0.1.2", NULL);
}

static void assert_pair(struct world *world)
{
	must("ip -n left link show eth0 | grep -q LOWER_UP");
	must("ip -n right link show eth0 | grep -q LOWER_UP");
	must("ip -n left addr show eth0 | grep -q 'inet 10.0.1.1/24'");
	must("ip -n right addr show eth0 | grep -q 'inet 10.0.1.2/24'");
	must("nsenter --net=/run/netns/left ping -c1 -W2 10.0.1.2 >/dev/null");
	assert_false(succeeds("ip -o link | grep -q ' bn'"));
	assert_tables_match(world);
}

static void assert_host_link(struct world *world, const char *host_address)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "ip addr show bne-left | grep -q 'inet %s'", host_address);
	must(command);
	must("ip link show bne-left | grep -q LOWER_UP");
	must("ip -n left addr show eth0 | grep -q 'inet 10.0.1.1/24'");
	must("ping -c1 -W2 10.0.1.1 >/dev/null");
	assert_tables_match(world);
}

/* ------------------------------------------------------- one end in the host */

static void host_end_is_the_gateway(void **state)
{
	struct world *world = *state;

	want_cable(world, "link", "10.0.1.0/24");
	want_endpoint(world, "left", "link", "10.0.1.7", NULL);
	must_apply(world);

	must("ip addr show bne-left | grep -q 'inet 10.0.1.1/24'");
	must("ip -n left route | grep -q '^default via 10.0.1.1 '");
	must("ping -c1 -W2 10.0.1.7 >/dev/null");
	assert_int_equal(if_nametoindex("bn-link"), 0);
	assert_tables_match(world);
}

static void host_end_without_ipv6_subnet_has_no_ipv6(void **state)
{
	struct world *world = *state;

	want_cable(world, "link", "10.0.1.0/24");
	want_endpoint(world, "left", "link", "10.0.1.7", NULL);
	must_apply(world);

	assert_false(succeeds("ip -6 addr show bne-left | grep -q inet6"));
	must("grep -q 1 /proc/sys/net/ipv4/conf/bne-left/forwarding");
}

static void host_end_that_was_deleted_comes_back(void **state)
{
	struct world *world = *state;

	want_cable(world, "link", "10.0.1.0/24");
	want_endpoint(world, "left", "link", "10.0.1.1", NULL);
	must_apply(world);

	must("ip link del bne-left");
	open_and_close(world);

	assert_host_link(world, "10.0.1.2/24");
}

static void mtu_of_a_host_link_follows(void **state)
{
	struct world *world = *state;

	want_cable(world, "link", "10.0.1.0/24");
	want_endpoint(world, "left", "link", "10.0.1.1", NULL);
	must_apply(world);
	world->model.networks[0].mtu = 1400;
	must_apply(world);

	must("ip link show bne-left | grep -q 'mtu 1400'");
	must("ip -n left link show eth0 | grep -q 'mtu 1400'");
	assert_host_link(world, "10.0.1.2/24");
}

static void network_changes_its_type(void **state)
{
	struct world *world = *state;

	want_network(world, "link", "10.0.1.0/24");
	want_endpoint(world, "left", "link", "10.0.1.7", NULL);
	must_apply(world);
	must("ip link show bn-link >/dev/null");

	world->model.networks[0].type = NETWORK_P2P;
	must_apply(world);
	assert_int_equal(if_nametoindex("bn-link"), 0);
	assert_tables_match(world);

	world->model.networks[0].type = NETWORK_BRIDGE;
	must_apply(world);
	must("ip -o link show bne-left | grep -q 'master bn-link '");
	must("ping -c1 -W2 10.0.1.7 >/dev/null");
	assert_tables_match(world);
}

/* ------------------------------------------------------ past the host */

static void pair_is_none_of_the_hosts_business(void **state)
{
	struct world *world = *state;

	want_pair(world);
	must_apply(world);

	assert_pair(world);
	assert_false(succeeds("ip -n left route | grep -q default"));
	assert_false(succeeds("ip -n right route | grep -q default"));
}

static void second_endpoint_takes_the_cable_over(void **state)
{
	struct world *world = *state;

	want_cable(world, "pair", "10.0.1.0/24");
	want_endpoint(world, "left", "pair", "10.0.1.1", NULL);
	must_apply(world);
	assert_host_link(world, "10.0.1.2/24");

	want_endpoint(world, "right", "pair", "10.0.1.2", NULL);
	must_apply(world);

	assert_pair(world);
}

static void who_is_left_leads_to_the_host(void **state)
{
	struct world *world = *state;

	want_pair(world);
	must_apply(world);

	unwant(world, "right");
	must_apply(world);

	assert_host_link(world, "10.0.1.2/24");
	must("ip -n left route | grep -q '^default via 10.0.1.2 '");
	assert_false(succeeds("test -e /run/netns/right"));
}

static void applying_a_pair_twice_does_nothing(void **state)
{
	struct world *world = *state;
	size_t steps = 1;

	want_pair(world);
	must_apply(world);
	assert_int_equal(apply(world, &steps), 0);

	assert_int_equal(steps, 0);
}

/* All of it, also the host link that was there before. */
static void pair_that_cannot_be_made_is_undone(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *before = NULL;
	_cleanup_free_ char *after = NULL;

	must("ip netns add right && "
	     "ip -n right link add eth0 type bridge");
	want_cable(world, "pair", "10.0.1.0/24");
	want_endpoint(world, "left", "pair", "10.0.1.1", NULL);
	must_apply(world);
	before = record();

	want_endpoint(world, "right", "pair", "10.0.1.2", NULL);
	assert_int_not_equal(apply(world, NULL), 0);

	assert_non_null(strstr(world->err.text, "'left' to 'right'"));
	after = record();
	assert_string_equal(before, after);
	assert_host_link(world, "10.0.1.2/24");
	must("ip -n right link show eth0 type bridge | grep -q eth0");
}

/* IPv6 does not work over a cable like that. */
static void pair_that_cannot_be_set_up_is_taken_away(void **state)
{
	struct world *world = *state;

	must("ip netns add left && ip netns add right");
	want_cable(world, "pair", "fd00:1::/64");
	world->model.networks[0].mtu = 1200;
	want_endpoint(world, "left", "pair", "fd00:1::1", NULL);
	want_endpoint(world, "right", "pair", "fd00:1::2", NULL);

	assert_int_not_equal(apply(world, NULL), 0);

	assert_false(succeeds("ip -n left link show eth0 2>/dev/null"));
	assert_false(succeeds("ip -n right link show eth0 2>/dev/null"));
}

static void failed_change_brings_the_pair_back(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *before = NULL;
	_cleanup_free_ char *after = NULL;

	want_pair(world);
	must_apply(world);
	must("ip -n left link add users type bridge");
	before = record();

	strcpy(model_find_endpoint(&world->model, "left")->ifname, "users");
	assert_int_not_equal(apply(world, NULL), 0);

	after = record();
	assert_string_equal(before, after);
	assert_pair(world);
}

static void both_ends_in_one_namespace_are_refused(void **state)
{
	struct world *world = *state;

	must("ip netns add box");
	want_cable(world, "pair", "10.0.1.0/24");
	want_endpoint(world, "left", "pair", "10.0.1.1", "box");
	want_endpoint(world, "right", "pair", "10.0.1.2", "/run/netns/box");

	assert_int_not_equal(apply(world, NULL), 0);

	assert_int_equal(world->err.exit, EXIT_USAGE);
	assert_non_null(strstr(world->err.text, "in the same namespace"));
}

static void hosts_own_namespace_is_refused(void **state)
{
	struct world *world = *state;

	want_cable(world, "pair", "10.0.1.0/24");
	want_endpoint(world, "left", "pair", "10.0.1.1", NULL);
	want_endpoint(world, "right", "pair", "10.0.1.2", "/proc/self/ns/net");

	assert_int_not_equal(apply(world, NULL), 0);

	assert_non_null(strstr(world->err.text, "host's own"));
	assert_false(succeeds("ip -o link | grep -q eth0"));
}

static void mtu_of_a_pair_follows_at_both_ends(void **state)
{
	struct world *world = *state;

	want_pair(world);
	must_apply(world);
	world->model.networks[0].mtu = 1400;
	must_apply(world);

	must("ip -n left link show eth0 | grep -q 'mtu 1400'");
	must("ip -n right link show eth0 | grep -q 'mtu 1400'");
	assert_pair(world);
}

static void device_deleted_at_one_end_comes_back_at_both(void **state)
{
	struct world *world = *state;

	want_pair(world);
	must_apply(world);

	must("ip -n right link del eth0");
	open_and_close(world);

	assert_pair(world);
}

/* Its other end is where it was, but a cable has only one name for each. */
static void device_renamed_at_one_end_comes_back(void **state)
{
	struct world *world = *state;

	want_pair(world);
	must_apply(world);

	must("ip -n right link set eth0 down && "
	     "ip -n right link set eth0 name other");
	open_and_close(world);

	assert_pair(world);
	assert_false(succeeds("ip -n right link show other 2>/dev/null"));
}

static void
end_whose_namespace_is_gone_leaves_the_other_to_the_host(void **state)
{
	struct world *world = *state;

	want_pair(world);
	must_apply(world);

	must("ip netns del right");
	open_and_close(world);

	assert_host_link(world, "10.0.1.2/24");
	assert_false(is_recorded("+ endpoint right "));
}

static void both_namespaces_may_go(void **state)
{
	struct world *world = *state;

	want_pair(world);
	must_apply(world);

	must("ip netns del left && ip netns del right");
	open_and_close(world);

	assert_false(is_recorded("+ endpoint "));
	assert_tables_match(world);
}

static void pair_comes_back_with_the_next_apply(void **state)
{
	struct world *world = *state;

	want_pair(world);
	must_apply(world);

	must("ip netns del right");
	must_apply(world);

	assert_pair(world);
}

/* The process of a namespace that has no name. */
static pid_t process_start(struct world *world, const char *name)
{
	pid_t pid = fork();
	char netns[32];

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	snprintf(netns, sizeof(netns), "pid:%d", pid);
	strcpy(model_find_endpoint(&world->model, name)->netns, netns);
	return pid;
}

static void process_end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The namespace of the one that is left is known, not only its process's number:
 * it leads to the host now. */
static void pair_of_processes_lives_as_long_as_both(void **state)
{
	struct world *world = *state;
	pid_t left, right;

	want_pair(world);
	left = process_start(world, "left");
	right = process_start(world, "right");
	must_apply(world);
	assert_int_equal(endpoints_left(world), 2);

	process_end(right);
	assert_int_equal(endpoints_left(world), 1);
	must("ip addr show bne-left | grep -q 'inet 10.0.1.2/24'");
	must("ping -c1 -W2 10.0.1.1 >/dev/null");

	process_end(left);
	assert_int_equal(endpoints_left(world), 0);
}

/* Processes keep it, which only the one without a name proves. */
static void namespace_that_lost_its_name_keeps_its_end(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int inside = -1;

	want_pair(world);
	must_apply(world);
	inside = netns_open("right", &world->err);
	assert_true(inside >= 0);

	must("ip netns del right");
	assert_int_equal(endpoints_left(world), 2);

	must("nsenter --net=/run/netns/left ping -c1 -W2 10.0.1.2 >/dev/null");
}

/* ------------------------------------------------ what is left behind */

static void unfinished_pair_is_removed(void **state)
{
	struct world *world = *state;

	must("ip netns add left && ip netns add right");
	want_pair(world);
	must_apply(world);
	interrupt(OBJECT_ENDPOINT, "left");
	interrupt(OBJECT_ENDPOINT, "right");

	open_and_close(world);

	assert_false(succeeds("ip -n left link show eth0 2>/dev/null"));
	assert_false(succeeds("ip -n right link show eth0 2>/dev/null"));
	assert_tables_match(world);
}

static void device_of_somebody_else_outlives_an_unfinished_pair(void **state)
{
	struct world *world = *state;

	must("ip netns add left && ip netns add right");
	want_pair(world);
	must_apply(world);
	interrupt(OBJECT_ENDPOINT, "left");
	interrupt(OBJECT_ENDPOINT, "right");
	must("ip -n left link del eth0 && "
	     "ip -n left link add eth0 type veth peer name far");

	open_and_close(world);

	must("ip -n left link show eth0 >/dev/null");
	assert_tables_match(world);
}

static void purge_leaves_nothing_in_namespaces_that_were_there(void **state)
{
	struct world *world = *state;
	struct control *control;

	must("ip netns add left && ip netns add right");
	want_pair(world);
	must_apply(world);

	control = control_of(world, CONTROL_PURGE);
	assert_int_equal(control_purge(control, &world->err), 0);
	control_close(control);

	assert_false(succeeds("ip -n left link show eth0 2>/dev/null"));
	assert_false(succeeds("ip -n right link show eth0 2>/dev/null"));
	must("test -e /run/netns/left && test -e /run/netns/right");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(host_end_is_the_gateway),
		WORLD_TEST(host_end_without_ipv6_subnet_has_no_ipv6),
		WORLD_TEST(host_end_that_was_deleted_comes_back),
		WORLD_TEST(mtu_of_a_host_link_follows),
		WORLD_TEST(network_changes_its_type),
		WORLD_TEST(pair_is_none_of_the_hosts_business),
		WORLD_TEST(second_endpoint_takes_the_cable_over),
		WORLD_TEST(who_is_left_leads_to_the_host),
		WORLD_TEST(applying_a_pair_twice_does_nothing),
		WORLD_TEST(pair_that_cannot_be_made_is_undone),
		WORLD_TEST(pair_that_cannot_be_set_up_is_taken_away),
		WORLD_TEST(failed_change_brings_the_pair_back),
		WORLD_TEST(both_ends_in_one_namespace_are_refused),
		WORLD_TEST(hosts_own_namespace_is_refused),
		WORLD_TEST(mtu_of_a_pair_follows_at_both_ends),
		WORLD_TEST(device_deleted_at_one_end_comes_back_at_both),
		WORLD_TEST(device_renamed_at_one_end_comes_back),
		WORLD_TEST(
			end_whose_namespace_is_gone_leaves_the_other_to_the_host),
		WORLD_TEST(both_namespaces_may_go),
		WORLD_TEST(pair_comes_back_with_the_next_apply),
		WORLD_TEST(pair_of_processes_lives_as_long_as_both),
		WORLD_TEST(namespace_that_lost_its_name_keeps_its_end),
		WORLD_TEST(unfinished_pair_is_removed),
		WORLD_TEST(device_of_somebody_else_outlives_an_unfinished_pair),
		WORLD_TEST(purge_leaves_nothing_in_namespaces_that_were_there),
	};

	return world_main("control_cable", tests,
			  sizeof(tests) / sizeof(*tests));
}
