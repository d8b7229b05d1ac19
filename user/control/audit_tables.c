/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* audit_tables - what the programs read, beside what the record says */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "control/audit.h"
#include "control/sync.h"

#define TEXT_MAX 128

/* "... in the table of ..." */
static const char *const contents[MAP_COUNT] = {
	[MAP_ENDPOINTS] = "containers' devices",
	[MAP_ADDRS] = "containers' addresses",
	[MAP_NETWORKS] = "networks",
	[MAP_NO_MASQ] = "destinations without masquerade",
	[MAP_SUBNETS] = "subnets",
	[MAP_LOCALS] = "the host's addresses",
	[MAP_UPLINKS] = "uplinks",
	[MAP_PUBLISH] = "published ports",
	[MAP_PUB_FROM] = "clients of published ports",
};

/* ------------------------------------------------------- whose entry it is */

static void put_device(char text[TEXT_MAX], const struct audit *audit,
		       const void *key)
{
	const struct link_info *link;
	__u32 ifindex;

	memcpy(&ifindex, key, sizeof(ifindex));
	link = host_find_index(audit->host, (int)ifindex);
	if (link)
		snprintf(text, TEXT_MAX, "device %s", link->name);
	else
		snprintf(text, TEXT_MAX, "device %u, which is gone,", ifindex);
}

static void put_network(char text[TEXT_MAX], const struct audit *audit,
			__u32 id)
{
	const struct model *model = &audit->control->model;

	for (size_t i = 0; i < model->nnetworks; i++)
		if (model->networks[i].id == id) {
			snprintf(text, TEXT_MAX, "network %s",
				 model->networks[i].name);
			return;
		}
	snprintf(text, TEXT_MAX, "a network that is gone");
}

static void put_address(char text[TEXT_MAX], const void *key)
{
	char address[IP_TEXT_MAX];
	struct ipaddr ip;

	memcpy(&ip, key, sizeof(ip));
	snprintf(text, TEXT_MAX, "address %s", ip_print(&ip, address));
}

/* bits: as in abi.h, of the address alone. */
static const char *prefix(char text[CIDR_TEXT_MAX], const struct ipaddr *addr,
			  __u32 bits)
{
	const struct cidr cidr = { .addr = *addr,
				   .len = ip_is_v4(addr) && bits >= 96 ?
						  bits - 96 :
						  bits };

	return cidr_print(&cidr, text);
}

static void put_no_masq(char text[TEXT_MAX], const struct audit *audit,
			const void *at)
{
	char cidr[CIDR_TEXT_MAX], network[TEXT_MAX];
	struct no_masq_key key;

	memcpy(&key, at, sizeof(key));
	put_network(network, audit, key.network);
	snprintf(text, TEXT_MAX, "%s of %.70s",
		 prefix(cidr, &key.addr, key.prefix_bits - 32), network);
}

static void put_subnet(char text[TEXT_MAX], const void *at)
{
	char cidr[CIDR_TEXT_MAX];
	struct subnet_key key;

	memcpy(&key, at, sizeof(key));
	snprintf(text, TEXT_MAX, "subnet %s",
		 prefix(cidr, &key.addr, key.prefix_bits));
}

static void put_port(char text[TEXT_MAX], const void *at)
{
	const struct ipaddr any_v4 = ip_from_v4(0);
	struct publish publish = { 0 };
	struct publish_key key;
	char port[TEXT_MAX - 8];

	memcpy(&key, at, sizeof(key));
	publish.proto = key.proto;
	publish.port = publish.port_last = ntohs(key.port);
	publish.host_ip = key.host;
	publish.any_host =
		ip_is_zero(&key.host) || ip_equal(&key.host, &any_v4);
	snprintf(text, TEXT_MAX, "port %s",
		 publish_print(&publish, port, sizeof(port)));
}

static void put_client(char text[TEXT_MAX], const struct audit *audit,
		       const void *at)
{
	const struct model *model = &audit->control->model;
	char cidr[CIDR_TEXT_MAX], port[TEXT_MAX / 2] = "that is gone";
	struct publish_from_key key;

	memcpy(&key, at, sizeof(key));
	for (size_t i = 0; i < model->npublishes; i++)
		if (model->publishes[i].id == key.publish)
			publish_print(&model->publishes[i], port, sizeof(port));
	snprintf(text, TEXT_MAX, "%s of port %s",
		 prefix(cidr, &key.addr, key.prefix_bits - 32), port);
}

static void put_entry(char text[TEXT_MAX], const struct audit *audit,
		      enum map_id map, const char *key)
{
	__u32 number;

	memcpy(&number, key, sizeof(number));
	switch (map) {
	case MAP_ENDPOINTS:
		put_device(text, audit, key);
		return;
	case MAP_ADDRS:
	case MAP_LOCALS:
		put_address(text, key);
		return;
	case MAP_NETWORKS:
		put_network(text, audit, number);
		return;
	case MAP_NO_MASQ:
		put_no_masq(text, audit, key);
		return;
	case MAP_SUBNETS:
		put_subnet(text, key);
		return;
	case MAP_PUBLISH:
		put_port(text, key);
		return;
	case MAP_PUB_FROM:
		put_client(text, audit, key);
		return;
	default:
		snprintf(text, TEXT_MAX, "number %u", number + 1);
	}
}

/* ------------------------------------------------------------------- all */

/* The host's own addresses change without anybody's fault. */
static bool is_of_host(enum map_id map)
{
	return map == MAP_LOCALS || map == MAP_UPLINKS;
}

static void tell_entries(struct audit *audit, enum map_id map,
			 const struct table_differ *differ)
{
	static const char *const flaw[] = {
		[FLAW_MISSING] = "is missing",
		[FLAW_SURPLUS] = "is one too many",
		[FLAW_CHANGED] = "has a wrong entry",
	};
	char text[TEXT_MAX], more[64] = "";

	put_entry(text, audit, map, differ->key);
	if (differ->count > 1)
		snprintf(more, sizeof(more), ", %zu more %s wrong",
			 differ->count - 1, differ->count > 2 ? "are" : "is");
	audit_defect(audit, "table",
		     is_of_host(map) ? SEVERITY_WARNING : SEVERITY_ERROR,
		     map_name[map],
		     "%s %s in the table of %s%s: packets go by the table",
		     text, flaw[differ->flaw], contents[map], more);
}

static void tell(struct audit *audit, enum map_id map,
		 const struct table_differ *differ)
{
	if (map == MAP_CONFIG)
		audit_defect(audit, "table", SEVERITY_ERROR, map_name[map],
			     "the settings in force are not those that the "
			     "record has: packets go by them");
	else if (map == MAP_POLICY)
		audit_defect(audit, "table", SEVERITY_ERROR, map_name[map],
			     "the policy in force is not the one that the "
			     "record has: packets go by it");
	else
		tell_entries(audit, map, differ);
	audit->refill = true;
}

int audit_tables(struct audit *audit, struct err *err)
{
	struct control *control = audit->control;
	struct table_differ differ[MAP_COUNT];
	int rc = sync_compare(control->dp, &control->model, audit->host, differ,
			      err);

	if (rc)
		return rc;
	report_begin(audit->report);
	for (int map = 0; map < MAP_COUNT; map++)
		if (differ[map].count)
			tell(audit, map, &differ[map]);
	report_end(audit->report, "table", "all as recorded");
	if (audit->mend && differ[MAP_POLICY].count)
		policy_distrust(control->dp);
	return 0;
}
