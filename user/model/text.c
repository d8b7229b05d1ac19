/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* text - the forms that users type and read: ports, selectors, names */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"

/* Longest text of an address in a port's listen form, brackets included. */
#define LISTEN_HOST_MAX (IP_TEXT_MAX + 2)

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
			      "wxyz";
static const char digits[] = "0123456789";

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

bool name_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > NAME_LEN_MAX)
		return false;
	if (!is_one_of(name[0], letters) && !is_one_of(name[0], digits))
		return false;
	for (const char *c = name; *c; c++)
		if (!is_one_of(*c, letters) && !is_one_of(*c, digits) &&
		    !is_one_of(*c, "_.-"))
			return false;
	return true;
}

bool ifname_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= IFNAMSIZ || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return false;
	/* Directories of sysctls, which is why Linux refuses them. */
	if (!strcmp(name, "all") || !strcmp(name, "default"))
		return false;
	for (const char *c = name; *c; c++)
		/* Of "eth%d" the kernel makes eth0, eth1 and so on. */
		if (*c <= ' ' || *c >= 0x7f || strchr("/:%", *c))
			return false;
	return true;
}

static const struct {
	__u8 proto;
	const char *name;
} protos[] = {
	{ 0, "any" },
	{ IPPROTO_TCP, "tcp" },
	{ IPPROTO_UDP, "udp" },
	{ IPPROTO_ICMP, "icmp" },
	{ IPPROTO_ICMPV6, "icmpv6" },
};

const char *proto_print(__u8 proto)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(*protos); i++)
		if (protos[i].proto == proto)
			return protos[i].name;
	return "unknown";
}

int proto_parse(const char *text, __u8 *ret_proto)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(*protos); i++) {
		if (!strcmp(protos[i].name, text)) {
			*ret_proto = protos[i].proto;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *const actions[] = {
	[RULE_DENY] = "deny",
	[RULE_ALLOW] = "allow",
	[RULE_REJECT] = "reject",
};

#define ACTION_COUNT (sizeof(actions) / sizeof(*actions))

const char *action_print(enum rule_action action)
{
	return (size_t)action < ACTION_COUNT ? actions[action] : "unknown";
}

int action_parse(const char *text, enum rule_action *ret)
{
	for (size_t i = 0; i < ACTION_COUNT; i++) {
		if (!strcmp(actions[i], text)) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* Reads 1..65535 and moves *text behind it; no sign, blank or leading zero. */
static int take_port(const char **text, __u16 *ret)
{
	unsigned int port = 0;
	const char *c = *text;

	if (*c == '0')
		return -EINVAL;
	for (; is_one_of(*c, digits); c++) {
		port = port * 10 + (unsigned int)(*c - '0');
		if (port > 65535)
			return -EINVAL;
	}
	if (c == *text)
		return -EINVAL;
	*text = c;
	*ret = (__u16)port;
	return 0;
}

int port_range_parse(const char *text, struct port_range *ret)
{
	struct port_range range;

	if (take_port(&text, &range.low))
		return -EINVAL;
	range.high = range.low;
	if (*text == '-') {
		text++;
		if (take_port(&text, &range.high))
			return -EINVAL;
	}
	if (*text || range.high < range.low)
		return -EINVAL;
	*ret = range;
	return 0;
}

/*
 * "HOSTIP:" before the ports: IPv6 in brackets, so the last colon ends it. The
 * unspecified address of either family means every address of the host.
 */
static int parse_listen_host(const char *text, size_t len, struct publish *p)
{
	char host[LISTEN_HOST_MAX];
	bool brackets = text[0] == '[';
	struct ipaddr ip;

	if (brackets) {
		if (len < 2 || text[len - 1] != ']')
			return -EINVAL;
		text++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (ip_parse(host, &ip) || ip_is_v4(&ip) == brackets)
		return -EINVAL;
	p->any_host = ip_is_any(&ip);
	if (!p->any_host)
		p->host_ip = ip;
	return 0;
}

int publish_parse_listen(const char *text, struct publish *ret, struct err *err)
{
	struct publish p = { .proto = IPPROTO_TCP, .any_host = true };
	const char *ports = strrchr(text, ':');
	const char *slash = strchr(text, '/');
	char range_text[sizeof("65535-65535")];
	struct port_range range;
	size_t len;

	if (ports && parse_listen_host(text, (size_t)(ports - text), &p)) {
		err_usage(err, "port '%s': not an address before ':'", text);
		err_hint(err, "e.g. 192.0.2.1:8080 or [2001:db8::1]:8080");
		return -EINVAL;
	}
	ports = ports ? ports + 1 : text;

	if (slash && strcmp(slash, "/tcp") && strcmp(slash, "/udp")) {
		err_usage(err, "port '%s': unknown protocol '%s'", text,
			  slash + 1);
		err_hint(err, "tcp or udp");
		return -EINVAL;
	}
	if (slash && !strcmp(slash, "/udp"))
		p.proto = IPPROTO_UDP;

	len = slash ? (size_t)(slash - ports) : strlen(ports);
	if (len < sizeof(range_text)) {
		memcpy(range_text, ports, len);
		range_text[len] = '\0';
	}
	if (len >= sizeof(range_text) || port_range_parse(range_text, &range)) {
		err_usage(err, "port '%s': not a port or a range of ports",
			  text);
		err_hint(err, "[HOSTIP:]PORT[-PORT][/tcp|udp], 1 to 65535");
		return -EINVAL;
	}
	p.port = range.low;
	p.port_last = range.high;
	p.target_port = p.port;
	*ret = p;
	return 0;
}

const char *publish_print(const struct publish *p, char *buf, size_t len)
{
	char host[ENDPOINT_TEXT_MAX];
	char last[sizeof("-65535")] = "";

	if (p->port_last != p->port)
		snprintf(last, sizeof(last), "-%u", p->port_last);
	if (p->any_host)
		snprintf(host, sizeof(host), "%u", p->port);
	else
		ip_port_print(&p->host_ip, p->port, host);
	snprintf(buf, len, "%s%s/%s", host, last, proto_print(p->proto));
	return buf;
}

const char *object_print(enum object_kind kind, const void *object, char *buf)
{
	static const char *const words[] = {
		[OBJECT_SETTINGS] = "settings", [OBJECT_NETNS] = "netns",
		[OBJECT_NETWORK] = "network",	[OBJECT_ENDPOINT] = "endpoint",
		[OBJECT_UPLINK] = "uplink",	[OBJECT_PUBLISH] = "port",
		[OBJECT_RULE] = "rule",
	};
	char port[OBJECT_TEXT_MAX - 8];
	const char *name = object; /* what all others begin with */

	if (kind == OBJECT_SETTINGS)
		name = "";
	if (kind == OBJECT_PUBLISH)
		name = publish_print(object, port, sizeof(port));
	snprintf(buf, OBJECT_TEXT_MAX, "%s%s%.*s", words[kind],
		 *name ? " " : "", (int)sizeof(port) - 1, name);
	return buf;
}

const char *policy_peer_print(const struct policy_peer *p, char *buf,
			      size_t len)
{
	char cidr[CIDR_TEXT_MAX];
	char ip[IP_TEXT_MAX];

	switch (p->kind) {
	case SEL_ANY:
		snprintf(buf, len, "any");
		break;
	case SEL_HOST:
		snprintf(buf, len, "host");
		break;
	case SEL_WORLD:
		snprintf(buf, len, "world");
		break;
	case SEL_ENDPOINT:
		snprintf(buf, len, "%s", p->name);
		break;
	case SEL_NETWORK:
		snprintf(buf, len, "net:%s", p->name);
		break;
	case SEL_CIDR:
		snprintf(buf, len, "%s",
			 cidr_bits(&p->cidr) == 128 ?
				 ip_print(&p->cidr.addr, ip) :
				 cidr_print(&p->cidr, cidr));
		break;
	}
	return buf;
}

static int parse_cidr_peer(const char *text, struct policy_peer *ret,
			   struct err *err)
{
	struct policy_peer peer = { .kind = SEL_CIDR };
	char buf[CIDR_TEXT_MAX];
	struct cidr subnet;

	if (cidr_parse(text, &peer.cidr)) {
		err_usage(err, "'%s' is not a prefix", text);
		err_hint(err, "e.g. 10.0.0.0/8");
		return -EINVAL;
	}
	if (cidr_has_host_bits(&peer.cidr)) {
		subnet = cidr_subnet(&peer.cidr);
		err_usage(err, "prefix '%s' has host bits", text);
		err_hint(err, "did you mean %s?", cidr_print(&subnet, buf));
		return -EINVAL;
	}
	*ret = peer;
	return 0;
}

int policy_peer_parse(const char *text, struct policy_peer *ret,
		      struct err *err)
{
	struct policy_peer peer = { .kind = SEL_ENDPOINT };
	const char *name = text;

	if (strchr(text, '/'))
		return parse_cidr_peer(text, ret, err);

	if (!strcmp(text, "any")) {
		peer.kind = SEL_ANY;
	} else if (!strcmp(text, "host")) {
		peer.kind = SEL_HOST;
	} else if (!strcmp(text, "world")) {
		peer.kind = SEL_WORLD;
	} else if (!ip_parse(text, &peer.cidr.addr)) {
		peer.kind = SEL_CIDR;
		peer.cidr.len = ip_is_v4(&peer.cidr.addr) ? 32 : 128;
	} else {
		if (!strncmp(text, "net:", 4)) {
			peer.kind = SEL_NETWORK;
			name += 4;
		}
		if (!name_is_valid(name)) {
			err_usage(err, "'%s' is not a selector", text);
			err_hint(err, "an endpoint, net:NAME, an address or "
				      "prefix, host, world or any");
			return -EINVAL;
		}
		snprintf(peer.name, sizeof(peer.name), "%s", name);
	}
	*ret = peer;
	return 0;
}
