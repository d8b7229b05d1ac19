/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* unfinished - what a plan changes, as it was, for when its process dies */
#ifndef BPFNET_UNFINISHED_H
#define BPFNET_UNFINISHED_H

#include "model/plan.h"

/*
 * /run/NAME/unfinished is there while a plan is being applied. A process that
 * fails undoes by itself what it did. For one that is killed the next process
 * does, by this file: so either all of a plan is done in the end, or nothing.
 */

/* Before the first step: how to come back. */
int unfinished_begin(const char *instance, const struct plan *plan,
		     const struct model *actual, struct err *err);

/* After the last step that can be undone: from here on it goes forward. Names
 * the namespaces that are still to be removed. */
int unfinished_commit(const char *instance, const struct plan *plan,
		      struct err *err);

int unfinished_end(const char *instance, struct err *err);

bool unfinished_is_there(const char *instance);

/* Makes the model, which is what such a process has left, what it should be. A
 * file that cannot be read is a warning: what exists is taken as it is then.
 * -ENOMEM. */
int unfinished_replay(const char *instance, struct model *model,
		      struct err *err);

#endif
