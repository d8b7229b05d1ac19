/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* addr - addresses of network devices */
#ifndef BPFNET_ADDR_H
#define BPFNET_ADDR_H

#include <stdbool.h>

#include "kernel/nl.h"
#include "lib/ip.h"

struct addr_info {
	int ifindex;
	struct cidr cidr;
	__u8 scope; /* RT_SCOPE_* */
	__u32 flags; /* IFA_F_* */
};

/* IPv6 without duplicate address detection (IFA_F_NODAD): usable at once. */
int addr_add(struct nl *nl, int ifindex, const struct cidr *cidr,
	     struct err *err);
int addr_del(struct nl *nl, int ifindex, const struct cidr *cidr,
	     struct err *err);
/* Every address of the namespace, both families. */
int addr_each(struct nl *nl, int (*visit)(const struct addr_info *, void *),
	      void *arg, struct err *err);

#endif
