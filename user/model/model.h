/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* model - the objects of one bpfnet instance, as plain data */
#ifndef BPFNET_MODEL_H
#define BPFNET_MODEL_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpfnet/limits.h>

#include "lib/err.h"
#include "lib/ip.h"

/*
 * The same structures describe what a user wants and what exists. Objects
 * refer to each other by name. Fields marked "filled" may be empty in what the
 * user wrote; model_fill (fill.h) gives them their values, which then stay for
 * the object's life. No function here makes a system call.
 */

/* Who made an object; apply --prune removes only what a file made. */
enum origin { ORIGIN_CLI, ORIGIN_FILE, ORIGIN_CNI };

struct netns {
	char name[NAME_LEN_MAX + 1];
	enum origin origin;
	struct ipaddr dns[3]; /* /etc/netns/NAME/resolv.conf */
	size_t ndns;
	bool implied; /* made for an endpoint that named it; goes with its
		       * last endpoint */
	bool adopted; /* was there before us: never deleted. Filled by apply */
	__u64 cookie; /* which namespace it is; 0: not known. Filled by apply */
	__u64 mount; /* of the name, see identity.h; 0: not known. Likewise */
};

enum network_type { NETWORK_BRIDGE, NETWORK_P2P };

struct network {
	char name[NAME_LEN_MAX + 1];
	enum origin origin;
	enum network_type type;
	struct cidr subnets[NETWORK_SUBNETS_MAX]; /* filled */
	struct ipaddr gateways[NETWORK_SUBNETS_MAX]; /* filled, one a subnet;
						      * zero: see cable.h */
	size_t nsubnets;
	struct ipaddr range_first, range_last; /* zero: whole subnet */
	bool internal; /* no way out, no default route */
	bool icc; /* endpoints may talk to each other (default true) */
	bool masquerade; /* default true */
	bool gateway_named; /* p2p: by the user, see cable.h */
	bool routed; /* the world knows its addresses: no masquerade */
	struct ipaddr snat[2]; /* masquerade address of each family; none: the
				* uplink's */
	size_t nsnat;
	struct cidr no_masq[NETWORK_NO_MASQ_MAX]; /* no masquerade to these */
	size_t nno_masq;
	unsigned int mtu; /* 0: the uplink's */
	__u32 id; /* filled, 1..NETWORKS_MAX - 1 */
	char bridge[IFNAMSIZ]; /* filled; p2p: none */
	__u8 mac[6]; /* filled: the bridge's, or the host's end of a cable's */
};

enum lo_state {
	LO_UP,
	LO_DOWN,
	LO_NEW, /* down, and without the address that it gets when it goes up */
};

struct endpoint {
	char name[NAME_LEN_MAX + 1];
	enum origin origin;
	char network[NAME_LEN_MAX + 1];
	char netns[256]; /* filled: "NAME", "/PATH" or "pid:N"; default: name */
	char ifname[IFNAMSIZ]; /* filled: eth0 */
	char host_ifname[IFNAMSIZ]; /* filled; empty: see cable.h */
	struct ipaddr ips[ENDPOINT_ADDRS_MAX]; /* filled, one a subnet */
	size_t nips;
	__u8 mac[6]; /* filled */
	bool default_route; /* default true */
	__u32 slot; /* filled, 1..ENDPOINTS_MAX - 1 */
	enum lo_state lo_before; /* in its namespace, before the first endpoint
				  * came there. Filled by apply */
	__u64 netns_cookie; /* as netns.cookie, of the one that it is in */
	__u64 netns_mount; /* as netns.mount */
};

struct publish {
	enum origin origin;
	__u8 proto; /* IPPROTO_TCP or IPPROTO_UDP */
	bool any_host; /* on every address of the host, host_ip unused */
	struct ipaddr host_ip;
	__u16 port, port_last; /* host order, inclusive; equal: one port */
	char endpoint[NAME_LEN_MAX + 1];
	__u16 target_port; /* of port; the range maps one to one */
	struct cidr from[PUBLISH_FROM_MAX];
	size_t nfrom; /* 0: any client */
	__u32 id; /* filled, 1..PUBLISH_MAX - 1 */
};

enum select {
	SEL_ANY,
	SEL_ENDPOINT,
	SEL_NETWORK,
	SEL_CIDR,
	SEL_HOST,
	SEL_WORLD
};

struct policy_peer {
	enum select kind;
	char name[NAME_LEN_MAX + 1]; /* endpoint's or network's */
	struct cidr cidr;
};

struct port_range {
	__u16 low; /* host order, inclusive */
	__u16 high; /* host order, inclusive */
};

struct policy_rule {
	char name[NAME_LEN_MAX + 1]; /* filled: rule-N */
	enum origin origin;
	struct policy_peer from, to;
	__u8 proto; /* 0: any; IPPROTO_TCP, _UDP, _ICMP, _ICMPV6 */
	struct port_range
		ports[RULE_PORTS_MAX]; /* destination; needs tcp or udp */
	size_t nports;
	enum rule_action action;
	bool log;
	/* Names an endpoint or network that is gone by itself: kept, matches
	 * nothing until the name is there again. */
	bool dormant;
	__u32 id; /* filled, 1..RULES_MAX - 1 */
};

struct uplink {
	char ifname[IFNAMSIZ];
	enum origin origin;
	bool automatic; /* found as the device of the default route */
	struct ipaddr snat[2]; /* chosen masquerade addresses; zero: its own */
	size_t nsnat;
};

struct settings {
	bool uplink_auto; /* default true: without uplinks, find one */
	bool intra_allow; /* default true */
	bool inter_allow; /* default false */
	__u16 nat_port_min, nat_port_max; /* 0: automatic */
	__u32 flows_max; /* table entries / 2 */
	__u32 flows_per_endpoint; /* of them */
	__u32 tcp_established, tcp_half_open, tcp_closing, tcp_reset;
	__u32 udp, udp_stream, icmp, other; /* seconds */
};

struct model {
	struct settings settings;
	/* Of a model that was read from a file: all bits of the fields that
	 * the file names are set, the others are zero; and whether it has a
	 * policy. Else unused. */
	struct settings given;
	bool policy_given;
	struct netns *netns;
	size_t nnetns;
	struct network *networks;
	size_t nnetworks;
	struct endpoint *endpoints;
	size_t nendpoints;
	struct publish *publishes;
	size_t npublishes;
	struct policy_rule *rules; /* in order: the first match decides */
	size_t nrules;
	struct uplink *uplinks;
	size_t nuplinks;
};

/* Empty, with the documented defaults in settings. */
void model_init(struct model *model);
void model_free(struct model *model);
/* Deep copy into an uninitialised ret. 0 or -ENOMEM. */
int model_copy(const struct model *model, struct model *ret);

/* NULL when there is none; valid until the next add or del of that kind. */
struct netns *model_find_netns(const struct model *m, const char *name);
struct network *model_find_network(const struct model *m, const char *name);
struct endpoint *model_find_endpoint(const struct model *m, const char *name);
struct policy_rule *model_find_rule(const struct model *m, const char *name);
struct uplink *model_find_uplink(const struct model *m, const char *ifname);
/* The publish that any port of *p (proto, address, range) would collide with:
 * "any" collides with every address. */
struct publish *model_find_publish(const struct model *m,
				   const struct publish *p);

/* Append a copy; NULL when out of memory. before: index, or SIZE_MAX. add must
 * not point into the model: its arrays may move. */
struct netns *model_add_netns(struct model *m, const struct netns *add);
struct network *model_add_network(struct model *m, const struct network *add);
struct endpoint *model_add_endpoint(struct model *m,
				    const struct endpoint *add);
struct publish *model_add_publish(struct model *m, const struct publish *add);
struct policy_rule *
model_add_rule(struct model *m, const struct policy_rule *add, size_t before);
struct uplink *model_add_uplink(struct model *m, const struct uplink *add);

enum object_kind {
	OBJECT_SETTINGS,
	OBJECT_NETNS,
	OBJECT_NETWORK,
	OBJECT_ENDPOINT,
	OBJECT_UPLINK,
	OBJECT_PUBLISH,
	OBJECT_RULE,
};

/* One of any kind. */
union object {
	struct settings settings;
	struct netns netns;
	struct network network;
	struct endpoint endpoint;
	struct uplink uplink;
	struct publish publish;
	struct policy_rule rule;
};

/* Appends a copy; settings are replaced. False: out of memory. */
bool model_add_object(struct model *m, enum object_kind kind,
		      const void *object);

/* Of a kind: how many there are, and one of them. */
size_t model_object_count(const struct model *m, enum object_kind kind);
const void *model_object(const struct model *m, enum object_kind kind,
			 size_t index);

/* The pointer must point into the model's array. Nothing that refers to the
 * object is touched. */
void model_del_netns(struct model *m, struct netns *del);
void model_del_network(struct model *m, struct network *del);
void model_del_endpoint(struct model *m, struct endpoint *del);
void model_del_publish(struct model *m, struct publish *del);
void model_del_rule(struct model *m, struct policy_rule *del);
void model_del_uplink(struct model *m, struct uplink *del);

/* Do two objects say the same? Compares what users write and what is filled,
 * not origin. */
bool network_equal(const struct network *a, const struct network *b);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
bool publish_equal(const struct publish *a, const struct publish *b);
bool rule_equal(const struct policy_rule *a, const struct policy_rule *b);
bool uplink_equal(const struct uplink *a, const struct uplink *b);
bool netns_equal(const struct netns *a, const struct netns *b);
bool settings_equal(const struct settings *a, const struct settings *b);

/* Would both claim one port? "any" collides with every address. */
bool publish_collides(const struct publish *a, const struct publish *b);

/* Text forms used in messages, state files, lists and the file:
 * "8080/tcp", "192.0.2.1:8080-8090/udp" (IPv6: "[::1]:53/udp"), "net:NAME". */
const char *publish_print(const struct publish *p, char *buf, size_t len);
const char *policy_peer_print(const struct policy_peer *p, char *buf,
			      size_t len);
/* 0 or -EINVAL. "[HOSTIP:]PORT[-PORT][/tcp|udp]"; default tcp. */
int publish_parse_listen(const char *text, struct publish *ret,
			 struct err *err);
/* "any", "host", "world", "net:NAME", CIDR, address, else an endpoint name. */
int policy_peer_parse(const char *text, struct policy_peer *ret,
		      struct err *err);
/* "A" or "A-B", 1..65535. */
int port_range_parse(const char *text, struct port_range *ret);
const char *proto_print(__u8 proto); /* "tcp", "udp", "icmp", "icmpv6", "any" */
int proto_parse(const char *text, __u8 *ret_proto);
const char *action_print(enum rule_action action); /* "allow", "deny", ... */
int action_parse(const char *text, enum rule_action *ret);

/* "network apps", "port 8080/tcp", "settings": different for different objects of
 * a model. Into buf of OBJECT_TEXT_MAX bytes, which is returned. */
#define OBJECT_TEXT_MAX 96
const char *object_print(enum object_kind kind, const void *object, char *buf);

bool name_is_valid(const char *name); /* [A-Za-z0-9][A-Za-z0-9_.-]{0,62} */
#define IFNAME_HINT \
	"at most 15 bytes, no '/', ':', '%' or blank, not 'all' or 'default'"
/* 1 to 15 bytes, without '/', ':', '%' and blanks, not "all" or "default". */
bool ifname_is_valid(const char *name);

#endif
