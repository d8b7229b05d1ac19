/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* checks - an instance to be checked, and what a check says */
#ifndef BPFNET_TEST_CHECKS_H
#define BPFNET_TEST_CHECKS_H

#include "control/checkup.h"
#include "control_world.h"

/* Applies everything that an instance may have. */
void want_checked(struct world *world);

/* As bpfnet check and bpfnet check --fix; a failure of theirs is the test's. */
struct report check(struct world *world);
void fix(struct world *world);

/* The first one that is so; NULL: none. */
const struct finding *find(const struct report *report, const char *name,
			   enum severity severity, const char *object);
/* No warning and no error. */
void assert_sound(struct world *world);

#endif
