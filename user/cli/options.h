/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* options - the words that begin with a dash: one table, parsed into cli */
#ifndef BPFNET_OPTIONS_H
#define BPFNET_OPTIONS_H

#include "cli/cli.h"

/* Options of single commands; a command lists those that it takes. */
enum option_local {
	OPTION_FILE = 1 << 0,
	OPTION_PRUNE = 1 << 1,
	OPTION_WATCH = 1 << 2,
	OPTION_ROOT = 1 << 3,
	OPTION_DNS = 1 << 4,
	OPTION_DROP_FLOWS = 1 << 5,
	OPTION_CONFIRM = 1 << 6,
	OPTION_FIX = 1 << 7,
};

struct option_def {
	int letter; /* 0: only the long form */
	const char *name;
	const char *value; /* what usage calls it; NULL: takes none */
	const char *help;
	unsigned int local; /* enum option_local; 0: for all commands */
	int (*set)(struct cli *cli, const char *value, struct err *err);
};

/* Ends with an entry without name. */
extern const struct option_def option_table[];

/*
 * Environment first, then argv, where options may stand before or after the
 * other words up to "--". The other words move to the end of argv; ret_first
 * is the index of the first one.
 */
int options_parse(int argc, char **argv, struct cli *cli, int *ret_first,
		  struct err *err);

/* Usage error when an option was given that is not in allowed. */
int options_check(const struct cli *cli, unsigned int allowed, struct err *err);

#endif
