/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control_check - what is wrong is found, told, and mended */
#include <linux/if_link.h>
#include <net/if.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "checks.h"
#include "control_world.h"
#include "hooks.h"
#include "lib/cleanup.h"
#include "unit/random_model.h"

/* ------------------------------------------------------------- what is lost */

static void sound_instance_has_nothing_wrong(void **state)
{
	struct world *world = *state;

	assert_sound(world);
	want_checked(world);

	assert_sound(world);
}

struct loss {
	const char *command; /* what a stranger does */
	const char *name; /* of the finding that has to be there */
	enum severity severity;
	const char *object;
};

#define LINK_DETACH(pin)                                                \
	"bpftool link detach id $(bpftool -j link show pinned " PIN_DIR \
	"/links/" pin " | sed 's/.*\"id\":\\([0-9]*\\).*/\\1/')"
#define IFINDEX(device) "$(ip -o link show " device " | cut -d: -f1)"

static const struct loss losses[] = {
	{ "ip link del bn-front", "network", SEVERITY_ERROR, "network front" },
	{ "ip link set bn-front down", "network", SEVERITY_ERROR,
	  "network front" },
	{ "ip link set bn-out mtu 1300", "network", SEVERITY_WARNING,
	  "network out" },
	{ "ip addr del 192.168.10.1/24 dev bn-front", "network", SEVERITY_ERROR,
	  "network front" },
	{ "ip addr del fd00:10::1/64 dev bn-front", "network", SEVERITY_ERROR,
	  "network front" },
	{ "for i in 1 0; do echo $i >/proc/sys/net/ipv4/ip_forward; done",
	  "network", SEVERITY_ERROR, "network out" },
	{ "ip link set bn-front address 02:00:00:00:00:77", "network",
	  SEVERITY_WARNING, "network front" },
	{ "ip link set bne-edge address 02:00:00:00:00:77", "endpoint",
	  SEVERITY_WARNING, "endpoint edge" },
	{ "ip -n web link set eth0 address 02:00:00:00:00:77", "endpoint",
	  SEVERITY_WARNING, "endpoint web" },
	{ "ip -n right link set eth0 address 02:00:00:00:00:77", "endpoint",
	  SEVERITY_WARNING, "endpoint right" },
	{ "ip link del bne-web", "endpoint", SEVERITY_ERROR, "endpoint web" },
	{ "ip link set bne-web down", "endpoint", SEVERITY_ERROR,
	  "endpoint web" },
	{ "ip link set bne-web nomaster", "endpoint", SEVERITY_ERROR,
	  "endpoint web" },
	{ "ip link set bne-web mtu 1300", "endpoint", SEVERITY_WARNING,
	  "endpoint web" },
	{ "ip addr del 192.168.30.1/24 dev bne-edge", "endpoint",
	  SEVERITY_ERROR, "endpoint edge" },
	{ "ip -n left link del eth0", "endpoint", SEVERITY_ERROR,
	  "endpoint left" },
	{ "ip -n web link set eth0 down", "endpoint", SEVERITY_WARNING,
	  "endpoint web" },
	{ "ip -n web addr flush dev eth0", "endpoint", SEVERITY_WARNING,
	  "endpoint web" },
	{ "ip -n web route del default", "endpoint", SEVERITY_WARNING,
	  "endpoint web" },
	{ "rm " PIN_DIR "/maps/bn_addrs", "pin", SEVERITY_ERROR,
	  "maps/bn_addrs" },
	{ "rm " PIN_DIR "/maps/bn_config", "pin", SEVERITY_ERROR,
	  "maps/bn_config" },
	{ "rm -r " PIN_DIR "/maps", "pin", SEVERITY_ERROR, "maps/bn_flows" },
	{ "rm " PIN_DIR "/progs/bn_from_container", "pin", SEVERITY_ERROR,
	  "progs/bn_from_container" },
	{ "rm " PIN_DIR "/progs/bn_gc", "pin", SEVERITY_ERROR, "progs/bn_gc" },
	{ "rm -r " PIN_DIR "/progs", "pin", SEVERITY_ERROR,
	  "progs/bn_to_uplink" },
	{ "rm -r " PIN_DIR, "pin", SEVERITY_ERROR, "" },
	{ LINK_DETACH("cgroup_bn_connect4"), "hook", SEVERITY_ERROR,
	  "sockets" },
	{ "rm " PIN_DIR "/links/cgroup_bn_sendmsg6", "hook", SEVERITY_ERROR,
	  "sockets" },
	{ "rm " PIN_DIR "/links/to_uplink_" IFINDEX("up0"), "hook",
	  SEVERITY_ERROR, "uplink up0" },
	{ LINK_DETACH("from_uplink_" IFINDEX("up0")), "hook", SEVERITY_ERROR,
	  "uplink up0" },
};

/* One after the other, each from a sound state. */
static void assert_found(struct world *world, const struct loss *loss)
{
	bool found = false;

	/* The kernel ends a link whose pin is gone a moment later. */
	for (int i = 0; i < 200 && !found; i++) {
		struct report report = check(world);

		found = find(&report, loss->name, loss->severity, loss->object);
		report_free(&report);
	}
	if (!found)
		fail_msg("'%s' is not found", loss->command);
}

static void every_loss_is_found_and_mended(void **state)
{
	struct world *world = *state;

	want_checked(world);
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++) {
		must(losses[i].command);
		assert_found(world, &losses[i]);
		fix(world);
		assert_sound(world);
	}
}

/* No connection ends by that. */
static void cable_with_another_mac_is_not_made_again(void **state)
{
	struct world *world = *state;
	const char *index = "ip -n right -o link show eth0 | cut -d: -f1";
	_cleanup_free_ char *before = NULL, *after = NULL;

	want_checked(world);
	before = output_of(index);
	must("ip -n right link set eth0 address 02:00:00:00:00:77");
	fix(world);

	after = output_of(index);
	assert_string_equal(before, after);
	assert_sound(world);
}

/* The hooks of endpoints, however they are attached. */
static void program_of_an_endpoint_that_was_taken_away_is_found(void **state)
{
	struct world *world = *state;
	struct report report;

	want_checked(world);
	must("if test -e " PIN_DIR "/links/from_container_" IFINDEX(
		"bne-web") "; then rm " PIN_DIR
			   "/links/from_container_" IFINDEX(
				   "bne-web") "; else tc filter del dev bne-web ingress; fi");

	report = check(world);
	assert_non_null(find(&report, "hook", SEVERITY_ERROR, "endpoint web"));
	assert_null(find(&report, "hook", SEVERITY_ERROR, "endpoint api"));
	report_free(&report);
	fix(world);
	assert_sound(world);
}

static void filters_are_found_where_there_is_no_tcx(void **state)
{
	struct world *world = *state;
	struct report report;

	world->instance.force_clsact = true;
	want_checked(world);
	assert_sound(world);
	must("tc filter del dev up0 egress && tc filter del dev bne-web "
	     "ingress");

	report = check(world);
	assert_non_null(find(&report, "hook", SEVERITY_ERROR, "uplink up0"));
	assert_non_null(find(&report, "hook", SEVERITY_ERROR, "endpoint web"));
	report_free(&report);
	fix(world);
	assert_sound(world);
}

/* Everything but what changes by itself: the carrier, and addresses that are
 * being looked for twice. */
static char *look(void)
{
	return output_of("find /run /sys/fs/bpf -printf '%p %T@ %s %i\\n' | "
			 "sort; ip -o link | sed 's/<[^>]*>//; s/state "
			 "[A-Z]*//; s/qdisc [a-z]*//'; ip -o addr | sed 's/ "
			 "tentative//; /fe80:/d'; ip route | sed 's/ "
			 "linkdown//'");
}

static void looking_changes_nothing(void **state)
{
	struct world *world = *state;

	want_checked(world);
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i += 5) {
		_cleanup_free_ char *before = NULL, *after = NULL;
		struct report report;

		must(losses[i].command);
		before = look();
		report = check(world);
		report_free(&report);
		after = look();
		assert_string_equal(before, after);
		fix(world);
	}
}

/* --------------------------------------------------------------- tables */

static void scribble(struct datapath *dp, enum map_id map)
{
	char key[64] = { 0 }, value[256];
	int fd = datapath_map(dp, map);

	assert_int_equal(bpf_map_get_next_key(fd, NULL, key), 0);
	if (map == MAP_NETWORKS)
		*(__u32 *)key = 1;
	assert_int_equal(bpf_map_lookup_elem(fd, key, value), 0);
	value[0] ^= 1;
	assert_int_equal(bpf_map_update_elem(fd, key, value, BPF_ANY), 0);
}

static void scribble_on(struct world *world, enum map_id map)
{
	struct control *control = control_of(world, CONTROL_READ);

	scribble(control_datapath(control), map);
	control_close(control);
}

static void what_somebody_writes_to_a_table_is_found(void **state)
{
	static const enum map_id maps[] = {
		MAP_ENDPOINTS, MAP_ADDRS,   MAP_NETWORKS, MAP_NO_MASQ,
		MAP_SUBNETS,   MAP_PUBLISH, MAP_PUB_FROM,
	};
	struct world *world = *state;

	want_checked(world);
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		struct report report;

		scribble_on(world, maps[i]);
		report = check(world);
		if (!find(&report, "table", SEVERITY_ERROR, map_name[maps[i]]))
			fail_msg("%s", map_name[maps[i]]);
		assert_int_equal(report.wrong, 1);
		report_free(&report);
		fix(world);
		assert_sound(world);
	}
}

static void element_too_many_is_found(void **state)
{
	struct world *world = *state;
	struct control *control;
	struct ipaddr ip = ip_of_text("192.168.10.99");
	struct endpoint_val value = { .ifindex = 1 };
	struct report report;

	want_checked(world);
	control = control_of(world, CONTROL_READ);
	assert_int_equal(table_set(control_datapath(control), MAP_ADDRS, &ip,
				   &value, NULL),
			 0);
	control_close(control);

	report = check(world);
	assert_non_null(find(&report, "table", SEVERITY_ERROR, "bn_addrs"));
	report_free(&report);
	fix(world);
	assert_sound(world);
}

static void policy_that_is_not_in_force_is_found(void **state)
{
	struct world *world = *state;
	struct control *control;
	struct report report;
	__u32 zero = 0;

	want_checked(world);
	control = control_of(world, CONTROL_READ);
	assert_int_equal(
		table_del(control_datapath(control), MAP_POLICY, &zero, NULL),
		0);
	control_close(control);

	report = check(world);
	assert_non_null(find(&report, "table", SEVERITY_ERROR, "bn_policy"));
	report_free(&report);
	fix(world);
	assert_sound(world);
}

static void settings_that_somebody_changed_are_found(void **state)
{
	struct world *world = *state;
	struct control *control;
	struct report report;

	want_checked(world);
	control = control_of(world, CONTROL_READ);
	datapath_config(control_datapath(control))->inter = RULE_ALLOW;
	control_close(control);

	report = check(world);
	assert_non_null(find(&report, "table", SEVERITY_ERROR, "bn_config"));
	report_free(&report);
	fix(world);
	assert_sound(world);
}

static void address_that_the_host_got_is_a_warning(void **state)
{
	struct world *world = *state;
	struct report report;

	want_checked(world);
	must("ip addr add 203.0.113.77/24 dev up0");

	report = check(world);
	assert_non_null(find(&report, "table", SEVERITY_WARNING, "bn_locals"));
	report_free(&report);
	fix(world);
	assert_sound(world);
}

/* ------------------------------------------------------ what is not ours */

static void program_of_somebody_else_is_told_and_stays(void **state)
{
	struct world *world = *state;
	int program = foreign_program(), ifindex;
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program, .priority = 1,
		    .handle = 1);
	LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_INGRESS);
	struct report report;

	world->instance.force_clsact = true;
	want_checked(world);
	ifindex = (int)if_nametoindex("up0");
	hook.ifindex = ifindex;
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);

	report = check(world);
	assert_non_null(find(&report, "foreign-program", SEVERITY_WARNING,
			     "uplink up0"));
	report_free(&report);
	fix(world);
	assert_int_equal(filter_program(ifindex, BPF_TC_INGRESS, 1, 1),
			 id_of(program));
	close(program);
}

static void put_xdp(const char *device, int program)
{
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex(device), program,
					XDP_FLAGS_SKB_MODE, NULL),
			 0);
}

static bool has_xdp(const char *device)
{
	__u32 id = 0;

	return !bpf_xdp_query_id((int)if_nametoindex(device),
				 XDP_FLAGS_SKB_MODE, &id) &&
	       id;
}

static void assert_xdp(struct world *world, const char *device,
		       enum severity severity, const char *object,
		       const char *what)
{
	struct report report = check(world);
	const struct finding *finding =
		find(&report, "foreign-program", severity, object);
	char text[256];

	assert_non_null(finding);
	snprintf(text, sizeof(text),
		 "xdp program 'foreign' of somebody else at %s ingress%s",
		 device, what);
	assert_string_equal(finding->message, text);
	report_free(&report);
}

/* In front of bpfnet's at uplinks and endpoints, which has none at bridges. */
static void xdp_of_somebody_else_is_told_and_stays(void **state)
{
	static const char before[] = ", before bpfnet's: what it drops or "
				     "redirects does not get to bpfnet";
	struct world *world = *state;
	int program = foreign_xdp();

	want_checked(world);
	assert_true(program >= 0);
	put_xdp("up0", program);
	put_xdp("bne-web", program);
	put_xdp("bn-out", program);

	assert_xdp(world, "up0", SEVERITY_WARNING, "uplink up0", before);
	assert_xdp(world, "bne-web", SEVERITY_WARNING, "endpoint web", before);
	assert_xdp(world, "bn-out", SEVERITY_NOTE, "network out",
		   ", it sees what the host itself sends and receives there");
	fix(world);
	assert_true(has_xdp("up0") && has_xdp("bne-web") && has_xdp("bn-out"));
	put_xdp("up0", -1);
	put_xdp("bne-web", -1);
	put_xdp("bn-out", -1);
	assert_sound(world);
	close(program);
}

static void port_that_was_given_to_another_bridge_stays_there(void **state)
{
	struct world *world = *state;
	struct report report;

	want_checked(world);
	must("ip link set bne-web master up1");
	fix(world);

	report = check(world);
	assert_non_null(
		find(&report, "endpoint", SEVERITY_ERROR, "endpoint web"));
	report_free(&report);
	must("ip -o link show bne-web | grep -q 'master up1 '");
}

static void strict_filter_matters_with_several_uplinks(void **state)
{
	struct world *world = *state;
	struct uplink second = { .ifname = "up1" }, first = { .ifname = "up0" };
	struct report report;

	must("ip link add up1 type bridge && ip link set up1 up");
	must("echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter");
	want_web(world);
	must_apply(world);
	report = check(world);
	assert_non_null(
		find(&report, "rp-filter", SEVERITY_NOTE, "uplink up0"));
	report_free(&report);
	model_add_uplink(&world->model, &first);
	model_add_uplink(&world->model, &second);
	must_apply(world);

	report = check(world);
	assert_non_null(
		find(&report, "rp-filter", SEVERITY_WARNING, "uplink up1"));
	report_free(&report);
	must("echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter");
}

static void namespace_that_is_gone_is_told_and_forgotten(void **state)
{
	struct world *world = *state;
	struct report report;

	want_checked(world);
	must("ip netns del web");
	await("! ip link show bne-web >/dev/null 2>&1");

	report = check(world);
	assert_non_null(
		find(&report, "endpoint", SEVERITY_WARNING, "endpoint web"));
	report_free(&report);
	fix(world);
	assert_sound(world);
}

/* ------------------------------------------------------- damaged records */

static struct model model_now(struct world *world)
{
	struct control *control = control_of(world, CONTROL_READ);
	struct model model;

	assert_int_equal(model_copy(control_model(control), &model), 0);
	control_close(control);
	return model;
}

/* How lines of the journal begin. */
static const char *const records[] = {
	"[?+] settings",      "[?+] netns web",	   "[?+] network front",
	"[?+] network out",   "[?+] network host", "[?+] endpoint web",
	"[?+] endpoint edge", "[?+] uplink up0",   "[?+] publish 1",
	"[?+] publish 2",     "[?+] publish 3",
};

/* All lines that begin so. */
static void damage(const char *line)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "grep -q '^%s ' " RUN_DIR "/journal && "
		 "sed -i 's/^\\(%s \\)/\\1x/' " RUN_DIR "/journal",
		 line, line);
	must(command);
}

static void assert_recovered(struct world *world, const struct model *before)
{
	struct model after = model_now(world);

	assert_true(model_equal(before, &after));
	model_free(&after);
	assert_sound(world);
}

static void damaged_record_is_found_again_in_the_kernel(void **state)
{
	struct world *world = *state;
	struct model before;

	want_checked(world);
	before = model_now(world);
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		struct report report;

		damage(records[i]);
		report = check(world);
		assert_non_null(find(&report, "record", SEVERITY_ERROR, ""));
		report_free(&report);
		fix(world);
		assert_recovered(world, &before);
		assert_int_equal(access(RUN_DIR "/journal.broken", F_OK), 0);
	}
	model_free(&before);
}

/* Another host with a container of the same numbers and the same MAC, as it is
 * where two were set up alike. */
static void make_double(const char *name)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "set -- $(ip -o link show bne-web | "
		 "sed 's/^\\([0-9]*\\): bne-web@if\\([0-9]*\\).*/\\1 \\2/') && "
		 "ip netns add %s-host && ip netns add %s && "
		 "ip -n %s-host link add bne-web index $1 type veth peer name "
		 "eth0 index $2 netns %s address $(ip -n web -o link show eth0 "
		 "| sed 's/.*ether \\([^ ]*\\).*/\\1/')",
		 name, name, name, name);
	must(command);
}

static void namespace_of_another_host_is_not_taken_for_ours(void **state)
{
	struct world *world = *state;
	struct model before;

	want_checked(world);
	before = model_now(world);
	make_double("aaa");
	make_double("zzz");

	damage("[?+] endpoint web");
	fix(world);

	assert_recovered(world, &before);
	model_free(&before);
	must("for n in aaa zzz; do ip netns del $n; ip netns del $n-host; "
	     "done");
}

static void all_of_them_at_once(void **state)
{
	struct world *world = *state;
	struct model before;

	want_checked(world);
	model_del_network(&world->model,
			  model_find_network(&world->model, "host"));
	model_del_endpoint(&world->model,
			   model_find_endpoint(&world->model, "edge"));
	must_apply(world);
	before = model_now(world);
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		if (!strstr(records[i], "host") && !strstr(records[i], "edge"))
			damage(records[i]);
	fix(world);

	assert_recovered(world, &before);
	model_free(&before);
}

/* To go on without them could open what they close. */
static void damaged_rules_stay_in_force(void **state)
{
	struct world *world = *state;
	struct control *control;
	struct report report;
	size_t lines;

	want_checked(world);
	damage("[.] rule");
	assert_int_equal(control_open(&world->instance, CONTROL_MEND, &control,
				      &world->err),
			 -EINVAL);
	assert_non_null(strstr(world->err.text, "policy rules"));

	report = check(world);
	assert_non_null(find(&report, "record", SEVERITY_ERROR, ""));
	report_free(&report);
	control = control_of(world, CONTROL_CHECK);
	lines = table_count(control_datapath(control), MAP_POLICY);
	control_close(control);
	assert_int_equal(lines, 1);
	must("grep -q '^[.] rule x' " RUN_DIR "/journal");
}

static void endpoint_in_a_namespace_without_a_name_is_lost(void **state)
{
	struct world *world = *state;
	struct control *control;

	/* Ends with this process at the latest. */
	must("unshare -n tail --pid=$PPID -f /dev/null & "
	     "echo $! >/run/inside");
	await("test $(readlink /proc/$(cat /run/inside)/ns/net) != "
	      "$(readlink /proc/self/ns/net)");
	want_web(world);
	{
		_cleanup_free_ char *pid = output_of("printf pid:; cat "
						     "/run/inside | tr -d "
						     "'\\n'");

		want_endpoint(world, "proc", "front", "192.168.10.20", pid);
	}
	must_apply(world);
	damage("[?+] endpoint proc");
	fix(world);

	control = control_of(world, CONTROL_READ);
	assert_int_equal(control_model(control)->nendpoints, 1);
	control_close(control);
	must("ip link del bne-proc && kill $(cat /run/inside) && rm "
	     "/run/inside");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(sound_instance_has_nothing_wrong),
		WORLD_TEST(every_loss_is_found_and_mended),
		WORLD_TEST(cable_with_another_mac_is_not_made_again),
		WORLD_TEST(program_of_an_endpoint_that_was_taken_away_is_found),
		WORLD_TEST(filters_are_found_where_there_is_no_tcx),
		WORLD_TEST(looking_changes_nothing),
		WORLD_TEST(what_somebody_writes_to_a_table_is_found),
		WORLD_TEST(element_too_many_is_found),
		WORLD_TEST(policy_that_is_not_in_force_is_found),
		WORLD_TEST(settings_that_somebody_changed_are_found),
		WORLD_TEST(address_that_the_host_got_is_a_warning),
		WORLD_TEST(program_of_somebody_else_is_told_and_stays),
		WORLD_TEST(xdp_of_somebody_else_is_told_and_stays),
		WORLD_TEST(port_that_was_given_to_another_bridge_stays_there),
		WORLD_TEST(strict_filter_matters_with_several_uplinks),
		WORLD_TEST(namespace_that_is_gone_is_told_and_forgotten),
		WORLD_TEST(damaged_record_is_found_again_in_the_kernel),
		WORLD_TEST(all_of_them_at_once),
		WORLD_TEST(namespace_of_another_host_is_not_taken_for_ours),
		WORLD_TEST(damaged_rules_stay_in_force),
		WORLD_TEST(endpoint_in_a_namespace_without_a_name_is_lost),
	};

	return world_main("control_check", tests,
			  sizeof(tests) / sizeof(*tests));
}
