/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* check_rule - validates published ports and policy rules */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "model/check_internal.h"

#define PORT_TEXT_MAX (ENDPOINT_TEXT_MAX + 16)

static bool has_ports(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

static void check_from(struct check *c, struct place at, const char *port,
		       const struct cidr *from)
{
	struct cidr masked = cidr_subnet(from);
	char text[CIDR_TEXT_MAX];
	char hint[CIDR_TEXT_MAX + 32];

	if (!cidr_has_host_bits(from))
		return;
	snprintf(hint, sizeof(hint), "did you mean %s?",
		 cidr_print(&masked, text));
	check_usage(c, at, hint, "port %s: from %s has host bits", port,
		    cidr_print(from, text));
}

static void check_publish(struct check *c, size_t i)
{
	const struct publish *p = &c->model->publishes[i];
	const struct place at = { OBJECT_PUBLISH, i };
	char port[PORT_TEXT_MAX];
	char ip[IP_TEXT_MAX];

	publish_print(p, port, sizeof(port));
	if (!has_ports(p->proto))
		check_usage(c, at, "tcp or udp", "port %s: protocol %u", port,
			    p->proto);
	if (!p->port || p->port_last < p->port)
		check_usage(c, at, NULL, "port %s: not a range of ports", port);
	else if (!p->target_port ||
		 p->target_port + (p->port_last - p->port) > 65535)
		check_usage(c, at, "the range maps one to one",
			    "port %s: the range does not fit behind port %u",
			    port, p->target_port);
	if (!p->any_host && ip_is_multicast(&p->host_ip))
		check_usage(c, at, NULL, "port %s: %s is not a host", port,
			    ip_print(&p->host_ip, ip));
	if (!index_find_name(&c->endpoints, p->endpoint))
		check_missing(c, at, OBJECT_ENDPOINT, p->endpoint, "port %s",
			      port);
	for (size_t k = 0; k < p->nfrom; k++)
		check_from(c, at, port, &p->from[k]);
}

static int compare_publishes(const void *a, const void *b)
{
	const struct publish *left = *(const struct publish *const *)a;
	const struct publish *right = *(const struct publish *const *)b;

	if (left->proto != right->proto)
		return left->proto < right->proto ? -1 : 1;
	if (left->port != right->port)
		return left->port < right->port ? -1 : 1;
	return left < right ? -1 : 1;
}

static void report_collision(struct check *c, const struct publish *a,
			     const struct publish *b)
{
	const struct publish *later = a > b ? a : b;
	const struct publish *owner = a > b ? b : a;
	const struct place at = { OBJECT_PUBLISH,
				  (size_t)(later - c->model->publishes) };
	struct publish bare = *owner;
	char port[PORT_TEXT_MAX], range[PORT_TEXT_MAX] = "";
	char ip[IP_TEXT_MAX];

	/* The owner's ports are worth a word only where they differ. */
	bare.any_host = true;
	if (owner->port != later->port || owner->port_last != later->port_last)
		publish_print(&bare, range, sizeof(range));
	check_conflict(c, at, "port-in-use",
		       "port %s is already published to '%s' (%s%son %s)",
		       publish_print(later, port, sizeof(port)),
		       owner->endpoint, range, range[0] ? " " : "",
		       owner->any_host ? "any address" :
					 ip_print(&owner->host_ip, ip));
}

/*
 * Sorted by the first port: each one is compared with those that follow until
 * one begins behind its last port.
 */
static void check_collisions(struct check *c)
{
	const struct model *m = c->model;
	_cleanup_free_ const struct publish **sorted = NULL;
	size_t count = m->npublishes;

	sorted = calloc(count + 1, sizeof(*sorted));
	if (!sorted) {
		check_out_of_memory(c);
		return;
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = &m->publishes[i];
	qsort(sorted, count, sizeof(*sorted), compare_publishes);

	for (size_t i = 0; i < count; i++) {
		for (size_t k = i + 1; k < count; k++) {
			if (sorted[k]->proto != sorted[i]->proto ||
			    sorted[k]->port > sorted[i]->port_last)
				break;
			if (publish_collides(sorted[i], sorted[k]))
				report_collision(c, sorted[i], sorted[k]);
		}
	}
}

void check_publishes(struct check *c)
{
	const struct model *m = c->model;
	size_t ports = 0;

	for (size_t i = 0; i < m->npublishes; i++) {
		const struct publish *p = &m->publishes[i];
		size_t before = ports;

		check_publish(c, i);
		if (p->port_last >= p->port)
			ports += (size_t)(p->port_last - p->port) + 1;
		if (ports >= PUBLISH_MAX && before < PUBLISH_MAX)
			check_conflict(c, (struct place){ OBJECT_PUBLISH, i },
				       "limit",
				       "too many published ports (at most %d)",
				       PUBLISH_MAX - 1);
	}
	check_collisions(c);
}

static void check_peer(struct check *c, struct place at, const char *rule,
		       const struct policy_peer *peer, bool dormant)
{
	char text[CIDR_TEXT_MAX];

	if (peer->kind == SEL_ENDPOINT && !dormant &&
	    !index_find_name(&c->endpoints, peer->name))
		check_missing(c, at, OBJECT_ENDPOINT, peer->name, "policy%s",
			      rule);
	if (peer->kind == SEL_NETWORK && !dormant &&
	    !index_find_name(&c->networks, peer->name))
		check_missing(c, at, OBJECT_NETWORK, peer->name, "policy%s",
			      rule);
	if (peer->kind == SEL_CIDR && cidr_has_host_bits(&peer->cidr))
		check_usage(c, at, NULL, "policy%s: prefix %s has host bits",
			    rule, cidr_print(&peer->cidr, text));
}

static void check_rule(struct check *c, size_t i)
{
	const struct policy_rule *r = &c->model->rules[i];
	const struct place at = { OBJECT_RULE, i };
	char rule[NAME_LEN_MAX + 8] = "";

	/* A rule of a file need not have a name yet. */
	if (r->name[0])
		snprintf(rule, sizeof(rule), " '%s'", r->name);
	check_peer(c, at, rule, &r->from, r->dormant);
	check_peer(c, at, rule, &r->to, r->dormant);
	if (r->from.kind == SEL_CIDR && r->to.kind == SEL_CIDR &&
	    ip_is_v4(&r->from.cidr.addr) != ip_is_v4(&r->to.cidr.addr))
		check_usage(c, at, NULL,
			    "policy%s: from and to are of different families",
			    rule);
	if (r->nports && !has_ports(r->proto))
		check_usage(c, at, "proto tcp or proto udp",
			    "policy%s: ports need a protocol", rule);
	for (size_t k = 0; k < r->nports; k++)
		if (!r->ports[k].low || r->ports[k].high < r->ports[k].low)
			check_usage(c, at, NULL,
				    "policy%s: %u-%u is not a range of ports",
				    rule, r->ports[k].low, r->ports[k].high);
	if (!strcmp(proto_print(r->proto), "unknown"))
		check_usage(c, at, "tcp, udp, icmp, icmpv6 or any",
			    "policy%s: protocol %u", rule, r->proto);
	if (!strcmp(action_print(r->action), "unknown"))
		check_usage(c, at, "allow, deny or reject",
			    "policy%s: action %u", rule, r->action);
}

void check_rules(struct check *c)
{
	const struct model *m = c->model;
	_cleanup_index_ struct index names = {};

	if (index_make(m->nrules, &names)) {
		check_out_of_memory(c);
		return;
	}
	for (size_t i = 0; i < m->nrules; i++) {
		const struct place at = { OBJECT_RULE, i };

		if (m->rules[i].name[0])
			check_name(c, at, "policy rule", m->rules[i].name,
				   &names);
		check_rule(c, i);
		if (i + 1 == RULES_MAX)
			check_conflict(c, at, "limit",
				       "too many policy rules (at most %d)",
				       RULES_MAX - 1);
	}
}
