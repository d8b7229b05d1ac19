/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* names - "'a', 'b' and 7 more": who still uses something */
#include "cli/names.h"

#include <errno.h>
#include <stdio.h>

void names_add(struct names *names, const char *name)
{
	size_t room = sizeof(names->text) - names->used;
	int len;

	names->count++;
	if (names->count > NAMES_SHOWN)
		return;
	len = snprintf(names->text + names->used, room, "%s'%s'",
		       names->used ? ", " : "", name);
	if (len > 0 && (size_t)len < room)
		names->used += len;
	else
		names->text[names->used] = '\0';
}

int names_in_use(const struct names *names, const char *what, const char *name,
		 const char *user, struct err *err)
{
	char more[32] = "";

	if (names->count > NAMES_SHOWN)
		snprintf(more, sizeof(more), " and %zu more",
			 names->count - NAMES_SHOWN);
	err_set(err, -EBUSY, "%s '%s' is used by %s %s%s", what, name, user,
		names->text, more);
	err_kind(err, EXIT_CONFLICT, "in-use");
	return -EBUSY;
}
