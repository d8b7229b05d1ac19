/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* reconcile - from what is wanted to what is: check, fill, plan, apply */
#include <errno.h>

#include "control/control_internal.h"
#include "control/defaults.h"
#include "control/ipam.h"
#include "control/served.h"
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
static void take_over(struct control *control, struct model *desired)
{
	model_free(&control->model);
	control->model = *desired;
	model_init(desired);
}

/* What leads from what exists to what is wanted. */
struct course {
	struct host host;
	struct ipam ipam;
	struct plan plan;
};

static int make_plan(struct control *control, struct model *desired,
		     struct course *course, struct err *err)
{
	const struct model *actual = &control->model;
	struct host *host = &course->host;
	int rc = host_set_uplinks(control->nl, host, desired, err);

	rc = rc ? rc :
		  taken_fill_subnets(control->nl, host, desired, actual, err);
	rc = rc ? rc : ipam_fill(control, desired, &course->ipam, err);
	rc = rc ? rc : model_check_first(desired, err);
	rc = rc ? rc : defaults_check(desired, actual, err);
	rc = rc ? rc : host_check_subnets(host, desired, actual, err);
	rc = rc ? rc : host_check_uplinks(host, desired, actual, err);
	if (!rc && plan_make(actual, desired, &course->plan))
		rc = err_set(err, -ENOMEM, "out of memory");
	return rc;
}

static int act(struct control *control, struct model *desired,
	       const struct course *course, const struct manner *manner,
	       struct err *err)
{
	struct err later;
	int rc = 0;

	warn_no_uplink(desired);
	if (manner->keep)
		rc = remember(control, manner->confirm, err);
	if (rc)
		return rc;
	rc = plan_apply(control, desired, &course->host, &course->plan,
			&course->ipam, err);
	if (manner->keep && remembered(control, !rc, &later))
		log_warn("%s", later.text);
	if (!rc)
		take_over(control, desired);
	/* All that was wanted is done. The next process tries again. */
	if (!rc && control_unload_unused(control, &later))
		log_warn("%s", later.text);
	return rc;
}

static int reconcile(struct control *control, struct model *desired,
		     const struct manner *manner, size_t *ret_changes,
		     struct err *err)
{
	struct course course = { 0 };
	int rc = control_look(control, &course.host, err);

	if (rc)
		return rc;
	rc = make_plan(control, desired, &course, err);
	if (!rc)
		served_warn(&course.plan);
	if (!rc && manner->plan_out)
		plan_print(&course.plan, manner->plan_out);
	if (!rc && !manner->dry_run && course.plan.nsteps)
		rc = act(control, desired, &course, manner, err);
	if (!rc && ret_changes)
		*ret_changes = course.plan.nsteps;
	plan_free(&course.plan);
	ipam_free(&course.ipam);
	host_free(&course.host);
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
