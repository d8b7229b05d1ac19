/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_ip - addresses, prefixes and MACs */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/ip.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static struct ipaddr ip(const char *text)
{
	struct ipaddr ret;

	if (ip_parse(text, &ret))
		fail_msg("'%s' is no address", text);
	return ret;
}

static struct cidr cidr(const char *text)
{
	struct cidr ret;

	if (cidr_parse(text, &ret))
		fail_msg("'%s' is no prefix", text);
	return ret;
}

static void assert_ip(struct ipaddr actual, const char *expected)
{
	char text[IP_TEXT_MAX];

	assert_string_equal(ip_print(&actual, text), expected);
}

static void ipv4_is_mapped_into_ipv6(void **state)
{
	static const __u8 expected[16] = { [10] = 0xff, 0xff, 192, 0, 2, 33 };
	struct ipaddr addr = ip("192.0.2.33");

	(void)state;
	assert_memory_equal(&addr, expected, sizeof(expected));
	assert_true(ip_is_v4(&addr));
	assert_int_equal(ip_to_v4(&addr), htonl(0xc0000221));
}

static void ipv4_from_wire_order_is_the_parsed_one(void **state)
{
	struct ipaddr built = ip_from_v4(htonl(0xc0000221));
	struct ipaddr parsed = ip("192.0.2.33");

	(void)state;
	assert_true(ip_equal(&built, &parsed));
}

static void ipv6_keeps_its_bytes(void **state)
{
	static const __u8 expected[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	struct ipaddr addr = ip("2001:db8::1");

	(void)state;
	assert_memory_equal(&addr, expected, sizeof(expected));
	assert_false(ip_is_v4(&addr));
}

static void address_prints_as_it_was_parsed(void **state)
{
	static const char *const texts[] = {
		"0.0.0.0",
		"255.255.255.255",
		"10.0.0.1",
		"::",
		"::1",
		"fe80::1",
		"2001:db8::1",
		"fd00:1:2:3:4:5:6:7",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++)
		assert_ip(ip(texts[i]), texts[i]);
}

static void ipv6_prints_in_its_short_form(void **state)
{
	(void)state;
	assert_ip(ip("2001:0DB8:0:0:0:0:0:00a"), "2001:db8::a");
}

static void other_forms_of_addresses_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"10.1",
		"10",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.",
		".1.2.3",
		"1..2.3",
		"256.1.1.1",
		"1.2.3.256",
		"010.1.1.1",
		"1.2.3.04",
		"00.0.0.0",
		"0x10.1.1.1",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1.2.3.4\n",
		"1.2.3.4/24",
		"1.2.3.-4",
		"+1.2.3.4",
		"1,2,3,4",
		"1.2.3.4:80",
		"localhost",
		":",
		":::",
		"1::2::3",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"12345::",
		"::g",
		"fe80::1%eth0",
		"[::1]",
		"::1 ",
		" ::1",
		"::1/128",
		"::1.2.3",
		"::ffff:10.0.0.1",
		"::ffff:a00:1",
	};
	const struct ipaddr untouched = { { 1, 2, 3, 4 } };

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct ipaddr addr = untouched;

		if (ip_parse(texts[i], &addr) != -EINVAL)
			fail_msg("'%s' was accepted", texts[i]);
		assert_memory_equal(&addr, &untouched, sizeof(addr));
	}
}

static void prefix_prints_as_it_was_parsed(void **state)
{
	static const char *const texts[] = {
		"0.0.0.0/0",	"10.0.0.1/8",
		"192.0.2.0/24", "192.0.2.1/32",
		"::/0",		"fd00::1/64",
		"::1/128",	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127",
	};
	char text[CIDR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct cidr prefix = cidr(texts[i]);

		assert_string_equal(cidr_print(&prefix, text), texts[i]);
	}
}

static void other_forms_of_prefixes_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"/",
		"/24",
		"1.2.3.4",
		"1.2.3.4/",
		"1.2.3.4/33",
		"1.2.3.4/-1",
		"1.2.3.4/+8",
		"1.2.3.4/08",
		"1.2.3.4/00",
		"1.2.3.4/ 8",
		"1.2.3.4/8 ",
		"1.2.3.4 /8",
		"1.2.3.4/8/8",
		"1.2.3.4/255.0.0.0",
		"1.2.3.4/0x8",
		"1.2.3.4/4294967304",
		"10.1/16",
		"010.0.0.0/8",
		"::/129",
		"::/999",
		"fe80::1%eth0/64",
		"::ffff:10.0.0.0/104",
		"0000000000000000000000000000000000000000000000000001::/8",
	};
	const struct cidr untouched = { { { 1, 2, 3, 4 } }, 5 };

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct cidr prefix = untouched;

		if (cidr_parse(texts[i], &prefix) != -EINVAL)
			fail_msg("'%s' was accepted", texts[i]);
		assert_memory_equal(&prefix, &untouched, sizeof(prefix));
	}
}

static void mac_prints_as_it_was_parsed(void **state)
{
	char text[MAC_TEXT_MAX];
	__u8 mac[6];

	(void)state;
	assert_int_equal(mac_parse("02:00:0a:Bc:0D:ff", mac), 0);
	assert_string_equal(mac_print(mac, text), "02:00:0a:bc:0d:ff");
}

static void other_forms_of_macs_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"02:00:00:00:00",
		"02:00:00:00:00:01:02",
		"2:0:0:0:0:1",
		"02-00-00-00-00-01",
		"0200.0000.0001",
		"02:00:00:00:00:0g",
		"02:00:00:00:00:1 ",
		"02:00:00:00:00:001",
		" 2:00:00:00:00:01",
		"00:00:00:00:00:00",
		"01:00:5e:00:00:01",
		"ff:ff:ff:ff:ff:ff",
	};
	static const __u8 untouched[6] = { 9, 9, 9, 9, 9, 9 };

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		__u8 mac[6];

		memcpy(mac, untouched, sizeof(mac));
		if (mac_parse(texts[i], mac) != -EINVAL)
			fail_msg("'%s' was accepted", texts[i]);
		assert_memory_equal(mac, untouched, sizeof(mac));
	}
}

static void port_follows_the_address(void **state)
{
	struct ipaddr v4 = ip("1.2.3.4");
	struct ipaddr v6 = ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	char text[ENDPOINT_TEXT_MAX];

	(void)state;
	assert_string_equal(ip_port_print(&v4, 80, text), "1.2.3.4:80");
	assert_string_equal(ip_port_print(&v6, 65535, text),
			    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

enum trait {
	ZERO = 1 << 0,
	ANY = 1 << 1,
	LOOPBACK = 1 << 2,
	MULTICAST = 1 << 3,
	LINK_LOCAL = 1 << 4,
};

static unsigned int traits_of(const struct ipaddr *addr)
{
	return (ip_is_zero(addr) ? ZERO : 0) | (ip_is_any(addr) ? ANY : 0) |
	       (ip_is_loopback(addr) ? LOOPBACK : 0) |
	       (ip_is_multicast(addr) ? MULTICAST : 0) |
	       (ip_is_link_local(addr) ? LINK_LOCAL : 0);
}

static void special_ranges_end_where_they_should(void **state)
{
	static const struct {
		const char *text;
		unsigned int traits;
	} cases[] = {
		{ "0.0.0.0", ANY },
		{ "0.0.0.1", 0 },
		{ "126.255.255.255", 0 },
		{ "127.0.0.0", LOOPBACK },
		{ "127.255.255.255", LOOPBACK },
		{ "128.0.0.0", 0 },
		{ "169.253.255.255", 0 },
		{ "169.254.0.0", LINK_LOCAL },
		{ "169.254.255.255", LINK_LOCAL },
		{ "169.255.0.0", 0 },
		{ "223.255.255.255", 0 },
		{ "224.0.0.0", MULTICAST },
		{ "239.255.255.255", MULTICAST },
		{ "240.0.0.0", 0 },
		{ "255.255.255.254", 0 },
		{ "255.255.255.255", MULTICAST },
		{ "::", ZERO | ANY },
		{ "::1", LOOPBACK },
		{ "::2", 0 },
		{ "fe7f:ffff::", 0 },
		{ "fe80::", LINK_LOCAL },
		{ "febf:ffff::1", LINK_LOCAL },
		{ "fec0::", 0 },
		{ "feff::1", 0 },
		{ "ff00::", MULTICAST },
		{ "ff02::1", MULTICAST },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct ipaddr addr = ip(cases[i].text);

		if (traits_of(&addr) != cases[i].traits)
			fail_msg("%s: traits %#x, not %#x", cases[i].text,
				 traits_of(&addr), cases[i].traits);
	}
}

static void order_is_that_of_the_wire(void **state)
{
	struct ipaddr low = ip("1.255.255.255"), high = ip("2.0.0.0");
	struct ipaddr same = high;

	(void)state;
	assert_true(ip_compare(&low, &high) < 0);
	assert_true(ip_compare(&high, &low) > 0);
	assert_int_equal(ip_compare(&high, &same), 0);
	assert_true(ip_equal(&high, &same));
	assert_false(ip_equal(&low, &high));
}

static void steps_carry_over(void **state)
{
	static const struct {
		const char *start;
		long steps;
		const char *end;
	} cases[] = {
		{ "10.0.0.1", 0, "10.0.0.1" },
		{ "10.0.0.255", 1, "10.0.1.0" },
		{ "10.255.255.255", 1, "11.0.0.0" },
		{ "11.0.0.0", -1, "10.255.255.255" },
		{ "10.0.0.0", 65536 + 256 + 1, "10.1.1.1" },
		{ "10.1.1.1", -(65536 + 256 + 1), "10.0.0.0" },
		{ "255.255.255.255", 1, "0.0.0.0" },
		{ "0.0.0.0", -1, "255.255.255.255" },
		{ "fd00::ffff:ffff:ffff:ffff", 1, "fd00:0:0:1::" },
		{ "fd00:0:0:1::", -1, "fd00::ffff:ffff:ffff:ffff" },
		{ "::", LONG_MAX, "::7fff:ffff:ffff:ffff" },
		{ "::8000:0:0:0", LONG_MIN, "::" },
		{ "::", -1, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct ipaddr start = ip(cases[i].start);

		assert_ip(ip_add(&start, cases[i].steps), cases[i].end);
	}
}

static void mask_counts_from_the_start_of_the_mapped_form(void **state)
{
	static const struct {
		const char *text;
		unsigned int bits;
		__u32 mask[4];
	} cases[] = {
		{ "0.0.0.0/0", 96, { ~0u, ~0u, ~0u, 0 } },
		{ "10.0.0.0/9", 105, { ~0u, ~0u, ~0u, 0xff800000 } },
		{ "10.0.0.1/32", 128, { ~0u, ~0u, ~0u, ~0u } },
		{ "::/0", 0, { 0, 0, 0, 0 } },
		{ "fd00::/1", 1, { 0x80000000, 0, 0, 0 } },
		{ "fd00::/32", 32, { ~0u, 0, 0, 0 } },
		{ "fd00::/63", 63, { ~0u, 0xfffffffe, 0, 0 } },
		{ "fd00::/64", 64, { ~0u, ~0u, 0, 0 } },
		{ "fd00::/128", 128, { ~0u, ~0u, ~0u, ~0u } },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct cidr prefix = cidr(cases[i].text);
		struct ipaddr mask = cidr_mask(&prefix);

		assert_int_equal(cidr_bits(&prefix), cases[i].bits);
		for (int word = 0; word < 4; word++)
			assert_int_equal(ntohl(mask.word[word]),
					 cases[i].mask[word]);
	}
}

static void subnet_has_no_host_bits(void **state)
{
	struct cidr v4 = cidr("10.1.2.3/23"), v6 = cidr("fd00:1:2:3:4::5/64");
	struct cidr v4_subnet = cidr_subnet(&v4), v6_subnet = cidr_subnet(&v6);
	struct cidr v4_expected = cidr("10.1.2.0/23");
	struct cidr v6_expected = cidr("fd00:1:2:3::/64");

	(void)state;
	assert_true(cidr_has_host_bits(&v4));
	assert_true(cidr_has_host_bits(&v6));
	assert_false(cidr_has_host_bits(&v4_subnet));
	assert_false(cidr_has_host_bits(&v6_subnet));
	assert_true(cidr_equal(&v4_subnet, &v4_expected));
	assert_true(cidr_equal(&v6_subnet, &v6_expected));
	assert_false(cidr_equal(&v4, &v4_subnet));
}

static void equal_prefixes_have_equal_lengths(void **state)
{
	struct cidr wide = cidr("10.0.0.0/8"), narrow = cidr("10.0.0.0/9");

	(void)state;
	assert_false(cidr_equal(&wide, &narrow));
}

static void prefix_contains_its_ends_and_no_more(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool contains;
	} cases[] = {
		{ "10.1.2.0/24", "10.1.2.0", true },
		{ "10.1.2.0/24", "10.1.2.255", true },
		{ "10.1.2.0/24", "10.1.1.255", false },
		{ "10.1.2.0/24", "10.1.3.0", false },
		{ "10.1.2.7/24", "10.1.2.9", true },
		{ "10.1.2.7/32", "10.1.2.7", true },
		{ "10.1.2.7/32", "10.1.2.6", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "::", false },
		{ "::/0", "10.0.0.1", false },
		{ "::/0", "ffff::1", true },
		{ "fd00::/64", "fd00::ffff:ffff:ffff:ffff", true },
		{ "fd00::/64", "fd00:0:0:1::", false },
		{ "fd00::/63", "fd00:0:0:1::", true },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct cidr prefix = cidr(cases[i].prefix);
		struct ipaddr addr = ip(cases[i].addr);

		if (cidr_contains(&prefix, &addr) != cases[i].contains)
			fail_msg("%s in %s", cases[i].addr, cases[i].prefix);
	}
}

static void overlap_is_symmetric(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlaps;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.255.0/24", true },
		{ "10.0.0.0/8", "11.0.0.0/8", false },
		{ "10.0.0.0/9", "10.128.0.0/9", false },
		{ "10.0.0.0/24", "10.0.0.0/24", true },
		{ "10.0.0.9/24", "10.0.0.7/24", true },
		{ "10.0.0.1/32", "10.0.0.1/32", true },
		{ "10.0.0.1/32", "10.0.0.2/32", false },
		{ "0.0.0.0/0", "192.0.2.0/24", true },
		{ "0.0.0.0/0", "::/0", false },
		{ "::/0", "192.0.2.0/24", false },
		{ "::/0", "fd00::/64", true },
		{ "fd00::/64", "fd00:0:0:1::/64", false },
		{ "fd00::/48", "fd00:0:0:1::/64", true },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct cidr a = cidr(cases[i].a), b = cidr(cases[i].b);

		if (cidr_overlaps(&a, &b) != cases[i].overlaps ||
		    cidr_overlaps(&b, &a) != cases[i].overlaps)
			fail_msg("%s with %s", cases[i].a, cases[i].b);
	}
}

static void hosts_range_from_first_to_last(void **state)
{
	static const struct {
		const char *prefix, *first, *last;
	} cases[] = {
		{ "10.1.2.3/24", "10.1.2.1", "10.1.2.254" },
		{ "10.1.2.0/30", "10.1.2.1", "10.1.2.2" },
		{ "10.1.2.0/31", "10.1.2.0", "10.1.2.1" },
		{ "10.1.2.3/31", "10.1.2.2", "10.1.2.3" },
		{ "10.1.2.3/32", "10.1.2.3", "10.1.2.3" },
		{ "0.0.0.0/0", "0.0.0.1", "255.255.255.254" },
		{ "fd00::9/64", "fd00::1", "fd00::ffff:ffff:ffff:ffff" },
		{ "fd00::4/126", "fd00::5", "fd00::7" },
		{ "fd00::5/127", "fd00::4", "fd00::5" },
		{ "fd00::5/128", "fd00::5", "fd00::5" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct cidr prefix = cidr(cases[i].prefix);

		assert_ip(cidr_first(&prefix), cases[i].first);
		assert_ip(cidr_last(&prefix), cases[i].last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_is_mapped_into_ipv6),
		cmocka_unit_test(ipv4_from_wire_order_is_the_parsed_one),
		cmocka_unit_test(ipv6_keeps_its_bytes),
		cmocka_unit_test(address_prints_as_it_was_parsed),
		cmocka_unit_test(ipv6_prints_in_its_short_form),
		cmocka_unit_test(other_forms_of_addresses_are_refused),
		cmocka_unit_test(prefix_prints_as_it_was_parsed),
		cmocka_unit_test(other_forms_of_prefixes_are_refused),
		cmocka_unit_test(mac_prints_as_it_was_parsed),
		cmocka_unit_test(other_forms_of_macs_are_refused),
		cmocka_unit_test(port_follows_the_address),
		cmocka_unit_test(special_ranges_end_where_they_should),
		cmocka_unit_test(order_is_that_of_the_wire),
		cmocka_unit_test(steps_carry_over),
		cmocka_unit_test(mask_counts_from_the_start_of_the_mapped_form),
		cmocka_unit_test(subnet_has_no_host_bits),
		cmocka_unit_test(equal_prefixes_have_equal_lengths),
		cmocka_unit_test(prefix_contains_its_ends_and_no_more),
		cmocka_unit_test(overlap_is_symmetric),
		cmocka_unit_test(hosts_range_from_first_to_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
