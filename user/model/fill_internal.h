/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fill_internal - what the parts of model_fill share */
#ifndef BPFNET_FILL_INTERNAL_H
#define BPFNET_FILL_INTERNAL_H

#include "model/fill.h"

/* -ENOMEM, and -ENOSPC: all numbers below max are in use. */
int fill_no_memory(struct err *err);
int fill_no_number(struct err *err, const char *what, __u32 max);

int fill_publishes(struct model *desired, const struct model *actual,
		   struct err *err);

#endif
