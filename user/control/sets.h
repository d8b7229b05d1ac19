/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sets - the lines of a compiled policy while it grows */
#ifndef BPFNET_SETS_H
#define BPFNET_SETS_H

#include <stdbool.h>
#include <stddef.h>

#include <bpfnet/abi.h>

/* A set of rules, all of it: bit i % 64 of word i / 64 is rule i. */
struct bits {
	__u64 words[POLICY_WORDS];
};

static inline void bits_add(struct bits *bits, __u32 rule)
{
	bits->words[rule / 64] |= 1ull << rule % 64;
}

static inline void bits_del(struct bits *bits, __u32 rule)
{
	bits->words[rule / 64] &= ~(1ull << rule % 64);
}

static inline void bits_join(struct bits *bits, const struct bits *other)
{
	for (int i = 0; i < POLICY_WORDS; i++)
		bits->words[i] |= other->words[i];
}

struct known;

/* Zero-initialise. References are line numbers; line 0 is nobody's. */
struct lines {
	union policy_line *lines;
	__u32 count;
	__u32 room;
	struct known *known; /* by hash: the sets and blocks so far */
	__u32 nknown; /* entries, a power of two */
	__u32 used; /* of them */
};

void lines_free(struct lines *lines);

/* Appends count lines of zeros; the number of the first one, or -errno:
 * -ENOSPC beyond POLICY_LINES_MAX. Pointers into lines end here. */
int lines_add(struct lines *lines, __u32 count);

/* All return 0 or -errno. The same content gets the same reference: that of an
 * earlier call; a set or a block of nothing is 0. */
int lines_add_set(struct lines *lines, const struct bits *bits, __u32 *ret);
int lines_add_block(struct lines *lines, const __u32 refs[256], __u32 *ret);

/* An element of a table that begins at line `table`. */
__u32 *lines_ref(struct lines *lines, __u32 table, __u32 index);

#endif
