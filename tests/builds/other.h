/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* other - programs that differ in a constant, as those of the next release */
#include <bpfnet/limits.h>

#undef EVENTS_PER_TICK
#define EVENTS_PER_TICK 101
