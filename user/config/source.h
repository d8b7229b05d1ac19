/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* source - the texts that make up one configuration: a file and its drop-ins */
#ifndef BPFNET_SOURCE_H
#define BPFNET_SOURCE_H

#include <stddef.h>

#include "lib/err.h"

struct source {
	const char *name; /* as messages call it */
	const char *text;
	size_t len;
	char *owned[2]; /* of a list's: what it frees */
};

/* Borrows name and text; a byte order mark at the beginning is left out. */
struct source source_of(const char *name, const char *text, size_t len);

/* Sources in their order; what they point to belongs to the list. */
struct sources {
	struct source *items;
	size_t count;
};

/*
 * Reads the file at path ("-": standard input), and after it, where path is
 * DIR/NAME.yaml, all DIR/NAME.d/?*.yaml in the order of their bytes, without
 * those that begin with a dot. No such directory is no error. 0, or -errno with
 * the name of what cannot be read in err; then ret is empty.
 */
int sources_read(const char *path, struct sources *ret, struct err *err);
void sources_free(struct sources *sources);

#endif
