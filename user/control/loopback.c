/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* loopback - lo of a namespace, down again when no endpoint is left there */
#include "control/loopback.h"

#include <string.h>

#include "control/direct.h"
#include "control/inside.h"
#include "kernel/link.h"
#include "lib/log.h"
#include "model/cable.h"

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

/* Has an endpoint of the model its device in that namespace? marked: one that
 * says how lo was. */
static bool has_neighbour(struct nl *nl, const struct model *model,
			  const struct endpoint *endpoint, bool marked)
{
	for (size_t i = 0; i < model->nendpoints; i++) {
		const struct endpoint *other = &model->endpoints[i];

		if (is_neighbour(other, endpoint) &&
		    (other->lo_was_down || !marked) && has_device(nl, other))
			return true;
	}
	return false;
}

static bool is_any_there(const struct work *work, struct nl *nl,
			 const struct endpoint *endpoint, bool marked)
{
	return has_neighbour(nl, work->actual, endpoint, marked) ||
	       (work->desired != work->actual &&
		has_neighbour(nl, work->desired, endpoint, marked));
}

static bool is_made_by_us(const struct model *model,
			  const struct endpoint *endpoint)
{
	const struct netns *netns = model_find_netns(model, endpoint->netns);

	return netns && !netns->adopted;
}

/* What cannot be looked into is for the step to fail on. */
static void look(const struct work *work, struct endpoint *endpoint)
{
	_cleanup_inside_ struct inside inside = INSIDE_CLOSED;
	struct link_info lo;

	endpoint->lo_was_down = false;
	if (is_made_by_us(work_model(work), endpoint) ||
	    inside_open(endpoint, &inside, NULL) ||
	    link_get(inside.nl, "lo", &lo, NULL))
		return;
	endpoint->lo_was_down =
		!lo.up || is_any_there(work, inside.nl, endpoint, true);
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

static void put_back(const struct work *work, const struct endpoint *endpoint)
{
	_cleanup_inside_ struct inside inside = INSIDE_CLOSED;
	struct link_info lo;
	struct err err;

	if (!endpoint->lo_was_down || inside_open(endpoint, &inside, NULL) ||
	    is_any_there(work, inside.nl, endpoint, false))
		return;
	if (!link_get(inside.nl, "lo", &lo, &err) &&
	    (!lo.up || !link_set_up(inside.nl, lo.ifindex, false, &err)))
		return;
	log_warn("endpoint '%s': lo stays up in its namespace: %s",
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
