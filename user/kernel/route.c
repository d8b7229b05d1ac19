/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* route - routes */
#include "kernel/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attr.h"

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

struct search {
	bool has_found;
	__u32 metric;
	struct default_route best;
};

/* The first way of a route that has several. */
static const struct rtnexthop *first_way(const struct nlattr *multipath)
{
	const struct rtnexthop *way;

	if (!multipath || mnl_attr_get_payload_len(multipath) < sizeof(*way))
		return NULL;
	way = mnl_attr_get_payload(multipath);
	if (way->rtnh_len < sizeof(*way) ||
	    way->rtnh_len > mnl_attr_get_payload_len(multipath))
		return NULL;
	return way;
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

static struct default_route read_way(const struct nlattr **attrs)
{
	const struct rtnexthop *way = first_way(attrs[RTA_MULTIPATH]);
	const struct nlattr *way_attrs[RTA_MAX + 1];
	struct default_route route = { 0 };

	route.ifindex = attr_u32(attrs[RTA_OIF]);
	if (way) {
		route.ifindex = way->rtnh_ifindex;
		attr_parse_payload(way + 1, way->rtnh_len - sizeof(*way),
				   way_attrs, RTA_MAX);
		attrs = way_attrs;
	}
	if (!attr_ip(attrs[RTA_GATEWAY], &route.gateway))
		read_via(attrs[RTA_VIA], &route.gateway);
	return route;
}

static int on_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[RTA_MAX + 1];
	struct search *search = arg;
	const struct rtmsg *rtm;
	__u32 table, metric;

	if (!nlh) {
		search->has_found = false;
		return MNL_CB_OK;
	}
	rtm = mnl_nlmsg_get_payload(nlh);
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) || rtm->rtm_dst_len ||
	    rtm->rtm_type != RTN_UNICAST ||
	    rtm->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD))
		return MNL_CB_OK;

	attr_parse(nlh, sizeof(*rtm), attrs, RTA_MAX);
	table = attrs[RTA_TABLE] ? attr_u32(attrs[RTA_TABLE]) : rtm->rtm_table;
	metric = attr_u32(attrs[RTA_PRIORITY]);
	if (table != RT_TABLE_MAIN ||
	    (search->has_found && metric >= search->metric))
		return MNL_CB_OK;
	search->has_found = true;
	search->metric = metric;
	search->best = read_way(attrs);
	return MNL_CB_OK;
}

int route_get_default(struct nl *nl, int family, struct default_route *ret,
		      struct err *err)
{
	struct nlmsghdr *req = nl_request(nl, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(req, sizeof(*rtm));
	struct search search = { 0 };
	int rc;

	rtm->rtm_family = family;
	rc = nl_dump(nl, req, on_route, &search, err);
	if (rc) {
		err_prefix(err, "list routes");
		return rc;
	}
	if (!search.has_found)
		return err_set(err, -ENOENT, "there is no %s default route",
			       family == AF_INET ? "IPv4" : "IPv6");
	*ret = search.best;
	return 0;
}
