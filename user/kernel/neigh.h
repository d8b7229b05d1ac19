/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* neigh - neighbour entries: which MAC an address has on a link */
#ifndef BPFNET_NEIGH_H
#define BPFNET_NEIGH_H

#include <stdbool.h>

#include "kernel/nl.h"
#include "lib/ip.h"

/* A permanent entry; replaces whatever was known of ip. */
int neigh_set(struct nl *nl, int ifindex, const struct ipaddr *ip,
	      const __u8 mac[6], struct err *err);
/* The kernel resolves ip at once and keeps the entry fresh by itself
 * (NTF_EXT_MANAGED). -EOPNOTSUPP when it cannot, with nothing left behind. */
int neigh_set_managed(struct nl *nl, int ifindex, const struct ipaddr *ip,
		      struct err *err);
/* As if a packet had just used it: a stale entry is verified, a missing one is
 * resolved (NTF_USE). */
int neigh_use(struct nl *nl, int ifindex, const struct ipaddr *ip,
	      struct err *err);
/* -ENOENT when there is none. */
int neigh_del(struct nl *nl, int ifindex, const struct ipaddr *ip,
	      struct err *err);

/* One entry of the kernel's tables, as a dump or a notification says it. */
struct neigh_info {
	int ifindex;
	struct ipaddr ip;
	__u8 mac[6]; /* zero: not known */
	__u16 state; /* NUD_* */
	bool deleted;
};
/* 0, or -EINVAL for a message that is no IP neighbour with an Ethernet
 * address, a bridge's forwarding entry for instance. */
int neigh_parse(const struct nlmsghdr *nlh, struct neigh_info *ret);
/* Every entry of the namespace, both families. */
int neigh_each(struct nl *nl, void (*visit)(const struct neigh_info *, void *),
	       void *arg, struct err *err);

#endif
