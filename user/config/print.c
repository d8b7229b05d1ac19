/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* print - a model as a file that config_read accepts */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/emit.h"
#include "lib/json.h"

/*
 * Both formats are printed from one JSON value. What has its default is left
 * out, so that a file stays as short as somebody would have written it. Out of
 * memory, jansson's setters do nothing and a part of the file is missing; the
 * pieces are small, so the kernel would have ended us before that.
 */

static json_t *number_or_range(__u16 low, __u16 high)
{
	char text[sizeof("65535-65535")];

	if (low == high)
		return json_integer(low);
	snprintf(text, sizeof(text), "%u-%u", low, high);
	return json_string(text);
}

static json_t *ip_list(const struct ipaddr *ips, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		if (!ip_is_zero(&ips[i]))
			json_array_append_new(list, json_ip(&ips[i]));
	return list;
}

static json_t *cidr_list(const struct cidr *cidrs, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_cidr(&cidrs[i]));
	return list;
}

/* Drops empty lists and objects: they say nothing. */
static void set_unless_empty(json_t *object, const char *key, json_t *value)
{
	if (json_array_size(value) || json_object_size(value))
		json_object_set_new(object, key, value);
	else
		json_decref(value);
}

static size_t written_uplinks(const struct model *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->nuplinks; i++)
		count += !m->uplinks[i].automatic;
	return count;
}

static json_t *defaults_json(const struct model *m)
{
	const struct settings *s = &m->settings;
	json_t *defaults = json_object();
	json_t *policy = json_object();

	/* Without either word, named uplinks are all there are. */
	if (s->uplink_auto)
		json_object_set_new(defaults, "uplink", json_string("auto"));
	else if (!written_uplinks(m))
		json_object_set_new(defaults, "uplink", json_string("none"));

	json_object_set_new(policy, "intra",
			    json_string(s->intra_allow ? "allow" : "deny"));
	json_object_set_new(policy, "inter",
			    json_string(s->inter_allow ? "allow" : "deny"));
	json_object_set_new(defaults, "policy", policy);

	if (s->nat_port_max)
		json_object_set_new(
			defaults, "nat_ports",
			number_or_range(s->nat_port_min, s->nat_port_max));
	return defaults;
}

static void set_seconds(json_t *object, const char *key, __u32 seconds,
			__u32 normal)
{
	char text[sizeof("4294967295s")];

	if (seconds == normal)
		return;
	snprintf(text, sizeof(text), "%us", seconds);
	json_object_set_new(object, key, json_string(text));
}

static json_t *flows_json(const struct settings *s)
{
	json_t *flows = json_object();
	struct model defaults;
	const struct settings *d = &defaults.settings;

	model_init(&defaults);
	if (s->flows_max != d->flows_max)
		json_object_set_new(flows, "max", json_integer(s->flows_max));
	if (s->flows_per_endpoint != d->flows_per_endpoint)
		json_object_set_new(flows, "per_endpoint",
				    json_integer(s->flows_per_endpoint));
	set_seconds(flows, "tcp_established", s->tcp_established,
		    d->tcp_established);
	set_seconds(flows, "tcp_half_open", s->tcp_half_open, d->tcp_half_open);
	set_seconds(flows, "tcp_closing", s->tcp_closing, d->tcp_closing);
	set_seconds(flows, "tcp_reset", s->tcp_reset, d->tcp_reset);
	set_seconds(flows, "udp", s->udp, d->udp);
	set_seconds(flows, "udp_stream", s->udp_stream, d->udp_stream);
	set_seconds(flows, "icmp", s->icmp, d->icmp);
	set_seconds(flows, "other", s->other, d->other);
	return flows;
}

static json_t *uplinks_json(const struct model *m)
{
	json_t *uplinks = json_object();

	for (size_t i = 0; i < m->nuplinks; i++) {
		const struct uplink *u = &m->uplinks[i];
		json_t *uplink;

		if (u->automatic)
			continue;
		uplink = json_object();
		set_unless_empty(uplink, "snat", ip_list(u->snat, u->nsnat));
		json_object_set_new(uplinks, u->ifname, uplink);
	}
	return uplinks;
}

static json_t *network_json(const struct network *n)
{
	json_t *network = json_object();
	char first[IP_TEXT_MAX], last[IP_TEXT_MAX];
	char range[2 * IP_TEXT_MAX];

	if (n->type == NETWORK_P2P)
		json_object_set_new(network, "type", json_string("p2p"));
	set_unless_empty(network, "subnets",
			 cidr_list(n->subnets, n->nsubnets));
	/* That of a cable says more than where it is: see model/cable.h. */
	if (n->type == NETWORK_BRIDGE || n->gateway_named)
		set_unless_empty(network, "gateway",
				 ip_list(n->gateways, n->nsubnets));
	if (!ip_is_zero(&n->range_first)) {
		snprintf(range, sizeof(range), "%s-%s",
			 ip_print(&n->range_first, first),
			 ip_print(&n->range_last, last));
		json_object_set_new(network, "range", json_string(range));
	}
	if (n->internal)
		json_object_set_new(network, "internal", json_true());
	if (!n->icc)
		json_object_set_new(network, "icc", json_false());
	if (!n->masquerade)
		json_object_set_new(network, "masquerade", json_false());
	if (n->routed)
		json_object_set_new(network, "mode", json_string("routed"));
	set_unless_empty(network, "snat", ip_list(n->snat, n->nsnat));
	set_unless_empty(network, "no_masq",
			 cidr_list(n->no_masq, n->nno_masq));
	if (n->mtu)
		json_object_set_new(network, "mtu", json_integer(n->mtu));
	return network;
}

static json_t *networks_json(const struct model *m)
{
	json_t *networks = json_object();

	for (size_t i = 0; i < m->nnetworks; i++)
		json_object_set_new(networks, m->networks[i].name,
				    network_json(&m->networks[i]));
	return networks;
}

static json_t *netns_json(const struct model *m)
{
	json_t *all = json_object();

	for (size_t i = 0; i < m->nnetns; i++) {
		const struct netns *n = &m->netns[i];
		json_t *netns;

		/* Made again by the endpoints that name it. */
		if (n->implied)
			continue;
		netns = json_object();
		set_unless_empty(netns, "dns", ip_list(n->dns, n->ndns));
		json_object_set_new(all, n->name, netns);
	}
	return all;
}

static json_t *endpoint_json(const struct endpoint *e)
{
	static const __u8 no_mac[6];
	json_t *endpoint = json_object();

	json_object_set_new(endpoint, "network", json_text(e->network));
	if (e->netns[0] && strcmp(e->netns, e->name))
		json_object_set_new(endpoint, "netns", json_text(e->netns));
	if (e->ifname[0])
		json_object_set_new(endpoint, "ifname", json_text(e->ifname));
	set_unless_empty(endpoint, "ip", ip_list(e->ips, e->nips));
	if (memcmp(e->mac, no_mac, sizeof(no_mac)))
		json_object_set_new(endpoint, "mac", json_mac(e->mac));
	if (!e->default_route)
		json_object_set_new(endpoint, "default_route", json_false());
	return endpoint;
}

static json_t *endpoints_json(const struct model *m)
{
	json_t *endpoints = json_object();

	for (size_t i = 0; i < m->nendpoints; i++)
		json_object_set_new(endpoints, m->endpoints[i].name,
				    endpoint_json(&m->endpoints[i]));
	return endpoints;
}

/* A line where that says all, else a mapping. */
static json_t *publish_json(const struct publish *p)
{
	char listen[ENDPOINT_TEXT_MAX + 16];
	char to[NAME_LEN_MAX + 16];
	json_t *publish;

	publish_print(p, listen, sizeof(listen));
	snprintf(to, sizeof(to), "%s:%u", p->endpoint, p->target_port);
	if (!p->nfrom)
		return json_sprintf("%s -> %s", listen, to);

	publish = json_object();
	json_object_set_new(publish, "listen", json_string(listen));
	json_object_set_new(publish, "to", json_string(to));
	json_object_set_new(publish, "from", cidr_list(p->from, p->nfrom));
	return publish;
}

static json_t *publishes_json(const struct model *m)
{
	json_t *publishes = json_array();

	for (size_t i = 0; i < m->npublishes; i++)
		json_array_append_new(publishes,
				      publish_json(&m->publishes[i]));
	return publishes;
}

static json_t *rule_json(const struct policy_rule *r)
{
	json_t *rule = json_object();
	json_t *ports = json_array();
	char text[NAME_LEN_MAX + 8];

	if (r->name[0])
		json_object_set_new(rule, "name", json_text(r->name));
	json_object_set_new(
		rule, "from",
		json_text(policy_peer_print(&r->from, text, sizeof(text))));
	json_object_set_new(
		rule, "to",
		json_text(policy_peer_print(&r->to, text, sizeof(text))));
	if (r->proto)
		json_object_set_new(rule, "proto",
				    json_string(proto_print(r->proto)));
	for (size_t i = 0; i < r->nports; i++)
		json_array_append_new(ports, number_or_range(r->ports[i].low,
							     r->ports[i].high));
	set_unless_empty(rule, "ports", ports);
	json_object_set_new(rule, action_print(r->action), json_true());
	if (r->log)
		json_object_set_new(rule, "log", json_true());
	if (r->dormant)
		json_object_set_new(rule, "dormant", json_true());
	return rule;
}

static json_t *rules_json(const struct model *m)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < m->nrules; i++)
		json_array_append_new(rules, rule_json(&m->rules[i]));
	return rules;
}

static json_t *model_json(const struct model *m)
{
	json_t *root = json_object();

	json_object_set_new(root, "version", json_integer(1));
	json_object_set_new(root, "defaults", defaults_json(m));
	set_unless_empty(root, "flows", flows_json(&m->settings));
	set_unless_empty(root, "uplinks", uplinks_json(m));
	set_unless_empty(root, "networks", networks_json(m));
	set_unless_empty(root, "netns", netns_json(m));
	set_unless_empty(root, "endpoints", endpoints_json(m));
	set_unless_empty(root, "publish", publishes_json(m));
	set_unless_empty(root, "policy", rules_json(m));
	return root;
}

void config_print(const struct model *model, FILE *out)
{
	json_t *json = model_json(model);

	emit_yaml(json, out);
	json_decref(json);
}

void config_print_json(const struct model *model, FILE *out)
{
	json_t *json = model_json(model);

	json_dumpf(json, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(json);
}
