/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* watch - rtnetlink notifications, sorted by what they mean to the datapath */
#include "agent/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* A neighbour whose MAC cached next hops may hold. Few: the gateways and the
 * hosts on the uplinks' own subnets. When there are more, a change of an
 * unknown one counts as a change. */
#define NEIGHBOURS_MAX 1024

struct neighbour {
	int ifindex;
	unsigned char addr[16];
	unsigned char mac[6];
};

struct watch {
	struct mnl_socket *socket;
	struct neighbour neighbours[NEIGHBOURS_MAX];
	size_t nneighbours;
	bool routes;
	bool host;
	char buf[32768];
};

int watch_open(struct watch **ret, struct err *err)
{
	const unsigned int groups[] = {
		RTNLGRP_LINK,	    RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,	 RTNLGRP_NEIGH
	};
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return err_set(err, -ENOMEM, "out of memory");
	watch->socket =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!watch->socket || mnl_socket_bind(watch->socket, 0, 0))
		goto failed;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		unsigned int group = groups[i];

		if (mnl_socket_setsockopt(watch->socket, NETLINK_ADD_MEMBERSHIP,
					  &group, sizeof(group)))
			goto failed;
	}
	/* What happened before the first read is not known. */
	watch->routes = watch->host = true;
	*ret = watch;
	return 0;
failed:
	err_set(err, -errno, "watch rtnetlink: %s", strerror(errno));
	watch_close(watch);
	return err ? err->code : -EIO;
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

static int on_attr(const struct nlattr *attr, void *data)
{
	const struct nlattr **attrs = data;
	unsigned int type = mnl_attr_get_type(attr);

	if (type <= NDA_MAX)
		attrs[type] = attr;
	return MNL_CB_OK;
}

static struct neighbour *neighbour_find(struct watch *watch, int ifindex,
					const struct nlattr *dst)
{
	struct neighbour key = { .ifindex = ifindex };
	size_t len = mnl_attr_get_payload_len(dst);

	memcpy(key.addr, mnl_attr_get_payload(dst),
	       len < sizeof(key.addr) ? len : sizeof(key.addr));
	for (size_t i = 0; i < watch->nneighbours; i++)
		if (watch->neighbours[i].ifindex == ifindex &&
		    !memcmp(watch->neighbours[i].addr, key.addr,
			    sizeof(key.addr)))
			return &watch->neighbours[i];
	if (watch->nneighbours == NEIGHBOURS_MAX)
		return NULL;
	watch->neighbours[watch->nneighbours] = key;
	return &watch->neighbours[watch->nneighbours++];
}

static void neighbour_del(struct watch *watch, struct neighbour *neighbour)
{
	*neighbour = watch->neighbours[--watch->nneighbours];
}

static void on_neighbour(struct watch *watch, const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[NDA_MAX + 1] = { NULL };
	const unsigned char none[6] = { 0 };
	struct neighbour *known;
	const void *mac;
	bool lost;

	/* The bridge's forwarding entries are no next hops. */
	if (ndm->ndm_family == AF_BRIDGE)
		return;
	mnl_attr_parse(nlh, sizeof(*ndm), on_attr, attrs);
	if (!attrs[NDA_DST])
		return;
	lost = nlh->nlmsg_type == RTM_DELNEIGH || (ndm->ndm_state & NUD_FAILED);
	known = neighbour_find(watch, ndm->ndm_ifindex, attrs[NDA_DST]);
	if (!known) {
		watch->routes = true;
		return;
	}
	if (lost) {
		watch->routes |= !!memcmp(known->mac, none, sizeof(none));
		neighbour_del(watch, known);
		return;
	}
	if (!attrs[NDA_LLADDR] ||
	    mnl_attr_get_payload_len(attrs[NDA_LLADDR]) != sizeof(known->mac))
		return;
	mac = mnl_attr_get_payload(attrs[NDA_LLADDR]);
	if (memcmp(known->mac, none, sizeof(none)) &&
	    memcmp(known->mac, mac, sizeof(known->mac)))
		watch->routes = true;
	memcpy(known->mac, mac, sizeof(known->mac));
}

static int on_message(const struct nlmsghdr *nlh, void *data)
{
	struct watch *watch = data;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_NEWADDR:
	case RTM_DELADDR:
		watch->routes = watch->host = true;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		/* The default route may have moved to another device. */
		watch->routes = watch->host = true;
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		on_neighbour(watch, nlh);
		break;
	}
	return MNL_CB_OK;
}

int watch_read(struct watch *watch, struct err *err)
{
	ssize_t len;

	for (;;) {
		len = mnl_socket_recvfrom(watch->socket, watch->buf,
					  sizeof(watch->buf));
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == ENOBUFS) {
			watch->routes = watch->host = true;
			continue;
		}
		if (len < 0 && errno == EAGAIN)
			return 0;
		if (len < 0)
			return err_set(err, -errno, "receive: %s",
				       strerror(errno));
		if (mnl_cb_run(watch->buf, len, 0, 0, on_message, watch) < 0)
			return err_set(err, -errno, "parse: %s",
				       strerror(errno));
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

void watch_again(struct watch *watch)
{
	watch->host = true;
}
