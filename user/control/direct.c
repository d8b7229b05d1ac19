/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* direct - cables from one endpoint to another, past the host */
#include "control/direct.h"

#include <errno.h>
#include <string.h>

#include "control/inside.h"
#include "control/wiring.h"
#include "kernel/link.h"
#include "kernel/netns.h"
#include "model/cable.h"

struct end {
	const struct endpoint *endpoint;
	struct inside inside;
};

static void end_close(struct end *end)
{
	inside_close(&end->inside);
}

#define _cleanup_end_ __attribute__((cleanup(end_close)))

static int end_open(struct end *end, struct err *err)
{
	int rc = inside_open(end->endpoint, &end->inside, err);

	return rc ? err_prefix(err, "endpoint '%s'", end->endpoint->name) : 0;
}

static int end_set_up(struct end *end, const struct network *network,
		      struct err *err)
{
	int rc = inside_set_up(&end->inside, end->endpoint, network, err);

	return rc ? err_prefix(err, "endpoint '%s'", end->endpoint->name) : 0;
}

/* From the first namespace straight to the second: the host never sees it. */
static int cable_add(struct work *work, const struct network *network,
		     const struct end *from, const struct end *to,
		     struct err *err)
{
	const struct endpoint *a = from->endpoint, *b = to->endpoint;
	const struct veth veth = {
		.host_name = a->ifname,
		.host_mac = a->mac,
		.mtu = host_mtu(work->host, work_model(work), network),
		.peer_netns_fd = to->inside.netns,
		.peer_name = b->ifname,
		.peer_mac = b->mac,
	};
	int rc;

	if (netns_same(from->inside.netns, to->inside.netns)) {
		err_usage(err, "both ends would be in the same namespace");
		err_hint(err, "a cable leads from one to another");
		rc = -EINVAL;
	} else {
		rc = link_add_veth(from->inside.nl, &veth, err);
	}
	return rc ? err_prefix(err, "cable '%s' from '%s' to '%s'",
			       network->name, a->name, b->name) :
		    0;
}

static int wire(struct work *work, const struct network *network,
		const struct endpoint *a, const struct endpoint *b,
		struct err *err)
{
	_cleanup_end_ struct end from = { a, INSIDE_CLOSED };
	_cleanup_end_ struct end to = { b, INSIDE_CLOSED };
	int rc = end_open(&from, err);

	rc = rc ? rc : end_open(&to, err);
	rc = rc ? rc : cable_add(work, network, &from, &to, err);
	if (rc)
		return rc;
	rc = end_set_up(&from, network, err);
	rc = rc ? rc : end_set_up(&to, network, err);
	if (rc)
		link_del(from.inside.nl, a->ifname, NULL);
	return rc;
}

int direct_wire(struct work *work, const struct endpoint *endpoint,
		struct err *err)
{
	const struct model *model = work_model(work);
	const struct network *network =
		model_find_network(model, endpoint->network);
	const struct endpoint *self =
		model_find_endpoint(model, endpoint->name);
	const struct endpoint *other = cable_find_other(model, endpoint);
	int rc;

	if (!network || !self || !other)
		return err_set(err, -ENOENT, "cable '%s': no other end",
			       endpoint->network);
	rc = endpoint_clear_counters(work, self, err);
	if (rc)
		return rc;
	if (direct_is_wired(self))
		return 0;
	return other < self ? wire(work, network, other, self, err) :
			      wire(work, network, self, other, err);
}

/*
 * The endpoint's own device, and not one that happens to have its name: its MAC
 * tells, in case the namespace is another one by now, which has the number of
 * the old one's process. -ENODEV: it is not there.
 */
static int end_find(struct inside *inside, const struct endpoint *endpoint,
		    struct link_info *ret, struct err *err)
{
	int rc = inside_open(endpoint, inside, NULL);

	if (rc)
		return err_set(err, -ENODEV, "its namespace is gone");
	rc = link_get(inside->nl, endpoint->ifname, ret, err);
	if (!rc && (strcmp(ret->kind, "veth") != 0 ||
		    memcmp(ret->mac, endpoint->mac, sizeof(ret->mac))))
		return err_set(err, -ENODEV, "device '%s' is another one",
			       endpoint->ifname);
	return rc;
}

int direct_unwire(const struct endpoint *endpoint, struct err *err)
{
	_cleanup_inside_ struct inside inside = INSIDE_CLOSED;
	struct link_info link;
	int rc = end_find(&inside, endpoint, &link, err);

	rc = rc ? rc : link_del(inside.nl, endpoint->ifname, err);
	return rc == -ENODEV ? 0 : rc;
}

bool direct_is_wired(const struct endpoint *endpoint)
{
	_cleanup_inside_ struct inside inside = INSIDE_CLOSED;
	struct link_info link;

	return !end_find(&inside, endpoint, &link, NULL);
}

/* A veth by that name, of which the other end is the other endpoint's. */
static bool is_led_to(const struct endpoint *endpoint,
		      const struct endpoint *other)
{
	_cleanup_inside_ struct inside near = INSIDE_CLOSED;
	_cleanup_inside_ struct inside far = INSIDE_CLOSED;
	struct link_info link, end;
	int nsid;

	return !end_find(&far, other, &end, NULL) &&
	       !inside_open(endpoint, &near, NULL) &&
	       !link_get(near.nl, endpoint->ifname, &link, NULL) &&
	       !strcmp(link.kind, "veth") && link.ifindex == end.peer &&
	       !link_nsid(far.nl, near.netns, &nsid, NULL) && nsid >= 0 &&
	       nsid == end.peer_nsid;
}

bool direct_is_there(const struct model *model, const struct endpoint *endpoint)
{
	const struct endpoint *other = cable_find_other(model, endpoint);

	return direct_is_wired(endpoint) ||
	       (other && is_led_to(endpoint, other));
}
