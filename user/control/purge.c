/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* purge - removes everything that the instance made */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "control/control_internal.h"

/* Keeps the first failure and goes on. */
static void keep_first(int rc, struct err *now, int *first, struct err *err)
{
	if (rc && !*first) {
		*first = rc;
		if (err)
			*err = *now;
	}
}

static int purge_objects(struct control *control, struct err *err)
{
	struct model empty;
	struct plan plan;
	struct work work;
	struct err now;
	struct host host = { 0 };
	int first = 0;

	model_init(&empty);
	if (plan_make(&control->model, &empty, &plan))
		return err_set(err, -ENOMEM, "out of memory");
	work_init(control, &host, &work);
	for (size_t i = 0; i < plan.nsteps; i++) {
		const struct step *step = &plan.steps[i];

		if (step->op == STEP_DEL &&
		    (!control->homeless || step->kind == OBJECT_NETNS))
			keep_first(step_do(&work, step, &now), &now, &first,
				   err);
	}
	plan_free(&plan);
	model_free(&control->model);
	control->model = empty;
	return first;
}

/* Is this device one of the datapath's own? */
static bool is_ours(struct datapath *dp, const struct link_info *link)
{
	struct endpoint_val endpoint;
	struct network_val network;

	if (!strcmp(link->kind, "veth"))
		return !table_get(dp, MAP_ENDPOINTS, &link->ifindex, &endpoint);
	if (strcmp(link->kind, "bridge"))
		return false;
	for (__u32 id = 1; id < NETWORKS_MAX; id++)
		if (!table_get(dp, MAP_NETWORKS, &id, &network) &&
		    (int)network.bridge_ifindex == link->ifindex)
			return true;
	return false;
}

/* Where the record is damaged, the tables still tell which devices are ours. */
static int purge_devices(struct control *control, struct err *err)
{
	struct host host;
	struct err now;
	int first = 0, rc;

	if (!control->dp || control->homeless)
		return 0;
	rc = host_read(control->nl, &host, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < host.nlinks; i++) {
		if (!is_ours(control->dp, &host.links[i]))
			continue;
		rc = link_del(control->nl, host.links[i].name, &now);
		/* Its namespace, deleted just now, may take it along. */
		keep_first(rc == -ENODEV ? 0 : rc, &now, &first, err);
	}
	host_free(&host);
	return first;
}

int control_purge(struct control *control, struct err *err)
{
	int first = purge_objects(control, err);
	struct err now;

	keep_first(purge_devices(control, &now), &now, &first, err);
	if (control->dp)
		datapath_close(control->dp);
	control->dp = NULL;
	keep_first(datapath_unload(control->instance.name, &now), &now, &first,
		   err);
	if (first)
		return first;
	keep_first(state_remove(control->instance.name, &now), &now, &first,
		   err);
	/* Whoever comes now finds no lock and makes its own. */
	close(control->lock);
	control->lock = -1;
	return first;
}
