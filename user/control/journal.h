/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* journal - the file of all objects: its lines, and what they add up to */
#ifndef BPFNET_JOURNAL_H
#define BPFNET_JOURNAL_H

#include <stdio.h>

#include "control/fields.h"
#include "control/state.h"

/*
 *	# endpoint name origin network ...	what the words of a kind are
 *	? endpoint web 0 front ... SUM		is about to be made, or removed
 *	+ endpoint web 0 front ... SUM		is there
 *	- endpoint web SUM			is not there any more
 *	. rule in 0 world web ... SUM		rules, which wait for
 *	! policy OLD AT DEL ADD SUM		in a list of OLD rules, from AT
 *						on, DEL are gone and the ADD
 *						that wait are there instead
 *
 * The last line about an object counts. A line is written by one write(), so a
 * process that dies leaves a part of the last one at most, without its end: as
 * if it had not been written. Everywhere else a line whose sum is wrong is
 * damage.
 */

/* Fills in the text of one line, with its end. */
void journal_line(char op, enum object_kind kind, const void *object,
		  struct line *ret);
void journal_policy_line(size_t old, size_t at, size_t del, size_t add,
			 struct line *ret);

/* The first lines of every journal, and a whole one with what state holds. The
 * text must be freed. 0 or -ENOMEM. */
int journal_print(const struct state *state, char **ret_text, size_t *ret_len);

/* The first lines of every journal, for one of another kind. */
void journal_head(FILE *out);

/* What a line of such a journal tells of. */
struct journal_line {
	char op;
	enum object_kind kind;
	const char *key; /* of '-': a name, or a number */
	const void *object; /* of other lines */
};
/* Calls visit for each of its lines until that returns other than 0. Damage:
 * -EINVAL, a newer version's line: -EPROTO, and where. */
int journal_each(const char *path, char *text, size_t len,
		 int (*visit)(const struct journal_line *line, void *arg,
			      struct err *err),
		 void *arg, struct err *err);

/*
 * Cuts up text, len bytes of the file path, and appends to the models of state
 * what it adds up to. Damage: -EINVAL and where; with salvage it is left out
 * and told. Sets what state says of the journal.
 */
int journal_read(const char *path, char *text, size_t len, bool salvage,
		 struct state *state, struct err *err);

#endif
