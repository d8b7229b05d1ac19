/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sysctl - /proc/sys values of the caller's network namespace */
#ifndef BPFNET_SYSCTL_H
#define BPFNET_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

/* name: path below /proc/sys, "net/ipv4/conf/eth0/forwarding". Values are one
 * line without the newline. -ENOENT when the kernel has no such value. */
int sysctl_read(const char *name, char *value, size_t len, struct err *err);
int sysctl_write(const char *name, const char *value, struct err *err);
/* Writes value unless it is there already; old receives what was there (for
 * the record that restores it), ret_changed says whether it was written. */
int sysctl_set(const char *name, const char *value, char *old, size_t len,
	       bool *ret_changed, struct err *err);

#endif
