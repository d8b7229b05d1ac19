/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* apply - a whole file: made true, compared, written */
#include <errno.h>
#include <limits.h>

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

struct file {
	struct model model;
	struct config_places *places;
};

static void file_free(struct file *file)
{
	if (!file->places)
		return;
	model_free(&file->model);
	config_places_free(file->places);
}

#define _cleanup_file_ __attribute__((cleanup(file_free)))

/* The file first: it may be wrong, and nobody has to wait for it. */
static int file_read_model(const struct cli *cli, struct file *ret,
			   struct err *err)
{
	int rc;

	if (!cli->file)
		return err_usage(err, "missing '-f FILE'");
	rc = config_read(cli->file, print_finding, NULL, &ret->model,
			 &ret->places, err);
	if (rc && !err->hint[0])
		err_hint(err, "nothing was changed");
	return rc;
}

/* What only the host could tell is about a place in the file as well. */
static int file_locate(const struct file *file, int rc, struct err *err)
{
	char place[PATH_MAX + 48];

	if (rc && err->about[0] &&
	    config_place(file->places, &file->model, err->about, place,
			 sizeof(place)))
		err_prefix(err, "%s", place);
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
	_cleanup_file_ struct file file = { 0 };
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = file_read_model(cli, &file, err);
	if (rc)
		return rc;
	rc = file_locate(&file, apply(cli, &change, &file.model, err), err);
	return rc ? rc : report(cli, &change, err);
}

int cmd_diff(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	_cleanup_file_ struct file file = { 0 };
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	cli->dry_run = true;
	rc = file_read_model(cli, &file, err);
	if (rc)
		return rc;
	rc = open_and_merge(cli, &change, &file.model, err);
	rc = rc ? rc : change_commit(cli, &change, err);
	rc = file_locate(&file, rc, err);
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
