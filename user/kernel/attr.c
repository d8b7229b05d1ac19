/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* attr - netlink attributes as bpfnet's own types, with lengths checked */
#include "kernel/attr.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

void attr_parse_payload(const void *payload, size_t len,
			const struct nlattr **table, __u16 max)
{
	const struct nlattr *attr = payload;
	int rest = len;

	memset(table, 0, (max + 1) * sizeof(*table));
	while (mnl_attr_ok(attr, rest)) {
		__u16 type = mnl_attr_get_type(attr);

		if (type <= max)
			table[type] = attr;
		rest -= MNL_ALIGN(attr->nla_len);
		attr = mnl_attr_next(attr);
	}
}

void attr_parse(const struct nlmsghdr *nlh, size_t header_len,
		const struct nlattr **table, __u16 max)
{
	size_t len = mnl_nlmsg_get_payload_len(nlh);

	header_len = MNL_ALIGN(header_len);
	attr_parse_payload(mnl_nlmsg_get_payload_offset(nlh, header_len),
			   len > header_len ? len - header_len : 0, table, max);
}

void attr_parse_nested(const struct nlattr *nest, const struct nlattr **table,
		       __u16 max)
{
	if (nest)
		attr_parse_payload(mnl_attr_get_payload(nest),
				   mnl_attr_get_payload_len(nest), table, max);
	else
		memset(table, 0, (max + 1) * sizeof(*table));
}

__u32 attr_u32(const struct nlattr *attr)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(__u32))
		return 0;
	return mnl_attr_get_u32(attr);
}

void attr_text(const struct nlattr *attr, char *ret, size_t len)
{
	if (attr)
		snprintf(ret, len, "%.*s", (int)mnl_attr_get_payload_len(attr),
			 mnl_attr_get_str(attr));
	else
		ret[0] = '\0';
}

bool attr_ip(const struct nlattr *attr, struct ipaddr *ret_ip)
{
	__be32 addr;

	if (!attr)
		return false;
	switch (mnl_attr_get_payload_len(attr)) {
	case sizeof(addr):
		memcpy(&addr, mnl_attr_get_payload(attr), sizeof(addr));
		*ret_ip = ip_from_v4(addr);
		return true;
	case sizeof(*ret_ip):
		memcpy(ret_ip, mnl_attr_get_payload(attr), sizeof(*ret_ip));
		return true;
	default:
		return false;
	}
}

void attr_put_ip(struct nlmsghdr *nlh, __u16 type, const struct ipaddr *ip)
{
	if (ip_is_v4(ip))
		mnl_attr_put_u32(nlh, type, ip_to_v4(ip));
	else
		mnl_attr_put(nlh, type, sizeof(*ip), ip);
}

void attr_put_name(struct nlmsghdr *nlh, __u16 type, const char *name)
{
	char text[IFNAMSIZ + 2];

	snprintf(text, sizeof(text), "%s", name);
	mnl_attr_put_strz(nlh, type, text);
}
