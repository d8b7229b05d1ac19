/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_watch - which notifications change cached ways out, and which tables */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "agent/watch_internal.h"

#define DEVICE 3

static const __u8 mac_a[6] = { 2, 0, 0, 0, 0, 0xa };
static const __u8 mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

static int setup(void **state)
{
	*state = watch_make();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	watch_close(*state);
	return 0;
}

/* ------------------------------------------------------------- messages */

/* host is the last byte of 198.51.100.x. mac may be NULL. */
static void neighbour(struct watch *watch, __u16 type, __u16 state,
		      unsigned int host, const __u8 *mac)
{
	char buf[256] = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;

	nlh->nlmsg_type = type;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = AF_INET;
	ndm->ndm_ifindex = DEVICE;
	ndm->ndm_state = state;
	mnl_attr_put_u32(nlh, NDA_DST, htonl(0xc6336400 | host));
	if (mac)
		mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	assert_int_equal(watch_feed(watch, buf, nlh->nlmsg_len), 0);
}

static void is_at(struct watch *watch, unsigned int host, const __u8 *mac)
{
	neighbour(watch, RTM_NEWNEIGH, NUD_REACHABLE, host, mac);
}

static void route(struct watch *watch, __u16 type, unsigned int prefix)
{
	char buf[256] = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm;

	nlh->nlmsg_type = type;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = prefix;
	assert_int_equal(watch_feed(watch, buf, nlh->nlmsg_len), 0);
}

static void message(struct watch *watch, __u16 type)
{
	char buf[256] = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	assert_int_equal(watch_feed(watch, buf, nlh->nlmsg_len), 0);
}

/* Which kinds happened since the last call. */
static void assert_seen(struct watch *watch, bool routes, bool host)
{
	assert_int_equal(watch_take_routes(watch), routes);
	assert_int_equal(watch_take_host(watch), host);
}

/* ------------------------------------------------------------ neighbours */

static void first_resolution_changes_nothing(void **state)
{
	neighbour(*state, RTM_NEWNEIGH, NUD_INCOMPLETE, 1, NULL);
	is_at(*state, 1, mac_a);

	assert_seen(*state, false, false);
}

static void states_that_move_change_nothing(void **state)
{
	is_at(*state, 1, mac_a);

	neighbour(*state, RTM_NEWNEIGH, NUD_STALE, 1, mac_a);
	neighbour(*state, RTM_NEWNEIGH, NUD_DELAY, 1, mac_a);
	neighbour(*state, RTM_NEWNEIGH, NUD_PROBE, 1, mac_a);
	is_at(*state, 1, mac_a);

	assert_seen(*state, false, false);
}

static void another_mac_changes_routes(void **state)
{
	is_at(*state, 1, mac_a);

	is_at(*state, 1, mac_b);

	assert_seen(*state, true, false);
	assert_seen(*state, false, false);
}

static void the_same_mac_of_another_neighbour_changes_nothing(void **state)
{
	is_at(*state, 1, mac_a);

	is_at(*state, 2, mac_b);
	is_at(*state, 3, mac_a);

	assert_seen(*state, false, false);
}

static void neighbour_that_fails_changes_routes(void **state)
{
	is_at(*state, 1, mac_a);

	neighbour(*state, RTM_NEWNEIGH, NUD_FAILED, 1, NULL);

	assert_seen(*state, true, false);
}

static void neighbour_that_is_deleted_changes_routes(void **state)
{
	is_at(*state, 1, mac_a);

	neighbour(*state, RTM_DELNEIGH, NUD_STALE, 1, mac_a);

	assert_seen(*state, true, false);
}

static void unknown_neighbour_that_fails_changes_nothing(void **state)
{
	neighbour(*state, RTM_NEWNEIGH, NUD_FAILED, 1, NULL);
	neighbour(*state, RTM_DELNEIGH, NUD_FAILED, 1, NULL);

	assert_seen(*state, false, false);
}

/* Forgetting one moves another into its place in the table. */
static void others_are_remembered_when_one_goes(void **state)
{
	is_at(*state, 1, mac_a);
	is_at(*state, 2, mac_a);
	is_at(*state, 3, mac_a);
	neighbour(*state, RTM_DELNEIGH, NUD_STALE, 1, mac_a);
	assert_seen(*state, true, false);

	is_at(*state, 2, mac_a);
	is_at(*state, 3, mac_a);
	assert_seen(*state, false, false);

	is_at(*state, 3, mac_b);
	assert_seen(*state, true, false);
}

/* Nobody knows what MAC it had. */
static void change_of_one_too_many_counts(void **state)
{
	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int host = 0; host < 256; host++) {
			char buf[256] = { 0 };
			struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
			struct ndmsg *ndm;

			nlh->nlmsg_type = RTM_NEWNEIGH;
			ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
			ndm->ndm_family = AF_INET;
			ndm->ndm_ifindex = DEVICE + 1 + (int)i;
			mnl_attr_put_u32(nlh, NDA_DST, htonl(host));
			assert_int_equal(
				watch_feed(*state, buf, nlh->nlmsg_len), 0);
		}
	assert_seen(*state, false, false);

	is_at(*state, 1, mac_a);

	assert_seen(*state, true, false);
}

static void stale_neighbour_is_told_once(void **state)
{
	struct ipaddr ip, want = ip_from_v4(htonl(0xc6336401));
	int ifindex = 0;

	is_at(*state, 2, mac_b);
	neighbour(*state, RTM_NEWNEIGH, NUD_STALE, 1, mac_a);

	assert_true(watch_take_stale(*state, &ifindex, &ip));
	assert_int_equal(ifindex, DEVICE);
	assert_true(ip_equal(&ip, &want));
	assert_false(watch_take_stale(*state, &ifindex, &ip));
}

static void neighbour_that_is_reachable_again_is_not_stale(void **state)
{
	struct ipaddr ip;
	int ifindex;

	neighbour(*state, RTM_NEWNEIGH, NUD_STALE, 1, mac_a);
	is_at(*state, 1, mac_a);

	assert_false(watch_take_stale(*state, &ifindex, &ip));
}

/* ------------------------------------------------------- routes and host */

static void rule_changes_routes(void **state)
{
	route(*state, RTM_NEWRULE, 24);
	assert_seen(*state, true, false);

	route(*state, RTM_DELRULE, 0);
	assert_seen(*state, true, false);
}

static void route_to_a_subnet_changes_routes_only(void **state)
{
	route(*state, RTM_NEWROUTE, 24);
	assert_seen(*state, true, false);

	route(*state, RTM_DELROUTE, 24);
	assert_seen(*state, true, false);
}

static void default_route_changes_the_host_too(void **state)
{
	route(*state, RTM_NEWROUTE, 0);
	assert_seen(*state, true, true);

	route(*state, RTM_DELROUTE, 0);
	assert_seen(*state, true, true);
}

static void devices_and_addresses_change_both(void **state)
{
	static const __u16 types[] = { RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR,
				       RTM_DELADDR };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		message(*state, types[i]);
		assert_seen(*state, true, true);
	}
}

static void what_could_not_be_done_comes_again(void **state)
{
	watch_again(*state);

	assert_seen(*state, false, true);
}

static void several_messages_at_once_are_all_read(void **state)
{
	char buf[512] = { 0 };
	struct nlmsghdr *first = mnl_nlmsg_put_header(buf), *second;
	struct rtmsg *rtm;

	first->nlmsg_type = RTM_NEWROUTE;
	rtm = mnl_nlmsg_put_extra_header(first, sizeof(*rtm));
	rtm->rtm_dst_len = 24;
	second = mnl_nlmsg_put_header(buf + first->nlmsg_len);
	second->nlmsg_type = RTM_NEWLINK;
	mnl_nlmsg_put_extra_header(second, sizeof(struct ifinfomsg));

	assert_int_equal(
		watch_feed(*state, buf, first->nlmsg_len + second->nlmsg_len),
		0);

	assert_seen(*state, true, true);
}

static void short_messages_are_no_harm(void **state)
{
	static const __u16 types[] = { RTM_NEWNEIGH, RTM_DELNEIGH,
				       RTM_NEWROUTE };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		char buf[64] = { 0 };
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

		nlh->nlmsg_type = types[i];
		assert_int_equal(watch_feed(*state, buf, nlh->nlmsg_len), 0);
	}

	assert_seen(*state, true, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_resolution_changes_nothing),
		TEST(states_that_move_change_nothing),
		TEST(another_mac_changes_routes),
		TEST(the_same_mac_of_another_neighbour_changes_nothing),
		TEST(neighbour_that_fails_changes_routes),
		TEST(neighbour_that_is_deleted_changes_routes),
		TEST(unknown_neighbour_that_fails_changes_nothing),
		TEST(others_are_remembered_when_one_goes),
		TEST(change_of_one_too_many_counts),
		TEST(stale_neighbour_is_told_once),
		TEST(neighbour_that_is_reachable_again_is_not_stale),
		TEST(rule_changes_routes),
		TEST(route_to_a_subnet_changes_routes_only),
		TEST(default_route_changes_the_host_too),
		TEST(devices_and_addresses_change_both),
		TEST(what_could_not_be_done_comes_again),
		TEST(several_messages_at_once_are_all_read),
		TEST(short_messages_are_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
