/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ipam - /run/NAME/addresses.json: which addresses were handed out */
#ifndef BPFNET_IPAM_H
#define BPFNET_IPAM_H

#include "control/control_internal.h"
#include "model/memory.h"

/*
 * One file for all networks, since one change may concern several: a list with
 * a cursor (cursor.h) for each subnet that has handed out addresses. Without
 * the file, or an entry, nothing is known, which costs a walk over the flows
 * but never an address. So what cannot be read is told and left out.
 */
struct ipam {
	struct memory before; /* as the file says */
	struct memory after; /* as it shall say when the plan is done */
};

void ipam_free(struct ipam *ipam);
/* model_fill_remembering for what the instance remembers. Changes nothing. */
int ipam_fill(struct control *control, struct model *desired, struct ipam *ret,
	      struct err *err);
/* Before the plan is done: if the process dies in the middle, an address that it
 * has handed out is not the next one again. */
int ipam_write(const struct control *control, const struct ipam *ipam,
	       struct err *err);
/* After it was undone: as before, but what desired had for a moment may have
 * flows. */
void ipam_undo(const struct control *control, const struct model *desired,
	       const struct ipam *ipam);

/* These endpoints are gone without a plan, so their addresses are given back;
 * model is what there is. */
int ipam_forget(const char *instance, const struct model *model,
		const struct endpoint *gone, size_t count, struct err *err);

#endif
