/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* apply - does a plan, or nothing of it */
#include <errno.h>
#include <string.h>

#include "control/control_internal.h"
#include "control/sync.h"
#include "lib/log.h"

/* An endpoint's host end comes up last: its first frame finds the tables
 * filled. */
static int start_endpoints(struct control *control, const struct model *model,
			   const struct host *host, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < model->nendpoints && !rc; i++) {
		const struct link_info *link =
			host_find_link(host, model->endpoints[i].host_ifname);

		if (link && !link->up)
			rc = link_set_up(control->nl, link->ifindex, true, err);
	}
	return rc;
}

/* The devices have changed since the plan was made. */
static int fill_tables(struct control *control, const struct model *model,
		       struct err *err)
{
	struct host host;
	int rc = host_read(control->nl, &host, err);

	if (rc)
		return rc;
	rc = sync_tables(control->dp, model, &host, err);
	rc = rc ? rc : start_endpoints(control, model, &host, err);
	host_free(&host);
	return rc;
}

int control_refresh(struct control *control, struct err *err)
{
	return control->dp ? fill_tables(control, &control->model, err) : 0;
}

/*
 * Walks back what was done. A step that cannot be undone is reported and the
 * walk goes on: whatever can be as before, shall be. first: the number of
 * steps that were done.
 */
static void undo(struct work *work, const struct plan *plan, size_t done)
{
	struct err err;
	char text[160];

	while (done-- > 0) {
		log_debug("undo: %s",
			  step_print(&plan->steps[done], text, sizeof(text)));
		if (step_undo(work, &plan->steps[done], &err))
			log_err("undo: %s", err.text);
	}
}

/* Namespaces and settings alone need no programs in the kernel. */
static bool needs_datapath(const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsteps; i++)
		if (plan->steps[i].op != STEP_DEL &&
		    plan->steps[i].kind != OBJECT_NETNS &&
		    plan->steps[i].kind != OBJECT_SETTINGS)
			return true;
	return false;
}

int plan_apply(struct control *control, struct model *desired,
	       const struct host *host, const struct plan *plan,
	       struct err *err)
{
	bool was_loaded = control->dp;
	struct work work = {
		.instance = control->instance.name,
		.nl = control->nl,
		.host = host,
		.actual = &control->model,
		.desired = desired,
		.was_loaded = was_loaded,
	};
	struct err ignored;
	size_t done = 0;
	int rc = 0;

	if (needs_datapath(plan))
		rc = control_load(control, &desired->settings, err);
	work.dp = control->dp;
	while (!rc && done < plan->nsteps) {
		rc = step_do(&work, &plan->steps[done], err);
		done += !rc;
	}
	if (!rc && control->dp)
		rc = fill_tables(control, desired, err);
	if (!rc)
		return 0;

	undo(&work, plan, done);
	if (was_loaded) {
		if (fill_tables(control, &control->model, &ignored))
			log_err("undo: %s", ignored.text);
	} else if (control->dp) {
		datapath_close(control->dp);
		control->dp = NULL;
		if (datapath_unload(control->instance.name, &ignored))
			log_err("undo: %s", ignored.text);
	}
	return rc;
}
