/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* home - the network namespace that an instance belongs to */
#ifndef BPFNET_HOME_H
#define BPFNET_HOME_H

#include <stdbool.h>

#include "lib/err.h"

#include <linux/types.h>

/* Is the caller in the namespace with this cookie? 0: no cookie, anywhere. */
int home_is_here(__u64 cookie, bool *ret, struct err *err);

/* Whether a process is in that namespace, or it has a name. */
bool home_exists(__u64 cookie);

#endif
