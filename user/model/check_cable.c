/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* check_cable - validates networks of type p2p, and what names their ends */
#include <errno.h>
#include <string.h>

#include "model/check_internal.h"

static void check_cable_network(struct check *c, size_t i)
{
	const struct network *network = &c->model->networks[i];

	if (network->type == NETWORK_P2P && !network->icc)
		check_usage(c, (struct place){ OBJECT_NETWORK, i },
			    "a cable has nobody to keep apart",
			    "network '%s': type p2p with icc off",
			    network->name);
}

static void check_cable_end(struct check *c, size_t i)
{
	struct err err = {};

	if (cable_check_end(c->model, &c->cables, &c->model->endpoints[i],
			    &err))
		check_finding(c, (struct place){ OBJECT_ENDPOINT, i }, &err);
}

static bool is_on_direct_cable(const struct check *c, const char *endpoint)
{
	const struct endpoint *e = index_find_name(&c->endpoints, endpoint);

	return e && cable_is_direct(cables_find(&c->cables, e->network));
}

static void check_cable_publish(struct check *c, size_t i)
{
	const struct publish *p = &c->model->publishes[i];
	char port[ENDPOINT_TEXT_MAX + 16];
	struct err err = {};

	if (!is_on_direct_cable(c, p->endpoint))
		return;
	err_set(&err, -EBUSY,
		"port %s: '%s' is at the end of a cable between two endpoints",
		publish_print(p, port, sizeof(port)), p->endpoint);
	err_kind(&err, EXIT_CONFLICT, "cable-direct");
	err_hint(&err, "the host does not reach it");
	check_finding(c, (struct place){ OBJECT_PUBLISH, i }, &err);
}

/*
 * Such a rule would never match, and whoever wrote it believes that it does:
 * better to refuse the rule, or the endpoint that makes the cable direct.
 */
static void check_cable_peer(struct check *c, size_t i,
			     const struct policy_peer *peer)
{
	bool is_endpoint =
		peer->kind == SEL_ENDPOINT && is_on_direct_cable(c, peer->name);
	bool is_network = peer->kind == SEL_NETWORK &&
			  cable_is_direct(cables_find(&c->cables, peer->name));
	const struct policy_rule *rule = &c->model->rules[i];
	char what[NAME_LEN_MAX + 8];
	struct err err = {};

	if (!is_endpoint && !is_network)
		return;
	err_set(&err, -EBUSY,
		"policy%s%s%s: '%s' is %s cable between two endpoints",
		rule->name[0] ? " '" : "", rule->name, rule->name[0] ? "'" : "",
		policy_peer_print(peer, what, sizeof(what)),
		is_endpoint ? "at the end of a" : "a");
	err_kind(&err, EXIT_CONFLICT, "cable-direct");
	err_hint(&err, "no rule holds there: it does not lead through the "
		       "host");
	check_finding(c, (struct place){ OBJECT_RULE, i }, &err);
}

static bool has_direct_cable(const struct check *c)
{
	const struct model *m = c->model;

	for (size_t i = 0; i < m->nnetworks; i++)
		if (cable_is_direct(
			    cables_find(&c->cables, m->networks[i].name)))
			return true;
	return false;
}

void check_cables(struct check *c)
{
	const struct model *m = c->model;

	for (size_t i = 0; i < m->nnetworks; i++)
		check_cable_network(c, i);
	for (size_t i = 0; i < m->nendpoints; i++)
		check_cable_end(c, i);
	if (!has_direct_cable(c))
		return;
	for (size_t i = 0; i < m->npublishes; i++)
		check_cable_publish(c, i);
	for (size_t i = 0; i < m->nrules; i++) {
		check_cable_peer(c, i, &m->rules[i].from);
		check_cable_peer(c, i, &m->rules[i].to);
	}
}
