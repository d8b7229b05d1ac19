/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* memory - which addresses were handed out, of all networks */
#ifndef BPFNET_MEMORY_H
#define BPFNET_MEMORY_H

#include "lib/err.h"
#include "model/cursor.h"
#include "model/ipset.h"
#include "model/model.h"

/* All zero: nothing is remembered, and nobody can be asked: then no address has
 * flows. A subnet without a cursor has handed out nothing that is known. */
struct memory {
	struct cursor *list;
	size_t count, room;

	/* Adds the addresses of endpoints, also of former ones, that have flows
	 * now. Asked at most once in one filling. */
	int (*ask)(void *arg, struct ipset *set, struct err *err);
	void *arg;
};

void memory_free(struct memory *memory);
/* Only the cursors. 0 or -ENOMEM. */
int memory_copy(const struct memory *memory, struct memory *ret);
bool memory_equal(const struct memory *a, const struct memory *b);

/* The subnet's, or NULL. Stands until the next memory_add. */
struct cursor *memory_find(const struct memory *memory,
			   const struct cidr *subnet);
/* NULL when out of memory. */
struct cursor *memory_add(struct memory *memory, const struct cursor *cursor);

/* Forgets the subnets that no network of the model has. */
int memory_prune(struct memory *memory, const struct model *model);
/* These addresses are given back. */
void memory_release(struct memory *memory, const struct ipaddr *ips,
		    size_t count);

#define _cleanup_memory_ __attribute__((cleanup(memory_free)))

#endif
