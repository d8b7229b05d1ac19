/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* route - routes */
#ifndef BPFNET_ROUTE_H
#define BPFNET_ROUTE_H

#include "kernel/nl.h"
#include "lib/ip.h"

/* A default route of the gateway's family by gateway (-EEXIST: there is one). */
int route_add_default(struct nl *nl, int ifindex, const struct ipaddr *gateway,
		      struct err *err);
/* ip route add CIDR dev IFINDEX scope link; a zero-length prefix is allowed. */
int route_add_link(struct nl *nl, int ifindex, const struct cidr *to,
		   struct err *err);

struct default_route {
	int ifindex;
	struct ipaddr gateway; /* zero: on link */
	__u32 metric;
};
/* Every way of every default route of a family in the main table; what visit
 * returns ends the walk unless it is 0. */
int route_each_default(struct nl *nl, int family,
		       int (*visit)(const struct default_route *, void *),
		       void *arg, struct err *err);
/* The default route of a family (AF_INET, AF_INET6) with the lowest metric in
 * the main table; -ENOENT when there is none. */
int route_get_default(struct nl *nl, int family, struct default_route *ret,
		      struct err *err);

struct route_info {
	int ifindex; /* 0: none, or several */
	struct cidr to;
	__u8 type; /* RTN_* */
};
/* Every route of the namespace in every table, both families. */
int route_each(struct nl *nl, int (*visit)(const struct route_info *, void *),
	       void *arg, struct err *err);

#endif
