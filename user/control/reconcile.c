/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* reconcile - from what is wanted to what is: check, fill, plan, apply */
#include <errno.h>

#include "control/control_internal.h"
#include "control/taken.h"
#include "lib/log.h"
#include "model/fill.h"

static void warn_no_uplink(const struct model *model)
{
	for (size_t i = 0; i < model->nnetworks && !model->nuplinks; i++) {
		if (model->networks[i].internal)
			continue;
		log_warn("no uplink: no default route was found, so containers "
			 "have no way out ('bpfnet uplink add DEVICE')");
		return;
	}
}

/* The model of what exists becomes the one that was just applied. */
static int take_over(struct control *control, const struct model *desired,
		     struct err *err)
{
	struct model copy;

	if (model_copy(desired, &copy))
		return err_set(err, -ENOMEM, "out of memory");
	model_free(&control->model);
	control->model = copy;
	return 0;
}

int control_reconcile(struct control *control, struct model *desired,
		      bool dry_run, FILE *plan_out, size_t *ret_changes,
		      struct err *err)
{
	struct plan plan = { 0 };
	struct host host;
	int rc = host_read(control->nl, &host, err);

	if (rc)
		return rc;
	rc = host_set_uplinks(control->nl, &host, desired, err);
	rc = rc ? rc :
		  taken_fill_subnets(control->nl, &host, desired,
				     &control->model, err);
	rc = rc ? rc : model_fill(desired, &control->model, err);
	rc = rc ? rc : model_check_first(desired, err);
	rc = rc ? rc : host_check_subnets(&host, desired, &control->model, err);
	rc = rc ? rc : host_check_uplinks(&host, desired, &control->model, err);
	if (!rc && plan_make(&control->model, desired, &plan))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (!rc && plan_out)
		plan_print(&plan, plan_out);
	if (!rc && !dry_run && plan.nsteps) {
		warn_no_uplink(desired);
		rc = plan_apply(control, desired, &host, &plan, err);
		rc = rc ? rc : take_over(control, desired, err);
		rc = rc ? rc : control_unload_unused(control, err);
	}
	if (!rc && ret_changes)
		*ret_changes = plan.nsteps;
	plan_free(&plan);
	host_free(&host);
	return rc;
}
