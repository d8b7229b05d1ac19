/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* taken - the host's prefixes, which new subnets keep away from */
#ifndef BPFNET_TAKEN_H
#define BPFNET_TAKEN_H

#include "control/host.h"

/*
 * Gives the networks without subnets theirs, see subnet.h: the host's addresses
 * and routes are in the way, but for those of devices that actual has made.
 * Asks the kernel only when there is such a network.
 */
int taken_fill_subnets(struct nl *nl, const struct host *host,
		       struct model *desired, const struct model *actual,
		       struct err *err);

#endif
