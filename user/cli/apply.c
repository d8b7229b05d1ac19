/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* apply - a whole file: made true, compared, written */
#include <errno.h>

#include "cli/change.h"
#include "cli/output.h"
#include "config/config.h"
#include "control/waiter.h"
#include "lib/cleanup.h"
#include "model/merge.h"

static void print_finding(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

/* The file first: it may be wrong, and nobody has to wait for it. */
static int file_read_model(const struct cli *cli, struct model *ret,
			   struct err *err)
{
	int rc;

	if (!cli->file)
		return err_usage(err, "missing '-f FILE'");
	rc = config_read(cli->file, print_finding, NULL, ret, err);
	if (rc && !err->hint[0])
		err_hint(err, "nothing was changed");
	return rc;
}

/* One change of those that wait may follow another; what ends the waiting has
 * to be said. */
static int open_and_merge(const struct cli *cli, struct change *change,
			  const struct model *file, struct err *err)
{
	int rc = cli->confirm_seconds ? change_open_pending(cli, change, err) :
					change_open(cli, change, err);

	return rc ? rc : model_merge(&change->desired, file, cli->prune, err);
}

static void on_armed(void *arg)
{
	waiter_go(*(const int *)arg);
}

static int apply(const struct cli *cli, struct change *change,
		 const struct model *file, struct err *err)
{
	_cleanup_close_ int waiter = -1;
	const struct confirm_request confirm = { cli->confirm_seconds, on_armed,
						 &waiter };
	int rc = 0;

	if (confirm.seconds && !cli->dry_run) {
		rc = waiter_start(&cli->instance, &waiter, err);
		change->confirm = &confirm;
	}
	change->is_apply = true;
	rc = rc ? rc : open_and_merge(cli, change, file, err);
	rc = rc ? rc : change_commit(cli, change, err);
	change->confirm = NULL;
	return rc;
}

static int report(const struct cli *cli, const struct change *change,
		  struct err *err)
{
	unsigned int left_s;
	json_t *root;

	if (!control_is_pending(change->control, &left_s)) {
		if (!change->steps)
			output_done(cli, "unchanged");
		return change_report(cli, change, NULL, NULL, err);
	}
	if (cli->dry_run)
		change_tell_pending(change->control);
	output_done(cli, "undone in %u s unless 'bpfnet confirm' comes",
		    left_s);
	if (!cli->json || cli->dry_run)
		return 0;
	root = output_root();
	json_object_set_new(root, "changes", json_integer(change->steps));
	json_object_set_new(root, "confirm_s", json_integer(left_s));
	return output_json(cli, root, err);
}

int cmd_apply(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { .show_plan = true };
	struct model file;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = file_read_model(cli, &file, err);
	if (rc)
		return rc;
	rc = apply(cli, &change, &file, err);
	model_free(&file);
	return rc ? rc : report(cli, &change, err);
}

int cmd_diff(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct model file;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	cli->dry_run = true;
	rc = file_read_model(cli, &file, err);
	if (rc)
		return rc;
	rc = open_and_merge(cli, &change, &file, err);
	model_free(&file);
	rc = rc ? rc : change_commit(cli, &change, err);
	if (rc)
		return rc;
	change_tell_pending(change.control);
	return change.steps ? EXIT_DIFFERS : EXIT_OK;
}

int cmd_export(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	struct model now;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	rc = rc ? rc : control_model_now(control, &now, err);
	if (rc)
		return rc;
	if (cli->json)
		config_print_json(&now, stdout);
	else
		config_print(&now, stdout);
	model_free(&now);
	return 0;
}
