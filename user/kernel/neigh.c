/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* neigh - neighbour entries: which MAC an address has on a link */
#include "kernel/neigh.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attr.h"

static struct nlmsghdr *neigh_request(struct nl *nl, __u16 type, int ifindex,
				      const struct ipaddr *ip,
				      struct ndmsg **ret_ndm)
{
	__u16 flags = type == RTM_NEWNEIGH ? NLM_F_CREATE | NLM_F_REPLACE : 0;
	struct nlmsghdr *req = nl_request(nl, type, flags);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(req, sizeof(*ndm));

	ndm->ndm_family = ip_is_v4(ip) ? AF_INET : AF_INET6;
	ndm->ndm_ifindex = ifindex;
	attr_put_ip(req, NDA_DST, ip);
	*ret_ndm = ndm;
	return req;
}

/* Talks, with the address in front of what went wrong. */
static int neigh_talk(struct nl *nl, struct nlmsghdr *req,
		      const struct ipaddr *ip, struct err *err)
{
	char text[IP_TEXT_MAX];
	int rc = nl_talk(nl, req, err);

	if (rc)
		err_prefix(err, "neighbour %s", ip_print(ip, text));
	return rc;
}

int neigh_set(struct nl *nl, int ifindex, const struct ipaddr *ip,
	      const __u8 mac[6], struct err *err)
{
	struct ndmsg *ndm;
	struct nlmsghdr *req =
		neigh_request(nl, RTM_NEWNEIGH, ifindex, ip, &ndm);

	ndm->ndm_state = NUD_PERMANENT;
	mnl_attr_put(req, NDA_LLADDR, 6, mac);
	return neigh_talk(nl, req, ip, err);
}

static int on_flags(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NDA_MAX + 1];
	__u32 *flags = arg;

	if (!nlh || nlh->nlmsg_type != RTM_NEWNEIGH)
		return MNL_CB_OK;
	attr_parse(nlh, sizeof(struct ndmsg), attrs, NDA_MAX);
	*flags = attr_u32(attrs[NDA_FLAGS_EXT]);
	return MNL_CB_OK;
}

int neigh_set_managed(struct nl *nl, int ifindex, const struct ipaddr *ip,
		      struct err *err)
{
	struct ndmsg *ndm;
	struct nlmsghdr *req =
		neigh_request(nl, RTM_NEWNEIGH, ifindex, ip, &ndm);
	char text[IP_TEXT_MAX];
	__u32 flags = 0;
	int rc;

	ndm->ndm_state = NUD_NONE;
	mnl_attr_put_u32(req, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
	rc = neigh_talk(nl, req, ip, err);
	if (rc)
		return rc;

	/* Kernels before 5.16 ignore the flag without a word. */
	req = neigh_request(nl, RTM_GETNEIGH, ifindex, ip, &ndm);
	rc = nl_dump(nl, req, on_flags, &flags, err);
	if (rc) {
		err_prefix(err, "neighbour %s", ip_print(ip, text));
		return rc;
	}
	if (flags & NTF_EXT_MANAGED)
		return 0;
	neigh_del(nl, ifindex, ip, NULL);
	return err_set(err, -EOPNOTSUPP,
		       "this kernel has no managed neighbours");
}

int neigh_del(struct nl *nl, int ifindex, const struct ipaddr *ip,
	      struct err *err)
{
	struct ndmsg *ndm;
	struct nlmsghdr *req =
		neigh_request(nl, RTM_DELNEIGH, ifindex, ip, &ndm);

	return neigh_talk(nl, req, ip, err);
}

int neigh_use(struct nl *nl, int ifindex, const struct ipaddr *ip,
	      struct err *err)
{
	struct ndmsg *ndm;
	struct nlmsghdr *req =
		neigh_request(nl, RTM_NEWNEIGH, ifindex, ip, &ndm);

	ndm->ndm_flags = NTF_USE;
	return neigh_talk(nl, req, ip, err);
}

int neigh_parse(const struct nlmsghdr *nlh, struct neigh_info *ret)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[NDA_MAX + 1];
	struct neigh_info info = { 0 };

	if (nlh->nlmsg_type != RTM_NEWNEIGH && nlh->nlmsg_type != RTM_DELNEIGH)
		return -EINVAL;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ndm) ||
	    (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6))
		return -EINVAL;
	attr_parse(nlh, sizeof(*ndm), attrs, NDA_MAX);
	if (!attr_ip(attrs[NDA_DST], &info.ip))
		return -EINVAL;
	if (attrs[NDA_LLADDR] &&
	    mnl_attr_get_payload_len(attrs[NDA_LLADDR]) != sizeof(info.mac))
		return -EINVAL;
	if (attrs[NDA_LLADDR])
		memcpy(info.mac, mnl_attr_get_payload(attrs[NDA_LLADDR]),
		       sizeof(info.mac));
	info.ifindex = ndm->ndm_ifindex;
	info.state = ndm->ndm_state;
	info.deleted = nlh->nlmsg_type == RTM_DELNEIGH;
	*ret = info;
	return 0;
}

struct each {
	void (*visit)(const struct neigh_info *, void *);
	void *arg;
};

static int on_neigh(const struct nlmsghdr *nlh, void *arg)
{
	const struct each *each = arg;
	struct neigh_info info;

	if (nlh && !neigh_parse(nlh, &info))
		each->visit(&info, each->arg);
	return MNL_CB_OK;
}

int neigh_each(struct nl *nl, void (*visit)(const struct neigh_info *, void *),
	       void *arg, struct err *err)
{
	struct each each = { visit, arg };
	struct nlmsghdr *req = nl_request(nl, RTM_GETNEIGH, NLM_F_DUMP);

	mnl_nlmsg_put_extra_header(req, sizeof(struct ndmsg));
	if (nl_dump(nl, req, on_neigh, &each, err))
		return err_prefix(err, "list neighbours");
	return 0;
}
