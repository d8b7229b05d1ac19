/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* findings - what is wrong with a file, collected and told in its order */
#include "config/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct finding {
	struct position at;
	size_t order; /* of finding, for those at one place */
	char text[sizeof(((struct err *)0)->text)];
	char hint[sizeof(((struct err *)0)->hint)];
};

void findings_free(struct findings *f)
{
	free(f->items);
	*f = (struct findings){};
}

void findings_add(struct findings *f, struct position at, const struct err *err)
{
	struct finding *grown =
		reallocarray(f->items, f->count + 1, sizeof(*grown));

	if (!grown) {
		f->out_of_memory = true;
		return;
	}
	f->items = grown;
	grown[f->count] = (struct finding){ .at = at, .order = f->count };
	memcpy(grown[f->count].text, err->text, sizeof(err->text));
	memcpy(grown[f->count].hint, err->hint, sizeof(err->hint));
	f->count++;
	if (err->exit == EXIT_CONFLICT)
		f->conflicts++;
}

void findings_put(struct findings *f, struct position at, const char *hint,
		  const char *fmt, ...)
{
	char text[sizeof(((struct err *)0)->text)];
	struct err err = {};
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_usage(&err, "%s", text);
	if (hint)
		err_hint(&err, "%s", hint);
	findings_add(f, at, &err);
}

static int compare(const void *a, const void *b)
{
	const struct finding *left = a, *right = b;

	if (left->at.source != right->at.source)
		return left->at.source < right->at.source ? -1 : 1;
	if (left->at.line != right->at.line)
		return left->at.line < right->at.line ? -1 : 1;
	if (left->at.column != right->at.column)
		return left->at.column < right->at.column ? -1 : 1;
	return left->order < right->order ? -1 : 1;
}

/* The file's own bytes are quoted in messages: none may command a terminal. */
static void disarm(char *line)
{
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
}

void findings_report(struct findings *f, config_report report, void *arg)
{
	if (f->count)
		qsort(f->items, f->count, sizeof(*f->items), compare);
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *item = &f->items[i];
		bool hint = item->hint[0];
		char line[4096];

		snprintf(line, sizeof(line), "%s:%zu:%zu: %s%s%s%s",
			 item->at.source->name, item->at.line, item->at.column,
			 item->text, hint ? " (" : "", item->hint,
			 hint ? ")" : "");
		disarm(line);
		report(arg, line);
	}
}
