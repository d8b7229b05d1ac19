/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* host - what the kernel shows of the host's namespace: devices, addresses */
#include "control/host.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/log.h"

#define MTU_DEFAULT 1500

/* Room for one more than count. */
static int grow(void **list, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 16;
	void *grown;

	if (count < *room)
		return 0;
	grown = reallocarray(*list, more, size);
	if (!grown)
		return -ENOMEM;
	*list = grown;
	*room = more;
	return 0;
}

static int on_link(const struct link_info *link, void *arg)
{
	struct host *host = arg;

	if (grow((void **)&host->links, host->nlinks, &host->links_room,
		 sizeof(*link)))
		return -ENOMEM;
	host->links[host->nlinks++] = *link;
	return 0;
}

static int on_addr(const struct addr_info *addr, void *arg)
{
	struct host *host = arg;

	if (grow((void **)&host->addrs, host->naddrs, &host->addrs_room,
		 sizeof(*addr)))
		return -ENOMEM;
	host->addrs[host->naddrs++] = *addr;
	return 0;
}

static int on_default(const struct default_route *route, void *arg)
{
	struct host *host = arg;
	struct default_route *defaults;

	defaults = reallocarray(host->defaults, host->ndefaults + 1,
				sizeof(*defaults));
	if (!defaults)
		return -ENOMEM;
	host->defaults = defaults;
	defaults[host->ndefaults++] = *route;
	return 0;
}

static int compare_links(const void *a, const void *b)
{
	int left = ((const struct link_info *)a)->ifindex;
	int right = ((const struct link_info *)b)->ifindex;

	return (left > right) - (left < right);
}

/* In order, each of them once. */
static void sort_links(struct host *host)
{
	struct link_info *links = host->links;
	size_t count = 0;

	if (host->nlinks)
		qsort(links, host->nlinks, sizeof(*links), compare_links);
	for (size_t i = 0; i < host->nlinks; i++)
		if (!count || links[count - 1].ifindex != links[i].ifindex)
			links[count++] = links[i];
	host->nlinks = count;
}

static int index_links(struct host *host, struct err *err)
{
	sort_links(host);
	index_free(&host->names);
	if (index_make(host->nlinks, &host->names))
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < host->nlinks; i++) {
		const char *name = host->links[i].name;

		index_add(&host->names, name, strlen(name), &host->links[i]);
	}
	return 0;
}

static int read_addrs(struct nl *nl, struct host *host, struct err *err)
{
	int rc = addr_each(nl, on_addr, host, err);

	rc = rc ? rc : route_each_default(nl, AF_INET, on_default, host, err);
	return rc ? rc :
		    route_each_default(nl, AF_INET6, on_default, host, err);
}

static int finish(int rc, struct host *host, struct host *ret, struct err *err)
{
	if (rc) {
		host_free(host);
		return err_prefix(err, "read the host's devices");
	}
	*ret = *host;
	return 0;
}

int host_read(struct nl *nl, struct host *ret, struct err *err)
{
	struct host host = { 0 };
	int rc = link_each(nl, on_link, &host, err);

	rc = rc ? rc : index_links(&host, err);
	rc = rc ? rc : read_addrs(nl, &host, err);
	return finish(rc, &host, ret, err);
}

/* Devices that a host's list does not have yet, asked for one by one. */
struct search {
	struct nl *nl;
	const struct host *host;
	struct host found; /* links only, in no order */
};

static int search_end(struct search *search, int rc,
		      const struct link_info *link, struct err *err)
{
	if (rc)
		return rc == -ENODEV ? 0 : rc;
	rc = on_link(link, &search->found);
	return rc ? err_set(err, rc, "out of memory") : 0;
}

static int search_name(struct search *search, const char *name, struct err *err)
{
	struct link_info link;

	if (!name[0] || host_find_link(search->host, name))
		return 0;
	return search_end(search, link_get(search->nl, name, &link, err), &link,
			  err);
}

static int search_index(struct search *search, int ifindex, struct err *err)
{
	struct link_info link;

	if (!ifindex || host_find_index(search->host, ifindex))
		return 0;
	return search_end(search,
			  link_get_index(search->nl, ifindex, &link, err),
			  &link, err);
}

static int search_uplinks(struct search *search, const struct model *model,
			  struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < model->nuplinks && !rc; i++)
		rc = search_name(search, model->uplinks[i].ifname, err);
	return rc;
}

static int search_model(struct search *search, const struct model *model,
			struct err *err)
{
	int rc = search_uplinks(search, model, err);

	for (size_t i = 0; i < model->nnetworks && !rc; i++)
		rc = search_name(search, model->networks[i].bridge, err);
	for (size_t i = 0; i < model->nendpoints && !rc; i++)
		rc = search_name(search, model->endpoints[i].host_ifname, err);
	return rc;
}

static int search_addressed(struct search *search, struct err *err)
{
	const struct host *host = search->host;
	int rc = 0;

	for (size_t i = 0; i < host->naddrs && !rc; i++)
		rc = search_index(search, host->addrs[i].ifindex, err);
	for (size_t i = 0; i < host->ndefaults && !rc; i++)
		rc = search_index(search, host->defaults[i].ifindex, err);
	return rc;
}

/* Frees what was found, in any case. */
static int take_found(struct host *host, struct search *search, int rc,
		      struct err *err)
{
	for (size_t i = 0; i < search->found.nlinks && !rc; i++)
		rc = on_link(&search->found.links[i], host);
	if (rc == -ENOMEM)
		err_set(err, rc, "out of memory");
	if (!rc && search->found.nlinks)
		rc = index_links(host, err);
	host_free(&search->found);
	return rc;
}

int host_look(struct nl *nl, const struct model *model, struct host *ret,
	      struct err *err)
{
	struct host host = { 0 };
	struct search search = { .nl = nl, .host = &host };
	int rc = link_each_port(nl, on_link, &host, err);

	rc = rc ? rc : index_links(&host, err);
	rc = rc ? rc : read_addrs(nl, &host, err);
	rc = rc ? rc : search_model(&search, model, err);
	rc = rc ? rc : search_addressed(&search, err);
	rc = take_found(&host, &search, rc, err);
	return finish(rc, &host, ret, err);
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static int follow_links(struct nl *nl, const struct host *before,
			const char *const *names, size_t count,
			struct host *host, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < before->nlinks && !rc; i++)
		if (!is_one_of(before->links[i].name, names, count))
			rc = on_link(&before->links[i], host);
	for (size_t i = 0; i < count && !rc; i++) {
		struct link_info link;

		if (is_one_of(names[i], names, i))
			continue;
		rc = link_get(nl, names[i], &link, err);
		if (!rc)
			rc = on_link(&link, host);
		else if (rc == -ENODEV)
			rc = 0;
	}
	return rc ? rc : index_links(host, err);
}

int host_follow(struct nl *nl, const struct host *before,
		const char *const *names, size_t count, struct host *ret,
		struct err *err)
{
	struct host host = { 0 };
	int rc = follow_links(nl, before, names, count, &host, err);

	for (size_t i = 0; i < before->ndefaults && !rc; i++)
		rc = on_default(&before->defaults[i], &host);
	if (rc == -ENOMEM)
		err_set(err, rc, "out of memory");
	rc = rc ? rc : addr_each(nl, on_addr, &host, err);
	return finish(rc, &host, ret, err);
}

void host_free(struct host *host)
{
	index_free(&host->names);
	free(host->links);
	free(host->addrs);
	free(host->defaults);
	memset(host, 0, sizeof(*host));
}

const struct link_info *host_find_link(const struct host *host,
				       const char *name)
{
	return index_find_name(&host->names, name);
}

const struct link_info *host_find_index(const struct host *host, int ifindex)
{
	const struct link_info key = { .ifindex = ifindex };

	return host->nlinks ? bsearch(&key, host->links, host->nlinks,
				      sizeof(key), compare_links) :
			      NULL;
}

/* fc00::/7, RFC 4193 */
static bool is_unique_local(const struct ipaddr *ip)
{
	return !ip_is_v4(ip) && (((const __u8 *)ip)[0] & 0xfe) == 0xfc;
}

/* How long an address will serve connections to anywhere; 0: not at all. */
static int addr_worth(const struct addr_info *addr)
{
	if (addr->scope != RT_SCOPE_UNIVERSE || addr->flags & IFA_F_DADFAILED)
		return 0;
	if (addr->flags & (IFA_F_DEPRECATED | IFA_F_TENTATIVE))
		return 1;
	if (is_unique_local(&addr->cidr.addr))
		return 2;
	/* IPv6 privacy addresses: they change by the day (RFC 8981). IPv4 has
	 * the same bit for an address that is not the subnet's first one. */
	return addr->flags & IFA_F_TEMPORARY ? 3 : 4;
}

const struct addr_info *host_find_addr(const struct host *host, int ifindex,
				       bool v4)
{
	const struct addr_info *best = NULL;

	for (size_t i = 0; i < host->naddrs; i++) {
		const struct addr_info *addr = &host->addrs[i];

		if (addr->ifindex != ifindex || !addr_worth(addr) ||
		    ip_is_v4(&addr->cidr.addr) != v4)
			continue;
		if (!best || addr_worth(addr) > addr_worth(best))
			best = addr;
	}
	return best;
}

struct ipaddr host_find_gateway(const struct host *host, int ifindex, bool v4)
{
	const struct default_route *best = NULL;

	for (size_t i = 0; i < host->ndefaults; i++) {
		const struct default_route *route = &host->defaults[i];

		if (route->ifindex != ifindex || ip_is_zero(&route->gateway) ||
		    ip_is_v4(&route->gateway) != v4)
			continue;
		if (!best || route->metric < best->metric)
			best = route;
	}
	return best ? best->gateway : (struct ipaddr){ 0 };
}

static bool has_named_uplinks(const struct model *model)
{
	for (size_t i = 0; i < model->nuplinks; i++)
		if (!model->uplinks[i].automatic)
			return true;
	return false;
}

int host_read_defaults(struct nl *nl, int ret[2], struct err *err)
{
	static const int families[2] = { AF_INET, AF_INET6 };
	int found[2] = { 0, 0 };

	for (size_t i = 0; i < 2; i++) {
		struct default_route route;
		int rc = route_get_default(nl, families[i], &route, err);

		if (rc && rc != -ENOENT)
			return rc;
		found[i] = rc ? 0 : route.ifindex;
	}
	memcpy(ret, found, sizeof(found));
	return 0;
}

static void del_automatic(struct model *model, const struct host *host,
			  const int keep[2])
{
	for (size_t i = model->nuplinks; i-- > 0;) {
		struct uplink *uplink = &model->uplinks[i];
		const struct link_info *link =
			host_find_link(host, uplink->ifname);

		if (uplink->automatic && (!link || (link->ifindex != keep[0] &&
						    link->ifindex != keep[1])))
			model_del_uplink(model, uplink);
	}
}

static int add_automatic(const struct host *host, int ifindex,
			 struct model *model, struct err *err)
{
	struct uplink uplink = { .origin = ORIGIN_CLI, .automatic = true };
	const struct link_info *link = host_find_index(host, ifindex);

	if (!link || model_find_uplink(model, link->name))
		return 0;
	if (link->type != ARPHRD_ETHER) {
		log_warn("the default route's device %s is no Ethernet device, "
			 "so it is no uplink",
			 link->name);
		return 0;
	}
	snprintf(uplink.ifname, sizeof(uplink.ifname), "%s", link->name);
	if (!model_add_uplink(model, &uplink))
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

/* What the model names, or may name in the end. */
static int find_uplinks(struct nl *nl, struct host *host,
			const struct model *model, const int defaults[2],
			struct err *err)
{
	struct search search = { .nl = nl, .host = host };
	int rc = search_uplinks(&search, model, err);

	for (size_t i = 0; i < 2 && !rc; i++)
		rc = search_index(&search, defaults[i], err);
	return take_found(host, &search, rc, err);
}

int host_set_uplinks(struct nl *nl, struct host *host, struct model *model,
		     struct err *err)
{
	int defaults[2] = { 0, 0 };
	int rc = find_uplinks(nl, host, model, defaults, err);

	if (rc)
		return rc;
	if (!model->settings.uplink_auto || !model->nnetworks ||
	    has_named_uplinks(model)) {
		del_automatic(model, host, defaults);
		return 0;
	}
	rc = host_read_defaults(nl, defaults, err);
	/* A default route goes for a moment when a lease is renewed: without
	 * its hooks the device would show private addresses to the world. */
	if (rc || (!defaults[0] && !defaults[1]))
		return rc;
	rc = find_uplinks(nl, host, model, defaults, err);
	if (rc)
		return rc;
	del_automatic(model, host, defaults);
	rc = add_automatic(host, defaults[0], model, err);
	return rc ? rc : add_automatic(host, defaults[1], model, err);
}

static bool addr_equal(const struct addr_info *a, const struct addr_info *b)
{
	return a->ifindex == b->ifindex && addr_worth(a) == addr_worth(b) &&
	       cidr_equal(&a->cidr, &b->cidr);
}

static bool default_equal(const struct default_route *a,
			  const struct default_route *b)
{
	return a->ifindex == b->ifindex && a->metric == b->metric &&
	       ip_equal(&a->gateway, &b->gateway);
}

bool host_equal(const struct host *a, const struct host *b)
{
	if (a->nlinks != b->nlinks || a->naddrs != b->naddrs ||
	    a->ndefaults != b->ndefaults)
		return false;
	for (size_t i = 0; i < a->nlinks; i++)
		if (a->links[i].ifindex != b->links[i].ifindex ||
		    a->links[i].master != b->links[i].master ||
		    a->links[i].up != b->links[i].up ||
		    strcmp(a->links[i].name, b->links[i].name) != 0)
			return false;
	for (size_t i = 0; i < a->naddrs; i++)
		if (!addr_equal(&a->addrs[i], &b->addrs[i]))
			return false;
	for (size_t i = 0; i < a->ndefaults; i++)
		if (!default_equal(&a->defaults[i], &b->defaults[i]))
			return false;
	return true;
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

bool host_is_own_device(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->nnetworks; i++)
		if (!strcmp(model->networks[i].bridge, name))
			return true;
	for (size_t i = 0; i < model->nendpoints; i++)
		if (!strcmp(model->endpoints[i].host_ifname, name))
			return true;
	return false;
}

/* A device of ours may be about to go; between our networks model_check
 * judges. */
static int check_subnet(const struct host *host, const struct model *actual,
			const struct network *network,
			const struct cidr *subnet, struct err *err)
{
	char mine[CIDR_TEXT_MAX], theirs[CIDR_TEXT_MAX];

	for (size_t i = 0; i < host->naddrs; i++) {
		const struct addr_info *addr = &host->addrs[i];
		const struct link_info *link =
			host_find_index(host, addr->ifindex);

		if (addr->scope != RT_SCOPE_UNIVERSE || !link ||
		    host_is_own_device(actual, link->name) ||
		    !cidr_overlaps(subnet, &addr->cidr))
			continue;
		err_set(err, -EADDRINUSE,
			"subnet %s of network '%s' overlaps %s on device %s",
			cidr_print(subnet, mine), network->name,
			cidr_print(&addr->cidr, theirs), link->name);
		err_kind(err, EXIT_CONFLICT, "subnet-overlap");
		err_hint(err, "choose another subnet");
		return -EADDRINUSE;
	}
	return 0;
}

int host_check_subnets(const struct host *host, const struct model *desired,
		       const struct model *actual, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < desired->nnetworks && !rc; i++) {
		const struct network *network = &desired->networks[i];

		if (model_find_network(actual, network->name))
			continue;
		for (size_t j = 0; j < network->nsubnets && !rc; j++)
			rc = check_subnet(host, actual, network,
					  &network->subnets[j], err);
		if (rc)
			err_about(err, "network %s", network->name);
	}
	return rc;
}

int host_check_uplinks(const struct host *host, const struct model *desired,
		       const struct model *actual, struct err *err)
{
	for (size_t i = 0; i < desired->nuplinks; i++) {
		const char *name = desired->uplinks[i].ifname;

		if (host_find_link(host, name) ||
		    model_find_uplink(actual, name))
			continue;
		err_set(err, -ENODEV, "uplink: device '%s' does not exist",
			name);
		err_hint(err, "'ip link' lists the devices");
		err_about(err, "uplink %s", name);
		return -ENODEV;
	}
	return 0;
}
