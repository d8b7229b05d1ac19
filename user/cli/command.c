/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* command - the tree of objects and commands, and finding one by its words */
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/suggest.h"

bool command_is_available(const struct command *command)
{
	return command->run || command->sub;
}

static bool alias_matches(const struct command *command, const char *word)
{
	size_t len = strlen(word);
	const char *at = command->alias;

	while (at && *at) {
		size_t span = strcspn(at, " ");

		if (span == len && !strncmp(at, word, len))
			return true;
		at += span + strspn(at + span, " ");
	}
	return false;
}

static int command_ambiguous(const struct command *table, const char *word,
			     struct err *err)
{
	char names[160] = "";
	size_t used = 0;

	for (const struct command *c = table; c->name; c++)
		if (command_is_available(c) &&
		    !strncmp(c->name, word, strlen(word)) &&
		    used < sizeof(names))
			used += snprintf(names + used, sizeof(names) - used,
					 "%s%s", used ? ", " : "", c->name);
	return err_usage(err, "'%s' is ambiguous: %s", word, names);
}

static int command_unknown(const struct command *table, const char *word,
			   const char *what, struct err *err)
{
	const char *close;
	size_t count = 0;

	while (table[count].name)
		count++;
	close = suggest(word, &table[0].name, count, sizeof(*table));

	err_usage(err, "unknown %s '%s'", what, word);
	if (close)
		err_hint(err, "did you mean '%s'?", close);
	return -EINVAL;
}

int command_find(const struct command *table, const char *word,
		 const char *what, const struct command **ret, struct err *err)
{
	const struct command *found = NULL;
	size_t matches = 0;

	for (const struct command *c = table; c->name; c++) {
		if (!strcmp(c->name, word) || alias_matches(c, word)) {
			found = c;
			matches = 1;
			break;
		}
		if (*word && command_is_available(c) &&
		    !strncmp(c->name, word, strlen(word))) {
			found = c;
			matches++;
		}
	}

	if (!found)
		return command_unknown(table, word, what, err);
	if (matches > 1)
		return command_ambiguous(table, word, err);
	if (!command_is_available(found))
		return err_usage(err, "%s: not available in this version",
				 found->name);
	*ret = found;
	return 0;
}
