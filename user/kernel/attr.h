/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* attr - netlink attributes as bpfnet's own types, with lengths checked */
#ifndef BPFNET_ATTR_H
#define BPFNET_ATTR_H

#include <libmnl/libmnl.h>

#include "lib/ip.h"

/* Indexes attributes by type: table has max + 1 entries, absent ones are NULL,
 * types above max (of a newer kernel) are left out. */
void attr_parse(const struct nlmsghdr *nlh, size_t header_len,
		const struct nlattr **table, __u16 max);
void attr_parse_payload(const void *payload, size_t len,
			const struct nlattr **table, __u16 max);
void attr_parse_nested(const struct nlattr *nest, const struct nlattr **table,
		       __u16 max);

/* 0 and "" for an absent attribute (NULL) and for one that is too short. */
__u32 attr_u32(const struct nlattr *attr);
void attr_text(const struct nlattr *attr, char *ret, size_t len);
/* False, and ret_ip untouched, for an attribute that holds no address. */
bool attr_ip(const struct nlattr *attr, struct ipaddr *ret_ip);

/* 4 bytes for IPv4, 16 for IPv6. */
void attr_put_ip(struct nlmsghdr *nlh, __u16 type, const struct ipaddr *ip);
/* A device's name. Too long ones stay too long for the kernel to refuse, but
 * never overflow the request. */
void attr_put_name(struct nlmsghdr *nlh, __u16 type, const char *name);

#endif
