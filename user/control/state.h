/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* state - /run/NAME: what exists, one small file an object */
#ifndef BPFNET_STATE_H
#define BPFNET_STATE_H

#include <stdbool.h>

#include "model/check.h"

/*
 *	/run/NAME/lock			flock, see control.c
 *	         /settings.json
 *	         /policy.json		all rules, in order
 *	         /addresses.json	see ipam.h
 *	         /netns/NAME.json	network/ endpoint/ uplink/ publish/
 *	         /unfinished		while a plan is applied, see unfinished.h
 *	         /previous.json		before.json: see previous.h
 *	         /pending.json		see pending.h
 *
 * A file is written before its object is made, with "complete": false, and
 * again when the object stands; it is removed after the object is gone. So a
 * process that dies leaves a record of whatever it may have left behind, and
 * "unfinished" says that the datapath's tables may not be what the record says.
 * Default settings and an empty policy have no file.
 */
#define STATE_ROOT "/run"

/* What was read: complete objects in model, the others in leftovers. */
struct state {
	struct model model;
	struct model leftovers;
	bool unfinished;
};

/* An absent directory is an empty state. Both models must be freed. salvage: a
 * damaged file is a warning, and what it recorded is left out. */
int state_read(const char *instance, bool salvage, struct state *ret,
	       struct err *err);

/* kind: any but OBJECT_RULE and OBJECT_SETTINGS. */
int state_write(const char *instance, enum object_kind kind, const void *object,
		bool complete, struct err *err);
int state_del(const char *instance, enum object_kind kind, const void *object,
	      struct err *err);
int state_write_settings(const char *instance, const struct settings *settings,
			 struct err *err);
int state_write_rules(const char *instance, const struct model *model,
		      struct err *err);
/* Removes what processes have left that died while they wrote; deep: objects'
 * files as well, which only a plan writes. */
int state_sweep(const char *instance, bool deep, struct err *err);

/* A record that holds this model, in place of one that is damaged: its files are
 * moved aside, as NAME.broken. What was not finished stays recorded. */
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
