/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* diag - libbpf's messages: to the debug log, the telling line kept */
#include "datapath/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "lib/cleanup.h"
#include "lib/log.h"

/* The verifier's log is long; what it stumbled over stands at its end. */
#define LOG_TAIL_LINES 30

static struct {
	char reason[320];
	bool verifier;
} last;

static const char *skip_prefix(const char *text)
{
	static const char prefix[] = "libbpf: ";

	return strncmp(text, prefix, sizeof(prefix) - 1) == 0 ?
		       text + sizeof(prefix) - 1 :
		       text;
}

/* Start of the last `lines` lines of text[0..len). */
static const char *tail(const char *text, size_t len, int lines)
{
	const char *pos = text + len;

	while (pos > text && lines > 0)
		if (*--pos == '\n' && pos + 1 < text + len)
			lines--;
	return *pos == '\n' ? pos + 1 : pos;
}

static void log_lines(const char *text)
{
	size_t len;

	for (; *text; text += len + (text[len] != '\0')) {
		len = strcspn(text, "\n");
		if (len)
			log_debug("libbpf: %.*s", (int)len, text);
	}
}

/*
 * prog 'NAME': -- BEGIN PROG LOAD LOG --
 * ...
 * R1 invalid mem access 'scalar'	<- the reason
 * processed 12 insns (limit 1000000) ...
 * -- END PROG LOAD LOG --
 */
static void keep_verifier(const char *text, const char *end)
{
	const char *stop = strstr(text, "\nprocessed ");
	int name = (int)strcspn(text, ":");
	const char *line;

	if (!stop)
		stop = end > text ? end - 1 : end;
	line = tail(text, stop - text, 1);
	snprintf(last.reason, sizeof(last.reason), "%.*s: %.*s", name, text,
		 (int)(stop - line), line);
	last.verifier = true;
}

static void keep(const char *text)
{
	const char *end;

	if (last.verifier)
		return;
	end = strstr(text, "-- END PROG LOAD LOG --");
	if (end) {
		keep_verifier(text, end);
		return;
	}
	/* Later messages tell what failed because of the first failure, and
	 * retries that may still succeed do not say "failed" or "error". */
	if (last.reason[0] ||
	    (!strstr(text, "failed") && !strstr(text, "error")))
		return;
	snprintf(last.reason, sizeof(last.reason), "%.*s",
		 (int)strcspn(text, "\n"), text);
}

__attribute__((format(printf, 2, 0))) static int
on_print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	_cleanup_free_ char *text = NULL;
	const char *start;

	if (level == LIBBPF_DEBUG)
		return 0;
	if (vasprintf(&text, fmt, args) < 0) {
		text = NULL;
		return 0;
	}

	start = skip_prefix(text);
	if (level == LIBBPF_WARN)
		keep(start);
	log_lines(tail(start, strlen(start), LOG_TAIL_LINES));
	return 0;
}

void diag_init(void)
{
	libbpf_set_print(on_print);
	diag_reset();
}

void diag_reset(void)
{
	memset(&last, 0, sizeof(last));
}

const char *diag_reason(void)
{
	return last.reason;
}

bool diag_is_verifier(void)
{
	return last.verifier;
}
