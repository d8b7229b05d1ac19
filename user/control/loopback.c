/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* loopback - lo of a namespace, down again when no endpoint is left there */
#include "control/loopback.h"

#include <string.h>

#include "control/direct.h"
#include "control/inside.h"
#include "kernel/addr.h"
#include "kernel/link.h"
#include "lib/log.h"
#include "model/cable.h"

/* ------------------------------------------------------- who else is there */

static bool is_neighbour(const struct endpoint *a, const struct endpoint *b)
{
	return a->netns_cookie && a->netns_cookie == b->netns_cookie;
}

static bool has_device(struct nl *nl, const struct endpoint *endpoint)
{
	struct link_info link;

	return !link_get(nl, endpoint->ifname, &link, NULL) &&
	       !memcmp(link.mac, endpoint->mac, sizeof(link.mac));
}

/* An endpoint of the model that has its device in the same namespace. */
static const struct endpoint *neighbour_in(const struct model *model,
					   struct nl *nl,
					   const struct endpoint *endpoint)
{
	for (size_t i = 0; i < model->nendpoints; i++)
		if (is_neighbour(&model->endpoints[i], endpoint) &&
		    has_device(nl, &model->endpoints[i]))
			return &model->endpoints[i];
	return NULL;
}

/* All of a namespace say the same of lo, so any will do. */
static const struct endpoint *neighbour(const struct work *work, struct nl *nl,
					const struct endpoint *endpoint)
{
	const struct endpoint *found =
		neighbour_in(work_model(work), nl, endpoint);

	return found ? found : neighbour_in(work->actual, nl, endpoint);
}

/* -------------------------------------------------------------- addresses */

struct addresses {
	int ifindex;
	size_t count; /* of IPv4 */
	struct cidr last;
};

static int on_addr(const struct addr_info *addr, void *arg)
{
	struct addresses *found = arg;

	if (addr->ifindex == found->ifindex && ip_is_v4(&addr->cidr.addr)) {
		found->last = addr->cidr;
		found->count++;
	}
	return 0;
}

static int addresses_of(struct nl *nl, const struct link_info *lo,
			struct addresses *ret, struct err *err)
{
	*ret = (struct addresses){ .ifindex = lo->ifindex };
	return addr_each(nl, on_addr, ret, err);
}

/* 127.0.0.1 stays when lo goes down. Beside others it would be missed: it comes
 * by itself only where there is none. */
static int forget_address(struct nl *nl, const struct link_info *lo,
			  struct err *err)
{
	struct addresses found;
	int rc = addresses_of(nl, lo, &found, err);

	if (rc || found.count != 1 || !ip_is_loopback(&found.last.addr))
		return rc;
	return addr_del(nl, lo->ifindex, &found.last, err);
}

/* ------------------------------------------------------------------- look */

static bool is_made_by_us(const struct model *model,
			  const struct endpoint *endpoint)
{
	const struct netns *netns = model_find_netns(model, endpoint->netns);

	return netns && !netns->adopted;
}

static enum lo_state state_of(struct nl *nl, const struct link_info *lo)
{
	struct addresses found;

	if (lo->up)
		return LO_UP;
	return addresses_of(nl, lo, &found, NULL) || found.count ? LO_DOWN :
								   LO_NEW;
}

/* What cannot be looked into is for the step to fail on. */
static void look(const struct work *work, struct endpoint *endpoint)
{
	_cleanup_inside_ struct inside inside = INSIDE_CLOSED;
	const struct endpoint *other;
	struct link_info lo;

	endpoint->lo_before = LO_UP;
	if (is_made_by_us(work_model(work), endpoint) ||
	    inside_open(endpoint, &inside, NULL) ||
	    link_get(inside.nl, "lo", &lo, NULL))
		return;
	other = neighbour(work, inside.nl, endpoint);
	endpoint->lo_before =
		other ? other->lo_before : state_of(inside.nl, &lo);
}

/* Where the host has no end of the cable, both ends come with the first one. */
void loopback_look(const struct work *work, struct endpoint *endpoint)
{
	struct endpoint *other;

	if (endpoint->host_ifname[0]) {
		look(work, endpoint);
		return;
	}
	if (direct_is_wired(endpoint))
		return;
	look(work, endpoint);
	other = cable_find_other(work_model(work), endpoint);
	if (other)
		look(work, other);
}

/* --------------------------------------------------------------- put back */

static void put_back(const struct work *work, const struct endpoint *endpoint)
{
	_cleanup_inside_ struct inside inside = INSIDE_CLOSED;
	struct link_info lo;
	struct err err;
	int rc;

	if (endpoint->lo_before == LO_UP ||
	    inside_open(endpoint, &inside, NULL) ||
	    neighbour(work, inside.nl, endpoint))
		return;
	rc = link_get(inside.nl, "lo", &lo, &err);
	if (!rc && lo.up)
		rc = link_set_up(inside.nl, lo.ifindex, false, &err);
	if (!rc && endpoint->lo_before == LO_NEW)
		rc = forget_address(inside.nl, &lo, &err);
	if (rc)
		log_warn("endpoint '%s': lo of its namespace is not as it was: "
			 "%s",
			 endpoint->name, err.text);
}

static void put_back_other(const struct work *work, const struct model *model,
			   const struct endpoint *endpoint)
{
	const struct endpoint *other = cable_find_other(model, endpoint);

	if (other && !other->host_ifname[0])
		put_back(work, other);
}

void loopback_put_back(const struct work *work, const struct endpoint *endpoint)
{
	put_back(work, endpoint);
	if (endpoint->host_ifname[0])
		return;
	put_back_other(work, work->actual, endpoint);
	put_back_other(work, work->desired, endpoint);
}
