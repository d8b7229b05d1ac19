/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_units - numbers with units: what is taken, what is not */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/units.h"

static void assert_seconds(const char *text, __u32 want)
{
	__u32 seconds = want + 1;

	if (!seconds_parse(text, &seconds))
		fail_msg("'%s' is refused", text);
	assert_int_equal(seconds, want);
}

static void seconds_may_have_a_unit(void **state)
{
	(void)state;
	assert_seconds("30", 30);
	assert_seconds("30s", 30);
	assert_seconds("5m", 300);
	assert_seconds("2h", 7200);
	assert_seconds("1d", 86400);
	assert_seconds("0", 0);
	assert_seconds("4294967295", UINT32_MAX);
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = {
		"",	  "s",		 "m5",	"-5",  " 5",
		"5 s",	  "5ms",	 "5.5", "0x5", "4294967296",
		"50000d", "99999999999", "5mm", "5M",
	};
	__u32 seconds = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (seconds_parse(texts[i], &seconds))
			fail_msg("'%s' is taken", texts[i]);
	assert_int_equal(seconds, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_may_have_a_unit),
		cmocka_unit_test(what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
