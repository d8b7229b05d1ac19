/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_reasons - the list of reasons is fit to be printed and parsed */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/datapath.h"

static void every_reason_has_a_label_and_a_text(void **state)
{
	(void)state;

	for (int why = 0; why < REASON_COUNT; why++) {
		assert_non_null(reason_label[why]);
		assert_non_null(reason_text[why]);
		assert_int_not_equal(strlen(reason_text[why]), 0);
	}
}

static void labels_are_lower_case_words_with_dashes(void **state)
{
	(void)state;

	for (int why = 0; why < REASON_COUNT; why++) {
		const char *label = reason_label[why];
		size_t len = strlen(label);

		assert_in_range(len, 2, 31);
		assert_int_equal(strspn(label, "abcdefghijklmnopqrstuvwxyz-"),
				 len);
		assert_int_not_equal(label[0], '-');
		assert_int_not_equal(label[len - 1], '-');
	}
}

static void labels_are_unique(void **state)
{
	(void)state;

	for (int a = 0; a < REASON_COUNT; a++)
		for (int b = a + 1; b < REASON_COUNT; b++)
			assert_string_not_equal(reason_label[a],
						reason_label[b]);
}

/* Scripts match these words, and flow entries and counters hold the numbers. */
static void known_labels_keep_their_numbers(void **state)
{
	(void)state;

	assert_string_equal(reason_label[0], "ok");
	assert_string_equal(reason_label[1], "forwarded");
	assert_string_equal(reason_label[2], "to-stack");
	assert_string_equal(reason_label[3], "policy-deny");
	assert_string_equal(reason_label[10], "snat-exhausted");
	assert_string_equal(reason_label[20], "ttl-exceeded");
}

static void only_the_first_three_let_a_packet_live(void **state)
{
	(void)state;

	assert_false(reason_is_drop(REASON_OK));
	assert_false(reason_is_drop(REASON_FORWARDED));
	assert_false(reason_is_drop(REASON_TO_STACK));
	for (int why = REASON_TO_STACK + 1; why < REASON_COUNT; why++)
		assert_true(reason_is_drop(why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_label_and_a_text),
		cmocka_unit_test(labels_are_lower_case_words_with_dashes),
		cmocka_unit_test(labels_are_unique),
		cmocka_unit_test(known_labels_keep_their_numbers),
		cmocka_unit_test(only_the_first_three_let_a_packet_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
