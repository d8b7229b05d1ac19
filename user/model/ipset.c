/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ipset - addresses, each once, of which nobody knows before how many */
#include "model/ipset.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_FIRST 1024

void ipset_free(struct ipset *set)
{
	free(set->list);
	*set = (struct ipset){};
}

static int compare(const void *a, const void *b)
{
	return ip_compare(a, b);
}

void ipset_finish(struct ipset *set)
{
	size_t kept = 0;

	if (set->sorted == set->count)
		return;
	qsort(set->list, set->count, sizeof(*set->list), compare);
	for (size_t i = 0; i < set->count; i++)
		if (!kept || !ip_equal(&set->list[kept - 1], &set->list[i]))
			set->list[kept++] = set->list[i];
	set->count = set->sorted = kept;
}

/* A full list is mostly one of repetitions: sorting takes those out. What is
 * left fills at most half of it, so that the next time is far away. */
static int make_room(struct ipset *set)
{
	size_t room = set->room ? set->room : ROOM_FIRST;
	struct ipaddr *list;

	ipset_finish(set);
	while (room < 2 * set->count)
		room *= 2;
	if (room == set->room)
		return 0;
	list = reallocarray(set->list, room, sizeof(*list));
	if (!list)
		return -ENOMEM;
	set->list = list;
	set->room = room;
	return 0;
}

int ipset_add(struct ipset *set, const struct ipaddr *ip)
{
	if (set->count && ip_equal(&set->list[set->count - 1], ip))
		return 0;
	if (set->count == set->room && make_room(set))
		return -ENOMEM;
	set->list[set->count++] = *ip;
	return 0;
}

bool ipset_has(const struct ipset *set, const struct ipaddr *ip)
{
	return set->count &&
	       bsearch(ip, set->list, set->count, sizeof(*set->list), compare);
}
