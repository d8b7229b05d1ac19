/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cursor - where the search for a free address of a subnet goes on */
#include "model/cursor.h"

#include <arpa/inet.h>

/* An address as a number; IPv4 is mapped, so its circles lie inside of that. */
static unsigned __int128 number(const struct ipaddr *ip)
{
	unsigned __int128 value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 32 | ntohl(ip->word[i]);
	return value;
}

static bool is_in_circle(const struct cursor *cursor, const struct ipaddr *ip)
{
	return ip_compare(&cursor->first, ip) <= 0 &&
	       ip_compare(ip, &cursor->last) <= 0;
}

/* How many steps ip is behind the one that follows handed_out: 0 for that one,
 * the most for handed_out itself. A circle of all 2^128 does not exist. */
static unsigned __int128 steps_to(const struct cursor *cursor,
				  const struct ipaddr *ip)
{
	unsigned __int128 here = number(&cursor->handed_out);
	unsigned __int128 there = number(ip);

	if (there > here)
		return there - here - 1;
	return number(&cursor->last) - here + there - number(&cursor->first);
}

struct ipaddr cursor_next(const struct cursor *cursor, const struct ipaddr *ip)
{
	return ip_equal(ip, &cursor->last) ? cursor->first : ip_add(ip, 1);
}

struct cursor cursor_start(const struct cidr *subnet,
			   const struct ipaddr *first,
			   const struct ipaddr *last)
{
	return (struct cursor){
		.subnet = *subnet,
		.first = *first,
		.last = *last,
		.handed_out = *last,
		.unchecked = *first,
	};
}

void cursor_set_circle(struct cursor *cursor, const struct ipaddr *first,
		       const struct ipaddr *last)
{
	struct ipaddr handed_out = cursor->handed_out;

	if (ip_equal(first, &cursor->first) && ip_equal(last, &cursor->last))
		return;
	*cursor = cursor_start(&cursor->subnet, first, last);
	if (!is_in_circle(cursor, &handed_out))
		return;
	cursor->handed_out = handed_out;
	cursor->unchecked = cursor_next(cursor, &handed_out);
}

bool cursor_is_valid(const struct cursor *cursor)
{
	return ip_compare(&cursor->first, &cursor->last) <= 0 &&
	       cidr_contains(&cursor->subnet, &cursor->first) &&
	       cidr_contains(&cursor->subnet, &cursor->last) &&
	       is_in_circle(cursor, &cursor->handed_out) &&
	       is_in_circle(cursor, &cursor->unchecked);
}

bool cursor_equal(const struct cursor *a, const struct cursor *b)
{
	return cidr_equal(&a->subnet, &b->subnet) &&
	       ip_equal(&a->first, &b->first) && ip_equal(&a->last, &b->last) &&
	       ip_equal(&a->handed_out, &b->handed_out) &&
	       ip_equal(&a->unchecked, &b->unchecked);
}

bool cursor_knows_free(const struct cursor *cursor, const struct ipaddr *ip)
{
	return steps_to(cursor, ip) < steps_to(cursor, &cursor->unchecked);
}

void cursor_release(struct cursor *cursor, const struct ipaddr *ip)
{
	if (is_in_circle(cursor, ip) && cursor_knows_free(cursor, ip))
		cursor->unchecked = *ip;
}

void cursor_hand_out(struct cursor *cursor, const struct ipaddr *ip)
{
	/* Nothing is known any more of what lies behind it. */
	if (!cursor_knows_free(cursor, ip))
		cursor->unchecked = cursor_next(cursor, ip);
	cursor->handed_out = *ip;
}

void cursor_all_asked(struct cursor *cursor)
{
	cursor->unchecked = cursor->handed_out;
}
