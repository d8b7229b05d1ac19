/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* subnet - free subnets for networks that name none */
#include "model/subnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

/*
 * A pool is a prefix that is cut into subnets of equal length, which are
 * numbered. What is in use is marked by number, so that a host with very many
 * routes costs one pass over them and not one for each candidate.
 */
struct pool {
	const char *text; /* the prefix */
	int len; /* of a subnet */
	__u32 count;
};

enum { POOL_V4, POOL_V6, POOL_COUNT };

static const struct pool pools[POOL_COUNT] = {
	[POOL_V4] = { "10.90.0.0/16", 24, 256 },
	[POOL_V6] = { "fd90::/48", 64, 65536 },
};

enum mark {
	MARK_TAKEN = 1 << 0, /* by the host */
	MARK_DESIRED = 1 << 1, /* by a network of that model */
	MARK_ACTUAL = 1 << 2,
};

static struct cidr pool_prefix(const struct pool *pool)
{
	struct cidr prefix = { 0 };

	cidr_parse(pool->text, &prefix);
	return prefix;
}

/* The subnet of this number. In both pools the number is one word's part. */
static struct cidr pool_subnet(const struct pool *pool, __u32 number)
{
	struct cidr subnet = pool_prefix(pool);

	subnet.len = pool->len;
	if (ip_is_v4(&subnet.addr))
		subnet.addr = ip_add(&subnet.addr, (long)number << 8);
	else
		subnet.addr.word[1] |= htonl(number);
	return subnet;
}

/* The number of the subnet that an address of the pool lies in. */
static __u32 pool_number(const struct ipaddr *ip)
{
	if (ip_is_v4(ip))
		return ntohl(ip->word[3]) >> 8 & 0xff;
	return ntohl(ip->word[1]) & 0xffff;
}

static void mark_prefix(const struct pool *pool, __u8 *marks,
			const struct cidr *prefix, enum mark mark)
{
	struct cidr whole = pool_prefix(pool);
	__u32 first = 0, count = pool->count;

	if (!cidr_overlaps(&whole, prefix))
		return;
	if (prefix->len > whole.len) {
		first = pool_number(&prefix->addr);
		count = prefix->len < pool->len ?
				1u << (pool->len - prefix->len) :
				1;
		/* Host bits are the address's, not the prefix's. */
		first &= ~(count - 1);
	}
	for (__u32 i = first; i < first + count; i++)
		marks[i] |= mark;
}

static void mark_model(const struct pool *pool, __u8 *marks,
		       const struct model *m, enum mark mark)
{
	for (size_t i = 0; i < m->nnetworks; i++)
		for (size_t s = 0; s < m->networks[i].nsubnets; s++)
			mark_prefix(pool, marks, &m->networks[i].subnets[s],
				    mark);
}

bool subnet_may_overlap(const struct cidr *prefix)
{
	for (int i = 0; i < POOL_COUNT; i++) {
		struct cidr whole = pool_prefix(&pools[i]);

		if (cidr_overlaps(&whole, prefix))
			return true;
	}
	return false;
}

/* pool->count: there is none. */
static __u32 find_unmarked(const struct pool *pool, const __u8 *marks,
			   __u8 avoid)
{
	__u32 number = 0;

	while (number < pool->count && (marks[number] & avoid))
		number++;
	return number;
}

static int subnet_pick(const struct pool *pool, __u8 *marks,
		       struct network *network, struct err *err)
{
	__u32 number = find_unmarked(pool, marks,
				     MARK_TAKEN | MARK_DESIRED | MARK_ACTUAL);

	if (number == pool->count)
		number = find_unmarked(pool, marks, MARK_TAKEN | MARK_DESIRED);
	if (number < pool->count) {
		marks[number] |= MARK_DESIRED;
		network->subnets[network->nsubnets++] =
			pool_subnet(pool, number);
		return 0;
	}
	err_set(err, -ENOSPC, "network '%s': no free subnet in %s",
		network->name, pool->text);
	err_kind(err, EXIT_CONFLICT, "no-subnet");
	err_hint(err, "other networks and the host's routes have all of it; "
		      "name one: subnet CIDR");
	return -ENOSPC;
}

static bool is_open(const struct network *network)
{
	return !network->nsubnets;
}

static void keep_subnets(struct model *desired, const struct model *actual)
{
	for (size_t i = 0; i < desired->nnetworks; i++) {
		struct network *network = &desired->networks[i];
		const struct network *old =
			model_find_network(actual, network->name);

		if (!is_open(network) || !old)
			continue;
		network->nsubnets = old->nsubnets;
		memcpy(network->subnets, old->subnets,
		       sizeof(network->subnets));
	}
}

int subnet_fill(struct model *desired, const struct model *actual,
		const struct taken *taken, struct err *err)
{
	int npools = taken->no_ipv6 ? POOL_V6 : POOL_COUNT;
	_cleanup_free_ __u8 *marks = NULL;
	__u8 *of[POOL_COUNT];

	keep_subnets(desired, actual);
	marks = calloc(1, pools[POOL_V4].count + pools[POOL_V6].count);
	if (!marks)
		return err_set(err, -ENOMEM, "out of memory");
	of[POOL_V4] = marks;
	of[POOL_V6] = marks + pools[POOL_V4].count;
	for (int p = 0; p < npools; p++) {
		mark_model(&pools[p], of[p], desired, MARK_DESIRED);
		mark_model(&pools[p], of[p], actual, MARK_ACTUAL);
		for (size_t i = 0; i < taken->count; i++)
			mark_prefix(&pools[p], of[p], &taken->prefixes[i],
				    MARK_TAKEN);
	}

	for (size_t i = 0; i < desired->nnetworks; i++) {
		struct network *network = &desired->networks[i];
		int rc = 0;

		if (!is_open(network))
			continue;
		for (int p = 0; p < npools && !rc; p++)
			rc = subnet_pick(&pools[p], of[p], network, err);
		if (rc)
			return rc;
	}
	return 0;
}
