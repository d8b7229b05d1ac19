/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sync - fills the datapath's tables from a model, or compares them with it */
#include "control/sync.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "control/rules.h"
#include "kernel/netns.h"
#include "kernel/sysctl.h"
#include "lib/cleanup.h"
#include "model/names.h"

/* Elements of one table while they are collected. */
struct rows {
	char *keys;
	char *values;
	size_t count;
	size_t key_size;
	size_t value_size;
};

/* Room for max rows, of which few may be used: nothing is written there yet. */
static int rows_make(struct rows *rows, size_t max, size_t key_size,
		     size_t value_size)
{
	*rows = (struct rows){ .key_size = key_size, .value_size = value_size };
	rows->keys = reallocarray(NULL, max + 1, key_size);
	rows->values = reallocarray(NULL, max + 1, value_size);
	return rows->keys && rows->values ? 0 : -ENOMEM;
}

static void rows_free(struct rows *rows)
{
	free(rows->keys);
	free(rows->values);
}

#define _cleanup_rows_ __attribute__((cleanup(rows_free)))

static void rows_add(struct rows *rows, const void *key, const void *value)
{
	memcpy(rows->keys + rows->count * rows->key_size, key, rows->key_size);
	memcpy(rows->values + rows->count * rows->value_size, value,
	       rows->value_size);
	rows->count++;
}

/* All of an array, which keeps what is not named: max elements, and zero. */
static int rows_make_array(struct rows *rows, __u32 max, size_t value_size)
{
	if (rows_make(rows, max, sizeof(__u32), value_size))
		return -ENOMEM;
	memset(rows->values, 0, max * value_size);
	for (__u32 i = 0; i < max; i++)
		memcpy(rows->keys + i * sizeof(i), &i, sizeof(i));
	rows->count = max;
	return 0;
}

/* Where rows go: into the tables, or beside them. */
struct sink {
	struct datapath *dp;
	struct table_differ *differ; /* of each map; NULL: write them */
	const struct model *before; /* NULL: not known */
};

static int rows_write(const struct sink *sink, enum map_id map,
		      const struct rows *rows, struct err *err)
{
	const struct table_rows wanted = { rows->keys, rows->values,
					   rows->count };

	if (sink->differ)
		return table_compare(sink->dp, map, &wanted, &sink->differ[map],
				     err);
	return table_replace(sink->dp, map, rows->keys, rows->values,
			     rows->count, err);
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

/* ------------------------------------------------ networks and endpoints */

static int bridge_index(const struct host *host, const struct network *network)
{
	const struct link_info *link = host_find_link(host, network->bridge);

	return link ? link->ifindex : 0;
}

static int sync_networks(const struct sink *sink, const struct model *model,
			 const struct host *host, struct err *err)
{
	_cleanup_rows_ struct rows rows = { 0 };
	struct network_val *values;

	if (rows_make_array(&rows, NETWORKS_MAX, sizeof(*values)))
		return no_memory(err);
	values = (void *)rows.values;

	for (size_t i = 0; i < model->nnetworks; i++) {
		const struct network *n = &model->networks[i];
		struct network_val *value = &values[n->id];

		value->bridge_ifindex = bridge_index(host, n);
		value->flags = (n->internal ? NETWORK_INTERNAL : 0) |
			       (n->icc ? 0 : NETWORK_NO_ICC) |
			       (n->masquerade ? 0 : NETWORK_NO_MASQUERADE) |
			       (n->routed ? NETWORK_ROUTED : 0) |
			       (n->nno_masq ? NETWORK_HAS_NO_MASQ : 0);
		for (size_t j = 0; j < n->nsnat; j++)
			if (ip_is_v4(&n->snat[j]))
				value->snat4 = n->snat[j];
			else
				value->snat6 = n->snat[j];
		for (size_t j = n->nsubnets; j-- > 0;)
			if (ip_is_v4(&n->gateways[j]))
				value->gateway4 = n->gateways[j];
			else
				value->gateway6 = n->gateways[j];
	}
	return rows_write(sink, MAP_NETWORKS, &rows, err);
}

static __u8 prefix_version(const struct cidr *cidr)
{
	return ip_is_v4(&cidr->addr) ? PREFIX_V4 : PREFIX_V6;
}

static int sync_no_masq(const struct sink *sink, const struct model *model,
			struct err *err)
{
	_cleanup_rows_ struct rows rows = { 0 };

	if (rows_make(&rows, model->nnetworks * NETWORK_NO_MASQ_MAX,
		      sizeof(struct no_masq_key), sizeof(__u8)))
		return no_memory(err);
	for (size_t i = 0; i < model->nnetworks; i++) {
		const struct network *n = &model->networks[i];

		for (size_t j = 0; j < n->nno_masq; j++) {
			struct cidr to = cidr_subnet(&n->no_masq[j]);
			__u8 version = prefix_version(&to);
			struct no_masq_key key = {
				.prefix_bits = 32 + cidr_bits(&to),
				.network = n->id,
				.addr = to.addr,
			};

			rows_add(&rows, &key, &version);
		}
	}
	return rows_write(sink, MAP_NO_MASQ, &rows, err);
}

static int sync_subnets(const struct sink *sink, const struct model *model,
			struct err *err)
{
	_cleanup_rows_ struct rows rows = { 0 };

	if (rows_make(&rows, model->nnetworks * NETWORK_SUBNETS_MAX,
		      sizeof(struct subnet_key), sizeof(__u32)))
		return no_memory(err);
	for (size_t i = 0; i < model->nnetworks; i++) {
		const struct network *n = &model->networks[i];

		for (size_t j = 0; j < n->nsubnets; j++) {
			struct cidr subnet = cidr_subnet(&n->subnets[j]);
			struct subnet_key key = {
				.prefix_bits = cidr_bits(&subnet),
				.addr = subnet.addr,
			};

			rows_add(&rows, &key, &n->id);
		}
	}
	return rows_write(sink, MAP_SUBNETS, &rows, err);
}

static bool endpoint_value(const struct names *names, const struct host *host,
			   const struct endpoint *e, struct endpoint_val *ret)
{
	const struct link_info *link = host_find_link(host, e->host_ifname);
	const struct network *n = names_find_network(names, e->network);

	if (!link || !n)
		return false;
	*ret = (struct endpoint_val){
		.ifindex = link->ifindex,
		.bridge_ifindex = n->type == NETWORK_P2P ?
					  link->ifindex :
					  bridge_index(host, n),
		.slot = e->slot,
		.network = n->id,
	};
	memcpy(ret->mac, e->mac, sizeof(ret->mac));
	memcpy(ret->gateway_mac, n->mac, sizeof(ret->gateway_mac));
	return true;
}

static int sync_endpoints(const struct sink *sink, const struct model *model,
			  const struct host *host, struct err *err)
{
	_cleanup_rows_ struct rows endpoints = { 0 }, addrs = { 0 };
	_cleanup_names_ struct names names = { 0 };
	struct endpoint_val value;
	int rc;

	if (names_make(model, &names) ||
	    rows_make(&endpoints, model->nendpoints, sizeof(__u32),
		      sizeof(value)) ||
	    rows_make(&addrs, model->nendpoints * ENDPOINT_ADDRS_MAX,
		      sizeof(struct ipaddr), sizeof(value)))
		return no_memory(err);
	for (size_t i = 0; i < model->nendpoints; i++) {
		const struct endpoint *e = &model->endpoints[i];

		if (!endpoint_value(&names, host, e, &value))
			continue;
		rows_add(&endpoints, &value.ifindex, &value);
		for (size_t j = 0; j < e->nips; j++)
			rows_add(&addrs, &e->ips[j], &value);
	}
	rc = rows_write(sink, MAP_ENDPOINTS, &endpoints, err);
	return rc ? rc : rows_write(sink, MAP_ADDRS, &addrs, err);
}

/* ------------------------------------------------------ the host's own */

static int sync_locals(const struct sink *sink, const struct host *host,
		       struct err *err)
{
	_cleanup_rows_ struct rows rows = { 0 };

	if (rows_make(&rows, host->naddrs, sizeof(struct ipaddr),
		      sizeof(struct local_val)))
		return no_memory(err);
	for (size_t i = 0; i < host->naddrs; i++) {
		const struct ipaddr *ip = &host->addrs[i].cidr.addr;
		struct local_val value = { host->addrs[i].ifindex };

		/* Link-local addresses belong to one link each. */
		if (!ip_is_loopback(ip) && !ip_is_link_local(ip))
			rows_add(&rows, ip, &value);
	}
	return rows_write(sink, MAP_LOCALS, &rows, err);
}

static struct ipaddr snat_address(const struct host *host,
				  const struct uplink *uplink, int ifindex,
				  bool v4)
{
	const struct addr_info *addr = host_find_addr(host, ifindex, v4);

	for (size_t i = 0; i < uplink->nsnat; i++)
		if (ip_is_v4(&uplink->snat[i]) == v4)
			return uplink->snat[i];
	return addr ? addr->cidr.addr : (struct ipaddr){ 0 };
}

static int sync_uplinks(const struct sink *sink, const struct model *model,
			const struct host *host, struct err *err)
{
	_cleanup_rows_ struct rows rows = { 0 };
	struct uplink_val *values;
	size_t used = 0;

	if (rows_make_array(&rows, UPLINKS_MAX, sizeof(*values)))
		return no_memory(err);
	values = (void *)rows.values;

	for (size_t i = 0; i < model->nuplinks && used < UPLINKS_MAX; i++) {
		const struct uplink *uplink = &model->uplinks[i];
		const struct link_info *link =
			host_find_link(host, uplink->ifname);

		if (!link)
			continue;
		values[used++] = (struct uplink_val){
			.ifindex = link->ifindex,
			.snat4 =
				snat_address(host, uplink, link->ifindex, true),
			.snat6 = snat_address(host, uplink, link->ifindex,
					      false),
			.gateway4 =
				host_find_gateway(host, link->ifindex, true),
			.gateway6 =
				host_find_gateway(host, link->ifindex, false),
		};
	}
	return rows_write(sink, MAP_UPLINKS, &rows, err);
}

int sync_host(struct datapath *dp, const struct model *model,
	      const struct host *host, struct err *err)
{
	const struct sink sink = { .dp = dp };
	int rc = sync_locals(&sink, host, err);

	if (!rc)
		rc = sync_uplinks(&sink, model, host, err);
	if (rc)
		return rc;
	datapath_bump(dp);
	datapath_bump_routes(dp);
	return 0;
}

/* ------------------------------------------------------ published ports */

size_t sync_publish_count(const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->npublishes; i++)
		count += 4 * (model->publishes[i].port_last -
			      model->publishes[i].port + 1);
	return count;
}

/* One element for each port of the range, which starts at `port` of host,
 * towards one of the endpoint's addresses, which is of the family that the host
 * address has. */
static void publish_rows(struct rows *rows, const struct publish *p, __u16 slot,
			 const struct ipaddr *host, __u16 port,
			 const struct ipaddr *backend)
{
	for (unsigned int i = 0; i <= (unsigned int)p->port_last - p->port;
	     i++) {
		struct publish_key key = {
			.host = *host,
			.port = htons(port + i),
			.proto = p->proto,
		};
		struct publish_val value = {
			.backend = *backend,
			.backend_port = htons(p->target_port + i),
			.slot = slot,
			.id = p->id,
			.flags = p->nfrom ? PUBLISH_HAS_FROM : 0,
		};

		rows_add(rows, &key, &value);
	}
}

/* Where the world knows the endpoint by its own address, the port that is
 * published is its own as well, unless it is published to the host alone. */
static void publish_add(struct rows *rows, const struct publish *p,
			const struct endpoint *e, bool routed)
{
	bool done[2] = { false, false };

	for (size_t i = 0; i < e->nips; i++) {
		bool v4 = ip_is_v4(&e->ips[i]);
		struct ipaddr any = v4 ? ip_from_v4(0) : (struct ipaddr){ 0 };

		if (done[v4] || (!p->any_host && ip_is_v4(&p->host_ip) != v4))
			continue;
		done[v4] = true;
		publish_rows(rows, p, e->slot, p->any_host ? &any : &p->host_ip,
			     p->port, &e->ips[i]);
		if (routed && (p->any_host || !ip_is_loopback(&p->host_ip)))
			publish_rows(rows, p, e->slot, &e->ips[i],
				     p->target_port, &e->ips[i]);
	}
}

static int sync_publish_from(const struct sink *sink, const struct model *model,
			     struct err *err)
{
	_cleanup_rows_ struct rows rows = { 0 };

	if (rows_make(&rows, model->npublishes * PUBLISH_FROM_MAX,
		      sizeof(struct publish_from_key), sizeof(__u8)))
		return no_memory(err);
	for (size_t i = 0; i < model->npublishes; i++) {
		const struct publish *p = &model->publishes[i];

		for (size_t j = 0; j < p->nfrom; j++) {
			struct cidr from = cidr_subnet(&p->from[j]);
			__u8 version = prefix_version(&from);
			struct publish_from_key key = {
				.prefix_bits = 32 + cidr_bits(&from),
				.publish = p->id,
				.addr = from.addr,
			};

			rows_add(&rows, &key, &version);
		}
	}
	return rows_write(sink, MAP_PUB_FROM, &rows, err);
}

static int publishes_collect(const struct model *model, struct rows *rows)
{
	_cleanup_names_ struct names names = { 0 };
	const struct endpoint *e = NULL;
	const struct network *n = NULL;

	if (names_make(model, &names) ||
	    rows_make(rows, sync_publish_count(model),
		      sizeof(struct publish_key), sizeof(struct publish_val)))
		return -ENOMEM;
	for (size_t i = 0; i < model->npublishes; i++) {
		const struct publish *p = &model->publishes[i];

		/* Those of one endpoint mostly stand together. */
		if (!e || strcmp(e->name, p->endpoint) != 0) {
			e = names_find_endpoint(&names, p->endpoint);
			n = e ? names_find_network(&names, e->network) : NULL;
		}
		if (n)
			publish_add(rows, p, e, n->routed);
	}
	return 0;
}

static int publishes_change(const struct sink *sink, const struct rows *rows,
			    struct err *err)
{
	_cleanup_rows_ struct rows old = { 0 };

	if (publishes_collect(sink->before, &old))
		return no_memory(err);
	return table_change(
		sink->dp, MAP_PUBLISH,
		&(struct table_rows){ old.keys, old.values, old.count },
		&(struct table_rows){ rows->keys, rows->values, rows->count },
		err);
}

/* The clients go first: a port must not be open to all before its list is. */
static int sync_publishes(const struct sink *sink, const struct model *model,
			  struct err *err)
{
	_cleanup_rows_ struct rows rows = { 0 };
	int rc = sync_publish_from(sink, model, err);

	if (rc)
		return rc;
	if (publishes_collect(model, &rows))
		return no_memory(err);
	if (sink->before)
		return publishes_change(sink, &rows, err);
	return rows_write(sink, MAP_PUBLISH, &rows, err);
}

/* ------------------------------------------------------------- settings */

static __u32 ticks(__u32 seconds)
{
	__u64 ns = (__u64)seconds * 1000000000;

	return (ns + (1ull << FLOW_TICK_SHIFT) - 1) >> FLOW_TICK_SHIFT;
}

/*
 * Masquerade must not take ports that the host's own sockets may get: the
 * longer of the two ranges beside ip_local_port_range.
 */
static int nat_ports(const struct settings *settings, __u16 *ret_min,
		     __u16 *ret_max, struct err *err)
{
	unsigned int low, high;
	int below, above, rc;
	char text[64];

	*ret_min = settings->nat_port_min;
	*ret_max = settings->nat_port_max;
	if (settings->nat_port_min)
		return 0;
	rc = sysctl_read("net/ipv4/ip_local_port_range", text, sizeof(text),
			 err);
	if (rc)
		return rc;
	if (sscanf(text, "%u %u", &low, &high) != 2 || low > high ||
	    high > 65535)
		return err_set(err, -EINVAL,
			       "net.ipv4.ip_local_port_range: '%s'", text);
	below = (int)low - SNAT_PORT_MIN;
	above = 65535 - (int)high;
	if (below <= 0 && above <= 0) {
		err_set(err, -ERANGE,
			"net.ipv4.ip_local_port_range leaves no ports for "
			"masquerade");
		err_hint(err, "set defaults.nat_ports");
		return -ERANGE;
	}
	*ret_min = below >= above ? SNAT_PORT_MIN : high + 1;
	*ret_max = below >= above ? low - 1 : 65535;
	return 0;
}

static int config_fill(const struct settings *settings,
		       struct datapath_config *config, struct err *err)
{
	__u16 min = 0, max = 0;
	__u64 cookie = 0;
	int rc = nat_ports(settings, &min, &max, err);

	rc = rc ? rc : netns_cookie(&cookie, err);
	if (rc)
		return rc;
	config->netns_cookie = cookie;
	config->intra = settings->intra_allow ? RULE_ALLOW : RULE_DENY;
	config->inter = settings->inter_allow ? RULE_ALLOW : RULE_DENY;
	config->snat_port_min = min;
	config->snat_port_max = max;
	config->tcp_established = ticks(settings->tcp_established);
	config->tcp_half_open = ticks(settings->tcp_half_open);
	config->tcp_closing = ticks(settings->tcp_closing);
	config->tcp_reset = ticks(settings->tcp_reset);
	config->udp = ticks(settings->udp);
	config->udp_stream = ticks(settings->udp_stream);
	config->icmp = ticks(settings->icmp);
	config->other = ticks(settings->other);
	config->flows_max = settings->flows_max;
	config->flows_per_endpoint = settings->flows_per_endpoint;
	return 0;
}

static __u32 seconds(__u32 ticks)
{
	return ((__u64)ticks << FLOW_TICK_SHIFT) / 1000000000;
}

int settings_from_config(const struct datapath_config *config,
			 struct settings *settings, struct err *err)
{
	struct settings automatic = *settings;
	__u16 min, max;
	int rc;

	automatic.nat_port_min = automatic.nat_port_max = 0;
	rc = nat_ports(&automatic, &min, &max, err);
	if (rc)
		return rc;
	if (config->snat_port_min == min && config->snat_port_max == max) {
		min = max = 0;
	} else {
		min = config->snat_port_min;
		max = config->snat_port_max;
	}
	settings->nat_port_min = min;
	settings->nat_port_max = max;
	settings->intra_allow = config->intra == RULE_ALLOW;
	settings->inter_allow = config->inter == RULE_ALLOW;
	settings->tcp_established = seconds(config->tcp_established);
	settings->tcp_half_open = seconds(config->tcp_half_open);
	settings->tcp_closing = seconds(config->tcp_closing);
	settings->tcp_reset = seconds(config->tcp_reset);
	settings->udp = seconds(config->udp);
	settings->udp_stream = seconds(config->udp_stream);
	settings->icmp = seconds(config->icmp);
	settings->other = seconds(config->other);
	settings->flows_max = config->flows_max;
	settings->flows_per_endpoint = config->flows_per_endpoint;
	return 0;
}

static int sync_settings(struct datapath *dp, const struct settings *settings,
			 struct err *err)
{
	struct datapath_config *config = datapath_config(dp);
	int rc = config_fill(settings, config, err);

	if (rc || config->snat_secret)
		return rc;
	if (getrandom(&config->snat_secret, sizeof(config->snat_secret), 0) < 0)
		return err_set(err, -errno, "getrandom: %s", strerror(errno));
	return 0;
}

/* All tables that follow from the model alone. */
static int sync_model(const struct sink *sink, const struct model *model,
		      const struct host *host, struct err *err)
{
	int rc = sync_no_masq(sink, model, err);

	rc = rc ? rc : sync_networks(sink, model, host, err);
	rc = rc ? rc : sync_subnets(sink, model, err);
	rc = rc ? rc : sync_endpoints(sink, model, host, err);
	return rc ? rc : sync_publishes(sink, model, err);
}

int sync_tables(struct datapath *dp, const struct model *model,
		const struct model *before, const struct host *host,
		struct err *err)
{
	const struct sink sink = { .dp = dp, .before = before };
	int rc = sync_settings(dp, &model->settings, err);

	rc = rc ? rc : sync_model(&sink, model, host, err);
	rc = rc ? rc : rules_write(dp, model, err);
	rc = rc ? rc : sync_host(dp, model, host, err);
	return rc ? err_prefix(err, "fill the datapath's tables") : 0;
}

/* What is not a setting stays as it is in the copy. */
static int compare_settings(struct datapath *dp,
			    const struct settings *settings, size_t *ret_count,
			    struct err *err)
{
	struct datapath_config before = *datapath_config(dp), after = before;
	int rc = config_fill(settings, &after, err);

	/* What the programs count goes on meanwhile: both are one copy. */
	if (!rc)
		*ret_count = memcmp(&before, &after, sizeof(before)) != 0;
	return rc;
}

int sync_compare(struct datapath *dp, const struct model *model,
		 const struct host *host,
		 struct table_differ ret_differ[MAP_COUNT], struct err *err)
{
	const struct sink sink = { .dp = dp, .differ = ret_differ };
	int rc;

	memset(ret_differ, 0, MAP_COUNT * sizeof(*ret_differ));
	rc = compare_settings(dp, &model->settings,
			      &ret_differ[MAP_CONFIG].count, err);
	rc = rc ? rc : sync_model(&sink, model, host, err);
	rc = rc ? rc :
		  rules_compare(dp, model, &ret_differ[MAP_POLICY].count, err);
	rc = rc ? rc : sync_locals(&sink, host, err);
	rc = rc ? rc : sync_uplinks(&sink, model, host, err);
	return rc ? err_prefix(err, "read the datapath's tables") : 0;
}
