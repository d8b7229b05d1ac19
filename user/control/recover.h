/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* recover - what a damaged record said, found again in the kernel */
#ifndef BPFNET_RECOVER_H
#define BPFNET_RECOVER_H

#include "control/host.h"
#include "datapath/datapath.h"
#include "model/model.h"

/*
 * Each appends to model what the tables have and it does not: networks first,
 * then endpoints, then ports. Names come from records that name the object, and
 * else from its device. What cannot be found out is a warning.
 */
struct recovery {
	struct nl *nl;
	struct datapath *dp;
	const struct host *host;
	struct model *model;
	size_t found;
	size_t lost;
};

int recover_networks(struct recovery *recovery, struct err *err);
int recover_endpoints(struct recovery *recovery, struct err *err);
int recover_publishes(struct recovery *recovery, struct err *err);

#endif
