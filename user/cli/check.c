/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* check - the command that says what is wrong, and repairs it */
#include <errno.h>

#include "cli/change.h"
#include "cli/output.h"
#include "control/checkup.h"

static int look(const struct cli *cli, struct report *report, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	int rc = control_open(&cli->instance, CONTROL_CHECK, &control, err);

	return rc ? rc : control_check(control, report, err);
}

static int mend(const struct cli *cli, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	int rc = control_open(&cli->instance, CONTROL_MEND, &control, err);

	return rc ? rc : control_mend(control, err);
}

static json_t *report_to_json(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->count; i++) {
		const struct finding *f = &report->list[i];

		json_array_append_new(list,
				      json_pack("{s:s,s:s,s:s,s:s,s:s}", "name",
						f->check, "severity",
						severity_name[f->severity],
						"object", f->object, "message",
						f->message, "hint", f->hint));
	}
	return list;
}

static int print(const struct cli *cli, const struct report *report,
		 struct err *err)
{
	static const struct column columns[] = {
		{ "severity", false }, { "name", false }, { "object", false },
		{ "message", false },  { "hint", false }, { 0 },
	};
	json_t *root = output_root();

	json_object_set_new(root, "checks", report_to_json(report));
	return output_list(cli, root, "checks", columns, err);
}

int cmd_check(struct cli *cli, struct args *args, struct err *err)
{
	struct report report = { 0 };
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	if (cli->fix && cli->dry_run)
		return err_usage(err, "without '--fix', nothing is changed");
	rc = cli->fix ? mend(cli, err) : 0;
	rc = rc ? rc : look(cli, &report, err);
	rc = rc ? rc : print(cli, &report, err);
	if (!rc && report.wrong)
		rc = EXIT_FAILED;
	report_free(&report);
	return rc;
}
