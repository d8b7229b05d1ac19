/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* pace - how often the agent ends idle flows */
#ifndef BPFNET_PACE_H
#define BPFNET_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds from one pass, which took so many nanoseconds, to the next: so many
 * that the passes take half a percent of a CPU, at least 4, at most 300. Where
 * the flow table is nearly full, 4: what is idle is in the way there. */
unsigned int pace_seconds(uint64_t took_ns, bool nearly_full);

#endif
