/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_fields - recorded objects come back as they were, damaged ones do not */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/fields.h"
#include "random_record.h"

#define ROUNDS 200

/* Added after records of the kind had been written, with the default. */
static const struct {
	enum object_kind kind;
	const char *name;
} later[] = {
	{ OBJECT_NETNS, "cookie" },    { OBJECT_NETWORK, "gateway_named" },
	{ OBJECT_NETWORK, "routed" },  { OBJECT_NETWORK, "snat" },
	{ OBJECT_NETWORK, "no_masq" }, { OBJECT_ENDPOINT, "netns_cookie" },
};
#define LATER_COUNT (sizeof(later) / sizeof(*later))

static bool is_later(enum object_kind kind, const char *name)
{
	for (size_t i = 0; i < LATER_COUNT; i++)
		if (later[i].kind == kind && !strcmp(later[i].name, name))
			return true;
	return false;
}

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

/* Through text, as the files have it. */
static json_t *to_json(enum object_kind kind, const union object *object)
{
	json_t *json = fields_to_json(kind, object);
	char *text = json_dumps(json, 0);
	json_t *copy;

	assert_non_null(text);
	copy = json_loads(text, 0, NULL);
	free(text);
	json_decref(json);
	assert_non_null(copy);
	return copy;
}

static void every_kind_comes_back_as_it_was(void **state)
{
	struct dice dice = { 1 };
	union object before, after;
	struct err err;

	(void)state;
	for (size_t round = 0; round < ROUNDS * KINDS; round++) {
		enum object_kind kind = round % KINDS;
		json_t *json;

		fill_object(&dice, kind, &before);
		json = to_json(kind, &before);
		if (fields_from_json(kind, json, &after, &err))
			fail_msg("%s: %s", kinds[kind].name, err.text);
		json_decref(json);

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
		json_t *json;

		fill_object(&dice, kind, &before);
		json = to_json(kind, &before);
		assert_int_equal(fields_from_json(kind, json, &after, &err), 0);
		json_decref(json);

		assert_memory_equal(&before, &after, kinds[kind].size);
	}
}

static void nothing_is_left_of_what_the_object_held(void **state)
{
	struct dice dice = { 3 };
	union object before, after;
	json_t *json;

	(void)state;
	fill_object(&dice, OBJECT_NETNS, &before);
	before.netns.ndns = 0;
	memset(before.netns.dns, 0, sizeof(before.netns.dns));
	json = to_json(OBJECT_NETNS, &before);
	memset(&after, UNKNOWN, sizeof(after));

	assert_int_equal(fields_from_json(OBJECT_NETNS, json, &after, NULL), 0);
	json_decref(json);

	assert_memory_equal(&after.netns.dns, &before.netns.dns,
			    sizeof(before.netns.dns));
}

/* --------------------------------------------------------------- damage */

/* Refuses, and says which field it is. */
static void assert_refused(enum object_kind kind, json_t *json,
			   const char *field)
{
	union object object;
	struct err err = { 0 };
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "'%s'", field);
	if (fields_from_json(kind, json, &object, &err) != -EINVAL)
		fail_msg("%s: wrong %s is taken", kinds[kind].name, field);
	if (!strstr(err.text, quoted))
		fail_msg("%s: wrong %s: '%s'", kinds[kind].name, field,
			 err.text);
}

/* Takes the value, which may not be what the field wants. */
static void assert_value_refused(enum object_kind kind, const json_t *json,
				 const char *field, json_t *value)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)json);

	assert_int_equal(json_object_set_new(copy, field, value), 0);
	assert_refused(kind, copy, field);
	json_decref(copy);
}

/* Calls check for each field of each kind. */
static void each_field(void (*check)(enum object_kind kind, const json_t *json,
				     const char *field, const json_t *value))
{
	struct dice dice = { 4 };
	union object object;
	const char *field;
	json_t *json, *value;

	for (size_t kind = 0; kind < KINDS; kind++) {
		fill_object(&dice, kind, &object);
		json = to_json(kind, &object);
		json_object_foreach(json, field, value)
			check(kind, json, field, value);
		json_decref(json);
	}
}

/* Any number of 64 bits. */
static bool is_cookie(const char *field)
{
	return !strcmp(field, "cookie") || !strcmp(field, "netns_cookie");
}

static void check_missing(enum object_kind kind, const json_t *json,
			  const char *field, const json_t *value)
{
	json_t *copy;

	(void)value;
	if (is_later(kind, field))
		return;
	copy = json_copy((json_t *)(uintptr_t)json);
	json_object_del(copy, field);
	assert_refused(kind, copy, field);
	json_decref(copy);
}

static void cookie_may_be_as_long_as_the_kernels(void **state)
{
	struct dice dice = { 7 };
	union object object;
	json_t *json;

	(void)state;
	fill_object(&dice, OBJECT_NETNS, &object);
	object.netns.cookie = 1ull << 40 | 1;
	json = to_json(OBJECT_NETNS, &object);

	assert_int_equal(fields_from_json(OBJECT_NETNS, json, &object, NULL),
			 0);
	json_decref(json);

	assert_true(object.netns.cookie == (1ull << 40 | 1));
}

static void missing_field_is_refused_by_its_name(void **state)
{
	(void)state;
	each_field(check_missing);
}

/* Or an upgrade could not even purge. */
static void what_an_older_version_did_not_know_is_zero(void **state)
{
	struct network object, want;
	struct dice dice = { 5 };
	union object any;
	json_t *json;

	(void)state;
	fill_object(&dice, OBJECT_NETWORK, &any);
	want = any.network;
	want.routed = false;
	want.nsnat = 0;
	want.nno_masq = 0;
	json = to_json(OBJECT_NETWORK, &any);
	json_object_del(json, "routed");
	json_object_del(json, "snat");
	json_object_del(json, "no_masq");
	assert_int_equal(fields_from_json(OBJECT_NETWORK, json, &object, NULL),
			 0);
	assert_true(network_equal(&object, &want));
	json_decref(json);

	fill_object(&dice, OBJECT_ENDPOINT, &any);
	json = to_json(OBJECT_ENDPOINT, &any);
	json_object_del(json, "netns_cookie");
	assert_int_equal(fields_from_json(OBJECT_ENDPOINT, json, &any, NULL),
			 0);
	assert_int_equal(any.endpoint.netns_cookie, 0);
	json_decref(json);
}

static void check_type(enum object_kind kind, const json_t *json,
		       const char *field, const json_t *value)
{
	assert_value_refused(kind, json, field, json_null());
	assert_value_refused(kind, json, field, json_real(0.5));
	assert_value_refused(kind, json, field, json_object());
	if (!json_is_string(value))
		assert_value_refused(kind, json, field, json_string("1"));
	if (!json_is_integer(value))
		assert_value_refused(kind, json, field, json_integer(1));
	if (!json_is_boolean(value))
		assert_value_refused(kind, json, field, json_true());
	if (!json_is_array(value))
		assert_value_refused(kind, json, field, json_array());
}

static void wrong_type_is_refused_by_the_fields_name(void **state)
{
	(void)state;
	each_field(check_type);
}

static void check_range(enum object_kind kind, const json_t *json,
			const char *field, const json_t *value)
{
	if (!json_is_integer(value))
		return;
	assert_value_refused(kind, json, field, json_integer(-1));
	if (is_cookie(field))
		return;
	assert_value_refused(kind, json, field, json_integer(1ll << 32));
	assert_value_refused(kind, json, field, json_integer(INT64_MAX));
}

static void number_that_does_not_fit_is_refused(void **state)
{
	(void)state;
	each_field(check_range);
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
		json_t *json;

		fill_object(&dice, cases[i].kind, &object);
		json = to_json(cases[i].kind, &object);
		json_object_set_new(json, cases[i].field,
				    json_integer(cases[i].max));
		assert_int_equal(
			fields_from_json(cases[i].kind, json, &object, NULL),
			0);
		assert_value_refused(cases[i].kind, json, cases[i].field,
				     json_integer(cases[i].max + 1));
		json_decref(json);
	}
}

static void check_array(enum object_kind kind, const json_t *json,
			const char *field, const json_t *value)
{
	json_t *longer = json_array();

	if (!json_is_array(value)) {
		json_decref(longer);
		return;
	}
	assert_value_refused(kind, json, field,
			     json_pack("[s]", "neither address nor port"));
	assert_value_refused(kind, json, field, json_pack("[i]", 1));
	for (int i = 0; i < 17; i++)
		json_array_append_new(longer,
				      json_string(strcmp(field, "ports") ?
							  "10.0.0.0" :
							  "80-80"));
	assert_value_refused(kind, json, field, longer);
}

static void wrong_element_or_one_too_many_is_refused(void **state)
{
	(void)state;
	each_field(check_array);
}

static void check_text(enum object_kind kind, const json_t *json,
		       const char *field, const json_t *value)
{
	char longer[4096];

	if (!json_is_string(value))
		return;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_value_refused(kind, json, field, json_string(longer));
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
	json_t *json;

	(void)state;
	fill_object(&dice, OBJECT_NETWORK, &object);
	json = to_json(OBJECT_NETWORK, &object);
	json_object_set_new(json, "subnets",
			    json_pack("[ss]", "10.1.0.0/24", "10.2.0.0/24"));
	json_object_set_new(json, "gateways", json_pack("[s]", "10.1.0.1"));

	assert_refused(OBJECT_NETWORK, json, "subnets");
	json_decref(json);
}

/* ------------------------------------------------------ other versions */

static void older_record_has_the_default_of_a_later_field(void **state)
{
	struct dice dice = { 7 };
	union object before, after;

	(void)state;
	for (size_t i = 0; i < LATER_COUNT; i++) {
		enum object_kind kind = later[i].kind;
		json_t *json, *expected;

		/* Everything but that field is as before. */
		fill_object(&dice, kind, &before);
		json = to_json(kind, &before);
		json_object_del(json, later[i].name);
		memset(&after, UNKNOWN, sizeof(after));
		assert_int_equal(fields_from_json(kind, json, &after, NULL), 0);

		expected = to_json(kind, &after);
		assert_true(json_equal(json, expected));
		json_decref(expected);
		json_decref(json);
	}
}

static void later_field_is_written_only_where_it_says_something(void **state)
{
	struct network network = { .name = "a" };
	json_t *json;

	(void)state;
	json = fields_to_json(OBJECT_NETWORK, &network);
	assert_null(json_object_get(json, "gateway_named"));
	json_decref(json);

	network.gateway_named = true;
	json = fields_to_json(OBJECT_NETWORK, &network);
	assert_true(json_is_true(json_object_get(json, "gateway_named")));
	json_decref(json);
}

/* The object has all the same what is known, for whoever removes it. */
static void field_of_a_newer_version_is_refused_by_its_name(void **state)
{
	struct dice dice = { 8 };
	union object before, after;

	(void)state;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct err err = { 0 };
		json_t *json;

		fill_object(&dice, kind, &before);
		json = to_json(kind, &before);
		json_object_set_new(json, "from_the_future", json_false());
		assert_int_equal(fields_from_json(kind, json, &after, &err),
				 -EPROTO);
		json_decref(json);

		assert_non_null(strstr(err.text, "'from_the_future'"));
		assert_non_null(strstr(err.hint, "newer"));
		assert_int_equal(err.exit, EXIT_CONFLICT);
		assert_true(is_equal(kind, &before, &after));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back_as_it_was),
		cmocka_unit_test(every_byte_of_every_member_is_recorded),
		cmocka_unit_test(nothing_is_left_of_what_the_object_held),
		cmocka_unit_test(missing_field_is_refused_by_its_name),
		cmocka_unit_test(cookie_may_be_as_long_as_the_kernels),
		cmocka_unit_test(what_an_older_version_did_not_know_is_zero),
		cmocka_unit_test(wrong_type_is_refused_by_the_fields_name),
		cmocka_unit_test(number_that_does_not_fit_is_refused),
		cmocka_unit_test(number_beyond_its_table_is_refused),
		cmocka_unit_test(wrong_element_or_one_too_many_is_refused),
		cmocka_unit_test(text_that_does_not_fit_is_refused),
		cmocka_unit_test(
			network_with_fewer_gateways_than_subnets_is_refused),
		cmocka_unit_test(older_record_has_the_default_of_a_later_field),
		cmocka_unit_test(
			later_field_is_written_only_where_it_says_something),
		cmocka_unit_test(
			field_of_a_newer_version_is_refused_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
