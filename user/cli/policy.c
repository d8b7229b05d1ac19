/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* policy - the commands of rules and defaults */
#include "cli/policy.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "cli/change.h"
#include "lib/json.h"
#include "lib/suggest.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof(*(array)))

/* A rule as it is typed: what is said, and where it goes. */
struct rule_request {
	struct policy_rule rule;
	char before[NAME_LEN_MAX + 1];
	char after[NAME_LEN_MAX + 1];
	bool has_from, has_to, has_action;
};

static int parse_from(const char *value, void *target, struct err *err)
{
	struct rule_request *request = target;

	request->has_from = true;
	return policy_peer_parse(value, &request->rule.from, err);
}

static int parse_to(const char *value, void *target, struct err *err)
{
	struct rule_request *request = target;

	request->has_to = true;
	return policy_peer_parse(value, &request->rule.to, err);
}

static int parse_proto(const char *value, void *target, struct err *err)
{
	if (proto_parse(value, target))
		return err_usage(err, "'%s' is not a protocol", value);
	return 0;
}

static int parse_port(const char *value, void *target, struct err *err)
{
	struct policy_rule *rule = target;

	if (rule->nports == ARRAY_LEN(rule->ports))
		return err_usage(err, "more than %zu port ranges",
				 ARRAY_LEN(rule->ports));
	if (port_range_parse(value, &rule->ports[rule->nports]))
		return err_usage(err, "'%s' is neither a port nor a range A-B",
				 value);
	rule->nports++;
	return 0;
}

/* The actions stand alone; a rule says one of them, once. */
static int parse_action(const char *value, void *target, struct err *err)
{
	struct rule_request *request = target;

	if (request->has_action)
		return err_usage(err, "the rule has its action already");
	request->has_action = true;
	if (action_parse(value, &request->rule.action))
		return err_usage(err, "'%s' is no action", value);
	return 0;
}

static int request_check(const struct rule_request *request, struct err *err)
{
	if (!request->has_from)
		return err_usage(err, "missing 'from SEL'");
	if (!request->has_to)
		return err_usage(err, "missing 'to SEL'");
	if (!request->has_action)
		return err_usage(err, "missing 'allow', 'deny' or 'reject'");
	if (request->before[0] && request->after[0])
		return err_usage(err, "both 'before' and 'after'");
	return 0;
}

static int request_parse(struct args *args, struct rule_request *ret,
			 struct err *err)
{
	const struct keyword keywords[] = {
		{ "name", arg_name, ret->rule.name, 0 },
		{ "before", arg_name, ret->before, 0 },
		{ "after", arg_name, ret->after, 0 },
		{ "from", parse_from, ret, 0 },
		{ "to", parse_to, ret, 0 },
		{ "proto", parse_proto, &ret->rule.proto, 0 },
		{ "port", parse_port, &ret->rule, KEYWORD_REPEAT },
		{ "allow", parse_action, ret, KEYWORD_BARE },
		{ "deny", parse_action, ret, KEYWORD_BARE },
		{ "reject", parse_action, ret, KEYWORD_BARE },
		{ "log", arg_true, &ret->rule.log, KEYWORD_BARE },
	};

	ret->rule.origin = ORIGIN_CLI;
	if (keywords_parse(args, keywords, ARRAY_LEN(keywords), err))
		return -EINVAL;
	return request_check(ret, err);
}

/* Where the new rule goes: index in the list, SIZE_MAX for its end. */
static int request_place(const struct model *model,
			 const struct rule_request *request, size_t *ret,
			 struct err *err)
{
	const char *name =
		request->before[0] ? request->before : request->after;
	const struct policy_rule *rule;
	size_t index;

	if (!*name) {
		*ret = SIZE_MAX;
		return 0;
	}
	rule = model_find_rule(model, name);
	if (!rule)
		return suggest_missing("rule", name, model->rules,
				       model->nrules, sizeof(*model->rules),
				       err);
	index = rule - model->rules + (request->after[0] != '\0');
	*ret = index < model->nrules ? index : SIZE_MAX;
	return 0;
}

/*
 * The rule that already says what is wanted; one without a name is the same as
 * any other of its content.
 */
static const struct policy_rule *rule_find_same(const struct model *model,
						const struct policy_rule *want)
{
	for (size_t i = 0; i < model->nrules; i++) {
		const struct policy_rule *rule = &model->rules[i];
		struct policy_rule trial = *want;

		if (want->name[0] && strcmp(want->name, rule->name))
			continue;
		trial.id = rule->id;
		memcpy(trial.name, rule->name, sizeof(trial.name));
		if (rule_equal(rule, &trial))
			return rule;
	}
	return NULL;
}

/* Is an existing rule where the request wants it? */
static bool rule_is_placed(const struct model *model,
			   const struct policy_rule *rule, size_t place,
			   const struct rule_request *request)
{
	size_t index = rule - model->rules;

	if (!request->before[0] && !request->after[0])
		return true;
	if (place == SIZE_MAX)
		return index + 1 == model->nrules;
	return request->before[0] ? index + 1 == place : index == place;
}

static json_t *ports_json(const struct policy_rule *rule)
{
	json_t *list = json_array();
	char text[16];

	/* As in the file: a number, or "A-B". */
	for (size_t i = 0; i < rule->nports; i++) {
		const struct port_range *range = &rule->ports[i];

		snprintf(text, sizeof(text), "%u-%u", range->low, range->high);
		json_array_append_new(list, range->low == range->high ?
						    json_integer(range->low) :
						    json_string(text));
	}
	return list;
}

static json_t *rule_json(const struct policy_rule *rule)
{
	char from[96], to[96];

	policy_peer_print(&rule->from, from, sizeof(from));
	policy_peer_print(&rule->to, to, sizeof(to));
	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:s,s:b}", "name", rule->name,
			 "from", from, "to", to, "proto",
			 proto_print(rule->proto), "ports", ports_json(rule),
			 "action", action_print(rule->action), "log",
			 rule->log);
}

static json_t *rule_array(const struct policy_rule *rule)
{
	json_t *list = json_array();

	if (rule)
		json_array_append_new(list, rule_json(rule));
	return list;
}

static int rule_exists(const struct policy_rule *rule, struct err *err)
{
	err_set(err, -EEXIST, "rule '%s' exists and is different", rule->name);
	err_hint(err, "see 'bpfnet policy list'");
	return -EEXIST;
}

int cmd_policy_add(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct rule_request request = { .has_from = false };
	const struct policy_rule *rule;
	struct model *model = &change.desired;
	size_t place;
	int rc;

	if (request_parse(args, &request, err))
		return -EINVAL;
	rc = change_open(cli, &change, err);
	if (!rc)
		rc = request_place(model, &request, &place, err);
	if (rc)
		return rc;

	rule = rule_find_same(model, &request.rule);
	if (rule && rule_is_placed(model, rule, place, &request))
		return change_none(cli, &change, "rules", rule_array(rule),
				   err);
	rule = model_find_rule(model, request.rule.name);
	if (request.rule.name[0] && rule)
		return rule_exists(rule, err);

	if (!model_add_rule(model, &request.rule, place))
		return err_set(err, -ENOMEM, "out of memory");
	if (place == SIZE_MAX)
		place = model->nrules - 1;
	rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	rule = &change_result(cli, &change)->rules[place];
	output_done(cli, "rule %s added", rule->name);
	return change_report(cli, &change, "rules", rule_array(rule), err);
}

int cmd_policy_del(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct policy_rule *rule;
	const char *name;
	int rc;

	if (args_take(args, "NAME", &name, err) || args_end(args, err))
		return -EINVAL;
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;
	rule = model_find_rule(&change.desired, name);
	if (!rule)
		return suggest_missing("rule", name, change.desired.rules,
				       change.desired.nrules,
				       sizeof(*change.desired.rules), err);

	model_del_rule(&change.desired, rule);
	rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	output_done(cli, "rule %s deleted", name);
	return change_report(cli, &change, NULL, NULL, err);
}

static const char *default_print(bool allow)
{
	return allow ? "allow" : "deny";
}

static json_t *default_json(const struct settings *settings)
{
	return json_pack("{s:s,s:s}", "intra",
			 default_print(settings->intra_allow), "inter",
			 default_print(settings->inter_allow));
}

int cmd_policy_default(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct settings *wanted = &change.desired.settings;
	const struct keyword keywords[] = {
		{ "intra", arg_action, &wanted->intra_allow, 0 },
		{ "inter", arg_action, &wanted->inter_allow, 0 },
	};
	const struct settings *settings;
	int rc;

	if (!args_peek(args))
		return err_usage(err, "missing 'intra' or 'inter'");
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;
	if (keywords_parse(args, keywords, ARRAY_LEN(keywords), err))
		return -EINVAL;

	rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	settings = &change_result(cli, &change)->settings;
	output_done(cli, "default: intra %s, inter %s%s",
		    default_print(settings->intra_allow),
		    default_print(settings->inter_allow),
		    change.steps ? "" : " (unchanged)");
	return change_report(cli, &change, "default", default_json(settings),
			     err);
}

json_t *policy_array(const struct model *model, struct datapath *dp,
		     const struct live *live)
{
	json_t *list = json_array();

	for (size_t i = 0; i < model->nrules; i++) {
		const struct policy_rule *rule = &model->rules[i];
		struct hits hits = live_rule_hits(dp, live, rule->id);
		json_t *object = rule_json(rule);

		json_object_set_new(object, "packets",
				    json_integer(hits.packets));
		json_object_set_new(object, "bytes", json_integer(hits.bytes));
		json_array_append_new(list, object);
	}
	return list;
}

const struct column policy_columns[] = {
	{ "name", false },  { "from", false },
	{ "to", false },    { "proto", false },
	{ "ports", false }, { "action", false },
	{ "log", true },    { "packets", false },
	{ "bytes", false }, { 0 },
};

int cmd_policy_list(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	_cleanup_live_ struct live live = { 0 };
	const struct settings *settings;
	const struct model *model;
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

	model = control_model(control);
	settings = &model->settings;
	root = output_root();
	json_object_set_new(root, "default", default_json(settings));
	json_object_set_new(root, "rules", policy_array(model, dp, &live));
	rc = output_list(cli, root, "rules", policy_columns, err);
	/* The last line of every such list: what no rule matches. */
	if (!rc && !cli->json && !cli->columns)
		printf("default: intra %s, inter %s\n",
		       default_print(settings->intra_allow),
		       default_print(settings->inter_allow));
	return rc;
}
