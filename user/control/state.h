/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* state - /run/NAME: what exists, object by object */
#ifndef BPFNET_STATE_H
#define BPFNET_STATE_H

#include <stdbool.h>

#include "model/check.h"

/*
 *	/run/NAME/lock		flock, see control.c
 *	         /journal	what exists, a line for each object
 *	         /unfinished	while a plan is applied, see unfinished.h
 *	         /addresses.json  see ipam.h
 *	         /previous	before: see previous.h
 *	         /pending.json	see pending.h
 *
 * A line about an object is added to the journal before the object is made, as
 * incomplete, and again when the object stands; and two when it goes, before
 * and after. So a process that dies leaves a record of whatever it may have
 * left behind, and "unfinished" says that the datapath's tables may not be what
 * the record says. What is nothing but a row of a table has one line each time.
 * Default settings have none.
 *
 * When a fifth of its lines is out of date, the journal is written anew beside the
 * old one and takes its name. Nothing is forced to the disk, where /run is on
 * one: what the record tells of does not outlive the kernel either.
 */
#define STATE_ROOT "/run"

/* What was read: complete objects in model, the others in leftovers. */
struct state {
	struct model model;
	struct model leftovers;
	bool unfinished;
	size_t valid; /* bytes of the journal; what follows was not finished */
	size_t waste; /* lines of the journal that say nothing any more */
	bool outdated; /* the journal is another version's */
};

/* An absent directory is an empty state. Both models must be freed. salvage:
 * what is damaged is left out, with a warning. */
int state_read(const char *instance, bool salvage, struct state *ret,
	       struct err *err);
/*
 * Cut off at a line's end, a journal looks whole. So whoever has written it leaves
 * its size in the lock file, lock: an open descriptor. Nothing is known while a
 * plan is applied, nor after it was written anew.
 */
void state_seal(const char *instance, int lock);
void state_break_seal(int lock);
/* -EINVAL when the journal has lost something since. */
int state_check_seal(const char *instance, int lock, struct err *err);

/* For who is going to write: takes the unfinished end off the journal, and
 * writes it anew where that is worth it. */
int state_clean(const char *instance, const struct state *state,
		struct err *err);

/* Copies the journal to a file, whole or not at all. -ENOENT: there is none. */
int state_copy(const char *instance, const char *path, struct err *err);

/* kind: any but OBJECT_RULE and OBJECT_SETTINGS. */
int state_write(const char *instance, enum object_kind kind, const void *object,
		bool complete, struct err *err);
int state_del(const char *instance, enum object_kind kind, const void *object,
	      struct err *err);
int state_write_settings(const char *instance, const struct settings *settings,
			 struct err *err);
/* old: what is recorded; model itself where as many rules are, and any of them
 * may have changed. */
int state_write_rules(const char *instance, const struct model *model,
		      const struct model *old, struct err *err);
/* Removes what processes have left that died while they wrote. */
int state_sweep(const char *instance, struct err *err);

/* A record that holds this model, in place of one that is damaged, which stays
 * beside it as journal.broken. What was not finished stays recorded. */
int state_rebuild(const char *instance, const struct model *model,
		  struct err *err);

/* Refuses a directory of that name in /run that is somebody else's: it has
 * entries that no instance has (conflict/4). */
int state_check_owner(const char *instance, struct err *err);
/* The whole directory, with the lock: the caller no longer holds one then. */
int state_remove(const char *instance, struct err *err);
/* The directory, if nothing is recorded in it. */
void state_tidy(const char *instance);

#endif
