/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* audit_devices - bridges and the host's ends of cables */
#include <stdio.h>
#include <string.h>

#include "control/audit.h"
#include "control/direct.h"
#include "control/identity.h"
#include "kernel/sysctl.h"

/* ------------------------------------------------- what every device has */

/* Is there a device of ours by that name? Reports what is wrong. */
static const struct link_info *find_device(struct audit *audit,
					   const char *check,
					   const char *object, const char *name,
					   const char *kind)
{
	const struct link_info *link = host_find_link(audit->host, name);
	struct finding *finding;

	if (!link) {
		audit_defect(audit, check, SEVERITY_ERROR, object,
			     "device %s is gone: nothing gets through", name);
		return NULL;
	}
	if (!strcmp(link->kind, kind))
		return link;
	finding = report_add(audit->report, check, SEVERITY_ERROR, object,
			     "device %s is somebody else's, it is no %s: "
			     "nothing gets through",
			     name, kind);
	finding_hint(finding, "give it another name: 'ip link set %s name ...'",
		     name);
	return NULL;
}

static void audit_up(struct audit *audit, const char *check, const char *object,
		     const struct link_info *link)
{
	struct finding *finding;
	struct err err;

	if (link->up)
		return;
	finding = audit_defect(audit, check, SEVERITY_ERROR, object,
			       "device %s is down: nothing gets through",
			       link->name);
	if (audit->mend)
		audit_mended(audit, finding,
			     link_set_up(audit->control->nl, link->ifindex,
					 true, &err),
			     &err);
}

static void audit_mtu(struct audit *audit, const char *check,
		      const char *object, const struct link_info *link,
		      const struct network *network)
{
	unsigned int mtu =
		host_mtu(audit->host, &audit->control->model, network);
	struct finding *finding;
	struct err err;

	if (link->mtu == mtu)
		return;
	finding = audit_defect(audit, check, SEVERITY_WARNING, object,
			       "device %s has MTU %u instead of %u: larger "
			       "packets are lost, or smaller ones sent than "
			       "could be",
			       link->name, link->mtu, mtu);
	if (audit->mend)
		audit_mended(audit, finding,
			     link_set_mtu(audit->control->nl, link->ifindex,
					  mtu, &err),
			     &err);
}

/* --------------------------------------------------- the gateway's device */

/* Whoever asks for the gateway's MAC anew gets the new one; what bpfnet forwards
 * comes from the old one. */
static void audit_mac(struct audit *audit, const char *check,
		      const char *object, const struct link_info *link,
		      const struct network *network)
{
	char now[MAC_TEXT_MAX], wanted[MAC_TEXT_MAX];
	struct finding *finding;
	struct err err;

	if (!memcmp(link->mac, network->mac, sizeof(link->mac)))
		return;
	finding = audit_defect(audit, check, SEVERITY_WARNING, object,
			       "device %s has MAC %s instead of %s: who knows "
			       "only that one does not reach the host itself",
			       link->name, mac_print(link->mac, now),
			       mac_print(network->mac, wanted));
	if (audit->mend)
		audit_mended(audit, finding,
			     link_set_mac(audit->control->nl, link->ifindex,
					  network->mac, &err),
			     &err);
}

static bool has_addr(const struct host *host, int ifindex,
		     const struct cidr *cidr)
{
	for (size_t i = 0; i < host->naddrs; i++)
		if (host->addrs[i].ifindex == ifindex &&
		    host->addrs[i].cidr.len == cidr->len &&
		    ip_equal(&host->addrs[i].cidr.addr, &cidr->addr))
			return true;
	return false;
}

static void audit_addrs(struct audit *audit, const char *check,
			const char *object, const struct link_info *link,
			const struct network *network)
{
	for (size_t i = 0; i < network->nsubnets; i++) {
		const struct cidr cidr = { .addr = network->gateways[i],
					   .len = network->subnets[i].len };
		char text[CIDR_TEXT_MAX];
		struct finding *finding;
		struct err err;

		if (has_addr(audit->host, link->ifindex, &cidr))
			continue;
		finding = audit_defect(audit, check, SEVERITY_ERROR, object,
				       "device %s lacks address %s: no way to "
				       "the host and out",
				       link->name, cidr_print(&cidr, text));
		if (audit->mend)
			audit_mended(audit, finding,
				     addr_add(audit->control->nl, link->ifindex,
					      &cidr, &err),
				     &err);
	}
}

static bool network_has(const struct network *network, bool v4)
{
	for (size_t i = 0; i < network->nsubnets; i++)
		if (ip_is_v4(&network->subnets[i].addr) == v4)
			return true;
	return false;
}

static void audit_sysctl(struct audit *audit, const char *check,
			 const char *object, const char *path,
			 const char *wanted)
{
	struct finding *finding;
	char value[32];
	struct err err;

	if (sysctl_read(path, value, sizeof(value), NULL) ||
	    !strcmp(value, wanted))
		return;
	finding = audit_defect(audit, check, SEVERITY_ERROR, object,
			       "%s is %s instead of %s: new connections find "
			       "no route",
			       path, value, wanted);
	if (audit->mend)
		audit_mended(audit, finding, sysctl_write(path, wanted, &err),
			     &err);
}

static void audit_gateway(struct audit *audit, const char *check,
			  const char *object, const struct link_info *link,
			  const struct network *network)
{
	char path[96];

	audit_mac(audit, check, object, link, network);
	/* IPv6 comes first: without it, there are no addresses of it. */
	if (network_has(network, false)) {
		snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6",
			 link->name);
		audit_sysctl(audit, check, object, path, "0");
		snprintf(path, sizeof(path), "net/ipv6/conf/%s/forwarding",
			 link->name);
		audit_sysctl(audit, check, object, path, "1");
	}
	snprintf(path, sizeof(path), "net/ipv4/conf/%s/forwarding", link->name);
	audit_sysctl(audit, check, object, path, "1");
	audit_addrs(audit, check, object, link, network);
}

/* --------------------------------------------------------------- networks */

static void audit_network(struct audit *audit, const struct network *network)
{
	const struct link_info *link;
	char object[80];

	if (network->type == NETWORK_P2P)
		return;
	audit_object(object, "network", network->name);
	link = find_device(audit, "network", object, network->bridge, "bridge");
	if (!link)
		return;
	audit_up(audit, "network", object, link);
	audit_mtu(audit, "network", object, link, network);
	audit_gateway(audit, "network", object, link, network);
}

void audit_networks(struct audit *audit)
{
	const struct model *model = &audit->control->model;

	report_begin(audit->report);
	for (size_t i = 0; i < model->nnetworks; i++)
		audit_network(audit, &model->networks[i]);
	report_end(audit->report, "network", "%zu as recorded",
		   model->nnetworks);
}

/* -------------------------------------------------------------- endpoints */

/* On another bridge it is by somebody's will. */
static void audit_master(struct audit *audit, const char *object,
			 const struct link_info *link,
			 const struct network *network)
{
	const struct link_info *bridge =
		host_find_link(audit->host, network->bridge);
	const struct link_info *other =
		host_find_index(audit->host, link->master);
	struct finding *finding;

	if (!bridge || link->master == bridge->ifindex)
		return;
	if (!other) {
		audit_defect(audit, "endpoint", SEVERITY_ERROR, object,
			     "device %s is no port of %s: broadcasts do not "
			     "get through",
			     link->name, bridge->name);
		return;
	}
	finding = report_add(audit->report, "endpoint", SEVERITY_ERROR, object,
			     "somebody has made device %s a port of %s: "
			     "broadcasts go there",
			     link->name, other->name);
	finding_hint(finding, "'ip link set %s master %s'", link->name,
		     bridge->name);
}

static void audit_host_end(struct audit *audit, const char *object,
			   const struct endpoint *endpoint,
			   const struct network *network)
{
	const struct link_info *link = find_device(
		audit, "endpoint", object, endpoint->host_ifname, "veth");

	if (!link)
		return;
	audit_up(audit, "endpoint", object, link);
	audit_mtu(audit, "endpoint", object, link, network);
	if (network->type == NETWORK_P2P)
		audit_gateway(audit, "endpoint", object, link, network);
	else
		audit_master(audit, object, link, network);
}

/* Whether it is gone for good, with its namespace. */
static bool audit_namespace(struct audit *audit, const char *object,
			    const struct endpoint *endpoint,
			    enum identity identity)
{
	bool has_device =
		host_find_link(audit->host, endpoint->host_ifname) ||
		(!endpoint->host_ifname[0] && direct_is_wired(endpoint));

	if (identity == IDENTITY_SAME ||
	    (identity == IDENTITY_LOST && has_device))
		return false;
	audit_defect(audit, "endpoint", SEVERITY_WARNING, object,
		     identity == IDENTITY_LOST ?
			     "its namespace is gone: its ports lead nowhere" :
			     "its namespace's name stands for another one by "
			     "now: its ports lead nowhere");
	return true;
}

static void audit_endpoint(struct audit *audit, const struct endpoint *endpoint)
{
	const struct network *network =
		model_find_network(&audit->control->model, endpoint->network);
	enum identity identity = identity_of_endpoint(endpoint);
	char object[80];

	audit_object(object, "endpoint", endpoint->name);
	if (!network) {
		report_add(audit->report, "endpoint", SEVERITY_ERROR, object,
			   "its network %s is not known: nothing gets through",
			   endpoint->network);
		return;
	}
	if (audit_namespace(audit, object, endpoint, identity))
		return;
	if (endpoint->host_ifname[0])
		audit_host_end(audit, object, endpoint, network);
	else if (!direct_is_there(&audit->control->model, endpoint))
		audit_defect(audit, "endpoint", SEVERITY_ERROR, object,
			     "its end of the cable is gone: nothing gets "
			     "through");
	if (identity == IDENTITY_SAME)
		audit_inside(audit, endpoint, network);
}

void audit_endpoints(struct audit *audit)
{
	const struct model *model = &audit->control->model;

	report_begin(audit->report);
	for (size_t i = 0; i < model->nendpoints; i++)
		audit_endpoint(audit, &model->endpoints[i]);
	for (size_t i = 0; i < model->nnetns; i++)
		if (identity_of_netns(&model->netns[i]) != IDENTITY_SAME)
			audit_defect(audit, "endpoint", SEVERITY_WARNING,
				     model->netns[i].name,
				     "the namespace of this name is gone, or "
				     "another one");
	report_end(audit->report, "endpoint", "%zu as recorded",
		   model->nendpoints);
}
