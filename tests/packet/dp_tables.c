/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* dp_tables - what the packet tests write to the maps and read from them */
#include "dp.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "control/rules.h"

const struct addresses addresses_v4 = {
	.web = "192.168.10.10",
	.mate = "192.168.10.20",
	.db = "192.168.20.10",
	.front = "192.168.10.1",
	.back = "192.168.20.1",
	.host = "198.51.100.1",
	.server = "203.0.113.7",
	.server2 = "203.0.113.8",
	.client = "203.0.113.99",
	.nobody = "192.168.10.77",
	.lan = "10.99.0.7",
	.lan_host = "10.99.0.1",
	.unreachable = "10.98.0.7",
	.any = "0.0.0.0",
	.icmp = IPPROTO_ICMP,
};

const struct addresses addresses_v6 = {
	.web = "fd00:10::10",
	.mate = "fd00:10::20",
	.db = "fd00:20::10",
	.front = "fd00:10::1",
	.back = "fd00:20::1",
	.host = "2001:db8:51::1",
	.server = "2001:db8:7::7",
	.server2 = "2001:db8:7::8",
	.client = "2001:db8:7::99",
	.nobody = "fd00:10::77",
	.lan = "fd00:99::7",
	.lan_host = "fd00:99::1",
	.unreachable = "fd00:98::7",
	.any = "::",
	.icmp = IPPROTO_ICMPV6,
};

/* Identifiers of rules and publishes that tests use stay below this. */
#define IDS 64
/* Entries that dp_flow_fill makes have this source network. */
#define FILL_SOURCE "240.0.0.0"

static void set(struct dp *dp, enum map_id map, const void *key,
		const void *value)
{
	if (table_set(dp->datapath, map, key, value, &dp->err) == 0)
		return;
	print_error("%s\n", dp->err.text);
	fail();
}

static void del(struct dp *dp, enum map_id map, const void *key)
{
	assert_int_equal(table_del(dp->datapath, map, key, &dp->err), 0);
}

/* -------------------------------------------------------------- tables */

static struct endpoint_val endpoint_of(const struct dp *dp, enum node node)
{
	enum node bridge = node == DB ? BACK : FRONT;
	struct endpoint_val value = {
		.ifindex = dp->ifindex[node],
		.bridge_ifindex = dp->ifindex[bridge],
		.slot = node, /* WEB, MATE and DB are 1, 2 and 3 */
		.network = node == DB ? NETWORK_BACK : NETWORK_FRONT,
	};

	memcpy(value.mac, node_mac(node), sizeof(value.mac));
	memcpy(value.gateway_mac, node_mac(bridge), sizeof(value.gateway_mac));
	return value;
}

void dp_address_set(struct dp *dp, const char *ip, enum node node)
{
	struct endpoint_val value = endpoint_of(dp, node);
	struct ipaddr key = ip_of(ip);

	set(dp, MAP_ADDRS, &key, &value);
}

void dp_address_del(struct dp *dp, const char *ip)
{
	struct ipaddr key = ip_of(ip);

	del(dp, MAP_ADDRS, &key);
}

void dp_local_add(struct dp *dp, const char *ip)
{
	const struct local_val value = { .ifindex = dp->ifindex[UP] };
	struct ipaddr key = ip_of(ip);

	set(dp, MAP_LOCALS, &key, &value);
}

void dp_local_del(struct dp *dp, const char *ip)
{
	struct ipaddr key = ip_of(ip);

	del(dp, MAP_LOCALS, &key);
}

void dp_uplink(struct dp *dp, const char *snat4, const char *snat6)
{
	struct uplink_val value = { .ifindex = dp->ifindex[UP] };
	__u32 slot = 0;

	if (snat4)
		value.snat4 = ip_of(snat4);
	if (snat6)
		value.snat6 = ip_of(snat6);
	set(dp, MAP_UPLINKS, &slot, &value);
}

void dp_uplink_lan(struct dp *dp, const char *gateway)
{
	struct uplink_val value = {
		.ifindex = dp->ifindex[LAN],
		.snat4 = ip_of(addresses_v4.lan_host),
		.snat6 = ip_of(addresses_v6.lan_host),
	};
	__u32 slot = 1;

	if (gateway && dp->ip.icmp == IPPROTO_ICMP)
		value.gateway4 = ip_of(gateway);
	else if (gateway)
		value.gateway6 = ip_of(gateway);
	set(dp, MAP_UPLINKS, &slot, &value);
	dp->lan_is_uplink = true;
}

static void network_set(struct dp *dp, __u32 network, __u32 flags,
			const char *snat)
{
	bool front = network == NETWORK_FRONT;
	struct network_val value = {
		.flags = flags,
		.bridge_ifindex = dp->ifindex[front ? FRONT : BACK],
		.gateway4 =
			ip_of(front ? addresses_v4.front : addresses_v4.back),
		.gateway6 =
			ip_of(front ? addresses_v6.front : addresses_v6.back),
	};

	if (snat && dp->ip.icmp == IPPROTO_ICMP)
		value.snat4 = ip_of(snat);
	else if (snat)
		value.snat6 = ip_of(snat);
	set(dp, MAP_NETWORKS, &network, &value);
}

void dp_network_flags(struct dp *dp, __u32 network, __u32 flags)
{
	network_set(dp, network, flags, NULL);
}

void dp_network_snat(struct dp *dp, __u32 network, const char *snat)
{
	network_set(dp, network, 0, snat);
}

static __u8 prefix_version(const struct cidr *cidr)
{
	return ip_is_v4(&cidr->addr) ? PREFIX_V4 : PREFIX_V6;
}

void dp_no_masq(struct dp *dp, __u32 network, const char *prefix)
{
	struct no_masq_key key = { .network = network };
	struct cidr cidr;
	__u8 version;

	assert_int_equal(cidr_parse(prefix, &cidr), 0);
	key.prefix_bits = 32 + cidr_bits(&cidr);
	key.addr = cidr.addr;
	version = prefix_version(&cidr);
	set(dp, MAP_NO_MASQ, &key, &version);
	dp_network_flags(dp, network, NETWORK_HAS_NO_MASQ);
}

static void subnet_add(struct dp *dp, const char *text, __u32 network)
{
	struct subnet_key key;
	struct cidr cidr;

	assert_int_equal(cidr_parse(text, &cidr), 0);
	key.prefix_bits = cidr_bits(&cidr);
	key.addr = cidr.addr;
	set(dp, MAP_SUBNETS, &key, &network);
}

static void write_family(struct dp *dp, const struct addresses *ip)
{
	dp_address_set(dp, ip->web, WEB);
	dp_address_set(dp, ip->mate, MATE);
	dp_address_set(dp, ip->db, DB);
	dp_local_add(dp, ip->front);
	dp_local_add(dp, ip->back);
	dp_local_add(dp, ip->host);
}

static void clear_tables(struct dp *dp)
{
	static const enum map_id maps[] = {
		MAP_FLOWS,  MAP_EMBRYOS, MAP_ENDPOINTS, MAP_ADDRS, MAP_SUBNETS,
		MAP_LOCALS, MAP_PUBLISH, MAP_PUB_FROM,	MAP_FRAGS, MAP_NO_MASQ,
	};
	const struct uplink_val no_uplink = { 0 };
	const struct hits none = { 0 };
	const __u32 second = 1;
	const __u64 zero = 0;

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		assert_int_equal(table_replace(dp->datapath, maps[i], NULL,
					       NULL, 0, &dp->err),
				 0);
	set(dp, MAP_UPLINKS, &second, &no_uplink);
	dp->lan_is_uplink = false;
	for (__u32 id = 0; id < IDS; id++) {
		set(dp, MAP_PUB_HITS, &id, &none);
		set(dp, MAP_RULE_HITS, &id, &none);
	}
	for (__u32 slot = 0; slot <= SLOT_DB; slot++) {
		assert_int_equal(
			counters_endpoint_clear(dp->datapath, slot, &dp->err),
			0);
		set(dp, MAP_EP_FLOWS, &slot, &zero);
	}
}

/* Time-outs differ from each other, so that none passes for another. */
static void write_config(struct datapath_config *config, __u32 flows_max)
{
	config->flows_max = flows_max;
	config->flows_per_endpoint = flows_max;
	config->generation = 100;
	config->route_generation = 200;
	config->heartbeat = datapath_now();
	config->intra = RULE_ALLOW;
	config->inter = RULE_DENY;
	config->snat_port_min = DP_PORT_MIN;
	config->snat_port_max = DP_PORT_MAX;
	config->snat_secret = 0x0123456789abcdef;
	config->tcp_established = 8000;
	config->tcp_half_open = 60;
	config->tcp_closing = 40;
	config->tcp_reset = 10;
	config->udp = 30;
	config->udp_stream = 300;
	config->icmp = 50;
	config->other = 600;
}

void dp_tables_reset(struct dp *dp)
{
	clear_tables(dp);
	dp_rules_clear(dp);
	write_config(dp->config, dp->flows_max);
	for (enum node node = WEB; node <= DB; node++) {
		struct endpoint_val value = endpoint_of(dp, node);

		set(dp, MAP_ENDPOINTS, &value.ifindex, &value);
	}
	dp_network_flags(dp, NETWORK_FRONT, 0);
	dp_network_flags(dp, NETWORK_BACK, 0);
	subnet_add(dp, "192.168.10.0/24", NETWORK_FRONT);
	subnet_add(dp, "192.168.20.0/24", NETWORK_BACK);
	subnet_add(dp, "fd00:10::/64", NETWORK_FRONT);
	subnet_add(dp, "fd00:20::/64", NETWORK_BACK);
	write_family(dp, &addresses_v4);
	write_family(dp, &addresses_v6);
	dp_uplink(dp, addresses_v4.host, addresses_v6.host);
	assert_int_equal(
		counters_flows(dp->datapath, &dp->stats_before, &dp->err), 0);
}

/* --------------------------------------------------- publishes, policy */

static struct publish_key publish_key_of(struct dp *dp, __u8 proto,
					 const char *host, __u16 port)
{
	return (struct publish_key){
		.host = ip_of(host ? host : dp->ip.any),
		.port = htons(port),
		.proto = proto,
	};
}

void dp_publish(struct dp *dp, __u8 proto, const char *host, __u16 port,
		enum node node, __u16 backend_port)
{
	struct publish_key key = publish_key_of(dp, proto, host, port);
	const char *backend[] = {
		[WEB] = dp->ip.web,
		[MATE] = dp->ip.mate,
		[DB] = dp->ip.db,
	};
	const struct publish_val value = {
		.backend = ip_of(backend[node]),
		.backend_port = htons(backend_port),
		.slot = node,
		.id = ++dp->published,
	};

	assert_true(dp->published < IDS);
	set(dp, MAP_PUBLISH, &key, &value);
	datapath_bump(dp->datapath);
}

void dp_unpublish(struct dp *dp, __u8 proto, const char *host, __u16 port)
{
	struct publish_key key = publish_key_of(dp, proto, host, port);

	del(dp, MAP_PUBLISH, &key);
	datapath_bump(dp->datapath);
}

struct last_publish {
	struct dp *dp;
	struct publish_key key;
	struct publish_val value;
};

static void find_publish(struct last_publish *last)
{
	struct publish_key *at = NULL, key;
	int fd = datapath_map(last->dp->datapath, MAP_PUBLISH);

	while (bpf_map_get_next_key(fd, at, &key) == 0) {
		assert_int_equal(bpf_map_lookup_elem(fd, &key, &last->value),
				 0);
		last->key = key;
		if (last->value.id == last->dp->published)
			return;
		at = &last->key;
	}
	fail_msg("nothing is published");
}

void dp_publish_from(struct dp *dp, const char *prefix)
{
	struct publish_from_key from = { .publish = dp->published };
	struct last_publish last = { .dp = dp };
	struct cidr cidr;
	__u8 version;

	assert_int_equal(cidr_parse(prefix, &cidr), 0);
	from.prefix_bits = 32 + cidr_bits(&cidr);
	from.addr = cidr.addr;
	version = prefix_version(&cidr);
	set(dp, MAP_PUB_FROM, &from, &version);

	find_publish(&last);
	last.value.flags = PUBLISH_HAS_FROM;
	set(dp, MAP_PUBLISH, &last.key, &last.value);
	datapath_bump(dp->datapath);
}

void dp_rules_set(struct dp *dp, const struct rule_val *rules, size_t count)
{
	int rc = rules_put(dp->datapath, rules, count, &dp->err);

	if (rc)
		print_error("%s\n", dp->err.text);
	assert_int_equal(rc, 0);
	datapath_bump(dp->datapath);
}

void dp_rules_clear(struct dp *dp)
{
	dp_rules_set(dp, NULL, 0);
}

struct selector select_cidr(const char *prefix)
{
	struct selector selector = { .kind = SELECT_CIDR };
	struct cidr cidr;

	assert_int_equal(cidr_parse(prefix, &cidr), 0);
	selector.addr = cidr.addr;
	selector.mask = cidr_mask(&cidr);
	return selector;
}

/* --------------------------------------------------------------- flows */

bool dp_flow(struct dp *dp, struct frame frame, struct flow *ret)
{
	struct flow_key key = frame_key(&frame);
	struct embryo embryo;

	if (table_get(dp->datapath, MAP_FLOWS, &key, ret) == 0)
		return true;
	if (table_get(dp->datapath, MAP_EMBRYOS, &key, &embryo))
		return false;
	*ret = embryo.mine;
	return true;
}

bool dp_flow_is_embryo(struct dp *dp, struct frame frame)
{
	struct flow flow;

	assert_true(dp_flow(dp, frame, &flow));
	return flow.flags & FLOW_EMBRYO;
}

void dp_flow_set(struct dp *dp, struct frame frame, const struct flow *flow)
{
	struct flow_key key = frame_key(&frame);
	struct embryo embryo;

	if (table_get(dp->datapath, MAP_EMBRYOS, &key, &embryo)) {
		set(dp, MAP_FLOWS, &key, flow);
		return;
	}
	embryo.mine = *flow;
	set(dp, MAP_EMBRYOS, &key, &embryo);
}

void dp_flow_age(struct dp *dp, struct frame frame, __u32 ticks)
{
	struct flow flow;

	assert_true(dp_flow(dp, frame, &flow));
	flow.last_seen = datapath_now() - ticks;
	dp_flow_set(dp, frame, &flow);
}

static unsigned int entries(struct dp *dp, enum map_id map)
{
	struct map_usage usage;

	assert_int_equal(map_usage_get(dp->datapath, map, &usage, &dp->err), 0);
	return usage.entries;
}

unsigned int dp_flow_entries(struct dp *dp)
{
	return entries(dp, MAP_FLOWS) + entries(dp, MAP_EMBRYOS);
}

void dp_flow_fill(struct dp *dp, unsigned int room)
{
	struct ipaddr first = ip_of(FILL_SOURCE);
	struct flow_key key = { .proto = IPPROTO_UDP };
	const struct flow flow = { .last_seen = datapath_now() };
	unsigned int used = entries(dp, MAP_FLOWS);

	for (unsigned int i = 0; i + room + used < 2 * dp->flows_max; i++) {
		key.src = ip_add(&first, i);
		set(dp, MAP_FLOWS, &key, &flow);
	}
}

struct gc_args dp_gc(struct dp *dp, __u16 slot)
{
	struct gc_args args = { .slot = slot };

	assert_int_equal(datapath_gc(dp->datapath, &args, &dp->err), 0);
	return args;
}

/* ------------------------------------------------------------ counters */

struct endpoint_stats dp_endpoint(struct dp *dp, __u32 slot)
{
	struct endpoint_stats stats;

	assert_int_equal(
		counters_endpoint(dp->datapath, slot, &stats, &dp->err), 0);
	return stats;
}

struct flow_stats dp_stats(struct dp *dp)
{
	struct flow_stats stats;
	__u64 *now = (__u64 *)&stats, *then = (__u64 *)&dp->stats_before;

	assert_int_equal(counters_flows(dp->datapath, &stats, &dp->err), 0);
	for (size_t i = 0; i < sizeof(stats) / sizeof(*now); i++)
		now[i] -= then[i];
	return stats;
}

struct hits dp_hits(struct dp *dp, enum map_id map, __u32 id)
{
	struct hits hits;

	assert_int_equal(table_get(dp->datapath, map, &id, &hits), 0);
	return hits;
}

__u64 dp_reason(struct dp *dp, enum reason why)
{
	__u64 counts[REASON_COUNT];

	assert_int_equal(counters_reasons(dp->datapath, counts, &dp->err), 0);
	return counts[why];
}
