/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* addr - addresses of network devices */
#include "kernel/addr.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attr.h"
#include "lib/cleanup.h"

static __u8 scope_of(const struct ipaddr *ip)
{
	if (ip_is_loopback(ip))
		return RT_SCOPE_HOST;
	return ip_is_link_local(ip) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

static struct nlmsghdr *addr_request(struct nl *nl, __u16 type, __u16 flags,
				     int ifindex, const struct cidr *cidr)
{
	struct nlmsghdr *req = nl_request(nl, type, flags);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(req, sizeof(*ifa));

	ifa->ifa_family = ip_is_v4(&cidr->addr) ? AF_INET : AF_INET6;
	ifa->ifa_index = ifindex;
	ifa->ifa_prefixlen = cidr->len;
	if (type == RTM_NEWADDR) {
		ifa->ifa_scope = scope_of(&cidr->addr);
		if (ifa->ifa_family == AF_INET6)
			ifa->ifa_flags = IFA_F_NODAD;
	}
	attr_put_ip(req, IFA_LOCAL, &cidr->addr);
	attr_put_ip(req, IFA_ADDRESS, &cidr->addr);
	return req;
}

int addr_add(struct nl *nl, int ifindex, const struct cidr *cidr,
	     struct err *err)
{
	struct nlmsghdr *req = addr_request(
		nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, cidr);
	char text[CIDR_TEXT_MAX];
	int rc = nl_talk(nl, req, err);

	if (rc)
		err_prefix(err, "add address %s", cidr_print(cidr, text));
	return rc;
}

int addr_del(struct nl *nl, int ifindex, const struct cidr *cidr,
	     struct err *err)
{
	struct nlmsghdr *req = addr_request(nl, RTM_DELADDR, 0, ifindex, cidr);
	char text[CIDR_TEXT_MAX];
	int rc = nl_talk(nl, req, err);

	if (rc)
		err_prefix(err, "delete address %s", cidr_print(cidr, text));
	return rc;
}

struct addrs {
	struct addr_info *list;
	size_t len, size;
};

static int addr_parse(const struct nlmsghdr *nlh, struct addr_info *ret)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[IFA_MAX + 1];
	struct addr_info info = { 0 };

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifa))
		return -EBADMSG;
	attr_parse(nlh, sizeof(*ifa), attrs, IFA_MAX);
	/* IFA_ADDRESS is the other end's on a point-to-point device; IPv6 has
	 * IFA_LOCAL only there. */
	if (!attr_ip(attrs[IFA_LOCAL], &info.cidr.addr) &&
	    !attr_ip(attrs[IFA_ADDRESS], &info.cidr.addr))
		return -EBADMSG;
	info.cidr.len = ifa->ifa_prefixlen;
	info.ifindex = ifa->ifa_index;
	info.scope = ifa->ifa_scope;
	info.flags =
		attrs[IFA_FLAGS] ? attr_u32(attrs[IFA_FLAGS]) : ifa->ifa_flags;
	*ret = info;
	return 0;
}

static int on_addr(const struct nlmsghdr *nlh, void *arg)
{
	struct addrs *addrs = arg;

	if (!nlh) {
		addrs->len = 0;
		return MNL_CB_OK;
	}
	if (nlh->nlmsg_type != RTM_NEWADDR)
		return MNL_CB_OK;
	if (addrs->len == addrs->size) {
		size_t size = addrs->size ? 2 * addrs->size : 16;
		struct addr_info *more =
			reallocarray(addrs->list, size, sizeof(*more));

		if (!more)
			return MNL_CB_ERROR;
		addrs->list = more;
		addrs->size = size;
	}
	/* Families without addresses of ours (AF_PHONET) are none to list. */
	if (!addr_parse(nlh, &addrs->list[addrs->len]))
		addrs->len++;
	return MNL_CB_OK;
}

int addr_each(struct nl *nl, int (*visit)(const struct addr_info *, void *),
	      void *arg, struct err *err)
{
	struct nlmsghdr *req = nl_request(nl, RTM_GETADDR, NLM_F_DUMP);
	_cleanup_free_ struct addr_info *list = NULL;
	struct addrs addrs = { 0 };
	int rc;

	/* Collected first, see link_each. */
	mnl_nlmsg_put_extra_header(req, sizeof(struct ifaddrmsg));
	rc = nl_dump(nl, req, on_addr, &addrs, err);
	list = addrs.list;
	if (rc) {
		err_prefix(err, "list addresses");
		return rc;
	}
	for (size_t i = 0; i < addrs.len && !rc; i++)
		rc = visit(&list[i], arg);
	return rc;
}
