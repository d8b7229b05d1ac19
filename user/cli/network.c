/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* network - the commands of networks */
#include <errno.h>
#include <string.h>

#include "cli/change.h"
#include "cli/device.h"
#include "cli/names.h"
#include "cli/output.h"
#include "lib/json.h"
#include "lib/suggest.h"
#include "model/fill.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof(*(array)))

static int parse_type(const char *value, void *target, struct err *err)
{
	enum network_type *type = target;

	if (!strcmp(value, "bridge"))
		*type = NETWORK_BRIDGE;
	else if (!strcmp(value, "p2p"))
		*type = NETWORK_P2P;
	else
		return err_usage(err, "'%s' is neither 'bridge' nor 'p2p'",
				 value);
	return 0;
}

static int parse_subnet(const char *value, void *target, struct err *err)
{
	struct network *network = target;

	if (network->nsubnets == NETWORK_SUBNETS_MAX)
		return err_usage(err, "more than %d subnets",
				 NETWORK_SUBNETS_MAX);
	if (cidr_parse(value, &network->subnets[network->nsubnets]))
		return err_usage(err, "'%s' is not a prefix like 10.0.0.0/24",
				 value);
	network->nsubnets++;
	return 0;
}

/* A network whose lists are being named: the first word of a list empties it,
 * and gateways, which come in any order, find their subnets at the end. */
struct edit {
	struct network *network;
	struct ipaddr gateways[NETWORK_SUBNETS_MAX];
	size_t ngateways;
	bool names_snat, names_no_masq;
};

static int parse_gateway(const char *value, void *target, struct err *err)
{
	struct edit *edit = target;

	if (edit->ngateways == NETWORK_SUBNETS_MAX)
		return err_usage(err, "more than %d gateways",
				 NETWORK_SUBNETS_MAX);
	if (arg_ip(value, &edit->gateways[edit->ngateways], err))
		return -EINVAL;
	edit->ngateways++;
	return 0;
}

static int parse_mode(const char *value, void *target, struct err *err)
{
	bool *routed = target;

	*routed = !strcmp(value, "routed");
	if (!*routed && strcmp(value, "nat"))
		return err_usage(err, "'%s' is neither 'nat' nor 'routed'",
				 value);
	return 0;
}

static int parse_snat(const char *value, void *target, struct err *err)
{
	struct edit *edit = target;
	struct network *network = edit->network;

	if (!edit->names_snat)
		network->nsnat = 0;
	edit->names_snat = true;
	if (!strcmp(value, "none"))
		return 0;
	if (network->nsnat == ARRAY_LEN(network->snat))
		return err_usage(err, "more than %zu addresses",
				 ARRAY_LEN(network->snat));
	if (arg_ip(value, &network->snat[network->nsnat], err))
		return -EINVAL;
	network->nsnat++;
	return 0;
}

static int parse_no_masq(const char *value, void *target, struct err *err)
{
	struct edit *edit = target;
	struct network *network = edit->network;

	if (!edit->names_no_masq)
		network->nno_masq = 0;
	edit->names_no_masq = true;
	if (!strcmp(value, "none"))
		return 0;
	if (network->nno_masq == NETWORK_NO_MASQ_MAX)
		return err_usage(err, "more than %d prefixes",
				 NETWORK_NO_MASQ_MAX);
	if (arg_cidr(value, &network->no_masq[network->nno_masq], err))
		return -EINVAL;
	network->nno_masq++;
	return 0;
}

static int gateways_place(const struct edit *edit, struct err *err)
{
	struct network *network = edit->network;
	char text[IP_TEXT_MAX];

	for (size_t g = 0; g < edit->ngateways; g++) {
		const struct ipaddr *ip = &edit->gateways[g];
		size_t s = 0;

		while (s < network->nsubnets &&
		       !cidr_contains(&network->subnets[s], ip))
			s++;
		if (s == network->nsubnets)
			return err_usage(err, "gateway: %s is in no subnet",
					 ip_print(ip, text));
		network->gateways[s] = *ip;
	}
	return 0;
}

static int parse_range(const char *value, void *target, struct err *err)
{
	struct network *network = target;
	char first[IP_TEXT_MAX];
	const char *dash = strchr(value, '-');

	if (!dash || (size_t)(dash - value) >= sizeof(first))
		return err_usage(err, "'%s' is not FIRST-LAST", value);
	memcpy(first, value, dash - value);
	first[dash - value] = '\0';
	if (arg_ip(first, &network->range_first, err))
		return -EINVAL;
	return arg_ip(dash + 1, &network->range_last, err);
}

/* all: also what only a new network takes. */
static int network_keywords(struct args *args, struct edit *edit, bool all,
			    struct err *err)
{
	enum { SETTABLE = 7 };
	struct network *network = edit->network;
	const struct keyword keywords[] = {
		{ "internal", arg_switch, &network->internal, KEYWORD_SWITCH },
		{ "icc", arg_switch, &network->icc, KEYWORD_SWITCH },
		{ "mtu", arg_unsigned, &network->mtu, 0 },
		{ "masquerade", arg_switch, &network->masquerade,
		  KEYWORD_SWITCH },
		{ "mode", parse_mode, &network->routed, 0 },
		{ "snat", parse_snat, edit, KEYWORD_REPEAT | KEYWORD_TO },
		{ "no-masq", parse_no_masq, edit, KEYWORD_REPEAT },
		/* SETTABLE ends here. */
		{ "type", parse_type, &network->type, 0 },
		{ "subnet", parse_subnet, network, KEYWORD_REPEAT },
		{ "gateway", parse_gateway, edit, KEYWORD_REPEAT },
		{ "range", parse_range, network, 0 },
	};

	return keywords_parse(args, keywords,
			      all ? ARRAY_LEN(keywords) : SETTABLE, err);
}

static int network_parse(struct args *args, struct network *ret,
			 struct err *err)
{
	struct edit edit = { .network = ret };
	const char *name;

	ret->icc = true;
	ret->masquerade = true;
	if (args_take(args, "NAME", &name, err) ||
	    arg_name(name, ret->name, err) ||
	    network_keywords(args, &edit, true, err))
		return -EINVAL;
	ret->gateway_named = edit.ngateways && ret->type == NETWORK_P2P;
	return gateways_place(&edit, err);
}

/*
 * Would the network be the same if it had been made as wanted says? What
 * wanted leaves open gets the values that the existing one has.
 */
static int network_is_same(const struct change *change,
			   const struct network *wanted, bool *ret,
			   struct err *err)
{
	const struct model *actual = change_actual(change);
	struct model trial;
	int rc;

	if (model_copy(actual, &trial))
		return err_set(err, -ENOMEM, "out of memory");
	*model_find_network(&trial, wanted->name) = *wanted;
	rc = model_fill(&trial, actual, err);
	if (!rc)
		*ret = network_equal(model_find_network(actual, wanted->name),
				     model_find_network(&trial, wanted->name));
	model_free(&trial);
	return rc;
}

static json_t *network_json(const struct model *model,
			    const struct network *network)
{
	json_t *subnets = json_array(), *gateways = json_array();
	json_t *snat = json_array(), *no_masq = json_array();
	json_int_t endpoints = 0;

	for (size_t i = 0; i < network->nsubnets; i++) {
		json_array_append_new(subnets, json_cidr(&network->subnets[i]));
		if (!ip_is_zero(&network->gateways[i]))
			json_array_append_new(gateways,
					      json_ip(&network->gateways[i]));
	}
	for (size_t i = 0; i < network->nsnat; i++)
		json_array_append_new(snat, json_ip(&network->snat[i]));
	for (size_t i = 0; i < network->nno_masq; i++)
		json_array_append_new(no_masq, json_cidr(&network->no_masq[i]));
	for (size_t i = 0; i < model->nendpoints; i++)
		endpoints +=
			!strcmp(model->endpoints[i].network, network->name);

	return json_pack(
		"{s:s,s:s,s:o,s:o,s:o,s:b,s:b,s:b,s:s,s:o,s:o,s:I,s:I}", "name",
		network->name, "type",
		network->type == NETWORK_P2P ? "p2p" : "bridge", "subnets",
		subnets, "gateways", gateways, "bridge",
		json_text(network->bridge), "internal", network->internal,
		"icc", network->icc, "masquerade", network->masquerade, "mode",
		network->routed ? "routed" : "nat", "snat", snat, "no_masq",
		no_masq, "mtu", (json_int_t)device_mtu(model, network),
		"endpoints", endpoints);
}

static json_t *network_array(const struct model *model, const char *name)
{
	json_t *list = json_array();

	for (size_t i = 0; i < model->nnetworks; i++)
		if (!name || !strcmp(model->networks[i].name, name))
			json_array_append_new(
				list, network_json(model, &model->networks[i]));
	return list;
}

static void network_say(const struct cli *cli, const struct network *network,
			const char *what)
{
	char subnets[NETWORK_SUBNETS_MAX * CIDR_TEXT_MAX] = "";
	char text[CIDR_TEXT_MAX];
	size_t used = 0;

	for (size_t i = 0; i < network->nsubnets; i++)
		used += snprintf(subnets + used, sizeof(subnets) - used, "%s%s",
				 i ? ", " : "",
				 cidr_print(&network->subnets[i], text));
	output_done(cli, "network %s %s: %s", network->name, what, subnets);
}

/* The end that add and set have in common. */
static int network_commit(const struct cli *cli, struct change *change,
			  const char *name, const char *what, struct err *err)
{
	const struct model *result;
	const struct network *network;
	int rc = change_commit(cli, change, err);

	if (rc)
		return rc;
	result = change_result(cli, change);
	network = model_find_network(result, name);
	if (network && !change->steps && !cli->dry_run)
		output_done(cli, "unchanged");
	else if (network)
		network_say(cli, network, what);
	return change_report(cli, change, "networks",
			     network_array(result, name), err);
}

int cmd_network_add(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct network wanted = { .origin = ORIGIN_CLI };
	bool same = false;
	int rc;

	if (network_parse(args, &wanted, err))
		return -EINVAL;
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;

	if (model_find_network(&change.desired, wanted.name)) {
		rc = network_is_same(&change, &wanted, &same, err);
		if (rc)
			return rc;
		if (same)
			return change_none(
				cli, &change, "networks",
				network_array(&change.desired, wanted.name),
				err);
		err_set(err, -EEXIST, "network '%s' exists and is different",
			wanted.name);
		err_hint(err, "see 'bpfnet network show %s'", wanted.name);
		return -EEXIST;
	}
	if (!model_add_network(&change.desired, &wanted))
		return err_set(err, -ENOMEM, "out of memory");
	return network_commit(cli, &change, wanted.name, "added", err);
}

int cmd_network_set(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct edit edit = { 0 };
	struct network *network;
	const char *name;
	int rc;

	if (args_take(args, "NAME", &name, err))
		return -EINVAL;
	if (!args_peek(args))
		return err_usage(err, "nothing to set");
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;
	network = model_find_network(&change.desired, name);
	if (!network)
		return suggest_missing("network", name, change.desired.networks,
				       change.desired.nnetworks,
				       sizeof(*change.desired.networks), err);

	edit.network = network;
	if (network_keywords(args, &edit, false, err))
		return -EINVAL;
	return network_commit(cli, &change, name, "changed", err);
}

/* Conflict when something in the model still names the network. */
static int network_check_unused(const struct model *model, const char *name,
				struct err *err)
{
	struct names endpoints = { 0 }, rules = { 0 };

	for (size_t i = 0; i < model->nendpoints; i++)
		if (!strcmp(model->endpoints[i].network, name))
			names_add(&endpoints, model->endpoints[i].name);
	if (endpoints.count)
		return names_in_use(&endpoints, "network", name, "endpoint",
				    err);

	for (size_t i = 0; i < model->nrules; i++) {
		const struct policy_rule *rule = &model->rules[i];

		if ((rule->from.kind == SEL_NETWORK &&
		     !strcmp(rule->from.name, name)) ||
		    (rule->to.kind == SEL_NETWORK &&
		     !strcmp(rule->to.name, name)))
			names_add(&rules, rule->name);
	}
	if (rules.count)
		return names_in_use(&rules, "network", name, "rule", err);
	return 0;
}

int cmd_network_del(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct network *network;
	const char *name;
	int rc;

	if (args_take(args, "NAME", &name, err) || args_end(args, err))
		return -EINVAL;
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;

	network = model_find_network(&change.desired, name);
	if (!network)
		return suggest_missing("network", name, change.desired.networks,
				       change.desired.nnetworks,
				       sizeof(*change.desired.networks), err);
	rc = network_check_unused(&change.desired, name, err);
	if (rc)
		return rc;

	model_del_network(&change.desired, network);
	rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	output_done(cli, "network %s deleted", name);
	return change_report(cli, &change, NULL, NULL, err);
}

static json_t *network_root(const struct model *model, const char *name)
{
	json_t *root = output_root();

	json_object_set_new(root, "networks", network_array(model, name));
	return root;
}

int cmd_network_list(struct cli *cli, struct args *args, struct err *err)
{
	static const struct column columns[] = {
		{ "name", false },	{ "type", true },
		{ "subnets", false },	{ "gateways", false },
		{ "bridge", false },	{ "internal", false },
		{ "icc", false },	{ "masquerade", true },
		{ "mode", true },	{ "snat", true },
		{ "no_masq", true },	{ "mtu", true },
		{ "endpoints", false }, { 0 },
	};
	_cleanup_control_ struct control *control = NULL;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	if (rc)
		return rc;
	return output_list(cli, network_root(control_model(control), NULL),
			   "networks", columns, err);
}

int cmd_network_show(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	const char *name = args_next(args);
	const struct model *model;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	if (rc)
		return rc;
	model = control_model(control);
	if (name && !model_find_network(model, name))
		return suggest_missing("network", name, model->networks,
				       model->nnetworks,
				       sizeof(*model->networks), err);
	return output_show(cli, network_root(model, name), "networks", err);
}
