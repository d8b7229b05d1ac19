/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* subnet - free subnets for networks that name none */
#ifndef BPFNET_SUBNET_H
#define BPFNET_SUBNET_H

#include "model/model.h"

/* What is not in the models: the host's own. */
struct taken {
	const struct cidr *prefixes; /* of its addresses and routes */
	size_t count;
	bool no_ipv6; /* it has none, so networks get none either */
};

/*
 * Gives each network without subnets those that actual has under its name, else
 * the first free /24 of 10.90.0.0/16 and the first free /64 of fd90::/48: one
 * that overlaps neither a network of either model nor what is taken. When there
 * is none, one of a network that only actual has, since what goes is removed
 * before what comes is made. Pure. 0, or -ENOSPC (conflict/4), -ENOMEM.
 */
int subnet_fill(struct model *desired, const struct model *actual,
		const struct taken *taken, struct err *err);

/* Whether a prefix can be in the way of a subnet that subnet_fill may choose;
 * the others need not be in taken. */
bool subnet_may_overlap(const struct cidr *prefix);

#endif
