/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* log - one line per event on stderr, for the agent and for -v */
#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG_LINE_MAX 1024

static enum log_level log_level = LOG_LEVEL_WARN;

void log_set_level(enum log_level level)
{
	log_level = level;
}

/* syslog(3) priorities, which the journal reads from "<N>". */
static int journal_priority(enum log_level level)
{
	static const int priority[] = {
		[LOG_LEVEL_ERR] = 3,
		[LOG_LEVEL_WARN] = 4,
		[LOG_LEVEL_INFO] = 6,
		[LOG_LEVEL_DEBUG] = 7,
	};

	return priority[level];
}

void log_print(enum log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	va_list args;

	if (level > log_level)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);

	/* Names from outside must not be able to forge a second event. */
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';

	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", journal_priority(level), line);
	else
		fprintf(stderr, "%s\n", line);
}
