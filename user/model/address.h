/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* address - gateways of networks, free addresses for endpoints */
#ifndef BPFNET_ADDRESS_H
#define BPFNET_ADDRESS_H

#include "model/cable.h"
#include "model/memory.h"

/* Parts of model_fill (fill.h), in this order, after the subnets. 0 or -errno
 * and err; memory, which may be NULL, is only good when it was 0. */
void address_fill_gateways(struct model *desired, const struct model *actual,
			   const struct cables *cables);
int address_fill_endpoints(struct model *desired, const struct model *actual,
			   struct memory *memory, struct err *err);

#endif
