/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_subnet - networks that name no subnet get free ones of both families */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/subnet.h"

static const struct taken nothing;

static struct cidr cidr(const char *text)
{
	struct cidr ret;

	assert_int_equal(cidr_parse(text, &ret), 0);
	return ret;
}

/* subnet NULL: to be found. */
static void add_network(struct model *m, const char *name, const char *subnet)
{
	struct network n = { .icc = true, .masquerade = true };

	snprintf(n.name, sizeof(n.name), "%s", name);
	if (subnet) {
		n.subnets[0] = cidr(subnet);
		n.nsubnets = 1;
	}
	assert_non_null(model_add_network(m, &n));
}

/* "10.90.0.0/24 fd90::/64" */
static const char *subnets_of(const struct model *m, const char *name)
{
	static char text[NETWORK_SUBNETS_MAX * CIDR_TEXT_MAX];
	const struct network *n = model_find_network(m, name);
	char buf[CIDR_TEXT_MAX];

	text[0] = '\0';
	for (size_t s = 0; s < n->nsubnets; s++) {
		strcat(text, s ? " " : "");
		strcat(text, cidr_print(&n->subnets[s], buf));
	}
	return text;
}

static void fill(struct model *m, const struct model *actual,
		 const struct taken *taken)
{
	struct err err;

	if (subnet_fill(m, actual, taken, &err))
		fail_msg("%s", err.text);
}

/* Two empty models: what is wanted and what exists. */
struct models {
	struct model m, actual;
};

static int setup(void **state)
{
	static struct models models;

	model_init(&models.m);
	model_init(&models.actual);
	*state = &models;
	return 0;
}

static int teardown(void **state)
{
	struct models *models = *state;

	model_free(&models->m);
	model_free(&models->actual);
	return 0;
}

static void first_networks_get_the_first_subnets(void **state)
{
	struct models *s = *state;

	add_network(&s->m, "a", NULL);
	add_network(&s->m, "b", NULL);
	fill(&s->m, &s->actual, &nothing);

	assert_string_equal(subnets_of(&s->m, "a"), "10.90.0.0/24 fd90::/64");
	assert_string_equal(subnets_of(&s->m, "b"),
			    "10.90.1.0/24 fd90:0:0:1::/64");
}

static void named_subnet_stays_alone(void **state)
{
	struct models *s = *state;

	add_network(&s->m, "a", "192.168.1.0/24");
	add_network(&s->m, "b", "fd00::/64");
	fill(&s->m, &s->actual, &nothing);

	assert_string_equal(subnets_of(&s->m, "a"), "192.168.1.0/24");
	assert_string_equal(subnets_of(&s->m, "b"), "fd00::/64");
}

static void other_networks_are_in_the_way(void **state)
{
	struct models *s = *state;

	add_network(&s->m, "new", NULL);
	add_network(&s->m, "inside", "10.90.0.128/25");
	add_network(&s->m, "around", "fd90::/62");
	add_network(&s->actual, "going", "10.90.1.0/24");
	fill(&s->m, &s->actual, &nothing);

	assert_string_equal(subnets_of(&s->m, "new"),
			    "10.90.2.0/24 fd90:0:0:4::/64");
}

static void hosts_prefixes_are_in_the_way(void **state)
{
	/* An address with host bits, a route into the pool, one around half of
	 * it, and two that are elsewhere. */
	const struct cidr prefixes[] = {
		cidr("10.90.128.7/24"),	   cidr("10.90.129.64/26"),
		cidr("10.90.0.0/17"),	   cidr("10.91.0.0/16"),
		cidr("fd90::5/128"),	   cidr("fd90:0:0:0:8000::/65"),
		cidr("fd90:0:0:2::1/63"),  cidr("fd90:0:1::/48"),
		cidr("fd90:0:0:1::9/128"),
	};
	const struct taken taken = { .prefixes = prefixes,
				     .count = sizeof(prefixes) /
					      sizeof(*prefixes) };
	struct models *s = *state;

	add_network(&s->m, "a", NULL);
	fill(&s->m, &s->actual, &taken);

	assert_string_equal(subnets_of(&s->m, "a"),
			    "10.90.130.0/24 fd90:0:0:4::/64");
}

static void running_network_keeps_its_subnets(void **state)
{
	const struct cidr prefix = cidr("10.90.0.0/16");
	const struct taken taken = { .prefixes = &prefix, .count = 1 };
	struct models *s = *state;

	add_network(&s->actual, "old", "10.90.7.0/24");
	add_network(&s->m, "old", NULL);
	fill(&s->m, &s->actual, &taken);

	assert_string_equal(subnets_of(&s->m, "old"), "10.90.7.0/24");
}

/* Also when the new network comes first in the file. */
static void new_network_does_not_take_a_running_ones(void **state)
{
	struct models *s = *state;

	add_network(&s->actual, "old", NULL);
	fill(&s->actual, &s->m, &nothing);
	add_network(&s->m, "new", NULL);
	add_network(&s->m, "old", NULL);
	fill(&s->m, &s->actual, &nothing);

	assert_string_equal(subnets_of(&s->m, "old"), "10.90.0.0/24 fd90::/64");
	assert_string_equal(subnets_of(&s->m, "new"),
			    "10.90.1.0/24 fd90:0:0:1::/64");
}

static void host_without_ipv6_gets_ipv4(void **state)
{
	const struct taken taken = { .no_ipv6 = true };
	struct models *s = *state;

	add_network(&s->m, "a", NULL);
	fill(&s->m, &s->actual, &taken);

	assert_string_equal(subnets_of(&s->m, "a"), "10.90.0.0/24");
}

static void what_goes_is_used_when_nothing_else_is_left(void **state)
{
	const struct cidr prefix = cidr("10.90.0.0/17");
	const struct taken taken = { .prefixes = &prefix, .count = 1 };
	struct models *s = *state;

	add_network(&s->m, "a", NULL);
	add_network(&s->m, "most", "10.90.128.0/18");
	add_network(&s->actual, "most", "10.90.128.0/18");
	add_network(&s->actual, "going", "10.90.192.0/18");
	fill(&s->m, &s->actual, &taken);

	assert_string_equal(subnets_of(&s->m, "a"), "10.90.192.0/24 fd90::/64");
}

static void assert_exhausted(struct models *s, const char *route,
			     const char *text)
{
	const struct cidr prefix = cidr(route);
	const struct taken taken = { .prefixes = &prefix, .count = 1 };
	struct err err;

	assert_int_equal(subnet_fill(&s->m, &s->actual, &taken, &err), -ENOSPC);
	assert_string_equal(err.text, text);
	assert_int_equal(err.exit, EXIT_CONFLICT);
	assert_string_equal(err.kind, "no-subnet");
	assert_non_null(strstr(err.hint, "subnet CIDR"));
}

static void route_over_all_of_ipv4_leaves_none(void **state)
{
	struct models *s = *state;

	add_network(&s->m, "a", NULL);
	assert_exhausted(s, "10.0.0.0/8",
			 "network 'a': no free subnet in 10.90.0.0/16");
}

static void route_over_all_of_ipv6_leaves_none(void **state)
{
	struct models *s = *state;

	add_network(&s->m, "a", NULL);
	assert_exhausted(s, "fd90::/48",
			 "network 'a': no free subnet in fd90::/48");
}

static void every_subnet_of_the_pool_is_given(void **state)
{
	struct models *s = *state;
	char name[16];
	struct err err;

	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		add_network(&s->m, name, NULL);
	}
	fill(&s->m, &s->actual, &nothing);
	assert_string_equal(subnets_of(&s->m, "n255"),
			    "10.90.255.0/24 fd90:0:0:ff::/64");

	add_network(&s->m, "last", NULL);
	assert_int_equal(subnet_fill(&s->m, &s->actual, &nothing, &err),
			 -ENOSPC);
}

static void last_ipv6_subnet_is_given(void **state)
{
	const struct cidr prefixes[] = {
		cidr("fd90::/49"),	    cidr("fd90:0:0:8000::/50"),
		cidr("fd90:0:0:c000::/51"), cidr("fd90:0:0:e000::/52"),
		cidr("fd90:0:0:f000::/53"), cidr("fd90:0:0:f800::/54"),
		cidr("fd90:0:0:fc00::/55"), cidr("fd90:0:0:fe00::/56"),
		cidr("fd90:0:0:ff00::/57"), cidr("fd90:0:0:ff80::/58"),
		cidr("fd90:0:0:ffc0::/59"), cidr("fd90:0:0:ffe0::/60"),
		cidr("fd90:0:0:fff0::/61"), cidr("fd90:0:0:fff8::/62"),
		cidr("fd90:0:0:fffc::/63"), cidr("fd90:0:0:fffe::/64"),
	};
	const struct taken taken = { .prefixes = prefixes,
				     .count = sizeof(prefixes) /
					      sizeof(*prefixes) };
	struct models *s = *state;

	add_network(&s->m, "a", NULL);
	fill(&s->m, &s->actual, &taken);

	assert_string_equal(subnets_of(&s->m, "a"),
			    "10.90.0.0/24 fd90:0:0:ffff::/64");
}

static void only_prefixes_near_the_pools_matter(void **state)
{
	static const char *const near[] = { "10.0.0.0/8",     "10.90.3.0/25",
					    "10.90.255.0/32", "fd00::/8",
					    "fd90::/64",      "0.0.0.0/0" };
	static const char *const far[] = { "10.91.0.0/16", "10.89.255.0/24",
					   "fd90:0:1::/48", "2000::/3",
					   "192.168.0.0/16" };

	(void)state;
	for (size_t i = 0; i < sizeof(near) / sizeof(*near); i++) {
		struct cidr prefix = cidr(near[i]);

		assert_true(subnet_may_overlap(&prefix));
	}
	for (size_t i = 0; i < sizeof(far) / sizeof(*far); i++) {
		struct cidr prefix = cidr(far[i]);

		assert_false(subnet_may_overlap(&prefix));
	}
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(first_networks_get_the_first_subnets),
		test(named_subnet_stays_alone),
		test(other_networks_are_in_the_way),
		test(hosts_prefixes_are_in_the_way),
		test(running_network_keeps_its_subnets),
		test(new_network_does_not_take_a_running_ones),
		test(host_without_ipv6_gets_ipv4),
		test(what_goes_is_used_when_nothing_else_is_left),
		test(route_over_all_of_ipv4_leaves_none),
		test(route_over_all_of_ipv6_leaves_none),
		test(every_subnet_of_the_pool_is_given),
		test(last_ipv6_subnet_is_given),
		test(only_prefixes_near_the_pools_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
