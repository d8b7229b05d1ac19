/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* device - what the kernel shows of networks' and endpoints' devices */
#ifndef BPFNET_DEVICE_H
#define BPFNET_DEVICE_H

#include "datapath/datapath.h"
#include "model/model.h"

/* "up", "down", or "gone" when the endpoint's end of its cable no longer exists:
 * the one in the host or, where the host has none, the one in its namespace. */
const char *device_state(const struct endpoint *endpoint);

/* The MTU that a network has, also when it follows the uplink's. */
unsigned int device_mtu(const struct model *model,
			const struct network *network);

/* What has passed an endpoint that only its own device counts. Zero when that
 * cannot be read. */
void device_counters(const struct endpoint *endpoint,
		     struct endpoint_stats *ret);

#endif
