/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control_loopback - lo of a namespace that was there before is put back */
#include <unistd.h>

#include "control_world.h"
#include "lib/cleanup.h"

static bool lo_is_up(const char *netns)
{
	char command[96];

	snprintf(command, sizeof(command),
		 "ip -n %s link show lo | grep -q '[<,]UP[,>]'", netns);
	return succeeds(command);
}

/* Two networks, since two endpoints of one namespace need two. */
static void want_two(struct world *world, const char *netns)
{
	want_network(world, "front", "192.168.10.0/24");
	want_network(world, "back", "192.168.20.0/24");
	want_endpoint(world, "one", "front", "192.168.10.10", netns);
	want_endpoint(world, "two", "back", "192.168.20.10", netns);
	world->model.endpoints[1].default_route = false;
}

static void want_no_more(struct world *world, const char *endpoint)
{
	struct model *model = &world->model;

	model_del_endpoint(model, model_find_endpoint(model, endpoint));
	must_apply(world);
}

static void goes_down_with_the_last_endpoint(struct world *world,
					     const char *first,
					     const char *last)
{
	must("ip netns add mine");
	want_two(world, "mine");
	must_apply(world);
	assert_true(lo_is_up("mine"));

	want_no_more(world, first);
	assert_true(lo_is_up("mine"));
	want_no_more(world, last);
	assert_false(lo_is_up("mine"));
}

static void the_first_one_may_be_the_last(void **state)
{
	goes_down_with_the_last_endpoint(*state, "two", "one");
}

static void the_second_one_may_be_the_last(void **state)
{
	goes_down_with_the_last_endpoint(*state, "one", "two");
}

/* By two names, and not in one plan. */
static void a_path_leads_to_the_same_namespace(void **state)
{
	struct world *world = *state;

	must("ip netns add mine");
	want_two(world, "mine");
	model_del_endpoint(&world->model, &world->model.endpoints[1]);
	must_apply(world);
	want_endpoint(world, "two", "back", "192.168.20.10", "/run/netns/mine");
	world->model.endpoints[1].default_route = false;
	snprintf(world->model.endpoints[1].ifname, IFNAMSIZ, "eth1");
	must_apply(world);

	want_no_more(world, "one");
	assert_true(lo_is_up("mine"));
	want_no_more(world, "two");
	assert_false(lo_is_up("mine"));
}

static void what_was_up_stays_up(void **state)
{
	struct world *world = *state;

	must("ip netns add mine && ip -n mine link set lo up");
	want_two(world, "mine");
	must_apply(world);

	assert_int_equal(purge(world), 0);
	assert_true(lo_is_up("mine"));
}

static char *addresses(void)
{
	return output_of("ip -n mine addr show lo | grep inet; "
			 "ip -n mine route show table all");
}

static void purge_puts_it_back(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *after = NULL;

	must("ip netns add mine");
	want_two(world, "mine");
	must_apply(world);

	assert_int_equal(purge(world), 0);
	assert_false(lo_is_up("mine"));
	after = addresses();
	assert_string_equal(after, "");
}

static void addresses_that_were_there_stay(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	must("ip netns add mine && ip -n mine link set lo up && "
	     "ip -n mine link set lo down");
	before = addresses();
	want_two(world, "mine");
	must_apply(world);

	assert_int_equal(purge(world), 0);
	assert_false(lo_is_up("mine"));
	after = addresses();
	assert_string_equal(before, after);
	assert_non_null(strstr(after, "127.0.0.1"));
}

/* Without ours, the one that comes by itself would not come again. */
static void addresses_that_came_meanwhile_stay(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *after = NULL;

	must("ip netns add mine");
	want_two(world, "mine");
	must_apply(world);
	must("ip -n mine addr add 10.9.9.9/32 dev lo");

	assert_int_equal(purge(world), 0);
	after = addresses();
	assert_non_null(strstr(after, "10.9.9.9"));
	assert_non_null(strstr(after, "127.0.0.1"));
}

static void both_ends_of_a_cable_are_put_back(void **state)
{
	struct world *world = *state;

	must("ip netns add mine && ip netns add yours");
	want_cable(world, "pair", "10.2.0.0/29");
	want_endpoint(world, "p1", "pair", "10.2.0.2", "mine");
	want_endpoint(world, "p2", "pair", "10.2.0.3", "yours");
	must_apply(world);
	assert_true(lo_is_up("mine") && lo_is_up("yours"));

	assert_int_equal(purge(world), 0);
	assert_false(lo_is_up("mine"));
	assert_false(lo_is_up("yours"));
}

static void apply_that_fails_puts_it_back(void **state)
{
	struct world *world = *state;

	must("ip netns add mine");
	want_two(world, "mine");
	want_endpoint(world, "bad", "front", "192.168.10.12", "/no/such/path");

	assert_int_not_equal(apply(world, NULL), 0);
	assert_false(lo_is_up("mine"));
}

/* Its process died while it was made. */
static void half_an_endpoint_puts_it_back(void **state)
{
	struct world *world = *state;

	must("ip netns add mine");
	want_two(world, "mine");
	must_apply(world);
	interrupt(OBJECT_ENDPOINT, "one");
	interrupt(OBJECT_ENDPOINT, "two");

	assert_int_equal(endpoints_left(world), 0);
	assert_false(lo_is_up("mine"));
}

static void endpoint_that_is_made_again_still_knows(void **state)
{
	struct world *world = *state;

	must("ip netns add mine");
	want_two(world, "mine");
	must_apply(world);
	world->model.endpoints[0].ips[0] = ip_of_text("192.168.10.11");
	must_apply(world);
	assert_true(lo_is_up("mine"));

	want_no_more(world, "two");
	want_no_more(world, "one");
	assert_false(lo_is_up("mine"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(the_first_one_may_be_the_last),
		WORLD_TEST(the_second_one_may_be_the_last),
		WORLD_TEST(a_path_leads_to_the_same_namespace),
		WORLD_TEST(what_was_up_stays_up),
		WORLD_TEST(purge_puts_it_back),
		WORLD_TEST(addresses_that_were_there_stay),
		WORLD_TEST(addresses_that_came_meanwhile_stay),
		WORLD_TEST(both_ends_of_a_cable_are_put_back),
		WORLD_TEST(apply_that_fails_puts_it_back),
		WORLD_TEST(half_an_endpoint_puts_it_back),
		WORLD_TEST(endpoint_that_is_made_again_still_knows),
	};

	return world_main("control_loopback", tests,
			  sizeof(tests) / sizeof(*tests));
}
