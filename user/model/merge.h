/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* merge - what a file says, put into what exists */
#ifndef BPFNET_MERGE_H
#define BPFNET_MERGE_H

#include "model/model.h"

/*
 * Edits existing (a copy of what runs) as file says. Objects of the file
 * replace those of the same name, publishes those that listen at the same
 * place; they keep the origin of what they replace. A port that something else
 * than a file published to another endpoint is a conflict. The policy is one
 * object: a file that has one replaces all rules that files made, and its own
 * come first, in its order. Settings that the file names replace those.
 *
 * With prune, what a file made and this one does not name goes, the policy and
 * settings (to their defaults) as well; -EBUSY (conflict/4) when something that
 * stays still uses one.
 * Pure; fields that the file leaves open are left to model_fill. On failure
 * existing is half edited: throw it away.
 */
int model_merge(struct model *existing, const struct model *file, bool prune,
		struct err *err);

#endif
