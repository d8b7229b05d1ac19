/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* taken - the host's prefixes, which new subnets keep away from */
#include "control/taken.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/route.h"
#include "kernel/sysctl.h"
#include "lib/cleanup.h"
#include "model/subnet.h"

struct collector {
	const struct host *host;
	const struct model *actual;
	struct cidr *list;
	size_t len, size;
};

static int collect(struct collector *c, const struct cidr *prefix)
{
	if (!subnet_may_overlap(prefix))
		return 0;
	if (c->len == c->size) {
		size_t size = c->size ? 2 * c->size : 16;
		struct cidr *more = reallocarray(c->list, size, sizeof(*more));

		if (!more)
			return -ENOMEM;
		c->list = more;
		c->size = size;
	}
	c->list[c->len++] = *prefix;
	return 0;
}

/* What leads to our own networks is in the models, which know what goes. */
static bool is_ours(const struct collector *c, int ifindex)
{
	const struct link_info *link = host_find_index(c->host, ifindex);

	return link && host_is_own_device(c->actual, link->name);
}

/* Of the table `local`, only prefixes: the rest are the host's addresses, and
 * the broadcast and anycast addresses of their subnets. */
static bool is_of_an_address(const struct route_info *route)
{
	switch (route->type) {
	case RTN_BROADCAST:
	case RTN_ANYCAST:
	case RTN_MULTICAST:
		return true;
	case RTN_LOCAL:
		return cidr_bits(&route->to) == 128;
	default:
		return false;
	}
}

static int on_route(const struct route_info *route, void *arg)
{
	struct collector *c = arg;

	/* A default route leads everywhere, so also to what nobody has. */
	if (!route->to.len || is_of_an_address(route) ||
	    is_ours(c, route->ifindex))
		return 0;
	return collect(c, &route->to);
}

static int collect_all(struct nl *nl, struct collector *c, struct err *err)
{
	for (size_t i = 0; i < c->host->naddrs; i++) {
		const struct addr_info *addr = &c->host->addrs[i];

		if (!is_ours(c, addr->ifindex) && collect(c, &addr->cidr))
			return err_set(err, -ENOMEM, "out of memory");
	}
	return route_each(nl, on_route, c, err);
}

/* Not in the kernel, or switched off: then its devices take no addresses. */
static bool has_ipv6(void)
{
	char off[8];

	return !sysctl_read("net/ipv6/conf/all/disable_ipv6", off, sizeof(off),
			    NULL) &&
	       !strcmp(off, "0");
}

/* A network that is there keeps its subnets. */
static bool has_open_network(const struct model *desired,
			     const struct model *actual)
{
	for (size_t i = 0; i < desired->nnetworks; i++)
		if (!desired->networks[i].nsubnets &&
		    !model_find_network(actual, desired->networks[i].name))
			return true;
	return false;
}

int taken_fill_subnets(struct nl *nl, const struct host *host,
		       struct model *desired, const struct model *actual,
		       struct err *err)
{
	struct collector c = { .host = host, .actual = actual };
	_cleanup_free_ struct cidr *list = NULL;
	struct taken taken;
	int rc;

	if (!has_open_network(desired, actual))
		return 0;
	rc = collect_all(nl, &c, err);
	list = c.list;
	if (rc)
		return rc;
	taken = (struct taken){
		.prefixes = c.list,
		.count = c.len,
		.no_ipv6 = !has_ipv6(),
	};
	return subnet_fill(desired, actual, &taken, err);
}
