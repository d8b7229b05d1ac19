/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* previous - the state before the last apply, kept to go back to it */
#include "control/previous.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/fields.h"
#include "control/record.h"
#include "control/state.h"
#include "lib/log.h"

/* ------------------------------------------------------- a model as JSON */

/* The lists of a model, each with the name of its key. */
struct list {
	const char *key;
	enum object_kind kind;
	const char *objects;
	size_t count;
	size_t size;
};
#define LISTS 6

static void lists_of(const struct model *m, struct list ret[LISTS])
{
	const struct list lists[LISTS] = {
		{ "netns", OBJECT_NETNS, (const char *)m->netns, m->nnetns,
		  sizeof(*m->netns) },
		{ "networks", OBJECT_NETWORK, (const char *)m->networks,
		  m->nnetworks, sizeof(*m->networks) },
		{ "endpoints", OBJECT_ENDPOINT, (const char *)m->endpoints,
		  m->nendpoints, sizeof(*m->endpoints) },
		{ "uplinks", OBJECT_UPLINK, (const char *)m->uplinks,
		  m->nuplinks, sizeof(*m->uplinks) },
		{ "publishes", OBJECT_PUBLISH, (const char *)m->publishes,
		  m->npublishes, sizeof(*m->publishes) },
		{ "rules", OBJECT_RULE, (const char *)m->rules, m->nrules,
		  sizeof(*m->rules) },
	};

	memcpy(ret, lists, sizeof(lists));
}

static json_t *model_to_json(const struct model *model)
{
	json_t *root = json_object();
	struct list lists[LISTS];

	lists_of(model, lists);
	json_object_set_new(root, "settings",
			    fields_to_json(OBJECT_SETTINGS, &model->settings));
	for (size_t k = 0; k < LISTS; k++) {
		const struct list *list = &lists[k];
		json_t *array = json_array();

		for (size_t i = 0; i < list->count; i++)
			json_array_append_new(
				array,
				fields_to_json(list->kind,
					       list->objects + i * list->size));
		json_object_set_new(root, list->key, array);
	}
	return root;
}

union object {
	struct netns netns;
	struct network network;
	struct endpoint endpoint;
	struct uplink uplink;
	struct publish publish;
	struct policy_rule rule;
};

static bool model_append(struct model *m, enum object_kind kind,
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
	default:
		return model_add_rule(m, &object->rule, SIZE_MAX);
	}
}

static int list_from_json(const json_t *root, const struct list *list,
			  struct model *model, struct err *err)
{
	const json_t *array = json_object_get(root, list->key);
	union object object;
	int rc = 0;

	if (!json_is_array(array))
		return err_set(err, -EINVAL, "'%s' is no list", list->key);
	for (size_t i = 0; i < json_array_size(array) && !rc; i++) {
		rc = fields_from_json(list->kind, json_array_get(array, i),
				      &object, err);
		if (!rc && !model_append(model, list->kind, &object))
			rc = err_set(err, -ENOMEM, "out of memory");
	}
	return rc;
}

static int model_from_json(const json_t *root, struct model *ret,
			   struct err *err)
{
	struct list lists[LISTS];
	int rc;

	model_init(ret);
	lists_of(ret, lists);
	rc = fields_from_json(OBJECT_SETTINGS,
			      json_object_get(root, "settings"), &ret->settings,
			      err);
	for (size_t k = 0; k < LISTS && !rc; k++)
		rc = list_from_json(root, &lists[k], ret, err);
	if (rc)
		model_free(ret);
	return rc;
}

/* ----------------------------------------------------------------- files */

static const char *path_of(char buf[PATH_MAX], const char *instance,
			   const char *name)
{
	snprintf(buf, PATH_MAX, STATE_ROOT "/%s/%s.json", instance, name);
	return buf;
}

int previous_begin(const char *instance, const struct model *before,
		   struct err *err)
{
	char path[PATH_MAX];

	return record_write(path_of(path, instance, "before"),
			    model_to_json(before), err);
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

int previous_settle(const char *instance, struct err *err)
{
	int rc = previous_commit(instance, err);

	return rc == -ENOENT ? 0 : rc;
}

bool previous_exists(const char *instance)
{
	char path[PATH_MAX];

	return !access(path_of(path, instance, "previous"), F_OK);
}

/* Nothing that runs is damaged with it, as record_read would have it. */
static int tell_nothing_done(int rc, struct err *err)
{
	err_hint(err, "nothing was changed: apply the file that should hold");
	return rc;
}

int previous_read(const char *instance, struct model *ret, struct err *err)
{
	char path[PATH_MAX];
	json_t *root;
	int rc;

	if (!previous_exists(instance))
		return err_set(err, -ENOENT, "no earlier state is known");
	rc = record_read(path_of(path, instance, "previous"), &root, err);
	if (rc)
		return tell_nothing_done(rc, err);
	rc = model_from_json(root, ret, err);
	json_decref(root);
	if (!rc)
		return 0;
	err_prefix(err, "%s", path);
	return tell_nothing_done(rc, err);
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
		if (!rule_peers_exist(model, &model->rules[i]))
			model->rules[i].dormant = true;
	return true;
}

static int forget(const char *instance, const char *endpoint, struct err *err)
{
	struct model model;
	char path[PATH_MAX];
	int rc = previous_read(instance, &model, err);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	if (previous_drop_endpoint(&model, endpoint))
		rc = record_write(path_of(path, instance, "previous"),
				  model_to_json(&model), err);
	model_free(&model);
	return rc;
}

void previous_forget(const char *instance, const char *endpoint)
{
	struct err err;

	if (forget(instance, endpoint, &err))
		log_warn("%s", err.text);
}
