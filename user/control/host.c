/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* host - what the kernel shows of the host's namespace: devices, addresses */
#include "control/host.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/route.h"

#define MTU_DEFAULT 1500

static int on_link(const struct link_info *link, void *arg)
{
	struct host *host = arg;
	struct link_info *links;

	links = reallocarray(host->links, host->nlinks + 1, sizeof(*links));
	if (!links)
		return -ENOMEM;
	host->links = links;
	links[host->nlinks++] = *link;
	return 0;
}

static int on_addr(const struct addr_info *addr, void *arg)
{
	struct host *host = arg;
	struct addr_info *addrs;

	addrs = reallocarray(host->addrs, host->naddrs + 1, sizeof(*addrs));
	if (!addrs)
		return -ENOMEM;
	host->addrs = addrs;
	addrs[host->naddrs++] = *addr;
	return 0;
}

int host_read(struct nl *nl, struct host *ret, struct err *err)
{
	struct host host = { 0 };
	int rc = link_each(nl, on_link, &host, err);

	if (!rc)
		rc = addr_each(nl, on_addr, &host, err);
	if (rc) {
		host_free(&host);
		return err_prefix(err, "read the host's devices");
	}
	*ret = host;
	return 0;
}

void host_free(struct host *host)
{
	free(host->links);
	free(host->addrs);
	memset(host, 0, sizeof(*host));
}

const struct link_info *host_find_link(const struct host *host,
				       const char *name)
{
	for (size_t i = 0; i < host->nlinks; i++)
		if (!strcmp(host->links[i].name, name))
			return &host->links[i];
	return NULL;
}

const struct link_info *host_find_index(const struct host *host, int ifindex)
{
	for (size_t i = 0; i < host->nlinks; i++)
		if (host->links[i].ifindex == ifindex)
			return &host->links[i];
	return NULL;
}

const struct addr_info *host_find_addr(const struct host *host, int ifindex,
				       bool v4)
{
	for (size_t i = 0; i < host->naddrs; i++)
		if (host->addrs[i].ifindex == ifindex &&
		    host->addrs[i].scope == RT_SCOPE_UNIVERSE &&
		    ip_is_v4(&host->addrs[i].cidr.addr) == v4)
			return &host->addrs[i];
	return NULL;
}

static bool has_named_uplinks(const struct model *model)
{
	for (size_t i = 0; i < model->nuplinks; i++)
		if (!model->uplinks[i].automatic)
			return true;
	return false;
}

static int add_automatic(struct nl *nl, const struct host *host, int family,
			 struct model *model, struct err *err)
{
	struct uplink uplink = { .origin = ORIGIN_CLI, .automatic = true };
	struct default_route route;
	const struct link_info *link;
	int rc = route_get_default(nl, family, &route, err);

	if (rc == -ENOENT)
		return 0;
	if (rc)
		return rc;
	link = host_find_index(host, route.ifindex);
	if (!link || model_find_uplink(model, link->name))
		return 0;
	snprintf(uplink.ifname, sizeof(uplink.ifname), "%s", link->name);
	if (!model_add_uplink(model, &uplink))
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

int host_set_uplinks(struct nl *nl, const struct host *host,
		     struct model *model, struct err *err)
{
	int rc;

	for (size_t i = model->nuplinks; i-- > 0;)
		if (model->uplinks[i].automatic)
			model_del_uplink(model, &model->uplinks[i]);
	if (!model->settings.uplink_auto || !model->nnetworks ||
	    has_named_uplinks(model))
		return 0;
	rc = add_automatic(nl, host, AF_INET, model, err);
	return rc ? rc : add_automatic(nl, host, AF_INET6, model, err);
}

unsigned int host_mtu(const struct host *host, const struct model *model,
		      const struct network *network)
{
	const struct link_info *link;

	if (network->mtu)
		return network->mtu;
	if (!model->nuplinks)
		return MTU_DEFAULT;
	link = host_find_link(host, model->uplinks[0].ifname);
	return link ? link->mtu : MTU_DEFAULT;
}
