/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cursor - where the search for a free address of a subnet goes on */
#ifndef BPFNET_CURSOR_H
#define BPFNET_CURSOR_H

#include "lib/ip.h"

/*
 * The addresses of a subnet, or of its network's range, are handed out one
 * after another and then from the first one again: what was given back comes
 * as late as possible. Flows end with their endpoint, but packets that come
 * while it goes may leave some in the datapath's table, and asking it takes a
 * walk over all of them. So a cursor knows a stretch of its circle that has
 * none, from the last address that was handed out up to `unchecked`. Whatever is
 * given back inside of it ends it there. Only who comes to its end has to ask,
 * and an answer is good for the circle.
 */
struct cursor {
	struct cidr subnet;
	struct ipaddr first, last; /* of the circle */
	struct ipaddr handed_out; /* the last one that was; in the circle */
	/* The first one behind it that may have flows; handed_out itself: none
	 * but that one. */
	struct ipaddr unchecked;
};

/* One that has handed out nothing and knows nothing. first <= last. */
struct cursor cursor_start(const struct cidr *subnet,
			   const struct ipaddr *first,
			   const struct ipaddr *last);
/* Another circle of the same subnet: goes on where it was, knowing nothing. */
void cursor_set_circle(struct cursor *cursor, const struct ipaddr *first,
		       const struct ipaddr *last);
bool cursor_is_valid(const struct cursor *cursor);
bool cursor_equal(const struct cursor *a, const struct cursor *b);

/* The one behind ip in the circle. */
struct ipaddr cursor_next(const struct cursor *cursor, const struct ipaddr *ip);
/* ip has no flows, as far as the cursor knows without asking. */
bool cursor_knows_free(const struct cursor *cursor, const struct ipaddr *ip);
/* ip may have flows from now on. Nothing happens when it is not in the circle. */
void cursor_release(struct cursor *cursor, const struct ipaddr *ip);
/* Also one that the cursor does not know to be free: then it knows nothing any
 * more of those behind it. */
void cursor_hand_out(struct cursor *cursor, const struct ipaddr *ip);
/* No address but the one that was handed out last has flows, save those that
 * are released now. */
void cursor_all_asked(struct cursor *cursor);

#endif
