/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* policy - rules with their counters, for `policy list` and `stats` */
#ifndef BPFNET_CLI_POLICY_H
#define BPFNET_CLI_POLICY_H

#include "cli/live.h"
#include "cli/output.h"

extern const struct column policy_columns[];

/* packets and bytes: both directions. */
json_t *policy_array(const struct model *model, struct datapath *dp,
		     const struct live *live);

#endif
