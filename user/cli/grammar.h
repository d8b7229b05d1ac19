/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* grammar - the words that a command takes, read from its line of usage */
#ifndef BPFNET_GRAMMAR_H
#define BPFNET_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

#define GRAMMAR_SLOTS_MAX 32

/* One word that a command takes, or a keyword and its value. */
struct slot {
	char keyword[32]; /* empty: the word is told by its position */
	/* Lower case is to be typed as it stands, capitals say what is meant,
	 * '|' separates several; empty: the keyword stands alone. */
	char value[128];
	unsigned int choice; /* of slots with one number only one; 0: free */
	bool repeat;
};

struct grammar {
	struct slot slots[GRAMMAR_SLOTS_MAX]; /* in the order of the line */
	size_t count;
	bool ends_in_command; /* "-- COMMAND" */
};

/*
 * Reads the args of a command's entry in the table. Options are left out: they
 * have a table of their own. -EINVAL: the line is written in a way that is not
 * known here.
 */
int grammar_parse(const char *args, struct grammar *ret);

#endif
