/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* watch_internal - the part of watch that needs no kernel */
#ifndef BPFNET_WATCH_INTERNAL_H
#define BPFNET_WATCH_INTERNAL_H

#include <stddef.h>

#include "agent/watch.h"

/* One without a socket, that has seen nothing; NULL when out of memory. */
struct watch *watch_make(void);

/* Takes notifications as the kernel sends them. 0 or -errno. */
int watch_feed(struct watch *watch, const void *messages, size_t len);

#endif
