/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* watch - rtnetlink notifications, sorted by what they mean to the datapath */
#include "agent/watch_internal.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* Neighbours whose MAC cached next hops may hold. Few: the gateways and the
 * hosts on the uplinks' own subnets. When there are more, a change of an
 * unknown one counts as a change. */
#define NEIGHBOURS_MAX 1024

struct neighbour {
	int ifindex;
	struct ipaddr ip;
	__u8 mac[6]; /* zero: not known */
	bool stale;
};

struct watch {
	struct mnl_socket *socket;
	struct neighbour neighbours[NEIGHBOURS_MAX];
	size_t nneighbours;
	bool routes;
	bool host;
	char buf[32768];
};

static struct neighbour *neighbour_find(struct watch *watch,
					const struct neigh_info *info)
{
	struct neighbour *new;

	for (size_t i = 0; i < watch->nneighbours; i++)
		if (watch->neighbours[i].ifindex == info->ifindex &&
		    ip_equal(&watch->neighbours[i].ip, &info->ip))
			return &watch->neighbours[i];
	if (watch->nneighbours == NEIGHBOURS_MAX)
		return NULL;
	new = &watch->neighbours[watch->nneighbours++];
	*new = (struct neighbour){ .ifindex = info->ifindex, .ip = info->ip };
	return new;
}

static bool is_known(const struct neighbour *neighbour)
{
	static const __u8 none[6];

	return memcmp(neighbour->mac, none, sizeof(none));
}

static void on_neighbour(const struct neigh_info *info, void *arg)
{
	struct watch *watch = arg;
	struct neighbour *known = neighbour_find(watch, info);

	if (!known) {
		watch->routes = true;
		return;
	}
	if (info->deleted || (info->state & NUD_FAILED)) {
		watch->routes |= is_known(known);
		*known = watch->neighbours[--watch->nneighbours];
		return;
	}
	if (is_known(known) && memcmp(known->mac, info->mac, sizeof(info->mac)))
		watch->routes = true;
	memcpy(known->mac, info->mac, sizeof(known->mac));
	known->stale = info->state & NUD_STALE;
}

/* What is known already, so that the first change is seen as one. */
static int read_neighbours(struct watch *watch, struct err *err)
{
	struct nl *nl;
	int rc = nl_open(-1, &nl, err);

	if (rc)
		return rc;
	watch->nneighbours = 0;
	rc = neigh_each(nl, on_neighbour, watch, err);
	nl_close(nl);
	return rc;
}

static int socket_open(struct watch *watch)
{
	const unsigned int groups[] = {
		RTNLGRP_LINK,	    RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,	 RTNLGRP_NEIGH,
		RTNLGRP_IPV4_RULE,  RTNLGRP_IPV6_RULE
	};

	watch->socket =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!watch->socket || mnl_socket_bind(watch->socket, 0, 0))
		return -errno;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		unsigned int group = groups[i];

		if (mnl_socket_setsockopt(watch->socket, NETLINK_ADD_MEMBERSHIP,
					  &group, sizeof(group)))
			return -errno;
	}
	return 0;
}

struct watch *watch_make(void)
{
	return calloc(1, sizeof(struct watch));
}

int watch_open(struct watch **ret, struct err *err)
{
	struct watch *watch = watch_make();
	int rc;

	if (!watch)
		return err_set(err, -ENOMEM, "out of memory");
	rc = socket_open(watch);
	if (rc)
		err_set(err, rc, "watch rtnetlink: %s", strerror(-rc));
	else
		rc = read_neighbours(watch, err);
	if (rc) {
		watch_close(watch);
		return rc;
	}
	/* What happened before the first read is not known. */
	watch->routes = watch->host = true;
	*ret = watch;
	return 0;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	if (watch->socket)
		mnl_socket_close(watch->socket);
	free(watch);
}

int watch_fd(const struct watch *watch)
{
	return mnl_socket_get_fd(watch->socket);
}

static bool is_default_route(const struct nlmsghdr *nlh)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(nlh);

	return mnl_nlmsg_get_payload_len(nlh) >= sizeof(*route) &&
	       !route->rtm_dst_len;
}

static int on_message(const struct nlmsghdr *nlh, void *data)
{
	struct watch *watch = data;
	struct neigh_info info;

	switch (nlh->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (!neigh_parse(nlh, &info))
			on_neighbour(&info, watch);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_NEWADDR:
	case RTM_DELADDR:
		watch->routes = watch->host = true;
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		watch->routes = true;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		watch->routes = true;
		watch->host |= is_default_route(nlh);
		break;
	}
	return MNL_CB_OK;
}

int watch_feed(struct watch *watch, const void *messages, size_t len)
{
	return mnl_cb_run(messages, len, 0, 0, on_message, watch) < 0 ? -errno :
									0;
}

/* Neighbours may be among what was lost: without them, a MAC that changes
 * later would look like a first resolution. */
static int on_loss(struct watch *watch, struct err *err)
{
	watch->routes = watch->host = true;
	return read_neighbours(watch, err);
}

int watch_read(struct watch *watch, struct err *err)
{
	ssize_t len;
	int rc = 0;

	for (;;) {
		len = mnl_socket_recvfrom(watch->socket, watch->buf,
					  sizeof(watch->buf));
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return 0;
		if (len < 0 && errno == ENOBUFS)
			rc = on_loss(watch, err);
		else if (len < 0)
			return err_set(err, -errno, "receive: %s",
				       strerror(errno));
		else if (watch_feed(watch, watch->buf, len))
			rc = err_set(err, -errno, "parse: %s", strerror(errno));
		if (rc)
			return rc;
	}
}

bool watch_take_routes(struct watch *watch)
{
	bool taken = watch->routes;

	watch->routes = false;
	return taken;
}

bool watch_take_host(struct watch *watch)
{
	bool taken = watch->host;

	watch->host = false;
	return taken;
}

bool watch_take_stale(struct watch *watch, int *ret_ifindex,
		      struct ipaddr *ret_ip)
{
	for (size_t i = 0; i < watch->nneighbours; i++) {
		struct neighbour *neighbour = &watch->neighbours[i];

		if (!neighbour->stale)
			continue;
		neighbour->stale = false;
		*ret_ifindex = neighbour->ifindex;
		*ret_ip = neighbour->ip;
		return true;
	}
	return false;
}

void watch_again(struct watch *watch)
{
	watch->host = true;
}
