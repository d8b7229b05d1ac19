/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control_subnet - networks without a subnet get one that the host lacks */
#include "control_world.h"

/* "10.90.0.0/24 fd90::/64": what the network got. */
static void assert_subnets(struct world *world, const char *name,
			   const char *expected)
{
	struct control *control = control_of(world, CONTROL_READ);
	const struct network *n =
		model_find_network(control_model(control), name);
	char text[NETWORK_SUBNETS_MAX * CIDR_TEXT_MAX] = "";
	char buf[CIDR_TEXT_MAX];

	assert_non_null(n);
	for (size_t s = 0; s < n->nsubnets; s++) {
		strcat(text, s ? " " : "");
		strcat(text, cidr_print(&n->subnets[s], buf));
	}
	control_close(control);
	assert_string_equal(text, expected);
}

static void new_networks_get_one_of_each_family(void **state)
{
	struct world *world = *state;

	want_network(world, "a", NULL);
	want_network(world, "b", NULL);

	must_apply(world);

	assert_subnets(world, "a", "10.90.0.0/24 fd90::/64");
	assert_subnets(world, "b", "10.90.1.0/24 fd90:0:0:1::/64");
	must("ip addr show dev bn-b | grep -q 'inet 10.90.1.1/24'");
	must("ip addr show dev bn-b | grep -q 'inet6 fd90:0:0:1::1/64'");
	assert_tables_match(world);
}

static void hosts_addresses_and_routes_are_avoided(void **state)
{
	struct world *world = *state;

	must("ip addr add 10.90.0.77/25 dev up0");
	must("ip route add 10.90.1.0/28 via 203.0.113.9");
	must("ip route add blackhole 10.90.2.0/24 table 77");
	must("ip route add local 10.90.3.0/24 dev lo");
	must("ip addr add fd90::1:2:3:4/64 dev up0 nodad");
	must("ip route add fd90:0:0:1::/64 dev up0");
	want_network(world, "a", NULL);

	must_apply(world);

	assert_subnets(world, "a", "10.90.4.0/24 fd90:0:0:2::/64");
}

/* Its own bridge leads there: that must not count. */
static void subnet_of_a_network_that_goes_can_be_had_again(void **state)
{
	struct world *world = *state;

	must("ip route add 10.90.0.0/17 dev up0");
	must("ip route add 10.90.128.0/18 dev up0");
	must("ip route add 10.90.192.0/19 dev up0");
	must("ip route add 10.90.224.0/20 dev up0");
	must("ip route add 10.90.240.0/21 dev up0");
	must("ip route add 10.90.248.0/22 dev up0");
	must("ip route add 10.90.252.0/23 dev up0");
	must("ip route add 10.90.255.0/24 dev up0");
	want_network(world, "a", NULL);
	must_apply(world);
	assert_subnets(world, "a", "10.90.254.0/24 fd90::/64");

	model_del_network(&world->model, &world->model.networks[0]);
	want_network(world, "b", NULL);
	must_apply(world);

	assert_subnets(world, "b", "10.90.254.0/24 fd90:0:0:1::/64");
}

static void route_over_the_whole_pool_is_a_conflict(void **state)
{
	struct world *world = *state;

	must("ip route add 10.0.0.0/8 dev up0");
	want_network(world, "a", NULL);

	assert_int_not_equal(apply(world, NULL), 0);

	assert_string_equal(world->err.text,
			    "network 'a': no free subnet in 10.90.0.0/16");
	assert_int_equal(world->err.exit, EXIT_CONFLICT);
}

/* A subnet that was chosen stays, whatever the host does later. */
static void running_network_keeps_its_subnets(void **state)
{
	struct world *world = *state;
	size_t steps = 1;

	want_network(world, "a", NULL);
	must_apply(world);

	must("ip route add 10.90.0.0/16 dev up0");
	assert_int_equal(apply(world, &steps), 0);

	assert_int_equal(steps, 0);
	assert_subnets(world, "a", "10.90.0.0/24 fd90::/64");
}

static void host_without_ipv6_gets_none(void **state)
{
	struct world *world = *state;

	must("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6");
	want_network(world, "a", NULL);

	must_apply(world);
	must("echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6");

	assert_subnets(world, "a", "10.90.0.0/24");
}

/* As engines make them. */
static void namespace_without_ipv6_gets_it_on_this_device(void **state)
{
	struct world *world = *state;

	must("ip netns add web && nsenter --net=/run/netns/web sh -c '"
	     "cd /proc/sys/net/ipv6/conf && echo 1 >all/disable_ipv6 && "
	     "echo 1 >default/disable_ipv6'");
	want_network(world, "a", NULL);
	want_endpoint(world, "web", "a", "10.90.0.7", NULL);

	must_apply(world);

	must("nsenter --net=/run/netns/web ping -c1 -W2 fd90::1 >/dev/null");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(new_networks_get_one_of_each_family),
		WORLD_TEST(hosts_addresses_and_routes_are_avoided),
		WORLD_TEST(subnet_of_a_network_that_goes_can_be_had_again),
		WORLD_TEST(route_over_the_whole_pool_is_a_conflict),
		WORLD_TEST(running_network_keeps_its_subnets),
		WORLD_TEST(host_without_ipv6_gets_none),
		WORLD_TEST(namespace_without_ipv6_gets_it_on_this_device),
	};

	return world_main("control_subnet", tests,
			  sizeof(tests) / sizeof(*tests));
}
