/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_err - texts, hints, kinds and exit codes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "lib/err.h"

static void exit_code_and_kind_follow_from_the_errno(void **state)
{
	static const struct {
		int code;
		enum exit_code exit;
		const char *kind;
	} cases[] = {
		{ -ENOENT, EXIT_NOT_FOUND, "not-found" },
		{ -EEXIST, EXIT_CONFLICT, "conflict" },
		{ -EBUSY, EXIT_CONFLICT, "conflict" },
		{ -EADDRINUSE, EXIT_CONFLICT, "conflict" },
		{ -EAGAIN, EXIT_LOCKED, "locked" },
		{ -EPERM, EXIT_PERMISSION, "permission" },
		{ -EACCES, EXIT_PERMISSION, "permission" },
		{ -EOPNOTSUPP, EXIT_KERNEL, "kernel" },
		{ -ENOSYS, EXIT_KERNEL, "kernel" },
		{ -EINVAL, EXIT_FAILED, "failed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err err;

		assert_int_equal(err_set(&err, cases[i].code, "x"),
				 cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(err.exit, cases[i].exit);
		assert_string_equal(err.kind, cases[i].kind);
	}
}

static void bad_input_is_a_usage_error(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_usage(&err, "port %d", 0), -EINVAL);
	assert_int_equal(err.exit, EXIT_USAGE);
	assert_string_equal(err.kind, "usage");
	assert_string_equal(err.text, "port 0");
}

static void null_is_allowed_everywhere(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, -EEXIST, "x"), -EEXIST);
	assert_int_equal(err_usage(NULL, "x"), -EINVAL);
	err_kind(NULL, EXIT_FAILED, "x");
	err_hint(NULL, "x");
	err_prefix(NULL, "x");
}

static void context_goes_in_front(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, -EEXIST, "File exists");
	assert_int_equal(err_prefix(&err, "add veth '%s'", "a"), -EEXIST);
	assert_int_equal(err_prefix(&err, "endpoint web"), -EEXIST);
	assert_string_equal(err.text,
			    "endpoint web: add veth 'a': File exists");
}

static void old_text_may_be_part_of_the_new_one(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, -EIO, "inner");
	err_set(&err, -EIO, "outer (%s)", err.text);
	assert_string_equal(err.text, "outer (inner)");
}

static void new_error_has_no_old_hint(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, -EIO, "x");
	err_hint(&err, "try %d", 1);
	assert_string_equal(err.hint, "try 1");
	err_set(&err, -EIO, "y");
	assert_string_equal(err.hint, "");
}

static void error_is_one_line(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, -EIO, "a\nb\rc\td");
	err_hint(&err, "e\nf");
	assert_string_equal(err.text, "a b c d");
	assert_string_equal(err.hint, "e f");

	err_set(&err, -EIO, "'%s' is not a name", "\x1b[31mred\x7f");
	assert_string_equal(err.text, "' [31mred ' is not a name");
}

static void long_text_is_cut_and_keeps_its_end_mark(void **state)
{
	char longer[2 * sizeof(((struct err *)0)->text)];
	struct err err;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_set(&err, -EIO, "%s", longer);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_prefix(&err, "where");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "where: xxx", 10);
	err_prefix(&err, "%s", longer);
	assert_memory_equal(err.text, "where: xxx", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_code_and_kind_follow_from_the_errno),
		cmocka_unit_test(bad_input_is_a_usage_error),
		cmocka_unit_test(null_is_allowed_everywhere),
		cmocka_unit_test(context_goes_in_front),
		cmocka_unit_test(old_text_may_be_part_of_the_new_one),
		cmocka_unit_test(new_error_has_no_old_hint),
		cmocka_unit_test(error_is_one_line),
		cmocka_unit_test(long_text_is_cut_and_keeps_its_end_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
