/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_compile - compiled rules decide as the list does */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/rules.h"
#include "random_policy.h"

#define LISTS 100
#define PACKETS 100

/* ------------------------------------------- reading an image, as bpf does */

static __u32 ref_at(const struct policy_image *image, __u32 table, __u32 index)
{
	__u32 line = table + index / POLICY_REFS;

	assert_true(line < image->nlines);
	return image->lines[line].refs[index % POLICY_REFS];
}

static void join(const struct policy_image *image, __u32 ref,
		 __u64 words[POLICY_WORDS])
{
	const struct policy_set *set = &image->lines[ref].set;
	__u32 at = set->words;

	assert_true(ref < image->nlines);
	if (!ref)
		return;
	for (__u32 i = 0; i < POLICY_WORDS; i++) {
		if (i % 64 == 0)
			assert_int_equal(at, set->words + set->rank[i / 64]);
		if (!(set->groups[i / 64] >> i % 64 & 1))
			continue;
		assert_true(at / 4 < image->nlines);
		words[i] |= image->lines[at / 4].words[at % 4];
		at++;
	}
}

static const struct policy_cidr_val *
longest_match(const struct policy_image *image, const struct ipaddr *ip)
{
	const struct policy_cidr *best = NULL;

	for (size_t i = 0; i < image->ncidrs; i++) {
		const struct policy_cidr *row = &image->cidrs[i];
		int bits = (int)row->key.prefix_bits - 32;

		if (naive_bits(&row->key.addr, ip, bits) &&
		    (!best || best->key.prefix_bits < row->key.prefix_bits))
			best = row;
	}
	return best ? &best->value : NULL;
}

static void read_party(const struct policy_image *image, __u32 table,
		       const struct party *party, __u64 words[POLICY_WORDS])
{
	static const char *const names[] = { "", "web", "mate", "db" };
	__u32 index = PARTY_WORLD;

	if (party->place == AT_HOST)
		index = PARTY_HOST;
	if (party->place == AT_ENDPOINT)
		index = PARTY_NETWORK +
			(strcmp(party->network, "front") ? 2 : 1);
	join(image, ref_at(image, table, index), words);
	for (__u32 slot = 1; slot <= 3 && party->endpoint; slot++)
		if (!strcmp(party->endpoint, names[slot]))
			join(image, ref_at(image, table, PARTY_ENDPOINT + slot),
			     words);
}

static void read_service(const struct policy_image *image,
			 const struct service *service,
			 __u64 words[POLICY_WORDS])
{
	const struct policy_head *head = &image->lines->head;
	__u32 kind = service->proto == IPPROTO_UDP ? PORTS_UDP : PORTS_TCP;
	__u32 block;

	join(image, ref_at(image, head->protos, service->proto), words);
	if (service->proto != IPPROTO_TCP && service->proto != IPPROTO_UDP)
		return;
	block = ref_at(image, head->blocks, kind * 256 + service->port / 256);
	if (block)
		join(image, ref_at(image, block, service->port % 256), words);
}

static __u32 image_find(const struct policy_image *image,
			const struct party *from, const struct party *to,
			const struct service *service)
{
	const struct policy_head *head = &image->lines->head;
	const struct policy_cidr_val *cidr_from =
		longest_match(image, &from->ip);
	const struct policy_cidr_val *cidr_to = longest_match(image, &to->ip);
	__u64 words[3][POLICY_WORDS] = { { 0 } };

	read_party(image, head->from, from, words[0]);
	read_party(image, head->to, to, words[1]);
	if (cidr_from)
		join(image, cidr_from->from, words[0]);
	if (cidr_to)
		join(image, cidr_to->to, words[1]);
	read_service(image, service, words[2]);

	for (__u32 rule = 0; rule < RULES_MAX; rule++) {
		__u64 word = words[0][rule / 64] & words[1][rule / 64] &
			     words[2][rule / 64];

		if (word >> rule % 64 & 1)
			return image
				->lines[head->verdicts + rule / POLICY_VERDICTS]
				.verdicts[rule % POLICY_VERDICTS]
				.id;
	}
	return 0;
}

static struct policy_image compile(const struct model *m)
{
	struct rule_val *rules = calloc(m->nrules + 1, sizeof(*rules));
	struct policy_image image = { 0 };
	struct err err = { 0 };
	size_t count;

	assert_non_null(rules);
	assert_int_equal(rules_of(m, rules, &count), 0);
	assert_int_equal(policy_compile(rules, count, &image, &err), 0);
	free(rules);
	return image;
}

/* ---------------------------------------------------------------- tests */

static void compare(struct dice *dice, const struct model *m)
{
	struct policy_image image = compile(m);

	for (int i = 0; i < PACKETS; i++) {
		bool v4 = dice_roll(dice, 2);
		struct party from = random_party(dice, dice_roll(dice, 6), v4);
		struct party to = random_party(dice, dice_roll(dice, 6), v4);
		struct service service = random_service(dice, v4);
		const struct policy_rule *rule =
			naive_find(m, &from, &to, &service);

		assert_int_equal(image_find(&image, &from, &to, &service),
				 rule ? rule->id : 0);
	}
	policy_image_free(&image);
}

static void compiled_rules_decide_as_the_list_does(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < LISTS; seed++) {
		struct dice dice = { seed };
		struct model m;

		random_policy_world(&m);
		random_policy(&dice, &m);
		compare(&dice, &m);
		model_free(&m);
	}
}

static struct model full_model(void)
{
	struct dice dice = { 1 };
	struct model m;

	random_policy_world(&m);
	m.rules = calloc(RULES_MAX, sizeof(*m.rules));
	assert_non_null(m.rules);
	for (m.nrules = 0; m.nrules < RULES_MAX; m.nrules++)
		m.rules[m.nrules] = (struct policy_rule){
			.id = m.nrules + 1,
			.from = random_stranger(&dice),
		};
	return m;
}

static void last_of_all_rules_is_found(void **state)
{
	struct dice dice = { 1 };
	struct model m = full_model();
	struct party web = random_party(&dice, 0, true);
	const struct service service = { IPPROTO_TCP, 80 };
	struct policy_image image;

	(void)state;
	m.rules[RULES_MAX - 1].from.kind = SEL_ANY;
	image = compile(&m);
	assert_int_equal(image_find(&image, &web, &web, &service), RULES_MAX);
	policy_image_free(&image);
	model_free(&m);
}

static void one_rule_more_than_the_limit_is_refused(void **state)
{
	struct rule_val *rules = calloc(RULES_MAX + 1, sizeof(*rules));
	struct policy_image image = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_non_null(rules);
	assert_int_equal(policy_compile(rules, RULES_MAX + 1, &image, &err),
			 -ENOSPC);
	assert_null(image.lines);
	free(rules);
}

static void policy_beyond_the_limit_of_memory_is_refused(void **state)
{
	struct rule_val *rules = calloc(RULES_MAX, sizeof(*rules));
	struct policy_image image = { 0 };
	struct err err = { 0 };
	struct dice dice = { 1 };

	(void)state;
	assert_non_null(rules);
	for (int i = 0; i < RULES_MAX; i++) {
		rules[i].proto = IPPROTO_TCP;
		rules[i].nports = RULE_PORTS_MAX;
		for (int k = 0; k < RULE_PORTS_MAX; k++) {
			__u16 low = 1 + dice_roll(&dice, 65000);

			rules[i].ports[k] =
				(struct port_range){ low, low + 500 };
		}
	}
	assert_int_equal(policy_compile(rules, RULES_MAX, &image, &err),
			 -ENOSPC);
	assert_string_equal(err.text, "the policy takes more than 64 MiB");
	assert_null(image.lines);
	free(rules);
}

static void same_sets_are_stored_once(void **state)
{
	struct rule_val rules[2] = { { .proto = IPPROTO_TCP },
				     { .proto = IPPROTO_UDP } };
	struct policy_image one, both;
	struct err err;

	(void)state;
	rules[0].nports = rules[1].nports = RULE_PORTS_MAX;
	for (int i = 0; i < RULE_PORTS_MAX; i++)
		rules[0].ports[i] = rules[1].ports[i] =
			(struct port_range){ 256 * i + 7, 256 * i + 9 };
	assert_int_equal(policy_compile(rules, 1, &one, &err), 0);
	assert_int_equal(policy_compile(rules, 2, &both, &err), 0);

	/* A rule's 16 ranges are the same part of 16 blocks: a set takes two
	 * lines, a block 32. The second rule adds its own; and of the first
	 * one's sets, those for either end and for its ports no longer agree. */
	assert_int_equal(both.nlines - one.nlines, 2 + 32 + 2);
	policy_image_free(&one);
	policy_image_free(&both);
}

static void same_rules_have_the_same_hash(void **state)
{
	struct rule_val rule = { .action = RULE_ALLOW };
	struct policy_image a, b, c;
	struct err err;

	(void)state;
	rule.to.kind = SELECT_CIDR;
	rule.to.addr = ip_text("10.0.0.0");
	rule.to.mask = ip_text("ffff:ffff:ffff:ffff:ffff:ffff:ff00:0");
	assert_int_equal(policy_compile(&rule, 1, &a, &err), 0);
	assert_int_equal(policy_compile(&rule, 1, &b, &err), 0);
	rule.to.addr = ip_text("11.0.0.0");
	assert_int_equal(policy_compile(&rule, 1, &c, &err), 0);

	assert_true(a.hash == b.hash);
	assert_true(a.hash != c.hash);
	policy_image_free(&a);
	policy_image_free(&b);
	policy_image_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiled_rules_decide_as_the_list_does),
		cmocka_unit_test(last_of_all_rules_is_found),
		cmocka_unit_test(one_rule_more_than_the_limit_is_refused),
		cmocka_unit_test(policy_beyond_the_limit_of_memory_is_refused),
		cmocka_unit_test(same_sets_are_stored_once),
		cmocka_unit_test(same_rules_have_the_same_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
