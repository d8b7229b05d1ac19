/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* value - texts of the file as numbers, times, addresses */
#include <string.h>

#include "config/parse.h"
#include "lib/units.h"

const struct node *value_items(struct parser *p, const struct node *node,
			       size_t max, size_t *ret_count)
{
	*ret_count = 0;
	if (node->kind == NODE_SCALAR) {
		*ret_count = 1;
		return node;
	}
	if (node->kind == NODE_MAPPING) {
		findings_put(p->findings, node->at, NULL,
			     "expected a list, found %s",
			     node_kind_print(node->kind));
		return NULL;
	}
	*ret_count = node->nchildren;
	if (node->nchildren > max) {
		findings_put(p->findings, node->children[max].at, NULL,
			     "more than %zu in the list", max);
		*ret_count = max;
	}
	return node->children;
}

bool value_text(struct parser *p, const struct node *node, const char **ret)
{
	if (node->kind != NODE_SCALAR) {
		findings_put(p->findings, node->at, NULL,
			     "expected text, found %s",
			     node_kind_print(node->kind));
		return false;
	}
	*ret = node->text;
	return true;
}

bool value_copy(struct parser *p, const struct node *node, char *ret,
		size_t size)
{
	const char *text;

	if (!value_text(p, node, &text))
		return false;
	if (strlen(text) >= size) {
		findings_put(p->findings, node->at, NULL,
			     "'%.24s...' is longer than %zu", text, size - 1);
		return false;
	}
	memcpy(ret, text, strlen(text) + 1);
	return true;
}

bool value_bool(struct parser *p, const struct node *node, bool *ret)
{
	const char *text;

	if (!value_text(p, node, &text))
		return false;
	if (!node->quoted && !strcmp(text, "true")) {
		*ret = true;
		return true;
	}
	if (!node->quoted && !strcmp(text, "false")) {
		*ret = false;
		return true;
	}
	findings_put(p->findings, node->at, NULL,
		     "expected true or false, found '%s'", text);
	return false;
}

bool value_number(struct parser *p, const struct node *node, __u32 *ret)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "k", 1000 },
		{ "M", 1000000 },
	};
	const char *text;

	if (!value_text(p, node, &text))
		return false;
	if (units_parse(text, units, sizeof(units) / sizeof(*units), ret))
		return true;
	findings_put(p->findings, node->at, "e.g. 1500, 64k, 1M",
		     "'%s' is not a number", text);
	return false;
}

bool value_seconds(struct parser *p, const struct node *node, __u32 *ret)
{
	const char *text;

	if (!value_text(p, node, &text))
		return false;
	if (seconds_parse(text, ret))
		return true;
	findings_put(p->findings, node->at, "e.g. 30s, 5m, 2h, 1d",
		     "'%s' is not a time", text);
	return false;
}

bool value_ip(struct parser *p, const struct node *node, struct ipaddr *ret)
{
	const char *text;

	if (!value_text(p, node, &text))
		return false;
	if (!ip_parse(text, ret))
		return true;
	findings_put(p->findings, node->at, NULL, "'%s' is not an address",
		     text);
	return false;
}

bool value_cidr(struct parser *p, const struct node *node, struct cidr *ret)
{
	const char *text;

	if (!value_text(p, node, &text))
		return false;
	if (!cidr_parse(text, ret))
		return true;
	findings_put(p->findings, node->at, "e.g. 192.168.10.0/24",
		     "'%s' is not a prefix", text);
	return false;
}

bool value_ports(struct parser *p, const struct node *node,
		 struct port_range *ret)
{
	const char *text;

	if (!value_text(p, node, &text))
		return false;
	if (!port_range_parse(text, ret))
		return true;
	findings_put(p->findings, node->at, "A or A-B, 1 to 65535",
		     "'%s' is not a port or a range of ports", text);
	return false;
}
