/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ipset - addresses, each once, of which nobody knows before how many */
#ifndef BPFNET_IPSET_H
#define BPFNET_IPSET_H

#include "lib/ip.h"

/* All zero: empty. */
struct ipset {
	struct ipaddr *list;
	size_t count, room;
	size_t sorted; /* so many of the first are in order, each once */
};

void ipset_free(struct ipset *set);
/* 0 or -ENOMEM. Cheap for one that was added many times. */
int ipset_add(struct ipset *set, const struct ipaddr *ip);
/* To be called behind the last ipset_add, before the list or ipset_has is used:
 * the list is in order then. */
void ipset_finish(struct ipset *set);
bool ipset_has(const struct ipset *set, const struct ipaddr *ip);

#define _cleanup_ipset_ __attribute__((cleanup(ipset_free)))

#endif
