/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_fields - recorded objects come back as they were, damaged ones do not */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/fields.h"
#include "random_record.h"

#define ROUNDS 200

/* ----------------------------------------------------------- round trips */

static bool is_equal(enum object_kind kind, const union object *a,
		     const union object *b)
{
	switch (kind) {
	case OBJECT_SETTINGS:
		return settings_equal(&a->settings, &b->settings);
	case OBJECT_NETNS:
		return netns_equal(&a->netns, &b->netns);
	case OBJECT_NETWORK:
		return network_equal(&a->network, &b->network);
	case OBJECT_ENDPOINT:
		return endpoint_equal(&a->endpoint, &b->endpoint);
	case OBJECT_UPLINK:
		return uplink_equal(&a->uplink, &b->uplink);
	case OBJECT_PUBLISH:
		return publish_equal(&a->publish, &b->publish);
	case OBJECT_RULE:
		return rule_equal(&a->rule, &b->rule);
	}
	return false;
}

/* As the record has it, without the blank in front. */
static char *words_of(enum object_kind kind, const union object *object)
{
	struct line line = { .len = 0 };
	char *words;

	fields_print(kind, object, &line);
	assert_int_equal(line.text[0], ' ');
	assert_null(strchr(line.text, '\n'));
	words = strdup(line.text + 1);
	assert_non_null(words);
	return words;
}

static int parse(enum object_kind kind, const char *words, union object *object,
		 struct err *err)
{
	struct layout layout;
	char copy[LINE_MAX_BYTES + 8192];

	fields_own_layout(kind, &layout);
	snprintf(copy, sizeof(copy), "%s", words);
	return fields_parse(kind, &layout, copy, object, err);
}

static void every_kind_comes_back_as_it_was(void **state)
{
	struct dice dice = { 1 };
	union object before, after;
	struct err err;

	(void)state;
	for (size_t round = 0; round < ROUNDS * KINDS; round++) {
		enum object_kind kind = round % KINDS;
		char *words;

		fill_object(&dice, kind, &before);
		words = words_of(kind, &before);
		if (parse(kind, words, &after, &err))
			fail_msg("%s: %s", kinds[kind].name, err.text);
		free(words);

		if (!is_equal(kind, &before, &after))
			fail_msg("%s differs", kinds[kind].name);
	}
}

/* Whoever adds a member to a structure and not to its table sees this fail:
 * the member holds UNKNOWN before and zero after. */
static void every_byte_of_every_member_is_recorded(void **state)
{
	struct dice dice = { 2 };
	union object before, after;
	struct err err;

	(void)state;
	for (size_t round = 0; round < ROUNDS * KINDS; round++) {
		enum object_kind kind = round % KINDS;
		char *words;

		fill_object(&dice, kind, &before);
		words = words_of(kind, &before);
		assert_int_equal(parse(kind, words, &after, &err), 0);
		free(words);

		assert_memory_equal(&before, &after, kinds[kind].size);
	}
}

static void nothing_is_left_of_what_the_object_held(void **state)
{
	struct dice dice = { 3 };
	union object before, after;
	char *words;

	(void)state;
	fill_object(&dice, OBJECT_NETNS, &before);
	before.netns.ndns = 0;
	memset(before.netns.dns, 0, sizeof(before.netns.dns));
	words = words_of(OBJECT_NETNS, &before);
	memset(&after, UNKNOWN, sizeof(after));

	assert_int_equal(parse(OBJECT_NETNS, words, &after, NULL), 0);
	free(words);

	assert_memory_equal(&after.netns.dns, &before.netns.dns,
			    sizeof(before.netns.dns));
}

static void any_bytes_of_a_path_come_back(void **state)
{
	static const char *const paths[] = {
		"/run/my space", "/a\tb\nc",	     "-", "--", "/100%",
		"/%20",		 "\xc3\xa9\xff\x7f",
	};
	struct dice dice = { 7 };
	union object before, after;

	(void)state;
	fill_object(&dice, OBJECT_ENDPOINT, &before);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char *words;

		snprintf(before.endpoint.netns, sizeof(before.endpoint.netns),
			 "%s", paths[i]);
		words = words_of(OBJECT_ENDPOINT, &before);
		assert_int_equal(parse(OBJECT_ENDPOINT, words, &after, NULL),
				 0);
		free(words);

		assert_string_equal(after.endpoint.netns, paths[i]);
	}
}

/* --------------------------------------------------------------- damage */

/* The words with another one at an index. */
static char *replace(const char *words, size_t index, const char *word)
{
	char *copy = strdup(words), *rest = copy, *one, *result = NULL;
	size_t len, i = 0;
	FILE *out = open_memstream(&result, &len);

	assert_non_null(out);
	for (; (one = strsep(&rest, " ")); i++)
		fprintf(out, "%s%s", i ? " " : "", i == index ? word : one);
	fclose(out);
	free(copy);
	return result;
}

/* Refuses, and says which field it is. */
static void assert_refused(enum object_kind kind, const char *words,
			   const char *field)
{
	union object object;
	struct err err = { 0 };
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "'%s'", field);
	if (parse(kind, words, &object, &err) != -EINVAL)
		fail_msg("%s: wrong %s is taken: %s", kinds[kind].name, field,
			 words);
	if (!strstr(err.text, quoted))
		fail_msg("%s: wrong %s: '%s'", kinds[kind].name, field,
			 err.text);
}

static void assert_word_refused(enum object_kind kind, const char *words,
				size_t index, const char *field,
				const char *word)
{
	char *wrong = replace(words, index, word);

	assert_refused(kind, wrong, field);
	free(wrong);
}

/* Calls check for each field of each kind. */
static void each_field(void (*check)(enum object_kind kind, const char *words,
				     size_t index, const char *field))
{
	struct dice dice = { 4 };
	union object object;

	for (size_t kind = 0; kind < KINDS; kind++) {
		struct line names = { .len = 0 };
		char *rest = names.text + 1, *field, *words;

		fields_print_names(kind, &names);
		fill_object(&dice, kind, &object);
		words = words_of(kind, &object);
		for (size_t i = 0; (field = strsep(&rest, " ")); i++)
			check(kind, words, i, field);
		free(words);
	}
}

/* Numbers, addresses, lists: all but text, which may be anything. */
static bool is_text(const char *field)
{
	static const char *const texts[] = { "name",	"network",     "netns",
					     "ifname",	"host_ifname", "bridge",
					     "endpoint" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!strcmp(field, texts[i]))
			return true;
	return false;
}

/* A selector is a name, too. */
static bool is_peer(enum object_kind kind, const char *field)
{
	return kind == OBJECT_RULE &&
	       (!strcmp(field, "from") || !strcmp(field, "to"));
}

/* Of a namespace: any number is one. */
static bool is_cookie(const char *field)
{
	return strstr(field, "cookie") || strstr(field, "mount");
}

/* Only what stands before it. */
static void check_missing(enum object_kind kind, const char *words,
			  size_t index, const char *field)
{
	char *copy = strdup(words), *end = copy;

	for (size_t i = 0; i < index; i++)
		end = strchr(end, ' ') + 1;
	end[index ? -1 : 0] = '\0';
	/* No text at all is the empty name. */
	if (index || !is_text(field))
		assert_refused(kind, copy, field);
	free(copy);
}

static void cookie_may_be_as_long_as_the_kernels(void **state)
{
	struct dice dice = { 7 };
	union object object;
	char *words;

	(void)state;
	fill_object(&dice, OBJECT_NETNS, &object);
	object.netns.cookie = UINT64_MAX;
	words = words_of(OBJECT_NETNS, &object);

	assert_int_equal(parse(OBJECT_NETNS, words, &object, NULL), 0);
	free(words);

	assert_true(object.netns.cookie == UINT64_MAX);
}

static void missing_field_is_refused_by_its_name(void **state)
{
	(void)state;
	each_field(check_missing);
}

static void one_field_too_many_is_refused(void **state)
{
	struct dice dice = { 8 };
	union object object;
	char *words, *more;

	(void)state;
	for (size_t kind = 0; kind < KINDS; kind++) {
		fill_object(&dice, kind, &object);
		words = words_of(kind, &object);
		assert_true(asprintf(&more, "%s 1", words) > 0);

		assert_int_equal(parse(kind, more, &object, NULL), -EINVAL);
		free(words);
		free(more);
	}
}

static void check_type(enum object_kind kind, const char *words, size_t index,
		       const char *field)
{
	assert_word_refused(kind, words, index, field, "%2");
	assert_word_refused(kind, words, index, field, "%00");
	if (is_text(field) || is_peer(kind, field))
		return;
	assert_word_refused(kind, words, index, field, "");
	assert_word_refused(kind, words, index, field, "0.5");
	assert_word_refused(kind, words, index, field, "-1");
	assert_word_refused(kind, words, index, field, "1,");
	if (!is_cookie(field))
		assert_word_refused(kind, words, index, field, "4294967296");
	assert_word_refused(kind, words, index, field, "99999999999999999999");
}

static void wrong_word_is_refused_by_the_fields_name(void **state)
{
	(void)state;
	each_field(check_type);
}

static size_t index_of(enum object_kind kind, const char *field)
{
	struct line names = { .len = 0 };
	char *rest = names.text + 1, *name;
	size_t i = 0;

	fields_print_names(kind, &names);
	for (; (name = strsep(&rest, " ")); i++)
		if (!strcmp(name, field))
			return i;
	fail_msg("no field '%s'", field);
	return 0;
}

/* These index arrays and choose cases. */
static void number_beyond_its_table_is_refused(void **state)
{
	static const struct {
		enum object_kind kind;
		const char *field;
		int max;
	} cases[] = {
		{ OBJECT_NETNS, "origin", ORIGIN_CNI },
		{ OBJECT_NETWORK, "origin", ORIGIN_CNI },
		{ OBJECT_NETWORK, "type", NETWORK_P2P },
		{ OBJECT_NETWORK, "id", NETWORKS_MAX - 1 },
		{ OBJECT_ENDPOINT, "origin", ORIGIN_CNI },
		{ OBJECT_ENDPOINT, "slot", ENDPOINTS_MAX - 1 },
		{ OBJECT_UPLINK, "origin", ORIGIN_CNI },
		{ OBJECT_PUBLISH, "origin", ORIGIN_CNI },
		{ OBJECT_PUBLISH, "id", PUBLISH_MAX - 1 },
		{ OBJECT_PUBLISH, "port", UINT16_MAX },
		{ OBJECT_RULE, "origin", ORIGIN_CNI },
		{ OBJECT_RULE, "action", RULE_REJECT },
		{ OBJECT_RULE, "id", RULES_MAX - 1 },
		{ OBJECT_RULE, "proto", UINT8_MAX },
	};
	struct dice dice = { 5 };
	union object object;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t index = index_of(cases[i].kind, cases[i].field);
		char *words, *most, number[16];

		fill_object(&dice, cases[i].kind, &object);
		words = words_of(cases[i].kind, &object);
		snprintf(number, sizeof(number), "%d", cases[i].max);
		most = replace(words, index, number);
		assert_int_equal(parse(cases[i].kind, most, &object, NULL), 0);
		snprintf(number, sizeof(number), "%d", cases[i].max + 1);
		assert_word_refused(cases[i].kind, words, index, cases[i].field,
				    number);
		free(words);
		free(most);
	}
}

/* An element that the list takes; NULL: the field is no list. */
static const char *element_of(enum object_kind kind, const char *field)
{
	static const char *const addresses[] = { "dns", "gateways", "snat",
						 "ips" };
	static const char *const prefixes[] = { "subnets", "no_masq" };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
		if (!strcmp(field, addresses[i]))
			return "10.0.0.1";
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strcmp(field, prefixes[i]))
			return "10.0.0.0/8";
	if (kind == OBJECT_PUBLISH && !strcmp(field, "from"))
		return "10.0.0.0/8";
	return strcmp(field, "ports") ? NULL : "80-80";
}

/* 17 of them: more than any list takes. */
static void check_list(enum object_kind kind, const char *words, size_t index,
		       const char *field)
{
	const char *element = element_of(kind, field);
	char longer[512] = "", wrong[64];

	if (!element)
		return;
	for (int i = 0; i < 17; i++)
		snprintf(longer + strlen(longer),
			 sizeof(longer) - strlen(longer), "%s%s", i ? "," : "",
			 element);
	assert_word_refused(kind, words, index, field, longer);
	snprintf(wrong, sizeof(wrong), "%s,none", element);
	assert_word_refused(kind, words, index, field, wrong);
}

static void wrong_element_or_one_too_many_is_refused(void **state)
{
	(void)state;
	each_field(check_list);
}

static void check_text(enum object_kind kind, const char *words, size_t index,
		       const char *field)
{
	char longer[4096];

	if (!is_text(field) && !is_peer(kind, field))
		return;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_word_refused(kind, words, index, field, longer);
}

static void text_that_does_not_fit_is_refused(void **state)
{
	(void)state;
	each_field(check_text);
}

static void network_with_fewer_gateways_than_subnets_is_refused(void **state)
{
	struct dice dice = { 6 };
	union object object;
	char *words, *two;

	(void)state;
	fill_object(&dice, OBJECT_NETWORK, &object);
	words = words_of(OBJECT_NETWORK, &object);
	two = replace(words, index_of(OBJECT_NETWORK, "subnets"),
		      "10.1.0.0/24,10.2.0.0/24");

	assert_word_refused(OBJECT_NETWORK, two,
			    index_of(OBJECT_NETWORK, "gateways"), "gateways",
			    "10.1.0.1");
	free(words);
	free(two);
}

/* -------------------------------------------------------- other versions */

/* The names of a kind's words without one of them. */
static char *names_without(enum object_kind kind, const char *without)
{
	struct line names = { .len = 0 };
	char *rest = names.text + 1, *name, *result = NULL;
	size_t len;
	FILE *out = open_memstream(&result, &len);

	fields_print_names(kind, &names);
	while ((name = strsep(&rest, " ")))
		if (strcmp(name, without) != 0)
			fprintf(out, "%s%s", ftell(out) ? " " : "", name);
	fclose(out);
	return result;
}

static char *words_without(enum object_kind kind, const union object *object,
			   const char *without)
{
	char *words = words_of(kind, object), *rest = words, *word;
	size_t i = 0, len, index = index_of(kind, without);
	char *result = NULL;
	FILE *out = open_memstream(&result, &len);

	for (; (word = strsep(&rest, " ")); i++)
		if (i != index)
			fprintf(out, "%s%s", ftell(out) ? " " : "", word);
	fclose(out);
	free(words);
	return result;
}

/* Added after records of the kind had been written, with the default. */
static const struct {
	enum object_kind kind;
	const char *field;
} later[] = {
	{ OBJECT_NETWORK, "gateway_named" },
	{ OBJECT_NETWORK, "routed" },
	{ OBJECT_NETWORK, "snat" },
	{ OBJECT_NETWORK, "no_masq" },
	{ OBJECT_NETNS, "cookie" },
	{ OBJECT_ENDPOINT, "netns_cookie" },
	{ OBJECT_NETNS, "mount" },
	{ OBJECT_ENDPOINT, "netns_mount" },
	{ OBJECT_ENDPOINT, "lo_before" },
};

static void older_record_has_the_default_of_a_later_field(void **state)
{
	struct dice dice = { 5 };

	(void)state;
	for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++) {
		enum object_kind kind = later[i].kind;
		size_t index = index_of(kind, later[i].field);
		char *names = names_without(kind, later[i].field);
		char *old, *all, *unset;
		union object before, after;
		struct layout layout;

		fill_object(&dice, kind, &before);
		old = words_without(kind, &before, later[i].field);
		memset(&after, UNKNOWN, sizeof(after));
		assert_int_equal(fields_layout(kind, names, &layout, NULL), 0);
		assert_int_equal(fields_parse(kind, &layout, old, &after, NULL),
				 0);

		/* All else is as it was, and the version before can read it. */
		all = words_of(kind, &before);
		unset = words_of(kind, &after);
		free(old);
		old = replace(all, index, "-");
		assert_string_equal(unset, old);
		free(names);
		free(old);
		free(all);
		free(unset);
	}
}

static void what_every_version_knows_must_be_there(void **state)
{
	struct layout layout;
	struct err err;
	char *names;

	(void)state;
	names = names_without(OBJECT_PUBLISH, "port");
	assert_int_equal(fields_layout(OBJECT_PUBLISH, names, &layout, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "'port'"));
	free(names);
}

/* The object has all the same what is known, for whoever removes it. */
static void check_newer(const char *word, int expected)
{
	struct line names = { .len = 0 };
	struct dice dice = { 9 };
	union object before, after;
	struct err err = { 0 };
	struct layout layout;
	char *words, *more, *all;

	fill_object(&dice, OBJECT_UPLINK, &before);
	fields_print_names(OBJECT_UPLINK, &names);
	assert_true(asprintf(&all, "colour%s", names.text) > 0);
	words = words_of(OBJECT_UPLINK, &before);
	assert_true(asprintf(&more, "%s %s", word, words) > 0);

	assert_int_equal(fields_layout(OBJECT_UPLINK, all, &layout, NULL), 0);
	assert_int_equal(
		fields_parse(OBJECT_UPLINK, &layout, more, &after, &err),
		expected);

	assert_true(uplink_equal(&before.uplink, &after.uplink));
	if (expected) {
		assert_non_null(strstr(err.text, "'colour'"));
		assert_non_null(strstr(err.hint, "newer"));
		assert_int_equal(err.exit, EXIT_CONFLICT);
	}
	free(words);
	free(more);
	free(all);
}

static void field_of_a_newer_version_is_refused_by_its_name(void **state)
{
	(void)state;
	check_newer("blue", -EPROTO);
}

static void field_of_a_newer_version_that_says_nothing_is_left_out(void **state)
{
	(void)state;
	check_newer("-", 0);
}

static void field_that_comes_twice_is_refused(void **state)
{
	struct line names = { .len = 0 };
	struct layout layout;
	char *twice;

	(void)state;
	fields_print_names(OBJECT_UPLINK, &names);
	assert_true(asprintf(&twice, "%s snat", names.text + 1) > 0);

	assert_int_equal(fields_layout(OBJECT_UPLINK, twice, &layout, NULL),
			 -EINVAL);
	free(twice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back_as_it_was),
		cmocka_unit_test(every_byte_of_every_member_is_recorded),
		cmocka_unit_test(nothing_is_left_of_what_the_object_held),
		cmocka_unit_test(any_bytes_of_a_path_come_back),
		cmocka_unit_test(cookie_may_be_as_long_as_the_kernels),
		cmocka_unit_test(missing_field_is_refused_by_its_name),
		cmocka_unit_test(one_field_too_many_is_refused),
		cmocka_unit_test(wrong_word_is_refused_by_the_fields_name),
		cmocka_unit_test(number_beyond_its_table_is_refused),
		cmocka_unit_test(wrong_element_or_one_too_many_is_refused),
		cmocka_unit_test(text_that_does_not_fit_is_refused),
		cmocka_unit_test(
			network_with_fewer_gateways_than_subnets_is_refused),
		cmocka_unit_test(older_record_has_the_default_of_a_later_field),
		cmocka_unit_test(what_every_version_knows_must_be_there),
		cmocka_unit_test(
			field_of_a_newer_version_is_refused_by_its_name),
		cmocka_unit_test(
			field_of_a_newer_version_that_says_nothing_is_left_out),
		cmocka_unit_test(field_that_comes_twice_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
