/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tell - what rules with "log" have decided, as lines of the agent's log */
#include "agent/tell.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#define PARTY_TEXT_MAX (ENDPOINT_TEXT_MAX + NAME_LEN_MAX + 4)

static const struct policy_rule *find_rule(const struct model *model, __u32 id)
{
	for (size_t i = 0; model && i < model->nrules; i++)
		if (model->rules[i].id == id)
			return &model->rules[i];
	return NULL;
}

static const char *find_name(const struct model *model, const struct ipaddr *ip)
{
	for (size_t i = 0; model && i < model->nendpoints; i++)
		for (size_t k = 0; k < model->endpoints[i].nips; k++)
			if (ip_equal(&model->endpoints[i].ips[k], ip))
				return model->endpoints[i].name;
	return NULL;
}

static const char *party_print(const struct model *model,
			       const struct ipaddr *ip, __be16 port,
			       bool has_port, char buf[PARTY_TEXT_MAX])
{
	const char *name = find_name(model, ip);
	char text[ENDPOINT_TEXT_MAX];

	if (has_port)
		ip_port_print(ip, ntohs(port), text);
	else
		ip_print(ip, text);
	snprintf(buf, PARTY_TEXT_MAX, "%s%s%s%s", text, name ? " (" : "",
		 name ? name : "", name ? ")" : "");
	return buf;
}

static bool is_named(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP ||
	       proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

const char *event_print(const struct event *event, const struct model *model,
			char buf[EVENT_TEXT_MAX])
{
	static const char *const verbs[] = {
		[RULE_DENY] = "denies",
		[RULE_ALLOW] = "allows",
		[RULE_REJECT] = "rejects",
	};
	const struct policy_rule *rule = find_rule(model, event->rule);
	const struct flow_key *key = &event->key;
	bool has_ports = key->proto == IPPROTO_TCP || key->proto == IPPROTO_UDP;
	char from[PARTY_TEXT_MAX], to[PARTY_TEXT_MAX];
	char number[16], proto[16];

	snprintf(number, sizeof(number), "%u", event->rule);
	snprintf(proto, sizeof(proto), "protocol %u", key->proto);
	snprintf(buf, EVENT_TEXT_MAX, "rule '%s' %s %s %s > %s",
		 rule ? rule->name : number,
		 event->action <= RULE_REJECT ? verbs[event->action] :
						"decides",
		 is_named(key->proto) ? proto_print(key->proto) : proto,
		 party_print(model, &key->src, key->sport, has_ports, from),
		 party_print(model, &key->dst, key->dport, has_ports, to));
	return buf;
}
