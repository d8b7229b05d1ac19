/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* change - how every command that changes something does it */
#ifndef BPFNET_CHANGE_H
#define BPFNET_CHANGE_H

#include <jansson.h>

#include "cli/cli.h"

/*
 * change_open takes the instance's lock and copies what exists to desired; the
 * command edits desired; change_commit makes it true, and takes it: what came of
 * it is change_result. Declare with _cleanup_change_ and zeroed.
 */
struct change {
	struct control *control;
	struct model desired;
	const struct confirm_request *confirm; /* for apply, see control.h */
	bool is_apply; /* keeps the state there was */
	bool show_plan; /* print the steps, also when they are taken */
	size_t steps; /* how many there were; filled by commit */
};

int change_open(const struct cli *cli, struct change *change, struct err *err);
/* With -n only prints the plan. */
int change_commit(const struct cli *cli, struct change *change,
		  struct err *err);
void change_close(struct change *change);

/* Opens it also while an apply waits for its confirmation: for those who may
 * change what is to be confirmed. Others are refused (conflict/4). */
int change_open_pending(const struct cli *cli, struct change *change,
			struct err *err);

/* On stderr: that an apply waits for its confirmation, if one does. */
void change_tell_pending(const struct control *control);

/* Shows as -n does what print writes: a plan, one line a step. */
int change_dry_run(const struct cli *cli,
		   int (*print)(void *arg, FILE *out, struct err *err),
		   void *arg, struct err *err);

/* What exists, while the change is open. */
const struct model *change_actual(const struct change *change);

/* After the commit: what exists, or with -n what would. */
const struct model *change_result(const struct cli *cli,
				  const struct change *change);

/*
 * Closes the command with -j: {"schema", KEY: objects, "changes": N}; key NULL:
 * without objects. Takes objects over. Nothing without -j or with -n.
 */
int change_report(const struct cli *cli, const struct change *change,
		  const char *key, json_t *objects, struct err *err);

/* For an add of what is there already: says "unchanged" and reports. */
int change_none(const struct cli *cli, const struct change *change,
		const char *key, json_t *objects, struct err *err);

#define _cleanup_change_ __attribute__((cleanup(change_close)))

/* The same for commands that only read. */
static inline void control_cleanup(struct control **control)
{
	if (*control)
		control_close(*control);
}
#define _cleanup_control_ __attribute__((cleanup(control_cleanup)))

#endif
