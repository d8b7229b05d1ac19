/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* feature - what this kernel offers to bpfnet as a whole */
#include "control/feature.h"

#include <arpa/inet.h>
#include <errno.h>

#include "kernel/link.h"
#include "kernel/neigh.h"
#include "kernel/netns.h"
#include "lib/cleanup.h"

static int cookie_probe(void *arg, struct err *err)
{
	__u64 cookie;

	(void)arg;
	return netns_cookie(&cookie, err);
}

static int managed_try(struct nl *nl, int netns, struct err *err)
{
	const struct veth veth = { .host_name = "a",
				   .peer_name = "b",
				   .peer_netns_fd = netns };
	const struct ipaddr ip = ip_from_v4(htonl(0xc0000201));
	struct link_info link;
	int rc = link_add_veth(nl, &veth, err);

	rc = rc ? rc : link_get(nl, veth.host_name, &link, err);
	return rc ? rc : neigh_set_managed(nl, link.ifindex, &ip, err);
}

/* In a namespace where device and entry are in nobody's way. */
static int managed_probe(void *arg, struct err *err)
{
	_cleanup_close_ int netns = netns_open_self(err);
	struct nl *nl;
	int rc = netns < 0 ? netns : nl_open(-1, &nl, err);

	(void)arg;
	if (rc)
		return rc;
	rc = managed_try(nl, netns, err);
	nl_close(nl);
	return rc;
}

static const struct {
	struct probe_info info;
	int (*ask)(void *arg, struct err *err); /* -EOPNOTSUPP: missing */
} probes[] = {
	{ { "netns-cookie", "5.14", "tells namespaces of one name apart", true,
	    false },
	  cookie_probe },
	{ { "managed-neighbours", "5.16",
	    "not used: the agent asks for its next hops", false, false },
	  managed_probe },
};

void feature_each(void (*visit)(const struct probe_info *info,
				enum probe_answer answer, void *arg),
		  void *arg)
{
	probe_each(visit, arg);
	for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++) {
		int rc = netns_run_scratch(probes[i].ask, NULL, NULL);

		visit(&probes[i].info,
		      !rc		? PROBE_YES :
		      rc == -EOPNOTSUPP ? PROBE_NO :
					  PROBE_UNKNOWN,
		      arg);
	}
}
