/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* apply - does a plan, or nothing of it */
#include <errno.h>
#include <stdlib.h>

#include "control/control_internal.h"
#include "control/ipam.h"
#include "control/state.h"
#include "control/sync.h"
#include "control/unfinished.h"
#include "lib/cleanup.h"
#include "lib/log.h"

/* -------------------------------------------------------------- tables */

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

static bool is_uplink(const struct model *model, const struct host *host,
		      int ifindex)
{
	const struct link_info *link = host_find_index(host, ifindex);

	return link && model_find_uplink(model, link->name);
}

/* A device may have been deleted, renamed or made again since its hooks were
 * put there. before: the uplinks that the tables had. */
static int hook_uplinks(struct control *control, const struct model *model,
			const struct host *host,
			const struct uplink_val before[UPLINKS_MAX],
			struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < UPLINKS_MAX && !rc; i++)
		if (before[i].ifindex &&
		    !is_uplink(model, host, before[i].ifindex))
			rc = detach_uplink(control->dp, before[i].ifindex, err);
	for (size_t i = 0; i < model->nuplinks && !rc; i++) {
		const struct link_info *link =
			host_find_link(host, model->uplinks[i].ifname);

		if (link)
			rc = attach_uplink(control->dp, link->ifindex, err);
	}
	return rc;
}

/* before: what the tables were filled from, NULL: not known. */
static int fill_from(struct control *control, const struct model *model,
		     const struct model *before, const struct host *host,
		     struct err *err)
{
	struct uplink_val uplinks[UPLINKS_MAX] = { 0 };
	int rc;

	for (__u32 i = 0; i < UPLINKS_MAX; i++)
		table_get(control->dp, MAP_UPLINKS, &i, &uplinks[i]);
	rc = sync_tables(control->dp, model, before, host, err);
	rc = rc ? rc : hook_uplinks(control, model, host, uplinks, err);
	return rc ? rc : start_endpoints(control, model, host, err);
}

static int fill_tables(struct control *control, const struct model *model,
		       struct err *err)
{
	struct host host;
	int rc = host_look(control->nl, model, &host, err);

	if (rc)
		return rc;
	rc = fill_from(control, model, NULL, &host, err);
	host_free(&host);
	return rc;
}

/* More devices than these are not asked for one by one. */
#define FOLLOW_MAX 64

static const char *device_of(enum object_kind kind, const void *object)
{
	if (object && kind == OBJECT_NETWORK)
		return ((const struct network *)object)->bridge;
	if (object && kind == OBJECT_ENDPOINT)
		return ((const struct endpoint *)object)->host_ifname;
	return "";
}

/* How many devices a plan has to do with; their names, as far as they fit. */
static size_t devices_of(const struct plan *plan, const char *ret[FOLLOW_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < 2 * plan->nsteps; i++) {
		const struct step *step = &plan->steps[i / 2];
		const char *name =
			device_of(step->kind, i % 2 ? step->new : step->old);

		if (!name[0])
			continue;
		if (count < FOLLOW_MAX)
			ret[count] = name;
		count++;
	}
	return count;
}

/* What a process has left that was killed may be anything between two models. */
static const struct model *known_before(const struct work *work)
{
	return work->was_loaded && !work->replaying ? work->actual : NULL;
}

/* The devices have changed since the plan was made. */
static int fill_after(struct control *control, const struct work *work,
		      const struct plan *plan, struct err *err)
{
	const char *names[FOLLOW_MAX];
	size_t count = devices_of(plan, names);
	struct host host;
	int rc;

	if (count > FOLLOW_MAX)
		return fill_tables(control, work->desired, err);
	rc = host_follow(control->nl, work->host, names, count, &host, err);
	if (rc)
		return rc;
	rc = fill_from(control, work->desired, known_before(work), &host, err);
	host_free(&host);
	return rc;
}

int control_refresh(struct control *control, struct err *err)
{
	return control->dp ? fill_tables(control, &control->model, err) : 0;
}

/* ---------------------------------------------------------- do and undo */

/* The steps that were done, in that order. */
struct progress {
	const struct step **steps;
	size_t count;
};

/* What was in a namespace comes back with it only while this process lives. So
 * these are done when all else has succeeded. */
static bool is_final(const struct step *step)
{
	return step->op == STEP_DEL && step->kind == OBJECT_NETNS;
}

static int do_steps(struct work *work, const struct plan *plan, bool final,
		    struct progress *progress, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < plan->nsteps && !rc; i++) {
		if (is_final(&plan->steps[i]) != final)
			continue;
		rc = step_do(work, &plan->steps[i], err);
		if (!rc)
			progress->steps[progress->count++] = &plan->steps[i];
	}
	return rc;
}

/*
 * Walks back what was done. A step that cannot be undone is reported and the
 * walk goes on: whatever can be as before, shall be.
 */
static int undo_steps(struct work *work, const struct progress *progress)
{
	struct err err;
	char text[160];
	int first = 0;

	work->undoing = true;
	for (size_t i = progress->count; i-- > 0;) {
		const struct step *step = progress->steps[i];
		int rc;

		log_debug("undo: %s", step_print(step, text, sizeof(text)));
		rc = step_undo(work, step, &err);
		if (rc)
			log_err("undo: %s: %s", text, err.text);
		first = first ? first : rc;
	}
	return first;
}

static int undo(struct control *control, struct work *work,
		const struct progress *progress, struct err *err)
{
	int steps = undo_steps(work, progress), rc = 0;

	if (work->was_loaded) {
		rc = fill_tables(control, &control->model, err);
	} else if (control->dp) {
		datapath_close(control->dp);
		control->dp = NULL;
		rc = datapath_unload(control->instance.name, err);
	}
	if (steps && !rc)
		rc = err_set(err, steps, "not all of it succeeded");
	return rc;
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

/* Only a file of this plan says what is still to be done. */
static int commit(const struct control *control, const struct plan *plan,
		  struct err *err)
{
	bool later = false;

	for (size_t i = 0; i < plan->nsteps; i++)
		later |= plan->steps[i].op == STEP_DEL &&
			 (plan->steps[i].kind == OBJECT_NETNS ||
			  plan->steps[i].kind == OBJECT_ENDPOINT);
	return later && !control->replaying ?
		       unfinished_commit(control->instance.name, plan, err) :
		       0;
}

static int act(struct control *control, struct work *work,
	       const struct plan *plan, struct progress *progress,
	       struct err *err)
{
	int rc = 0;

	if (needs_datapath(plan))
		rc = control_load(control, &work->desired->settings, err);
	work->dp = control->dp;
	rc = rc ? rc : do_steps(work, plan, false, progress, err);
	if (!rc && control->dp)
		rc = fill_after(control, work, plan, err);
	rc = rc ? rc : commit(control, plan, err);
	rc = rc ? rc : do_steps(work, plan, true, progress, err);
	for (size_t i = 0; i < progress->count && !rc; i++)
		step_settle(work, progress->steps[i]);
	return rc;
}

static int begin(const struct control *control, const struct plan *plan,
		 struct err *err)
{
	if (control->replaying)
		return 0;
	return unfinished_begin(control->instance.name, plan, &control->model,
				err);
}

/* Whoever comes next tidies up, but takes nothing back of what was done. */
static void end(const struct control *control, const struct work *work,
		const struct plan *plan, bool done)
{
	const char *instance = control->instance.name;
	struct err err;
	int rc = 0;

	if (control->replaying)
		return;
	if (!work->untidy)
		rc = unfinished_end(instance, &err);
	if (rc)
		log_warn("%s", err.text);
	rc = done && (rc || work->untidy) ?
		     unfinished_commit(instance, plan, &err) :
		     0;
	if (rc)
		log_warn("%s", err.text);
}

int plan_apply(struct control *control, struct model *desired,
	       const struct host *host, const struct plan *plan,
	       const struct ipam *ipam, struct err *err)
{
	_cleanup_free_ const struct step **steps =
		calloc(plan->nsteps + 1, sizeof(*steps));
	struct progress progress = { .steps = steps };
	struct work work = {
		.instance = control->instance.name,
		.nl = control->nl,
		.host = host,
		.actual = &control->model,
		.desired = desired,
		.was_loaded = control->dp,
		.replaying = control->replaying,
		.holding = true,
	};
	struct err undone;
	int rc;

	if (!steps)
		return err_set(err, -ENOMEM, "out of memory");
	rc = begin(control, plan, err);
	if (rc)
		return rc;
	rc = ipam_write(control, ipam, err);
	rc = rc ? rc : act(control, &work, plan, &progress, err);
	if (rc)
		ipam_undo(control, desired, ipam);
	/* Back it goes, also for who comes after this process. */
	if (rc && begin(control, plan, &undone))
		log_warn("%s", undone.text);
	/* Whatever could not be undone is for the next process to put right. */
	if (rc && undo(control, &work, &progress, &undone)) {
		log_err("undo: %s", undone.text);
		work_free(&work);
		return rc;
	}
	if (rc && err && !err->hint[0])
		err_hint(err, "everything was undone");
	end(control, &work, plan, rc == 0);
	work_free(&work);
	return rc;
}
