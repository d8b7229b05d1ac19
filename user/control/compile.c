/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* compile - ordered rules as the sets that the datapath looks up */

/*
 * A rule matches a flow when neither end nor the service is against it. Each of
 * the three is looked up by itself: who is not named by a rule gets the sets of
 * the rules that name nobody, so the number of sets grows with what the rules
 * name and not with the product of it.
 *
 * A prefix stands for all addresses inside it, and longer prefixes take theirs
 * away from it. So the set of a prefix holds its own rules and those of all
 * prefixes around it, and the longest match has the whole answer. The same for
 * ports, which fall into intervals between the ends of the rules' ranges.
 */
#include "control/compile.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/sets.h"
#include "lib/cleanup.h"
#include "lib/hash.h"

/* The lengths that a prefix of struct ipaddr can have: how deep they nest. */
#define PREFIX_LENGTHS 129
#define V4_BITS 96 /* in front of an IPv4 address, where it is mapped */
#define PORTS 65536

enum side { SIDE_FROM, SIDE_TO, SIDES };

struct compiler {
	const struct rule_val *rules;
	__u32 count;
	struct lines lines;
	struct policy_head head;
	struct policy_cidr *cidrs;
	size_t ncidrs;
};

static const struct selector *selector_of(const struct rule_val *rule,
					  enum side side)
{
	return side == SIDE_FROM ? &rule->from : &rule->to;
}

static int table_add(struct compiler *c, __u32 refs, __u32 *ret)
{
	int line = lines_add(&c->lines, (refs + POLICY_REFS - 1) / POLICY_REFS);

	if (line < 0)
		return line;
	*ret = line;
	return 0;
}

static int compare_u64(const void *a, const void *b)
{
	__u64 left = *(const __u64 *)a, right = *(const __u64 *)b;

	return (left > right) - (left < right);
}

/* -------------------------------------------------------------- parties */

/* What a selector names, unless it names everybody or a prefix: -1. */
static int party_of(const struct selector *selector)
{
	switch (selector->kind) {
	case SELECT_WORLD:
		return PARTY_WORLD;
	case SELECT_HOST:
		return PARTY_HOST;
	case SELECT_NETWORK:
		return PARTY_NETWORK + (int)(selector->id % NETWORKS_MAX);
	case SELECT_ENDPOINT:
		return PARTY_ENDPOINT + (int)(selector->id % ENDPOINTS_MAX);
	default:
		return -1;
	}
}

/* Everybody who is no endpoint by name meets the rules that name nobody. */
static int parties_default(struct compiler *c, __u32 table,
			   const struct bits *any)
{
	__u32 ref;
	int rc = lines_add_set(&c->lines, any, &ref);

	for (__u32 party = 0; party < PARTY_ENDPOINT && !rc; party++)
		*lines_ref(&c->lines, table, party) = ref;
	return rc;
}

/* pairs: party and rule, sorted. */
static int parties_named(struct compiler *c, __u32 table,
			 const struct bits *any, const __u64 *pairs,
			 size_t count)
{
	size_t i = 0;
	int rc = 0;

	while (i < count && !rc) {
		__u32 party = pairs[i] >> 32, ref;
		struct bits bits = { 0 };

		if (party < PARTY_ENDPOINT)
			bits = *any;
		for (; i < count && pairs[i] >> 32 == party; i++)
			bits_add(&bits, (__u32)pairs[i]);
		rc = lines_add_set(&c->lines, &bits, &ref);
		if (!rc)
			*lines_ref(&c->lines, table, party) = ref;
	}
	return rc;
}

static int compile_parties(struct compiler *c, enum side side, __u32 table)
{
	_cleanup_free_ __u64 *pairs = calloc(c->count + 1, sizeof(*pairs));
	struct bits any = { 0 };
	size_t count = 0;
	int rc;

	if (!pairs)
		return -ENOMEM;
	for (__u32 i = 0; i < c->count; i++) {
		const struct selector *selector =
			selector_of(&c->rules[i], side);
		int party = party_of(selector);

		if (selector->kind == SELECT_ANY)
			bits_add(&any, i);
		if (party >= 0)
			pairs[count++] = (__u64)party << 32 | i;
	}
	qsort(pairs, count, sizeof(*pairs), compare_u64);
	rc = parties_default(c, table, &any);
	return rc ? rc : parties_named(c, table, &any, pairs, count);
}

/* ------------------------------------------------------------- prefixes */

#define NO_RULE UINT32_MAX

struct prefix {
	struct ipaddr addr;
	__u32 length; /* bits from the start of addr */
	__u32 rule; /* NO_RULE: of none */
	enum side side;
};

/* The prefixes around the one in hand, itself included, with their rules. */
struct nest {
	struct prefix prefixes[PREFIX_LENGTHS];
	struct bits bits[PREFIX_LENGTHS][SIDES];
	size_t depth;
};

static __u32 mask_length(const struct ipaddr *mask)
{
	__u32 length = 0;

	for (int i = 0; i < 4; i++)
		length += __builtin_popcount(mask->word[i]);
	return length;
}

static bool prefix_contains(const struct prefix *outer,
			    const struct prefix *inner)
{
	const __u8 *a = (const __u8 *)&outer->addr;
	const __u8 *b = (const __u8 *)&inner->addr;
	__u32 bytes = outer->length / 8, bits = outer->length % 8;

	if (outer->length > inner->length || memcmp(a, b, bytes) != 0)
		return false;
	return !bits || !((a[bytes] ^ b[bytes]) >> (8 - bits));
}

static bool prefix_is_v4(const struct prefix *prefix)
{
	return prefix->length >= V4_BITS && ip_is_v4(&prefix->addr);
}

/* Outer prefixes before the ones inside them. */
static int compare_prefixes(const void *a, const void *b)
{
	const struct prefix *left = a, *right = b;
	int order = ip_compare(&left->addr, &right->addr);

	if (order)
		return order;
	return (left->length > right->length) - (left->length < right->length);
}

static void nest_enter(struct nest *nest, const struct prefix *prefix)
{
	while (nest->depth &&
	       !prefix_contains(&nest->prefixes[nest->depth - 1], prefix))
		nest->depth--;
	/* "::/0" is around every IPv4 address, and says nothing about it. */
	if (nest->depth && prefix_is_v4(&nest->prefixes[nest->depth - 1]) ==
				   prefix_is_v4(prefix))
		memcpy(nest->bits[nest->depth], nest->bits[nest->depth - 1],
		       sizeof(*nest->bits));
	else
		memset(nest->bits[nest->depth], 0, sizeof(*nest->bits));
	nest->prefixes[nest->depth++] = *prefix;
}

static int nest_write(struct compiler *c, const struct nest *nest)
{
	const struct prefix *prefix = &nest->prefixes[nest->depth - 1];
	const struct bits *bits = nest->bits[nest->depth - 1];
	struct policy_cidr *cidr = &c->cidrs[c->ncidrs];
	int rc;

	cidr->key = (struct policy_cidr_key){
		.prefix_bits = 32 + prefix->length,
		.addr = prefix->addr,
	};
	rc = lines_add_set(&c->lines, &bits[SIDE_FROM], &cidr->value.from);
	if (!rc)
		rc = lines_add_set(&c->lines, &bits[SIDE_TO], &cidr->value.to);
	c->ncidrs += !rc;
	return rc;
}

/* prefixes: sorted. */
static int prefixes_write(struct compiler *c, const struct prefix *prefixes,
			  size_t count)
{
	_cleanup_free_ struct nest *nest = calloc(1, sizeof(*nest));
	size_t i = 0;
	int rc = 0;

	c->cidrs = calloc(count + 1, sizeof(*c->cidrs));
	if (!nest || !c->cidrs)
		return -ENOMEM;
	while (i < count && !rc) {
		const struct prefix *first = &prefixes[i];

		nest_enter(nest, first);
		for (; i < count && !compare_prefixes(&prefixes[i], first); i++)
			if (prefixes[i].rule != NO_RULE)
				bits_add(&nest->bits[nest->depth - 1]
						    [prefixes[i].side],
					 prefixes[i].rule);
		rc = nest_write(c, nest);
	}
	c->head.cidrs = c->ncidrs;
	return rc;
}

static int compile_prefixes(struct compiler *c)
{
	_cleanup_free_ struct prefix *prefixes =
		calloc(SIDES * (size_t)c->count + 1, sizeof(*prefixes));
	const struct prefix all_v4 = {
		.addr = ip_from_v4(0),
		.length = V4_BITS,
		.rule = NO_RULE,
	};
	size_t count = 0;

	if (!prefixes)
		return -ENOMEM;
	for (__u32 i = 0; i < c->count; i++) {
		for (enum side side = SIDE_FROM; side < SIDES; side++) {
			const struct selector *selector =
				selector_of(&c->rules[i], side);

			if (selector->kind != SELECT_CIDR)
				continue;
			prefixes[count++] = (struct prefix){
				.addr = selector->addr,
				.length = mask_length(&selector->mask),
				.rule = i,
				.side = side,
			};
		}
	}
	/* The longest match of an IPv4 address has to be one of IPv4's. */
	if (count)
		prefixes[count++] = all_v4;
	qsort(prefixes, count, sizeof(*prefixes), compare_prefixes);
	return prefixes_write(c, prefixes, count);
}

/* ------------------------------------------------------------- services */

/* Rules without ports, for each protocol. */
static int compile_protos(struct compiler *c)
{
	struct bits every = { 0 };
	int rc = 0;

	for (__u32 i = 0; i < c->count; i++)
		if (!c->rules[i].nports && !c->rules[i].proto)
			bits_add(&every, i);
	for (__u32 proto = 0; proto < 256 && !rc; proto++) {
		struct bits bits = every;
		__u32 ref;

		for (__u32 i = 0; proto && i < c->count; i++)
			if (!c->rules[i].nports && c->rules[i].proto == proto)
				bits_add(&bits, i);
		rc = lines_add_set(&c->lines, &bits, &ref);
		if (!rc)
			*lines_ref(&c->lines, c->head.protos, proto) = ref;
	}
	return rc;
}

/* Where a rule's range begins or has ended, as one sortable number. */
static __u64 edge_make(__u32 port, __u32 rule, bool begins)
{
	return (__u64)port << 32 | rule << 1 | begins;
}

static size_t edges_find(const struct compiler *c, __u8 proto, __u64 *ret)
{
	size_t count = 0;

	for (__u32 i = 0; i < c->count; i++) {
		const struct rule_val *rule = &c->rules[i];

		if (rule->proto && rule->proto != proto)
			continue;
		for (int k = 0; k < rule->nports; k++) {
			if (rule->ports[k].low > rule->ports[k].high)
				continue;
			ret[count++] = edge_make(rule->ports[k].low, i, true);
			ret[count++] =
				edge_make(rule->ports[k].high + 1, i, false);
		}
	}
	qsort(ret, count, sizeof(*ret), compare_u64);
	return count;
}

/* The reference of every port. A rule's ranges may overlap: open counts how
 * many of them the port in hand is in. */
static int ports_fill(struct compiler *c, const __u64 *edges, size_t count,
		      __u8 *open, __u32 refs[PORTS])
{
	struct bits bits = { 0 };
	size_t i = 0;

	while (i < count) {
		__u32 port = edges[i] >> 32, next = PORTS, ref;
		int rc;

		for (; i < count && edges[i] >> 32 == port; i++) {
			__u32 rule = (__u32)edges[i] >> 1;

			open[rule] += edges[i] & 1 ? 1 : -1;
			if (open[rule])
				bits_add(&bits, rule);
			else
				bits_del(&bits, rule);
		}
		if (i < count)
			next = edges[i] >> 32;
		rc = lines_add_set(&c->lines, &bits, &ref);
		if (rc)
			return rc;
		for (; port < next; port++)
			refs[port] = ref;
	}
	return 0;
}

static int compile_ports(struct compiler *c, enum policy_ports kind, __u8 proto)
{
	_cleanup_free_ __u64 *edges = calloc(
		2 * RULE_PORTS_MAX * (size_t)c->count + 1, sizeof(*edges));
	_cleanup_free_ __u8 *open = calloc(c->count + 1, sizeof(*open));
	_cleanup_free_ __u32 *refs = calloc(PORTS, sizeof(*refs));
	int rc;

	if (!edges || !open || !refs)
		return -ENOMEM;
	rc = ports_fill(c, edges, edges_find(c, proto, edges), open, refs);
	for (__u32 high = 0; high < 256 && !rc; high++) {
		__u32 block;

		rc = lines_add_block(&c->lines, refs + high * 256, &block);
		if (!rc)
			*lines_ref(&c->lines, c->head.blocks,
				   kind * 256 + high) = block;
	}
	return rc;
}

/* ---------------------------------------------------------------- whole */

static int compile_verdicts(struct compiler *c)
{
	int line = lines_add(&c->lines, (c->count + POLICY_VERDICTS - 1) /
						POLICY_VERDICTS);

	if (line < 0)
		return line;
	c->head.verdicts = line;
	for (__u32 i = 0; i < c->count; i++)
		c->lines.lines[line + i / POLICY_VERDICTS]
			.verdicts[i % POLICY_VERDICTS] =
			(struct policy_verdict){
				.id = c->rules[i].id,
				.action = c->rules[i].action,
				.flags = c->rules[i].log ? VERDICT_LOG : 0,
			};
	return 0;
}

/* The head is line 0, so that no set has that number. */
static int compile(struct compiler *c)
{
	struct policy_head *head = &c->head;
	int rc = lines_add(&c->lines, 1);

	head->rules = c->count;
	rc = rc ? rc : table_add(c, PARTY_COUNT, &head->from);
	rc = rc ? rc : table_add(c, PARTY_COUNT, &head->to);
	rc = rc ? rc : table_add(c, 256, &head->protos);
	rc = rc ? rc : table_add(c, PORTS_COUNT * 256, &head->blocks);
	rc = rc ? rc : compile_verdicts(c);
	rc = rc ? rc : compile_parties(c, SIDE_FROM, head->from);
	rc = rc ? rc : compile_parties(c, SIDE_TO, head->to);
	rc = rc ? rc : compile_prefixes(c);
	rc = rc ? rc : compile_protos(c);
	rc = rc ? rc : compile_ports(c, PORTS_TCP, IPPROTO_TCP);
	rc = rc ? rc : compile_ports(c, PORTS_UDP, IPPROTO_UDP);
	if (!rc)
		c->lines.lines->head = *head;
	return rc;
}

static int compile_failed(int rc, struct err *err)
{
	if (rc == -ENOMEM)
		return err_set(err, rc, "out of memory");
	err_set(err, rc, "the policy takes more than %zu MiB",
		POLICY_LINES_MAX * sizeof(union policy_line) >> 20);
	err_hint(err, "many rules with long, different lists of ports do that");
	return rc;
}

/* Zero stands for a policy that is not known. */
__u64 policy_hash(const struct rule_val *rules, size_t count)
{
	__u64 hash = hash_quick(rules, count * sizeof(*rules));

	return hash ? hash : 1;
}

int policy_compile(const struct rule_val *rules, size_t count,
		   struct policy_image *ret, struct err *err)
{
	struct compiler c = { .rules = rules, .count = count };
	int rc;

	if (count > RULES_MAX)
		return err_set(err, -ENOSPC, "more than %d rules", RULES_MAX);
	rc = compile(&c);
	if (rc) {
		lines_free(&c.lines);
		free(c.cidrs);
		return compile_failed(rc, err);
	}
	*ret = (struct policy_image){
		.lines = c.lines.lines,
		.nlines = c.lines.count,
		.cidrs = c.cidrs,
		.ncidrs = c.ncidrs,
	};
	c.lines.lines = NULL; /* ret's now */
	ret->hash = policy_hash(rules, count);
	lines_free(&c.lines);
	return 0;
}

void policy_image_free(struct policy_image *image)
{
	free(image->lines);
	free(image->cidrs);
	*image = (struct policy_image){ 0 };
}
