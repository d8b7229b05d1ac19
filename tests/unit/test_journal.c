/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_journal - the lines of a journal add up to what was there last */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/journal.h"
#include "lib/log.h"
#include "model/fill.h"
#include "random_model.h"

#define PATH "/run/test/journal"

/* A journal that grows. */
struct text {
	char *bytes;
	size_t len;
};

static void text_add(struct text *text, const struct line *line)
{
	text->bytes = realloc(text->bytes, text->len + line->len + 1);
	assert_non_null(text->bytes);
	memcpy(text->bytes + text->len, line->text, line->len + 1);
	text->len += line->len;
}

static void say(struct text *text, char op, enum object_kind kind,
		const void *object)
{
	struct line line;

	journal_line(op, kind, object, &line);
	text_add(text, &line);
}

static void say_policy(struct text *text, size_t old, size_t at, size_t del,
		       size_t add)
{
	struct line line;

	journal_policy_line(old, at, del, add, &line);
	text_add(text, &line);
}

static struct text head(void)
{
	struct state none = { 0 };
	struct text text = { 0 };

	model_init(&none.model);
	assert_int_equal(journal_print(&none, &text.bytes, &text.len), 0);
	return text;
}

/* The reading cuts up its text. */
static int read_salvaging(const struct text *text, size_t len, bool salvage,
			  struct state *ret, struct err *err)
{
	char *copy = malloc(len + 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text->bytes, len);
	copy[len] = '\0';
	*ret = (struct state){ 0 };
	model_init(&ret->model);
	model_init(&ret->leftovers);
	rc = journal_read(PATH, copy, len, salvage, ret, err);
	free(copy);
	return rc;
}

static void state_free(struct state *state)
{
	model_free(&state->model);
	model_free(&state->leftovers);
}

static struct state must_read(const struct text *text)
{
	struct state state;
	struct err err;

	if (read_salvaging(text, text->len, false, &state, &err))
		fail_msg("%s", err.text);
	return state;
}

static struct endpoint endpoint_of(const char *name)
{
	struct endpoint e = { .slot = 7, .mac = { 2, 0, 0, 0, 0, 1 } };

	snprintf(e.name, sizeof(e.name), "%s", name);
	return e;
}

static struct policy_rule rule_of(const char *name)
{
	struct policy_rule rule = { .id = 3 };

	snprintf(rule.name, sizeof(rule.name), "%s", name);
	return rule;
}

static void say_rules(struct text *text, const char *names)
{
	for (; *names; names++) {
		const struct policy_rule rule =
			rule_of((char[]){ *names, '\0' });

		say(text, '.', OBJECT_RULE, &rule);
	}
}

static void assert_rules(const struct model *m, const char *names)
{
	assert_int_equal(m->nrules, strlen(names));
	for (size_t i = 0; i < m->nrules; i++)
		assert_int_equal(m->rules[i].name[0], names[i]);
}

/* -------------------------------------------------------- what adds up */

static void whole_models_come_back(void **unused)
{
	(void)unused;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct state before = { .model = random_model(seed) };
		struct model nothing;
		struct state after;
		struct text text, again;
		struct err err = { 0 };

		model_init(&before.leftovers);
		model_init(&nothing);
		if (model_fill(&before.model, &nothing, &err))
			fail_msg("%s", err.text);
		assert_int_equal(journal_print(&before, &text.bytes, &text.len),
				 0);

		after = must_read(&text);

		/* The order of names is not that of a random model. */
		assert_int_equal(after.model.nendpoints,
				 before.model.nendpoints);
		assert_int_equal(after.model.npublishes,
				 before.model.npublishes);
		assert_int_equal(after.model.nrules, before.model.nrules);
		for (size_t i = 0; i < before.model.nendpoints; i++) {
			const struct endpoint *e = &before.model.endpoints[i];

			assert_true(endpoint_equal(
				e, model_find_endpoint(&after.model, e->name)));
		}
		/* Once in order, it stays as it is. */
		assert_int_equal(
			journal_print(&after, &again.bytes, &again.len), 0);
		state_free(&after);
		free(text.bytes);
		text = again;
		after = must_read(&text);
		assert_int_equal(
			journal_print(&after, &again.bytes, &again.len), 0);
		assert_string_equal(text.bytes, again.bytes);
		state_free(&after);
		state_free(&before);
		free(text.bytes);
		free(again.bytes);
	}
}

static void last_line_about_an_object_counts(void **unused)
{
	struct endpoint web = endpoint_of("web"), db = endpoint_of("db");
	struct endpoint api = endpoint_of("api");
	struct text text = head();
	struct state state;

	(void)unused;
	say(&text, '?', OBJECT_ENDPOINT, &web);
	say(&text, '+', OBJECT_ENDPOINT, &web);
	say(&text, '+', OBJECT_ENDPOINT, &db);
	say(&text, '?', OBJECT_ENDPOINT, &db);
	say(&text, '+', OBJECT_ENDPOINT, &api);
	say(&text, '-', OBJECT_ENDPOINT, &api);
	web.slot = 8;
	say(&text, '+', OBJECT_ENDPOINT, &web);

	state = must_read(&text);

	assert_int_equal(state.model.nendpoints, 1);
	assert_string_equal(state.model.endpoints[0].name, "web");
	assert_int_equal(state.model.endpoints[0].slot, 8);
	assert_int_equal(state.leftovers.nendpoints, 1);
	assert_string_equal(state.leftovers.endpoints[0].name, "db");
	assert_int_equal(state.valid, text.len);
	state_free(&state);
	free(text.bytes);
}

static void what_was_removed_can_come_back(void **unused)
{
	const struct endpoint web = endpoint_of("web");
	struct text text = head();
	struct state state;

	(void)unused;
	say(&text, '+', OBJECT_ENDPOINT, &web);
	say(&text, '-', OBJECT_ENDPOINT, &web);
	say(&text, '+', OBJECT_ENDPOINT, &web);

	state = must_read(&text);

	assert_int_equal(state.model.nendpoints, 1);
	state_free(&state);
	free(text.bytes);
}

/* "endpoint a" and "endpoint ab", "publish 1" and "publish 11". */
static void names_that_begin_alike_are_two(void **unused)
{
	const struct endpoint a = endpoint_of("a"), ab = endpoint_of("ab");
	struct text text = head();
	struct state state;

	(void)unused;
	say(&text, '+', OBJECT_ENDPOINT, &ab);
	say(&text, '+', OBJECT_ENDPOINT, &a);
	say(&text, '-', OBJECT_ENDPOINT, &ab);
	for (__u32 id = 11; id; id = id == 11)
		say(&text, '+', OBJECT_PUBLISH,
		    &(struct publish){ .id = id, .port = 80, .port_last = 80 });

	state = must_read(&text);

	assert_int_equal(state.model.nendpoints, 1);
	assert_string_equal(state.model.endpoints[0].name, "a");
	assert_int_equal(state.model.npublishes, 2);
	state_free(&state);
	free(text.bytes);
}

static void objects_come_in_the_order_of_their_names(void **unused)
{
	static const char *const names[] = { "web10", "web9", "api", "db",
					     "web1" };
	static const char *const sorted[] = { "api", "db", "web1", "web9",
					      "web10" };
	struct text text = head();
	struct state state;

	(void)unused;
	for (size_t i = 0; i < 5; i++) {
		const struct endpoint e = endpoint_of(names[i]);

		say(&text, '+', OBJECT_ENDPOINT, &e);
	}
	for (__u32 id = 12; id > 7; id--)
		say(&text, '+', OBJECT_PUBLISH,
		    &(struct publish){ .id = id, .port = 80, .port_last = 80 });

	state = must_read(&text);

	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(state.model.endpoints[i].name, sorted[i]);
		assert_int_equal(state.model.publishes[i].id, 8 + i);
	}
	state_free(&state);
	free(text.bytes);
}

static void part_of_the_policy_is_exchanged(void **unused)
{
	struct text text = head();
	struct state state;

	(void)unused;
	say_rules(&text, "abcd");
	say_policy(&text, 0, 0, 0, 4);
	say_rules(&text, "xyz");
	say_policy(&text, 4, 1, 2, 3);
	say_policy(&text, 5, 0, 1, 0);

	state = must_read(&text);

	assert_rules(&state.model, "xyzd");
	state_free(&state);
	free(text.bytes);
}

static void policy_that_does_not_fit_is_damage(void **unused)
{
	static const size_t wrong[][4] = {
		{ 2, 0, 0, 1 }, { 1, 2, 0, 1 }, { 1, 0, 2, 1 },
		{ 1, 1, 1, 1 }, { 1, 0, 0, 2 }, { 1, 0, SIZE_MAX, 1 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct text text = head();
		struct state state;
		struct err err;

		say_rules(&text, "a");
		say_policy(&text, 0, 0, 0, 1);
		say_rules(&text, "b");
		say_policy(&text, wrong[i][0], wrong[i][1], wrong[i][2],
			   wrong[i][3]);

		assert_int_equal(
			read_salvaging(&text, text.len, false, &state, &err),
			-EINVAL);
		state_free(&state);
		free(text.bytes);
	}
}

/* ------------------------------------------------------ what was cut off */

/* As a process leaves it that dies while it writes: at any byte. */
static void every_beginning_is_what_its_whole_lines_say(void **unused)
{
	const struct endpoint web = endpoint_of("web"), db = endpoint_of("db");
	struct text text = head();
	size_t first = text.len, ends[6], whole = 0;

	(void)unused;
	say(&text, '+', OBJECT_ENDPOINT, &web);
	ends[0] = text.len;
	say_rules(&text, "ab");
	say_policy(&text, 0, 0, 0, 2);
	ends[1] = text.len;
	say(&text, '+', OBJECT_ENDPOINT, &db);
	ends[2] = text.len;

	for (size_t len = first; len <= text.len; len++) {
		struct state state;
		struct err err;

		while (whole < 3 && len >= ends[whole])
			whole++;
		if (read_salvaging(&text, len, false, &state, &err))
			fail_msg("%zu bytes: %s", len, err.text);
		assert_int_equal(state.model.nendpoints,
				 whole == 3 ? 2 : whole > 0);
		assert_int_equal(state.model.nrules, whole > 1 ? 2 : 0);
		assert_int_equal(state.valid, whole ? ends[whole - 1] : first);
		state_free(&state);
	}
	free(text.bytes);
}

static void beginning_of_the_head_is_damage(void **unused)
{
	struct text text = head();

	(void)unused;
	for (size_t len = 0; len < text.len; len++) {
		struct state state;
		struct err err;

		assert_int_equal(
			read_salvaging(&text, len, false, &state, &err),
			-EINVAL);
		assert_non_null(strstr(err.text, PATH ":1: "));
		state_free(&state);
	}
	free(text.bytes);
}

/* ---------------------------------------------------------------- damage */

static void every_changed_byte_is_told_with_its_line(void **unused)
{
	const struct endpoint web = endpoint_of("web"), db = endpoint_of("db");
	struct text text = head();
	size_t from = text.len, to;
	char where[64];
	int line = 1;

	(void)unused;
	for (size_t i = 0; i < from; i++)
		line += text.bytes[i] == '\n';
	snprintf(where, sizeof(where), PATH ":%d: ", line);
	say(&text, '+', OBJECT_ENDPOINT, &web);
	to = text.len;
	say(&text, '+', OBJECT_ENDPOINT, &db);

	for (size_t i = from; i < to; i++) {
		struct state state;
		struct err err;

		text.bytes[i] ^= 1;
		if (read_salvaging(&text, text.len, false, &state, &err) !=
		    -EINVAL)
			fail_msg("byte %zu", i - from);
		assert_non_null(strstr(err.text, where));
		state_free(&state);
		text.bytes[i] ^= 1;
	}
	free(text.bytes);
}

static void salvage_leaves_out_what_is_damaged(void **unused)
{
	const struct endpoint web = endpoint_of("web"), db = endpoint_of("db");
	struct text text = head();
	struct state state;
	struct err err;

	(void)unused;
	log_set_level(LOG_LEVEL_ERR);
	text.bytes[4] ^= 1;
	say(&text, '+', OBJECT_ENDPOINT, &web);
	text.bytes[text.len - 2] ^= 1;
	say(&text, '+', OBJECT_ENDPOINT, &db);

	assert_int_equal(read_salvaging(&text, text.len, true, &state, &err),
			 0);

	assert_int_equal(state.model.nendpoints, 1);
	assert_string_equal(state.model.endpoints[0].name, "db");
	state_free(&state);
	free(text.bytes);
}

/* What is not finished is removed: it must not be what only looks so. */
static void damaged_line_may_have_finished_what_came_before(void **unused)
{
	const struct endpoint web = endpoint_of("web"), db = endpoint_of("db");
	struct text text = head();
	struct state state;
	struct err err;

	(void)unused;
	log_set_level(LOG_LEVEL_ERR);
	say(&text, '?', OBJECT_ENDPOINT, &web);
	say(&text, '+', OBJECT_ENDPOINT, &web);
	text.bytes[text.len - 2] ^= 1;
	say(&text, '?', OBJECT_ENDPOINT, &db);

	assert_int_equal(read_salvaging(&text, text.len, true, &state, &err),
			 0);

	assert_int_equal(state.model.nendpoints, 1);
	assert_string_equal(state.model.endpoints[0].name, "web");
	assert_int_equal(state.leftovers.nendpoints, 1);
	assert_string_equal(state.leftovers.endpoints[0].name, "db");
	state_free(&state);
	free(text.bytes);
}

/* Its sum is right, so somebody wrote it. */
static void line_that_no_journal_has_is_damage(void **unused)
{
	struct text text = head();
	struct state state;
	struct err err;

	(void)unused;
	say(&text, '*', OBJECT_ENDPOINT, &(struct endpoint){ .name = "web" });

	assert_int_equal(read_salvaging(&text, text.len, false, &state, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "no such line"));
	state_free(&state);
	free(text.bytes);
}

static void port_range_backwards_is_damage(void **unused)
{
	struct text text = head();
	struct state state;
	struct err err;

	(void)unused;
	say(&text, '+', OBJECT_PUBLISH,
	    &(struct publish){ .id = 9, .port = 80, .port_last = 79 });

	assert_int_equal(read_salvaging(&text, text.len, false, &state, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "publish 9: field 'port_last'"));
	state_free(&state);
	free(text.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_models_come_back),
		cmocka_unit_test(last_line_about_an_object_counts),
		cmocka_unit_test(what_was_removed_can_come_back),
		cmocka_unit_test(names_that_begin_alike_are_two),
		cmocka_unit_test(objects_come_in_the_order_of_their_names),
		cmocka_unit_test(part_of_the_policy_is_exchanged),
		cmocka_unit_test(policy_that_does_not_fit_is_damage),
		cmocka_unit_test(every_beginning_is_what_its_whole_lines_say),
		cmocka_unit_test(beginning_of_the_head_is_damage),
		cmocka_unit_test(every_changed_byte_is_told_with_its_line),
		cmocka_unit_test(salvage_leaves_out_what_is_damaged),
		cmocka_unit_test(
			damaged_line_may_have_finished_what_came_before),
		cmocka_unit_test(line_that_no_journal_has_is_damage),
		cmocka_unit_test(port_range_backwards_is_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
