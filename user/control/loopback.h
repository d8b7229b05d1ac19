/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* loopback - lo of a namespace, down again when no endpoint is left there */
#ifndef BPFNET_LOOPBACK_H
#define BPFNET_LOOPBACK_H

#include "control/steps.h"

/* Before the endpoint, which is one of the model's, is made: how lo is in its
 * namespace, or was before the first endpoint came there. In namespaces that
 * bpfnet has made, it is up. */
void loopback_look(const struct work *work, struct endpoint *endpoint);

/* When its device is gone, and no other endpoint has one in that namespace. A
 * failure is logged: nothing else depends on it. */
void loopback_put_back(const struct work *work,
		       const struct endpoint *endpoint);

#endif
