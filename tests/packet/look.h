/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* look - everything that an instance has made, as text that can be compared */
#ifndef BPFNET_TEST_LOOK_H
#define BPFNET_TEST_LOOK_H

#include "control_world.h"

/*
 * Devices, addresses and routes of the host and of every named namespace,
 * pins, the files of /run and /etc/netns, and the content of all tables, flows
 * and counters as well. A device that was made again is the same one: where the
 * kernel has its number, this has its name. Sorted lines; freed by the caller.
 */
char *look(struct world *world);

/* The same without what traffic leaves behind: flows and counters. */
char *look_at_rest(struct world *world);

/* What two looks differ in goes to standard error; true when nothing does. */
bool look_same(const char *before, const char *after);

#endif
