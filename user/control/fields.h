/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fields - a model object as words and back, from one table for each kind */
#ifndef BPFNET_FIELDS_H
#define BPFNET_FIELDS_H

#include "model/check.h"

/*
 * Records outlive the bpfnet that wrote them. A field that a version adds is
 * marked as later in its table: a record without it is an older one, and has the
 * default, which means what was so before. Where a new field says no more than
 * that, its word is "-", so that the version before can read the record. A field
 * that is not known and says something is refused.
 */

/* Room for the words of the largest object, a network with all its lists. */
#define LINE_MAX_BYTES 4096
#define FIELDS_MAX 32

struct line {
	char text[LINE_MAX_BYTES];
	size_t len;
};

/* Append all words of an object; the first of them, which is its name or
 * number; the names of a kind's words. A blank before each. */
void fields_print(enum object_kind kind, const void *object, struct line *line);
void fields_print_key(enum object_kind kind, const void *object,
		      struct line *line);
void fields_print_names(enum object_kind kind, struct line *line);

/* Which field each word of a line is: another version may have written them. */
struct layout {
	const struct field *fields[FIELDS_MAX]; /* NULL: not known here */
	const char *names[FIELDS_MAX]; /* as they are in the head, borrowed */
	size_t count;
};

/* What fields_print writes. */
void fields_own_layout(enum object_kind kind, struct layout *ret);
/* From the names of a kind's words, which it cuts up and borrows. -EINVAL when a
 * field is missing that every version has written. */
int fields_layout(enum object_kind kind, char *names, struct layout *ret,
		  struct err *err);

/* Fills object, all of it, from words with one blank between them, which it cuts
 * up. -EINVAL with the name of the field that is missing or wrong. -EPROTO: there
 * is a field that this version does not know; object has the others. */
int fields_parse(enum object_kind kind, const struct layout *layout,
		 char *words, void *object, struct err *err);

#endif
