/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* steps - one step of a plan, done in the kernel and recorded in /run */
#ifndef BPFNET_STEPS_H
#define BPFNET_STEPS_H

#include "control/host.h"
#include "datapath/datapath.h"
#include "model/plan.h"

/* What the steps of one apply work with. */
struct work {
	const char *instance;
	struct nl *nl; /* of the host's namespace */
	struct datapath *dp; /* NULL: nothing is loaded or attached */
	const struct host *host; /* as it was before the first step */
	/* What is found out about namespaces is filled in here, into the model
	 * that objects are made by. */
	struct model *actual;
	struct model *desired;
	bool was_loaded; /* the datapath, before the first step */
	bool replaying; /* the plan undoes what another process began */
	bool undoing; /* objects are made as actual has them, counters go on */
	bool untidy; /* something that does no harm was left behind */
	bool holding; /* what a step removes may have to come back */
	/* Namespaces that lost their names, held until all has succeeded: each
	 * of them comes back with what is in it. */
	struct held *held;
	size_t nheld;
	bool *published; /* by id: what actual has; NULL: nobody has asked */
};

struct held {
	const char *name; /* the plan's */
	int fd;
};

/* The model that objects are made by. */
static inline const struct model *work_model(const struct work *work)
{
	return work->undoing ? work->actual : work->desired;
}

/*
 * Does one step, or leaves nothing of it behind: an object that could not be
 * removed is whole again. Deleting what is already gone is no failure. The
 * datapath's tables are not touched: see sync.h.
 */
int step_do(struct work *work, const struct step *step, struct err *err);

/* Does the opposite; work->undoing is set. */
int step_undo(struct work *work, const struct step *step, struct err *err);

/* After the last step: what could not be undone. */
void step_settle(struct work *work, const struct step *step);

/* Gives up what was kept for an undo, and the rest. */
void work_free(struct work *work);

/* Removes what a process that died half-way may have left of an object. */
int step_clean(struct work *work, enum object_kind kind, const void *object,
	       struct err *err);

#endif
