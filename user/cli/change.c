/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* change - how every command that changes something does it */
#include "cli/change.h"

#include <errno.h>
#include <string.h>

#include "cli/output.h"
#include "lib/cleanup.h"
#include "lib/json.h"

int change_open(const struct cli *cli, struct change *change, struct err *err)
{
	struct control *control;
	int rc;

	rc = control_open(&cli->instance, CONTROL_WRITE, &control, err);
	if (rc)
		return rc;
	if (model_copy(control_model(control), &change->desired)) {
		control_close(control);
		return err_set(err, -ENOMEM, "out of memory");
	}
	change->control = control;
	return 0;
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

/* {"schema", "plan": ["+ network a", ...]} from the plan's lines. */
static int plan_json(const struct cli *cli, char *text, struct err *err)
{
	json_t *root = output_root();
	json_t *lines = json_array();
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		json_array_append_new(lines, json_text(line));
	if (json_object_set_new(root, "plan", lines)) {
		json_decref(root);
		return err_set(err, -ENOMEM, "out of memory");
	}
	return output_json(cli, root, err);
}

/* Where the plan's lines go: nowhere, to stdout, or to memory for -j. */
int change_commit(const struct cli *cli, struct change *change, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	FILE *out = NULL;
	size_t len;
	int rc;

	if (cli->dry_run && cli->json) {
		out = open_memstream(&text, &len);
		if (!out)
			return err_set(err, -ENOMEM, "out of memory");
	} else if (cli->dry_run) {
		out = stdout;
	} else if (cli->verbose ||
		   (change->show_plan && !cli->quiet && !cli->json)) {
		out = cli->json ? stderr : stdout;
	}

	rc = control_reconcile(change->control, &change->desired, cli->dry_run,
			       out, &change->steps, err);
	if (cli->dry_run && cli->json) {
		fclose(out);
		if (!rc)
			rc = text ? plan_json(cli, text, err) :
				    err_set(err, -ENOMEM, "out of memory");
	}
	return rc;
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
