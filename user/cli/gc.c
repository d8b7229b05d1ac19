/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* gc - gc and purge: getting rid of flows, of everything */
#include <errno.h>

#include "cli/change.h"
#include "cli/output.h"

int cmd_gc(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	struct gc_args result = { 0 };
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_WRITE, &control, err);
	if (!rc && control_datapath(control))
		rc = control_gc(control, &result, err);
	if (rc)
		return rc;

	if (cli->json)
		return output_json(
			cli,
			json_pack("{s:s,s:I,s:I,s:I,s:I}", "schema", "bpfnet/1",
				  "scanned", (json_int_t)result.scanned,
				  "expired", (json_int_t)result.expired,
				  "established", (json_int_t)result.established,
				  "embryonic", (json_int_t)result.embryonic),
			err);
	output_done(cli, "%llu of %llu entries expired", result.expired,
		    result.scanned);
	return 0;
}

/* What purge would do: the way to an empty model. */
static int purge_plan(const struct cli *cli, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	int rc = change_open(cli, &change, err);

	if (rc)
		return rc;
	model_free(&change.desired);
	model_init(&change.desired);
	/* Else the way to nothing would include finding an uplink. */
	change.desired.settings = change_actual(&change)->settings;
	change.desired.settings.uplink_auto = false;
	return change_commit(cli, &change, err);
}

int cmd_purge(struct cli *cli, struct args *args, struct err *err)
{
	struct control *control;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	if (cli->dry_run)
		return purge_plan(cli, err);

	rc = control_open(&cli->instance, CONTROL_WRITE, &control, err);
	if (rc)
		return rc;
	rc = control_purge(control, err);
	control_close(control);
	if (rc)
		return rc;
	output_done(cli, "instance %s purged", cli->instance.name);
	return 0;
}
