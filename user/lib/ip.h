/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ip - addresses, prefixes and MACs: parse, print, compare */
#ifndef BPFNET_IP_H
#define BPFNET_IP_H

#include <stdbool.h>
#include <stddef.h>

#include <bpfnet/abi.h>

/* Longest texts, NUL included: "IPv6/128", "[IPv6]:65535". */
#define IP_TEXT_MAX 48
#define CIDR_TEXT_MAX 52
#define ENDPOINT_TEXT_MAX 64
#define MAC_TEXT_MAX 18

/* struct ipaddr (abi.h) holds IPv4 mapped into IPv6, in wire order. */

/* A prefix. len is the family's own: 0-32 for IPv4, 0-128 for IPv6. addr may
 * have host bits (an interface address) or not (a subnet). */
struct cidr {
	struct ipaddr addr;
	int len;
};

bool ip_is_v4(const struct ipaddr *ip);
bool ip_is_zero(const struct ipaddr *ip); /* all 16 bytes; not 0.0.0.0 */
bool ip_is_any(const struct ipaddr *ip); /* 0.0.0.0 or :: */
bool ip_is_loopback(const struct ipaddr *ip); /* 127.0.0.0/8 or ::1 */
bool ip_is_multicast(const struct ipaddr *ip); /* and 255.255.255.255 */
bool ip_is_link_local(const struct ipaddr *ip);
bool ip_equal(const struct ipaddr *a, const struct ipaddr *b);
int ip_compare(const struct ipaddr *a, const struct ipaddr *b); /* memcmp */
struct ipaddr ip_from_v4(__be32 addr);
__be32 ip_to_v4(const struct ipaddr *ip);

/* The address `steps` after ip (before, when negative), carrying over. */
struct ipaddr ip_add(const struct ipaddr *ip, long steps);

/* All of these return 0 or -EINVAL and write ret_ only on success. No form is
 * accepted but the canonical kind: no octal, no blanks, no scope, no missing
 * parts ("10.1"). */
int ip_parse(const char *text, struct ipaddr *ret_ip);
int cidr_parse(const char *text, struct cidr *ret_cidr); /* needs "/LEN" */
int mac_parse(const char *text, __u8 ret_mac[6]); /* unicast, not zero */

/* Return their argument buf, for use inside printf. */
const char *ip_print(const struct ipaddr *ip, char buf[IP_TEXT_MAX]);
const char *cidr_print(const struct cidr *cidr, char buf[CIDR_TEXT_MAX]);
const char *mac_print(const __u8 mac[6], char buf[MAC_TEXT_MAX]);
/* "1.2.3.4:80" or "[::1]:80"; port in host order. */
const char *ip_port_print(const struct ipaddr *ip, unsigned int port,
			  char buf[ENDPOINT_TEXT_MAX]);

/* Prefix length counted from the start of struct ipaddr: IPv4 is len + 96. */
unsigned int cidr_bits(const struct cidr *cidr);
struct ipaddr cidr_mask(const struct cidr *cidr);
struct cidr cidr_subnet(const struct cidr *cidr); /* host bits cleared */
bool cidr_has_host_bits(const struct cidr *cidr);
bool cidr_contains(const struct cidr *cidr, const struct ipaddr *ip);
bool cidr_overlaps(const struct cidr *a, const struct cidr *b);
bool cidr_equal(const struct cidr *a, const struct cidr *b);
/* First and last address that a host may have: without the network's own
 * address and, for IPv4, broadcast, except in /31, /32, /127 and /128. */
struct ipaddr cidr_first(const struct cidr *cidr);
struct ipaddr cidr_last(const struct cidr *cidr);

#endif
