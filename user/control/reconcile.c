/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* reconcile - from what is wanted to what is: check, fill, plan, apply */
#include <errno.h>

#include "control/control_internal.h"
#include "control/ipam.h"
#include "control/taken.h"
#include "lib/log.h"

/* What the callers want of one run. */
struct manner {
	bool dry_run;
	bool keep; /* the state there was */
	const struct confirm_request *confirm;
	FILE *plan_out;
};

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

static int make_plan(struct control *control, const struct host *host,
		     struct model *desired, struct plan *ret,
		     struct ipam *ret_ipam, struct err *err)
{
	const struct model *actual = &control->model;
	int rc = host_set_uplinks(control->nl, host, desired, err);

	rc = rc ? rc :
		  taken_fill_subnets(control->nl, host, desired, actual, err);
	rc = rc ? rc : ipam_fill(control, desired, ret_ipam, err);
	rc = rc ? rc : model_check_first(desired, err);
	rc = rc ? rc : host_check_subnets(host, desired, actual, err);
	rc = rc ? rc : host_check_uplinks(host, desired, actual, err);
	if (!rc && plan_make(actual, desired, ret))
		rc = err_set(err, -ENOMEM, "out of memory");
	return rc;
}

static int act(struct control *control, struct model *desired,
	       const struct host *host, const struct plan *plan,
	       const struct ipam *ipam, const struct manner *manner,
	       struct err *err)
{
	struct err later;
	int rc = 0;

	warn_no_uplink(desired);
	if (manner->keep)
		rc = remember(control, manner->confirm, err);
	if (rc)
		return rc;
	rc = plan_apply(control, desired, host, plan, ipam, err);
	if (manner->keep && remembered(control, !rc, &later))
		log_warn("%s", later.text);
	rc = rc ? rc : take_over(control, desired, err);
	/* All that was wanted is done. The next process tries again. */
	if (!rc && control_unload_unused(control, &later))
		log_warn("%s", later.text);
	return rc;
}

static int reconcile(struct control *control, struct model *desired,
		     const struct manner *manner, size_t *ret_changes,
		     struct err *err)
{
	_cleanup_ipam_ struct ipam ipam = { 0 };
	struct plan plan = { 0 };
	struct host host;
	int rc = control_look(control, &host, err);

	if (rc)
		return rc;
	rc = make_plan(control, &host, desired, &plan, &ipam, err);
	if (!rc && manner->plan_out)
		plan_print(&plan, manner->plan_out);
	if (!rc && !manner->dry_run && plan.nsteps)
		rc = act(control, desired, &host, &plan, &ipam, manner, err);
	if (!rc && ret_changes)
		*ret_changes = plan.nsteps;
	plan_free(&plan);
	host_free(&host);
	return rc;
}

int control_reconcile(struct control *control, struct model *desired,
		      bool dry_run, FILE *plan_out, size_t *ret_changes,
		      struct err *err)
{
	const struct manner manner = { .dry_run = dry_run,
				       .plan_out = plan_out };

	return reconcile(control, desired, &manner, ret_changes, err);
}

int control_apply(struct control *control, struct model *desired,
		  const struct confirm_request *confirm, FILE *plan_out,
		  size_t *ret_changes, struct err *err)
{
	const struct manner manner = { .keep = true,
				       .confirm = confirm,
				       .plan_out = plan_out };
	size_t changes = 0;
	int rc = reconcile(control, desired, &manner, &changes, err);

	/* Somebody who asks for more time gets it, also without a change. */
	if (!rc && !changes && confirm && control_is_pending(control, NULL))
		rc = remember(control, confirm, err);
	if (!rc && ret_changes)
		*ret_changes = changes;
	return rc;
}
