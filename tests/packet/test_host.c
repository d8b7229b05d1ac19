/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_host - which of the host's devices a command looks at (root only) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/host.h"
#include "kernel/netns.h"

#define EXIT_SKIPPED 77

/*
 * A new namespace for each test, of which the model names only web:
 *
 *   br0 --- port0 | loose0 | named0 (host end of web) | wan0 192.0.2.1/24
 *
 * All but br0 are veths whose other ends are beside them.
 */
struct world {
	struct nl *nl;
	struct model model;
	struct err err;
};

/* Fails the test with the error's text, which says more than its number. */
static void ok(const struct world *world, int rc)
{
	if (rc)
		fail_msg("%d: %s", rc, world->err.text);
}

static int index_of(struct world *world, const char *name)
{
	struct link_info link;

	ok(world, link_get(world->nl, name, &link, &world->err));
	return link.ifindex;
}

static int add_device(struct world *world, int netns, const char *name)
{
	char peer[IFNAMSIZ];
	const struct veth veth = { .host_name = name,
				   .peer_name = peer,
				   .peer_netns_fd = netns };

	snprintf(peer, sizeof(peer), "%s-p", name);
	return link_add_veth(world->nl, &veth, &world->err);
}

static int build(void **state)
{
	static const char *const names[] = { "port0", "loose0", "named0",
					     "wan0" };
	static const __u8 mac[6] = { 0x02, 0xb0, 0, 0, 0, 1 };
	const struct endpoint web = { .name = "web", .host_ifname = "named0" };
	struct world *world = calloc(1, sizeof(*world));
	struct cidr addr;
	int rc, self;

	if (!world || unshare(CLONE_NEWNET))
		return -1;
	*state = world;
	model_init(&world->model);
	self = netns_open_self(&world->err);
	rc = self < 0 ? self : nl_open(-1, &world->nl, &world->err);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !rc; i++)
		rc = add_device(world, self, names[i]);
	close(self);
	rc = rc ? rc : link_add_bridge(world->nl, "br0", mac, 0, &world->err);
	if (rc || !model_add_endpoint(&world->model, &web))
		return -1;
	rc = cidr_parse("192.0.2.1/24", &addr);
	rc = rc ? rc :
		  addr_add(world->nl, index_of(world, "wan0"), &addr,
			   &world->err);
	return rc ? rc :
		    link_set_master(world->nl, index_of(world, "port0"),
				    index_of(world, "br0"), &world->err);
}

static int tear_down(void **state)
{
	struct world *world = *state;

	model_free(&world->model);
	nl_close(world->nl);
	free(world);
	return 0;
}

static void assert_same(const struct link_info *link,
			const struct link_info *whole)
{
	assert_non_null(link);
	assert_non_null(whole);
	assert_int_equal(link->ifindex, whole->ifindex);
	assert_int_equal(link->master, whole->master);
	assert_int_equal(link->mtu, whole->mtu);
	assert_int_equal(link->type, whole->type);
	assert_int_equal(link->up, whole->up);
	assert_memory_equal(link->mac, whole->mac, sizeof(link->mac));
}

static void ports_named_and_addressed_devices_are_looked_at(void **state)
{
	static const char *const names[] = { "port0", "named0", "wan0" };
	struct world *world = *state;
	struct host all, some;

	ok(world, host_read(world->nl, &all, &world->err));
	ok(world, host_look(world->nl, &world->model, &some, &world->err));

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_same(host_find_link(&some, names[i]),
			    host_find_link(&all, names[i]));
	assert_ptr_equal(host_find_index(&some, index_of(world, "port0")),
			 host_find_link(&some, "port0"));
	assert_non_null(host_find_link(&all, "loose0"));
	assert_null(host_find_link(&some, "loose0"));
	assert_int_equal(some.naddrs, all.naddrs);
	host_free(&all);
	host_free(&some);
}

static void named_device_that_is_gone_is_no_failure(void **state)
{
	struct world *world = *state;
	struct host host;

	ok(world, link_del(world->nl, "named0", &world->err));

	ok(world, host_look(world->nl, &world->model, &host, &world->err));
	assert_null(host_find_link(&host, "named0"));
	assert_non_null(host_find_link(&host, "port0"));
	host_free(&host);
}

static void uplink_that_is_wanted_is_looked_at_as_well(void **state)
{
	const struct uplink uplink = { .ifname = "loose0" };
	struct world *world = *state;
	struct host host;

	ok(world, host_look(world->nl, &world->model, &host, &world->err));
	assert_non_null(model_add_uplink(&world->model, &uplink));

	ok(world,
	   host_set_uplinks(world->nl, &host, &world->model, &world->err));
	assert_non_null(host_find_link(&host, "loose0"));
	assert_non_null(host_find_link(&host, "port0"));
	host_free(&host);
}

#define test(name) cmocka_unit_test_setup_teardown(name, build, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(ports_named_and_addressed_devices_are_looked_at),
		test(named_device_that_is_gone_is_no_failure),
		test(uplink_that_is_wanted_is_looked_at_as_well),
	};

	if (geteuid() != 0) {
		printf("skipped: needs root\n");
		return EXIT_SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
