/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* audit_inside - the container's side of an endpoint */
#include <string.h>
#include <sys/socket.h>

#include "control/audit.h"
#include "control/direct.h"
#include "control/inside.h"
#include "lib/cleanup.h"

struct view {
	struct audit *audit;
	const struct endpoint *endpoint;
	const struct network *network;
	const char *object;
	struct inside *inside;
	struct link_info link;
};

/* The container may do with its device as it likes: these are warnings. */
static struct finding *inside_defect(const struct view *view, const char *what)
{
	return audit_defect(view->audit, "endpoint", SEVERITY_WARNING,
			    view->object, "%s in its namespace %s",
			    view->endpoint->ifname, what);
}

static void inside_mended(const struct view *view, struct finding *finding,
			  int rc, const struct err *err)
{
	audit_mended(view->audit, finding, rc, err);
}

/* ------------------------------------------------------------- addresses */

struct search {
	int ifindex;
	struct cidr cidr;
	struct ipaddr gateway;
	bool found;
};

static int on_addr(const struct addr_info *addr, void *arg)
{
	struct search *search = arg;

	search->found |= addr->ifindex == search->ifindex &&
			 ip_equal(&addr->cidr.addr, &search->cidr.addr);
	return 0;
}

static int on_default(const struct default_route *route, void *arg)
{
	struct search *search = arg;

	search->found |= route->ifindex == search->ifindex &&
			 ip_equal(&route->gateway, &search->gateway);
	return 0;
}

static void audit_addr(const struct view *view, const struct cidr *cidr)
{
	struct search search = { .ifindex = view->link.ifindex, .cidr = *cidr };
	struct finding *finding;
	char text[CIDR_TEXT_MAX];
	struct err err;

	if (addr_each(view->inside->nl, on_addr, &search, NULL) || search.found)
		return;
	finding = audit_defect(view->audit, "endpoint", SEVERITY_WARNING,
			       view->object,
			       "%s in its namespace lacks address %s: nobody "
			       "reaches it there",
			       view->endpoint->ifname, cidr_print(cidr, text));
	if (view->audit->mend)
		inside_mended(view, finding,
			      addr_add(view->inside->nl, view->link.ifindex,
				       cidr, &err),
			      &err);
}

static void audit_addrs(const struct view *view)
{
	const struct network *network = view->network;

	for (size_t i = 0; i < view->endpoint->nips; i++)
		for (size_t j = 0; j < network->nsubnets; j++) {
			const struct cidr cidr = {
				.addr = view->endpoint->ips[i],
				.len = network->subnets[j].len
			};

			if (cidr_contains(&network->subnets[j], &cidr.addr))
				audit_addr(view, &cidr);
		}
}

/* --------------------------------------------------------------- routes */

static void audit_route(const struct view *view, const struct ipaddr *gateway)
{
	struct search search = { .ifindex = view->link.ifindex,
				 .gateway = *gateway };
	int family = ip_is_v4(gateway) ? AF_INET : AF_INET6;
	struct finding *finding;
	char text[IP_TEXT_MAX];
	struct err err;

	if (route_each_default(view->inside->nl, family, on_default, &search,
			       NULL) ||
	    search.found)
		return;
	finding = audit_defect(view->audit, "endpoint", SEVERITY_WARNING,
			       view->object,
			       "its namespace has no default route by %s: it "
			       "reaches nothing beyond its network",
			       ip_print(gateway, text));
	if (view->audit->mend)
		inside_mended(view, finding,
			      route_add_default(view->inside->nl,
						view->link.ifindex, gateway,
						&err),
			      &err);
}

/* One of each family, as they are made. */
static void audit_routes(const struct view *view)
{
	bool done[2] = { false, false };

	for (size_t i = 0; i < view->network->nsubnets; i++) {
		const struct ipaddr *gateway = &view->network->gateways[i];
		bool v4 = ip_is_v4(gateway);

		if (ip_is_zero(gateway) || done[v4])
			continue;
		audit_route(view, gateway);
		done[v4] = true;
	}
}

/* ------------------------------------------------------------------- all */

static bool has_mac(const struct view *view)
{
	return !memcmp(view->link.mac, view->endpoint->mac,
		       sizeof(view->link.mac));
}

/* Our device, whatever its MAC is now: the other end leads here. */
static bool is_ours(const struct view *view)
{
	const struct link_info *end =
		host_find_link(view->audit->host, view->endpoint->host_ifname);
	const struct control *control = view->audit->control;
	int nsid;

	if (!view->endpoint->host_ifname[0])
		return direct_is_there(&control->model, view->endpoint);
	return end && end->peer == view->link.ifindex && end->peer_nsid >= 0 &&
	       !link_nsid(control->nl, view->inside->netns, &nsid, NULL) &&
	       nsid == end->peer_nsid;
}

static void audit_mac(const struct view *view)
{
	char now[MAC_TEXT_MAX], wanted[MAC_TEXT_MAX];
	struct finding *finding;
	struct err err;

	if (has_mac(view))
		return;
	finding = audit_defect(
		view->audit, "endpoint", SEVERITY_WARNING, view->object,
		"%s in its namespace has MAC %s instead of %s: "
		"what is sent to it does not arrive",
		view->endpoint->ifname, mac_print(view->link.mac, now),
		mac_print(view->endpoint->mac, wanted));
	if (view->audit->mend)
		inside_mended(view, finding,
			      link_set_mac(view->inside->nl, view->link.ifindex,
					   view->endpoint->mac, &err),
			      &err);
}

static void audit_device(struct view *view)
{
	struct finding *finding;
	struct err err;

	if (link_get(view->inside->nl, view->endpoint->ifname, &view->link,
		     NULL) ||
	    (!has_mac(view) && !is_ours(view))) {
		finding = inside_defect(view, "is gone, has another name or "
					      "another MAC");
		finding_hint(finding, "'bpfnet endpoint detach', then attach "
				      "it again");
		return;
	}
	audit_mac(view);
	if (!view->link.up) {
		finding = inside_defect(view, "is down: nothing gets through");
		if (view->audit->mend)
			inside_mended(view, finding,
				      link_set_up(view->inside->nl,
						  view->link.ifindex, true,
						  &err),
				      &err);
	}
	audit_addrs(view);
	if (view->endpoint->default_route)
		audit_routes(view);
}

void audit_inside(struct audit *audit, const struct endpoint *endpoint,
		  const struct network *network)
{
	_cleanup_inside_ struct inside inside = INSIDE_CLOSED;
	char object[80];
	struct view view = { .audit = audit,
			     .endpoint = endpoint,
			     .network = network,
			     .object = audit_object(object, "endpoint",
						    endpoint->name),
			     .inside = &inside };
	struct err err;

	/* What is told already: its device in the host is gone, so is this. */
	if (endpoint->host_ifname[0] &&
	    !host_find_link(audit->host, endpoint->host_ifname))
		return;
	if (inside_open(endpoint, &inside, &err)) {
		report_add(audit->report, "endpoint", SEVERITY_WARNING, object,
			   "its namespace cannot be looked into: %s", err.text);
		return;
	}
	audit_device(&view);
}
