/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* report - what a check of an instance has found */
#include "control/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const severity_name[] = {
	[SEVERITY_OK] = "ok",
	[SEVERITY_NOTE] = "note",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

static struct finding *append(struct report *report, const char *check,
			      enum severity severity, const char *object)
{
	static struct finding nowhere;
	struct finding *list =
		reallocarray(report->list, report->count + 1, sizeof(*list));
	struct finding *finding;

	if (!list) {
		report->no_memory = true;
		return &nowhere;
	}
	report->list = list;
	finding = &list[report->count++];
	*finding = (struct finding){ .check = check, .severity = severity };
	snprintf(finding->object, sizeof(finding->object), "%s", object);
	report->wrong += severity >= SEVERITY_WARNING;
	return finding;
}

void report_begin(struct report *report)
{
	report->check_start = report->count;
}

void report_end(struct report *report, const char *check, const char *fmt, ...)
{
	struct finding *finding;
	va_list args;

	if (report->count > report->check_start)
		return;
	finding = append(report, check, SEVERITY_OK, "");
	va_start(args, fmt);
	vsnprintf(finding->message, sizeof(finding->message), fmt, args);
	va_end(args);
}

struct finding *report_add(struct report *report, const char *check,
			   enum severity severity, const char *object,
			   const char *fmt, ...)
{
	struct finding *finding = append(report, check, severity, object);
	va_list args;

	va_start(args, fmt);
	vsnprintf(finding->message, sizeof(finding->message), fmt, args);
	va_end(args);
	return finding;
}

void finding_hint(struct finding *finding, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(finding->hint, sizeof(finding->hint), fmt, args);
	va_end(args);
}

void report_free(struct report *report)
{
	free(report->list);
	memset(report, 0, sizeof(*report));
}
