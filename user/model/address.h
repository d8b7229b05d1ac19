/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* address - gateways of networks, free addresses for endpoints */
#ifndef BPFNET_ADDRESS_H
#define BPFNET_ADDRESS_H

#include "model/cable.h"

/* Parts of model_fill (fill.h), in this order, after the subnets. 0 or -errno
 * and err. */
void address_fill_gateways(struct model *desired, const struct model *actual,
			   const struct cables *cables);
int address_fill_endpoints(struct model *desired, const struct model *actual,
			   struct err *err);

#endif
