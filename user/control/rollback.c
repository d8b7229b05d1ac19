/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* rollback - back to the state before the last apply, asked for or overdue */
#include <errno.h>
#include <string.h>

#include "control/control_internal.h"
#include "control/identity.h"
#include "control/pending.h"
#include "control/previous.h"
#include "lib/log.h"

/*
 * An apply with --confirm has three guards, of which any one is enough: a
 * process that waits (waiter.c), the agent, and every command that opens the
 * instance to write. All they do is to open it: what is overdue is rolled back
 * there, under the instance's lock. What they need is in two files, so none of
 * them has to live through the others' time.
 */

static bool read_pending(const struct control *control, struct pending *ret)
{
	return !pending_read(control->instance.name, ret, NULL);
}

bool control_is_pending(const struct control *control, unsigned int *ret_left_s)
{
	struct pending pending;

	if (!read_pending(control, &pending))
		return false;
	if (ret_left_s)
		*ret_left_s = pending_left_s(&pending);
	return true;
}

bool control_has_rolled_back(const struct control *control)
{
	return control->rolled_back;
}

/* ------------------------------------------------- around an apply */

/* The clock runs before anything is changed: the change may be what ends this
 * process. */
static int arm(struct control *control, const struct confirm_request *confirm,
	       struct err *err)
{
	const struct pending pending = pending_make(confirm->seconds);
	int rc = pending_write(control->instance.name, &pending, err);

	if (!rc && confirm->armed)
		confirm->armed(confirm->arg);
	return rc;
}

int remember(struct control *control, const struct confirm_request *confirm,
	     struct err *err)
{
	const char *instance = control->instance.name;
	struct pending pending;
	int rc;

	control->waited = read_pending(control, &pending);
	if (control->waited)
		control->waited_for = pending;
	rc = control->waited ? 0 :
			       previous_begin(instance, &control->model, err);
	if (!rc && confirm)
		rc = arm(control, confirm, err);
	return rc;
}

int remembered(struct control *control, bool success, struct err *err)
{
	const char *instance = control->instance.name;
	int rc;

	/* What waited before goes on as it was. */
	if (control->waited)
		return success ? 0 :
				 pending_write(instance, &control->waited_for,
					       err);
	if (success)
		return previous_commit(instance, err);
	rc = pending_del(instance, err);
	return rc ? rc : previous_abort(instance, err);
}

int control_confirm(struct control *control, struct err *err)
{
	struct pending pending;
	int rc = pending_read(control->instance.name, &pending, err);

	return rc ? rc : pending_del(control->instance.name, err);
}

/* ------------------------------------------------------- the way back */

static bool can_come_back(const struct model *actual,
			  const struct endpoint *endpoint)
{
	bool is_name = endpoint->netns[0] != '/' &&
		       strncmp(endpoint->netns, "pid:", 4);

	/* A name can be made again; it is what the endpoint goes by. */
	return is_name || model_find_endpoint(actual, endpoint->name) ||
	       identity_of_endpoint(endpoint) == IDENTITY_SAME;
}

static void drop_lost(const struct control *control, const struct host *host,
		      struct model *desired)
{
	const struct model *actual = &control->model;

	for (size_t i = desired->nendpoints; i-- > 0;) {
		const struct endpoint *endpoint = &desired->endpoints[i];

		if (can_come_back(actual, endpoint))
			continue;
		log_warn("endpoint '%s' cannot come back: its namespace is "
			 "gone",
			 endpoint->name);
		previous_drop_endpoint(desired, endpoint->name);
	}
	for (size_t i = desired->nuplinks; i-- > 0;) {
		const char *name = desired->uplinks[i].ifname;

		if (host_find_link(host, name) ||
		    model_find_uplink(actual, name))
			continue;
		log_warn("uplink '%s' cannot come back: the device is gone",
			 name);
		model_del_uplink(desired, &desired->uplinks[i]);
	}
}

static int go_back(struct control *control, struct model *desired, bool dry_run,
		   FILE *plan_out, size_t *ret_changes, struct err *err)
{
	struct host host;
	int rc = host_read(control->nl, &host, err);

	if (rc)
		return rc;
	drop_lost(control, &host, desired);
	host_free(&host);
	return control_reconcile(control, desired, dry_run, plan_out,
				 ret_changes, err);
}

int control_rollback(struct control *control, bool dry_run, FILE *plan_out,
		     size_t *ret_changes, struct err *err)
{
	const char *instance = control->instance.name;
	struct model desired;
	int rc = previous_read(instance, &desired, err);

	if (rc)
		return rc;
	rc = go_back(control, &desired, dry_run, plan_out, ret_changes, err);
	model_free(&desired);
	if (rc || dry_run)
		return rc;
	/* The clock last: a process that dies here is followed by one that
	 * finds nothing to do. */
	rc = previous_del(instance, err);
	return rc ? rc : pending_del(instance, err);
}

/* ----------------------------------------------------- what is overdue */

static void try_again(struct control *control, struct pending *pending,
		      const struct err *why)
{
	struct err err;

	log_err("roll back what nobody confirmed: %s", why->text);
	pending->tries++;
	if (pending_write(control->instance.name, pending, &err))
		log_err("%s", err.text);
}

static int roll_back(struct control *control, struct err *err)
{
	/* A process died that had come as far as to remove it. */
	if (!previous_exists(control->instance.name))
		return pending_del(control->instance.name, err);
	return control_rollback(control, false, NULL, NULL, err);
}

/*
 * A process died in an apply that keeps the state there was. Opening has undone
 * or finished it by now, or could not. Undone, it never was: neither is there a
 * way back from it, nor does it wait for its confirmation.
 */
static int settle(struct control *control, struct err *err)
{
	const char *instance = control->instance.name;
	bool undone = false;
	int rc = previous_is_undone(instance, &control->model, &undone, err);

	if (rc == -ENOENT)
		return 0;
	/* What cannot be read may still be needed, and is told then. */
	if (rc || !undone)
		return previous_commit(instance, err);
	rc = pending_del(instance, err);
	return rc ? rc : previous_abort(instance, err);
}

void rollback_overdue(struct control *control)
{
	struct pending pending;
	struct err err;

	if (settle(control, &err))
		log_warn("%s", err.text);
	if (!read_pending(control, &pending) || pending_left(&pending) > 0 ||
	    pending_is_hopeless(&pending))
		return;
	log_warn("the last apply was not confirmed in time, rolling it back");
	if (roll_back(control, &err))
		try_again(control, &pending, &err);
	else
		control->rolled_back = true;
}
