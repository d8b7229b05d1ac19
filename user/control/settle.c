/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* settle - flows of endpoints that are gone for good are ended */
#include "control/settle.h"

#include <errno.h>

#include "lib/log.h"

static int end_flows(struct datapath *dp, __u32 slot, const char *name)
{
	struct gc_args flows = { .slot = slot };
	struct err err;
	int rc = datapath_gc(dp, &flows, &err);

	if (rc)
		log_warn("flows of endpoint %s: %s", name, err.text);
	return rc;
}

int settle_endpoint(struct datapath *dp, const struct endpoint *endpoint)
{
	if (!dp || !endpoint->host_ifname[0])
		return 0;
	return end_flows(dp, endpoint->slot, endpoint->name);
}

int settle_orphans(struct datapath *dp, const struct model *model)
{
	bool alive[ENDPOINTS_MAX] = { true };
	__u64 flows;
	int rc = 0;

	for (size_t i = 0; i < model->nendpoints; i++)
		alive[model->endpoints[i].slot] = true;
	for (__u32 slot = 0; dp && slot < ENDPOINTS_MAX; slot++)
		if (!alive[slot] &&
		    !table_get(dp, MAP_EP_FLOWS, &slot, &flows) && flows)
			rc = end_flows(dp, slot, "that is gone") ? -EIO : rc;
	return rc;
}
