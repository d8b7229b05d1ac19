/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* unfinished - what a plan changes, as it was, for when its process dies */
#include "control/unfinished.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/journal.h"
#include "control/record.h"
#include "lib/cleanup.h"
#include "lib/file.h"
#include "lib/log.h"

/*
 *	- endpoint db SUM		has to go
 *	+ endpoint db ... SUM		has to be this
 *	- rule - SUM			all rules have to go, but for those to come
 *	+ rule in ... SUM
 *
 * behind the head of a journal. What has to go comes first, so an object that is
 * made anew is in it twice.
 */

static const char *unfinished_path(const char *instance, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, STATE_ROOT "/%s/unfinished", instance);
	return path;
}

/* ------------------------------------------------------------------- write */

static void put(FILE *out, char op, enum object_kind kind, const void *object)
{
	struct line line;

	journal_line(op, kind, object, &line);
	fwrite(line.text, 1, line.len, out);
}

static void put_rules(FILE *out, const struct model *actual)
{
	const struct policy_rule none = { .name = "" };

	put(out, '-', OBJECT_RULE, &none);
	for (size_t i = 0; i < actual->nrules; i++)
		put(out, '+', OBJECT_RULE, &actual->rules[i]);
}

static void put_way_back(FILE *out, const struct plan *plan,
			 const struct model *actual)
{
	for (size_t i = 0; i < plan->nsteps; i++)
		if (plan->steps[i].op == STEP_ADD)
			put(out, '-', plan->steps[i].kind, plan->steps[i].new);
	for (size_t i = 0; i < plan->nsteps; i++) {
		const struct step *step = &plan->steps[i];

		if (step->op == STEP_ADD)
			continue;
		if (step->kind == OBJECT_RULE)
			put_rules(out, actual);
		else if (step->kind == OBJECT_SETTINGS)
			put(out, '+', step->kind, &actual->settings);
		else
			put(out, '+', step->kind, step->old);
	}
}

static void put_way_on(FILE *out, const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsteps; i++)
		if (plan->steps[i].op == STEP_DEL &&
		    plan->steps[i].kind == OBJECT_NETNS)
			put(out, '-', OBJECT_NETNS, plan->steps[i].old);
}

/* actual NULL: the way on, else the way back. */
static int write_file(const char *instance, const struct plan *plan,
		      const struct model *actual, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	unfinished_path(instance, path);
	if (!out)
		return err_set(err, -ENOMEM, "write %s: out of memory", path);
	journal_head(out);
	if (actual)
		put_way_back(out, plan, actual);
	else
		put_way_on(out, plan);
	if (fclose(out))
		return err_set(err, -ENOMEM, "write %s: out of memory", path);
	return file_replace(path, text, len, err);
}

int unfinished_begin(const char *instance, const struct plan *plan,
		     const struct model *actual, struct err *err)
{
	return write_file(instance, plan, actual, err);
}

int unfinished_commit(const char *instance, const struct plan *plan,
		      struct err *err)
{
	return write_file(instance, plan, NULL, err);
}

int unfinished_end(const char *instance, struct err *err)
{
	char path[PATH_MAX];

	return record_del(unfinished_path(instance, path), err);
}

bool unfinished_is_there(const char *instance)
{
	char path[PATH_MAX];

	return !access(unfinished_path(instance, path), F_OK);
}

/* -------------------------------------------------------------------- read */

static struct publish *publish_by_id(struct model *model, unsigned long id)
{
	for (size_t i = 0; i < model->npublishes; i++)
		if (model->publishes[i].id == id)
			return &model->publishes[i];
	return NULL;
}

/* key: a number for what is published. */
static void model_drop(struct model *m, enum object_kind kind, const char *key)
{
	struct publish *publish = publish_by_id(m, strtoul(key, NULL, 10));
	struct endpoint *endpoint = model_find_endpoint(m, key);
	struct network *network = model_find_network(m, key);
	struct uplink *uplink = model_find_uplink(m, key);
	struct netns *netns = model_find_netns(m, key);

	if (kind == OBJECT_PUBLISH && publish)
		model_del_publish(m, publish);
	if (kind == OBJECT_ENDPOINT && endpoint)
		model_del_endpoint(m, endpoint);
	if (kind == OBJECT_NETWORK && network)
		model_del_network(m, network);
	if (kind == OBJECT_UPLINK && uplink)
		model_del_uplink(m, uplink);
	if (kind == OBJECT_NETNS && netns)
		model_del_netns(m, netns);
	while (kind == OBJECT_RULE && m->nrules)
		model_del_rule(m, &m->rules[m->nrules - 1]);
}

/* In the place of the one of the same name. */
static bool model_put(struct model *m, enum object_kind kind,
		      const void *object)
{
	char id[sizeof("4294967295")];

	if (kind == OBJECT_PUBLISH) {
		snprintf(id, sizeof(id), "%u",
			 ((const struct publish *)object)->id);
		model_drop(m, kind, id);
	} else if (kind != OBJECT_RULE && kind != OBJECT_SETTINGS) {
		/* The others begin with their name. */
		model_drop(m, kind, object);
	}
	return model_add_object(m, kind, object);
}

static int replay_line(const struct journal_line *line, void *arg,
		       struct err *err)
{
	struct model *model = arg;

	if (line->op == '-')
		model_drop(model, line->kind, line->key);
	else if (!model_put(model, line->kind, line->object))
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

/* On a copy: half of the file would be neither before nor after. */
static int replay(const char *path, struct model *model, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	struct model copy;
	size_t len;
	int rc = file_read(path, &text, &len, err);

	if (!rc && model_copy(model, &copy))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc)
		return rc;
	rc = journal_each(path, text, len, replay_line, &copy, err);
	if (rc) {
		model_free(&copy);
		return rc;
	}
	model_free(model);
	*model = copy;
	return 0;
}

int unfinished_replay(const char *instance, struct model *model,
		      struct err *err)
{
	char path[PATH_MAX];
	struct stat st;
	int rc;

	/* Earlier versions wrote nothing into it. */
	if (stat(unfinished_path(instance, path), &st) || !st.st_size)
		return 0;
	rc = replay(path, model, err);
	if (rc != -EINVAL && rc != -EPROTO)
		return rc;
	log_warn("%s", err->text);
	return 0;
}
