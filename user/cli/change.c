/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* change - how every command that changes something does it */
#include "cli/change.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "cli/output.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/log.h"

#define HEAP_ARRAY_MAX (32 << 20)
#define HEAP_TOP_MAX (256 << 20)

/*
 * A large model is a few arrays of megabytes, which a change makes, copies and
 * frees many times. Memory that goes back to the kernel each time comes back
 * page by page: that takes longer than what is done with it. This process ends
 * soon, so it keeps what it has.
 */
static void heap_keep(void)
{
	mallopt(M_MMAP_THRESHOLD, HEAP_ARRAY_MAX);
	mallopt(M_TRIM_THRESHOLD, HEAP_TOP_MAX);
}

int change_open_pending(const struct cli *cli, struct change *change,
			struct err *err)
{
	struct control *control;
	int rc;

	heap_keep();
	rc = control_open(&cli->instance,
			  cli->dry_run ? CONTROL_PLAN : CONTROL_WRITE, &control,
			  err);
	if (rc)
		return rc;
	if (model_copy(control_model(control), &change->desired)) {
		control_close(control);
		return err_set(err, -ENOMEM, "out of memory");
	}
	change->control = control;
	return 0;
}

static int refuse_pending(unsigned int left_s, struct err *err)
{
	err_set(err, -EBUSY,
		"the last apply waits for its confirmation, %u s left", left_s);
	err_kind(err, EXIT_CONFLICT, "confirm-pending");
	err_hint(err, "'bpfnet confirm' keeps it, 'bpfnet rollback' undoes it");
	return -EBUSY;
}

int change_open(const struct cli *cli, struct change *change, struct err *err)
{
	unsigned int left_s;
	int rc = change_open_pending(cli, change, err);

	if (!rc && !cli->dry_run &&
	    control_is_pending(change->control, &left_s))
		rc = refuse_pending(left_s, err);
	return rc;
}

void change_tell_pending(const struct control *control)
{
	unsigned int left_s;

	if (control_is_pending(control, &left_s))
		log_warn("the last apply waits for its confirmation, %u s left "
			 "('bpfnet confirm', 'bpfnet rollback')",
			 left_s);
}

void change_close(struct change *change)
{
	if (!change->control)
		return;
	model_free(&change->desired);
	control_close(change->control);
	change->control = NULL;
}

const struct model *change_actual(const struct change *change)
{
	return control_model(change->control);
}

const struct model *change_result(const struct cli *cli,
				  const struct change *change)
{
	return cli->dry_run ? &change->desired : change_actual(change);
}

/* What -n prints: the plan's lines, with -j {"schema", "plan": [...]}. */
static int plan_show(const struct cli *cli, char *text, struct err *err)
{
	json_t *root, *lines;
	char *save = NULL;

	if (!cli->json) {
		fputs(text, stdout);
		return 0;
	}
	root = output_root();
	lines = json_array();
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		json_array_append_new(lines, json_text(line));
	if (json_object_set_new(root, "plan", lines)) {
		json_decref(root);
		return err_set(err, -ENOMEM, "out of memory");
	}
	return output_json(cli, root, err);
}

int change_dry_run(const struct cli *cli,
		   int (*print)(void *arg, FILE *out, struct err *err),
		   void *arg, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int rc;

	if (!out)
		return err_set(err, -ENOMEM, "out of memory");
	rc = print(arg, out, err);
	if (fclose(out) && !rc)
		rc = err_set(err, -ENOMEM, "out of memory");
	return rc ? rc : plan_show(cli, text, err);
}

static int reconcile_dry(void *arg, FILE *out, struct err *err)
{
	struct change *change = arg;

	return control_reconcile(change->control, &change->desired, true, out,
				 &change->steps, err);
}

int change_commit(const struct cli *cli, struct change *change, struct err *err)
{
	FILE *out = NULL;

	if (cli->dry_run)
		return change_dry_run(cli, reconcile_dry, change, err);
	if (cli->verbose)
		out = stderr;
	else if (change->show_plan && !cli->quiet && !cli->json)
		out = stdout;
	if (change->is_apply)
		return control_apply(change->control, &change->desired,
				     change->confirm, out, &change->steps, err);
	return control_reconcile(change->control, &change->desired, false, out,
				 &change->steps, err);
}

int change_report(const struct cli *cli, const struct change *change,
		  const char *key, json_t *objects, struct err *err)
{
	json_t *root;

	if (!cli->json || cli->dry_run) {
		json_decref(objects);
		return 0;
	}
	root = output_root();
	if (key && json_object_set_new(root, key, objects)) {
		json_decref(root);
		root = NULL;
	}
	json_object_set_new(root, "changes", json_integer(change->steps));
	return output_json(cli, root, err);
}

int change_none(const struct cli *cli, const struct change *change,
		const char *key, json_t *objects, struct err *err)
{
	output_done(cli, "unchanged");
	return change_report(cli, change, key, objects, err);
}
