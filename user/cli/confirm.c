/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* confirm - keeps what apply has made, or goes back */
#include <errno.h>

#include "cli/change.h"
#include "cli/output.h"

/* {"schema", KEY: true} */
static int say(const struct cli *cli, const char *key, const char *text,
	       struct err *err)
{
	if (cli->json)
		return output_json(
			cli,
			json_pack("{s:s,s:b}", "schema", "bpfnet/1", key, 1),
			err);
	output_done(cli, "%s", text);
	return 0;
}

int cmd_confirm(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_WRITE, &control, err);
	if (rc)
		return rc;
	if (control_has_rolled_back(control))
		return err_set(err, -ETIME, "too late: it was rolled back");
	rc = control_confirm(control, err);
	if (rc == -ENOENT)
		err_hint(err, "what was not confirmed in time was rolled back");
	return rc ? rc : say(cli, "confirmed", "confirmed", err);
}

static int print_rollback(void *arg, FILE *out, struct err *err)
{
	return control_rollback(arg, true, out, NULL, err);
}

static int rollback_dry(const struct cli *cli, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	int rc = control_open(&cli->instance, CONTROL_PLAN, &control, err);

	return rc ? rc : change_dry_run(cli, print_rollback, control, err);
}

int cmd_rollback(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	FILE *out = cli->json || cli->quiet ? NULL : stdout;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	if (cli->dry_run)
		return rollback_dry(cli, err);
	rc = control_open(&cli->instance, CONTROL_WRITE, &control, err);
	/* Its time was over, and opening it was all that was missing. */
	if (!rc && !control_has_rolled_back(control))
		rc = control_rollback(control, false, out, NULL, err);
	return rc ? rc : say(cli, "rolled_back", "rolled back", err);
}
