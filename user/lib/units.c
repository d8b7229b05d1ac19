/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* units - numbers with a unit behind them: "64k", "5m" */
#include "lib/units.h"

#include <stdint.h>
#include <string.h>

bool units_parse(const char *text, const struct unit *units, size_t count,
		 __u32 *ret)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t number = 0;

	if (!digits || digits > 10)
		return false;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text + digits, units[i].name))
			continue;
		number *= units[i].factor;
		if (number > UINT32_MAX)
			return false;
		*ret = (__u32)number;
		return true;
	}
	return false;
}

bool seconds_parse(const char *text, __u32 *ret)
{
	static const struct unit units[] = {
		{ "s", 1 },    { "", 1 },      { "m", 60 },
		{ "h", 3600 }, { "d", 86400 },
	};

	return units_parse(text, units, sizeof(units) / sizeof(*units), ret);
}
