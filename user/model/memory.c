/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* memory - which addresses were handed out, of all networks */
#include "model/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "model/index.h"

void memory_free(struct memory *memory)
{
	free(memory->list);
	*memory = (struct memory){};
}

int memory_copy(const struct memory *memory, struct memory *ret)
{
	struct memory copy = { .count = memory->count, .room = memory->count };

	copy.list = calloc(memory->count + 1, sizeof(*copy.list));
	if (!copy.list)
		return -ENOMEM;
	for (size_t i = 0; i < memory->count; i++)
		copy.list[i] = memory->list[i];
	*ret = copy;
	return 0;
}

bool memory_equal(const struct memory *a, const struct memory *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!cursor_equal(&a->list[i], &b->list[i]))
			return false;
	return true;
}

struct cursor *memory_find(const struct memory *memory,
			   const struct cidr *subnet)
{
	for (size_t i = 0; i < memory->count; i++)
		if (cidr_equal(&memory->list[i].subnet, subnet))
			return &memory->list[i];
	return NULL;
}

struct cursor *memory_add(struct memory *memory, const struct cursor *cursor)
{
	struct cursor *list = memory->list;

	if (memory->count == memory->room) {
		size_t room = memory->room ? 2 * memory->room : 8;

		list = reallocarray(list, room, sizeof(*list));
		if (!list)
			return NULL;
		memory->list = list;
		memory->room = room;
	}
	list[memory->count] = *cursor;
	return &list[memory->count++];
}

static size_t subnet_count(const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->nnetworks; i++)
		count += model->networks[i].nsubnets;
	return count;
}

int memory_prune(struct memory *memory, const struct model *model)
{
	_cleanup_index_ struct index subnets = {};
	size_t kept = 0;

	if (!memory->count)
		return 0;
	if (index_make(subnet_count(model), &subnets))
		return -ENOMEM;
	for (size_t i = 0; i < model->nnetworks; i++)
		for (size_t s = 0; s < model->networks[i].nsubnets; s++) {
			const struct cidr *subnet =
				&model->networks[i].subnets[s];

			index_add(&subnets, subnet, sizeof(*subnet), subnet);
		}
	for (size_t i = 0; i < memory->count; i++)
		if (index_find(&subnets, &memory->list[i].subnet,
			       sizeof(struct cidr)))
			memory->list[kept++] = memory->list[i];
	memory->count = kept;
	return 0;
}

void memory_release(struct memory *memory, const struct ipaddr *ips,
		    size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t c = 0; c < memory->count; c++)
			if (!ip_is_zero(&ips[i]))
				cursor_release(&memory->list[c], &ips[i]);
}
