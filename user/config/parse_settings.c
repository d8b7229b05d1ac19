/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* parse_settings - the sections defaults, flows and uplinks */
#include <stdint.h>
#include <string.h>

#include "config/parse.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Notes that the file names this field of the settings. */
#define GIVEN(p, field) \
	memset(&(p)->model->given.field, 0xff, sizeof((p)->model->given.field))

static void parse_allow(struct parser *p, const struct node *node, void *object)
{
	bool *allow = object;
	const char *text;

	if (!value_text(p, node, &text))
		return;
	if (!strcmp(text, "allow"))
		*allow = true;
	else if (!strcmp(text, "deny"))
		*allow = false;
	else
		findings_put(p->findings, node->at, NULL,
			     "expected allow or deny, found '%s'", text);
}

static void parse_intra(struct parser *p, const struct node *node, void *object)
{
	(void)object;
	GIVEN(p, intra_allow);
	parse_allow(p, node, &p->model->settings.intra_allow);
}

static void parse_inter(struct parser *p, const struct node *node, void *object)
{
	(void)object;
	GIVEN(p, inter_allow);
	parse_allow(p, node, &p->model->settings.inter_allow);
}

static void parse_default_policy(struct parser *p, const struct node *node,
				 void *object)
{
	static const struct key keys[] = {
		{ "intra", parse_intra },
		{ "inter", parse_inter },
	};

	parse_mapping(p, node, keys, COUNT(keys), object);
}

static void add_uplink(struct parser *p, struct position at, size_t count,
		       const struct uplink *uplink)
{
	mark_object(p, OBJECT_UPLINK, at, count,
		    model_add_uplink(p->model, uplink));
}

static void parse_uplink_names(struct parser *p, const struct node *node)
{
	size_t count;
	const struct node *items = value_items(p, node, SIZE_MAX, &count);

	for (size_t i = 0; i < count; i++) {
		struct uplink uplink = { .origin = ORIGIN_FILE };
		size_t before = p->findings->count;

		if (value_copy(p, &items[i], uplink.ifname,
			       sizeof(uplink.ifname)))
			add_uplink(p, items[i].at, before, &uplink);
	}
}

static void parse_default_uplink(struct parser *p, const struct node *node,
				 void *object)
{
	bool scalar = node->kind == NODE_SCALAR;
	bool is_auto = scalar && !strcmp(node->text, "auto");

	(void)object;
	if (!is_auto && (!scalar || strcmp(node->text, "none"))) {
		parse_uplink_names(p, node);
		return;
	}
	p->uplink_chosen = true;
	GIVEN(p, uplink_auto);
	p->model->settings.uplink_auto = is_auto;
}

static void parse_nat_ports(struct parser *p, const struct node *node,
			    void *object)
{
	struct settings *settings = &p->model->settings;
	struct port_range range;

	(void)object;
	GIVEN(p, nat_port_min);
	GIVEN(p, nat_port_max);
	if (node->kind == NODE_SCALAR && !strcmp(node->text, "auto"))
		return;
	if (!value_ports(p, node, &range))
		return;
	settings->nat_port_min = range.low;
	settings->nat_port_max = range.high;
}

void parse_defaults(struct parser *p, const struct node *node, void *object)
{
	static const struct key keys[] = {
		{ "uplink", parse_default_uplink },
		{ "policy", parse_default_policy },
		{ "nat_ports", parse_nat_ports },
	};

	parse_mapping(p, node, keys, COUNT(keys), object);
}

#define DEFINE_FLOW_KEY(field, value)                                        \
	static void parse_##field(struct parser *p, const struct node *node, \
				  void *object)                              \
	{                                                                    \
		(void)object;                                                \
		GIVEN(p, field);                                             \
		value(p, node, &p->model->settings.field);                   \
	}

DEFINE_FLOW_KEY(flows_max, value_number)
DEFINE_FLOW_KEY(flows_per_endpoint, value_number)
DEFINE_FLOW_KEY(tcp_established, value_seconds)
DEFINE_FLOW_KEY(tcp_half_open, value_seconds)
DEFINE_FLOW_KEY(tcp_closing, value_seconds)
DEFINE_FLOW_KEY(tcp_reset, value_seconds)
DEFINE_FLOW_KEY(udp, value_seconds)
DEFINE_FLOW_KEY(udp_stream, value_seconds)
DEFINE_FLOW_KEY(icmp, value_seconds)
DEFINE_FLOW_KEY(other, value_seconds)

void parse_flows(struct parser *p, const struct node *node, void *object)
{
	static const struct key keys[] = {
		{ "max", parse_flows_max },
		{ "per_endpoint", parse_flows_per_endpoint },
		{ "tcp_established", parse_tcp_established },
		{ "tcp_half_open", parse_tcp_half_open },
		{ "tcp_closing", parse_tcp_closing },
		{ "tcp_reset", parse_tcp_reset },
		{ "udp", parse_udp },
		{ "udp_stream", parse_udp_stream },
		{ "icmp", parse_icmp },
		{ "other", parse_other },
	};

	parse_mapping(p, node, keys, COUNT(keys), object);
}

static void parse_snat(struct parser *p, const struct node *node, void *object)
{
	struct uplink *uplink = object;
	size_t count;
	const struct node *items =
		value_items(p, node, COUNT(uplink->snat), &count);

	for (size_t i = 0; i < count; i++)
		if (value_ip(p, &items[i], &uplink->snat[uplink->nsnat]))
			uplink->nsnat++;
}

/* A list of names, or a mapping of names to what is special about them. */
void parse_uplinks(struct parser *p, const struct node *node, void *object)
{
	static const struct key keys[] = { { "snat", parse_snat } };

	(void)object;
	if (node->kind != NODE_MAPPING) {
		parse_uplink_names(p, node);
		return;
	}
	for (size_t i = 0; i < node->nchildren; i++) {
		const struct node *child = &node->children[i];
		struct uplink uplink = { .origin = ORIGIN_FILE };
		size_t before = p->findings->count;

		if (!ifname_is_valid(child->key)) {
			findings_put(p->findings, child->key_at, NULL,
				     "'%s' is not a name for a device",
				     child->key);
			continue;
		}
		memcpy(uplink.ifname, child->key, strlen(child->key));
		parse_mapping(p, child, keys, COUNT(keys), &uplink);
		add_uplink(p, child->key_at, before, &uplink);
	}
}
