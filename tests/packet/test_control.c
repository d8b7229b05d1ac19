/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control - what is wanted becomes what is, or nothing changes */
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>

#include "control_world.h"
#include "lib/cleanup.h"

/* ---------------------------------------------------------------- tables */

static void applying_twice_does_nothing_the_second_time(void **state)
{
	struct world *world = *state;
	size_t steps = 0;

	want_web(world);

	assert_int_equal(apply(world, &steps), 0);
	assert_true(steps > 0);
	assert_int_equal(apply(world, &steps), 0);
	assert_int_equal(steps, 0);
}

static void tables_are_what_the_model_says(void **state)
{
	struct world *world = *state;

	want_web(world);
	want_network(world, "back", "192.168.20.0/24");
	want_endpoint(world, "db", "back", "192.168.20.7", NULL);
	want_port(world, "203.0.113.2:5353/udp", "db", 53);

	must_apply(world);

	assert_tables_match(world);
}

static void tables_forget_what_is_removed(void **state)
{
	struct world *world = *state;

	want_web(world);
	want_network(world, "back", "192.168.20.0/24");
	want_endpoint(world, "db", "back", "192.168.20.7", NULL);
	want_port(world, "203.0.113.2:5353/udp", "db", 53);
	must_apply(world);

	model_del_publish(&world->model, &world->model.publishes[0]);
	model_del_rule(&world->model, &world->model.rules[0]);
	model_del_endpoint(&world->model,
			   model_find_endpoint(&world->model, "web"));
	model_del_network(&world->model,
			  model_find_network(&world->model, "front"));
	must_apply(world);

	assert_tables_match(world);
	assert_int_equal(if_nametoindex("bn-front"), 0);
	assert_false(succeeds("test -e /run/netns/web"));
}

static void each_port_of_a_range_has_its_target(void **state)
{
	struct world *world = *state;
	struct publish_key key = { .host = ip_from_v4(0),
				   .proto = IPPROTO_TCP };
	struct publish_val value;
	struct control *control;

	want_web(world);
	must_apply(world);
	control = control_of(world, CONTROL_READ);

	for (int i = 0; i < 3; i++) {
		key.port = htons(8080 + i);
		assert_int_equal(table_get(control_datapath(control),
					   MAP_PUBLISH, &key, &value),
				 0);
		assert_int_equal(ntohs(value.backend_port), 80 + i);
	}
	control_close(control);
}

/* Is a TCP port published on the address? */
static bool is_published(struct world *world, const char *ip, __u16 port)
{
	struct publish_key key = { .host = ip_of_text(ip),
				   .port = htons(port),
				   .proto = IPPROTO_TCP };
	struct control *control = control_of(world, CONTROL_READ);
	struct publish_val value;
	int rc =
		table_get(control_datapath(control), MAP_PUBLISH, &key, &value);

	control_close(control);
	return !rc;
}

static void routed_container_is_published_at_its_own_address(void **state)
{
	struct world *world = *state;

	want_web(world);
	model_find_network(&world->model, "front")->routed = true;
	want_port(world, "127.0.0.1:9000", "web", 90);
	must_apply(world);

	assert_true(is_published(world, "192.168.10.10", 80));
	/* What is for the host alone is nothing for the world. */
	assert_true(is_published(world, "127.0.0.1", 9000));
	assert_false(is_published(world, "192.168.10.10", 90));
	assert_false(is_published(world, "192.168.10.10", 9000));
}

/* Both generations, and which bank of rules is in force. */
static struct datapath_config config_of(struct world *world)
{
	struct control *control = control_of(world, CONTROL_READ);
	struct datapath_config config =
		*datapath_config(control_datapath(control));

	control_close(control);
	return config;
}

static void change_is_seen_by_every_flow(void **state)
{
	struct world *world = *state;
	struct datapath_config before, after;

	want_web(world);
	must_apply(world);
	before = config_of(world);

	want_port(world, "9000", "web", 90);
	must_apply(world);

	after = config_of(world);
	assert_int_not_equal(after.generation, before.generation);
	assert_int_not_equal(after.route_generation, before.route_generation);
}

static void without_a_change_no_flow_is_decided_again(void **state)
{
	struct world *world = *state;
	struct datapath_config before, after;

	want_web(world);
	must_apply(world);
	before = config_of(world);

	must_apply(world);

	after = config_of(world);
	assert_int_equal(after.generation, before.generation);
	assert_int_equal(after.route_generation, before.route_generation);
}

static void only_a_changed_policy_gets_a_new_bank(void **state)
{
	struct world *world = *state;
	struct datapath_config before, after;

	want_web(world);
	must_apply(world);
	before = config_of(world);

	want_port(world, "9000", "web", 80);
	must_apply(world);
	after = config_of(world);
	assert_int_equal(after.policy_bank, before.policy_bank);

	want_rule(world, "out", "web", "world");
	must_apply(world);
	after = config_of(world);
	assert_int_equal(after.policy_bank, before.policy_bank + 1);
}

/* ------------------------------------------------------------- SNAT range */

static void assert_snat_range(struct world *world, const char *local,
			      unsigned int min, unsigned int max)
{
	struct datapath_config config;
	struct control *control;

	file_put("/proc/sys/net/ipv4/ip_local_port_range", local);
	control = control_of(world, CONTROL_WRITE);
	if (control_refresh(control, &world->err))
		fail_msg("%s", world->err.text);
	control_close(control);

	config = config_of(world);
	assert_int_equal(config.snat_port_min, min);
	assert_int_equal(config.snat_port_max, max);
}

static void masquerade_takes_the_larger_part_beside_local_ports(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	assert_snat_range(world, "32768 60999", 1024, 32767);
	assert_snat_range(world, "10000 20000", 20001, 65535);
	assert_snat_range(world, "1024 65000", 65001, 65535);
	assert_snat_range(world, "2000 65535", 1024, 1999);
}

static void local_ports_that_leave_none_are_refused(void **state)
{
	static const char *const ranges[] = { "1024 65535", "512 65535" };
	struct world *world = *state;
	struct control *control;

	want_web(world);
	must_apply(world);
	control = control_of(world, CONTROL_WRITE);

	for (size_t i = 0; i < 2; i++) {
		file_put("/proc/sys/net/ipv4/ip_local_port_range", ranges[i]);
		assert_int_equal(control_refresh(control, &world->err),
				 -ERANGE);
	}

	control_close(control);
	file_put("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999");
}

/* ------------------------------------------------------------------ undo */

/* A plan that changes something of everything and fails near its end, because
 * the namespace of 'late' has an eth0 already. */
static void assert_undone(struct world *world)
{
	_cleanup_free_ char *before = NULL, *after = NULL;

	must("ip netns add late && ip -n late link add eth0 type bridge");
	want_endpoint(world, "late", world->model.networks[0].name,
		      "192.168.10.99", NULL);
	before = snapshot(world);

	assert_int_not_equal(apply(world, NULL), 0);

	assert_non_null(strstr(world->err.text, "late"));
	after = snapshot(world);
	assert_string_equal(after, before);
}

static void failed_addition_leaves_everything_as_it_was(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	want_network(world, "back", "192.168.20.0/24");
	want_endpoint(world, "db", "back", "192.168.20.7", NULL);
	want_port(world, "9000", "web", 90);
	want_rule(world, "out", "web", "world");

	assert_undone(world);
	assert_tables_match(world);
}

static void failed_first_apply_leaves_nothing(void **state)
{
	struct world *world = *state;

	want_web(world);

	assert_undone(world);
	assert_false(succeeds("test -e " RUN_DIR));
	assert_false(succeeds("test -e " PIN_DIR));
}

static void failed_change_of_settings_and_mtu_is_undone(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	world->model.networks[0].mtu = 1400;
	world->model.networks[0].internal = true;
	world->model.settings.inter_allow = true;
	world->model.settings.udp = 99;

	assert_undone(world);
}

static void failed_removal_brings_ports_back_with_their_counters(void **state)
{
	const struct hits hits = { .packets = 3, .bytes = 300, .flows = 1 };
	struct world *world = *state;
	struct control *control;

	want_web(world);
	must_apply(world);
	control = control_of(world, CONTROL_READ);
	assert_int_equal(table_set(control_datapath(control), MAP_PUB_HITS,
				   &control_model(control)->publishes[0].id,
				   &hits, NULL),
			 0);
	control_close(control);

	model_del_publish(&world->model, &world->model.publishes[0]);
	model_del_rule(&world->model, &world->model.rules[0]);

	assert_undone(world);
}

/* Its device is another one then: what can be compared is what it is like. */
static void failed_replacement_brings_the_endpoint_back(void **state)
{
	static const char look[] =
		"ip -n web -o -4 addr | sed 's/^[0-9]*//;s/@[^ ]*//'; "
		"ip -n web route";
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	before = output_of(look);

	must("ip netns add late && ip -n late link add eth0 type bridge");
	cidr_parse("192.168.77.0/24", &world->model.networks[0].subnets[0]);
	world->model.endpoints[0].ips[0] = ip_of_text("192.168.77.5");
	want_endpoint(world, "late", "front", "192.168.77.9", NULL);
	assert_int_not_equal(apply(world, NULL), 0);

	after = output_of(look);
	assert_string_equal(after, before);
	assert_tables_match(world);
}

static void failed_removal_keeps_what_is_in_the_namespace(void **state)
{
	struct world *world = *state;

	want_web(world);
	want_endpoint(world, "old", "front", "192.168.10.11", NULL);
	must_apply(world);
	must("ip -n old link add users type bridge");

	model_del_endpoint(&world->model,
			   model_find_endpoint(&world->model, "old"));
	want_endpoint(world, "late", "front", "192.168.10.12", NULL);
	must("ip netns add late && ip -n late link add eth0 type bridge");
	assert_int_not_equal(apply(world, NULL), 0);

	assert_true(succeeds("ip -n old link show users >/dev/null"));
	assert_true(succeeds("ip -n old link show eth0 >/dev/null"));
	assert_tables_match(world);
}

/* -------------------------------------------------------------- networks */

static void mtu_follows_while_an_endpoint_goes(void **state)
{
	struct world *world = *state;

	want_web(world);
	want_endpoint(world, "old", "front", "192.168.10.11", NULL);
	must_apply(world);

	model_del_endpoint(&world->model,
			   model_find_endpoint(&world->model, "old"));
	world->model.networks[0].mtu = 1400;
	must_apply(world);

	assert_true(succeeds("ip link show bn-front | grep -q 'mtu 1400'"));
	assert_true(succeeds("ip -n web link show eth0 | grep -q 'mtu 1400'"));
}

static void two_subnets_of_a_family_have_one_default_route(void **state)
{
	struct world *world = *state;
	struct network *network;
	struct endpoint *endpoint;

	want_network(world, "front", "192.168.10.0/24");
	network = &world->model.networks[0];
	cidr_parse("192.168.11.0/24", &network->subnets[1]);
	network->nsubnets = 2;
	want_endpoint(world, "web", "front", "192.168.10.10", NULL);
	endpoint = &world->model.endpoints[0];
	endpoint->ips[1] = ip_of_text("192.168.11.10");
	endpoint->nips = 2;

	must_apply(world);

	assert_true(succeeds("test $(ip -n web route show default | wc -l) "
			     "= 1"));
}

/* ------------------------------------------------------------ namespaces */

static void namespace_that_was_there_stays(void **state)
{
	struct world *world = *state;

	must("ip netns add web");
	want_web(world);
	must_apply(world);

	model_free(&world->model);
	model_init(&world->model);
	must_apply(world);

	assert_true(succeeds("test -e /run/netns/web"));
	assert_false(succeeds("ip -n web link show eth0 2>/dev/null"));
}

static void namespace_that_was_made_goes(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	assert_true(succeeds("test -e /run/netns/web"));

	model_free(&world->model);
	model_init(&world->model);
	must_apply(world);

	assert_false(succeeds("test -e /run/netns/web"));
}

static void users_own_resolv_conf_stays(void **state)
{
	static const char path[] = "/etc/netns/bnctl-dns/resolv.conf";
	struct world *world = *state;
	struct netns ns = { .name = "bnctl-dns" };
	bool is_there;

	must("mkdir -p /etc/netns/bnctl-dns");
	file_put(path, "nameserver 192.0.2.1\n");
	want_network(world, "front", "192.168.10.0/24");
	want_endpoint(world, "web", "front", "192.168.10.10", "bnctl-dns");
	must_apply(world);

	/* Now the user's own: a step that sets it, without a name server. */
	assert_non_null(model_add_netns(&world->model, &ns));
	must_apply(world);

	is_there = access(path, F_OK) == 0;
	must("rm -r /etc/netns/bnctl-dns");
	assert_true(is_there);
}

/* ------------------------------------------------------------- two writers */

/* A process that holds the lock until a byte comes. */
static pid_t hold_lock(struct world *world, int *ret_release)
{
	int held[2], release[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(held), 0);
	assert_int_equal(pipe(release), 0);
	pid = fork();
	if (!pid) {
		struct control *control;
		int rc = control_open(&world->instance, CONTROL_WRITE, &control,
				      &world->err);

		close(release[1]);
		if (!rc && write(held[1], &byte, 1) == 1 &&
		    read(release[0], &byte, 1) >= 0)
			control_close(control);
		_exit(0);
	}
	close(held[1]);
	close(release[0]);
	assert_int_equal(read(held[0], &byte, 1), 1);
	close(held[0]);
	*ret_release = release[1];
	return pid;
}

/* A process that opens the instance for writing; its exit status is 0 when it
 * could. */
static pid_t open_in_child(struct world *world, int *ret_started)
{
	int started[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(started), 0);
	pid = fork();
	if (!pid) {
		struct control *control;

		if (write(started[1], &byte, 1) != 1 ||
		    control_open(&world->instance, CONTROL_WRITE, &control,
				 &world->err))
			_exit(1);
		control_close(control);
		_exit(0);
	}
	close(started[1]);
	assert_int_equal(read(started[0], &byte, 1), 1);
	*ret_started = started[0];
	return pid;
}

static void second_writer_waits_for_the_first(void **state)
{
	struct world *world = *state;
	int release, started, status;
	pid_t holder, waiter;
	char byte = 0;

	holder = hold_lock(world, &release);
	waiter = open_in_child(world, &started);

	assert_int_equal(waitpid(waiter, &status, WNOHANG), 0);
	assert_int_equal(write(release, &byte, 1), 1);
	assert_int_equal(waitpid(holder, &status, 0), holder);
	assert_int_equal(waitpid(waiter, &status, 0), waiter);
	close(release);
	close(started);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void assert_locked(struct world *world, enum control_mode mode)
{
	struct control *control;
	int release, status;
	pid_t holder = hold_lock(world, &release);
	int rc = control_open(&world->instance, mode, &control, &world->err);
	char byte = 0;

	assert_int_equal(write(release, &byte, 1), 1);
	assert_int_equal(waitpid(holder, &status, 0), holder);
	close(release);
	assert_int_equal(rc, -EAGAIN);
	assert_int_equal(world->err.exit, EXIT_LOCKED);
}

static void writer_that_does_not_wait_is_told(void **state)
{
	assert_locked(*state, CONTROL_TRY_WRITE);
}

/* Takes the five seconds. */
static void writer_does_not_wait_for_ever(void **state)
{
	assert_locked(*state, CONTROL_WRITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(applying_twice_does_nothing_the_second_time),
		WORLD_TEST(tables_are_what_the_model_says),
		WORLD_TEST(tables_forget_what_is_removed),
		WORLD_TEST(each_port_of_a_range_has_its_target),
		WORLD_TEST(routed_container_is_published_at_its_own_address),
		WORLD_TEST(change_is_seen_by_every_flow),
		WORLD_TEST(without_a_change_no_flow_is_decided_again),
		WORLD_TEST(only_a_changed_policy_gets_a_new_bank),
		WORLD_TEST(masquerade_takes_the_larger_part_beside_local_ports),
		WORLD_TEST(local_ports_that_leave_none_are_refused),
		WORLD_TEST(failed_addition_leaves_everything_as_it_was),
		WORLD_TEST(failed_first_apply_leaves_nothing),
		WORLD_TEST(failed_change_of_settings_and_mtu_is_undone),
		WORLD_TEST(
			failed_removal_brings_ports_back_with_their_counters),
		WORLD_TEST(failed_replacement_brings_the_endpoint_back),
		WORLD_TEST(failed_removal_keeps_what_is_in_the_namespace),
		WORLD_TEST(mtu_follows_while_an_endpoint_goes),
		WORLD_TEST(two_subnets_of_a_family_have_one_default_route),
		WORLD_TEST(namespace_that_was_there_stays),
		WORLD_TEST(namespace_that_was_made_goes),
		WORLD_TEST(users_own_resolv_conf_stays),
		WORLD_TEST(second_writer_waits_for_the_first),
		WORLD_TEST(writer_that_does_not_wait_is_told),
		WORLD_TEST(writer_does_not_wait_for_ever),
	};

	return world_main("control", tests, sizeof(tests) / sizeof(*tests));
}
