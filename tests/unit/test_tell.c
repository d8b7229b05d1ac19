/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_tell - the lines that rules with "log" make */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/tell.h"

static struct ipaddr ip(const char *text)
{
	struct ipaddr ret;

	assert_int_equal(ip_parse(text, &ret), 0);
	return ret;
}

static struct event event_of(const char *src, const char *dst, __u8 proto)
{
	return (struct event){
		.key = { .src = ip(src),
			 .dst = ip(dst),
			 .sport = htons(4000),
			 .dport = htons(80),
			 .proto = proto },
		.rule = 3,
		.action = RULE_DENY,
	};
}

static int model_start(void **state)
{
	static struct model model;
	struct endpoint web = { .name = "web", .network = "front", .nips = 2 };
	struct policy_rule rule = { .name = "a-b", .id = 3 };

	model_init(&model);
	web.ips[0] = ip("10.0.0.2");
	web.ips[1] = ip("fd00::2");
	model_add_endpoint(&model, &web);
	model_add_rule(&model, &rule, SIZE_MAX);
	*state = &model;
	return 0;
}

static int model_end(void **state)
{
	model_free(*state);
	return 0;
}

static void names_stand_behind_addresses(void **state)
{
	struct event event = event_of("10.0.0.2", "192.0.2.1", IPPROTO_TCP);
	char text[EVENT_TEXT_MAX];

	assert_string_equal(event_print(&event, *state, text),
			    "rule 'a-b' denies tcp 10.0.0.2:4000 (web) > "
			    "192.0.2.1:80");
}

static void ipv6_has_brackets(void **state)
{
	struct event event = event_of("2001:db8::1", "fd00::2", IPPROTO_UDP);
	char text[EVENT_TEXT_MAX];

	event.action = RULE_ALLOW;
	assert_string_equal(event_print(&event, *state, text),
			    "rule 'a-b' allows udp [2001:db8::1]:4000 > "
			    "[fd00::2]:80 (web)");
}

static void protocols_without_ports_show_none(void **state)
{
	struct event event = event_of("10.0.0.2", "10.0.0.3", IPPROTO_ICMP);
	char text[EVENT_TEXT_MAX];

	event.action = RULE_REJECT;
	assert_string_equal(event_print(&event, *state, text),
			    "rule 'a-b' rejects icmp 10.0.0.2 (web) > "
			    "10.0.0.3");
}

static void without_a_model_there_are_numbers(void **state)
{
	struct event event = event_of("10.0.0.2", "10.0.0.3", IPPROTO_GRE);
	char text[EVENT_TEXT_MAX];

	(void)state;
	assert_string_equal(event_print(&event, NULL, text),
			    "rule '3' denies protocol 47 10.0.0.2 > "
			    "10.0.0.3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_stand_behind_addresses,
						model_start, model_end),
		cmocka_unit_test_setup_teardown(ipv6_has_brackets, model_start,
						model_end),
		cmocka_unit_test_setup_teardown(
			protocols_without_ports_show_none, model_start,
			model_end),
		cmocka_unit_test(without_a_model_there_are_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
