/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* defaults - of one namespace, only one endpoint has the default route */
#ifndef BPFNET_DEFAULTS_H
#define BPFNET_DEFAULTS_H

#include "model/model.h"

/* Would the kernel refuse the default route of an endpoint that comes, since
 * another one of its namespace has it? desired is filled. 0, or -EEXIST and in err
 * which; -ENOMEM. */
int defaults_check(const struct model *desired, const struct model *actual,
		   struct err *err);

#endif
