/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* index - finds objects by name or by any other bytes, in constant time */
#ifndef BPFNET_INDEX_H
#define BPFNET_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct index_entry;

/* Keys and values are borrowed: they must not move while the index lives. */
struct index {
	struct index_entry *entries;
	size_t room; /* a power of two */
};

/* Room for at most max keys. 0 or -ENOMEM. */
int index_make(size_t max, struct index *ret);
/* An array of objects that begin with their name; the first of a name wins. */
int index_make_names(const void *items, size_t count, size_t size,
		     struct index *ret);
void index_free(struct index *index);

/* The value that the key already had, which then stays; else NULL. */
const void *index_add(struct index *index, const void *key, size_t len,
		      const void *value);
/* An index that is all zeros has nothing. */
const void *index_find(const struct index *index, const void *key, size_t len);

const void *index_find_name(const struct index *index, const char *name);

/* FNV-1a, 64 bits, mixed at the end. The same bytes and seed always give the same number. */
uint64_t hash_bytes(const void *data, size_t len, uint64_t seed);

#define _cleanup_index_ __attribute__((cleanup(index_free)))

#endif
