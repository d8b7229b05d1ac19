/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* rules - the policy of a model as the datapath reads it */
#include "control/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "model/names.h"

static bool selector_make(const struct names *names,
			  const struct policy_peer *peer, struct selector *ret)
{
	const struct endpoint *endpoint;
	const struct network *network;
	struct cidr subnet;

	memset(ret, 0, sizeof(*ret));
	switch (peer->kind) {
	case SEL_ANY:
		ret->kind = SELECT_ANY;
		return true;
	case SEL_HOST:
		ret->kind = SELECT_HOST;
		return true;
	case SEL_WORLD:
		ret->kind = SELECT_WORLD;
		return true;
	case SEL_ENDPOINT:
		endpoint = names_find_endpoint(names, peer->name);
		ret->kind = SELECT_ENDPOINT;
		ret->id = endpoint ? endpoint->slot : 0;
		return ret->id;
	case SEL_NETWORK:
		network = names_find_network(names, peer->name);
		ret->kind = SELECT_NETWORK;
		ret->id = network ? network->id : 0;
		return ret->id;
	case SEL_CIDR:
		subnet = cidr_subnet(&peer->cidr);
		ret->kind = SELECT_CIDR;
		ret->addr = subnet.addr;
		ret->mask = cidr_mask(&subnet);
		return true;
	}
	return false;
}

int rules_of(const struct model *model, struct rule_val *ret, size_t *ret_count)
{
	_cleanup_names_ struct names names = { 0 };
	size_t count = 0;

	if (names_make(model, &names))
		return -ENOMEM;

	for (size_t i = 0; i < model->nrules; i++) {
		const struct policy_rule *rule = &model->rules[i];
		struct rule_val *value = &ret[count];

		*value = (struct rule_val){
			.id = rule->id,
			.action = rule->action,
			.proto = rule->proto,
			.nports = rule->nports,
			.log = rule->log,
		};
		memcpy(value->ports, rule->ports, sizeof(value->ports));
		if (selector_make(&names, &rule->from, &value->from) &&
		    selector_make(&names, &rule->to, &value->to))
			count++;
	}
	*ret_count = count;
	return 0;
}

int rules_put(struct datapath *dp, const struct rule_val *rules, size_t count,
	      struct err *err)
{
	_cleanup_image_ struct policy_image image = { 0 };
	int rc;

	if (datapath_config(dp)->policy_hash == policy_hash(rules, count))
		return 0;
	rc = policy_compile(rules, count, &image, err);

	return rc ? rc : policy_write(dp, &image, err);
}

int rules_write(struct datapath *dp, const struct model *model, struct err *err)
{
	_cleanup_free_ struct rule_val *rules =
		calloc(model->nrules + 1, sizeof(*rules));
	size_t count;

	if (!rules || rules_of(model, rules, &count))
		return err_set(err, -ENOMEM, "out of memory");
	return rules_put(dp, rules, count, err);
}

int rules_compare(const struct datapath *dp, const struct model *model,
		  size_t *ret_differ, struct err *err)
{
	_cleanup_free_ struct rule_val *rules =
		calloc(model->nrules + 1, sizeof(*rules));
	_cleanup_image_ struct policy_image image = { 0 };
	size_t count;
	int rc;

	if (!rules || rules_of(model, rules, &count))
		return err_set(err, -ENOMEM, "out of memory");
	rc = policy_compile(rules, count, &image, err);
	return rc ? rc : policy_compare(dp, &image, ret_differ, err);
}
