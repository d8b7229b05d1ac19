/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* port - the commands of published ports */
#include "cli/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/change.h"
#include "cli/output.h"
#include "lib/json.h"

static int parse_from(const char *value, void *target, struct err *err)
{
	struct publish *publish = target;

	if (publish->nfrom == PUBLISH_FROM_MAX)
		return err_usage(err, "more than %d prefixes",
				 PUBLISH_FROM_MAX);
	if (arg_cidr(value, &publish->from[publish->nfrom], err))
		return -EINVAL;
	publish->nfrom++;
	return 0;
}

/* "ENDPOINT", "ENDPOINT:PORT" or "ENDPOINT:PORT-PORT". */
static int parse_target(const char *text, struct publish *publish,
			struct err *err)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	struct port_range range = { publish->port, publish->port_last };
	char name[NAME_LEN_MAX + 1];

	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	if (len > NAME_LEN_MAX || arg_name(name, publish->endpoint, err))
		return err_usage(err, "'%s' is not ENDPOINT[:PORT]", text);
	if (colon && port_range_parse(colon + 1, &range))
		return err_usage(err, "'%s' is not a port", colon + 1);
	if (range.low != range.high &&
	    range.high - range.low != publish->port_last - publish->port)
		return err_usage(err, "the two port ranges differ in length");
	publish->target_port = range.low;
	return 0;
}

static int publish_parse(struct args *args, struct publish *ret,
			 struct err *err)
{
	const struct keyword keywords[] = {
		{ "from", parse_from, ret, KEYWORD_REPEAT },
	};
	const char *listen, *target;

	if (args_take(args, "PORT", &listen, err) ||
	    args_take(args, "ENDPOINT", &target, err) ||
	    publish_parse_listen(listen, ret, err) ||
	    parse_target(target, ret, err))
		return -EINVAL;
	return keywords_parse(args, keywords, 1, err);
}

static bool same_listen(const struct publish *a, const struct publish *b)
{
	return a->proto == b->proto && a->port == b->port &&
	       a->port_last == b->port_last && a->any_host == b->any_host &&
	       (a->any_host || ip_equal(&a->host_ip, &b->host_ip));
}

static struct publish *publish_find_exact(struct model *model,
					  const struct publish *wanted)
{
	for (size_t i = 0; i < model->npublishes; i++)
		if (same_listen(&model->publishes[i], wanted))
			return &model->publishes[i];
	return NULL;
}

/* Nothing to do when the same is there; the rest is model_check's decision. */
static bool publish_is_same(struct model *model, const struct publish *wanted)
{
	const struct publish *existing = publish_find_exact(model, wanted);
	struct publish numbered = *wanted;

	if (!existing)
		return false;
	numbered.id = existing->id;
	return publish_equal(existing, &numbered);
}

/* The endpoint's address of the family that the host's address has. */
static const struct ipaddr *publish_target(const struct model *model,
					   const struct publish *publish)
{
	const struct endpoint *endpoint;

	endpoint = model_find_endpoint(model, publish->endpoint);
	if (!endpoint || !endpoint->nips)
		return NULL;
	for (size_t i = 0; !publish->any_host && i < endpoint->nips; i++)
		if (ip_is_v4(&endpoint->ips[i]) == ip_is_v4(&publish->host_ip))
			return &endpoint->ips[i];
	return &endpoint->ips[0];
}

static json_t *publish_json(const struct model *model,
			    const struct publish *publish)
{
	const struct ipaddr *target = publish_target(model, publish);
	json_t *from = json_array();

	for (size_t i = 0; i < publish->nfrom; i++)
		json_array_append_new(from, json_cidr(&publish->from[i]));
	return json_pack("{s:s,s:o,s:i,s:i,s:s,s:o,s:i,s:o}", "proto",
			 proto_print(publish->proto), "host_ip",
			 publish->any_host ? json_text("*") :
					     json_ip(&publish->host_ip),
			 "port", publish->port, "port_last", publish->port_last,
			 "endpoint", publish->endpoint, "target_ip",
			 target ? json_ip(target) : json_text(""),
			 "target_port", publish->target_port, "from", from);
}

static json_t *publish_array(const struct model *model,
			     const struct publish *only)
{
	json_t *list = json_array();

	for (size_t i = 0; i < model->npublishes; i++)
		if (same_listen(&model->publishes[i], only))
			json_array_append_new(
				list,
				publish_json(model, &model->publishes[i]));
	return list;
}

int cmd_port_publish(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct publish wanted = { .origin = ORIGIN_CLI };
	char text[96];
	int rc;

	if (publish_parse(args, &wanted, err))
		return -EINVAL;
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;
	if (publish_is_same(&change.desired, &wanted))
		return change_none(cli, &change, "ports",
				   publish_array(&change.desired, &wanted),
				   err);

	if (!model_add_publish(&change.desired, &wanted))
		return err_set(err, -ENOMEM, "out of memory");
	rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	output_done(cli, "port %s published: %s:%u",
		    publish_print(&wanted, text, sizeof(text)), wanted.endpoint,
		    wanted.target_port);
	return change_report(
		cli, &change, "ports",
		publish_array(change_result(cli, &change), &wanted), err);
}

static int publish_unknown(struct model *model, const struct publish *wanted,
			   const char *text, struct err *err)
{
	const struct publish *other = model_find_publish(model, wanted);
	char known[96];

	err_set(err, -ENOENT, "port %s is not published", text);
	if (other)
		err_hint(err, "%s is%s",
			 publish_print(other, known, sizeof(known)),
			 other->port == other->port_last ? "" : ", as a whole");
	return -ENOENT;
}

int cmd_port_unpublish(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct publish wanted = { 0 }, *publish;
	const char *listen;
	char text[96];
	int rc;

	if (args_take(args, "PORT", &listen, err) || args_end(args, err) ||
	    publish_parse_listen(listen, &wanted, err))
		return -EINVAL;
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;

	publish_print(&wanted, text, sizeof(text));
	publish = publish_find_exact(&change.desired, &wanted);
	if (!publish)
		return publish_unknown(&change.desired, &wanted, text, err);

	model_del_publish(&change.desired, publish);
	rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	output_done(cli, "port %s unpublished", text);
	return change_report(cli, &change, NULL, NULL, err);
}

json_t *port_array(const struct model *model, struct datapath *dp,
		   const struct live *live)
{
	json_t *list = json_array();

	for (size_t i = 0; i < model->npublishes; i++) {
		const struct publish *publish = &model->publishes[i];
		struct hits hits = live_publish_hits(dp, live, publish->id);
		json_t *object = publish_json(model, publish);

		json_object_set_new(object, "packets",
				    json_integer(hits.packets));
		json_object_set_new(object, "bytes", json_integer(hits.bytes));
		json_object_set_new(object, "flows", json_integer(hits.flows));
		json_array_append_new(list, object);
	}
	return list;
}

json_t *port_lines(const struct cli *cli, const json_t *root)
{
	json_t *lines = json_deep_copy(json_object_get(root, "ports"));
	json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		json_int_t port =
			json_integer_value(json_object_get(line, "port"));
		json_int_t last =
			json_integer_value(json_object_get(line, "port_last"));

		if (port != last && !cli->columns)
			json_object_set_new(
				line, "port",
				json_sprintf("%" JSON_INTEGER_FORMAT
					     "-%" JSON_INTEGER_FORMAT,
					     port, last));
	}
	return lines;
}

const struct column port_columns[] = {
	{ "proto", false },	  { "host_ip", false },	 { "port", false },
	{ "port_last", true },	  { "endpoint", false }, { "target_ip", false },
	{ "target_port", false }, { "from", false },	 { "packets", false },
	{ "bytes", false },	  { "flows", false },	 { 0 },
};

int cmd_port_list(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	_cleanup_live_ struct live live = { 0 };
	struct datapath *dp;
	json_t *root;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	if (rc)
		return rc;
	dp = control_datapath(control);
	rc = live_read(dp, &live, err);
	if (rc)
		return rc;

	root = output_root();
	json_object_set_new(root, "ports",
			    port_array(control_model(control), dp, &live));
	if (!cli->json)
		json_object_set_new(root, "ports", port_lines(cli, root));
	return output_list(cli, root, "ports", port_columns, err);
}
