/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* nl - rtnetlink requests with the kernel's own error texts */
#ifndef BPFNET_NL_H
#define BPFNET_NL_H

#include <libmnl/libmnl.h>

#include "lib/err.h"

struct nl;

/* A rtnetlink socket of the network namespace netns_fd (-1: the caller's).
 * NETLINK_EXT_ACK and NETLINK_CAP_ACK are on. The caller's own namespace is
 * the same before and after. */
int nl_open(int netns_fd, struct nl **ret, struct err *err);
void nl_close(struct nl *nl);

/* Starts a request in the socket's own buffer: valid until nl_talk. */
struct nlmsghdr *nl_request(struct nl *nl, __u16 type, __u16 flags);

/* Sends req and waits for its ACK. 0 or -errno; err then holds the extack text
 * where the kernel gives one, else strerror. */
int nl_talk(struct nl *nl, struct nlmsghdr *req, struct err *err);

/* Sends a get or dump request and calls visit for every answer; visit returns
 * MNL_CB_OK, MNL_CB_STOP or MNL_CB_ERROR. A dump that the kernel marks as
 * interrupted (NLM_F_DUMP_INTR) is repeated; visit then sees everything again
 * after a call with a NULL nlh. */
int nl_dump(struct nl *nl, struct nlmsghdr *req, mnl_cb_t visit, void *arg,
	    struct err *err);

#endif
