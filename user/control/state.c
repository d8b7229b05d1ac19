/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* state - /run/NAME: what exists, one small file an object */
#include "control/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/fields.h"
#include "control/unfinished.h"
#include "control/record.h"
#include "lib/cleanup.h"
#include "lib/file.h"
#include "lib/log.h"

static const char *const directory[] = {
	[OBJECT_NETNS] = "netns",	[OBJECT_NETWORK] = "network",
	[OBJECT_ENDPOINT] = "endpoint", [OBJECT_UPLINK] = "uplink",
	[OBJECT_PUBLISH] = "publish",
};
#define DIRECTORIES (sizeof(directory) / sizeof(*directory))

static void file_name(enum object_kind kind, const void *object, char *name,
		      size_t len)
{
	switch (kind) {
	case OBJECT_NETNS:
		snprintf(name, len, "%s", ((const struct netns *)object)->name);
		break;
	case OBJECT_NETWORK:
		snprintf(name, len, "%s",
			 ((const struct network *)object)->name);
		break;
	case OBJECT_ENDPOINT:
		snprintf(name, len, "%s",
			 ((const struct endpoint *)object)->name);
		break;
	case OBJECT_UPLINK:
		snprintf(name, len, "%s",
			 ((const struct uplink *)object)->ifname);
		break;
	default:
		snprintf(name, len, "%u", ((const struct publish *)object)->id);
	}
}

static int object_path(const char *instance, enum object_kind kind,
		       const void *object, char path[PATH_MAX])
{
	char name[NAME_MAX];
	int len;

	file_name(kind, object, name, sizeof(name));
	len = snprintf(path, PATH_MAX, STATE_ROOT "/%s/%s/%s.json", instance,
		       directory[kind], name);
	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int state_write(const char *instance, enum object_kind kind, const void *object,
		bool complete, struct err *err)
{
	json_t *json = fields_to_json(kind, object);
	char path[PATH_MAX];

	if (object_path(instance, kind, object, path)) {
		json_decref(json);
		return err_set(err, -ENAMETOOLONG, "state path too long");
	}
	if (json)
		json_object_set_new(json, "complete", json_boolean(complete));
	return record_write(path, json, err);
}

int state_del(const char *instance, enum object_kind kind, const void *object,
	      struct err *err)
{
	char path[PATH_MAX];

	if (object_path(instance, kind, object, path))
		return err_set(err, -ENAMETOOLONG, "state path too long");
	return record_del(path, err);
}

int state_write_settings(const char *instance, const struct settings *settings,
			 struct err *err)
{
	char path[PATH_MAX];
	struct model fresh;

	snprintf(path, sizeof(path), STATE_ROOT "/%s/settings.json", instance);
	model_init(&fresh);
	if (settings_equal(settings, &fresh.settings))
		return record_del(path, err);
	return record_write(path, fields_to_json(OBJECT_SETTINGS, settings),
			    err);
}

int state_write_rules(const char *instance, const struct model *model,
		      struct err *err)
{
	char path[PATH_MAX];
	json_t *rules;

	snprintf(path, sizeof(path), STATE_ROOT "/%s/policy.json", instance);
	if (!model->nrules)
		return record_del(path, err);
	rules = json_array();
	for (size_t i = 0; rules && i < model->nrules; i++)
		json_array_append_new(
			rules, fields_to_json(OBJECT_RULE, &model->rules[i]));
	return record_write(path, rules, err);
}

static bool model_append(struct model *model, enum object_kind kind,
			 const void *object)
{
	switch (kind) {
	case OBJECT_NETNS:
		return model_add_netns(model, object);
	case OBJECT_NETWORK:
		return model_add_network(model, object);
	case OBJECT_ENDPOINT:
		return model_add_endpoint(model, object);
	case OBJECT_UPLINK:
		return model_add_uplink(model, object);
	case OBJECT_PUBLISH:
		return model_add_publish(model, object);
	default:
		return model_add_rule(model, object, SIZE_MAX);
	}
}

/* A damaged file ends the reading, unless what can be read is wanted. */
static int salvaged(bool salvage, int rc, const struct err *err)
{
	if (!rc || !salvage || rc == -ENOMEM)
		return rc;
	log_warn("%s", err->text);
	return 0;
}

union object {
	struct netns netns;
	struct network network;
	struct endpoint endpoint;
	struct uplink uplink;
	struct publish publish;
};

/* Takes "complete" out of the record: 1 or 0. A record that lacks it must not
 * be taken for a leftover: those are removed. */
static int take_complete(json_t *json, struct err *err)
{
	const json_t *value = json_object_get(json, "complete");
	int complete = json_is_true(value);

	if (!json_is_boolean(value))
		return err_set(err, -EINVAL,
			       "field 'complete' is missing or wrong");
	json_object_del(json, "complete");
	return complete;
}

/* Nor must one that is in another's file. */
static int check_object(const char *instance, const char *path,
			enum object_kind kind, const union object *object,
			struct err *err)
{
	char expected[PATH_MAX];

	if (kind == OBJECT_PUBLISH &&
	    object->publish.port_last < object->publish.port)
		return err_set(err, -EINVAL,
			       "field 'port_last' is missing or wrong");
	if (object_path(instance, kind, object, expected) ||
	    strcmp(path, expected) != 0)
		return err_set(err, -EINVAL, "the name in it is another one");
	return 0;
}

/* salvage: what a newer version has recorded can be removed as well as anything
 * else. */
static int read_object(const char *instance, const char *path,
		       enum object_kind kind, bool salvage, struct state *state,
		       struct err *err)
{
	int rc, complete = 0;
	union object object;
	json_t *json;

	rc = record_read(path, &json, err);
	if (rc)
		return rc;
	complete = take_complete(json, err);
	rc = complete < 0 ? complete :
			    fields_from_json(kind, json, &object, err);
	json_decref(json);
	if (rc == -EPROTO && salvage)
		rc = 0;
	rc = rc ? rc : check_object(instance, path, kind, &object, err);
	if (rc) {
		err_prefix(err, "%s", path);
		return record_damaged(rc, err);
	}
	if (!model_append(complete ? &state->model : &state->leftovers, kind,
			  &object))
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int is_object(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && !strcmp(entry->d_name + len - 5, ".json");
}

static int read_directory(const char *instance, enum object_kind kind,
			  bool salvage, struct state *state, struct err *err)
{
	char dir[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **entries = NULL;
	int count, rc = 0;

	snprintf(dir, sizeof(dir), STATE_ROOT "/%s/%s", instance,
		 directory[kind]);
	count = scandir(dir, &entries, is_object, versionsort);
	if (count < 0)
		return errno == ENOENT ? 0 :
					 err_set(err, -errno, "read %s: %s",
						 dir, strerror(errno));

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (!rc)
			rc = salvaged(salvage,
				      read_object(instance, path, kind, salvage,
						  state, err),
				      err);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static int read_settings(const char *instance, struct model *model,
			 struct err *err)
{
	struct settings settings;
	char path[PATH_MAX];
	json_t *json;
	int rc;

	snprintf(path, sizeof(path), STATE_ROOT "/%s/settings.json", instance);
	if (access(path, F_OK))
		return 0;
	rc = record_read(path, &json, err);
	if (rc)
		return rc;
	rc = fields_from_json(OBJECT_SETTINGS, json, &settings, err);
	json_decref(json);
	if (rc) {
		err_prefix(err, "%s", path);
		return record_damaged(rc, err);
	}
	model->settings = settings;
	return 0;
}

static int rules_from_json(json_t *json, struct model *model, struct err *err)
{
	struct policy_rule rule;
	int rc = 0;

	if (!json_is_array(json))
		return err_set(err, -EINVAL, "not a list of rules");
	for (size_t i = 0; i < json_array_size(json) && !rc; i++) {
		rc = fields_from_json(OBJECT_RULE, json_array_get(json, i),
				      &rule, err);
		if (!rc && !model_add_rule(model, &rule, SIZE_MAX))
			rc = err_set(err, -ENOMEM, "out of memory");
	}
	return rc;
}

static int read_rules(const char *instance, struct model *model,
		      struct err *err)
{
	char path[PATH_MAX];
	json_t *json;
	int rc;

	snprintf(path, sizeof(path), STATE_ROOT "/%s/policy.json", instance);
	if (access(path, F_OK))
		return 0;
	rc = record_read(path, &json, err);
	if (rc)
		return rc;
	rc = rules_from_json(json, model, err);
	json_decref(json);
	if (rc != -EINVAL && rc != -EPROTO)
		return rc;
	err_prefix(err, "%s", path);
	return record_damaged(rc, err);
}

int state_read(const char *instance, bool salvage, struct state *ret,
	       struct err *err)
{
	struct state state = { .unfinished = unfinished_is_there(instance) };
	int rc;

	model_init(&state.model);
	model_init(&state.leftovers);
	rc = salvaged(salvage, read_settings(instance, &state.model, err), err);
	for (size_t kind = 0; kind < DIRECTORIES && !rc; kind++)
		if (directory[kind])
			rc = read_directory(instance, kind, salvage, &state,
					    err);
	if (!rc)
		rc = salvaged(salvage, read_rules(instance, &state.model, err),
			      err);
	if (rc) {
		model_free(&state.model);
		model_free(&state.leftovers);
		return rc;
	}
	*ret = state;
	return 0;
}

/* ------------------------------------------------------------- rebuild */

/* Of what somebody may want to look at: only purge removes it. */
#define BROKEN ".broken"

static int move_aside(const char *path, struct err *err)
{
	char aside[PATH_MAX + sizeof(BROKEN)];

	snprintf(aside, sizeof(aside), "%s" BROKEN, path);
	if (rename(path, aside) && errno != ENOENT)
		return err_set(err, -errno, "rename %s: %s", path,
			       strerror(errno));
	return 0;
}

static int move_damaged(const char *instance, enum object_kind kind,
			struct err *err)
{
	char dir[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **entries = NULL;
	struct state scratch = { .unfinished = false };
	int count, rc = 0;

	model_init(&scratch.model);
	model_init(&scratch.leftovers);
	snprintf(dir, sizeof(dir), STATE_ROOT "/%s/%s", instance,
		 directory[kind]);
	count = scandir(dir, &entries, is_object, NULL);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (!rc &&
		    read_object(instance, path, kind, false, &scratch, NULL))
			rc = move_aside(path, err);
		free(entries[i]);
	}
	free(entries);
	model_free(&scratch.model);
	model_free(&scratch.leftovers);
	return rc;
}

static int move_settings(const char *instance, struct err *err)
{
	char path[PATH_MAX];
	struct model scratch;
	int rc;

	model_init(&scratch);
	rc = read_settings(instance, &scratch, NULL);
	model_free(&scratch);
	snprintf(path, sizeof(path), STATE_ROOT "/%s/settings.json", instance);
	return rc ? move_aside(path, err) : 0;
}

static int write_all(const char *instance, const struct model *m,
		     struct err *err)
{
	int rc = state_write_settings(instance, &m->settings, err);

	for (size_t i = 0; i < m->nnetns && !rc; i++)
		rc = state_write(instance, OBJECT_NETNS, &m->netns[i], true,
				 err);
	for (size_t i = 0; i < m->nnetworks && !rc; i++)
		rc = state_write(instance, OBJECT_NETWORK, &m->networks[i],
				 true, err);
	for (size_t i = 0; i < m->nendpoints && !rc; i++)
		rc = state_write(instance, OBJECT_ENDPOINT, &m->endpoints[i],
				 true, err);
	for (size_t i = 0; i < m->nuplinks && !rc; i++)
		rc = state_write(instance, OBJECT_UPLINK, &m->uplinks[i], true,
				 err);
	for (size_t i = 0; i < m->npublishes && !rc; i++)
		rc = state_write(instance, OBJECT_PUBLISH, &m->publishes[i],
				 true, err);
	return rc ? rc : state_write_rules(instance, m, err);
}

int state_rebuild(const char *instance, const struct model *model,
		  struct err *err)
{
	int rc = move_settings(instance, err);

	for (size_t kind = 0; kind < DIRECTORIES && !rc; kind++)
		if (directory[kind])
			rc = move_damaged(instance, kind, err);
	return rc ? rc : write_all(instance, model, err);
}

/* -------------------------------------------------------------- remove */

/* What a process that died while it wrote has left: NAME.json.XXXXXX, or
 * unfinished.XXXXXX. */
static int is_scrap(const struct dirent *entry)
{
	const char *name = entry->d_name;
	size_t len = strlen(name);

	return !strncmp(name, "unfinished.", 11) ||
	       (len > 12 && !strncmp(name + len - 12, ".json.", 6) &&
		strcmp(name + len - 7, BROKEN) != 0);
}

static int is_record(const struct dirent *entry)
{
	return is_object(entry) || is_scrap(entry) ||
	       strstr(entry->d_name, ".json" BROKEN) ||
	       !strcmp(entry->d_name, "unfinished");
}

static int remove_file(const char *dir, const char *name, struct err *err)
{
	char path[PATH_MAX + NAME_MAX + 2];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (remove(path) && errno != ENOENT)
		return err_set(err, -errno, "remove %s: %s", path,
			       strerror(errno));
	return 0;
}

static int remove_files(const char *dir,
			int (*filter)(const struct dirent *entry),
			struct err *err)
{
	struct dirent **entries = NULL;
	int rc = 0, count = scandir(dir, &entries, filter, NULL);

	for (int i = 0; i < count; i++) {
		if (!rc)
			rc = remove_file(dir, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

/* The lock's removal lets the next process in: what is in the way of rmdir may
 * be its new lock. */
static int remove_root(const char *root, struct err *err)
{
	char path[PATH_MAX + sizeof("/lock")];
	int rc = remove_file(root, "lock", err);

	snprintf(path, sizeof(path), "%s/lock", root);
	if (rc || !rmdir(root) || errno == ENOENT)
		return rc;
	rc = -errno;
	if (!access(path, F_OK))
		return 0;
	return err_set(err, rc, "remove %s: %s", root, strerror(-rc));
}

int state_remove(const char *instance, struct err *err)
{
	char root[PATH_MAX], dir[PATH_MAX + NAME_MAX + 2];
	int rc;

	snprintf(root, sizeof(root), STATE_ROOT "/%s", instance);
	for (size_t kind = 0; kind < DIRECTORIES; kind++) {
		if (!directory[kind])
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", root, directory[kind]);
		rc = remove_files(dir, is_record, err);
		rc = rc ? rc : remove_file(root, directory[kind], err);
		if (rc)
			return rc;
	}
	rc = remove_files(root, is_record, err);
	return rc ? rc : remove_root(root, err);
}

int state_sweep(const char *instance, bool deep, struct err *err)
{
	char root[PATH_MAX], dir[PATH_MAX + NAME_MAX + 2];
	int rc;

	snprintf(root, sizeof(root), STATE_ROOT "/%s", instance);
	rc = remove_files(root, is_scrap, err);
	for (size_t kind = 0; deep && kind < DIRECTORIES && !rc; kind++) {
		if (!directory[kind])
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", root, directory[kind]);
		rc = remove_files(dir, is_scrap, err);
	}
	return rc;
}

static int is_not_lock(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 &&
	       strcmp(entry->d_name, "..") != 0 &&
	       strcmp(entry->d_name, "lock") != 0;
}

void state_tidy(const char *instance)
{
	char root[PATH_MAX], dir[PATH_MAX + NAME_MAX + 2];
	struct dirent **entries = NULL;
	int count;

	snprintf(root, sizeof(root), STATE_ROOT "/%s", instance);
	for (size_t kind = 0; kind < DIRECTORIES; kind++) {
		if (!directory[kind])
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", root, directory[kind]);
		rmdir(dir);
	}
	count = scandir(root, &entries, is_not_lock, NULL);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	if (!count)
		remove_root(root, NULL);
}

static bool is_ours(const char *name)
{
	static const char *const files[] = { "lock",	       "unfinished",
					     "settings.json",  "policy.json",
					     "addresses.json", "before.json",
					     "previous.json",  "pending.json" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!strncmp(name, files[i], strlen(files[i])))
			return true;
	for (size_t kind = 0; kind < DIRECTORIES; kind++)
		if (directory[kind] && !strcmp(name, directory[kind]))
			return true;
	return name[0] == '.';
}

int state_check_owner(const char *instance, struct err *err)
{
	const struct dirent *entry;
	char path[PATH_MAX];
	bool ours = true;
	DIR *dir;

	snprintf(path, sizeof(path), STATE_ROOT "/%s", instance);
	dir = opendir(path);
	while (dir && ours && (entry = readdir(dir)))
		ours = is_ours(entry->d_name);
	if (dir)
		closedir(dir);
	if (ours)
		return 0;
	err_set(err, -EEXIST, "%s belongs to something else", path);
	err_hint(err, "choose another instance name");
	return -EEXIST;
}
