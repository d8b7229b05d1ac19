/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* step - one line of text for each step of a plan */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/plan.h"

/* Longest line; a network with many long IPv6 subnets is cut short. */
#define STEP_TEXT_MAX 512

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

static void put_uplink(struct text *text, const struct step *step)
{
	const struct uplink *u = step->new ?: step->old;
	char buf[IP_TEXT_MAX];

	put(text, "uplink %s", u->ifname);
	for (size_t i = 0; step->op != STEP_DEL && i < u->nsnat; i++)
		put(text, " snat %s", ip_print(&u->snat[i], buf));
}

const char *step_print(const struct step *step, char *buf, size_t len)
{
	static const char *const ops[] = {
		[STEP_ADD] = "+",
		[STEP_SET] = "~",
		[STEP_DEL] = "-",
	};
	struct text text = { buf, len };
	const struct netns *ns = step->new ?: step->old;

	snprintf(buf, len, "%s ", ops[step->op]);
	switch (step->kind) {
	case OBJECT_SETTINGS:
		put(&text, "settings");
		break;
	case OBJECT_NETNS:
		put(&text, "netns %s", ns->name);
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

void plan_print(const struct plan *plan, FILE *out)
{
	char line[STEP_TEXT_MAX];

	for (size_t i = 0; i < plan->nsteps; i++)
		fprintf(out, "%s\n",
			step_print(&plan->steps[i], line, sizeof(line)));
}
