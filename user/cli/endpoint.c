/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* endpoint - the commands of endpoints */
#include <errno.h>
#include <string.h>

#include "cli/change.h"
#include "cli/device.h"
#include "cli/names.h"
#include "cli/output.h"
#include "lib/json.h"
#include "lib/suggest.h"
#include "model/cable.h"
#include "model/fill.h"

static int parse_ip(const char *value, void *target, struct err *err)
{
	struct endpoint *endpoint = target;

	if (endpoint->nips == ENDPOINT_ADDRS_MAX)
		return err_usage(err, "more than %d addresses",
				 ENDPOINT_ADDRS_MAX);
	if (arg_ip(value, &endpoint->ips[endpoint->nips], err))
		return -EINVAL;
	endpoint->nips++;
	return 0;
}

static int parse_mac(const char *value, void *target, struct err *err)
{
	if (mac_parse(value, target))
		return err_usage(err, "'%s' is not a unicast MAC address",
				 value);
	return 0;
}

/* The namespace's name, as far as it makes one: "web", "web" of "/x/web",
 * "pid-7" of "pid:7". */
static int endpoint_name_default(struct endpoint *endpoint, struct err *err)
{
	const char *netns = endpoint->netns;
	const char *slash = strrchr(netns, '/');
	char name[sizeof(endpoint->netns)];

	snprintf(name, sizeof(name), "%s", slash ? slash + 1 : netns);
	if (!strncmp(name, "pid:", 4))
		name[3] = '-';
	if (!name_is_valid(name)) {
		err_usage(err, "namespace '%s' makes no name", netns);
		err_hint(err, "add 'name NAME'");
		return -EINVAL;
	}
	memcpy(endpoint->name, name, strlen(name) + 1);
	return 0;
}

static int endpoint_parse(struct args *args, struct endpoint *ret,
			  struct err *err)
{
	const struct keyword keywords[] = {
		{ "name", arg_name, ret->name, 0 },
		{ "ifname", arg_ifname, ret->ifname, 0 },
		{ "ip", parse_ip, ret, KEYWORD_REPEAT },
		{ "mac", parse_mac, ret->mac, 0 },
		{ "default-route", arg_switch, &ret->default_route,
		  KEYWORD_SWITCH },
	};
	const char *netns, *network;

	ret->default_route = true;
	if (args_take(args, "NETNS", &netns, err) ||
	    args_take(args, "NETWORK", &network, err))
		return -EINVAL;
	/* In a model, no text stands for the endpoint's own name. */
	if (!*netns)
		return err_usage(err, "NETNS is empty");
	if (strlen(netns) >= sizeof(ret->netns))
		return err_usage(err, "namespace '%s' is too long", netns);
	snprintf(ret->netns, sizeof(ret->netns), "%s", netns);
	if (arg_name(network, ret->network, err) ||
	    keywords_parse(args, keywords, sizeof(keywords) / sizeof(*keywords),
			   err))
		return -EINVAL;
	return ret->name[0] ? 0 : endpoint_name_default(ret, err);
}

/* As network_is_same: would attaching it again lead to what is there? */
static int endpoint_is_same(const struct change *change,
			    const struct endpoint *wanted, bool *ret,
			    struct err *err)
{
	const struct model *actual = change_actual(change);
	struct model trial;
	int rc;

	if (model_copy(actual, &trial))
		return err_set(err, -ENOMEM, "out of memory");
	*model_find_endpoint(&trial, wanted->name) = *wanted;
	rc = model_fill(&trial, actual, err);
	if (!rc)
		*ret = endpoint_equal(
			model_find_endpoint(actual, wanted->name),
			model_find_endpoint(&trial, wanted->name));
	model_free(&trial);
	return rc;
}

static int endpoint_exists(const struct endpoint *existing,
			   const struct endpoint *wanted, struct err *err)
{
	err_set(err, -EEXIST, "endpoint '%s' exists and is different",
		existing->name);
	if (!strcmp(existing->netns, wanted->netns) &&
	    strcmp(existing->network, wanted->network))
		err_hint(err, "for a second network of the namespace, add "
			      "'name NAME'");
	else
		err_hint(err, "see 'bpfnet endpoint show %s'", existing->name);
	return -EEXIST;
}

static json_t *endpoint_json(const struct model *model,
			     const struct endpoint *endpoint)
{
	json_t *ips = json_array();

	(void)model;
	for (size_t i = 0; i < endpoint->nips; i++)
		json_array_append_new(ips, json_ip(&endpoint->ips[i]));
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:s}", "name",
			 endpoint->name, "network", endpoint->network, "netns",
			 json_text(endpoint->netns), "ifname",
			 json_text(endpoint->ifname), "host_ifname",
			 json_text(endpoint->host_ifname), "ips", ips, "mac",
			 json_mac(endpoint->mac), "state",
			 device_state(endpoint));
}

static json_t *endpoint_array(const struct model *model, const char *name)
{
	json_t *list = json_array();

	for (size_t i = 0; i < model->nendpoints; i++)
		if (!name || !strcmp(model->endpoints[i].name, name))
			json_array_append_new(
				list,
				endpoint_json(model, &model->endpoints[i]));
	return list;
}

/* "endpoint web attached: netns web, eth0 192.168.10.10/24", and to whom, where
 * the cable leads to another endpoint. */
static void endpoint_say(const struct cli *cli, const struct model *model,
			 const struct endpoint *endpoint)
{
	const struct endpoint *other = cable_find_other(model, endpoint);
	const struct network *network;
	char ips[ENDPOINT_ADDRS_MAX * (CIDR_TEXT_MAX + 1)] = "";
	char text[CIDR_TEXT_MAX];
	size_t used = 0;

	network = model_find_network(model, endpoint->network);
	for (size_t i = 0; network && i < endpoint->nips; i++) {
		struct cidr cidr = { endpoint->ips[i], 0 };

		for (size_t s = 0; s < network->nsubnets; s++)
			if (cidr_contains(&network->subnets[s], &cidr.addr))
				cidr.len = network->subnets[s].len;
		used += snprintf(ips + used, sizeof(ips) - used, " %s",
				 cidr_print(&cidr, text));
	}
	output_done(cli, "endpoint %s attached: netns %s, %s%s%s%s",
		    endpoint->name, endpoint->netns, endpoint->ifname, ips,
		    other ? ", cable to " : "", other ? other->name : "");
}

int cmd_endpoint_attach(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct endpoint wanted = { .origin = ORIGIN_CLI };
	const struct endpoint *endpoint;
	const struct model *result;
	bool same = false;
	int rc;

	if (endpoint_parse(args, &wanted, err))
		return -EINVAL;
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;

	endpoint = model_find_endpoint(&change.desired, wanted.name);
	if (endpoint) {
		rc = endpoint_is_same(&change, &wanted, &same, err);
		if (rc)
			return rc;
		if (!same)
			return endpoint_exists(endpoint, &wanted, err);
		return change_none(cli, &change, "endpoints",
				   endpoint_array(&change.desired, wanted.name),
				   err);
	}

	if (!model_add_endpoint(&change.desired, &wanted))
		return err_set(err, -ENOMEM, "out of memory");
	rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	result = change_result(cli, &change);
	endpoint_say(cli, result, model_find_endpoint(result, wanted.name));
	return change_report(cli, &change, "endpoints",
			     endpoint_array(result, wanted.name), err);
}

/* Rules outlive endpoints only by their user's decision. */
static int endpoint_check_rules(const struct model *model, const char *name,
				struct err *err)
{
	struct names rules = { 0 };

	for (size_t i = 0; i < model->nrules; i++) {
		const struct policy_rule *rule = &model->rules[i];

		if ((rule->from.kind == SEL_ENDPOINT &&
		     !strcmp(rule->from.name, name)) ||
		    (rule->to.kind == SEL_ENDPOINT &&
		     !strcmp(rule->to.name, name)))
			names_add(&rules, rule->name);
	}
	if (!rules.count)
		return 0;
	names_in_use(&rules, "endpoint", name, "rule", err);
	err_hint(err, "see 'bpfnet policy del'");
	return -EBUSY;
}

static void endpoint_unpublish(struct model *model, const char *name)
{
	size_t left = 0;

	/* Not one by one: there may be thousands. */
	for (size_t i = 0; i < model->npublishes; i++) {
		if (!strcmp(model->publishes[i].endpoint, name))
			continue;
		if (left != i)
			model->publishes[left] = model->publishes[i];
		left++;
	}
	model->npublishes = left;
}

/* A model of the ports alone that are published to one endpoint. */
static int endpoint_ports(const struct model *model, const char *name,
			  struct model *ret)
{
	for (size_t i = 0; i < model->npublishes; i++)
		if (!strcmp(model->publishes[i].endpoint, name) &&
		    !model_add_publish(ret, &model->publishes[i]))
			return -ENOMEM;
	return 0;
}

static void endpoint_say_gone(const struct cli *cli, const struct model *ports,
			      const char *name)
{
	char port[96];

	for (size_t i = 0; i < ports->npublishes; i++)
		output_done(cli, "port %s unpublished",
			    publish_print(&ports->publishes[i], port,
					  sizeof(port)));
	output_done(cli, "endpoint %s detached", name);
}

int cmd_endpoint_detach(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct model ports __attribute__((cleanup(model_free))) = { 0 };
	struct endpoint *endpoint;
	const char *name;
	int rc;

	if (args_take(args, "NAME", &name, err) || args_end(args, err))
		return -EINVAL;
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;

	endpoint = model_find_endpoint(&change.desired, name);
	if (!endpoint)
		return suggest_missing("endpoint", name,
				       change.desired.endpoints,
				       change.desired.nendpoints,
				       sizeof(*change.desired.endpoints), err);
	rc = endpoint_check_rules(&change.desired, name, err);
	if (rc)
		return rc;
	if (endpoint_ports(&change.desired, name, &ports))
		return err_set(err, -ENOMEM, "out of memory");

	endpoint_unpublish(&change.desired, name);
	model_del_endpoint(&change.desired, endpoint);
	rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	endpoint_say_gone(cli, &ports, name);
	return change_report(cli, &change, NULL, NULL, err);
}

static json_t *endpoint_root(const struct model *model, const char *name)
{
	json_t *root = output_root();

	json_object_set_new(root, "endpoints", endpoint_array(model, name));
	return root;
}

int cmd_endpoint_list(struct cli *cli, struct args *args, struct err *err)
{
	static const struct column columns[] = {
		{ "name", false },
		{ "network", false },
		{ "netns", false },
		{ "ifname", false },
		{ "host_ifname", false },
		{ "ips", false },
		{ "mac", true },
		{ "state", false },
		{ 0 },
	};
	_cleanup_control_ struct control *control = NULL;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	if (rc)
		return rc;
	return output_list(cli, endpoint_root(control_model(control), NULL),
			   "endpoints", columns, err);
}

int cmd_endpoint_show(struct cli *cli, struct args *args, struct err *err)
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
	if (name && !model_find_endpoint(model, name))
		return suggest_missing("endpoint", name, model->endpoints,
				       model->nendpoints,
				       sizeof(*model->endpoints), err);
	return output_show(cli, endpoint_root(model, name), "endpoints", err);
}
