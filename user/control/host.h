/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* host - what the kernel shows of the host's namespace: devices, addresses */
#ifndef BPFNET_HOST_H
#define BPFNET_HOST_H

#include "kernel/addr.h"
#include "kernel/link.h"
#include "kernel/route.h"
#include "model/index.h"
#include "model/model.h"

struct host {
	struct link_info *links; /* in the order of their numbers */
	size_t nlinks, links_room;
	struct index names; /* of links */
	struct addr_info *addrs;
	size_t naddrs, addrs_room;
	struct default_route *defaults; /* of both families */
	size_t ndefaults;
};

int host_read(struct nl *nl, struct host *ret, struct err *err);
void host_free(struct host *host);

/* As host_read, but of the devices only those that the model names, have an
 * address or a default route, or are a bridge's ports; kind may be empty. The
 * kernel takes its time to list all of a thousand devices: for each it looks
 * through the numbers of all namespaces. */
int host_look(struct nl *nl, const struct model *model, struct host *ret,
	      struct err *err);

/* What the host has become, when nothing but the devices of these names came,
 * changed or went, and addresses. */
int host_follow(struct nl *nl, const struct host *before,
		const char *const *names, size_t count, struct host *ret,
		struct err *err);

/* Do both show the same devices, addresses and default routes, these in the
 * kernel's order? */
bool host_equal(const struct host *a, const struct host *b);

/* The devices of the default routes for IPv4 and IPv6; 0: there is none. */
int host_read_defaults(struct nl *nl, int ret[2], struct err *err);

/* NULL when there is none. */
const struct link_info *host_find_link(const struct host *host,
				       const char *name);
const struct link_info *host_find_index(const struct host *host, int ifindex);
/* The global address of a family on a device that masquerade should use; NULL
 * when there is none. */
const struct addr_info *host_find_addr(const struct host *host, int ifindex,
				       bool v4);
/* The gateway of a family's best default route by a device; zero: none. */
struct ipaddr host_find_gateway(const struct host *host, int ifindex, bool v4);

/* A bridge or a host end that the model has. */
bool host_is_own_device(const struct model *model, const char *name);

/* Puts the devices of the default routes in the place of the model's automatic
 * uplinks, which stay while there is no default route; without networks, with
 * uplinks that the user named, or with uplink_auto off, there are none. The host
 * has the model's uplinks afterwards, where they are there. */
int host_set_uplinks(struct nl *nl, struct host *host, struct model *model,
		     struct err *err);

/* Uplinks that the plan adds must be there: found before anything is done. */
int host_check_uplinks(const struct host *host, const struct model *desired,
		       const struct model *actual, struct err *err);

/* A new network's subnet must not be one that the host is already in by a
 * device of its own: conflict/4 names the device. actual: networks that are
 * there already. */
int host_check_subnets(const struct host *host, const struct model *desired,
		       const struct model *actual, struct err *err);

/* The MTU of a network that leaves it open: its first uplink's, or 1500. */
unsigned int host_mtu(const struct host *host, const struct model *model,
		      const struct network *network);

#endif
