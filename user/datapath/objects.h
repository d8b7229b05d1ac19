/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* objects - the programs of this executable, loaded but not yet in force */
#ifndef BPFNET_OBJECTS_H
#define BPFNET_OBJECTS_H

#include "datapath/internal.h"

struct objects;

/* Name of a directory beside the pinned programs: those of this build. */
extern const char objects_stamp[];

int objects_open(struct objects **ret, struct err *err);
void objects_close(struct objects *objects); /* NULL is none */

/* Whether the maps that are pinned below root are as these programs want them.
 * 0, or -EPROTO and why not, to follow "the programs ...". A map that the
 * pinned programs do not have either is one that can be made. */
int objects_compare(const struct objects *objects, const char *root,
		    char why[BUILD_WHY_MAX]);

/* Loads and verifies, with the maps that are pinned below root; NULL: with
 * fresh ones, whose bn_config says what they are. */
int objects_load(struct objects *objects,
		 const struct datapath_options *options, const char *root,
		 struct err *err);

/* Makes the two directories below root, with the pins of everything. */
int objects_pin(const struct objects *objects, const char *root,
		const char *maps, const char *programs, struct err *err);

/* The names of all that is pinned, also before it is loaded. */
void objects_each_map(const struct objects *objects,
		      void (*visit)(const char *name, void *arg), void *arg);
void objects_each_program(const struct objects *objects,
			  void (*visit)(const char *name, void *arg),
			  void *arg);
/* fd of a loaded program, borrowed. */
int objects_program(const struct objects *objects, const char *name);

#endif
