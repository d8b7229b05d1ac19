/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* device - what the kernel shows of networks' and endpoints' devices */
#include "cli/device.h"

#include <string.h>

#include "control/identity.h"
#include "kernel/link.h"
#include "kernel/netns.h"
#include "lib/cleanup.h"

#define MTU_DEFAULT 1500

/* netns -1: the host's. */
static bool find(int netns, const char *name, struct link_info *ret)
{
	struct nl *nl;
	int rc = nl_open(netns, &nl, NULL);

	if (rc)
		return false;
	rc = link_get(nl, name, ret, NULL);
	nl_close(nl);
	return !rc;
}

/* Its end in the host or, without one, in its namespace. */
static bool find_end(const struct endpoint *endpoint, struct link_info *ret)
{
	_cleanup_close_ int netns = -1;

	if (endpoint->host_ifname[0])
		return find(-1, endpoint->host_ifname, ret);
	netns = identity_open(endpoint, NULL);
	return netns >= 0 && find(netns, endpoint->ifname, ret);
}

const char *device_state(const struct endpoint *endpoint)
{
	struct link_info link;

	if (!find_end(endpoint, &link))
		return "gone";
	return link.running ? "up" : "down";
}

static bool find_network(const struct model *model,
			 const struct network *network, struct link_info *ret)
{
	if (network->bridge[0])
		return find(-1, network->bridge, ret);
	for (size_t i = 0; i < model->nendpoints; i++)
		if (!strcmp(model->endpoints[i].network, network->name))
			return find_end(&model->endpoints[i], ret);
	return false;
}

unsigned int device_mtu(const struct model *model,
			const struct network *network)
{
	struct link_info link;

	if (find_network(model, network, &link))
		return link.mtu;
	if (network->mtu)
		return network->mtu;
	/* It has no device yet: what it would get, as host_mtu says. */
	if (model->nuplinks && find(-1, model->uplinks[0].ifname, &link))
		return link.mtu;
	return MTU_DEFAULT;
}

void device_counters(const struct endpoint *endpoint,
		     struct endpoint_stats *ret)
{
	_cleanup_close_ int netns = netns_open(endpoint->netns, NULL);
	struct link_counters counters = { 0 };
	struct nl *nl;

	memset(ret, 0, sizeof(*ret));
	if (netns < 0 || nl_open(netns, &nl, NULL))
		return;
	link_get_counters(nl, endpoint->ifname, &counters, NULL);
	nl_close(nl);
	ret->rx_packets = counters.rx_packets;
	ret->rx_bytes = counters.rx_bytes;
	ret->tx_packets = counters.tx_packets;
	ret->tx_bytes = counters.tx_bytes;
}
