/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* link - network devices: create, find, change, delete */
#include "kernel/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stddef.h>
#include <string.h>

#include "kernel/attr.h"
#include "lib/cleanup.h"

static struct nlmsghdr *link_request(struct nl *nl, __u16 type, __u16 flags,
				     struct ifinfomsg **ret_ifi)
{
	struct nlmsghdr *nlh = nl_request(nl, type, flags);

	*ret_ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(**ret_ifi));
	return nlh;
}

static int link_parse(const struct nlmsghdr *nlh, struct link_info *ret)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	struct link_info link = { 0 };

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return -EBADMSG;
	attr_parse(nlh, sizeof(*ifi), attrs, IFLA_MAX);
	attr_parse_nested(attrs[IFLA_LINKINFO], info, IFLA_INFO_MAX);

	link.ifindex = ifi->ifi_index;
	link.type = ifi->ifi_type;
	link.up = ifi->ifi_flags & IFF_UP;
	link.running = ifi->ifi_flags & IFF_RUNNING;
	link.master = attr_u32(attrs[IFLA_MASTER]);
	link.peer = attr_u32(attrs[IFLA_LINK]);
	link.peer_nsid = attrs[IFLA_LINK_NETNSID] ?
				 (int)attr_u32(attrs[IFLA_LINK_NETNSID]) :
				 -1;
	link.mtu = attr_u32(attrs[IFLA_MTU]);
	attr_text(attrs[IFLA_IFNAME], link.name, sizeof(link.name));
	attr_text(info[IFLA_INFO_KIND], link.kind, sizeof(link.kind));
	/* Tunnels have addresses of other lengths: no MAC. */
	if (attrs[IFLA_ADDRESS] &&
	    mnl_attr_get_payload_len(attrs[IFLA_ADDRESS]) == sizeof(link.mac))
		memcpy(link.mac, mnl_attr_get_payload(attrs[IFLA_ADDRESS]),
		       sizeof(link.mac));
	*ret = link;
	return 0;
}

struct links {
	struct link_info *list;
	size_t len, size;
};

static int on_link(const struct nlmsghdr *nlh, void *arg)
{
	struct links *links = arg;

	if (!nlh) {
		links->len = 0;
		return MNL_CB_OK;
	}
	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	if (links->len == links->size) {
		size_t size = links->size ? 2 * links->size : 16;
		struct link_info *more =
			reallocarray(links->list, size, sizeof(*more));

		if (!more)
			return MNL_CB_ERROR;
		links->list = more;
		links->size = size;
	}
	if (link_parse(nlh, &links->list[links->len])) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	links->len++;
	return MNL_CB_OK;
}

/* Counters make up most of a device's message, and nobody here reads them. */
static void put_skip_stats(struct nlmsghdr *nlh)
{
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

static int get_one(struct nl *nl, struct nlmsghdr *req, struct link_info *ret,
		   struct err *err)
{
	struct links links = { 0 };
	_cleanup_free_ struct link_info *list = NULL;
	int rc;

	put_skip_stats(req);
	rc = nl_dump(nl, req, on_link, &links, err);
	list = links.list;
	if (rc)
		return rc;
	if (!links.len)
		return err_set(err, -ENODEV, "%s", strerror(ENODEV));
	*ret = list[0];
	return 0;
}

int link_get(struct nl *nl, const char *name, struct link_info *ret,
	     struct err *err)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *req = link_request(nl, RTM_GETLINK, 0, &ifi);
	int rc;

	attr_put_name(req, IFLA_IFNAME, name);
	rc = get_one(nl, req, ret, err);
	if (rc == -ENODEV)
		return err_set(err, rc, "device '%s' does not exist", name);
	if (rc)
		err_prefix(err, "device '%s'", name);
	return rc;
}

int link_get_index(struct nl *nl, int ifindex, struct link_info *ret,
		   struct err *err)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *req = link_request(nl, RTM_GETLINK, 0, &ifi);
	int rc;

	ifi->ifi_index = ifindex;
	rc = get_one(nl, req, ret, err);
	if (rc == -ENODEV)
		return err_set(err, rc, "device %d does not exist", ifindex);
	if (rc)
		err_prefix(err, "device %d", ifindex);
	return rc;
}

static int on_counters(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[IFLA_MAX + 1];
	struct link_counters *counters = arg;
	struct rtnl_link_stats64 stats;

	if (!nlh || nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	attr_parse(nlh, sizeof(struct ifinfomsg), attrs, IFLA_MAX);
	/* The structure grows at its end. */
	if (!attrs[IFLA_STATS64] ||
	    mnl_attr_get_payload_len(attrs[IFLA_STATS64]) <
		    offsetof(struct rtnl_link_stats64, rx_errors))
		return MNL_CB_OK;
	memcpy(&stats, mnl_attr_get_payload(attrs[IFLA_STATS64]),
	       offsetof(struct rtnl_link_stats64, rx_errors));
	*counters = (struct link_counters){
		.rx_packets = stats.rx_packets,
		.rx_bytes = stats.rx_bytes,
		.tx_packets = stats.tx_packets,
		.tx_bytes = stats.tx_bytes,
	};
	return MNL_CB_OK;
}

int link_get_counters(struct nl *nl, const char *name,
		      struct link_counters *ret, struct err *err)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *req = link_request(nl, RTM_GETLINK, 0, &ifi);
	struct link_counters counters = { 0 };
	int rc;

	attr_put_name(req, IFLA_IFNAME, name);
	rc = nl_dump(nl, req, on_counters, &counters, err);
	if (rc)
		return err_prefix(err, "device '%s'", name);
	*ret = counters;
	return 0;
}

static int each(struct nl *nl, __u8 family,
		int (*visit)(const struct link_info *, void *), void *arg,
		struct err *err)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *req = link_request(nl, RTM_GETLINK, NLM_F_DUMP, &ifi);
	_cleanup_free_ struct link_info *list = NULL;
	struct links links = { 0 };
	int rc;

	/* Collected first: a torn dump starts over, which visit need not know,
	 * and visit may itself use nl. */
	/* Of bridges' ports there are no counters; whoever asks for something
	 * has the kernel look at all devices for how much that will be. */
	ifi->ifi_family = family;
	if (family == AF_UNSPEC)
		put_skip_stats(req);
	rc = nl_dump(nl, req, on_link, &links, err);
	list = links.list;
	if (rc) {
		err_prefix(err, "list devices");
		return rc;
	}
	for (size_t i = 0; i < links.len && !rc; i++)
		rc = visit(&list[i], arg);
	return rc;
}

int link_each(struct nl *nl, int (*visit)(const struct link_info *, void *),
	      void *arg, struct err *err)
{
	return each(nl, AF_UNSPEC, visit, arg, err);
}

int link_each_port(struct nl *nl,
		   int (*visit)(const struct link_info *, void *), void *arg,
		   struct err *err)
{
	return each(nl, AF_BRIDGE, visit, arg, err);
}

static int on_nsid(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NETNSA_MAX + 1];
	int *nsid = arg;

	if (!nlh || nlh->nlmsg_type != RTM_NEWNSID)
		return MNL_CB_OK;
	attr_parse(nlh, sizeof(struct rtgenmsg), attrs, NETNSA_MAX);
	if (attrs[NETNSA_NSID])
		*nsid = (int)attr_u32(attrs[NETNSA_NSID]);
	return MNL_CB_OK;
}

int link_nsid(struct nl *nl, int netns_fd, int *ret, struct err *err)
{
	struct nlmsghdr *req = nl_request(nl, RTM_GETNSID, 0);

	*ret = NETNSA_NSID_NOT_ASSIGNED;
	mnl_nlmsg_put_extra_header(req, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(req, NETNSA_FD, netns_fd);
	return nl_dump(nl, req, on_nsid, ret, err);
}

int link_add_bridge(struct nl *nl, const char *name, const __u8 mac[6],
		    unsigned int mtu, struct err *err)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *req =
		link_request(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi);
	struct nlattr *info, *data;
	int rc;

	attr_put_name(req, IFLA_IFNAME, name);
	mnl_attr_put(req, IFLA_ADDRESS, 6, mac);
	if (mtu)
		mnl_attr_put_u32(req, IFLA_MTU, mtu);
	info = mnl_attr_nest_start(req, IFLA_LINKINFO);
	mnl_attr_put_strz(req, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(req, IFLA_INFO_DATA);
	/* There are no loops to detect, so a port forwards at once. */
	mnl_attr_put_u32(req, IFLA_BR_FORWARD_DELAY, 0);
	mnl_attr_put_u32(req, IFLA_BR_STP_STATE, 0);
	/* Snooping without a querier loses neighbour solicitations. */
	mnl_attr_put_u8(req, IFLA_BR_MCAST_SNOOPING, 0);
	mnl_attr_nest_end(req, data);
	mnl_attr_nest_end(req, info);

	rc = nl_talk(nl, req, err);
	if (rc)
		err_prefix(err, "add bridge '%s'", name);
	return rc;
}

static void put_veth_peer(struct nlmsghdr *req, const struct veth *veth)
{
	struct nlattr *peer = mnl_attr_nest_start(req, VETH_INFO_PEER);

	mnl_nlmsg_put_extra_header(req, sizeof(struct ifinfomsg));
	attr_put_name(req, IFLA_IFNAME, veth->peer_name);
	mnl_attr_put_u32(req, IFLA_NET_NS_FD, veth->peer_netns_fd);
	if (veth->peer_mac)
		mnl_attr_put(req, IFLA_ADDRESS, 6, veth->peer_mac);
	if (veth->mtu)
		mnl_attr_put_u32(req, IFLA_MTU, veth->mtu);
	mnl_attr_nest_end(req, peer);
}

int link_add_veth(struct nl *nl, const struct veth *veth, struct err *err)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *req =
		link_request(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi);
	struct nlattr *info, *data;
	int rc;

	attr_put_name(req, IFLA_IFNAME, veth->host_name);
	if (veth->host_mac)
		mnl_attr_put(req, IFLA_ADDRESS, 6, veth->host_mac);
	if (veth->mtu)
		mnl_attr_put_u32(req, IFLA_MTU, veth->mtu);
	if (veth->master)
		mnl_attr_put_u32(req, IFLA_MASTER, veth->master);
	info = mnl_attr_nest_start(req, IFLA_LINKINFO);
	mnl_attr_put_strz(req, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(req, IFLA_INFO_DATA);
	put_veth_peer(req, veth);
	mnl_attr_nest_end(req, data);
	mnl_attr_nest_end(req, info);

	rc = nl_talk(nl, req, err);
	if (rc)
		err_prefix(err, "add veth '%s'", veth->host_name);
	return rc;
}

int link_del(struct nl *nl, const char *name, struct err *err)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *req = link_request(nl, RTM_DELLINK, 0, &ifi);
	int rc;

	attr_put_name(req, IFLA_IFNAME, name);
	rc = nl_talk(nl, req, err);
	if (rc == -ENODEV)
		return err_set(err, rc, "device '%s' does not exist", name);
	if (rc)
		err_prefix(err, "delete device '%s'", name);
	return rc;
}

int link_set_up(struct nl *nl, int ifindex, bool up, struct err *err)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *req = link_request(nl, RTM_NEWLINK, 0, &ifi);
	int rc;

	ifi->ifi_index = ifindex;
	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	rc = nl_talk(nl, req, err);
	if (rc)
		err_prefix(err, "set device %d %s", ifindex,
			   up ? "up" : "down");
	return rc;
}

int link_set_mac(struct nl *nl, int ifindex, const __u8 mac[6], struct err *err)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *req = link_request(nl, RTM_NEWLINK, 0, &ifi);
	int rc;

	ifi->ifi_index = ifindex;
	mnl_attr_put(req, IFLA_ADDRESS, 6, mac);
	rc = nl_talk(nl, req, err);
	if (rc)
		err_prefix(err, "set MAC of device %d", ifindex);
	return rc;
}

/* Changes one number of a device. */
static int set_u32(struct nl *nl, int ifindex, __u16 type, __u32 value,
		   struct err *err)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *req = link_request(nl, RTM_NEWLINK, 0, &ifi);

	ifi->ifi_index = ifindex;
	mnl_attr_put_u32(req, type, value);
	return nl_talk(nl, req, err);
}

int link_set_mtu(struct nl *nl, int ifindex, unsigned int mtu, struct err *err)
{
	int rc = set_u32(nl, ifindex, IFLA_MTU, mtu, err);

	if (rc)
		err_prefix(err, "set mtu %u of device %d", mtu, ifindex);
	return rc;
}

int link_set_master(struct nl *nl, int ifindex, int master, struct err *err)
{
	int rc = set_u32(nl, ifindex, IFLA_MASTER, master, err);

	if (rc)
		err_prefix(err, "set master %d of device %d", master, ifindex);
	return rc;
}
