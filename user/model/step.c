/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* step - one line of text for each step of a plan */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/index.h"
#include "model/plan.h"

/* Longest line; a network with many long IPv6 subnets is cut short. */
#define STEP_TEXT_MAX 512
#define PEER_TEXT_MAX 96 /* "net:" and a name, or a prefix */

struct text {
	char *buf;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text,
						      const char *fmt, ...)
{
	size_t used = strlen(text->buf);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text->buf + used, text->len - used, fmt, args);
	va_end(args);
}

/* Of a cable: the host's end, or none. */
static void put_gateways(struct text *text, const struct network *was,
			 const struct network *is)
{
	char buf[IP_TEXT_MAX];

	if (was->gateway_named != is->gateway_named)
		put(text, " gateway %s", is->gateway_named ? "fixed" : "open");
	for (size_t s = 0; s < is->nsubnets; s++) {
		if (ip_equal(&was->gateways[s], &is->gateways[s]))
			continue;
		put(text, " gateway %s",
		    ip_is_zero(&is->gateways[s]) ?
			    "none" :
			    ip_print(&is->gateways[s], buf));
	}
}

static void put_changes(struct text *text, const struct network *was,
			const struct network *is)
{
	if (was->internal != is->internal)
		put(text, " internal %s", is->internal ? "on" : "off");
	if (was->icc != is->icc)
		put(text, " icc %s", is->icc ? "on" : "off");
	if (was->masquerade != is->masquerade)
		put(text, " masquerade %s", is->masquerade ? "on" : "off");
	if (was->mtu != is->mtu && is->mtu)
		put(text, " mtu %u", is->mtu);
	if (was->mtu != is->mtu && !is->mtu)
		put(text, " mtu auto");
	if (!ip_equal(&was->range_first, &is->range_first) ||
	    !ip_equal(&was->range_last, &is->range_last))
		put(text, " range");
	put_gateways(text, was, is);
}

static void put_switches(struct text *text, const struct settings *was,
			 const struct settings *is)
{
	if (was->uplink_auto != is->uplink_auto)
		put(text, " uplink %s", is->uplink_auto ? "auto" : "as named");
	if (was->intra_allow != is->intra_allow)
		put(text, " intra %s", is->intra_allow ? "allow" : "deny");
	if (was->inter_allow != is->inter_allow)
		put(text, " inter %s", is->inter_allow ? "allow" : "deny");
}

static void put_settings(struct text *text, const struct settings *was,
			 const struct settings *is)
{
#define FLOWS(field)                                \
	{                                           \
#field, was->field, is->field, true \
	}
	const struct {
		const char *name;
		__u32 was, is;
		bool seconds;
	} flows[] = {
		{ "max", was->flows_max, is->flows_max, false },
		{ "per_endpoint", was->flows_per_endpoint,
		  is->flows_per_endpoint, false },
		FLOWS(tcp_established),
		FLOWS(tcp_half_open),
		FLOWS(tcp_closing),
		FLOWS(tcp_reset),
		FLOWS(udp),
		FLOWS(udp_stream),
		FLOWS(icmp),
		FLOWS(other),
	};
#undef FLOWS

	put(text, "settings");
	put_switches(text, was, is);
	if (was->nat_port_min != is->nat_port_min ||
	    was->nat_port_max != is->nat_port_max) {
		if (is->nat_port_min)
			put(text, " nat_ports %u-%u", is->nat_port_min,
			    is->nat_port_max);
		else
			put(text, " nat_ports auto");
	}
	for (size_t i = 0; i < sizeof(flows) / sizeof(*flows); i++)
		if (flows[i].was != flows[i].is)
			put(text, " flows.%s %u%s", flows[i].name, flows[i].is,
			    flows[i].seconds ? "s" : "");
}

static void put_network(struct text *text, const struct step *step)
{
	const struct network *n = step->new ?: step->old;
	char buf[CIDR_TEXT_MAX];

	put(text, "network %s", n->name);
	if (step->op == STEP_SET)
		put_changes(text, step->old, n);
	for (size_t i = 0; step->op == STEP_ADD && i < n->nsubnets; i++)
		put(text, " %s", cidr_print(&n->subnets[i], buf));
}

static void put_endpoint(struct text *text, const struct step *step)
{
	const struct endpoint *e = step->new ?: step->old;
	char buf[IP_TEXT_MAX];

	put(text, "endpoint %s", e->name);
	if (step->op != STEP_ADD)
		return;
	put(text, " %s", e->network);
	for (size_t i = 0; i < e->nips; i++)
		put(text, " %s", ip_print(&e->ips[i], buf));
}

static void put_publish(struct text *text, const struct step *step)
{
	const struct publish *p = step->new ?: step->old;
	char buf[2 * ENDPOINT_TEXT_MAX];

	put(text, "port %s", publish_print(p, buf, sizeof(buf)));
	if (step->op == STEP_ADD)
		put(text, " -> %s:%u", p->endpoint, p->target_port);
}

static void put_netns(struct text *text, const struct step *step)
{
	const struct netns *ns = step->new ?: step->old;

	put(text, "netns %s", ns->name);
}

static void put_uplink(struct text *text, const struct step *step)
{
	const struct uplink *u = step->new ?: step->old;
	char buf[IP_TEXT_MAX];

	put(text, "uplink %s", u->ifname);
	for (size_t i = 0; step->op != STEP_DEL && i < u->nsnat; i++)
		put(text, " snat %s", ip_print(&u->snat[i], buf));
	if (step->op != STEP_SET)
		return;
	if (!u->nsnat && ((const struct uplink *)step->old)->nsnat)
		put(text, " snat auto");
	if (u->automatic != ((const struct uplink *)step->old)->automatic)
		put(text, u->automatic ? " by the default route" : " by name");
}

const char *step_print(const struct step *step, char *buf, size_t len)
{
	static const char *const ops[] = {
		[STEP_ADD] = "+",
		[STEP_SET] = "~",
		[STEP_DEL] = "-",
	};
	struct text text = { buf, len };

	snprintf(buf, len, "%s ", ops[step->op]);
	switch (step->kind) {
	case OBJECT_SETTINGS:
		put_settings(&text, step->old, step->new);
		break;
	case OBJECT_NETNS:
		put_netns(&text, step);
		break;
	case OBJECT_NETWORK:
		put_network(&text, step);
		break;
	case OBJECT_ENDPOINT:
		put_endpoint(&text, step);
		break;
	case OBJECT_UPLINK:
		put_uplink(&text, step);
		break;
	case OBJECT_PUBLISH:
		put_publish(&text, step);
		break;
	case OBJECT_RULE:
		put(&text, "policy %zu rule%s", step->count,
		    step->count == 1 ? "" : "s");
		break;
	}
	return buf;
}

static void print_rule(FILE *out, char op, const struct policy_rule *rule)
{
	char from[PEER_TEXT_MAX], to[PEER_TEXT_MAX];

	fprintf(out, "  %c rule %s %s -> %s %s\n", op, rule->name,
		policy_peer_print(&rule->from, from, sizeof(from)),
		policy_peer_print(&rule->to, to, sizeof(to)),
		action_print(rule->action));
}

/* Without memory for the names, the step's own line has to do. */
static void print_rules(const struct plan *plan, FILE *out)
{
	const struct model *old = plan->actual, *now = plan->desired;
	_cleanup_index_ struct index was = { 0 };
	_cleanup_index_ struct index is = { 0 };

	if (index_make_names(old->rules, old->nrules, sizeof(*old->rules),
			     &was) ||
	    index_make_names(now->rules, now->nrules, sizeof(*now->rules), &is))
		return;
	for (size_t i = 0; i < old->nrules; i++)
		if (!index_find_name(&is, old->rules[i].name))
			print_rule(out, '-', &old->rules[i]);
	for (size_t i = 0; i < now->nrules; i++) {
		const struct policy_rule *rule = &now->rules[i];
		const struct policy_rule *before =
			index_find_name(&was, rule->name);

		if (!before || !rule_equal(before, rule))
			print_rule(out, before ? '~' : '+', rule);
	}
}

void plan_print(const struct plan *plan, FILE *out)
{
	char line[STEP_TEXT_MAX];

	for (size_t i = 0; i < plan->nsteps; i++) {
		const struct step *step = &plan->steps[i];

		fprintf(out, "%s\n", step_print(step, line, sizeof(line)));
		if (step->kind == OBJECT_RULE)
			print_rules(plan, out);
	}
}
