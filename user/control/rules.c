/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* rules - the policy of a model as the datapath reads it */
#include "control/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

static bool selector_make(const struct model *model,
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
		endpoint = model_find_endpoint(model, peer->name);
		ret->kind = SELECT_ENDPOINT;
		ret->id = endpoint ? endpoint->slot : 0;
		return ret->id;
	case SEL_NETWORK:
		network = model_find_network(model, peer->name);
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

size_t rules_of(const struct model *model, struct rule_val *ret)
{
	size_t count = 0;

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
		if (selector_make(model, &rule->from, &value->from) &&
		    selector_make(model, &rule->to, &value->to))
			count++;
	}
	return count;
}

int rules_put(struct datapath *dp, const struct rule_val *rules, size_t count,
	      struct err *err)
{
	_cleanup_image_ struct policy_image image = { 0 };
	int rc = policy_compile(rules, count, &image, err);

	return rc ? rc : policy_write(dp, &image, err);
}

int rules_write(struct datapath *dp, const struct model *model, struct err *err)
{
	_cleanup_free_ struct rule_val *rules =
		calloc(model->nrules + 1, sizeof(*rules));

	if (!rules)
		return err_set(err, -ENOMEM, "out of memory");
	return rules_put(dp, rules, rules_of(model, rules), err);
}

int rules_compare(const struct datapath *dp, const struct model *model,
		  size_t *ret_differ, struct err *err)
{
	_cleanup_free_ struct rule_val *rules =
		calloc(model->nrules + 1, sizeof(*rules));
	_cleanup_image_ struct policy_image image = { 0 };
	int rc;

	if (!rules)
		return err_set(err, -ENOMEM, "out of memory");
	rc = policy_compile(rules, rules_of(model, rules), &image, err);
	return rc ? rc : policy_compare(dp, &image, ret_differ, err);
}
