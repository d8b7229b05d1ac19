/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_flow_filter - which flows the words of a command mean */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/flow_filter.h"

#define WORDS_MAX 16
#define SLOT_WEB 7

static struct ipaddr ip(const char *text)
{
	struct ipaddr ret;

	assert_int_equal(ip_parse(text, &ret), 0);
	return ret;
}

/* 203.0.113.9:4000 asked 198.51.100.2:8080, which is 10.0.0.2:80 of 'web'; TCP
 * that stands. */
static struct flow_pair published(void)
{
	return (struct flow_pair){
		.forward_key = {
			.src = ip("203.0.113.9"),
			.dst = ip("198.51.100.2"),
			.sport = htons(4000),
			.dport = htons(8080),
			.proto = IPPROTO_TCP,
		},
		.forward = {
			.out_slot = SLOT_WEB,
			.seen = FLOW_SEEN | FLOW_SEEN_SYN | FLOW_SEEN_ACK,
			.to_src = ip("203.0.113.9"),
			.to_dst = ip("10.0.0.2"),
			.to_sport = htons(4000),
			.to_dport = htons(80),
		},
		.reply = { .seen = FLOW_SEEN | FLOW_SEEN_SYN },
		.reply_found = true,
	};
}

static int parse(const char *line, struct flow_filter *ret, const char **ret_by,
		 struct err *err)
{
	static char text[256];
	char *words[WORDS_MAX], *save = NULL;
	struct args args = { words, 0, 0 };

	memset(ret, 0, sizeof(*ret));
	memset(err, 0, sizeof(*err));
	snprintf(text, sizeof(text), "%s", line);
	for (char *word = strtok_r(text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		words[args.count++] = word;
	return flow_filter_parse(&args, ret, ret_by, err);
}

static struct flow_filter filter_of(const char *line)
{
	struct flow_filter filter;
	struct err err;

	if (parse(line, &filter, NULL, &err))
		fail_msg("%s: %s", line, err.text);
	return filter;
}

static bool means(const char *line)
{
	struct flow_filter filter = filter_of(line);
	struct flow_pair pair = published();

	return flow_filter_matches(&filter, &pair);
}

static void assert_wrong(const char *line, const char *text)
{
	struct flow_filter filter;
	struct err err;

	assert_int_equal(parse(line, &filter, NULL, &err), -EINVAL);
	assert_int_equal(err.exit, EXIT_USAGE);
	assert_string_equal(err.text, text);
}

static void no_word_means_every_flow(void **state)
{
	struct flow_filter filter = filter_of("");

	(void)state;
	assert_true(means(""));
	assert_true(flow_filter_is_empty(&filter));
}

static void each_word_is_a_filter(void **state)
{
	static const char *const lines[] = {
		"endpoint web", "proto tcp", "src 1.2.3.4",
		"dst 1.2.3.4",	"port 80",   "state reset",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct flow_filter filter = filter_of(lines[i]);

		assert_false(flow_filter_is_empty(&filter));
	}
}

static void source_is_the_client(void **state)
{
	(void)state;
	assert_true(means("src 203.0.113.9"));
	assert_true(means("src 203.0.113.0/24"));
	assert_true(means("src 0.0.0.0/0"));
	assert_false(means("src 203.0.113.8"));
	assert_false(means("src 10.0.0.2"));
}

static void destination_is_the_service_or_the_backend(void **state)
{
	(void)state;
	assert_true(means("dst 198.51.100.2"));
	assert_true(means("dst 10.0.0.0/8"));
	assert_false(means("dst 203.0.113.9"));
}

static void port_is_the_published_or_the_real_one(void **state)
{
	(void)state;
	assert_true(means("port 8080"));
	assert_true(means("port 80"));
	assert_false(means("port 4000"));
}

static void state_is_that_of_the_list(void **state)
{
	(void)state;
	assert_true(means("state established"));
	assert_false(means("state closing"));
	assert_false(means("state syn-recv"));
}

static void every_state_that_a_flow_can_have_is_known(void **state)
{
	struct flow_pair pair = published();
	struct flow_filter filter;

	(void)state;
	pair.forward.seen = FLOW_SEEN | FLOW_SEEN_SYN;
	assert_string_equal(flow_state(&pair), "syn-recv");
	filter = filter_of("state syn-recv");
	assert_true(flow_filter_matches(&filter, &pair));
}

static void endpoint_is_either_end(void **state)
{
	struct endpoint web = { .name = "web", .slot = SLOT_WEB };
	const struct model model = { .endpoints = &web, .nendpoints = 1 };
	struct flow_filter filter = filter_of("endpoint web");
	struct flow_pair pair = published();
	struct err err;

	(void)state;
	assert_int_equal(flow_filter_resolve(&filter, &model, &err), 0);
	assert_true(flow_filter_matches(&filter, &pair));
	pair.forward.in_slot = SLOT_WEB;
	pair.forward.out_slot = 0;
	assert_true(flow_filter_matches(&filter, &pair));
	pair.forward.in_slot = SLOT_WEB + 1;
	assert_false(flow_filter_matches(&filter, &pair));

	filter = filter_of("endpoint api");
	assert_int_equal(flow_filter_resolve(&filter, &model, &err), -ENOENT);
	assert_int_equal(err.exit, EXIT_NOT_FOUND);
}

static void all_words_must_agree(void **state)
{
	(void)state;
	assert_true(means("proto tcp port 80 src 203.0.113.9"));
	assert_false(means("proto udp port 80 src 203.0.113.9"));
	assert_false(means("proto tcp port 81 src 203.0.113.9"));
}

static void by_is_for_those_who_count(void **state)
{
	const char *by = NULL;
	struct flow_filter filter;
	struct err err;

	(void)state;
	assert_int_equal(parse("by state port 80", &filter, &by, &err), 0);
	assert_string_equal(by, "state");
	assert_int_equal(parse("by state", &filter, NULL, &err), -EINVAL);
}

static void wrong_values_are_told(void **state)
{
	(void)state;
	assert_wrong("port 80-90", "port: '80-90' is not a port");
	assert_wrong("proto tpc", "proto: 'tpc' is not a protocol");
	assert_wrong("state open", "state: unknown value 'open'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_word_means_every_flow),
		cmocka_unit_test(each_word_is_a_filter),
		cmocka_unit_test(source_is_the_client),
		cmocka_unit_test(destination_is_the_service_or_the_backend),
		cmocka_unit_test(port_is_the_published_or_the_real_one),
		cmocka_unit_test(state_is_that_of_the_list),
		cmocka_unit_test(every_state_that_a_flow_can_have_is_known),
		cmocka_unit_test(endpoint_is_either_end),
		cmocka_unit_test(all_words_must_agree),
		cmocka_unit_test(by_is_for_those_who_count),
		cmocka_unit_test(wrong_values_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
