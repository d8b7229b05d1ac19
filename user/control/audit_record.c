/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* audit_record - the record, the pins, and what waits to be done */
#include <errno.h>

#include "control/audit.h"
#include "control/previous.h"

static void tell(struct audit *audit, const char *check, const char *object,
		 const struct err *err)
{
	struct finding *finding = report_add(
		audit->report, check, SEVERITY_ERROR, object, "%s", err->text);

	finding_hint(finding, "%s", err->hint);
}

static void audit_files(struct audit *audit)
{
	const struct control *control = audit->control;

	report_begin(audit->report);
	if (control->record_error.code)
		audit_defect(audit, "record", SEVERITY_ERROR, "",
			     "damaged: %s: commands refuse to work, traffic "
			     "goes on",
			     control->record_error.text);
	if (control->is_interrupted)
		audit_defect(audit, "record", SEVERITY_WARNING, "",
			     "a command was interrupted: it may have left "
			     "something behind");
	report_end(audit->report, "record", "can be read");
}

/* -------------------------------------------------------------- programs */

static void on_lost_pin(const char *pin, void *arg)
{
	struct audit *audit = arg;

	audit_defect(audit, "pin", SEVERITY_ERROR, pin,
		     "somebody has removed it: traffic goes on, commands fail");
}

static void audit_build(struct audit *audit)
{
	struct control *control = audit->control;
	struct finding *finding;
	struct build build;

	if (control_compare(&control->instance, &build, NULL) ||
	    build.state != BUILD_OTHER)
		return;
	finding = report_add(audit->report, "pin", SEVERITY_NOTE, "",
			     "the programs are those of another build");
	finding_hint(finding, "'bpfnet upgrade' replaces them, flows go on");
}

static void audit_pins(struct audit *audit)
{
	struct control *control = audit->control;
	size_t before = audit->report->count;
	struct err err;

	report_begin(audit->report);
	if (pins_lost(control->instance.name, on_lost_pin, audit, &err))
		tell(audit, "pin", "", &err);
	/* What is lost explains why it cannot be opened. */
	if (control->datapath_error.code && audit->report->count == before)
		tell(audit, "pin", "", &control->datapath_error);
	else if (!control->datapath_error.code && !control->dp &&
		 control_needs_datapath(control))
		audit_defect(audit, "pin", SEVERITY_ERROR, "",
			     "the programs are not loaded: nothing is "
			     "forwarded");
	else if (!control->datapath_error.code)
		audit_build(audit);
	report_end(audit->report, "pin",
		   control->dp ? "all there" : "nothing is loaded");
}

/* --------------------------------------------------------------- waiting */

static void audit_pending(struct audit *audit)
{
	const struct control *control = audit->control;
	struct finding *finding;
	struct pending pending;
	unsigned int left_s;
	struct err err;
	int rc = pending_read(control->instance.name, &pending, &err);

	report_begin(audit->report);
	if (rc && rc != -ENOENT) {
		finding = report_add(audit->report, "confirmation",
				     SEVERITY_ERROR, "",
				     "%s: what was applied is not undone by "
				     "itself",
				     err.text);
		finding_hint(finding, "'bpfnet rollback', or remove the file");
	} else if (control_is_pending(control, &left_s)) {
		finding = report_add(
			audit->report, "confirmation",
			left_s ? SEVERITY_NOTE : SEVERITY_WARNING, "",
			"the last apply waits for it, %u s left%s", left_s,
			left_s ? "" : ": nobody has undone it");
		finding_hint(finding, "'bpfnet confirm' keeps it, 'bpfnet "
				      "rollback' undoes it");
	}
	report_end(audit->report, "confirmation", "nothing waits for it");
}

void audit_record(struct audit *audit)
{
	audit_files(audit);
	if (audit->mend)
		return;
	audit_pins(audit);
	audit_pending(audit);
}
