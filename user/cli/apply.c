/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* apply - a whole file: made true, compared, written */
#include <errno.h>

#include "cli/change.h"
#include "cli/output.h"
#include "config/config.h"
#include "model/merge.h"

static void print_finding(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

/* Opens the change and edits it as the file says. */
static int file_merge(const struct cli *cli, struct change *change,
		      struct err *err)
{
	struct model file;
	int rc;

	if (!cli->file) {
		err_usage(err, "missing '-f FILE'");
		return -EINVAL;
	}
	/* The file first: it may be wrong, and nobody has to wait for it. */
	rc = config_read(cli->file, print_finding, NULL, &file, err);
	if (rc) {
		if (!err->hint[0])
			err_hint(err, "nothing was changed");
		return rc;
	}
	rc = change_open(cli, change, err);
	if (!rc)
		rc = model_merge(&change->desired, &file, cli->prune, err);
	model_free(&file);
	return rc;
}

int cmd_apply(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { .show_plan = true };
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = file_merge(cli, &change, err);
	if (!rc)
		rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	if (!change.steps)
		output_done(cli, "unchanged");
	return change_report(cli, &change, NULL, NULL, err);
}

int cmd_diff(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	cli->dry_run = true;
	rc = file_merge(cli, &change, err);
	if (!rc)
		rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	return change.steps ? EXIT_DIFFERS : EXIT_OK;
}

int cmd_export(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	if (rc)
		return rc;
	if (cli->json)
		config_print_json(control_model(control), stdout);
	else
		config_print(control_model(control), stdout);
	return 0;
}
