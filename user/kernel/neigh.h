/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* neigh - neighbour entries: which MAC an address has on a link */
#ifndef BPFNET_NEIGH_H
#define BPFNET_NEIGH_H

#include "kernel/nl.h"
#include "lib/ip.h"

/* A permanent entry; replaces whatever was known of ip. */
int neigh_set(struct nl *nl, int ifindex, const struct ipaddr *ip,
	      const __u8 mac[6], struct err *err);
/* The kernel resolves ip at once and keeps the entry fresh by itself
 * (NTF_EXT_MANAGED). -EOPNOTSUPP when it cannot, with nothing left behind. */
int neigh_set_managed(struct nl *nl, int ifindex, const struct ipaddr *ip,
		      struct err *err);
/* -ENOENT when there is none. */
int neigh_del(struct nl *nl, int ifindex, const struct ipaddr *ip,
	      struct err *err);

#endif
