/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cable - who holds the ends of networks of type p2p */
#include "model/cable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void add_end(struct cables *cables, const struct endpoint *e)
{
	const struct cable *found = cables_find(cables, e->network);
	struct cable *cable;

	if (!found)
		return;
	cable = &cables->list[found - cables->list];
	if (cable->count < 2)
		cable->ends[cable->count] = e;
	cable->count++;
}

int cables_make(const struct model *m, struct cables *ret)
{
	struct cables cables = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < m->nnetworks; i++)
		count += m->networks[i].type == NETWORK_P2P;
	cables.list = calloc(count + 1, sizeof(*cables.list));
	if (!cables.list || index_make(count, &cables.networks)) {
		cables_free(&cables);
		return -ENOMEM;
	}
	count = 0;
	for (size_t i = 0; i < m->nnetworks; i++) {
		const struct network *n = &m->networks[i];

		if (n->type == NETWORK_P2P)
			index_add(&cables.networks, n->name, strlen(n->name),
				  &cables.list[count++]);
	}
	for (size_t i = 0; count && i < m->nendpoints; i++)
		add_end(&cables, &m->endpoints[i]);
	*ret = cables;
	return 0;
}

void cables_free(struct cables *cables)
{
	index_free(&cables->networks);
	free(cables->list);
	*cables = (struct cables){ 0 };
}

const struct cable *cables_find(const struct cables *cables,
				const char *network)
{
	return index_find_name(&cables->networks, network);
}

static int no_end_left(const struct cable *cable, const struct endpoint *e,
		       struct err *err)
{
	err_set(err, -EEXIST,
		"endpoint '%s': the cable '%s' has both its ends already: "
		"'%s' and '%s'",
		e->name, e->network, cable->ends[0]->name,
		cable->ends[1]->name);
	err_kind(err, EXIT_CONFLICT, "cable-in-use");
	err_hint(err, "networks of type bridge take more than two");
	return -EEXIST;
}

static int host_has_end(const struct network *network,
			const struct cable *cable, const struct endpoint *e,
			struct err *err)
{
	char text[IP_TEXT_MAX];
	size_t s = 0;

	while (s + 1 < network->nsubnets && ip_is_zero(&network->gateways[s]))
		s++;
	err_set(err, -EEXIST,
		"endpoint '%s': the cable '%s' leads from '%s' to the host, "
		"gateway %s",
		e->name, e->network, cable->ends[0]->name,
		ip_print(&network->gateways[s], text));
	err_kind(err, EXIT_CONFLICT, "cable-in-use");
	err_hint(err, "a cable between two endpoints names no gateway");
	return -EEXIST;
}

int cable_check_end(const struct model *m, const struct cables *cables,
		    const struct endpoint *e, struct err *err)
{
	const struct cable *cable = cables_find(cables, e->network);
	const struct network *network;

	if (!cable_is_direct(cable) || e == cable->ends[0])
		return 0;
	network = model_find_network(m, e->network);
	if (network->gateway_named)
		return host_has_end(network, cable, e, err);
	return e == cable->ends[1] ? 0 : no_end_left(cable, e, err);
}

int cables_check(const struct model *m, const struct cables *cables,
		 struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < m->nendpoints && !rc; i++)
		rc = cable_check_end(m, cables, &m->endpoints[i], err);
	return rc;
}

bool cable_is_direct(const struct cable *cable)
{
	return cable && cable->count >= 2;
}

struct endpoint *cable_find_other(const struct model *m,
				  const struct endpoint *e)
{
	const struct network *network = model_find_network(m, e->network);

	if (!network || network->type != NETWORK_P2P)
		return NULL;
	for (size_t i = 0; i < m->nendpoints; i++)
		if (!strcmp(m->endpoints[i].network, e->network) &&
		    strcmp(m->endpoints[i].name, e->name) != 0)
			return &m->endpoints[i];
	return NULL;
}
