/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* route - routes */
#include "kernel/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attr.h"
#include "lib/cleanup.h"

static struct nlmsghdr *route_request(struct nl *nl, bool is_v4,
				      struct rtmsg **ret_rtm)
{
	struct nlmsghdr *req =
		nl_request(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(req, sizeof(*rtm));

	rtm->rtm_family = is_v4 ? AF_INET : AF_INET6;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	*ret_rtm = rtm;
	return req;
}

int route_add_default(struct nl *nl, int ifindex, const struct ipaddr *gateway,
		      struct err *err)
{
	struct rtmsg *rtm;
	struct nlmsghdr *req = route_request(nl, ip_is_v4(gateway), &rtm);
	char text[IP_TEXT_MAX];
	int rc;

	attr_put_ip(req, RTA_GATEWAY, gateway);
	mnl_attr_put_u32(req, RTA_OIF, ifindex);
	rc = nl_talk(nl, req, err);
	if (rc)
		err_prefix(err, "add default route by %s",
			   ip_print(gateway, text));
	return rc;
}

int route_add_link(struct nl *nl, int ifindex, const struct cidr *to,
		   struct err *err)
{
	bool is_v4 = ip_is_v4(&to->addr);
	struct rtmsg *rtm;
	struct nlmsghdr *req = route_request(nl, is_v4, &rtm);
	char text[CIDR_TEXT_MAX];
	int rc;

	/* IPv6 has no scopes of routes. */
	if (is_v4)
		rtm->rtm_scope = RT_SCOPE_LINK;
	rtm->rtm_dst_len = to->len;
	if (to->len)
		attr_put_ip(req, RTA_DST, &to->addr);
	mnl_attr_put_u32(req, RTA_OIF, ifindex);
	rc = nl_talk(nl, req, err);
	if (rc)
		err_prefix(err, "add route to %s", cidr_print(to, text));
	return rc;
}

/* An IPv4 route by an IPv6 router has its gateway behind a family number. */
static void read_via(const struct nlattr *attr, struct ipaddr *gateway)
{
	const struct rtvia *via;

	if (!attr ||
	    mnl_attr_get_payload_len(attr) != sizeof(*via) + sizeof(*gateway))
		return;
	via = mnl_attr_get_payload(attr);
	memcpy(gateway, via->rtvia_addr, sizeof(*gateway));
}

static struct ipaddr read_gateway(const struct nlattr **attrs)
{
	struct ipaddr gateway = { 0 };

	if (!attr_ip(attrs[RTA_GATEWAY], &gateway))
		read_via(attrs[RTA_VIA], &gateway);
	return gateway;
}

struct defaults {
	struct default_route *list;
	size_t len;
};

static int defaults_add(struct defaults *defaults,
			const struct default_route *route)
{
	struct default_route *more =
		reallocarray(defaults->list, defaults->len + 1, sizeof(*more));

	if (!more)
		return MNL_CB_ERROR;
	defaults->list = more;
	more[defaults->len++] = *route;
	return MNL_CB_OK;
}

/* Every way of a route that may have several. */
static int ways_add(struct defaults *defaults, const struct nlattr **attrs)
{
	const struct nlattr *ways = attrs[RTA_MULTIPATH];
	struct default_route route = {
		.ifindex = attr_u32(attrs[RTA_OIF]),
		.metric = attr_u32(attrs[RTA_PRIORITY]),
	};
	const struct nlattr *way_attrs[RTA_MAX + 1];
	const struct rtnexthop *way;
	int left;

	if (!ways) {
		route.gateway = read_gateway(attrs);
		return defaults_add(defaults, &route);
	}
	way = mnl_attr_get_payload(ways);
	left = mnl_attr_get_payload_len(ways);
	for (; RTNH_OK(way, left);
	     left -= RTNH_ALIGN(way->rtnh_len), way = RTNH_NEXT(way)) {
		attr_parse_payload(RTNH_DATA(way), way->rtnh_len - sizeof(*way),
				   way_attrs, RTA_MAX);
		route.ifindex = way->rtnh_ifindex;
		route.gateway = read_gateway(way_attrs);
		if (!(way->rtnh_flags & RTNH_F_DEAD) &&
		    defaults_add(defaults, &route) != MNL_CB_OK)
			return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

static int on_default_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[RTA_MAX + 1];
	struct defaults *defaults = arg;
	const struct rtmsg *rtm;
	__u32 table;

	if (!nlh) {
		defaults->len = 0;
		return MNL_CB_OK;
	}
	rtm = mnl_nlmsg_get_payload(nlh);
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) || rtm->rtm_dst_len ||
	    rtm->rtm_type != RTN_UNICAST ||
	    rtm->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD))
		return MNL_CB_OK;

	attr_parse(nlh, sizeof(*rtm), attrs, RTA_MAX);
	table = attrs[RTA_TABLE] ? attr_u32(attrs[RTA_TABLE]) : rtm->rtm_table;
	return table == RT_TABLE_MAIN ? ways_add(defaults, attrs) : MNL_CB_OK;
}

int route_each_default(struct nl *nl, int family,
		       int (*visit)(const struct default_route *, void *),
		       void *arg, struct err *err)
{
	struct nlmsghdr *req = nl_request(nl, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(req, sizeof(*rtm));
	_cleanup_free_ struct default_route *list = NULL;
	struct defaults defaults = { 0 };
	int rc;

	/* Collected first, see link_each. */
	rtm->rtm_family = family;
	rc = nl_dump(nl, req, on_default_route, &defaults, err);
	list = defaults.list;
	if (rc)
		return err_prefix(err, "list routes");
	for (size_t i = 0; i < defaults.len && !rc; i++)
		rc = visit(&list[i], arg);
	return rc;
}

struct search {
	bool has_found;
	struct default_route best;
};

static int on_default(const struct default_route *route, void *arg)
{
	struct search *search = arg;

	if (search->has_found && route->metric >= search->best.metric)
		return 0;
	search->has_found = true;
	search->best = *route;
	return 0;
}

int route_get_default(struct nl *nl, int family, struct default_route *ret,
		      struct err *err)
{
	struct search search = { 0 };
	int rc = route_each_default(nl, family, on_default, &search, err);

	if (rc)
		return rc;
	if (!search.has_found)
		return err_set(err, -ENOENT, "there is no %s default route",
			       family == AF_INET ? "IPv4" : "IPv6");
	*ret = search.best;
	return 0;
}

struct routes {
	struct route_info *list;
	size_t len, size;
};

static bool route_parse(const struct nlmsghdr *nlh, struct route_info *ret)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[RTA_MAX + 1];
	struct route_info route = { 0 };

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) ||
	    rtm->rtm_flags & RTM_F_CLONED)
		return false;
	attr_parse(nlh, sizeof(*rtm), attrs, RTA_MAX);
	/* A default route has no destination. */
	if (!attr_ip(attrs[RTA_DST], &route.to.addr) &&
	    rtm->rtm_family == AF_INET)
		route.to.addr = ip_from_v4(0);
	route.to.len = rtm->rtm_dst_len;
	route.type = rtm->rtm_type;
	route.ifindex = attr_u32(attrs[RTA_OIF]);
	*ret = route;
	return true;
}

static int on_route(const struct nlmsghdr *nlh, void *arg)
{
	struct routes *routes = arg;

	if (!nlh) {
		routes->len = 0;
		return MNL_CB_OK;
	}
	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	if (routes->len == routes->size) {
		size_t size = routes->size ? 2 * routes->size : 64;
		struct route_info *more =
			reallocarray(routes->list, size, sizeof(*more));

		if (!more)
			return MNL_CB_ERROR;
		routes->list = more;
		routes->size = size;
	}
	routes->len += route_parse(nlh, &routes->list[routes->len]);
	return MNL_CB_OK;
}

static int family_each(struct nl *nl, int family,
		       int (*visit)(const struct route_info *, void *),
		       void *arg, struct err *err)
{
	struct nlmsghdr *req = nl_request(nl, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(req, sizeof(*rtm));
	_cleanup_free_ struct route_info *list = NULL;
	struct routes routes = { 0 };
	int rc;

	/* Collected first, see link_each. */
	rtm->rtm_family = family;
	rc = nl_dump(nl, req, on_route, &routes, err);
	list = routes.list;
	if (rc) {
		err_prefix(err, "list routes");
		return rc;
	}
	for (size_t i = 0; i < routes.len && !rc; i++)
		rc = visit(&list[i], arg);
	return rc;
}

int route_each(struct nl *nl, int (*visit)(const struct route_info *, void *),
	       void *arg, struct err *err)
{
	int rc = family_each(nl, AF_INET, visit, arg, err);

	return rc ? rc : family_each(nl, AF_INET6, visit, arg, err);
}
