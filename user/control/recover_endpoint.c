/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* recover_endpoint - endpoints and their ports, read back from the tables */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/identity.h"
#include "control/recover.h"
#include "kernel/netns.h"
#include "lib/cleanup.h"
#include "lib/log.h"

#define NETNS_DIR "/run/netns"

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

/* ------------------------------------------------------------- namespaces */

static int on_default(const struct default_route *route, void *arg)
{
	struct endpoint *endpoint = arg;

	(void)route;
	endpoint->default_route = true;
	return 0;
}

/* Is the other end of its cable there? Then also its name and its route. Numbers
 * of devices, and MACs, are the same in the namespaces of another instance that
 * was made alike: it is the namespace's own number that tells. */
static bool look_inside(struct nl *host, const char *netns,
			const struct link_info *host_end,
			struct endpoint *endpoint)
{
	_cleanup_close_ int fd = netns_open(netns, NULL);
	struct link_info link;
	struct nl *nl;
	bool found;
	int nsid;

	if (fd < 0 || host_end->peer_nsid < 0 ||
	    link_nsid(host, fd, &nsid, NULL) || nsid != host_end->peer_nsid ||
	    nl_open(fd, &nl, NULL))
		return false;
	found = !link_get_index(nl, host_end->peer, &link, NULL) &&
		!memcmp(link.mac, endpoint->mac, sizeof(link.mac));
	if (found) {
		memcpy(endpoint->ifname, link.name, sizeof(endpoint->ifname));
		route_each_default(nl, AF_INET, on_default, endpoint, NULL);
		route_each_default(nl, AF_INET6, on_default, endpoint, NULL);
	}
	nl_close(nl);
	return found;
}

static bool find_netns(struct nl *host, const struct link_info *host_end,
		       struct endpoint *endpoint)
{
	DIR *dir = opendir(NETNS_DIR);
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		if (!name_is_valid(entry->d_name))
			continue;
		found = look_inside(host, entry->d_name, host_end, endpoint);
		if (found)
			snprintf(endpoint->netns, sizeof(endpoint->netns), "%s",
				 entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* One that was there before stays when its last endpoint goes; whether this one
 * was, nobody knows any more. */
static int add_netns(struct model *model, const struct endpoint *endpoint,
		     struct err *err)
{
	struct netns netns = { .implied = true, .adopted = true };

	if (endpoint->netns[0] == '/' || !strncmp(endpoint->netns, "pid:", 4) ||
	    model_find_netns(model, endpoint->netns))
		return 0;
	snprintf(netns.name, sizeof(netns.name), "%.*s", NAME_LEN_MAX,
		 endpoint->netns);
	identity_take_netns(&netns);
	return model_add_netns(model, &netns) ? 0 : no_memory(err);
}

/* -------------------------------------------------------------- endpoints */

static int on_addr(const void *key, const void *value, void *arg)
{
	const struct endpoint_val *owner = value;
	struct endpoint *e = arg;

	if (owner->slot == e->slot && e->nips < ENDPOINT_ADDRS_MAX)
		e->ips[e->nips++] = *(const struct ipaddr *)key;
	return 0;
}

/* One a subnet, in the order of the network's. */
static void sort_addrs(struct endpoint *e, const struct network *network)
{
	struct endpoint found = *e;

	e->nips = 0;
	for (size_t k = 0; k < network->nsubnets; k++)
		for (size_t i = 0; i < found.nips; i++)
			if (cidr_contains(&network->subnets[k], &found.ips[i]))
				e->ips[e->nips++] = found.ips[i];
}

static const struct network *network_by_id(const struct model *model, __u32 id)
{
	for (size_t i = 0; i < model->nnetworks; i++)
		if (model->networks[i].id == id)
			return &model->networks[i];
	return NULL;
}

/* A port of it whose record can be read names it. */
struct naming {
	const struct model *model;
	struct endpoint *endpoint;
};

static int on_named_port(const void *key, const void *value, void *arg)
{
	const struct publish_val *port = value;
	struct naming *naming = arg;

	(void)key;
	for (size_t i = 0; i < naming->model->npublishes; i++)
		if (port->slot == naming->endpoint->slot &&
		    naming->model->publishes[i].id == port->id)
			snprintf(naming->endpoint->name,
				 sizeof(naming->endpoint->name), "%s",
				 naming->model->publishes[i].endpoint);
	return 0;
}

static int find_name(struct recovery *recovery, struct endpoint *e,
		     struct err *err)
{
	struct naming naming = { recovery->model, e };
	int rc = table_visit(recovery->dp, MAP_PUBLISH, on_named_port, &naming,
			     err);

	if (rc || e->name[0])
		return rc;
	if (!strncmp(e->host_ifname, "bne-", 4) &&
	    name_is_valid(e->host_ifname + 4))
		snprintf(e->name, sizeof(e->name), "%s", e->host_ifname + 4);
	else
		snprintf(e->name, sizeof(e->name), "endpoint-%u", e->slot);
	return 0;
}

static int recover_endpoint(struct recovery *recovery,
			    const struct endpoint_val *value, struct err *err)
{
	const struct link_info *link =
		host_find_index(recovery->host, (int)value->ifindex);
	const struct network *network =
		network_by_id(recovery->model, value->network);
	struct endpoint e = { .slot = value->slot };
	int rc;

	if (!link)
		return 0;
	memcpy(e.mac, value->mac, sizeof(e.mac));
	memcpy(e.host_ifname, link->name, sizeof(e.host_ifname));
	rc = find_name(recovery, &e, err);
	rc = rc ? rc : table_visit(recovery->dp, MAP_ADDRS, on_addr, &e, err);
	if (rc)
		return rc;
	if (!network || !find_netns(recovery->nl, link, &e)) {
		log_warn("endpoint '%s' cannot be recovered: %s, 'ip link del "
			 "%s' removes its device",
			 e.name,
			 network ? "its namespace has no name" :
				   "its network is not known",
			 link->name);
		recovery->lost++;
		return 0;
	}
	snprintf(e.network, sizeof(e.network), "%s", network->name);
	sort_addrs(&e, network);
	identity_take(&e);
	recovery->found++;
	log_warn("endpoint '%s' is recovered", e.name);
	if (!model_add_endpoint(recovery->model, &e))
		return no_memory(err);
	return add_netns(recovery->model, &e, err);
}

struct lost {
	const struct model *model;
	struct endpoint_val list[ENDPOINTS_MAX];
	size_t count;
};

static int on_endpoint(const void *key, const void *value, void *arg)
{
	const struct endpoint_val *endpoint = value;
	struct lost *lost = arg;

	(void)key;
	for (size_t i = 0; i < lost->model->nendpoints; i++)
		if (lost->model->endpoints[i].slot == endpoint->slot)
			return 0;
	if (lost->count < ENDPOINTS_MAX)
		lost->list[lost->count++] = *endpoint;
	return 0;
}

int recover_endpoints(struct recovery *recovery, struct err *err)
{
	_cleanup_free_ struct lost *lost = calloc(1, sizeof(*lost));
	int rc;

	if (!lost)
		return no_memory(err);
	lost->model = recovery->model;
	rc = table_visit(recovery->dp, MAP_ENDPOINTS, on_endpoint, lost, err);
	for (size_t i = 0; i < lost->count && !rc; i++)
		rc = recover_endpoint(recovery, &lost->list[i], err);
	for (size_t i = 0; i < recovery->model->nendpoints && !rc; i++)
		rc = add_netns(recovery->model, &recovery->model->endpoints[i],
			       err);
	return rc;
}

/* ------------------------------------------------------------------ ports */

/* What the rows of one id say together. */
struct port_search {
	const struct model *model;
	struct publish *list;
	__u16 *slots;
	size_t count;
	bool no_memory;
};

static bool is_known(const struct model *model, __u32 id)
{
	for (size_t i = 0; i < model->npublishes; i++)
		if (model->publishes[i].id == id)
			return true;
	return false;
}

static bool is_any(const struct ipaddr *ip)
{
	const struct ipaddr any4 = ip_from_v4(0);

	return ip_is_zero(ip) || ip_equal(ip, &any4);
}

static struct publish *port_entry(struct port_search *search, __u32 id,
				  __u16 slot)
{
	struct publish *list;
	__u16 *slots;

	for (size_t i = 0; i < search->count; i++)
		if (search->list[i].id == id)
			return &search->list[i];
	list = reallocarray(search->list, search->count + 1, sizeof(*list));
	if (list)
		search->list = list;
	slots = reallocarray(search->slots, search->count + 1, sizeof(*slots));
	if (slots)
		search->slots = slots;
	if (!list || !slots)
		return NULL;
	slots[search->count] = slot;
	list[search->count] = (struct publish){ .id = id };
	return &list[search->count++];
}

/* A row at the endpoint's own address is there because its network is routed,
 * beside those that the port was published by. */
static int on_port(const void *key_ptr, const void *value_ptr, void *arg)
{
	const struct publish_key *key = key_ptr;
	const struct publish_val *value = value_ptr;
	struct port_search *search = arg;
	__u16 port = ntohs(key->port);
	struct publish *p;

	if (is_known(search->model, value->id) ||
	    ip_equal(&key->host, &value->backend))
		return 0;
	p = port_entry(search, value->id, value->slot);
	if (!p)
		return -ENOMEM;
	p->proto = key->proto;
	p->any_host |= is_any(&key->host);
	if (!p->any_host)
		p->host_ip = key->host;
	if (!p->port || port < p->port) {
		p->port = port;
		p->target_port = ntohs(value->backend_port);
	}
	if (port > p->port_last)
		p->port_last = port;
	return 0;
}

static int on_from(const void *key, const void *value, void *arg)
{
	const struct publish_from_key *from = key;
	struct publish *p = arg;
	unsigned int mapped = *(const __u8 *)value == PREFIX_V4 ? 96 : 0;

	if (from->publish == p->id && p->nfrom < PUBLISH_FROM_MAX)
		p->from[p->nfrom++] = (struct cidr){
			.addr = from->addr,
			.len = from->prefix_bits - 32 - mapped,
		};
	return 0;
}

static int recover_port(struct recovery *recovery, struct publish *p,
			__u16 slot, struct err *err)
{
	const struct model *model = recovery->model;
	char text[96];

	for (size_t i = 0; i < model->nendpoints; i++)
		if (model->endpoints[i].slot == slot)
			snprintf(p->endpoint, sizeof(p->endpoint), "%s",
				 model->endpoints[i].name);
	publish_print(p, text, sizeof(text));
	if (!p->endpoint[0]) {
		log_warn("port %s cannot be recovered: its endpoint is lost",
			 text);
		recovery->lost++;
		return 0;
	}
	recovery->found++;
	log_warn("port %s of '%s' is recovered", text, p->endpoint);
	if (table_visit(recovery->dp, MAP_PUB_FROM, on_from, p, err))
		return err->code;
	return model_add_publish(recovery->model, p) ? 0 : no_memory(err);
}

int recover_publishes(struct recovery *recovery, struct err *err)
{
	struct port_search search = { .model = recovery->model };
	int rc = table_visit(recovery->dp, MAP_PUBLISH, on_port, &search, err);

	for (size_t i = 0; i < search.count && !rc; i++)
		rc = recover_port(recovery, &search.list[i], search.slots[i],
				  err);
	free(search.list);
	free(search.slots);
	return rc;
}
