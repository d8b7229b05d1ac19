/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* control_internal - what the files of control share */
#ifndef BPFNET_CONTROL_INTERNAL_H
#define BPFNET_CONTROL_INTERNAL_H

#include "control/control.h"
#include "control/host.h"
#include "control/pending.h"
#include "control/state.h"
#include "control/steps.h"

struct ipam;

struct control {
	struct instance instance;
	enum control_mode mode;
	int lock; /* fd, -1: READ of an instance that has nothing */
	struct nl *nl; /* of the host's namespace; WRITE only */
	struct datapath *dp; /* NULL: nothing is loaded */
	struct model model; /* what exists */
	struct host seen; /* what observe found, until somebody changes it */
	bool has_seen;
	bool readable; /* the record: all of it is known */
	bool seals; /* the journal, when it is closed, see state.h */
	bool replaying; /* the file "unfinished" is another process's, and stays */
	enum upgrade upgraded;
	__u64 netns_cookie; /* of the instance's home, 0: not known */
	bool waited; /* an apply for its confirmation, when this one began */
	struct pending waited_for;
	bool rolled_back; /* by opening it, see rollback.c */
	struct err record_error, datapath_error; /* CHECK and MEND only: why
						  * they could not be read */
	bool is_interrupted; /* CHECK only: a process died half-way */
	bool homeless; /* PURGE only: the host's namespace is gone, so devices
			* of the same names here are somebody else's */
};

/* A step's surroundings where nothing is planned: what exists is wanted. */
void work_init(struct control *control, const struct host *host,
	       struct work *ret);

/*
 * Brings model and kernel into line after things went away by themselves:
 * removes what an interrupted process left, forgets endpoints whose device is
 * gone with what only made sense for them, makes lost bridges again, loads a
 * lost datapath. For purge only the first two. state->model is control->model
 * by now and not looked at.
 */
int observe(struct control *control, const struct state *state,
	    struct err *err);

/* The host, as observe has just seen it, or read now. Freed by the caller. */
int control_look(struct control *control, struct host *ret, struct err *err);

/* Attaches every endpoint's device, where it is there. */
int control_attach_endpoints(struct control *control, const struct host *host,
			     struct err *err);

/* Puts the programs of this build in the place of another's. -EPROTO: that would
 * end all flows, which takes CONTROL_DROP_FLOWS. */
int control_upgrade(struct control *control, struct err *err);

/* Before and after an apply that keeps the state there was, see rollback.c. */
int remember(struct control *control, const struct confirm_request *confirm,
	     struct err *err);
int remembered(struct control *control, bool success, struct err *err);

/* Rolls back what was not confirmed in time. Failures are logged. */
void rollback_overdue(struct control *control);

/* Completes a model that was read from a damaged record by what the kernel has
 * in its place, and records that; the damaged files are moved aside. */
int recover(struct control *control, struct err *err);

/* Whether something of the model needs programs in the kernel. */
bool control_needs_datapath(const struct control *control);

/* Opens the datapath, loads it when there is none, and puts the socket hooks
 * on the cgroup. */
int control_load(struct control *control, const struct settings *settings,
		 struct err *err);

/* Takes the datapath out of the kernel when the model no longer has anything
 * that needs it. */
int control_unload_unused(struct control *control, struct err *err);

/* Does the plan's steps and fills the tables; on failure all is undone. */
int plan_apply(struct control *control, struct model *desired,
	       const struct host *host, const struct plan *plan,
	       const struct ipam *ipam, struct err *err);

#endif
