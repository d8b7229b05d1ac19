/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* audit - all parts of a check, and of a repair */
#include "control/audit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "control/checkup.h"
#include "lib/log.h"

const char *audit_object(char buf[80], const char *kind, const char *name)
{
	snprintf(buf, 80, "%s %s", kind, name);
	return buf;
}

struct finding *audit_defect(struct audit *audit, const char *check,
			     enum severity severity, const char *object,
			     const char *fmt, ...)
{
	struct finding *finding =
		report_add(audit->report, check, severity, object, "%s", "");
	va_list args;

	va_start(args, fmt);
	vsnprintf(finding->message, sizeof(finding->message), fmt, args);
	va_end(args);
	finding_hint(finding, "'bpfnet check --fix' repairs it");
	return finding;
}

void audit_mended(struct audit *audit, struct finding *finding, int rc,
		  const struct err *err)
{
	if (rc) {
		log_warn("%s: %s", finding->object, err->text);
		return;
	}
	log_warn("repaired: %s: %s", finding->object, finding->message);
	audit->refill = true;
}

/* The programs first: no device is set up without them. */
static int audit_all(struct audit *audit, struct err *err)
{
	bool loaded = audit->control->dp;
	int rc = 0;

	audit_record(audit);
	if (loaded)
		rc = audit_hooks(audit, err);
	if (rc)
		return rc;
	audit_networks(audit);
	audit_endpoints(audit);
	if (loaded)
		rc = audit_tables(audit, err);
	if (!rc && !audit->mend)
		audit_host(audit);
	if (!rc && audit->report->no_memory)
		rc = err_set(err, -ENOMEM, "out of memory");
	return rc;
}

static int run(struct control *control, struct report *report, bool mend,
	       bool *ret_refill, struct err *err)
{
	struct host host;
	struct audit audit = { .control = control,
			       .host = &host,
			       .report = report,
			       .mend = mend };
	int rc = host_read(control->nl, &host, err);

	if (rc)
		return rc;
	rc = audit_all(&audit, err);
	host_free(&host);
	if (!rc && ret_refill)
		*ret_refill = audit.refill;
	return rc;
}

int control_check(struct control *control, struct report *report,
		  struct err *err)
{
	return run(control, report, false, NULL, err);
}

int control_mend(struct control *control, struct err *err)
{
	struct report report = { 0 };
	bool refill = false;
	int rc = run(control, &report, true, &refill, err);

	report_free(&report);
	return !rc && refill ? control_refresh(control, err) : rc;
}
