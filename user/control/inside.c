/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* inside - an endpoint's namespace, and what is set up there */
#include "control/inside.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "control/identity.h"
#include "kernel/addr.h"
#include "kernel/link.h"
#include "kernel/netns.h"
#include "kernel/route.h"
#include "kernel/sysctl.h"
#include "lib/cleanup.h"

static int refuse_host(int netns, const struct endpoint *endpoint,
		       struct err *err)
{
	_cleanup_close_ int self = netns_open_self(err);

	if (self < 0)
		return self;
	if (!netns_same(netns, self))
		return 0;
	err_usage(err, "'%s' is the host's own network namespace",
		  endpoint->netns);
	err_hint(err, "an endpoint needs one of its own");
	return err ? err->code : -EINVAL;
}

int inside_open(const struct endpoint *endpoint, struct inside *ret,
		struct err *err)
{
	int rc;

	ret->netns = identity_open(endpoint, err);
	if (ret->netns < 0)
		return ret->netns;
	rc = refuse_host(ret->netns, endpoint, err);
	return rc ? rc : nl_open(ret->netns, &ret->nl, err);
}

void inside_close(struct inside *inside)
{
	if (inside->nl)
		nl_close(inside->nl);
	if (inside->netns >= 0)
		close(inside->netns);
	*inside = (struct inside)INSIDE_CLOSED;
}

static int set_addrs(struct nl *nl, int ifindex,
		     const struct endpoint *endpoint,
		     const struct network *network, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < endpoint->nips && !rc; i++)
		for (size_t j = 0; j < network->nsubnets && !rc; j++) {
			struct cidr cidr = { .addr = endpoint->ips[i],
					     .len = network->subnets[j].len };

			if (cidr_contains(&network->subnets[j], &cidr.addr))
				rc = addr_add(nl, ifindex, &cidr, err);
		}
	return rc;
}

/* One of each family: a second one would be another way to the same place. */
static int set_routes(struct nl *nl, int ifindex, const struct network *network,
		      struct err *err)
{
	bool done[2] = { false, false };
	int rc = 0;

	for (size_t j = 0; j < network->nsubnets && !rc; j++) {
		const struct ipaddr *gateway = &network->gateways[j];
		bool v4 = ip_is_v4(gateway);

		if (ip_is_zero(gateway))
			continue;
		if (!done[v4])
			rc = route_add_default(nl, ifindex, gateway, err);
		if (rc == -EEXIST)
			err_hint(err, "another network has it already: "
				      "'default-route off'");
		done[v4] = true;
	}
	return rc;
}

static bool has_v6(const struct endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->nips; i++)
		if (!ip_is_v4(&endpoint->ips[i]))
			return true;
	return false;
}

/* Engines switch IPv6 off in namespaces that they make; this device has it. */
static int enable_v6(void *arg, struct err *err)
{
	const struct endpoint *endpoint = arg;
	char name[64];
	int rc;

	snprintf(name, sizeof(name), "net/ipv6/conf/%s/disable_ipv6",
		 endpoint->ifname);
	rc = sysctl_write(name, "0", err);
	return rc == -ENOENT ? 0 : rc;
}

int inside_set_up(struct inside *inside, const struct endpoint *endpoint,
		  const struct network *network, struct err *err)
{
	struct nl *nl = inside->nl;
	struct link_info link, lo;
	int rc = link_get(nl, "lo", &lo, err);

	if (!rc && !lo.up)
		rc = link_set_up(nl, lo.ifindex, true, err);
	rc = rc ? rc : link_get(nl, endpoint->ifname, &link, err);
	if (!rc && has_v6(endpoint)) {
		struct endpoint copy = *endpoint;

		rc = netns_run(inside->netns, enable_v6, &copy, err);
	}
	rc = rc ? rc : set_addrs(nl, link.ifindex, endpoint, network, err);
	rc = rc ? rc : link_set_up(nl, link.ifindex, true, err);
	if (!rc && endpoint->default_route)
		rc = set_routes(nl, link.ifindex, network, err);
	return rc;
}
