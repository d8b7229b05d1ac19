/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* gc - gc and purge: getting rid of flows, of everything */
#include <errno.h>

#include "cli/change.h"
#include "cli/output.h"
#include "model/plan.h"

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

/* What purge would do: the way to a model without objects. */
static int print_purge(void *arg, FILE *out, struct err *err)
{
	const struct control *control = arg;
	const struct model *actual = control_model(control);
	const struct model empty = { .settings = actual->settings };
	struct plan plan;

	if (plan_make(actual, &empty, &plan))
		return err_set(err, -ENOMEM, "out of memory");
	plan_print(&plan, out);
	plan_free(&plan);
	return 0;
}

static int purge_dry(const struct cli *cli, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	int rc;

	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	return rc ? rc : change_dry_run(cli, print_purge, control, err);
}

int cmd_purge(struct cli *cli, struct args *args, struct err *err)
{
	struct control *control;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	if (cli->dry_run)
		return purge_dry(cli, err);

	rc = control_open(&cli->instance, CONTROL_PURGE, &control, err);
	if (rc)
		return rc;
	rc = control_purge(control, err);
	control_close(control);
	if (rc)
		return rc;
	if (cli->json)
		return output_json(cli,
				   json_pack("{s:s,s:s}", "schema", "bpfnet/1",
					     "purged", cli->instance.name),
				   err);
	output_done(cli, "instance %s purged", cli->instance.name);
	return 0;
}
