/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* plan - the steps that lead from what exists to what is wanted */
#ifndef BPFNET_PLAN_H
#define BPFNET_PLAN_H

#include <stdio.h>

#include "model/check.h"

enum step_op { STEP_ADD, STEP_SET, STEP_DEL };

struct step {
	enum step_op op;
	enum object_kind kind;
	/* Into the two models that the plan was made from, which must outlive
	 * it. ADD has no old, DEL no new. OBJECT_RULE is one SET step for the
	 * whole list: both pointers are NULL. */
	const void *old;
	const void *new;
	size_t count; /* OBJECT_RULE: how many rules there will be */
};

struct plan {
	struct step *steps;
	size_t nsteps;
	const struct model *actual, *desired; /* that it was made from */
};

/*
 * Pure. Order: what goes, users before what they use (publish, endpoint,
 * netns, network, uplink), then what comes in the opposite order (settings,
 * uplink, network, netns, endpoint, publish), policy last so that it may name
 * new endpoints. An endpoint or network that changed in a way that the running
 * one cannot follow is DEL and ADD, with all that depends on it; SET where it
 * can (network: internal, icc, masquerade, mtu; uplink: snat; netns: dns).
 * plan_make(m, m) is empty. 0 or -ENOMEM.
 */
int plan_make(const struct model *actual, const struct model *desired,
	      struct plan *ret_plan);
void plan_free(struct plan *plan);

/* One line a step: "+ network backend 192.168.20.0/24", "- port 8080/tcp",
 * "~ policy 3 rules", and after that one for each rule that comes, changes or
 * goes: "  + rule api-db net:backend -> net:database allow". Nothing for an empty
 * plan. */
void plan_print(const struct plan *plan, FILE *out);
/* The text of one step, as plan_print writes it, without newline. */
const char *step_print(const struct step *step, char *buf, size_t len);

#endif
