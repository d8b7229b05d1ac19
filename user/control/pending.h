/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* pending - an apply that is undone unless somebody confirms it in time */
#ifndef BPFNET_PENDING_H
#define BPFNET_PENDING_H

#include <stdbool.h>

#include <linux/types.h>

#include "lib/err.h"

/* /run/NAME/pending.json */
struct pending {
	__u64 deadline_ns; /* of CLOCK_BOOTTIME: a sleeping machine's time
			    * counts */
	__u32 tries; /* to roll back, that failed */
};

/* -ENOENT: nothing waits. */
int pending_read(const char *instance, struct pending *ret, struct err *err);
int pending_write(const char *instance, const struct pending *pending,
		  struct err *err);
int pending_del(const char *instance, struct err *err);

/*
 * A rollback that fails is tried again by whoever comes next, but each try may
 * disturb traffic, so not for ever. True: only the user can decide any more.
 */
bool pending_is_hopeless(const struct pending *pending);

struct pending pending_make(__u32 seconds);
/* Nanoseconds; not above zero when the time is over. */
__s64 pending_left(const struct pending *pending);
/* The same in seconds that have begun. */
unsigned int pending_left_s(const struct pending *pending);

#endif
