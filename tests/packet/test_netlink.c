/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_netlink - the kernel layer against the running kernel (root only) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "kernel/addr.h"
#include "kernel/link.h"
#include "kernel/neigh.h"
#include "kernel/netns.h"
#include "kernel/nl.h"
#include "kernel/route.h"
#include "kernel/sysctl.h"
#include "lib/cleanup.h"
#include "lib/file.h"

#define EXIT_SKIPPED 77

static const __u8 bridge_mac[6] = { 0x02, 0xb0, 0, 0, 0, 1 };
static const __u8 peer_mac[6] = { 0x02, 0xb0, 0, 0, 0, 2 };

/*
 *   host (a new namespace for each test)      container
 *   br0 --- veth0 ========================== eth0
 */
struct world {
	int host, container;
	struct nl *nl, *inside;
	struct err err;
};

static struct ipaddr ip(const char *text)
{
	struct ipaddr ret;

	assert_int_equal(ip_parse(text, &ret), 0);
	return ret;
}

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

static int build(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world || unshare(CLONE_NEWNET))
		return -1;
	*state = world;
	world->container = netns_open_self(&world->err);
	if (world->container < 0 || unshare(CLONE_NEWNET))
		return -1;
	world->host = netns_open_self(&world->err);
	if (world->host < 0 || nl_open(-1, &world->nl, &world->err))
		return -1;
	return nl_open(world->container, &world->inside, &world->err);
}

static int tear_down(void **state)
{
	struct world *world = *state;

	nl_close(world->nl);
	nl_close(world->inside);
	close(world->host);
	close(world->container);
	free(world);
	return 0;
}

static int index_of(struct world *world, struct nl *nl, const char *name)
{
	struct link_info link;

	ok(world, link_get(nl, name, &link, &world->err));
	return link.ifindex;
}

static struct veth veth_of(const struct world *world)
{
	return (struct veth){ .host_name = "veth0",
			      .mtu = 1400,
			      .peer_netns_fd = world->container,
			      .peer_name = "eth0",
			      .peer_mac = peer_mac };
}

/* Both ends up; returns the ifindex of eth0. */
static int add_veth(struct world *world)
{
	struct veth veth = veth_of(world);
	int host, inside;

	ok(world, link_add_veth(world->nl, &veth, &world->err));
	host = index_of(world, world->nl, "veth0");
	inside = index_of(world, world->inside, "eth0");
	ok(world, link_set_up(world->nl, host, true, &world->err));
	ok(world, link_set_up(world->inside, inside, true, &world->err));
	return inside;
}

static void veth_has_its_peer_in_the_container(void **state)
{
	struct world *world = *state;
	struct veth veth = veth_of(world);
	struct link_info host, inside;

	ok(world,
	   link_add_bridge(world->nl, "br0", bridge_mac, 1400, &world->err));
	veth.master = index_of(world, world->nl, "br0");
	ok(world, link_add_veth(world->nl, &veth, &world->err));

	ok(world, link_get(world->nl, "veth0", &host, &world->err));
	ok(world, link_get(world->inside, "eth0", &inside, &world->err));
	assert_string_equal(host.kind, "veth");
	assert_int_equal(host.master, veth.master);
	assert_int_equal(host.peer, inside.ifindex);
	assert_int_equal(inside.peer, host.ifindex);
	assert_int_equal(host.mtu, 1400);
	assert_int_equal(inside.mtu, 1400);
	assert_memory_equal(inside.mac, peer_mac, 6);
	assert_false(host.up);
	assert_false(inside.up);
}

static void device_is_found_by_its_index(void **state)
{
	struct world *world = *state;
	struct link_info link;

	ok(world, link_get_index(world->nl, 1, &link, &world->err));
	assert_string_equal(link.name, "lo");
	assert_int_equal(link_get_index(world->nl, 99, &link, &world->err),
			 -ENODEV);
	assert_string_equal(world->err.text, "device 99 does not exist");
}

static void bridge_keeps_its_mac_when_ports_come(void **state)
{
	/* Lower than the bridge's, so that the kernel would take it. */
	static const __u8 low_mac[6] = { 0x02, 0, 0, 0, 0, 1 };
	struct world *world = *state;
	struct veth veth = { .host_name = "veth0",
			     .peer_netns_fd = world->host,
			     .peer_name = "port",
			     .peer_mac = low_mac };
	struct link_info bridge;
	int port;

	ok(world,
	   link_add_bridge(world->nl, "br0", bridge_mac, 0, &world->err));
	ok(world, link_get(world->nl, "br0", &bridge, &world->err));
	ok(world, link_add_veth(world->nl, &veth, &world->err));
	port = index_of(world, world->nl, "port");
	ok(world,
	   link_set_master(world->nl, port, bridge.ifindex, &world->err));

	ok(world, link_get(world->nl, "br0", &bridge, &world->err));
	assert_memory_equal(bridge.mac, bridge_mac, 6);
	assert_string_equal(bridge.kind, "bridge");
	ok(world, link_set_master(world->nl, port, 0, &world->err));
}

/* A file of /sys, which netns_exec's test knows to be the namespace's own. */
static void assert_bridge_value(const char *name, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/br0/bridge/%s", name);
	assert_int_equal(file_read(path, &text, NULL, NULL), 0);
	assert_string_equal(text, expected);
}

static void bridge_forwards_at_once_and_floods_multicast(void **state)
{
	struct world *world = *state;

	ok(world,
	   link_add_bridge(world->nl, "br0", bridge_mac, 0, &world->err));

	/* A sysfs of this test's namespace, in its private mounts. */
	assert_int_equal(mount("test", "/sys", "sysfs", 0, NULL), 0);
	assert_bridge_value("forward_delay", "0\n");
	assert_bridge_value("stp_state", "0\n");
	assert_bridge_value("multicast_snooping", "0\n");
	assert_int_equal(umount2("/sys", MNT_DETACH), 0);
}

static void second_device_of_a_name_is_a_conflict(void **state)
{
	struct world *world = *state;
	struct veth veth = veth_of(world);

	ok(world, link_add_veth(world->nl, &veth, &world->err));

	assert_int_equal(link_add_veth(world->nl, &veth, &world->err), -EEXIST);
	assert_string_equal(world->err.text, "add veth 'veth0': File exists");
	assert_int_equal(world->err.exit, EXIT_CONFLICT);
}

static void peer_name_taken_in_the_container_leaves_nothing(void **state)
{
	struct world *world = *state;
	struct veth veth = veth_of(world);
	struct link_info link;

	add_veth(world);
	veth.host_name = "veth1";

	assert_int_equal(link_add_veth(world->nl, &veth, &world->err), -EEXIST);
	assert_int_equal(link_get(world->nl, "veth1", &link, &world->err),
			 -ENODEV);
	assert_string_equal(world->err.text, "device 'veth1' does not exist");
}

static void too_long_name_is_refused_in_the_kernel_s_words(void **state)
{
	struct world *world = *state;

	assert_int_equal(link_add_bridge(world->nl, "a-name-of-17-char",
					 bridge_mac, 0, &world->err),
			 -ERANGE);
	assert_string_equal(world->err.text, "add bridge 'a-name-of-17-char': "
					     "Attribute failed policy "
					     "validation");
}

static void mtu_and_state_are_changed(void **state)
{
	struct world *world = *state;
	struct link_info link;
	int index;

	add_veth(world);
	index = index_of(world, world->nl, "veth0");
	ok(world, link_set_mtu(world->nl, index, 1300, &world->err));
	ok(world, link_get_index(world->nl, index, &link, &world->err));
	assert_int_equal(link.mtu, 1300);
	assert_true(link.up);

	ok(world, link_set_up(world->nl, index, false, &world->err));
	ok(world, link_get_index(world->nl, index, &link, &world->err));
	assert_false(link.up);
}

static void impossible_mtu_has_the_kernel_s_reason(void **state)
{
	struct world *world = *state;

	add_veth(world);
	assert_int_equal(link_set_mtu(world->nl,
				      index_of(world, world->nl, "veth0"), 10,
				      &world->err),
			 -EINVAL);
	assert_non_null(
		strstr(world->err.text, "mtu less than device minimum"));
}

static void deleted_veth_is_gone_at_both_ends(void **state)
{
	struct world *world = *state;
	struct link_info link;

	add_veth(world);
	ok(world, link_del(world->nl, "veth0", &world->err));

	assert_int_equal(link_get(world->inside, "eth0", &link, NULL), -ENODEV);
	assert_int_equal(link_del(world->nl, "veth0", &world->err), -ENODEV);
	assert_int_equal(world->err.exit, EXIT_NOT_FOUND);
}

static int count_link(const struct link_info *link, void *arg)
{
	int *count = arg;

	assert_string_not_equal(link->name, "");
	return ++*count == 3 ? 42 : 0;
}

static void visitor_of_devices_can_stop(void **state)
{
	struct world *world = *state;
	struct link_info link;
	char name[16];
	int count = 0;

	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "br%d", i);
		ok(world, link_add_bridge(world->nl, name, bridge_mac, 0,
					  &world->err));
	}

	assert_int_equal(link_each(world->nl, count_link, &count, NULL), 42);
	assert_int_equal(count, 3);
	ok(world, link_get(world->nl, "br39", &link, &world->err));

	/* Past the one at which it stops: lo and 40 bridges remain. */
	ok(world, link_each(world->nl, count_link, &count, &world->err));
	assert_int_equal(count, 3 + 41);
}

/* The flags of an IPv6 address; RTM_GETADDR answers with one message. */
static int on_flags(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa;

	if (nlh) {
		ifa = mnl_nlmsg_get_payload(nlh);
		if (ifa->ifa_scope == RT_SCOPE_UNIVERSE)
			*(int *)arg = ifa->ifa_flags;
	}
	return MNL_CB_OK;
}

static void ipv6_address_is_usable_at_once(void **state)
{
	struct world *world = *state;
	struct cidr address = cidr("fd00:77::2/64");
	struct nlmsghdr *req;
	struct ifaddrmsg *ifa;
	int flags = -1;

	ok(world,
	   addr_add(world->inside, add_veth(world), &address, &world->err));

	req = nl_request(world->inside, RTM_GETADDR, NLM_F_DUMP);
	ifa = mnl_nlmsg_put_extra_header(req, sizeof(*ifa));
	ifa->ifa_family = AF_INET6;
	ok(world, nl_dump(world->inside, req, on_flags, &flags, &world->err));
	assert_int_equal(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED), 0);
	assert_true(flags & IFA_F_NODAD);
}

struct search {
	struct addr_info wanted;
	int found;
};

static int match_addr(const struct addr_info *addr, void *arg)
{
	struct search *search = arg;

	search->found += addr->ifindex == search->wanted.ifindex &&
			 addr->scope == search->wanted.scope &&
			 cidr_equal(&addr->cidr, &search->wanted.cidr);
	return 0;
}

static void addresses_are_listed_until_deleted(void **state)
{
	static const struct {
		const char *text;
		__u8 scope;
	} cases[] = {
		{ "10.77.0.2/24", RT_SCOPE_UNIVERSE },
		{ "169.254.7.7/16", RT_SCOPE_LINK },
		{ "fd00:77::2/64", RT_SCOPE_UNIVERSE },
	};
	struct world *world = *state;
	int index = add_veth(world);

	for (int i = 0; i < 3; i++) {
		struct search search = { .wanted = { index, cidr(cases[i].text),
						     cases[i].scope } };
		const struct cidr *address = &search.wanted.cidr;

		ok(world, addr_add(world->inside, index, address, &world->err));
		ok(world, addr_each(world->inside, match_addr, &search, NULL));
		assert_int_equal(search.found, 1);

		ok(world, addr_del(world->inside, index, address, &world->err));
		ok(world, addr_each(world->inside, match_addr, &search, NULL));
		assert_int_equal(search.found, 1);
	}
}

static void second_address_is_a_conflict_in_the_kernel_s_words(void **state)
{
	struct world *world = *state;
	struct cidr address = cidr("10.77.0.2/24");
	int index = add_veth(world);

	ok(world, addr_add(world->inside, index, &address, &world->err));
	assert_int_equal(addr_add(world->inside, index, &address, &world->err),
			 -EEXIST);
	/* Older kernels have no text for it. */
	if (!strstr(world->err.text, "File exists"))
		assert_non_null(
			strstr(world->err.text, "Address already assigned"));
}

static void default_route_of_each_family_is_found(void **state)
{
	static const struct {
		int family;
		const char *address, *gateway;
	} cases[] = {
		{ AF_INET, "10.77.0.2/24", "10.77.0.1" },
		{ AF_INET6, "fd00:77::2/64", "fd00:77::1" },
	};
	struct world *world = *state;
	int index = add_veth(world);

	for (int i = 0; i < 2; i++) {
		struct cidr address = cidr(cases[i].address);
		struct ipaddr gateway = ip(cases[i].gateway);
		struct default_route route;

		assert_int_equal(route_get_default(world->inside,
						   cases[i].family, &route,
						   &world->err),
				 -ENOENT);
		ok(world,
		   addr_add(world->inside, index, &address, &world->err));
		ok(world, route_add_default(world->inside, index, &gateway,
					    &world->err));

		ok(world, route_get_default(world->inside, cases[i].family,
					    &route, &world->err));
		assert_int_equal(route.ifindex, index);
		assert_true(ip_equal(&route.gateway, &gateway));
		assert_int_equal(route_add_default(world->inside, index,
						   &gateway, &world->err),
				 -EEXIST);
	}
}

static void run(const char *command)
{
	int status = system(command);

	if (status)
		fail_msg("'%s': status %d", command, status);
}

static void lowest_metric_wins_whatever_the_kind_of_route(void **state)
{
	struct world *world = *state;
	struct default_route route;
	struct ipaddr gateway;
	int veth;

	add_veth(world);
	veth = index_of(world, world->nl, "veth0");
	run("ip addr add 10.77.0.1/24 dev veth0");
	run("ip route add default via 10.77.0.9 metric 300");
	run("ip link set lo up && ip route add default dev lo table 77");
	run("ip route add 10.99.0.0/16 via 10.77.0.8");
	ok(world, route_get_default(world->nl, AF_INET, &route, &world->err));
	gateway = ip("10.77.0.9");
	assert_true(ip_equal(&route.gateway, &gateway));

	run("ip route add default metric 200 nexthop via 10.77.0.6 dev veth0 "
	    "nexthop via 10.77.0.7 dev veth0");
	ok(world, route_get_default(world->nl, AF_INET, &route, &world->err));
	gateway = ip("10.77.0.6");
	assert_int_equal(route.ifindex, veth);
	assert_true(ip_equal(&route.gateway, &gateway));

	run("ip -4 route add default metric 100 via inet6 fe80::5 dev veth0");
	ok(world, route_get_default(world->nl, AF_INET, &route, &world->err));
	gateway = ip("fe80::5");
	assert_true(ip_equal(&route.gateway, &gateway));

	run("ip route add default metric 50 dev veth0");
	ok(world, route_get_default(world->nl, AF_INET, &route, &world->err));
	assert_int_equal(route.ifindex, veth);
	assert_true(ip_is_zero(&route.gateway));
}

struct found {
	struct default_route routes[8];
	size_t count;
};

static int on_found(const struct default_route *route, void *arg)
{
	struct found *found = arg;

	assert_true(found->count < 8);
	found->routes[found->count++] = *route;
	return 0;
}

static void every_way_of_every_default_route_is_listed(void **state)
{
	struct world *world = *state;
	struct found found = { 0 };
	char text[IP_TEXT_MAX];
	static const struct {
		const char *gateway;
		__u32 metric;
	} want[] = {
		{ "::", 50 },
		{ "10.77.0.6", 200 },
		{ "10.77.0.7", 200 },
		{ "10.77.0.9", 300 },
	};
	int veth;

	add_veth(world);
	veth = index_of(world, world->nl, "veth0");
	run("ip addr add 10.77.0.1/24 dev veth0");
	run("ip route add default via 10.77.0.9 metric 300");
	run("ip route add default metric 50 dev veth0");
	run("ip route add default metric 200 nexthop via 10.77.0.6 dev veth0 "
	    "nexthop via 10.77.0.7 dev veth0");
	ok(world, route_each_default(world->nl, AF_INET, on_found, &found,
				     &world->err));

	assert_int_equal(found.count, 4);
	for (size_t i = 0; i < found.count; i++) {
		assert_int_equal(found.routes[i].ifindex, veth);
		assert_int_equal(found.routes[i].metric, want[i].metric);
		assert_string_equal(ip_print(&found.routes[i].gateway, text),
				    want[i].gateway);
	}
}

static void link_route_makes_a_gateway_reachable(void **state)
{
	struct world *world = *state;
	struct cidr host_route = cidr("192.0.2.1/32"), all = cidr("::/0");
	struct ipaddr gateway = ip("192.0.2.1");
	struct default_route route;
	int index = add_veth(world);

	assert_int_equal(
		route_add_default(world->inside, index, &gateway, &world->err),
		-ENETUNREACH);
	assert_string_equal(world->err.text, "add default route by 192.0.2.1: "
					     "Nexthop has invalid gateway");

	ok(world,
	   route_add_link(world->inside, index, &host_route, &world->err));
	ok(world,
	   route_add_default(world->inside, index, &gateway, &world->err));
	ok(world, route_add_link(world->inside, index, &all, &world->err));
	ok(world,
	   route_get_default(world->inside, AF_INET6, &route, &world->err));
	assert_int_equal(route.ifindex, index);
	assert_true(ip_is_zero(&route.gateway));
}

static void permanent_neighbour_stays_until_deleted(void **state)
{
	static const char *const texts[] = { "10.77.0.2", "fd00:77::2" };
	struct world *world = *state;
	int index;

	add_veth(world);
	index = index_of(world, world->nl, "veth0");
	for (int i = 0; i < 2; i++) {
		struct ipaddr addr = ip(texts[i]);

		ok(world,
		   neigh_set(world->nl, index, &addr, bridge_mac, &world->err));
		ok(world,
		   neigh_set(world->nl, index, &addr, peer_mac, &world->err));
		run("ip neigh show dev veth0 | "
		    "grep -q 'lladdr 02:b0:00:00:00:02 PERMANENT'");
		ok(world, neigh_del(world->nl, index, &addr, &world->err));
		run("! ip neigh show dev veth0 | grep -q PERMANENT");
		assert_int_equal(neigh_del(world->nl, index, &addr, NULL),
				 -ENOENT);
	}
}

static void managed_neighbour_is_marked_so(void **state)
{
	struct world *world = *state;
	struct ipaddr addr = ip("10.77.0.2");
	int index, rc;

	add_veth(world);
	index = index_of(world, world->nl, "veth0");
	run("ip addr add 10.77.0.1/24 dev veth0");
	rc = neigh_set_managed(world->nl, index, &addr, &world->err);
	if (rc == -EOPNOTSUPP)
		skip();
	ok(world, rc);
	run("ip neigh show dev veth0 | grep -q '10.77.0.2.*managed'");
}

static void sysctl_is_written_once_and_its_old_value_known(void **state)
{
	static const char name[] = "net/ipv4/conf/veth0/forwarding";
	struct world *world = *state;
	char old[16] = "", value[16] = "";
	bool has_changed = false;

	add_veth(world);
	ok(world, sysctl_write(name, "0", &world->err));
	ok(world,
	   sysctl_set(name, "1", old, sizeof(old), &has_changed, &world->err));
	assert_string_equal(old, "0");
	assert_true(has_changed);
	ok(world, sysctl_read(name, value, sizeof(value), &world->err));
	assert_string_equal(value, "1");

	ok(world,
	   sysctl_set(name, "1", old, sizeof(old), &has_changed, &world->err));
	assert_string_equal(old, "1");
	assert_false(has_changed);
}

static void sysctl_that_fails_names_itself(void **state)
{
	struct world *world = *state;
	char value[16] = "kept";

	assert_int_equal(sysctl_read("net/ipv4/conf/none/forwarding", value,
				     sizeof(value), &world->err),
			 -ENOENT);
	assert_string_equal(
		world->err.text,
		"this kernel has no sysctl 'net/ipv4/conf/none/forwarding'");
	assert_int_equal(sysctl_write("net/ipv4/ip_forward", "x", &world->err),
			 -EINVAL);
	assert_int_equal(sysctl_read("net/ipv4/ip_local_port_range", value, 3,
				     &world->err),
			 -ENOSPC);
	assert_string_equal(value, "kept");
}

/* bridge_forwards_at_once mounts a sysfs, which the machine must not see. */
static int separate_mounts(void)
{
	return unshare(CLONE_NEWNS) ||
	       mount("", "/", NULL, MS_PRIVATE | MS_REC, NULL);
}

#define test(name) cmocka_unit_test_setup_teardown(name, build, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(veth_has_its_peer_in_the_container),
		test(device_is_found_by_its_index),
		test(bridge_keeps_its_mac_when_ports_come),
		test(bridge_forwards_at_once_and_floods_multicast),
		test(second_device_of_a_name_is_a_conflict),
		test(peer_name_taken_in_the_container_leaves_nothing),
		test(too_long_name_is_refused_in_the_kernel_s_words),
		test(mtu_and_state_are_changed),
		test(impossible_mtu_has_the_kernel_s_reason),
		test(deleted_veth_is_gone_at_both_ends),
		test(visitor_of_devices_can_stop),
		test(ipv6_address_is_usable_at_once),
		test(addresses_are_listed_until_deleted),
		test(second_address_is_a_conflict_in_the_kernel_s_words),
		test(default_route_of_each_family_is_found),
		test(lowest_metric_wins_whatever_the_kind_of_route),
		test(every_way_of_every_default_route_is_listed),
		test(link_route_makes_a_gateway_reachable),
		test(permanent_neighbour_stays_until_deleted),
		test(managed_neighbour_is_marked_so),
		test(sysctl_is_written_once_and_its_old_value_known),
		test(sysctl_that_fails_names_itself),
	};

	if (geteuid()) {
		fprintf(stderr, "needs root\n");
		return EXIT_SKIPPED;
	}
	if (separate_mounts()) {
		perror("separate the mounts");
		return EXIT_SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
