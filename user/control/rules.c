/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* rules - the policy of a model as the datapath reads it */
#include "control/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

static bool selector_compile(const struct model *model,
			     const struct policy_peer *peer,
			     struct selector *ret)
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

int rules_compile(const struct model *model, struct rule_val *ret, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < model->nrules; i++) {
		const struct policy_rule *rule = &model->rules[i];
		struct rule_val value = {
			.id = rule->id,
			.action = rule->allow ? RULE_ALLOW : RULE_DENY,
			.proto = rule->proto,
		};
		size_t done = 0;

		if (!selector_compile(model, &rule->from, &value.from) ||
		    !selector_compile(model, &rule->to, &value.to))
			continue;
		do {
			size_t n = rule->nports - done;

			if (count == max)
				return -ENOSPC;
			n = n > RULE_PORTS_MAX ? RULE_PORTS_MAX : n;
			memset(value.ports, 0, sizeof(value.ports));
			memcpy(value.ports, rule->ports + done,
			       n * sizeof(*value.ports));
			value.nports = n;
			ret[count++] = value;
			done += n;
		} while (done < rule->nports);
	}
	return count;
}

int rules_write(struct datapath *dp, const struct model *model, struct err *err)
{
	_cleanup_free_ struct rule_val *rules =
		calloc(RULES_MAX, sizeof(*rules));
	struct datapath_config *config = datapath_config(dp);
	__u32 bank = ~config->rules & RULES_BANK;
	int count, rc = 0;

	if (!rules)
		return err_set(err, -ENOMEM, "out of memory");
	count = rules_compile(model, rules, RULES_MAX);
	if (count < 0) {
		err_set(err, count, "policy takes more than %d entries",
			RULES_MAX);
		err_hint(err, "a rule takes one entry for %d port ranges",
			 RULE_PORTS_MAX);
		return count;
	}
	for (int i = 0; i < count && !rc; i++) {
		__u32 index = (bank ? RULES_MAX : 0) + i;

		rc = table_set(dp, MAP_RULES, &index, &rules[i], err);
	}
	if (!rc)
		__atomic_store_n(&config->rules, bank | count,
				 __ATOMIC_RELEASE);
	return rc;
}
