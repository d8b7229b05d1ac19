/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* address - free subnets for networks, free addresses for endpoints */
#ifndef BPFNET_ADDRESS_H
#define BPFNET_ADDRESS_H

#include "model/model.h"

/* Parts of model_fill (fill.h), in this order. 0 or -errno and err. */
int address_fill_networks(struct model *desired, const struct model *actual,
			  struct err *err);
int address_fill_endpoints(struct model *desired, const struct model *actual,
			   struct err *err);

#endif
