/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* usage - help texts, all printed from the command and option tables */
#include "cli/usage.h"

#include <string.h>

#include "cli/options.h"

#define LINE_WIDTH 79
#define OBJECT_WIDTH 38 /* where the texts about objects begin */

/* The next word; what stands in brackets is one, as far as a line takes it. */
static size_t word_len(const char *text, size_t indent)
{
	size_t len = 0;
	int depth = 0;

	for (; text[len] && (depth || text[len] != ' '); len++)
		depth += (text[len] == '[') - (text[len] == ']');
	return indent + 1 + len <= LINE_WIDTH ? len : strcspn(text, " ");
}

/* Writes text word by word, continued at indent when a line gets full. */
static void print_wrapped(const char *text, size_t column, size_t indent,
			  FILE *out)
{
	while (*text) {
		size_t len = word_len(text, indent);

		if (column + 1 + len > LINE_WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		fprintf(out, " %.*s", (int)len, text);
		column += 1 + len;
		text += len + strspn(text + len, " ");
	}
	fputc('\n', out);
}

static void print_option(const struct option_def *def, FILE *out)
{
	char name[32];

	snprintf(name, sizeof(name), "--%s%s%s", def->name,
		 def->value ? " " : "", def->value ? def->value : "");
	if (def->letter)
		fprintf(out, "  -%c, %-18s %s\n", def->letter, name, def->help);
	else
		fprintf(out, "      %-18s %s\n", name, def->help);
}

static void print_options(unsigned int local, FILE *out)
{
	for (const struct option_def *def = option_table; def->name; def++)
		if (local ? def->local & local : !def->local)
			print_option(def, out);
}

/* "netns add|del|list", or the name alone for what has no commands. */
static void print_object_line(const struct command *object, FILE *out)
{
	const char *separator = " ";
	int used = fprintf(out, "  %s", object->name);

	for (const struct command *c = object->sub; c && c->name; c++) {
		if (!command_is_available(c))
			continue;
		used += fprintf(out, "%s%s", separator, c->name);
		separator = "|";
	}
	if (used < OBJECT_WIDTH)
		used += fprintf(out, "%*s", OBJECT_WIDTH - used, "");
	print_wrapped(object->help, used, OBJECT_WIDTH, out);
}

void usage_print(FILE *out)
{
	fprintf(out, "usage: bpfnet [OPTION]... OBJECT [COMMAND] [WORD]...\n"
		     "       bpfnet help [OBJECT] [COMMAND]\n\nobjects:\n");
	for (const struct command *c = command_table; c->name; c++)
		if (command_is_available(c))
			print_object_line(c, out);
	fprintf(out, "\noptions:\n");
	print_options(0, out);
	fprintf(out, "\nmore: bpfnet(8), bpfnet.yaml(5), bpfnet-datapath(7)\n");
}

static void print_command(const struct command *object,
			  const struct command *command, FILE *out)
{
	size_t used = fprintf(out, "  bpfnet %s", object->name);

	if (command != object)
		used += fprintf(out, " %s", command->name);
	print_wrapped(command->args, used, 10, out);
	fprintf(out, "          %s\n", command->help);
}

static void print_local_options(unsigned int local, FILE *out)
{
	if (!local)
		return;
	fprintf(out, "\noptions:\n");
	print_options(local, out);
}

void usage_print_command(const struct command *object,
			 const struct command *command, FILE *out)
{
	fprintf(out, "usage:\n");
	print_command(object, command, out);
	if (command->alias)
		fprintf(out, "\nalso called: %s\n", command->alias);
	print_local_options(command->options, out);
	fprintf(out, "\n'bpfnet help' tells the options of all commands\n");
}

void usage_print_object(const struct command *object, FILE *out)
{
	unsigned int local = 0;

	if (!object->sub) {
		usage_print_command(object, object, out);
		return;
	}
	fprintf(out, "usage:\n");
	for (const struct command *c = object->sub; c->name; c++) {
		if (!command_is_available(c))
			continue;
		print_command(object, c, out);
		local |= c->options;
	}
	print_local_options(local, out);
}
