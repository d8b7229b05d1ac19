/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* upgrade - the programs of this bpfnet in the place of another build's */
#include <errno.h>

#include "cli/change.h"
#include "cli/output.h"

/* Nothing but the names of pins and the shapes of maps is looked at. */
static int print_upgrade(void *arg, FILE *out, struct err *err)
{
	const struct cli *cli = arg;
	struct build build;
	int rc = control_compare(&cli->instance, &build, err);

	if (rc)
		return rc;
	if (build.state == BUILD_FOREIGN && !cli->drop_flows)
		return datapath_refuse(cli->instance.name, &build, err);
	if (build.state == BUILD_OTHER)
		fputs("~ programs, flows are kept\n", out);
	if (build.state == BUILD_FOREIGN)
		fputs("~ programs and tables, all flows are forgotten\n", out);
	return 0;
}

int cmd_upgrade(struct cli *cli, struct args *args, struct err *err)
{
	static const char *const told[] = {
		[UPGRADE_NONE] = "unchanged",
		[UPGRADE_KEPT] = "programs replaced, flows kept",
		[UPGRADE_DROPPED] = "programs replaced, flows dropped",
	};
	_cleanup_control_ struct control *control = NULL;
	enum upgrade upgraded;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	if (cli->dry_run)
		return change_dry_run(cli, print_upgrade, cli, err);
	rc = control_open(&cli->instance,
			  cli->drop_flows ? CONTROL_DROP_FLOWS : CONTROL_WRITE,
			  &control, err);
	if (rc)
		return rc;
	upgraded = control_upgraded(control);
	if (cli->json)
		return output_json(
			cli,
			json_pack("{s:s,s:b,s:b}", "schema", "bpfnet/1",
				  "replaced", upgraded != UPGRADE_NONE,
				  "flows_kept", upgraded != UPGRADE_DROPPED),
			err);
	output_done(cli, "%s", told[upgraded]);
	return 0;
}
