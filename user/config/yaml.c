/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* yaml - the tree of a YAML document, by libyaml's events */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config/tree.h"

/* The file's own shape needs five; the rest is somebody's joke. */
#define DEPTH_MAX 16

struct builder {
	yaml_parser_t parser;
	const struct source *source;
	bool json;
	struct findings *findings;
};

static struct position position_of(const struct builder *b,
				   const yaml_mark_t *mark)
{
	return (struct position){ b->source, mark->line + 1, mark->column + 1 };
}

/* libyaml's decoder gives an offset only. */
static struct position position_at(const struct builder *b, size_t offset)
{
	struct position at = { b->source, 1, 1 };

	for (size_t i = 0; i < offset && i < b->source->len; i++) {
		at.column++;
		if (b->source->text[i] == '\n')
			at = (struct position){ b->source, at.line + 1, 1 };
	}
	return at;
}

static void report_syntax(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	const char *what = p->problem ? p->problem : "not YAML";
	const char *hint = p->context;
	size_t offset = p->problem_mark.index;

	if (p->error == YAML_READER_ERROR) {
		findings_put(b->findings, position_at(b, p->problem_offset),
			     "files are UTF-8", "%s", what);
		return;
	}
	if (p->error == YAML_SCANNER_ERROR && offset < b->source->len &&
	    b->source->text[offset] == '\t')
		hint = "a tab: indent with blanks";
	findings_put(b->findings, position_of(b, &p->problem_mark), hint, "%s",
		     what);
}

static int next_event(struct builder *b, yaml_event_t *ret)
{
	if (yaml_parser_parse(&b->parser, ret))
		return 0;
	if (b->parser.error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	report_syntax(b);
	return -EINVAL;
}

static void refuse_decoration(struct builder *b, const yaml_event_t *event,
			      const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct position at = position_of(b, &event->start_mark);

	if (anchor)
		findings_put(b->findings, at, NULL,
			     "anchors are not supported ('&%s')",
			     (const char *)anchor);
	if (tag)
		findings_put(b->findings, at, NULL,
			     "tags are not supported ('%s')",
			     (const char *)tag);
}

static bool is_null(const struct builder *b, const struct node *node)
{
	if (node->quoted)
		return false;
	if (b->json)
		return !strcmp(node->text, "null");
	return !node->text[0] || !strcmp(node->text, "~");
}

static int build_scalar(struct builder *b, const yaml_event_t *event,
			struct node *node)
{
	const char *value = (const char *)event->data.scalar.value;

	refuse_decoration(b, event, event->data.scalar.anchor,
			  event->data.scalar.tag);
	node->kind = NODE_SCALAR;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->text = strdup(value);
	if (!node->text)
		return -ENOMEM;
	if (strlen(value) != event->data.scalar.length)
		findings_put(b->findings, node->at, NULL,
			     "text with a zero byte");
	if (is_null(b, node))
		node->kind = NODE_NULL;
	return 0;
}

static int build(struct builder *b, yaml_event_t *event, int depth,
		 struct node *ret);

static int build_list(struct builder *b, int depth, struct node *node)
{
	for (;;) {
		struct node child = {};
		yaml_event_t event;
		int r = next_event(b, &event);

		if (r)
			return r;
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return 0;
		}
		r = build(b, &event, depth + 1, &child) ?:
			    node_append(node, &child);
		tree_free(&child);
		if (r)
			return r;
	}
}

/* One key and its value; a key that is no text is reported and dropped. */
static int build_pair(struct builder *b, yaml_event_t *key_event, int depth,
		      struct node *node)
{
	struct node key = {}, child = {};
	yaml_event_t event;
	int r = build(b, key_event, depth + 1, &key);

	if (!r)
		r = next_event(b, &event);
	if (!r)
		r = build(b, &event, depth + 1, &child);
	if (!r && !key.text)
		findings_put(b->findings, key.at, NULL, "a key must be text");
	if (!r && key.text) {
		child.key = key.text;
		child.key_at = key.at;
		key.text = NULL;
		r = node_append(node, &child);
	}
	tree_free(&key);
	tree_free(&child);
	return r;
}

static int build_mapping(struct builder *b, int depth, struct node *node)
{
	for (;;) {
		yaml_event_t event;
		int r = next_event(b, &event);

		if (r)
			return r;
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			return node_drop_doubles(node, b->findings);
		}
		r = build_pair(b, &event, depth, node);
		if (r)
			return r;
	}
}

/* Consumes event, also on failure. ret is to be freed in any case. */
static int build(struct builder *b, yaml_event_t *event, int depth,
		 struct node *ret)
{
	int r = 0;

	ret->at = position_of(b, &event->start_mark);
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		r = build_scalar(b, event, ret);
		break;
	case YAML_ALIAS_EVENT:
		findings_put(b->findings, ret->at, NULL,
			     "aliases are not supported ('*%s')",
			     (const char *)event->data.alias.anchor);
		break;
	case YAML_SEQUENCE_START_EVENT:
		refuse_decoration(b, event, event->data.sequence_start.anchor,
				  event->data.sequence_start.tag);
		ret->kind = NODE_SEQUENCE;
		break;
	default:
		refuse_decoration(b, event, event->data.mapping_start.anchor,
				  event->data.mapping_start.tag);
		ret->kind = NODE_MAPPING;
	}
	yaml_event_delete(event);

	if (depth == DEPTH_MAX && ret->kind > NODE_SCALAR) {
		findings_put(b->findings, ret->at, NULL,
			     "nested more than %d deep", DEPTH_MAX);
		return -EINVAL;
	}
	if (ret->kind == NODE_SEQUENCE)
		return build_list(b, depth, ret);
	if (ret->kind == NODE_MAPPING)
		return build_mapping(b, depth, ret);
	return r;
}

/* Everything from the stream's start to its end. */
static int build_stream(struct builder *b, struct node *root)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	int documents = 0;

	while (type != YAML_STREAM_END_EVENT) {
		struct position at;
		yaml_event_t event;
		int r = next_event(b, &event);

		if (r)
			return r;
		type = event.type;
		at = position_of(b, &event.start_mark);
		switch (type) {
		case YAML_STREAM_START_EVENT:
		case YAML_STREAM_END_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			yaml_event_delete(&event);
			break;
		case YAML_DOCUMENT_START_EVENT:
			yaml_event_delete(&event);
			if (!documents++)
				break;
			findings_put(b->findings, at, NULL,
				     "a second document");
			return -EINVAL;
		default:
			r = build(b, &event, 0, root);
			if (r)
				return r;
		}
	}
	return 0;
}

int tree_from_yaml(const struct source *source, bool json, struct findings *f,
		   struct node *ret)
{
	struct builder b = {
		.source = source,
		.json = json,
		.findings = f,
	};
	struct node root = { .at = { source, 1, 1 } };
	int r;

	if (!yaml_parser_initialize(&b.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&b.parser, (const unsigned char *)source->text, source->len);
	r = build_stream(&b, &root);
	yaml_parser_delete(&b.parser);
	if (r)
		tree_free(&root);
	else
		*ret = root;
	return r;
}
