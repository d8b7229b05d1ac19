/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* index - finds objects by name or by any other bytes, in constant time */
#include "model/index.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"

#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

struct index_entry {
	const void *key; /* NULL: free */
	size_t len;
	const void *value;
};

uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
	const unsigned char *bytes = data;
	uint64_t hash = FNV_OFFSET ^ seed;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * FNV_PRIME;
	/* FNV hardly mixes the end of a short name into the high bits: finish
	 * as MurmurHash3 does. */
	hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
	hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53u;
	return hash ^ (hash >> 33);
}

int index_make(size_t max, struct index *ret)
{
	struct index index = { .room = 8 };

	/* At most half full, so that probing stays short. */
	while (index.room < 2 * max)
		index.room *= 2;
	/* Not calloc: of what is fresh, each page would be looked up once as
	 * zero and once more to be written. */
	index.entries = reallocarray(NULL, index.room, sizeof(*index.entries));
	if (!index.entries)
		return -ENOMEM;
	memset(index.entries, 0, index.room * sizeof(*index.entries));
	*ret = index;
	return 0;
}

void index_free(struct index *index)
{
	free(index->entries);
	*index = (struct index){};
}

/* The key's entry, or the free one where it belongs. */
static struct index_entry *entry_of(const struct index *index, const void *key,
				    size_t len)
{
	size_t at = hash_quick(key, len) & (index->room - 1);

	for (size_t i = 0; i < index->room; i++) {
		struct index_entry *entry = &index->entries[at];

		if (!entry->key ||
		    (entry->len == len && !memcmp(entry->key, key, len)))
			return entry;
		at = (at + 1) & (index->room - 1);
	}
	assert(!"index_make was told a smaller number of keys");
	return NULL;
}

const void *index_add(struct index *index, const void *key, size_t len,
		      const void *value)
{
	struct index_entry *entry = entry_of(index, key, len);

	if (entry->key)
		return entry->value;
	*entry = (struct index_entry){ key, len, value };
	return NULL;
}

const void *index_find(const struct index *index, const void *key, size_t len)
{
	return index->room ? entry_of(index, key, len)->value : NULL;
}

int index_make_names(const void *items, size_t count, size_t size,
		     struct index *ret)
{
	const char *item = items;
	int r = index_make(count, ret);

	if (r)
		return r;
	for (size_t i = 0; i < count; i++, item += size)
		index_add(ret, item, strlen(item), item);
	return 0;
}

const void *index_find_name(const struct index *index, const char *name)
{
	return index_find(index, name, strlen(name));
}
