/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* previous - the state before the last apply, kept to go back to it */
#include "control/previous.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/journal.h"
#include "control/record.h"
#include "lib/cleanup.h"
#include "lib/file.h"
#include "lib/log.h"
#include "model/plan.h"

/* ----------------------------------------------------------------- files */

static const char *path_of(char buf[PATH_MAX], const char *instance,
			   const char *name)
{
	snprintf(buf, PATH_MAX, STATE_ROOT "/%s/%s", instance, name);
	return buf;
}

static int write_model(const char *path, const struct model *model,
		       struct err *err)
{
	struct state state = { .model = *model };
	_cleanup_free_ char *text = NULL;
	size_t len;

	model_init(&state.leftovers);
	if (journal_print(&state, &text, &len))
		return err_set(err, -ENOMEM, "write %s: out of memory", path);
	return file_replace(path, text, len, err);
}

static int read_model(const char *path, struct model *ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	struct state state = { 0 };
	size_t len;
	int rc = file_read(path, &text, &len, err);

	model_init(&state.model);
	model_init(&state.leftovers);
	rc = rc ? rc : journal_read(path, text, len, false, &state, err);
	model_free(&state.leftovers);
	if (rc)
		model_free(&state.model);
	else
		*ret = state.model;
	return rc;
}

/* The journal says the same as the model, and is quicker copied than printed. */
int previous_begin(const char *instance, const struct model *before,
		   struct err *err)
{
	char path[PATH_MAX];
	int rc;

	path_of(path, instance, "before");
	rc = state_copy(instance, path, err);
	return rc == -ENOENT ? write_model(path, before, err) : rc;
}

int previous_commit(const char *instance, struct err *err)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (rename(path_of(from, instance, "before"),
		   path_of(to, instance, "previous")))
		return err_set(err, -errno, "rename %s: %s", from,
			       strerror(errno));
	return 0;
}

int previous_abort(const char *instance, struct err *err)
{
	char path[PATH_MAX];

	return record_del(path_of(path, instance, "before"), err);
}

int previous_is_undone(const char *instance, const struct model *now, bool *ret,
		       struct err *err)
{
	struct model before;
	struct plan plan;
	char path[PATH_MAX];
	int rc;

	if (access(path_of(path, instance, "before"), F_OK))
		return err_set(err, -ENOENT, "no apply was interrupted");
	rc = read_model(path, &before, err);
	if (rc)
		return rc;
	if (plan_make(&before, now, &plan)) {
		rc = err_set(err, -ENOMEM, "out of memory");
	} else {
		*ret = !plan.nsteps;
		plan_free(&plan);
	}
	model_free(&before);
	return rc;
}

bool previous_exists(const char *instance)
{
	char path[PATH_MAX];

	return !access(path_of(path, instance, "previous"), F_OK);
}

/* Nothing that runs is damaged with it, as journal_read would have it. */
static int tell_nothing_done(int rc, struct err *err)
{
	err_hint(err, "nothing was changed: apply the file that should hold");
	return rc;
}

int previous_read(const char *instance, struct model *ret, struct err *err)
{
	char path[PATH_MAX];
	int rc;

	if (!previous_exists(instance))
		return err_set(err, -ENOENT, "no earlier state is known");
	rc = read_model(path_of(path, instance, "previous"), ret, err);
	return rc ? tell_nothing_done(rc, err) : 0;
}

int previous_del(const char *instance, struct err *err)
{
	char path[PATH_MAX];

	return record_del(path_of(path, instance, "previous"), err);
}

/* ------------------------------------------- what has gone by itself */

static bool is_used(const struct model *model, const char *netns)
{
	for (size_t i = 0; i < model->nendpoints; i++)
		if (!strcmp(model->endpoints[i].netns, netns))
			return true;
	return false;
}

static bool names_endpoint(const struct policy_peer *peer, const char *name)
{
	return peer->kind == SEL_ENDPOINT && !strcmp(peer->name, name);
}

bool previous_drop_endpoint(struct model *model, const char *endpoint)
{
	struct endpoint *gone = model_find_endpoint(model, endpoint);
	struct netns *netns;

	if (!gone)
		return false;
	netns = model_find_netns(model, gone->netns);
	model_del_endpoint(model, gone);
	if (netns && netns->implied && !is_used(model, netns->name))
		model_del_netns(model, netns);
	for (size_t i = model->npublishes; i-- > 0;)
		if (!strcmp(model->publishes[i].endpoint, endpoint))
			model_del_publish(model, &model->publishes[i]);
	for (size_t i = 0; i < model->nrules; i++)
		if (names_endpoint(&model->rules[i].from, endpoint) ||
		    names_endpoint(&model->rules[i].to, endpoint))
			model->rules[i].dormant = true;
	return true;
}

static int forget(const char *instance, const char *name, const char *endpoint,
		  struct err *err)
{
	struct model model;
	char path[PATH_MAX];
	int rc;

	if (access(path_of(path, instance, name), F_OK))
		return 0;
	rc = read_model(path, &model, err);
	if (rc)
		return tell_nothing_done(rc, err);
	if (previous_drop_endpoint(&model, endpoint))
		rc = write_model(path, &model, err);
	model_free(&model);
	return rc;
}

void previous_forget(const char *instance, const char *endpoint)
{
	struct err err;

	if (forget(instance, "previous", endpoint, &err) ||
	    forget(instance, "before", endpoint, &err))
		log_warn("%s", err.text);
}
