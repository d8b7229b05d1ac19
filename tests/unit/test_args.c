/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_args - keywords, their values, and what is said about wrong ones */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "cli/args.h"
#include "lib/suggest.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define WORDS_MAX 16

/* What the table below writes to. */
struct target {
	char name[64];
	unsigned int mtu;
	bool internal;
	bool log;
	struct ipaddr ips[4];
	size_t nips;
};

static int parse_ip(const char *value, void *target, struct err *err)
{
	struct target *t = target;
	int rc = arg_ip(value, &t->ips[t->nips], err);

	t->nips += !rc;
	return rc;
}

/* Parses a line of words, which blanks separate. */
static int parse(const char *line, struct target *t, struct err *err)
{
	const struct keyword table[] = {
		{ "name", arg_name, t->name, 0 },
		{ "mtu", arg_unsigned, &t->mtu, 0 },
		{ "internal", arg_switch, &t->internal, KEYWORD_SWITCH },
		{ "log", arg_true, &t->log, KEYWORD_BARE },
		{ "ip", parse_ip, t, KEYWORD_REPEAT | KEYWORD_TO },
		{ "later", NULL, NULL, 0 },
	};
	char text[256], *words[WORDS_MAX], *save = NULL;
	struct args args = { words, 0, 0 };

	memset(t, 0, sizeof(*t));
	memset(err, 0, sizeof(*err));
	strncpy(text, line, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (char *word = strtok_r(text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		words[args.count++] = word;
	return keywords_parse(&args, table, COUNT(table), err);
}

static void keywords_come_in_any_order(void **state)
{
	struct target t;
	struct err err;

	(void)state;
	assert_int_equal(parse("mtu 1400 log name web", &t, &err), 0);

	assert_string_equal(t.name, "web");
	assert_int_equal(t.mtu, 1400);
	assert_true(t.log);
	assert_false(t.internal);
}

static void to_may_stand_before_a_value(void **state)
{
	struct target t;
	struct err err;

	(void)state;
	assert_int_equal(parse("ip to 10.0.0.1 ip 10.0.0.2", &t, &err), 0);
	assert_int_equal(t.nips, 2);
	assert_int_equal(parse("ip to", &t, &err), -EINVAL);
	assert_string_equal(err.text, "keyword 'ip' needs a value");
	assert_int_equal(parse("name to", &t, &err), 0);
	assert_string_equal(t.name, "to");
}

static void no_words_change_nothing(void **state)
{
	struct target t, zero = { .mtu = 0 };
	struct err err;

	(void)state;
	assert_int_equal(parse("", &t, &err), 0);

	assert_memory_equal(&t, &zero, sizeof(t));
}

static void switch_alone_is_on(void **state)
{
	struct target t;
	struct err err;

	(void)state;
	assert_int_equal(parse("internal mtu 1", &t, &err), 0);

	assert_true(t.internal);
	assert_int_equal(t.mtu, 1);
}

static void switch_takes_on_or_off(void **state)
{
	struct target t;
	struct err err;

	(void)state;
	assert_int_equal(parse("internal on", &t, &err), 0);
	assert_true(t.internal);
	t.internal = true;
	assert_int_equal(parse("internal off log", &t, &err), 0);

	assert_false(t.internal);
	assert_true(t.log);
}

static void repeated_keyword_collects(void **state)
{
	struct target t;
	struct err err;

	(void)state;
	assert_int_equal(parse("ip 10.0.0.1 ip fd00::1", &t, &err), 0);

	assert_int_equal(t.nips, 2);
	assert_true(ip_is_v4(&t.ips[0]));
	assert_false(ip_is_v4(&t.ips[1]));
}

/* Each line, and the whole text and hint that it gets. */
static void errors_name_the_place(void **state)
{
	static const struct {
		const char *line, *text, *hint;
	} cases[] = {
		{ "mtux 5", "unknown keyword 'mtux'", "did you mean 'mtu'?" },
		{ "zzzzzz 5", "unknown keyword 'zzzzzz'",
		  "known: name, mtu, internal, log, ip" },
		{ "mtu", "keyword 'mtu' needs a value", "" },
		{ "mtu 1 mtu 2", "keyword 'mtu' given twice", "" },
		{ "log log", "keyword 'log' given twice", "" },
		{ "mtu 5x", "mtu: '5x' is not a number", "" },
		{ "mtu -1", "mtu: '-1' is not a number", "" },
		{ "mtu 4294967296", "mtu: '4294967296' is not a number", "" },
		{ "ip 10.1", "ip: '10.1' is not an IP address", "" },
		{ "later 1", "keyword 'later' is not available in this version",
		  "" },
	};
	struct target t;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].line, &t, &err), -EINVAL);
		assert_string_equal(err.text, cases[i].text);
		assert_string_equal(err.hint, cases[i].hint);
		assert_int_equal(err.exit, EXIT_USAGE);
	}
}

static void switch_leaves_other_words_alone(void **state)
{
	struct target t;
	struct err err;

	(void)state;
	assert_int_equal(parse("internal mtuu 1400", &t, &err), -EINVAL);

	assert_string_equal(err.text, "unknown keyword 'mtuu'");
	assert_string_equal(err.hint, "did you mean 'mtu'?");
}

static void switch_takes_no_other_value(void **state)
{
	struct target t;
	struct err err;

	(void)state;
	assert_int_equal(parse("internal perhaps", &t, &err), -EINVAL);
	assert_string_equal(err.text, "unknown keyword 'perhaps'");
	assert_string_equal(err.hint,
			    "'internal' takes 'on', 'off' or nothing");

	assert_int_equal(parse("internal off perhaps", &t, &err), -EINVAL);
	assert_memory_equal(err.hint, "known: ", 7);
}

static void largest_number_is_accepted(void **state)
{
	struct target t;
	struct err err;

	(void)state;
	assert_int_equal(parse("mtu 4294967295", &t, &err), 0);

	assert_int_equal(t.mtu, UINT32_MAX);
}

static void long_names_are_refused_not_cut(void **state)
{
	char line[80] = "name ";
	struct target t;
	struct err err;

	(void)state;
	memset(line + 5, 'a', 63);
	assert_int_equal(parse(line, &t, &err), 0);
	assert_int_equal(strlen(t.name), 63);
	line[5 + 63] = 'a';

	assert_int_equal(parse(line, &t, &err), -EINVAL);
	assert_string_equal(t.name, "");
}

static void positions_are_taken_in_order(void **state)
{
	static char a[] = "a", b[] = "b";
	char *words[] = { a, b };
	struct args args = { words, 2, 0 };
	const char *word = NULL;
	struct err err = { 0 };

	(void)state;
	assert_string_equal(args_peek(&args), "a");
	assert_int_equal(args_take(&args, "NAME", &word, &err), 0);
	assert_string_equal(word, "a");
	assert_int_equal(args_end(&args, &err), -EINVAL);
	assert_string_equal(err.text, "unexpected 'b'");
	assert_string_equal(args_next(&args), "b");
	assert_int_equal(args_end(&args, &err), 0);
	assert_null(args_next(&args));

	assert_int_equal(args_take(&args, "NAME", &word, &err), -EINVAL);
	assert_string_equal(err.text, "missing NAME");
	assert_string_equal(word, "a");
}

static void address_is_a_prefix_of_full_length(void **state)
{
	struct cidr cidr;
	struct err err;

	(void)state;
	assert_int_equal(arg_cidr("10.0.0.0/8", &cidr, &err), 0);
	assert_int_equal(cidr.len, 8);
	assert_int_equal(arg_cidr("10.0.0.1", &cidr, &err), 0);
	assert_int_equal(cidr.len, 32);
	assert_int_equal(arg_cidr("fd00::1", &cidr, &err), 0);
	assert_int_equal(cidr.len, 128);

	assert_int_equal(arg_cidr("10.0.0", &cidr, &err), -EINVAL);
	assert_int_equal(cidr.len, 128);
}

static void suggestion_is_the_closest_word(void **state)
{
	static const char *const words[] = { "network", "netns", "subnet" };
	static const struct {
		const char *word, *close;
	} cases[] = {
		{ "subnt", "subnet" },
		{ "netwrok", "network" },
		{ "ntens", "netns" },
		{ "subnets", "subnet" },
		{ "something", NULL },
		{ "x", NULL },
		{ "", NULL },
		{ "networknetworknetworknetworknetwork", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *close = suggest(cases[i].word, words, COUNT(words),
					    sizeof(*words));

		if (cases[i].close)
			assert_string_equal(close, cases[i].close);
		else
			assert_null(close);
	}
}

static void missing_name_comes_with_the_one_that_was_meant(void **state)
{
	static const struct {
		char name[16];
		int more;
	} items[] = { { "frontend", 1 }, { "backend", 2 }, { "db", 3 } };
	struct err err;

	(void)state;
	assert_int_equal(suggest_missing("network", "backnd", items,
					 COUNT(items), sizeof(*items), &err),
			 -ENOENT);
	assert_string_equal(err.text, "no network 'backnd'");
	assert_string_equal(err.hint, "did you mean 'backend'?");
	assert_int_equal(err.exit, EXIT_NOT_FOUND);

	suggest_missing("network", "dmz", items, COUNT(items), sizeof(*items),
			&err);
	assert_string_equal(err.text, "no network 'dmz'");
	assert_string_equal(err.hint, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keywords_come_in_any_order),
		cmocka_unit_test(to_may_stand_before_a_value),
		cmocka_unit_test(no_words_change_nothing),
		cmocka_unit_test(switch_alone_is_on),
		cmocka_unit_test(switch_takes_on_or_off),
		cmocka_unit_test(repeated_keyword_collects),
		cmocka_unit_test(errors_name_the_place),
		cmocka_unit_test(switch_leaves_other_words_alone),
		cmocka_unit_test(switch_takes_no_other_value),
		cmocka_unit_test(largest_number_is_accepted),
		cmocka_unit_test(long_names_are_refused_not_cut),
		cmocka_unit_test(positions_are_taken_in_order),
		cmocka_unit_test(address_is_a_prefix_of_full_length),
		cmocka_unit_test(suggestion_is_the_closest_word),
		cmocka_unit_test(
			missing_name_comes_with_the_one_that_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
