/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* names - the endpoints and networks of a model, found in constant time */
#include "model/names.h"

#include <errno.h>

int names_make(const struct model *m, struct names *ret)
{
	struct names names = { 0 };

	if (index_make_names(m->endpoints, m->nendpoints, sizeof(*m->endpoints),
			     &names.endpoints) ||
	    index_make_names(m->networks, m->nnetworks, sizeof(*m->networks),
			     &names.networks)) {
		names_free(&names);
		return -ENOMEM;
	}
	*ret = names;
	return 0;
}

void names_free(struct names *names)
{
	index_free(&names->endpoints);
	index_free(&names->networks);
}

const struct endpoint *names_find_endpoint(const struct names *names,
					   const char *name)
{
	return index_find_name(&names->endpoints, name);
}

const struct network *names_find_network(const struct names *names,
					 const char *name)
{
	return index_find_name(&names->networks, name);
}

static bool has_peer(const struct names *names, const struct policy_peer *peer)
{
	if (peer->kind == SEL_ENDPOINT)
		return names_find_endpoint(names, peer->name);
	return peer->kind != SEL_NETWORK ||
	       names_find_network(names, peer->name);
}

bool names_has_peers(const struct names *names, const struct policy_rule *rule)
{
	return has_peer(names, &rule->from) && has_peer(names, &rule->to);
}
