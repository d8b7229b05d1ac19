/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_model - the model's containers and text forms */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "model/model.h"

static struct endpoint endpoint_named(const char *name)
{
	struct endpoint e = { .default_route = true };

	snprintf(e.name, sizeof(e.name), "%s", name);
	return e;
}

static struct policy_rule rule_named(const char *name)
{
	struct policy_rule r = { .action = RULE_ALLOW };

	snprintf(r.name, sizeof(r.name), "%s", name);
	return r;
}

static void new_model_has_documented_defaults(void **state)
{
	struct model m;

	(void)state;
	model_init(&m);

	assert_true(m.settings.uplink_auto);
	assert_true(m.settings.intra_allow);
	assert_false(m.settings.inter_allow);
	assert_int_equal(m.settings.tcp_established, 8000);
	assert_int_equal(m.settings.udp_stream, 300);
	assert_int_equal(m.nendpoints, 0);
	model_free(&m);
}

static void added_objects_are_found_after_growth(void **state)
{
	struct model m;
	char name[16];

	(void)state;
	model_init(&m);
	for (int i = 0; i < 100; i++) {
		struct endpoint e;

		snprintf(name, sizeof(name), "e%d", i);
		e = endpoint_named(name);
		assert_non_null(model_add_endpoint(&m, &e));
	}

	assert_int_equal(m.nendpoints, 100);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "e%d", i);
		assert_ptr_equal(model_find_endpoint(&m, name),
				 &m.endpoints[i]);
	}
	assert_null(model_find_endpoint(&m, "e100"));
	model_free(&m);
}

/* Room is derived from the count: it must hold whatever the order. */
static void array_survives_any_order_of_add_and_del(void **state)
{
	struct endpoint e = endpoint_named("x");
	struct model m;

	(void)state;
	model_init(&m);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 33; i++)
			assert_non_null(model_add_endpoint(&m, &e));
		while (m.nendpoints > (size_t)round * 3)
			model_del_endpoint(&m, &m.endpoints[0]);
	}

	assert_int_equal(m.nendpoints, 12);
	for (size_t i = 0; i < m.nendpoints; i++)
		assert_string_equal(m.endpoints[i].name, "x");
	model_free(&m);
}

static void deleting_keeps_the_order_of_the_rest(void **state)
{
	struct endpoint a = endpoint_named("a");
	struct endpoint b = endpoint_named("b");
	struct endpoint c = endpoint_named("c");
	struct model m;

	(void)state;
	model_init(&m);
	model_add_endpoint(&m, &a);
	model_add_endpoint(&m, &b);
	model_add_endpoint(&m, &c);

	model_del_endpoint(&m, model_find_endpoint(&m, "b"));

	assert_int_equal(m.nendpoints, 2);
	assert_string_equal(m.endpoints[0].name, "a");
	assert_string_equal(m.endpoints[1].name, "c");
	model_free(&m);
}

static void rule_is_inserted_before_an_index(void **state)
{
	struct policy_rule a = rule_named("a");
	struct policy_rule b = rule_named("b");
	struct policy_rule c = rule_named("c");
	struct model m;

	(void)state;
	model_init(&m);
	model_add_rule(&m, &a, SIZE_MAX);
	model_add_rule(&m, &c, SIZE_MAX);

	assert_ptr_equal(model_add_rule(&m, &b, 1), &m.rules[1]);

	assert_string_equal(m.rules[0].name, "a");
	assert_string_equal(m.rules[1].name, "b");
	assert_string_equal(m.rules[2].name, "c");
	model_free(&m);
}

static void copy_does_not_share_memory(void **state)
{
	struct endpoint a = endpoint_named("a");
	struct endpoint b = endpoint_named("b");
	struct model m, copy;

	(void)state;
	model_init(&m);
	model_add_endpoint(&m, &a);

	assert_int_equal(model_copy(&m, &copy), 0);
	model_del_endpoint(&m, &m.endpoints[0]);

	assert_int_equal(copy.nendpoints, 1);
	assert_string_equal(copy.endpoints[0].name, "a");
	assert_true(settings_equal(&m.settings, &copy.settings));
	for (int i = 0; i < 20; i++)
		assert_non_null(model_add_endpoint(&copy, &b));
	model_free(&m);
	model_free(&copy);
}

static void equal_ignores_origin_but_no_other_field(void **state)
{
	struct endpoint a = endpoint_named("a");
	struct endpoint b = a;

	(void)state;
	b.origin = ORIGIN_CNI;
	assert_true(endpoint_equal(&a, &b));

	b.slot = 7;
	assert_false(endpoint_equal(&a, &b));
	b = a;
	b.mac[5] = 1;
	assert_false(endpoint_equal(&a, &b));
	b = a;
	b.default_route = false;
	assert_false(endpoint_equal(&a, &b));
	b = a;
	b.ips[0] = ip_from_v4(htonl(0x0a000001));
	assert_true(endpoint_equal(&a, &b));
	b.nips = 1;
	assert_false(endpoint_equal(&a, &b));
}

/* What stands behind the end of a name is no part of it. */
static void equal_ignores_bytes_behind_a_name(void **state)
{
	struct endpoint a = endpoint_named("a");
	struct endpoint b = a;

	(void)state;
	b.name[10] = 'x';
	assert_true(endpoint_equal(&a, &b));
}

static struct publish listen_on(const char *text)
{
	struct publish p;
	struct err err;

	if (publish_parse_listen(text, &p, &err))
		fail_msg("%s", err.text);
	return p;
}

static void listen_forms_print_as_they_were_typed(void **state)
{
	static const char *const forms[] = {
		"8080/tcp",
		"53/udp",
		"1-65535/tcp",
		"192.0.2.1:8080-8090/udp",
		"[2001:db8::1]:53/udp",
		"[::1]:53-54/tcp",
	};
	char buf[96];

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct publish p = listen_on(forms[i]);

		assert_string_equal(publish_print(&p, buf, sizeof(buf)),
				    forms[i]);
		assert_int_equal(p.target_port, p.port);
	}
}

static void listen_defaults_to_tcp_on_any_address(void **state)
{
	struct publish p = listen_on("80");

	(void)state;
	assert_int_equal(p.proto, IPPROTO_TCP);
	assert_true(p.any_host);
	assert_int_equal(p.port, 80);
	assert_int_equal(p.port_last, 80);
}

static void unspecified_address_means_any_host(void **state)
{
	(void)state;
	assert_true(listen_on("0.0.0.0:80").any_host);
	assert_true(listen_on("[::]:80").any_host);
	assert_false(listen_on("127.0.0.1:80").any_host);
}

static void malformed_listen_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"0",
		"65536",
		"080",
		"+80",
		" 80",
		"80 ",
		"80-",
		"-80",
		"90-80",
		"80/sctp",
		"80/",
		"80/tcp/udp",
		":80",
		"80:80",
		"web:80",
		"2001:db8::1:80",
		"[10.0.0.1]:80",
		"[::1:80",
		"[]:80",
		"10.0.0.1:",
		"99999999999999999999",
		"80-81-82",
	};
	struct publish p = { .port = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err err;

		if (publish_parse_listen(bad[i], &p, &err) == 0)
			fail_msg("'%s' was accepted", bad[i]);
		assert_int_equal(err.exit, EXIT_USAGE);
		assert_int_equal(p.port, 7);
	}
}

static void any_address_collides_with_every_address(void **state)
{
	struct publish any = listen_on("80-90");
	struct publish one = listen_on("192.0.2.1:90");
	struct publish other = listen_on("192.0.2.2:90");
	struct publish udp = listen_on("90/udp");
	struct publish next = listen_on("91");

	(void)state;
	assert_true(publish_collides(&any, &one));
	assert_true(publish_collides(&one, &any));
	assert_false(publish_collides(&one, &other));
	assert_false(publish_collides(&any, &udp));
	assert_false(publish_collides(&any, &next));
}

static void selectors_print_as_they_were_typed(void **state)
{
	static const struct {
		const char *text;
		enum select kind;
	} forms[] = {
		{ "any", SEL_ANY },	     { "host", SEL_HOST },
		{ "world", SEL_WORLD },	     { "net:back", SEL_NETWORK },
		{ "web-1.b", SEL_ENDPOINT }, { "10.0.0.0/8", SEL_CIDR },
		{ "10.0.0.1", SEL_CIDR },    { "fd00::/8", SEL_CIDR },
		{ "fd00::1", SEL_CIDR },
	};
	struct policy_peer peer;
	struct err err;
	char buf[96];

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		assert_int_equal(policy_peer_parse(forms[i].text, &peer, &err),
				 0);
		assert_int_equal(peer.kind, forms[i].kind);
		assert_string_equal(policy_peer_print(&peer, buf, sizeof(buf)),
				    forms[i].text);
	}
}

static void malformed_selector_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "net:", "net:-a", "a b", "10.0.0.0/33", "10.0.0.1/8", "-x",
	};
	struct policy_peer peer;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (policy_peer_parse(bad[i], &peer, &err) == 0)
			fail_msg("'%s' was accepted", bad[i]);
}

static void host_bits_are_answered_with_the_prefix(void **state)
{
	struct policy_peer peer;
	struct err err;

	(void)state;
	assert_int_equal(policy_peer_parse("10.1.2.3/8", &peer, &err), -EINVAL);

	assert_string_equal(err.text, "prefix '10.1.2.3/8' has host bits");
	assert_string_equal(err.hint, "did you mean 10.0.0.0/8?");
}

static void names_have_limits(void **state)
{
	char longest[NAME_LEN_MAX + 2];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[NAME_LEN_MAX + 1] = '\0';
	assert_false(name_is_valid(longest));
	longest[NAME_LEN_MAX] = '\0';
	assert_true(name_is_valid(longest));

	assert_true(name_is_valid("9a_.-"));
	assert_false(name_is_valid(""));
	assert_false(name_is_valid(".a"));
	assert_false(name_is_valid("-a"));
	assert_false(name_is_valid("a/b"));
	assert_false(name_is_valid("a\xc3\xa4"));
}

static void ifnames_have_limits(void **state)
{
	(void)state;
	assert_true(ifname_is_valid("eth0"));
	assert_true(ifname_is_valid("abcdefghijklmno"));
	assert_false(ifname_is_valid("abcdefghijklmnop"));
	assert_false(ifname_is_valid(""));
	assert_false(ifname_is_valid("."));
	assert_false(ifname_is_valid(".."));
	assert_false(ifname_is_valid("a/b"));
	assert_false(ifname_is_valid("a:b"));
	assert_false(ifname_is_valid("a b"));
	assert_false(ifname_is_valid("up%0"));
	assert_false(ifname_is_valid("eth%d"));
	assert_false(ifname_is_valid("all"));
	assert_false(ifname_is_valid("default"));
	assert_true(ifname_is_valid("all0"));
}

static void protocols_have_names(void **state)
{
	__u8 proto = 99;

	(void)state;
	assert_int_equal(proto_parse("icmpv6", &proto), 0);
	assert_int_equal(proto, IPPROTO_ICMPV6);
	assert_string_equal(proto_print(proto), "icmpv6");
	assert_int_equal(proto_parse("any", &proto), 0);
	assert_int_equal(proto, 0);
	assert_int_equal(proto_parse("TCP", &proto), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_model_has_documented_defaults),
		cmocka_unit_test(added_objects_are_found_after_growth),
		cmocka_unit_test(array_survives_any_order_of_add_and_del),
		cmocka_unit_test(deleting_keeps_the_order_of_the_rest),
		cmocka_unit_test(rule_is_inserted_before_an_index),
		cmocka_unit_test(copy_does_not_share_memory),
		cmocka_unit_test(equal_ignores_origin_but_no_other_field),
		cmocka_unit_test(equal_ignores_bytes_behind_a_name),
		cmocka_unit_test(listen_forms_print_as_they_were_typed),
		cmocka_unit_test(listen_defaults_to_tcp_on_any_address),
		cmocka_unit_test(unspecified_address_means_any_host),
		cmocka_unit_test(malformed_listen_is_refused),
		cmocka_unit_test(any_address_collides_with_every_address),
		cmocka_unit_test(selectors_print_as_they_were_typed),
		cmocka_unit_test(malformed_selector_is_refused),
		cmocka_unit_test(host_bits_are_answered_with_the_prefix),
		cmocka_unit_test(names_have_limits),
		cmocka_unit_test(ifnames_have_limits),
		cmocka_unit_test(protocols_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
