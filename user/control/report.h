/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* report - what a check of an instance has found */
#ifndef BPFNET_REPORT_H
#define BPFNET_REPORT_H

#include <stdbool.h>
#include <stddef.h>

enum severity {
	SEVERITY_OK,
	SEVERITY_NOTE, /* may explain something, nothing has to be done */
	SEVERITY_WARNING, /* wrong, and traffic goes on */
	SEVERITY_ERROR, /* wrong, and traffic is missing or unprotected */
};

struct finding {
	const char *check; /* a word that does not change */
	enum severity severity;
	char object[80]; /* "endpoint web", "" for all */
	char message[320]; /* what is so, and what that means */
	char hint[160];
};

/* Zero-initialise. */
struct report {
	struct finding *list;
	size_t count;
	size_t wrong; /* warnings and errors */
	size_t check_start; /* where the last check's findings begin */
	bool no_memory;
};

/* A check begins; when it finds nothing, report_end says that all is well. */
void report_begin(struct report *report);
__attribute__((format(printf, 3, 4))) void
report_end(struct report *report, const char *check, const char *fmt, ...);

/* Returns the finding, for a hint; never NULL. */
__attribute__((format(printf, 5, 6))) struct finding *
report_add(struct report *report, const char *check, enum severity severity,
	   const char *object, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void finding_hint(struct finding *finding,
							const char *fmt, ...);

void report_free(struct report *report);

/* "ok", "note", "warning", "error" */
extern const char *const severity_name[];

#endif
