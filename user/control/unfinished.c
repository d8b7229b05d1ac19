/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* unfinished - what a plan changes, as it was, for when its process dies */
#include "control/unfinished.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/fields.h"
#include "control/record.h"
#include "control/state.h"
#include "lib/log.h"

/*
 *	[ { "kind": "endpoint", "name": "db" },			has to go
 *	  { "kind": "endpoint", "was": { ... } },		has to be this
 *	  { "kind": "rules", "was": [ { ... }, ... ] } ]	all of them
 *
 * What has to go comes first, so an object that is made anew is in it twice.
 */
static const char *const kinds[] = {
	[OBJECT_SETTINGS] = "settings", [OBJECT_NETNS] = "netns",
	[OBJECT_NETWORK] = "network",	[OBJECT_ENDPOINT] = "endpoint",
	[OBJECT_UPLINK] = "uplink",	[OBJECT_PUBLISH] = "publish",
	[OBJECT_RULE] = "rules",
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static const char *unfinished_path(const char *instance, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, STATE_ROOT "/%s/unfinished", instance);
	return path;
}

/* ------------------------------------------------------------------- write */

static json_t *object_name(enum object_kind kind, const void *object)
{
	switch (kind) {
	case OBJECT_NETNS:
		return json_string(((const struct netns *)object)->name);
	case OBJECT_NETWORK:
		return json_string(((const struct network *)object)->name);
	case OBJECT_ENDPOINT:
		return json_string(((const struct endpoint *)object)->name);
	case OBJECT_UPLINK:
		return json_string(((const struct uplink *)object)->ifname);
	default:
		return json_integer(((const struct publish *)object)->id);
	}
}

static json_t *rules_to_json(const struct model *model)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < model->nrules; i++)
		json_array_append_new(
			rules, fields_to_json(OBJECT_RULE, &model->rules[i]));
	return rules;
}

static void put_gone(json_t *list, enum object_kind kind, const void *object)
{
	json_array_append_new(list,
			      json_pack("{s:s, s:o}", "kind", kinds[kind],
					"name", object_name(kind, object)));
}

static void put_was(json_t *list, const struct step *step,
		    const struct model *actual)
{
	json_t *was;

	if (step->kind == OBJECT_RULE)
		was = rules_to_json(actual);
	else if (step->kind == OBJECT_SETTINGS)
		was = fields_to_json(OBJECT_SETTINGS, &actual->settings);
	else
		was = fields_to_json(step->kind, step->old);
	json_array_append_new(list, json_pack("{s:s, s:o}", "kind",
					      kinds[step->kind], "was", was));
}

int unfinished_begin(const char *instance, const struct plan *plan,
		     const struct model *actual, struct err *err)
{
	json_t *list = json_array();
	char path[PATH_MAX];

	for (size_t i = 0; list && i < plan->nsteps; i++)
		if (plan->steps[i].op == STEP_ADD)
			put_gone(list, plan->steps[i].kind, plan->steps[i].new);
	for (size_t i = 0; list && i < plan->nsteps; i++)
		if (plan->steps[i].op != STEP_ADD)
			put_was(list, &plan->steps[i], actual);
	return record_write(unfinished_path(instance, path), list, err);
}

int unfinished_commit(const char *instance, const struct plan *plan,
		      struct err *err)
{
	json_t *list = json_array();
	char path[PATH_MAX];

	for (size_t i = 0; list && i < plan->nsteps; i++)
		if (plan->steps[i].op == STEP_DEL &&
		    plan->steps[i].kind == OBJECT_NETNS)
			put_gone(list, OBJECT_NETNS, plan->steps[i].old);
	return record_write(unfinished_path(instance, path), list, err);
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

static struct publish *publish_by_id(struct model *model, json_int_t id)
{
	for (size_t i = 0; i < model->npublishes; i++)
		if (model->publishes[i].id == id)
			return &model->publishes[i];
	return NULL;
}

/* name: a number for what is published. */
static void model_drop(struct model *m, enum object_kind kind,
		       const json_t *name)
{
	const char *text = json_is_string(name) ? json_string_value(name) : "";
	struct publish *publish = publish_by_id(m, json_integer_value(name));
	struct endpoint *endpoint = model_find_endpoint(m, text);
	struct network *network = model_find_network(m, text);
	struct uplink *uplink = model_find_uplink(m, text);
	struct netns *netns = model_find_netns(m, text);

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
}

union object {
	struct settings settings;
	struct netns netns;
	struct network network;
	struct endpoint endpoint;
	struct uplink uplink;
	struct publish publish;
	struct policy_rule rule;
};

static bool model_put(struct model *m, enum object_kind kind,
		      const union object *object)
{
	switch (kind) {
	case OBJECT_NETNS:
		return model_add_netns(m, &object->netns);
	case OBJECT_NETWORK:
		return model_add_network(m, &object->network);
	case OBJECT_ENDPOINT:
		return model_add_endpoint(m, &object->endpoint);
	case OBJECT_UPLINK:
		return model_add_uplink(m, &object->uplink);
	case OBJECT_PUBLISH:
		return model_add_publish(m, &object->publish);
	case OBJECT_RULE:
		return model_add_rule(m, &object->rule, SIZE_MAX);
	default:
		m->settings = object->settings;
		return true;
	}
}

static int put_back(struct model *m, enum object_kind kind, json_t *was,
		    struct err *err)
{
	union object object;
	json_t *name;
	int rc = fields_from_json(kind, was, &object, err);

	if (rc)
		return rc;
	if (kind != OBJECT_SETTINGS && kind != OBJECT_RULE) {
		name = object_name(kind, &object);
		model_drop(m, kind, name);
		json_decref(name);
	}
	return model_put(m, kind, &object) ?
		       0 :
		       err_set(err, -ENOMEM, "out of memory");
}

static int put_back_rules(struct model *m, const json_t *was, struct err *err)
{
	int rc = 0;

	while (m->nrules)
		model_del_rule(m, m->rules);
	for (size_t i = 0; i < json_array_size(was) && !rc; i++)
		rc = put_back(m, OBJECT_RULE, json_array_get(was, i), err);
	return rc;
}

static int replay_one(struct model *model, const json_t *entry, struct err *err)
{
	const char *name = json_string_value(json_object_get(entry, "kind"));
	json_t *was = json_object_get(entry, "was");

	for (size_t kind = 0; name && kind < KINDS; kind++) {
		if (strcmp(name, kinds[kind]) != 0)
			continue;
		if (!was)
			model_drop(model, kind, json_object_get(entry, "name"));
		else if (kind == OBJECT_RULE)
			return put_back_rules(model, was, err);
		return was ? put_back(model, kind, was, err) : 0;
	}
	return err_set(err, -EINVAL, "unknown kind of object");
}

/* On a copy: half of the file would be neither before nor after. */
static int replay(const char *path, struct model *model, struct err *err)
{
	struct model copy;
	json_t *list;
	int rc = record_read(path, &list, err);

	if (rc)
		return rc;
	if (!json_is_array(list))
		rc = err_set(err, -EINVAL, "%s: not a list", path);
	if (!rc && model_copy(model, &copy))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc) {
		json_decref(list);
		return rc;
	}
	for (size_t i = 0; i < json_array_size(list) && !rc; i++)
		rc = replay_one(&copy, json_array_get(list, i), err);
	json_decref(list);
	if (rc) {
		model_free(&copy);
		err_prefix(err, "%s", path);
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
