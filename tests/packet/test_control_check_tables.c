/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control_check_tables - what a check says of tables that are wrong */
#include <net/if.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "checks.h"

#define BY_IT ": packets go by the table"

static struct datapath *tables(struct world *world, struct control **control)
{
	*control = control_of(world, CONTROL_READ);
	return control_datapath(*control);
}

static void take_out(struct world *world, enum map_id map, const void *key)
{
	struct control *control;
	struct datapath *dp = tables(world, &control);

	assert_int_equal(table_del(dp, map, key, NULL), 0);
	control_close(control);
}

static void assert_told(struct world *world, enum map_id map,
			const char *message)
{
	struct report report = check(world);
	const struct finding *finding =
		find(&report, "table", SEVERITY_ERROR, map_name[map]);

	assert_non_null(finding);
	assert_string_equal(finding->message, message);
	report_free(&report);
	fix(world);
	assert_sound(world);
}

static struct publish_key port_key(const char *host, __u16 port, __u8 proto)
{
	return (struct publish_key){
		.host = host ? ip_of_text(host) : ip_from_v4(0),
		.port = htons(port),
		.proto = proto,
	};
}

static void port_is_told_as_it_was_published(void **state)
{
	struct publish_key tcp = port_key(NULL, 8080, IPPROTO_TCP);
	struct publish_key udp = port_key("203.0.113.2", 53, IPPROTO_UDP);

	want_checked(*state);
	take_out(*state, MAP_PUBLISH, &tcp);
	assert_told(*state, MAP_PUBLISH,
		    "port 8080/tcp is missing in the table of published "
		    "ports" BY_IT);
	take_out(*state, MAP_PUBLISH, &udp);
	assert_told(*state, MAP_PUBLISH,
		    "port 203.0.113.2:53/udp is missing in the table of "
		    "published ports" BY_IT);
}

/* Whatever else is wrong, what is missing is told. */
static void several_are_counted(void **state)
{
	struct publish_key missing = port_key(NULL, 8081, IPPROTO_TCP);
	struct publish_key other = port_key(NULL, 8080, IPPROTO_TCP);
	struct publish_key surplus = port_key(NULL, 7000, IPPROTO_TCP);
	struct publish_val value = { .slot = 1 };
	struct control *control;
	struct datapath *dp;

	want_checked(*state);
	dp = tables(*state, &control);
	assert_int_equal(table_del(dp, MAP_PUBLISH, &missing, NULL), 0);
	assert_int_equal(table_set(dp, MAP_PUBLISH, &other, &value, NULL), 0);
	assert_int_equal(table_set(dp, MAP_PUBLISH, &surplus, &value, NULL), 0);
	control_close(control);

	assert_told(*state, MAP_PUBLISH,
		    "port 8081/tcp is missing in the table of published "
		    "ports, 2 more are wrong" BY_IT);
}

static void address_is_told(void **state)
{
	struct ipaddr known = ip_of_text("192.168.10.10");
	struct ipaddr unknown = ip_of_text("192.168.10.99");
	struct endpoint_val value = { .ifindex = 1 };
	struct control *control;

	want_checked(*state);
	assert_int_equal(table_set(tables(*state, &control), MAP_ADDRS, &known,
				   &value, NULL),
			 0);
	control_close(control);
	assert_told(*state, MAP_ADDRS,
		    "address 192.168.10.10 has a wrong entry in the table of "
		    "containers' addresses" BY_IT);

	assert_int_equal(table_set(tables(*state, &control), MAP_ADDRS,
				   &unknown, &value, NULL),
			 0);
	control_close(control);
	assert_told(*state, MAP_ADDRS,
		    "address 192.168.10.99 is one too many in the table of "
		    "containers' addresses" BY_IT);
}

static void device_is_told_by_its_name(void **state)
{
	__u32 ifindex;

	want_checked(*state);
	ifindex = if_nametoindex("bne-web");
	take_out(*state, MAP_ENDPOINTS, &ifindex);
	assert_told(*state, MAP_ENDPOINTS,
		    "device bne-web is missing in the table of containers' "
		    "devices" BY_IT);
}

static __u32 id_of(struct world *world, const char *network)
{
	struct control *control = control_of(world, CONTROL_READ);
	__u32 id = model_find_network(control_model(control), network)->id;

	control_close(control);
	return id;
}

static void network_is_told_by_its_name(void **state)
{
	struct network_val value = { 0 };
	struct control *control;
	__u32 id;

	want_checked(*state);
	id = id_of(*state, "out");
	assert_int_equal(table_set(tables(*state, &control), MAP_NETWORKS, &id,
				   &value, NULL),
			 0);
	control_close(control);
	assert_told(*state, MAP_NETWORKS,
		    "network out has a wrong entry in the table of "
		    "networks" BY_IT);
}

static void prefixes_are_told(void **state)
{
	struct subnet_key subnet = { .prefix_bits = 64,
				     .addr = ip_of_text("fd00:10::") };
	struct no_masq_key no_masq = { .prefix_bits = 32 + 96 + 16,
				       .addr = ip_of_text("10.9.0.0") };
	struct publish_from_key from = { .prefix_bits = 32 + 96 + 24,
					 .publish = 2,
					 .addr = ip_of_text("198.51.100.0") };

	want_checked(*state);
	no_masq.network = id_of(*state, "front");
	take_out(*state, MAP_SUBNETS, &subnet);
	assert_told(*state, MAP_SUBNETS,
		    "subnet fd00:10::/64 is missing in the table of "
		    "subnets" BY_IT);
	take_out(*state, MAP_NO_MASQ, &no_masq);
	assert_told(*state, MAP_NO_MASQ,
		    "10.9.0.0/16 of network front is missing in the table of "
		    "destinations without masquerade" BY_IT);
	take_out(*state, MAP_PUB_FROM, &from);
	assert_told(*state, MAP_PUB_FROM,
		    "198.51.100.0/24 of port 203.0.113.2:53/udp is missing in "
		    "the table of clients of published ports" BY_IT);
}

static void settings_and_policy_have_words_of_their_own(void **state)
{
	struct control *control;
	__u32 zero = 0;

	want_checked(*state);
	datapath_config(tables(*state, &control))->inter = RULE_ALLOW;
	control_close(control);
	assert_told(*state, MAP_CONFIG,
		    "the settings in force are not those that the record has: "
		    "packets go by them");
	take_out(*state, MAP_POLICY, &zero);
	assert_told(*state, MAP_POLICY,
		    "the policy in force is not the one that the record has: "
		    "packets go by it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(port_is_told_as_it_was_published),
		WORLD_TEST(several_are_counted),
		WORLD_TEST(address_is_told),
		WORLD_TEST(device_is_told_by_its_name),
		WORLD_TEST(network_is_told_by_its_name),
		WORLD_TEST(prefixes_are_told),
		WORLD_TEST(settings_and_policy_have_words_of_their_own),
	};

	return world_main("control_check_tables", tests,
			  sizeof(tests) / sizeof(*tests));
}
