/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* command - the tree of objects and commands, and finding one by its words */
#ifndef BPFNET_COMMAND_H
#define BPFNET_COMMAND_H

#include <stdbool.h>

#include "cli/cli.h"

/*
 * An object (with sub) or a command (with run). One with neither is known, but
 * not in this version: usage does not show it and no prefix means it.
 */
struct command {
	const char *name;
	const char *alias; /* more full names, with blanks between; or NULL */
	const char *args; /* for usage, "" without */
	const char *help; /* one line, lower case */
	unsigned int options; /* enum option_local that it takes */
	bool no_dry_run; /* acts in a way that -n cannot hold back */
	int (*run)(struct cli *cli, struct args *args, struct err *err);
	const struct command *sub; /* its end has no name */
};

/* The top of the tree; its end has no name. */
extern const struct command command_table[];

bool command_is_available(const struct command *command);

/*
 * Finds by name, alias or unique prefix. what ("object", "command") is for the
 * message. -EINVAL: unknown, with a suggestion; ambiguous, with the
 * candidates; or not available in this version.
 */
int command_find(const struct command *table, const char *word,
		 const char *what, const struct command **ret, struct err *err);

#endif
