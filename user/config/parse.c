/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* parse - from a file's text to a checked model */
#include "config/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void parse_version(struct parser *p, const struct node *node)
{
	const char *text;

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

/* Each file has its version, and says something. */
static void check_file(struct parser *p, struct node *tree)
{
	const struct node *version = node_find(tree, "version");

	if (tree->kind == NODE_NULL)
		findings_put(p->findings, tree->at, "version: 1",
			     "the file is empty");
	else if (is_mapping(p, tree) && !version)
		findings_put(p->findings, tree->at, "version: 1",
			     "missing key 'version'");
	if (version)
		parse_version(p, version);
}

static void version_is_checked(struct parser *p, const struct node *node,
			       void *object)
{
	(void)p;
	(void)node;
	(void)object;
}

static void parse_root(struct parser *p, const struct node *root)
{
	static const struct key keys[] = {
		{ "version", version_is_checked },
		{ "defaults", parse_defaults },
		{ "flows", parse_flows },
		{ "uplinks", parse_uplinks },
		{ "networks", parse_networks },
		{ "netns", parse_netns },
		{ "endpoints", keep_endpoints },
		{ "publish", parse_publishes },
		{ "policy", parse_policy },
		{ "edge", NULL },
	};

	parse_mapping(p, root, keys, sizeof(keys) / sizeof(*keys), NULL);
	if (p->endpoints)
		parse_endpoints(p, p->endpoints);
	/* Who names uplinks wants those, unless the file says auto as well. */
	if (p->model->nuplinks && !p->uplink_chosen) {
		p->model->settings.uplink_auto = false;
		p->model->given.uplink_auto = true;
	}
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

/* One that the file does not name is a default, and right. */
static void mark_settings(struct parser *p, const struct node *root)
{
	const struct node *flows = node_find(root, "flows");
	const struct node *defaults = node_find(root, "defaults");

	for (enum setting i = 0; i < SETTING_COUNT; i++) {
		const struct node *section = i < SETTING_MAX ? defaults : flows;
		const struct node *node =
			section ? node_find(section, setting_key[i]) : NULL;

		mark_object(p, OBJECT_SETTINGS, node ? node->at : root->at,
			    p->findings->count, root);
	}
}

static bool is_json(const struct source *source)
{
	size_t start = 0;

	while (start < source->len && source->text[start] &&
	       strchr(" \t\r\n", source->text[start]))
		start++;
	return start < source->len && source->text[start] == '{';
}

/* Adds what one source has to root, unless its syntax is wrong. */
static int add_source(struct parser *p, const struct source *source,
		      struct node *root)
{
	bool json = is_json(source);
	struct node tree = {};
	int r = json ? json_check(source, p->findings) : 0;

	r = r ? r : tree_from_yaml(source, json, p->findings, &tree);
	if (r)
		return r;
	check_file(p, &tree);
	if (!root->at.source)
		*root = (struct node){ .kind = NODE_MAPPING, .at = tree.at };
	if (tree.kind == NODE_MAPPING)
		r = combine(p, root, &tree);
	tree_free(&tree);
	return r;
}

/* Everything that the files may be told about is in the findings then. */
static int parse_sources(struct parser *p, const struct sources *sources)
{
	struct node root = {};
	int worst = 0;

	for (size_t i = 0; i < sources->count && worst != -ENOMEM; i++) {
		int r = add_source(p, &sources->items[i], &root);

		worst = r ? r : worst;
	}
	/* What a part has that cannot be read may be missing elsewhere. */
	if (!worst) {
		parse_root(p, &root);
		mark_settings(p, &root);
		if (!p->findings->out_of_memory)
			model_check(p->model, on_check, p);
	}
	tree_free(&root);
	return worst;
}

static int summarize(const struct sources *sources, const struct findings *f,
		     struct err *err)
{
	const char *name = sources->items[0].name;
	const char *more = sources->count > 1 ? " and its drop-ins" : "";
	const char *s = f->count == 1 ? "" : "s";

	if (f->conflicts < f->count)
		return err_usage(err, "%s%s: %zu error%s", name, more, f->count,
				 s);
	return err_set(err, -EEXIST, "%s%s: %zu error%s", name, more, f->count,
		       s);
}

struct config_places {
	struct sources sources;
	struct marks marks[OBJECT_RULE + 1];
};

void config_places_free(struct config_places *places)
{
	if (!places)
		return;
	for (int kind = 0; kind <= OBJECT_RULE; kind++)
		free(places->marks[kind].items);
	sources_free(&places->sources);
	free(places);
}

static const struct mark *find_mark(const struct config_places *places,
				    const struct model *model,
				    const char *object)
{
	char text[OBJECT_TEXT_MAX];
	size_t setting;

	if (sscanf(object, SETTING_TEXT, &setting) == 1)
		return &places->marks[OBJECT_SETTINGS].items[setting];
	for (enum object_kind kind = OBJECT_NETNS; kind <= OBJECT_RULE;
	     kind++) {
		const struct marks *marks = &places->marks[kind];
		size_t count = model_object_count(model, kind);

		for (size_t i = 0; i < count && i < marks->count; i++)
			if (!strcmp(object_print(kind,
						 model_object(model, kind, i),
						 text),
				    object))
				return &marks->items[i];
	}
	return NULL;
}

bool config_place(const struct config_places *places, const struct model *model,
		  const char *object, char *buf, size_t size)
{
	const struct mark *mark = find_mark(places, model, object);

	if (mark)
		snprintf(buf, size, "%s:%zu:%zu", mark->at.source->name,
			 mark->at.line, mark->at.column);
	return mark;
}

/* places gets the marks, and has to be freed in any case. */
static int parse(const struct sources *sources, config_report report, void *arg,
		 struct model *ret, struct config_places *places,
		 struct err *err)
{
	struct findings findings = {};
	struct model model;
	struct parser p = { .findings = &findings, .model = &model };
	int r;

	model_init(&model);
	r = parse_sources(&p, sources);
	if (r == -ENOMEM || findings.out_of_memory) {
		r = err_set(err, -ENOMEM, "%s: out of memory",
			    sources->items[0].name);
	} else if (findings.count) {
		findings_report(&findings, report, arg);
		r = summarize(sources, &findings, err);
	}
	memcpy(places->marks, p.marks, sizeof(p.marks));
	findings_free(p.findings);
	if (r)
		model_free(&model);
	else
		*ret = model;
	return r;
}

/* A file is three things, and so is what becomes of it. */
/* NOLINTNEXTLINE(readability-function-size) */
int config_parse(const char *name, const char *text, size_t len,
		 config_report report, void *arg, struct model *ret,
		 struct err *err)
{
	struct source source = source_of(name, text, len);
	const struct sources sources = { &source, 1 };
	struct config_places *places = calloc(1, sizeof(*places));
	int r;

	if (!places)
		return err_set(err, -ENOMEM, "%s: out of memory", name);
	r = parse(&sources, report, arg, ret, places, err);
	config_places_free(places);
	return r;
}

/* NOLINTNEXTLINE(readability-function-size) */
int config_read(const char *path, config_report report, void *arg,
		struct model *ret, struct config_places **ret_places,
		struct err *err)
{
	struct config_places *places = calloc(1, sizeof(*places));
	int r;

	if (!places)
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	r = sources_read(path, &places->sources, err);
	r = r ? r : parse(&places->sources, report, arg, ret, places, err);
	if (!r && ret_places)
		*ret_places = places;
	else
		config_places_free(places);
	return r;
}
