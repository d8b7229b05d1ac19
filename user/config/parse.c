/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* parse - from a file's text to a checked model */
#include "config/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/file.h"
#include "lib/suggest.h"

bool is_mapping(struct parser *p, const struct node *node)
{
	if (node->kind == NODE_MAPPING || node->kind == NODE_NULL)
		return true;
	findings_put(p->findings, node->at, NULL,
		     "expected a mapping, found %s",
		     node_kind_print(node->kind));
	return false;
}

static void report_key(struct parser *p, const struct node *child,
		       const struct key *known, const struct key *keys,
		       size_t nkeys)
{
	const char *near =
		suggest(child->key, &keys->name, nkeys, sizeof(*keys));
	char hint[64] = "";

	if (known) {
		findings_put(p->findings, child->key_at, NULL,
			     "'%s' is not supported by this version",
			     child->key);
		return;
	}
	if (near)
		snprintf(hint, sizeof(hint), "did you mean '%s'?", near);
	findings_put(p->findings, child->key_at, near ? hint : NULL,
		     "unknown key '%s'", child->key);
}

void parse_mapping(struct parser *p, const struct node *node,
		   const struct key *keys, size_t nkeys, void *object)
{
	if (!is_mapping(p, node))
		return;
	for (size_t i = 0; i < node->nchildren; i++) {
		const struct node *child = &node->children[i];
		const struct key *key = NULL;

		for (size_t k = 0; !key && k < nkeys; k++)
			if (!strcmp(keys[k].name, child->key))
				key = &keys[k];
		if (key && key->parse)
			key->parse(p, child, object);
		else
			report_key(p, child, key, keys, nkeys);
	}
}

void parse_named(struct parser *p, const struct node *node,
		 void (*parse_one)(struct parser *p, const struct node *child))
{
	if (!is_mapping(p, node))
		return;
	for (size_t i = 0; i < node->nchildren; i++) {
		const struct node *child = &node->children[i];

		/* What does not fit the model cannot get to its check. */
		if (strlen(child->key) > NAME_LEN_MAX)
			findings_put(p->findings, child->key_at, NULL,
				     "name '%.24s...' is longer than %d",
				     child->key, NAME_LEN_MAX);
		else
			parse_one(p, child);
	}
}

void set_name(char *ret, const char *name)
{
	snprintf(ret, NAME_LEN_MAX + 1, "%s", name);
}

void mark_object(struct parser *p, enum object_kind kind, struct position at,
		 size_t count, const void *added)
{
	struct marks *marks = &p->marks[kind];
	struct mark *grown =
		reallocarray(marks->items, marks->count + 1, sizeof(*grown));

	if (!added || !grown) {
		p->findings->out_of_memory = true;
		marks->items = grown ? grown : marks->items;
		return;
	}
	marks->items = grown;
	grown[marks->count++] =
		(struct mark){ at, p->findings->count != count };
}

static void parse_version(struct parser *p, const struct node *node,
			  void *object)
{
	const char *text;

	(void)object;
	if (value_text(p, node, &text) && strcmp(text, "1"))
		findings_put(p->findings, node->at, "this program knows 1",
			     "version '%s' is not supported", text);
}

static void keep_endpoints(struct parser *p, const struct node *node,
			   void *object)
{
	(void)object;
	p->endpoints = node;
}

static void parse_root(struct parser *p, const struct node *root)
{
	static const struct key keys[] = {
		{ "version", parse_version },	 { "defaults", parse_defaults },
		{ "flows", parse_flows },	 { "uplinks", parse_uplinks },
		{ "networks", parse_networks },	 { "netns", parse_netns },
		{ "endpoints", keep_endpoints }, { "publish", parse_publishes },
		{ "policy", parse_policy },	 { "edge", NULL },
	};

	if (root->kind == NODE_NULL) {
		findings_put(p->findings, root->at, "version: 1",
			     "the file is empty");
		return;
	}
	parse_mapping(p, root, keys, sizeof(keys) / sizeof(*keys), NULL);
	if (p->endpoints)
		parse_endpoints(p, p->endpoints);
	/* Who names uplinks wants those, unless the file says auto as well. */
	if (p->model->nuplinks && !p->uplink_chosen) {
		p->model->settings.uplink_auto = false;
		p->model->given.uplink_auto = true;
	}
	if (root->kind == NODE_MAPPING && !node_find(root, "version"))
		findings_put(p->findings, root->at, "version: 1",
			     "missing key 'version'");
}

/*
 * An object that could not be read whole lacks what was wrong, so what the
 * check has to say about it, or about an endpoint of such a network, need not
 * be true. The first repair will show.
 */
static bool is_doubtful(const struct parser *p, enum object_kind kind,
			size_t index)
{
	const struct network *network;

	if (p->marks[kind].items[index].bad)
		return true;
	if (kind != OBJECT_ENDPOINT)
		return false;
	network = model_find_network(p->model,
				     p->model->endpoints[index].network);
	return network &&
	       p->marks[OBJECT_NETWORK].items[network - p->model->networks].bad;
}

static void on_check(void *arg, enum object_kind kind, size_t index,
		     const struct err *err)
{
	struct parser *p = arg;

	if (index < p->marks[kind].count && !is_doubtful(p, kind, index))
		findings_add(p->findings, p->marks[kind].items[index].at, err);
}

/* The place of the settings: that of the first section that has some. */
static void mark_settings(struct parser *p, const struct node *root)
{
	const struct node *flows = node_find(root, "flows");
	const struct node *defaults = node_find(root, "defaults");
	struct position at = flows    ? flows->key_at :
			     defaults ? defaults->key_at :
					root->at;

	mark_object(p, OBJECT_SETTINGS, at, p->findings->count, root);
}

/* Everything that the file may be told about is in the findings then. */
static int parse_text(const char *text, size_t len, struct parser *p)
{
	struct node root = {};
	size_t start = 0;
	bool json;
	int r;

	/* libyaml takes a byte order mark for text, jansson for an error. */
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	while (start < len && text[start] && strchr(" \t\r\n", text[start]))
		start++;
	json = start < len && text[start] == '{';
	r = json ? json_check(text, len, p->findings) : 0;
	if (r)
		return r;

	r = tree_from_yaml(text, len, json, p->findings, &root);
	if (r)
		return r;
	parse_root(p, &root);
	mark_settings(p, &root);
	if (!p->findings->out_of_memory)
		model_check(p->model, on_check, p);
	tree_free(&root);
	return 0;
}

static int summarize(const char *name, const struct findings *f,
		     struct err *err)
{
	const char *s = f->count == 1 ? "" : "s";

	if (f->conflicts < f->count)
		return err_usage(err, "%s: %zu error%s", name, f->count, s);
	return err_set(err, -EEXIST, "%s: %zu error%s", name, f->count, s);
}

static void parser_free(struct parser *p)
{
	for (int kind = 0; kind <= OBJECT_RULE; kind++)
		free(p->marks[kind].items);
	findings_free(p->findings);
}

/* A file is three things, and so is what becomes of it. */
/* NOLINTNEXTLINE(readability-function-size) */
int config_parse(const char *name, const char *text, size_t len,
		 config_report report, void *arg, struct model *ret,
		 struct err *err)
{
	struct findings findings = {};
	struct model model;
	struct parser p = { .findings = &findings, .model = &model };
	int r;

	model_init(&model);
	r = parse_text(text, len, &p);
	if (r == -ENOMEM || findings.out_of_memory) {
		r = err_set(err, -ENOMEM, "%s: out of memory", name);
	} else if (findings.count) {
		findings_report(&findings, name, report, arg);
		r = summarize(name, &findings, err);
	}
	parser_free(&p);
	if (r)
		model_free(&model);
	else
		*ret = model;
	return r;
}

int config_read(const char *path, config_report report, void *arg,
		struct model *ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read(path, &text, &len, err);

	if (r)
		return r;
	return config_parse(strcmp(path, "-") ? path : "stdin", text, len,
			    report, arg, ret, err);
}
