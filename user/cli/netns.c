/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* netns - the commands of network namespaces */
#include <errno.h>
#include <string.h>

#include "cli/change.h"
#include "cli/names.h"
#include "cli/output.h"
#include "lib/json.h"
#include "lib/suggest.h"

static int parse_dns(const char *value, void *target, struct err *err)
{
	struct netns *netns = target;
	size_t max = sizeof(netns->dns) / sizeof(*netns->dns);

	if (netns->ndns == max)
		return err_usage(err, "more than %zu servers", max);
	if (arg_ip(value, &netns->dns[netns->ndns], err))
		return -EINVAL;
	netns->ndns++;
	return 0;
}

static int netns_parse(struct args *args, struct netns *ret, struct err *err)
{
	const struct keyword keywords[] = {
		{ "dns", parse_dns, ret, KEYWORD_REPEAT },
	};
	const char *name;

	if (args_take(args, "NAME", &name, err) ||
	    arg_name(name, ret->name, err))
		return -EINVAL;
	return keywords_parse(args, keywords, 1, err);
}

/* One that endpoints implied becomes the user's own, and stays with them. */
static int netns_claim(struct netns *netns, const struct netns *wanted,
		       struct err *err)
{
	if (!netns->implied) {
		err_set(err, -EEXIST, "netns '%s' exists with other servers",
			netns->name);
		err_hint(err, "delete it first");
		return -EEXIST;
	}
	netns->implied = false;
	netns->origin = ORIGIN_CLI;
	memcpy(netns->dns, wanted->dns, sizeof(netns->dns));
	netns->ndns = wanted->ndns;
	return 0;
}

static bool dns_equal(const struct netns *a, const struct netns *b)
{
	return a->ndns == b->ndns && !memcmp(a->dns, b->dns, sizeof(a->dns));
}

static size_t netns_endpoints(const struct model *model, const char *name,
			      struct names *names)
{
	size_t count = 0;

	for (size_t i = 0; i < model->nendpoints; i++)
		if (!strcmp(model->endpoints[i].netns, name)) {
			names_add(names, model->endpoints[i].name);
			count++;
		}
	return count;
}

static json_t *netns_json(const struct model *model, const struct netns *netns)
{
	struct names users = { 0 };
	json_t *dns = json_array();

	for (size_t i = 0; i < netns->ndns; i++)
		json_array_append_new(dns, json_ip(&netns->dns[i]));
	return json_pack(
		"{s:s,s:I,s:o}", "name", netns->name, "endpoints",
		(json_int_t)netns_endpoints(model, netns->name, &users), "dns",
		dns);
}

/* All of them, or the one of that name. */
static json_t *netns_array(const struct model *model, const char *name)
{
	json_t *list = json_array();

	for (size_t i = 0; i < model->nnetns; i++)
		if (!name || !strcmp(model->netns[i].name, name))
			json_array_append_new(
				list, netns_json(model, &model->netns[i]));
	return list;
}

int cmd_netns_add(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct netns wanted = { .origin = ORIGIN_CLI }, *netns;
	int rc;

	if (netns_parse(args, &wanted, err))
		return -EINVAL;
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;

	netns = model_find_netns(&change.desired, wanted.name);
	if (netns && !netns->implied && dns_equal(netns, &wanted))
		return change_none(cli, &change, "netns",
				   netns_array(&change.desired, wanted.name),
				   err);
	if (netns)
		rc = netns_claim(netns, &wanted, err);
	else if (!model_add_netns(&change.desired, &wanted))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc)
		return rc;

	rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	output_done(cli, "netns %s added", wanted.name);
	return change_report(
		cli, &change, "netns",
		netns_array(change_result(cli, &change), wanted.name), err);
}

int cmd_netns_del(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct names users = { 0 };
	struct netns *netns;
	const char *name;
	int rc;

	if (args_take(args, "NAME", &name, err) || args_end(args, err))
		return -EINVAL;
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;

	netns = model_find_netns(&change.desired, name);
	if (!netns)
		return suggest_missing("netns", name, change.desired.netns,
				       change.desired.nnetns,
				       sizeof(*change.desired.netns), err);
	if (netns_endpoints(&change.desired, name, &users))
		return names_in_use(&users, "netns", name, "endpoint", err);

	model_del_netns(&change.desired, netns);
	rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	output_done(cli, "netns %s deleted", name);
	return change_report(cli, &change, NULL, NULL, err);
}

int cmd_netns_list(struct cli *cli, struct args *args, struct err *err)
{
	static const struct column columns[] = {
		{ "name", false },
		{ "endpoints", false },
		{ "dns", false },
		{ 0 },
	};
	_cleanup_control_ struct control *control = NULL;
	json_t *root;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	if (rc)
		return rc;

	root = output_root();
	json_object_set_new(root, "netns",
			    netns_array(control_model(control), NULL));
	return output_list(cli, root, "netns", columns, err);
}
