/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* completion - the script that completes our words in a shell */
#include <errno.h>
#include <stdio.h>

#include <completion.h>

#include "cli/command.h"
#include "cli/grammar.h"
#include "cli/options.h"

/*
 * Printed are the tables, in a form that a shell reads quickly; what to do with
 * them is in completion.sh, which is a part of the program, so that both are
 * always of one version.
 */

static void print_slot(const struct slot *slot)
{
	printf("%s%s%s", slot->keyword,
	       slot->keyword[0] && slot->value[0] ? "=" : "", slot->value);
}

/* "NAME dns=IP+ allow/deny"; what the words mean is in completion.sh. */
static int print_words(const char *args)
{
	struct grammar grammar;
	unsigned int choice = 0;
	int rc = grammar_parse(args, &grammar);

	for (size_t i = 0; !rc && i < grammar.count; i++) {
		const struct slot *slot = &grammar.slots[i];

		if (i)
			putchar(slot->choice && slot->choice == choice ? '/' :
									 ' ');
		print_slot(slot);
		if (slot->repeat)
			putchar('+');
		choice = slot->choice;
	}
	if (!rc && grammar.ends_in_command)
		printf(" --");
	return rc;
}

static void print_options(unsigned int taken)
{
	const char *separator = "";

	for (const struct option_def *def = option_table; def->name; def++) {
		if (!(def->local & taken))
			continue;
		printf("%s--%s", separator, def->name);
		separator = " ";
	}
}

/* object: NULL for an object itself. */
static int print_line(const struct command *object,
		      const struct command *command, struct err *err)
{
	if (!command_is_available(command))
		return 0;
	printf("%s%s%s%s;%s;", command == command_table ? "" : "\n",
	       object ? object->name : "", object ? " " : "", command->name,
	       command->alias ? command->alias : "");
	print_options(command->options);
	putchar(';');
	if (print_words(command->args))
		return err_set(err, -EINVAL, "'%s' cannot be read",
			       command->args);
	return 0;
}

static int print_table(struct err *err)
{
	int rc = 0;

	printf("_bpfnet_table='");
	for (const struct command *o = command_table; !rc && o->name; o++) {
		rc = print_line(NULL, o, err);
		for (const struct command *c = o->sub; !rc && c && c->name; c++)
			rc = print_line(o, c, err);
	}
	printf("'\n");
	return rc;
}

static void print_option_table(void)
{
	printf("_bpfnet_options='");
	for (const struct option_def *def = option_table; def->name; def++) {
		printf("%s%s -%c --%s", def == option_table ? "" : "\n",
		       def->local ? "some" : "all",
		       def->letter ? def->letter : ' ', def->name);
		printf("%s%s", def->value ? " " : "",
		       def->value ? def->value : "");
	}
	printf("'\n");
}

int cmd_completion_bash(struct cli *cli, struct args *args, struct err *err)
{
	int rc;

	(void)cli;
	if (args_end(args, err))
		return -EINVAL;
	printf("# printed by 'bpfnet completion bash', version %s\n",
	       BPFNET_VERSION);
	rc = print_table(err);
	if (rc)
		return rc;
	print_option_table();
	putchar('\n');
	fputs(completion_script, stdout);
	return 0;
}
