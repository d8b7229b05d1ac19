/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* units - numbers with a unit behind them: "64k", "5m" */
#ifndef BPFNET_UNITS_H
#define BPFNET_UNITS_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

struct unit {
	const char *name; /* "": may be left out */
	__u32 factor;
};

/* Digits and then one of the units; false for all else and for what takes more
 * than 32 bits. */
bool units_parse(const char *text, const struct unit *units, size_t count,
		 __u32 *ret);
/* "30s", "30", "5m", "2h", "1d" */
bool seconds_parse(const char *text, __u32 *ret);

#endif
