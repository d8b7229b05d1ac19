/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* pace - how often the agent ends idle flows */
#include "agent/pace.h"

#define SECONDS_MIN 4
#define SECONDS_MAX 300
#define SHARE 200 /* of a CPU's time is one pass */
#define NS_IN_SECOND 1000000000ull

unsigned int pace_seconds(uint64_t took_ns, bool nearly_full)
{
	uint64_t seconds = took_ns / (NS_IN_SECOND / SHARE);

	if (nearly_full || seconds < SECONDS_MIN)
		return SECONDS_MIN;
	return seconds < SECONDS_MAX ? (unsigned int)seconds : SECONDS_MAX;
}
