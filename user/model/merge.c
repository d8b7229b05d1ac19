/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* merge - what a file says, put into what exists */
#include "model/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "model/index.h"

#define KEY_LEN_MAX 128

/* What the kinds of objects differ in. */
struct kind {
	size_t size;
	size_t origin; /* offset */
	/* Two objects of one key are the same object. */
	void (*key)(const void *object, char key[KEY_LEN_MAX]);
};

/* The file's objects of one kind, and which of them have been placed. */
struct incoming {
	const struct kind *kind;
	const char *items;
	size_t count;
	struct index index;
	char (*keys)[KEY_LEN_MAX];
	bool *placed;
};

static void key_name(const void *object, char key[KEY_LEN_MAX])
{
	/* All named kinds begin with their name. */
	strncpy(key, object, KEY_LEN_MAX - 1);
	key[KEY_LEN_MAX - 1] = '\0';
}

static void key_publish(const void *object, char key[KEY_LEN_MAX])
{
	publish_print(object, key, KEY_LEN_MAX);
}

static const struct kind kind_netns = {
	sizeof(struct netns),
	offsetof(struct netns, origin),
	key_name,
};
static const struct kind kind_network = {
	sizeof(struct network),
	offsetof(struct network, origin),
	key_name,
};
static const struct kind kind_endpoint = {
	sizeof(struct endpoint),
	offsetof(struct endpoint, origin),
	key_name,
};
static const struct kind kind_publish = {
	sizeof(struct publish),
	offsetof(struct publish, origin),
	key_publish,
};
static const struct kind kind_rule = {
	sizeof(struct policy_rule),
	offsetof(struct policy_rule, origin),
	key_name,
};
static const struct kind kind_uplink = {
	sizeof(struct uplink),
	offsetof(struct uplink, origin),
	key_name,
};

static void incoming_free(struct incoming *in)
{
	index_free(&in->index);
	free(in->keys);
	free(in->placed);
}

#define _cleanup_incoming_ __attribute__((cleanup(incoming_free)))

/* ret is zeroed before, and has to be freed also on failure. */
static int incoming_make(const struct kind *kind, const void *items,
			 size_t count, struct incoming *ret)
{
	ret->kind = kind;
	ret->items = items;
	ret->count = count;
	ret->keys = calloc(count + 1, sizeof(*ret->keys));
	ret->placed = calloc(count + 1, sizeof(*ret->placed));
	if (!ret->keys || !ret->placed || index_make(count, &ret->index))
		return -ENOMEM;

	for (size_t i = 0; i < count; i++) {
		const char *item = ret->items + i * kind->size;

		kind->key(item, ret->keys[i]);
		index_add(&ret->index, ret->keys[i], strlen(ret->keys[i]),
			  item);
	}
	return 0;
}

static const void *incoming_find(const struct incoming *in, const void *object)
{
	char key[KEY_LEN_MAX];

	in->kind->key(object, key);
	return index_find_name(&in->index, key);
}

static enum origin origin_get(const struct kind *kind, const char *object)
{
	enum origin origin;

	memcpy(&origin, object + kind->origin, sizeof(origin));
	return origin;
}

static void origin_set(const struct kind *kind, char *object,
		       enum origin origin)
{
	memcpy(object + kind->origin, &origin, sizeof(origin));
}

/*
 * Replaces and prunes in place; returns how many objects are left. What came
 * in and replaced nothing is not placed afterwards.
 */
static size_t objects_merge(struct incoming *in, void *items, size_t count,
			    bool prune)
{
	const struct kind *kind = in->kind;
	char *to = items;
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		const char *from = (const char *)items + i * kind->size;
		enum origin origin = origin_get(kind, from);
		const char *new = incoming_find(in, from);

		if (!new &&prune && origin == ORIGIN_FILE)
			continue;
		memmove(to, new ? new : from, kind->size);
		origin_set(kind, to, origin);
		if (new)
			in->placed[(new - in->items) / kind->size] = true;
		to += kind->size;
		left++;
	}
	return left;
}

static int merge_netns(struct model *m, const struct model *file, bool prune)
{
	_cleanup_incoming_ struct incoming in = { 0 };

	if (incoming_make(&kind_netns, file->netns, file->nnetns, &in))
		return -ENOMEM;
	m->nnetns = objects_merge(&in, m->netns, m->nnetns, prune);
	for (size_t i = 0; i < in.count; i++)
		if (!in.placed[i] && !model_add_netns(m, &file->netns[i]))
			return -ENOMEM;
	return 0;
}

static int merge_networks(struct model *m, const struct model *file, bool prune)
{
	_cleanup_incoming_ struct incoming in = { 0 };

	if (incoming_make(&kind_network, file->networks, file->nnetworks, &in))
		return -ENOMEM;
	m->nnetworks = objects_merge(&in, m->networks, m->nnetworks, prune);
	for (size_t i = 0; i < in.count; i++)
		if (!in.placed[i] && !model_add_network(m, &file->networks[i]))
			return -ENOMEM;
	return 0;
}

static int merge_endpoints(struct model *m, const struct model *file,
			   bool prune)
{
	_cleanup_incoming_ struct incoming in = { 0 };

	if (incoming_make(&kind_endpoint, file->endpoints, file->nendpoints,
			  &in))
		return -ENOMEM;
	m->nendpoints = objects_merge(&in, m->endpoints, m->nendpoints, prune);
	for (size_t i = 0; i < in.count; i++)
		if (!in.placed[i] &&
		    !model_add_endpoint(m, &file->endpoints[i]))
			return -ENOMEM;
	return 0;
}

static int merge_publishes(struct model *m, const struct model *file,
			   bool prune)
{
	_cleanup_incoming_ struct incoming in = { 0 };

	if (incoming_make(&kind_publish, file->publishes, file->npublishes,
			  &in))
		return -ENOMEM;
	m->npublishes = objects_merge(&in, m->publishes, m->npublishes, prune);
	for (size_t i = 0; i < in.count; i++)
		if (!in.placed[i] && !model_add_publish(m, &file->publishes[i]))
			return -ENOMEM;
	return 0;
}

static int merge_uplinks(struct model *m, const struct model *file, bool prune)
{
	_cleanup_incoming_ struct incoming in = { 0 };

	if (incoming_make(&kind_uplink, file->uplinks, file->nuplinks, &in))
		return -ENOMEM;
	/* One that was found by itself belongs to the file once it names it;
	 * until then it is not the file's to prune. */
	for (size_t i = 0; i < m->nuplinks; i++)
		if (m->uplinks[i].automatic)
			m->uplinks[i].origin =
				incoming_find(&in, &m->uplinks[i]) ?
					ORIGIN_FILE :
					ORIGIN_CLI;
	m->nuplinks = objects_merge(&in, m->uplinks, m->nuplinks, prune);
	for (size_t i = 0; i < in.count; i++)
		if (!in.placed[i] && !model_add_uplink(m, &file->uplinks[i]))
			return -ENOMEM;
	return 0;
}

/* The new list from its beginning: the file's rules, then what else stays. */
static int rules_rebuild(struct model *m, const struct model *file,
			 const struct incoming *in,
			 const struct policy_rule *old, size_t nold)
{
	m->nrules = 0;
	for (size_t i = 0; i < file->nrules; i++)
		if (!model_add_rule(m, &file->rules[i], SIZE_MAX))
			return -ENOMEM;

	for (size_t i = 0; i < nold; i++) {
		const struct policy_rule *new = incoming_find(in, &old[i]);

		if (new)
			m->rules[new - file->rules].origin = old[i].origin;
		else if (old[i].origin != ORIGIN_FILE &&
			 !model_add_rule(m, &old[i], SIZE_MAX))
			return -ENOMEM;
	}
	return 0;
}

static int merge_rules(struct model *m, const struct model *file, bool prune)
{
	_cleanup_incoming_ struct incoming in = { 0 };
	_cleanup_free_ struct policy_rule *old = NULL;
	size_t nold = m->nrules;

	if (!file->policy_given && !prune)
		return 0;
	old = calloc(nold + 1, sizeof(*old));
	if (!old || incoming_make(&kind_rule, file->rules, file->nrules, &in))
		return -ENOMEM;
	if (nold)
		memcpy(old, m->rules, nold * sizeof(*old));
	return rules_rebuild(m, file, &in, old, nold);
}

static int in_use(const char *what, const char *name, const char *user,
		  const char *user_name, struct err *err)
{
	err_set(err, -EBUSY, "%s '%s' is used by %s '%s'", what, name, user,
		user_name);
	err_kind(err, EXIT_CONFLICT, "in-use");
	err_hint(err, "the file does not name it; remove its user first");
	return -EBUSY;
}

static int check_peer(const struct index *networks,
		      const struct index *endpoints,
		      const struct policy_peer *peer, const char *rule,
		      struct err *err)
{
	if (peer->kind == SEL_NETWORK && !index_find_name(networks, peer->name))
		return in_use("network", peer->name, "rule", rule, err);
	if (peer->kind == SEL_ENDPOINT &&
	    !index_find_name(endpoints, peer->name))
		return in_use("endpoint", peer->name, "rule", rule, err);
	return 0;
}

/*
 * Both models were whole before, so a reference that leads nowhere is one to
 * something pruned, from something that is not the file's.
 */
static int check_pruned(const struct model *m, const struct index *networks,
			const struct index *endpoints, struct err *err)
{
	char port[KEY_LEN_MAX];

	for (size_t i = 0; i < m->nendpoints; i++)
		if (!index_find_name(networks, m->endpoints[i].network))
			return in_use("network", m->endpoints[i].network,
				      "endpoint", m->endpoints[i].name, err);
	for (size_t i = 0; i < m->npublishes; i++)
		if (!index_find_name(endpoints, m->publishes[i].endpoint))
			return in_use("endpoint", m->publishes[i].endpoint,
				      "port",
				      publish_print(&m->publishes[i], port,
						    sizeof(port)),
				      err);
	for (size_t i = 0; i < m->nrules; i++) {
		const struct policy_rule *rule = &m->rules[i];

		if (rule->dormant)
			continue;
		if (check_peer(networks, endpoints, &rule->from, rule->name,
			       err) ||
		    check_peer(networks, endpoints, &rule->to, rule->name, err))
			return -EBUSY;
	}
	return 0;
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

static void merge_settings(struct model *m, const struct model *file,
			   bool prune)
{
	const unsigned char *given = (const unsigned char *)&file->given;
	const unsigned char *from = (const unsigned char *)&file->settings;
	unsigned char *to = (unsigned char *)&m->settings;

	for (size_t i = 0; i < sizeof(m->settings); i++)
		if (prune || given[i])
			to[i] = from[i];
}

/* A file does not take a port away from what somebody else made. */
static int check_taken(const struct model *m, const struct model *file,
		       struct err *err)
{
	char port[KEY_LEN_MAX];

	for (size_t i = 0; i < file->npublishes; i++) {
		const struct publish *new = &file->publishes[i];
		const struct publish *old = model_find_publish(m, new);

		if (!old || old->origin == ORIGIN_FILE ||
		    !strcmp(old->endpoint, new->endpoint))
			continue;
		err_set(err, -EADDRINUSE,
			"port %s is already published to '%s'",
			publish_print(new, port, sizeof(port)), old->endpoint);
		err_kind(err, EXIT_CONFLICT, "port-in-use");
		err_hint(err, "the command line or an engine made it");
		err_about(err, "port %s", port);
		return -EADDRINUSE;
	}
	return 0;
}

int model_merge(struct model *existing, const struct model *file, bool prune,
		struct err *err)
{
	_cleanup_index_ struct index networks = { 0 };
	_cleanup_index_ struct index endpoints = { 0 };
	struct model *m = existing;
	int rc;

	rc = check_taken(m, file, err);
	if (rc)
		return rc;
	merge_settings(m, file, prune);
	if (merge_uplinks(m, file, prune) || merge_networks(m, file, prune) ||
	    merge_netns(m, file, prune) || merge_endpoints(m, file, prune) ||
	    merge_publishes(m, file, prune) || merge_rules(m, file, prune))
		return no_memory(err);
	if (!prune)
		return 0;

	if (index_make_names(m->networks, m->nnetworks, sizeof(*m->networks),
			     &networks) ||
	    index_make_names(m->endpoints, m->nendpoints, sizeof(*m->endpoints),
			     &endpoints))
		return no_memory(err);
	return check_pruned(m, &networks, &endpoints, err);
}
