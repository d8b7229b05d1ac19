/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* control - one instance: its lock, its state, and the way to change it */
#ifndef BPFNET_CONTROL_H
#define BPFNET_CONTROL_H

#include <stdbool.h>
#include <stdio.h>

#include "datapath/datapath.h"
#include "model/model.h"

/* Where the instance lives; zero-initialise, then fill. Strings are borrowed. */
struct instance {
	const char *name; /* default "bpfnet" */
	const char *cgroup; /* NULL: the cgroup2 root */
	bool force_clsact; /* do not use tcx */
};

enum control_mode {
	CONTROL_READ, /* shared lock; nothing is created */
	CONTROL_TRY_READ, /* as READ, but does not wait */
	CONTROL_WRITE, /* exclusive lock, waits at most 60 s (locked/6); programs
			* of another build are replaced, if flows can be kept */
	CONTROL_TRY_WRITE, /* as WRITE, but does not wait; the programs stay */
	CONTROL_DROP_FLOWS, /* as WRITE; programs are replaced in any case */
	CONTROL_PLAN, /* as WRITE, for a dry run: nothing is made good */
	CONTROL_CHECK, /* as READ, and the host's devices can be looked at; what
			* cannot be read is left out, for the check to tell */
	CONTROL_MEND, /* as WRITE; what of the record is damaged is found again
		       * where the kernel still knows it */
	CONTROL_PURGE, /* as WRITE; a damaged record or pins of another version
			* are a warning: what can be read is removed */
};

struct control;

/* Opens the instance and reads what exists from /run/NAME. Instances that have
 * nothing yet are empty, not an error. Checks for root (permission/7). */
int control_open(const struct instance *instance, enum control_mode mode,
		 struct control **ret, struct err *err);
void control_close(struct control *control);

/* What opening the instance did to the programs of another build. */
enum upgrade {
	UPGRADE_NONE, /* there were none */
	UPGRADE_KEPT, /* replaced, flows and counters go on */
	UPGRADE_DROPPED, /* replaced, flows and counters began anew */
};
enum upgrade control_upgraded(const struct control *control);
/* How the loaded programs relate to those of this bpfnet; changes nothing and
 * needs no lock. */
int control_compare(const struct instance *instance, struct build *ret,
		    struct err *err);

/* What exists. Owned by control, constant. */
const struct model *control_model(const struct control *control);
/* The same without endpoints whose namespace is gone, as the next command that
 * changes something will forget them. Into an uninitialised ret. */
int control_model_now(struct control *control, struct model *ret,
		      struct err *err);
/* The loaded datapath, NULL while nothing is loaded. Owned by control. */
struct datapath *control_datapath(const struct control *control);

/*
 * parse -> check -> plan -> act, from the second step on: checks and fills
 * desired (in place), plans, prints the plan to plan_out unless that is NULL,
 * and, unless dry_run, applies it, undoing everything on failure. ret_changes
 * (may be NULL): number of steps. Needs CONTROL_WRITE, also for dry_run.
 *
 * What was applied is what exists, see control_model: desired is empty then.
 */
int control_reconcile(struct control *control, struct model *desired,
		      bool dry_run, FILE *plan_out, size_t *ret_changes,
		      struct err *err);

/* An apply that is rolled back unless it is confirmed within seconds. armed is
 * called when the clock runs, before anything is changed. */
struct confirm_request {
	unsigned int seconds;
	void (*armed)(void *arg);
	void *arg;
};

/*
 * As control_reconcile, and keeps the state that there was, for
 * control_rollback. confirm (may be NULL): it is also rolled back by itself,
 * by the first process that opens the instance to write after that time. While
 * one waits, a second request only begins the time anew: what is gone back to
 * is the state before the first (as RFC 6241, 8.4, has it). A plan without
 * steps keeps nothing, and asks for no confirmation.
 */
int control_apply(struct control *control, struct model *desired,
		  const struct confirm_request *confirm, FILE *plan_out,
		  size_t *ret_changes, struct err *err);

/* Does an apply wait for its confirmation? ret_left_s: how long it may. */
bool control_is_pending(const struct control *control,
			unsigned int *ret_left_s);
/* Whether opening has rolled back what was not confirmed in time. */
bool control_has_rolled_back(const struct control *control);

/* The apply stays. -ENOENT: nothing waits. Needs CONTROL_WRITE. */
int control_confirm(struct control *control, struct err *err);

/* Back to the state before the last apply, or before the first of those that
 * wait for confirmation; as control_reconcile. -ENOENT: none is known. What
 * cannot come back (a process that has ended) is left out, with a warning. */
int control_rollback(struct control *control, bool dry_run, FILE *plan_out,
		     size_t *ret_changes, struct err *err);

/* The host's addresses or devices changed: fills the tables again. Needs
 * CONTROL_WRITE. */
int control_refresh(struct control *control, struct err *err);

/* Removes everything that the instance made. Goes on after a failure; err then
 * names the first one. */
int control_purge(struct control *control, struct err *err);

/* One expiry pass in the kernel; ret_args (may be NULL) says what it found. */
int control_gc(struct control *control, struct gc_args *ret_args,
	       struct err *err);

#endif
