/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* previous - the state before the last apply, kept to go back to it */
#ifndef BPFNET_PREVIOUS_H
#define BPFNET_PREVIOUS_H

#include "model/model.h"

/*
 *	/run/NAME/previous	the whole model, as it was, as a journal
 *	         /before	the same, while the apply is going on
 *
 * An apply that is undone leaves what was previous before, also when that was
 * done by another process, since its own had died: see previous_is_undone.
 */
int previous_begin(const char *instance, const struct model *before,
		   struct err *err);
int previous_commit(const char *instance, struct err *err);
int previous_abort(const char *instance, struct err *err);
/* Whether what is there now is what there was before an apply whose process
 * died, which then is to be aborted, else committed. -ENOENT: none did. */
int previous_is_undone(const char *instance, const struct model *now, bool *ret,
		       struct err *err);

bool previous_exists(const char *instance);
/* Into an uninitialised ret. -ENOENT: there is none. */
int previous_read(const char *instance, struct model *ret, struct err *err);
int previous_del(const char *instance, struct err *err);

/* The endpoint has gone by itself: going back does not bring it back, nor its
 * ports, nor a namespace that was made for it. Failures are logged. */
void previous_forget(const char *instance, const char *endpoint);

/* Pure. The part of previous_forget that edits. False: it has no such one. */
bool previous_drop_endpoint(struct model *model, const char *endpoint);

#endif
