/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* usage - help texts, all printed from the command and option tables */
#ifndef BPFNET_USAGE_H
#define BPFNET_USAGE_H

#include <stdio.h>

#include "cli/command.h"

/* All objects, one line each, and the options that every command takes. */
void usage_print(FILE *out);
/* One object's commands (or the command itself), each with its words. */
void usage_print_object(const struct command *object, FILE *out);
/* One command, with all that belongs to it; an object without commands is one. */
void usage_print_command(const struct command *object,
			 const struct command *command, FILE *out);

#endif
