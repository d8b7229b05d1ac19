/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control_repair - after a kill, a loss or damage all is in order again */
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <net/if.h>

#include "control_world.h"
#include "kernel/netns.h"
#include "lib/cleanup.h"

/* What the next command does before anything else. */
static size_t model_count(struct world *world)
{
	struct control *control = control_of(world, CONTROL_READ);
	const struct model *m = control_model(control);
	size_t count = m->nnetworks + m->nendpoints + m->npublishes +
		       m->nrules + m->nnetns;

	control_close(control);
	return count;
}

static bool is_port_of(const char *port, const char *bridge)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "ip -o link show %s | grep -q 'master %s '", port, bridge);
	return succeeds(command);
}

/* -------------------------------------------------- an interrupted process */

static void leftover_of_a_killed_process_is_removed(void **state)
{
	struct world *world = *state;

	want_web(world);
	want_network(world, "back", "192.168.20.0/24");
	want_endpoint(world, "db", "back", "192.168.20.7", NULL);
	must_apply(world);
	interrupt(OBJECT_NETWORK, "back");
	interrupt(OBJECT_ENDPOINT, "db");
	interrupt(OBJECT_NETNS, "db");

	open_and_close(world);

	assert_int_equal(if_nametoindex("bn-back"), 0);
	assert_int_equal(if_nametoindex("bne-db"), 0);
	assert_false(succeeds("test -e /run/netns/db"));
	assert_false(is_recorded(" back ") || is_recorded(" db "));
	assert_tables_match(world);
}

static void leftover_record_alone_is_removed(void **state)
{
	const struct endpoint api = {
		.name = "api",
		.network = "front",
		.netns = "api",
		.ifname = "eth0",
		.host_ifname = "bne-api",
		.mac = { 2, 0, 0, 0, 0, 7 },
	};
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	assert_int_equal(state_write(INSTANCE, OBJECT_ENDPOINT, &api, false,
				     &world->err),
			 0);

	open_and_close(world);

	assert_false(is_recorded(" endpoint api "));
	assert_tables_match(world);
}

static void namespace_that_was_there_outlives_a_killed_process(void **state)
{
	struct world *world = *state;

	must("ip netns add web");
	want_web(world);
	must_apply(world);
	interrupt(OBJECT_ENDPOINT, "web");
	interrupt(OBJECT_NETNS, "web");

	open_and_close(world);

	assert_true(succeeds("test -e /run/netns/web"));
	assert_false(succeeds("ip -n web link show eth0 2>/dev/null"));
}

static void foreign_device_of_a_leftovers_name_stays(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	interrupt(OBJECT_ENDPOINT, "web");
	must("ip link del bne-web && ip link add bne-web type bridge");

	open_and_close(world);

	assert_int_not_equal(if_nametoindex("bne-web"), 0);
	must("ip link del bne-web");
}

static void rules_about_what_a_killed_process_removed_stay(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	interrupt(OBJECT_ENDPOINT, "web");

	open_and_close(world);

	assert_int_equal(model_count(world), 3); /* front, rule, namespace */
	must_apply(world);
	assert_tables_match(world);
}

static void tables_of_an_unfinished_apply_are_filled(void **state)
{
	struct world *world = *state;
	struct control *control;
	struct ipaddr web = ip_of_text("192.168.10.10");

	want_web(world);
	must_apply(world);
	control = control_of(world, CONTROL_READ);
	table_del(control_datapath(control), MAP_ADDRS, &web, NULL);
	control_close(control);
	must("ip link set bne-web down && touch " RUN_DIR "/unfinished");

	open_and_close(world);

	assert_tables_match(world);
	assert_true(succeeds("ip link show bne-web | grep -q [,\\<]UP"));
	assert_false(succeeds("test -e " RUN_DIR "/unfinished"));
}

static void datapath_that_nobody_came_to_use_is_unloaded(void **state)
{
	const struct datapath_options options = { .flows_max = 1024 };
	struct world *world = *state;
	struct datapath *dp;

	must("mkdir " RUN_DIR " && touch " RUN_DIR "/unfinished");
	assert_int_equal(datapath_load(INSTANCE, &options, &dp, &world->err),
			 0);
	datapath_close(dp);

	open_and_close(world);

	assert_false(succeeds("test -e " PIN_DIR));
	assert_false(succeeds("test -e " RUN_DIR));
}

/* ------------------------------------------------- what went away by itself */

static void vanished_endpoint_is_forgotten_with_its_ports(void **state)
{
	struct world *world = *state;

	want_web(world);
	want_endpoint(world, "api", "front", "192.168.10.11", NULL);
	want_port(world, "9000", "api", 90);
	want_rule(world, "api", "any", "api");
	must_apply(world);

	must("ip netns del web");
	await("! ip link show bne-web 2>/dev/null");
	open_and_close(world);

	/* front, api, its port, rule and namespace; and the rule about web */
	assert_int_equal(model_count(world), 6);
	assert_tables_match(world);
}

/* Else a container could get rid of the rules about it. */
static void device_that_a_container_deleted_comes_back(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	must("ip -n web link del eth0");
	await("! ip link show bne-web 2>/dev/null");
	open_and_close(world);

	assert_int_equal(model_count(world), 5);
	assert_true(succeeds("ip -n web link show eth0 | grep -q LOWER_UP"));
	assert_tables_match(world);
}

static void dry_run_makes_nothing_good(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	must("ip -n web link del eth0");
	await("! ip link show bne-web 2>/dev/null");
	control_close(control_of(world, CONTROL_PLAN));

	assert_false(succeeds("ip link show bne-web 2>/dev/null"));
	assert_int_equal(model_count(world), 5);
}

/* Also when the kernel has not come to remove its device. */
static void vanished_endpoint_comes_back_with_the_next_apply(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	must("ip netns del web");
	must_apply(world);

	assert_true(succeeds("ip -n web link show eth0 >/dev/null"));
	assert_int_equal(model_count(world), 5);
	assert_tables_match(world);
}

static void namespace_that_lost_its_name_keeps_its_endpoint(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int inside = -1;
	size_t steps = 1;

	want_web(world);
	must_apply(world);
	inside = open("/run/netns/web", O_RDONLY | O_CLOEXEC);
	must("ip netns del web");

	assert_int_equal(apply(world, &steps), 0);

	assert_int_equal(steps, 0);
	assert_int_equal(model_count(world), 5);
	assert_tables_match(world);
}

static void lost_bridge_is_made_again(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *mac = NULL, *now = NULL;
	static const char look[] =
		"ip -o link show bn-front | grep -o 'ether [^ ]*'; "
		"ip -o addr show bn-front | grep -o 'inet [^ ]*'";

	want_web(world);
	must_apply(world);
	mac = output_of(look);

	must("ip link del bn-front");
	assert_false(is_port_of("bne-web", "bn-front"));
	open_and_close(world);

	now = output_of(look);
	assert_string_equal(now, mac);
	assert_true(is_port_of("bne-web", "bn-front"));
	assert_tables_match(world);
}

static void unplugged_port_is_plugged_in_again(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	must("ip link set bne-web nomaster");
	open_and_close(world);

	assert_true(is_port_of("bne-web", "bn-front"));
}

static void lost_network_can_still_be_removed(void **state)
{
	struct world *world = *state;

	want_network(world, "front", "192.168.10.0/24");
	must_apply(world);
	must("ip link del bn-front && "
	     "ip link add bn-front type veth peer name other");

	model_del_network(&world->model, &world->model.networks[0]);
	must_apply(world);

	assert_true(succeeds("ip link show other >/dev/null"));
	must("ip link del other");
}

static void lost_pins_are_loaded_again(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	must("rm -r " PIN_DIR);

	open_and_close(world);

	assert_tables_match(world);
}

static void uplink_that_was_made_again_has_its_programs(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	must("ip link del up0 && ip link add up0 type bridge && "
	     "ip link set up0 up && ip addr add 203.0.113.2/24 dev up0 && "
	     "ip route add default via 203.0.113.1");
	open_and_close(world);

	assert_tables_match(world);
}

static void renamed_uplink_is_followed(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	must("ip link set up0 down && ip link set up0 name wan0 && "
	     "ip link set wan0 up && ip route add default via 203.0.113.1");
	must_apply(world);

	assert_tables_match(world);
}

static void uplink_stays_while_there_is_no_default_route(void **state)
{
	struct world *world = *state;
	size_t steps = 1;

	want_web(world);
	must_apply(world);

	/* As the agent asks: for what there is. */
	must("ip route del default");
	{
		struct control *control = control_of(world, CONTROL_WRITE);
		struct model desired;

		assert_int_equal(model_copy(control_model(control), &desired),
				 0);
		assert_int_equal(control_reconcile(control, &desired, false,
						   NULL, &steps, &world->err),
				 0);
		model_free(&desired);
		control_close(control);
	}

	assert_int_equal(steps, 0);
	assert_tables_match(world);
}

/* ---------------------------------------------------------------- damage */

static void assert_damage_is_told(struct world *world)
{
	struct control *control;
	static const enum control_mode modes[] = { CONTROL_READ,
						   CONTROL_WRITE };

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(control_open(&world->instance, modes[i],
					      &control, &world->err),
				 -EINVAL);
		assert_non_null(strstr(world->err.text, RUN_DIR "/journal:"));
		assert_non_null(strstr(world->err.hint, "purge"));
	}
}

/* Every kind of line is damaged in turn, and restored: had opening it removed
 * or changed anything, the comparison would show it. */
static void damaged_record_is_told_and_nothing_is_lost(void **state)
{
	static const char *const lines[] = {
		"# netns",	  "+ settings", "+ network front",
		"+ endpoint web", "+ publish",	"+ netns web",
		"+ uplink up0",	  ". rule",	"! policy",
	};
	struct world *world = *state;
	char command[256];

	want_web(world);
	world->model.settings.udp = 99;
	must_apply(world);
	must("cp -a " RUN_DIR " /run/copy");
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		snprintf(command, sizeof(command),
			 "sed -i 's/^%s.*[0-9].*/&x/' " RUN_DIR "/journal",
			 lines[i]);
		must(command);
		assert_damage_is_told(world);
		must("cp -a /run/copy/journal " RUN_DIR "/journal");
	}

	must("diff -r /run/copy " RUN_DIR " && rm -r /run/copy");
	assert_tables_match(world);
}

/* As a process leaves it that dies while it writes. */
static void unfinished_last_line_is_as_if_not_written(void **state)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	before = record();

	must("printf '%s' '+ endpoint api 1 fro' >>" RUN_DIR "/journal");
	open_and_close(world);
	want_port(world, "9000", "web", 90);
	must_apply(world);
	model_del_publish(&world->model, &world->model.publishes[1]);
	must_apply(world);

	after = record();
	assert_string_equal(before, after);
	assert_tables_match(world);
}

/* The teardown purges, and fails when something is left. */
static void purge_removes_what_a_damaged_record_tells_of(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	must("sed -i 's/^[+] endpoint/x/;s/^# netns/#/' " RUN_DIR "/journal");
	file_put(RUN_DIR "/journal.a1B2c3", "{");
}

static void purge_without_a_record_takes_the_devices_of_the_tables(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	file_put(RUN_DIR "/journal", "");
	must("ip link del bn-front && ip netns del web");
}

/* The pins are not of this version: the user is told so, and the teardown
 * purges, likewise. */
static void purge_removes_what_an_older_version_made(void **state)
{
	struct world *world = *state;
	struct control *control;

	want_web(world);
	must_apply(world);
	control = control_of(world, CONTROL_READ);
	datapath_config(control_datapath(control))->abi = BN_ABI_VERSION - 1;
	control_close(control);

	assert_int_equal(control_open(&world->instance, CONTROL_READ, &control,
				      &world->err),
			 -EPROTO);
	assert_non_null(strstr(world->err.text, "version"));
	assert_non_null(strstr(world->err.hint, "upgrade"));
}

static void purge_needs_no_pins(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	must("rm -r " PIN_DIR);
}

static void purge_removes_leftovers_beside_pins_it_cannot_read(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);
	interrupt(OBJECT_ENDPOINT, "web");
	interrupt(OBJECT_NETWORK, "front");

	must("rm " PIN_DIR "/maps/bn_config");
}

static void purge_does_not_restore_first(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	must("ip link del bn-front && ip netns del web");
}

/* In the namespace 'elsewhere', where the child was born. */
static int purge_elsewhere(struct world *world)
{
	struct control *control;
	int status;
	pid_t pid;

	must("ip netns add elsewhere && "
	     "ip -n elsewhere link add bn-front type bridge");
	pid = fork();
	if (!pid) {
		int fd = netns_open("elsewhere", NULL);

		if (fd < 0 || setns(fd, CLONE_NEWNET))
			_exit(99);
		if (control_open(&world->instance, CONTROL_PURGE, &control,
				 &world->err))
			_exit(world->err.exit);
		status = control_purge(control, &world->err);
		control_close(control);
		_exit(status ? 98 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void purge_from_another_namespace_is_refused(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	assert_int_equal(purge_elsewhere(world), EXIT_CONFLICT);

	assert_tables_match(world);
}

static void purge_of_a_host_that_is_gone_touches_no_device_here(void **state)
{
	struct world *world = *state;
	struct control *control;

	want_web(world);
	must_apply(world);
	control = control_of(world, CONTROL_READ);
	/* Of no namespace that ever was. */
	datapath_config(control_datapath(control))->netns_cookie = UINT64_MAX;
	control_close(control);

	assert_int_equal(purge_elsewhere(world), 0);

	assert_true(succeeds("ip -n elsewhere link show bn-front >/dev/null"));
	assert_false(succeeds("test -e " RUN_DIR));
	assert_false(succeeds("test -e " PIN_DIR));
	assert_false(succeeds("test -e /run/netns/web"));
	must("ip link del bn-front");
	await("! ip -o link | grep ' bn'");
}

static void directory_goes_with_the_last_object(void **state)
{
	struct world *world = *state;

	want_web(world);
	world->model.settings.udp = 99;
	must_apply(world);

	model_free(&world->model);
	model_init(&world->model);
	must_apply(world);

	assert_false(succeeds("test -e " RUN_DIR));
	assert_false(succeeds("test -e " PIN_DIR));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(leftover_of_a_killed_process_is_removed),
		WORLD_TEST(leftover_record_alone_is_removed),
		WORLD_TEST(namespace_that_was_there_outlives_a_killed_process),
		WORLD_TEST(foreign_device_of_a_leftovers_name_stays),
		WORLD_TEST(rules_about_what_a_killed_process_removed_stay),
		WORLD_TEST(tables_of_an_unfinished_apply_are_filled),
		WORLD_TEST(datapath_that_nobody_came_to_use_is_unloaded),
		WORLD_TEST(vanished_endpoint_is_forgotten_with_its_ports),
		WORLD_TEST(device_that_a_container_deleted_comes_back),
		WORLD_TEST(dry_run_makes_nothing_good),
		WORLD_TEST(vanished_endpoint_comes_back_with_the_next_apply),
		WORLD_TEST(namespace_that_lost_its_name_keeps_its_endpoint),
		WORLD_TEST(lost_bridge_is_made_again),
		WORLD_TEST(unplugged_port_is_plugged_in_again),
		WORLD_TEST(lost_network_can_still_be_removed),
		WORLD_TEST(lost_pins_are_loaded_again),
		WORLD_TEST(uplink_that_was_made_again_has_its_programs),
		WORLD_TEST(renamed_uplink_is_followed),
		WORLD_TEST(uplink_stays_while_there_is_no_default_route),
		WORLD_TEST(damaged_record_is_told_and_nothing_is_lost),
		WORLD_TEST(unfinished_last_line_is_as_if_not_written),
		WORLD_TEST(purge_removes_what_a_damaged_record_tells_of),
		WORLD_TEST(
			purge_without_a_record_takes_the_devices_of_the_tables),
		WORLD_TEST(purge_removes_what_an_older_version_made),
		WORLD_TEST(purge_needs_no_pins),
		WORLD_TEST(purge_removes_leftovers_beside_pins_it_cannot_read),
		WORLD_TEST(purge_does_not_restore_first),
		WORLD_TEST(purge_from_another_namespace_is_refused),
		WORLD_TEST(purge_of_a_host_that_is_gone_touches_no_device_here),
		WORLD_TEST(directory_goes_with_the_last_object),
	};

	return world_main("control_repair", tests,
			  sizeof(tests) / sizeof(*tests));
}
