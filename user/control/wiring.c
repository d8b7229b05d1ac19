/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* wiring - bridges and cables: the devices of networks and endpoints */
#include "control/wiring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/direct.h"
#include "control/inside.h"
#include "control/loopback.h"
#include "kernel/addr.h"
#include "kernel/link.h"
#include "kernel/sysctl.h"
#include "lib/cleanup.h"
#include "lib/log.h"

/* A device's own sysctl; it goes with the device, so there is nothing to
 * restore. family "ipv6" may be missing from a kernel. */
static int device_sysctl(const char *family, const char *device,
			 const char *name, const char *value, struct err *err)
{
	char path[128];
	int rc;

	snprintf(path, sizeof(path), "net/%s/conf/%s/%s", family, device, name);
	rc = sysctl_write(path, value, err);
	return rc == -ENOENT && !strcmp(family, "ipv6") ? 0 : rc;
}

/* A device of this name and another kind is somebody else's: -ENODEV. */
static int ours_get(struct work *work, const char *name, const char *kind,
		    struct link_info *ret, struct err *err)
{
	int rc = link_get(work->nl, name, ret, err);

	if (!rc && strcmp(ret->kind, kind) != 0)
		return err_set(err, -ENODEV, "device '%s' is no %s", name,
			       kind);
	return rc;
}

static int check_free(struct work *work, const char *device, struct err *err)
{
	struct link_info link;
	int rc;

	if (!device[0])
		return 0;
	rc = link_get(work->nl, device, &link, err);
	if (!rc)
		return err_set(err, -EEXIST, "device '%s' exists already",
			       device);
	return rc == -ENODEV ? 0 : rc;
}

int network_check_free(struct work *work, const struct network *network,
		       struct err *err)
{
	return check_free(work, network->bridge, err);
}

int endpoint_check_free(struct work *work, const struct endpoint *endpoint,
			struct err *err)
{
	return check_free(work, endpoint->host_ifname, err);
}

bool network_is_wired(struct work *work, const struct network *network)
{
	struct link_info link;

	return network->type == NETWORK_P2P ||
	       !link_get(work->nl, network->bridge, &link, NULL);
}

bool endpoint_is_wired(struct work *work, const struct endpoint *endpoint)
{
	struct link_info link;

	if (!endpoint->host_ifname[0])
		return direct_is_wired(endpoint);
	return !link_get(work->nl, endpoint->host_ifname, &link, NULL);
}

/* -------------------------------------------------------- the host's side */

static bool network_has_v6(const struct network *network)
{
	for (size_t i = 0; i < network->nsubnets; i++)
		if (!ip_is_v4(&network->subnets[i].addr))
			return true;
	return false;
}

/* Route look-ups on behalf of containers come in by this device, and so do the
 * packets that are left to the stack. One without IPv6 subnets has no IPv6 at
 * all, no link-local address either. */
static int gateway_set_sysctls(const struct network *network,
			       const char *device, struct err *err)
{
	bool v6 = network_has_v6(network);
	int rc = device_sysctl("ipv4", device, "forwarding", "1", err);

	rc = rc ? rc :
		  device_sysctl("ipv6", device, "disable_ipv6", v6 ? "0" : "1",
				err);
	rc = rc ? rc : device_sysctl("ipv6", device, "accept_ra", "0", err);
	if (!rc && v6)
		rc = device_sysctl("ipv6", device, "forwarding", "1", err);
	return rc;
}

/* Makes a device the network's gateway: a bridge, or the host's end of a
 * cable. */
static int gateway_set_up(struct work *work, const struct network *network,
			  const struct link_info *link, struct err *err)
{
	int rc = gateway_set_sysctls(network, link->name, err);

	for (size_t i = 0; i < network->nsubnets && !rc; i++) {
		struct cidr cidr = { .addr = network->gateways[i],
				     .len = network->subnets[i].len };

		rc = addr_add(work->nl, link->ifindex, &cidr, err);
	}
	return rc;
}

static int bridge_set_up(struct work *work, const struct network *network,
			 struct err *err)
{
	struct link_info link;
	int rc = link_get(work->nl, network->bridge, &link, err);

	rc = rc ? rc : gateway_set_up(work, network, &link, err);
	return rc ? rc : link_set_up(work->nl, link.ifindex, true, err);
}

/* ------------------------------------------------------------- networks */

/* Of a network of type p2p, the endpoints make the cable. */
int wire_network(struct work *work, const struct network *network,
		 struct err *err)
{
	int rc;

	if (network->type == NETWORK_P2P)
		return 0;
	rc = link_add_bridge(work->nl, network->bridge, network->mac,
			     host_mtu(work->host, work_model(work), network),
			     err);
	if (rc)
		return err_prefix(err, "bridge %s", network->bridge);
	rc = bridge_set_up(work, network, err);
	if (!rc)
		return 0;
	link_del(work->nl, network->bridge, NULL);
	return err_prefix(err, "bridge %s", network->bridge);
}

int unwire_network(struct work *work, const struct network *network,
		   struct err *err)
{
	struct link_info link;
	int rc;

	if (network->type == NETWORK_P2P)
		return 0;
	rc = ours_get(work, network->bridge, "bridge", &link, err);
	if (!rc)
		rc = link_del(work->nl, network->bridge, err);
	return rc == -ENODEV ? 0 : rc;
}

/* ------------------------------------------------------------ endpoints */

bool endpoint_is_known(const struct work *work, const struct endpoint *endpoint)
{
	for (size_t i = 0; i < work->actual->nendpoints; i++)
		if (work->actual->endpoints[i].slot == endpoint->slot)
			return true;
	return false;
}

/* The number may have had another owner. Who is made again goes on counting. */
int endpoint_clear_counters(struct work *work, const struct endpoint *endpoint,
			    struct err *err)
{
	if (!work->dp || work->replaying || endpoint_is_known(work, endpoint))
		return 0;
	return counters_endpoint_clear(work->dp, endpoint->slot, err);
}

/* On a bridge, the host end has no addresses of its own, no link-local one
 * either. It stays down until the tables know it, see apply.c. */
static int host_end_set_up(struct work *work, const struct endpoint *endpoint,
			   const struct network *network, struct err *err)
{
	struct link_info link;
	int rc = link_get(work->nl, endpoint->host_ifname, &link, err);

	if (!rc && network->type == NETWORK_P2P)
		rc = gateway_set_up(work, network, &link, err);
	else if (!rc)
		rc = device_sysctl("ipv6", endpoint->host_ifname,
				   "disable_ipv6", "1", err);
	rc = rc ? rc : endpoint_clear_counters(work, endpoint, err);
	return rc ? rc : attach_endpoint(work->dp, link.ifindex, err);
}

static int cable_add(struct work *work, const struct endpoint *endpoint,
		     const struct network *network, int netns, struct err *err)
{
	struct link_info bridge, own;
	struct veth veth = {
		.host_name = endpoint->host_ifname,
		.mtu = host_mtu(work->host, work_model(work), network),
		.peer_netns_fd = netns,
		.peer_name = endpoint->ifname,
		.peer_mac = endpoint->mac,
	};
	int rc = 0;

	if (network->type == NETWORK_P2P) {
		veth.host_mac = network->mac;
	} else {
		rc = link_get(work->nl, network->bridge, &bridge, err);
		veth.master = rc ? 0 : bridge.ifindex;
	}
	if (rc)
		return rc;
	rc = link_add_veth(work->nl, &veth, err);
	/* The kernel does not say which end it is about. */
	if (rc == -EEXIST && link_get(work->nl, veth.host_name, &own, NULL))
		err_hint(err, "the namespace has an '%s': 'ifname NAME'",
			 veth.peer_name);
	return rc ? err_prefix(err, "cable %s to %s", endpoint->host_ifname,
			       endpoint->ifname) :
		    0;
}

int wire_endpoint(struct work *work, const struct endpoint *endpoint,
		  struct err *err)
{
	const struct network *network =
		model_find_network(work_model(work), endpoint->network);
	_cleanup_inside_ struct inside inside = INSIDE_CLOSED;
	int rc;

	if (!network)
		return err_set(err, -ENOENT, "no network '%s'",
			       endpoint->network);
	if (!endpoint->host_ifname[0])
		return direct_wire(work, endpoint, err);
	rc = inside_open(endpoint, &inside, err);
	rc = rc ? rc : cable_add(work, endpoint, network, inside.netns, err);
	if (rc)
		return rc;

	rc = host_end_set_up(work, endpoint, network, err);
	rc = rc ? rc : inside_set_up(&inside, endpoint, network, err);
	if (rc)
		unwire_endpoint(work, endpoint, NULL);
	return rc;
}

/* The index that the tables have for an endpoint whose device is gone; 0: they
 * have none, or the device of that index lives and is somebody else's. */
static int known_index(struct work *work, const struct endpoint *endpoint)
{
	struct endpoint_val value;
	struct link_info link;

	for (size_t i = 0; i < endpoint->nips; i++)
		if (!table_get(work->dp, MAP_ADDRS, &endpoint->ips[i],
			       &value) &&
		    value.slot == endpoint->slot)
			return link_get_index(work->nl, (int)value.ifindex,
					      &link, NULL) == -ENODEV ?
				       (int)value.ifindex :
				       0;
	return 0;
}

/* The device goes first: it never runs without the programs. Once it is gone
 * nothing brings the endpoint back, so what follows does not fail it. */
int unwire_endpoint(struct work *work, const struct endpoint *endpoint,
		    struct err *err)
{
	struct err later;
	struct link_info link = { 0 };
	int rc;

	if (!endpoint->host_ifname[0]) {
		rc = direct_unwire(endpoint, err);
		if (!rc)
			loopback_put_back(work, endpoint);
		return rc;
	}
	rc = ours_get(work, endpoint->host_ifname, "veth", &link, err);
	if (!rc)
		rc = link_del(work->nl, endpoint->host_ifname, err);
	if (rc && rc != -ENODEV)
		return rc;
	loopback_put_back(work, endpoint);
	if (!work->dp)
		return 0;
	if (rc)
		link.ifindex = known_index(work, endpoint);
	if (link.ifindex && detach_endpoint(work->dp, link.ifindex, &later)) {
		log_warn("endpoint '%s': %s", endpoint->name, later.text);
		work->untidy = true;
	}
	return 0;
}

static int inside_set_mtu(const struct endpoint *endpoint, unsigned int mtu,
			  struct err *err)
{
	_cleanup_inside_ struct inside inside = INSIDE_CLOSED;
	struct link_info link;
	int rc = inside_open(endpoint, &inside, err);

	rc = rc ? rc : link_get(inside.nl, endpoint->ifname, &link, err);
	return rc ? rc : link_set_mtu(inside.nl, link.ifindex, mtu, err);
}

/* An endpoint whose device is gone is no failure: the plan may have removed it
 * just now. */
static int endpoint_set_mtu(struct work *work, const struct endpoint *endpoint,
			    unsigned int mtu, struct err *err)
{
	struct link_info link;
	int rc;

	if (!endpoint->host_ifname[0])
		return direct_is_wired(endpoint) ?
			       inside_set_mtu(endpoint, mtu, err) :
			       0;
	rc = link_get(work->nl, endpoint->host_ifname, &link, err);
	if (rc == -ENODEV)
		return 0;
	if (rc || link.mtu == mtu)
		return rc;
	rc = link_set_mtu(work->nl, link.ifindex, mtu, err);
	return rc ? rc : inside_set_mtu(endpoint, mtu, err);
}

static int bridge_set_mtu(struct work *work, const struct network *network,
			  unsigned int mtu, struct err *err)
{
	struct link_info link;
	int rc = link_get(work->nl, network->bridge, &link, err);

	if (rc || link.mtu == mtu)
		return rc;
	return link_set_mtu(work->nl, link.ifindex, mtu, err);
}

int rewire_network(struct work *work, const struct network *network,
		   struct err *err)
{
	unsigned int mtu = host_mtu(work->host, work_model(work), network);
	int rc = 0;

	if (network->type == NETWORK_BRIDGE)
		rc = bridge_set_mtu(work, network, mtu, err);
	for (size_t i = 0; i < work->actual->nendpoints && !rc; i++)
		if (!strcmp(work->actual->endpoints[i].network, network->name))
			rc = endpoint_set_mtu(work, &work->actual->endpoints[i],
					      mtu, err);
	return rc;
}
