/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_pace - how often the agent ends idle flows */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/pace.h"

#define MS 1000000ull

static void short_passes_come_every_four_seconds(void **state)
{
	(void)state;
	assert_int_equal(pace_seconds(0, false), 4);
	assert_int_equal(pace_seconds(20 * MS, false), 4);
}

static void longer_ones_take_half_a_percent(void **state)
{
	(void)state;
	assert_int_equal(pace_seconds(100 * MS, false), 20);
	assert_int_equal(pace_seconds(1050 * MS, false), 210);
}

static void none_waits_for_longer_than_five_minutes(void **state)
{
	(void)state;
	assert_int_equal(pace_seconds(1500 * MS, false), 300);
	assert_int_equal(pace_seconds(60000 * MS, false), 300);
	assert_int_equal(pace_seconds(UINT64_MAX, false), 300);
}

static void nearly_full_table_does_not_wait(void **state)
{
	(void)state;
	assert_int_equal(pace_seconds(1050 * MS, true), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_passes_come_every_four_seconds),
		cmocka_unit_test(longer_ones_take_half_a_percent),
		cmocka_unit_test(none_waits_for_longer_than_five_minutes),
		cmocka_unit_test(nearly_full_table_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
