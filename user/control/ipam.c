/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ipam - /run/NAME/addresses.json: which addresses were handed out */
#include "control/ipam.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/record.h"
#include "lib/json.h"
#include "lib/log.h"
#include "model/fill.h"

void ipam_free(struct ipam *ipam)
{
	memory_free(&ipam->before);
	memory_free(&ipam->after);
}

/* ------------------------------------------------------------- the file */

static void file_path(const char *instance, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, STATE_ROOT "/%s/addresses.json", instance);
}

static json_t *cursor_to_json(const struct cursor *cursor)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "subnet",
			 json_cidr(&cursor->subnet), "first",
			 json_ip(&cursor->first), "last",
			 json_ip(&cursor->last), "handed_out",
			 json_ip(&cursor->handed_out), "unchecked",
			 json_ip(&cursor->unchecked));
}

static bool cursor_from_json(json_t *json, struct cursor *ret)
{
	const char *subnet, *first, *last, *handed_out, *unchecked;

	return !json_unpack(json, "{s:s,s:s,s:s,s:s,s:s}", "subnet", &subnet,
			    "first", &first, "last", &last, "handed_out",
			    &handed_out, "unchecked", &unchecked) &&
	       !cidr_parse(subnet, &ret->subnet) &&
	       !ip_parse(first, &ret->first) && !ip_parse(last, &ret->last) &&
	       !ip_parse(handed_out, &ret->handed_out) &&
	       !ip_parse(unchecked, &ret->unchecked) && cursor_is_valid(ret);
}

static int memory_from_json(const json_t *json, const char *path,
			    struct memory *memory, struct err *err)
{
	struct cursor cursor = {};

	if (!json_is_array(json))
		log_warn("%s: not a list, it is left out", path);
	for (size_t i = 0; i < json_array_size(json); i++) {
		if (!cursor_from_json(json_array_get(json, i), &cursor))
			log_warn("%s: entry %zu is wrong, it is left out", path,
				 i + 1);
		else if (!memory_add(memory, &cursor))
			return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int memory_read(const char *instance, struct memory *memory,
		       struct err *err)
{
	char path[PATH_MAX];
	struct err damage;
	json_t *json;
	int rc;

	file_path(instance, path);
	if (access(path, F_OK))
		return 0;
	if (record_read(path, &json, &damage)) {
		log_warn("%s: it is left out", damage.text);
		return 0;
	}
	rc = memory_from_json(json, path, memory, err);
	json_decref(json);
	return rc;
}

static int memory_write(const char *instance, const struct memory *memory,
			struct err *err)
{
	char path[PATH_MAX];
	json_t *list;

	file_path(instance, path);
	if (!memory->count)
		return record_del(path, err);
	list = json_array();
	for (size_t i = 0; list && i < memory->count; i++)
		if (json_array_append_new(list,
					  cursor_to_json(&memory->list[i]))) {
			json_decref(list);
			list = NULL;
		}
	return record_write(path, list, err);
}

/* ------------------------------------------------------------- planning */

static int on_address(const struct ipaddr *ip, void *arg)
{
	return ipset_add(arg, ip);
}

/* What has expired goes first, as it would anyway: without an agent, nobody else
 * may have looked for long. A dry run does it, too, or it would not tell what
 * the real one does. */
static int ask_flows(void *arg, struct ipset *set, struct err *err)
{
	struct control *control = arg;
	int rc = control_gc(control, NULL, err);

	if (rc || !control->dp)
		return rc;
	return flows_each_endpoint(control->dp, on_address, set, err);
}

int ipam_fill(struct control *control, struct model *desired, struct ipam *ret,
	      struct err *err)
{
	struct ipam ipam = {};
	int rc = memory_read(control->instance.name, &ipam.before, err);

	if (!rc && memory_copy(&ipam.before, &ipam.after))
		rc = err_set(err, -ENOMEM, "out of memory");
	ipam.after.ask = ask_flows;
	ipam.after.arg = control;
	rc = rc ? rc :
		  model_fill_remembering(desired, &control->model, &ipam.after,
					 err);
	if (rc)
		ipam_free(&ipam);
	else
		*ret = ipam;
	return rc;
}

int ipam_write(const struct control *control, const struct ipam *ipam,
	       struct err *err)
{
	if (memory_equal(&ipam->before, &ipam->after))
		return 0;
	return memory_write(control->instance.name, &ipam->after, err);
}

/* Those that were there for a moment only. */
static void release_new(struct memory *memory, const struct model *desired,
			const struct model *actual)
{
	for (size_t i = 0; i < desired->nendpoints && memory->count; i++) {
		const struct endpoint *e = &desired->endpoints[i];
		const struct endpoint *old =
			model_find_endpoint(actual, e->name);

		if (!old || old->nips != e->nips ||
		    memcmp(old->ips, e->ips, e->nips * sizeof(*e->ips)) != 0)
			memory_release(memory, e->ips, e->nips);
	}
}

void ipam_undo(const struct control *control, const struct model *desired,
	       const struct ipam *ipam)
{
	_cleanup_memory_ struct memory memory = {};
	struct err err;

	if (memory_copy(&ipam->before, &memory)) {
		log_err("undo: out of memory");
		return;
	}
	release_new(&memory, desired, &control->model);
	if (!memory_equal(&memory, &ipam->after) &&
	    memory_write(control->instance.name, &memory, &err))
		log_err("undo: %s", err.text);
}

int ipam_forget(const char *instance, const struct model *model,
		const struct endpoint *gone, size_t count, struct err *err)
{
	_cleanup_memory_ struct memory before = {}, after = {};
	int rc = memory_read(instance, &before, err);

	if (rc)
		return rc;
	if (memory_copy(&before, &after) || memory_prune(&after, model))
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		memory_release(&after, gone[i].ips, gone[i].nips);
	if (memory_equal(&before, &after))
		return 0;
	return memory_write(instance, &after, err);
}
