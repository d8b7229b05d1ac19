/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_link - what the kernel layer reads of devices and routes (root only) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "kernel/addr.h"
#include "kernel/link.h"
#include "kernel/netns.h"
#include "kernel/nl.h"
#include "kernel/route.h"
#include "kernel/sysctl.h"
#include "lib/cleanup.h"

#define EXIT_SKIPPED 77
#define AWAIT_TRIES 500

static const __u8 host_mac[6] = { 0x02, 0xb0, 0, 0, 0, 1 };
static const __u8 peer_mac[6] = { 0x02, 0xb0, 0, 0, 0, 2 };

/*
 *   host (a new namespace for each test)      container
 *   veth0 ================================== eth0
 */
struct world {
	int container;
	struct nl *nl, *inside;
	int host_end, eth0;
	struct err err;
};

static struct cidr cidr(const char *text)
{
	struct cidr ret;

	assert_int_equal(cidr_parse(text, &ret), 0);
	return ret;
}

/* Fails the test with the error's text, which says more than its number. */
static void ok(const struct world *world, int rc)
{
	if (rc)
		fail_msg("%d: %s", rc, world->err.text);
}

static int index_of(struct world *world, struct nl *nl, const char *name)
{
	struct link_info link;

	ok(world, link_get(nl, name, &link, &world->err));
	return link.ifindex;
}

/* A namespace in which no device says anything by itself. */
static bool go_to_a_silent_namespace(struct err *err)
{
	return !unshare(CLONE_NEWNET) &&
	       !sysctl_write("net/ipv6/conf/default/disable_ipv6", "1", err);
}

static int build(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct veth veth = { .host_name = "veth0",
			     .host_mac = host_mac,
			     .peer_name = "eth0",
			     .peer_mac = peer_mac };

	if (!world || !go_to_a_silent_namespace(&world->err))
		return -1;
	*state = world;
	world->container = netns_open_self(&world->err);
	if (world->container < 0 || !go_to_a_silent_namespace(&world->err) ||
	    nl_open(-1, &world->nl, &world->err) ||
	    nl_open(world->container, &world->inside, &world->err))
		return -1;
	veth.peer_netns_fd = world->container;
	if (link_add_veth(world->nl, &veth, &world->err))
		return -1;
	world->host_end = index_of(world, world->nl, "veth0");
	world->eth0 = index_of(world, world->inside, "eth0");
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	nl_close(world->nl);
	nl_close(world->inside);
	close(world->container);
	free(world);
	return 0;
}

static void host_end_up(struct world *world)
{
	ok(world, link_set_up(world->nl, world->host_end, true, &world->err));
}

static void eth0_up(struct world *world)
{
	ok(world, link_set_up(world->inside, world->eth0, true, &world->err));
}

/* The kernel tells of a carrier in the background, and sends nothing before. */
static bool runs(struct world *world)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct link_info link;

	for (int tries = AWAIT_TRIES; tries > 0; tries--) {
		ok(world, link_get(world->nl, "veth0", &link, &world->err));
		if (link.running)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void ends_of_a_veth_have_the_macs_that_were_asked_for(void **state)
{
	struct world *world = *state;
	struct link_info host, inside;

	ok(world, link_get(world->nl, "veth0", &host, &world->err));
	ok(world, link_get(world->inside, "eth0", &inside, &world->err));

	assert_memory_equal(host.mac, host_mac, 6);
	assert_memory_equal(inside.mac, peer_mac, 6);
}

static void device_runs_when_both_its_ends_are_up(void **state)
{
	struct world *world = *state;
	struct link_info link;

	host_end_up(world);
	ok(world, link_get(world->nl, "veth0", &link, &world->err));
	assert_true(link.up);
	assert_false(link.running);

	eth0_up(world);
	assert_true(runs(world));
}

static void counters_of_a_device_are_read(void **state)
{
	struct world *world = *state;
	const __u8 frame[1000] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	struct link_counters host, inside;

	host_end_up(world);
	eth0_up(world);
	assert_true(runs(world));
	to.sll_ifindex = world->host_end;
	for (int i = 0; i < 3; i++)
		assert_int_equal(sendto(fd, frame, sizeof(frame), 0,
					(struct sockaddr *)&to, sizeof(to)),
				 sizeof(frame));

	ok(world, link_get_counters(world->nl, "veth0", &host, &world->err));
	ok(world,
	   link_get_counters(world->inside, "eth0", &inside, &world->err));
	assert_int_equal(host.tx_packets, 3);
	assert_int_equal(host.tx_bytes, 3 * sizeof(frame));
	assert_int_equal(host.rx_packets, 0);
	assert_int_equal(host.rx_bytes, 0);
	assert_int_equal(inside.rx_packets, 3);
	assert_int_equal(inside.rx_bytes, 3 * sizeof(frame));
	assert_int_equal(inside.tx_packets, 0);
	assert_int_equal(inside.tx_bytes, 0);
	assert_int_equal(
		link_get_counters(world->nl, "none", &host, &world->err),
		-ENODEV);
}

struct ports {
	struct link_info last;
	int count;
};

static int on_port(const struct link_info *link, void *arg)
{
	struct ports *ports = arg;

	ports->last = *link;
	ports->count++;
	return 0;
}

static void list_of_ports_has_what_is_on_a_bridge_and_nothing_else(void **state)
{
	struct world *world = *state;
	struct ports ports = { 0 };
	int bridge;

	ok(world, link_add_bridge(world->nl, "br0", peer_mac, 0, &world->err));
	bridge = index_of(world, world->nl, "br0");
	ok(world, link_each_port(world->nl, on_port, &ports, &world->err));
	assert_int_equal(ports.count, 0);

	ok(world,
	   link_set_master(world->nl, world->host_end, bridge, &world->err));
	host_end_up(world);
	ok(world, link_each_port(world->nl, on_port, &ports, &world->err));

	assert_int_equal(ports.count, 1);
	assert_string_equal(ports.last.name, "veth0");
	assert_int_equal(ports.last.ifindex, world->host_end);
	assert_int_equal(ports.last.master, bridge);
	assert_memory_equal(ports.last.mac, host_mac, 6);
	assert_int_equal(ports.last.mtu, 1500);
	assert_true(ports.last.up);
}

static int enable_v6(void *arg, struct err *err)
{
	(void)arg;
	return sysctl_write("net/ipv6/conf/eth0/disable_ipv6", "0", err);
}

/* The route that a test looks for, and how often it was there. */
struct wanted {
	struct route_info route;
	int count;
};

static int on_route(const struct route_info *route, void *arg)
{
	struct wanted *wanted = arg;

	wanted->count += route->ifindex == wanted->route.ifindex &&
			 route->type == wanted->route.type &&
			 cidr_equal(&route->to, &wanted->route.to);
	return 0;
}

static void routes_of_both_families_and_all_tables_are_listed(void **state)
{
	struct world *world = *state;
	int eth0 = world->eth0;
	struct wanted wanted[] = {
		{ { eth0, cidr("10.1.2.0/24"), RTN_UNICAST }, 0 },
		{ { eth0, cidr("fd00:5::/48"), RTN_UNICAST }, 0 },
		{ { eth0, cidr("0.0.0.0/0"), RTN_UNICAST }, 0 },
		{ { eth0, cidr("::/0"), RTN_UNICAST }, 0 },
		{ { eth0, cidr("192.168.7.1/32"), RTN_LOCAL }, 0 },
	};
	struct cidr own = cidr("192.168.7.1/24");

	ok(world, netns_run(world->container, enable_v6, NULL, &world->err));
	eth0_up(world);
	ok(world, addr_add(world->inside, eth0, &own, &world->err));
	for (size_t i = 0; i < 4; i++)
		ok(world, route_add_link(world->inside, eth0,
					 &wanted[i].route.to, &world->err));

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		ok(world, route_each(world->inside, on_route, &wanted[i],
				     &world->err));
		assert_int_equal(wanted[i].count, 1);
	}
}

#define test(name) cmocka_unit_test_setup_teardown(name, build, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(ends_of_a_veth_have_the_macs_that_were_asked_for),
		test(device_runs_when_both_its_ends_are_up),
		test(counters_of_a_device_are_read),
		test(list_of_ports_has_what_is_on_a_bridge_and_nothing_else),
		test(routes_of_both_families_and_all_tables_are_listed),
	};

	if (geteuid()) {
		fprintf(stderr, "needs root\n");
		return EXIT_SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
