/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* check - the one validator of a model, for files and commands alike */
#include "model/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/suggest.h"
#include "model/check_internal.h"

#define SECONDS_MAX (30 * 24 * 3600)
#define FLOWS_MAX_MAX (16 * 1024 * 1024)

void check_finding(struct check *c, struct place at, const struct err *err)
{
	c->count++;
	if (c->report)
		c->report(c->arg, at.kind, at.index, err);
}

void check_usage(struct check *c, struct place at, const char *hint,
		 const char *fmt, ...)
{
	char text[sizeof(((struct err *)0)->text)];
	struct err err = {};
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_usage(&err, "%s", text);
	if (hint)
		err_hint(&err, "%s", hint);
	check_finding(c, at, &err);
}

void check_conflict(struct check *c, struct place at, const char *kind,
		    const char *fmt, ...)
{
	char text[sizeof(((struct err *)0)->text)];
	struct err err = {};
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_set(&err, -EEXIST, "%s", text);
	err_kind(&err, EXIT_CONFLICT, kind);
	check_finding(c, at, &err);
}

void check_missing(struct check *c, struct place at, enum object_kind kind,
		   const char *name, const char *fmt, ...)
{
	const struct model *m = c->model;
	char who[sizeof(((struct err *)0)->text)];
	struct err err = {};
	va_list args;

	va_start(args, fmt);
	vsnprintf(who, sizeof(who), fmt, args);
	va_end(args);
	if (kind == OBJECT_NETWORK)
		suggest_missing("network", name, m->networks, m->nnetworks,
				sizeof(*m->networks), &err);
	else
		suggest_missing("endpoint", name, m->endpoints, m->nendpoints,
				sizeof(*m->endpoints), &err);
	err_prefix(&err, "%s", who);
	check_finding(c, at, &err);
}

void check_out_of_memory(struct check *c)
{
	struct err err = {};

	err_set(&err, -ENOMEM, "out of memory");
	check_finding(c, (struct place){ OBJECT_SETTINGS, 0 }, &err);
}

void check_name(struct check *c, struct place at, const char *what,
		const char *name, struct index *names)
{
	if (!name_is_valid(name)) {
		check_usage(c, at,
			    "letters, digits, '_', '.' and '-', at most 63, "
			    "first a letter or a digit",
			    "%s name '%s' is not valid", what, name);
		return;
	}
	if (index_add(names, name, strlen(name), name))
		check_conflict(c, at, "exists", "%s '%s' exists already", what,
			       name);
}

const char *const setting_key[SETTING_COUNT] = {
	[SETTING_NAT_PORTS] = "nat_ports",
	[SETTING_MAX] = "max",
	[SETTING_PER_ENDPOINT] = "per_endpoint",
	[SETTING_TCP_ESTABLISHED] = "tcp_established",
	[SETTING_TCP_HALF_OPEN] = "tcp_half_open",
	[SETTING_TCP_CLOSING] = "tcp_closing",
	[SETTING_TCP_RESET] = "tcp_reset",
	[SETTING_UDP] = "udp",
	[SETTING_UDP_STREAM] = "udp_stream",
	[SETTING_ICMP] = "icmp",
	[SETTING_OTHER] = "other",
};

static struct place place_of(enum setting setting)
{
	return (struct place){ OBJECT_SETTINGS, setting };
}

static void check_seconds(struct check *c, enum setting setting, __u32 seconds)
{
	if (!seconds || seconds > SECONDS_MAX)
		check_usage(c, place_of(setting), "1 s to 30 days",
			    "flows: %s: %u s", setting_key[setting], seconds);
}

static void check_settings(struct check *c)
{
	const struct settings *s = &c->model->settings;
	const struct place nat_ports = place_of(SETTING_NAT_PORTS);

	if (s->nat_port_min > s->nat_port_max)
		check_usage(c, nat_ports, NULL, "nat_ports: %u is above %u",
			    s->nat_port_min, s->nat_port_max);
	else if (s->nat_port_max && s->nat_port_min < SNAT_PORT_MIN)
		check_usage(c, nat_ports, "1024 to 65535",
			    "nat_ports: %u is a system port", s->nat_port_min);

	if (!s->flows_max || s->flows_max > FLOWS_MAX_MAX)
		check_usage(c, place_of(SETTING_MAX), "1 to 16777216",
			    "flows: max: %u", s->flows_max);
	if (!s->flows_per_endpoint)
		check_usage(c, place_of(SETTING_PER_ENDPOINT), NULL,
			    "flows: per_endpoint: 0");

	check_seconds(c, SETTING_TCP_ESTABLISHED, s->tcp_established);
	check_seconds(c, SETTING_TCP_HALF_OPEN, s->tcp_half_open);
	check_seconds(c, SETTING_TCP_CLOSING, s->tcp_closing);
	check_seconds(c, SETTING_TCP_RESET, s->tcp_reset);
	check_seconds(c, SETTING_UDP, s->udp);
	check_seconds(c, SETTING_UDP_STREAM, s->udp_stream);
	check_seconds(c, SETTING_ICMP, s->icmp);
	check_seconds(c, SETTING_OTHER, s->other);
}

static bool is_unicast(const struct ipaddr *ip)
{
	return !ip_is_any(ip) && !ip_is_multicast(ip);
}

static void check_netns(struct check *c)
{
	const struct model *m = c->model;
	_cleanup_index_ struct index names = {};
	char buf[IP_TEXT_MAX];

	if (index_make(m->nnetns, &names)) {
		check_out_of_memory(c);
		return;
	}
	for (size_t i = 0; i < m->nnetns; i++) {
		const struct netns *ns = &m->netns[i];
		const struct place at = { OBJECT_NETNS, i };

		check_name(c, at, "netns", ns->name, &names);
		for (size_t k = 0; k < ns->ndns; k++)
			if (!is_unicast(&ns->dns[k]))
				check_usage(c, at, NULL,
					    "netns '%s': dns %s is no host",
					    ns->name,
					    ip_print(&ns->dns[k], buf));
	}
}

/* Whose subnet is it in? The guard on the uplinks lets nothing out that has such a
 * source. */
static const struct network *network_around(const struct model *m,
					    const struct ipaddr *ip)
{
	for (size_t i = 0; i < m->nnetworks; i++)
		for (size_t s = 0; s < m->networks[i].nsubnets; s++)
			if (cidr_contains(&m->networks[i].subnets[s], ip))
				return &m->networks[i];
	return NULL;
}

void check_snat(struct check *c, struct place at, const char *what,
		const char *name, const struct ipaddr *snat, size_t count)
{
	bool seen[2] = {};
	char buf[IP_TEXT_MAX];

	for (size_t k = 0; k < count; k++) {
		const struct network *around =
			network_around(c->model, &snat[k]);
		bool v4 = ip_is_v4(&snat[k]);

		ip_print(&snat[k], buf);
		if (!is_unicast(&snat[k]) || ip_is_loopback(&snat[k]) ||
		    ip_is_link_local(&snat[k]))
			check_usage(c, at, NULL, "%s '%s': cannot send as %s",
				    what, name, buf);
		if (around)
			check_conflict(
				c, at, "bad-snat",
				"%s '%s': cannot send as %s, which is in "
				"a subnet of network '%s'",
				what, name, buf, around->name);
		if (seen[v4])
			check_usage(c, at, "one for IPv4, one for IPv6",
				    "%s '%s': a second address %s", what, name,
				    buf);
		seen[v4] = true;
	}
}

const char *ifname_hint(const char *name)
{
	return ifname_is_valid(name) ? NULL : IFNAME_HINT;
}

static void check_uplinks(struct check *c)
{
	const struct model *m = c->model;

	for (size_t i = 0; i < m->nuplinks; i++) {
		const struct uplink *uplink = &m->uplinks[i];
		const struct place at = { OBJECT_UPLINK, i };

		if (!ifname_is_valid(uplink->ifname) ||
		    !strcmp(uplink->ifname, "lo"))
			check_usage(c, at, ifname_hint(uplink->ifname),
				    "'%s' is not a device for an uplink",
				    uplink->ifname);
		else if (model_find_uplink(m, uplink->ifname) != uplink)
			check_conflict(c, at, "exists",
				       "uplink '%s' exists already",
				       uplink->ifname);
		check_snat(c, at, "uplink", uplink->ifname, uplink->snat,
			   uplink->nsnat);
	}
	if (m->nuplinks > UPLINKS_MAX)
		check_conflict(c, (struct place){ OBJECT_UPLINK, UPLINKS_MAX },
			       "limit", "too many uplinks (at most %d)",
			       UPLINKS_MAX);
}

size_t model_check(const struct model *model, check_report report, void *arg)
{
	struct check c = { .model = model, .report = report, .arg = arg };

	if (index_make_names(model->networks, model->nnetworks,
			     sizeof(*model->networks), &c.networks) ||
	    index_make_names(model->endpoints, model->nendpoints,
			     sizeof(*model->endpoints), &c.endpoints) ||
	    cables_make(model, &c.cables)) {
		check_out_of_memory(&c);
	} else {
		check_settings(&c);
		check_netns(&c);
		check_networks(&c);
		check_endpoints(&c);
		check_cables(&c);
		check_uplinks(&c);
		check_publishes(&c);
		check_rules(&c);
	}
	index_free(&c.networks);
	index_free(&c.endpoints);
	cables_free(&c.cables);
	return c.count;
}

struct first {
	const struct model *model;
	struct err err;
};

static void keep_first(void *arg, enum object_kind kind, size_t index,
		       const struct err *err)
{
	struct first *first = arg;
	char text[OBJECT_TEXT_MAX];

	if (first->err.code)
		return;
	first->err = *err;
	if (kind == OBJECT_SETTINGS)
		err_about(&first->err, SETTING_TEXT, index);
	else if (index < model_object_count(first->model, kind))
		err_about(&first->err, "%s",
			  object_print(kind,
				       model_object(first->model, kind, index),
				       text));
}

int model_check_first(const struct model *model, struct err *err)
{
	struct first first = { .model = model };

	model_check(model, keep_first, &first);
	if (first.err.code && err)
		*err = first.err;
	return first.err.code;
}
