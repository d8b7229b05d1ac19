/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ip - addresses, prefixes and MACs: parse, print, compare */
#include "lib/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define V4_OFFSET 12 /* bytes of ::ffff:0:0/96 in front of an IPv4 address */
#define V4_BITS 96

bool ip_is_v4(const struct ipaddr *ip)
{
	return !ip->word[0] && !ip->word[1] && ip->word[2] == htonl(0xffff);
}

bool ip_is_zero(const struct ipaddr *ip)
{
	return !(ip->word[0] | ip->word[1] | ip->word[2] | ip->word[3]);
}

bool ip_is_any(const struct ipaddr *ip)
{
	return ip_is_zero(ip) || (ip_is_v4(ip) && !ip->word[3]);
}

/* True when an IPv4 address starts with the bits that mask selects. */
static bool v4_matches(const struct ipaddr *ip, __u32 mask, __u32 bits)
{
	return ip_is_v4(ip) && (ntohl(ip->word[3]) & mask) == bits;
}

bool ip_is_loopback(const struct ipaddr *ip)
{
	const struct ipaddr loopback = { { 0, 0, 0, htonl(1) } };

	return v4_matches(ip, 0xff000000, 0x7f000000) ||
	       ip_equal(ip, &loopback);
}

bool ip_is_multicast(const struct ipaddr *ip)
{
	return v4_matches(ip, 0xf0000000, 0xe0000000) ||
	       v4_matches(ip, 0xffffffff, 0xffffffff) ||
	       ntohl(ip->word[0]) >> 24 == 0xff;
}

bool ip_is_link_local(const struct ipaddr *ip)
{
	return v4_matches(ip, 0xffff0000, 0xa9fe0000) ||
	       ntohl(ip->word[0]) >> 22 == 0xfe80 >> 6;
}

int ip_compare(const struct ipaddr *a, const struct ipaddr *b)
{
	return memcmp(a, b, sizeof(*a));
}

bool ip_equal(const struct ipaddr *a, const struct ipaddr *b)
{
	return !ip_compare(a, b);
}

struct ipaddr ip_from_v4(__be32 addr)
{
	return (struct ipaddr){ { 0, 0, htonl(0xffff), addr } };
}

__be32 ip_to_v4(const struct ipaddr *ip)
{
	return ip->word[3];
}

struct ipaddr ip_add(const struct ipaddr *ip, long steps)
{
	__u8 bytes[sizeof(*ip)];
	struct ipaddr sum;
	/* IPv4 wraps around inside IPv4: a carry must not reach the bytes that
	 * say which family it is. */
	int first = ip_is_v4(ip) ? V4_OFFSET : 0;

	memcpy(bytes, ip, sizeof(bytes));
	for (int i = sizeof(bytes) - 1; i >= first; i--) {
		long low = bytes[i] + (steps & 0xff);

		bytes[i] = low & 0xff;
		steps = (steps >> 8) + (low >> 8);
	}
	memcpy(&sum, bytes, sizeof(sum));
	return sum;
}

int ip_parse(const char *text, struct ipaddr *ret_ip)
{
	struct ipaddr ip;
	__be32 addr;

	if (inet_pton(AF_INET, text, &addr) == 1) {
		*ret_ip = ip_from_v4(addr);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &ip) != 1)
		return -EINVAL;

	/* "::ffff:10.0.0.1" would silently become the IPv4 address, which is
	 * not what its author had in mind wherever families matter. */
	if (ip_is_v4(&ip))
		return -EINVAL;
	*ret_ip = ip;
	return 0;
}

/* One to three digits without a leading zero; -EINVAL for everything else. */
static int parse_len(const char *text, int max)
{
	int len = 0;

	if (text[0] == '0' && text[1])
		return -EINVAL;
	if (!text[0] || strlen(text) > 3)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		len = len * 10 + (*text - '0');
	}
	return len <= max ? len : -EINVAL;
}

int cidr_parse(const char *text, struct cidr *ret_cidr)
{
	const char *slash = strchr(text, '/');
	char addr[IP_TEXT_MAX];
	struct ipaddr ip;
	int len;

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, slash - text);
	addr[slash - text] = '\0';
	if (ip_parse(addr, &ip))
		return -EINVAL;

	len = parse_len(slash + 1, ip_is_v4(&ip) ? 32 : 128);
	if (len < 0)
		return -EINVAL;
	*ret_cidr = (struct cidr){ .addr = ip, .len = len };
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -EINVAL;
}

int mac_parse(const char *text, __u8 ret_mac[6])
{
	static const __u8 zero[6];
	__u8 mac[6];

	if (strlen(text) != MAC_TEXT_MAX - 1)
		return -EINVAL;
	for (int i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]), low = hex_digit(text[1]);

		if (high < 0 || low < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		mac[i] = high << 4 | low;
	}
	if (mac[0] & 1 || !memcmp(mac, zero, sizeof(mac)))
		return -EINVAL;
	memcpy(ret_mac, mac, sizeof(mac));
	return 0;
}

const char *ip_print(const struct ipaddr *ip, char buf[IP_TEXT_MAX])
{
	if (ip_is_v4(ip))
		return inet_ntop(AF_INET, &ip->word[3], buf, IP_TEXT_MAX);
	return inet_ntop(AF_INET6, ip, buf, IP_TEXT_MAX);
}

const char *cidr_print(const struct cidr *cidr, char buf[CIDR_TEXT_MAX])
{
	size_t len;

	ip_print(&cidr->addr, buf);
	len = strlen(buf);
	snprintf(buf + len, CIDR_TEXT_MAX - len, "/%d", cidr->len);
	return buf;
}

const char *mac_print(const __u8 mac[6], char buf[MAC_TEXT_MAX])
{
	snprintf(buf, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
	return buf;
}

const char *ip_port_print(const struct ipaddr *ip, unsigned int port,
			  char buf[ENDPOINT_TEXT_MAX])
{
	const char *fmt = ip_is_v4(ip) ? "%s:%u" : "[%s]:%u";
	char text[IP_TEXT_MAX];

	snprintf(buf, ENDPOINT_TEXT_MAX, fmt, ip_print(ip, text), port);
	return buf;
}

unsigned int cidr_bits(const struct cidr *cidr)
{
	return cidr->len + (ip_is_v4(&cidr->addr) ? V4_BITS : 0);
}

struct ipaddr cidr_mask(const struct cidr *cidr)
{
	int bits = cidr_bits(cidr);
	struct ipaddr mask;

	for (int i = 0; i < 4; i++, bits -= 32) {
		if (bits >= 32)
			mask.word[i] = htonl(0xffffffff);
		else if (bits > 0)
			mask.word[i] = htonl(0xffffffffu << (32 - bits));
		else
			mask.word[i] = 0;
	}
	return mask;
}

/* The prefix's address with every host bit cleared, or set. */
static struct ipaddr subnet_end(const struct cidr *cidr, bool host_bits)
{
	struct ipaddr mask = cidr_mask(cidr);
	struct ipaddr end;

	for (int i = 0; i < 4; i++) {
		end.word[i] = cidr->addr.word[i] & mask.word[i];
		if (host_bits)
			end.word[i] |= ~mask.word[i];
	}
	return end;
}

struct cidr cidr_subnet(const struct cidr *cidr)
{
	return (struct cidr){ subnet_end(cidr, false), cidr->len };
}

bool cidr_has_host_bits(const struct cidr *cidr)
{
	struct ipaddr start = subnet_end(cidr, false);

	return !ip_equal(&start, &cidr->addr);
}

bool cidr_contains(const struct cidr *cidr, const struct ipaddr *ip)
{
	struct ipaddr mask = cidr_mask(cidr);

	/* ::/0 is every IPv6 address, not every mapped IPv4 one too. */
	if (ip_is_v4(&cidr->addr) != ip_is_v4(ip))
		return false;
	for (int i = 0; i < 4; i++)
		if ((cidr->addr.word[i] ^ ip->word[i]) & mask.word[i])
			return false;
	return true;
}

bool cidr_overlaps(const struct cidr *a, const struct cidr *b)
{
	return a->len <= b->len ? cidr_contains(a, &b->addr) :
				  cidr_contains(b, &a->addr);
}

bool cidr_equal(const struct cidr *a, const struct cidr *b)
{
	return a->len == b->len && ip_equal(&a->addr, &b->addr);
}

/* A link of two hosts or one host: every address is a host's. */
static bool has_only_hosts(const struct cidr *cidr)
{
	return cidr_bits(cidr) >= 127;
}

struct ipaddr cidr_first(const struct cidr *cidr)
{
	struct ipaddr start = subnet_end(cidr, false);

	return has_only_hosts(cidr) ? start : ip_add(&start, 1);
}

struct ipaddr cidr_last(const struct cidr *cidr)
{
	struct ipaddr end = subnet_end(cidr, true);

	if (has_only_hosts(cidr) || !ip_is_v4(&cidr->addr))
		return end;
	return ip_add(&end, -1);
}
