/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sets - the lines of a compiled policy while it grows */
#include "control/sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/index.h"

#define LINE_WORDS (sizeof(union policy_line) / sizeof(__u64))
#define BLOCK_LINES (256 / POLICY_REFS)
#define SET_LINES_MAX (1 + POLICY_WORDS / LINE_WORDS)
#define KNOWN_MIN 1024

_Static_assert(POLICY_WORDS % LINE_WORDS == 0, "lines of a full set");

/* A set or a block that is there already; line 0: a free entry. */
struct known {
	__u32 line;
	__u16 count; /* lines */
	__u16 is_set;
};

/* One that may be. The head of a set says where its words are, which depends on
 * the line: zero here. */
struct content {
	const union policy_line *lines;
	__u16 count;
	__u16 is_set;
};

void lines_free(struct lines *lines)
{
	free(lines->lines);
	free(lines->known);
	*lines = (struct lines){ 0 };
}

int lines_add(struct lines *lines, __u32 count)
{
	__u32 first = lines->count;

	if (first + count > POLICY_LINES_MAX)
		return -ENOSPC;
	if (first + count > lines->room) {
		size_t room = 2 * (size_t)(first + count);
		void *grown =
			realloc(lines->lines, room * sizeof(*lines->lines));

		if (!grown)
			return -ENOMEM;
		lines->lines = grown;
		lines->room = room;
	}
	memset(lines->lines + first, 0, count * sizeof(*lines->lines));
	lines->count += count;
	return (int)first;
}

__u32 *lines_ref(struct lines *lines, __u32 table, __u32 index)
{
	return &lines->lines[table + index / POLICY_REFS]
			.refs[index % POLICY_REFS];
}

static bool content_is(const struct lines *lines, const struct known *known,
		       const struct content *content)
{
	const union policy_line *at = lines->lines + known->line;
	union policy_line first = *at;

	if (known->count != content->count || known->is_set != content->is_set)
		return false;
	if (known->is_set)
		first.set.words = 0;
	return !memcmp(&first, content->lines, sizeof(first)) &&
	       !memcmp(at + 1, content->lines + 1,
		       (content->count - 1) * sizeof(*at));
}

static uint64_t content_hash(const struct content *content)
{
	return hash_bytes(content->lines,
			  content->count * sizeof(*content->lines),
			  content->is_set);
}

/* The entry that has this content, or the free one where it belongs. */
static struct known *known_find(const struct lines *lines,
				const struct content *content)
{
	size_t slot = content_hash(content);

	for (;; slot++) {
		struct known *known = &lines->known[slot & (lines->nknown - 1)];

		if (!known->line || content_is(lines, known, content))
			return known;
	}
}

/* Room for one more, with half of the entries free. */
static int known_grow(struct lines *lines)
{
	struct known *old = lines->known;
	__u32 nold = lines->nknown;

	if (2 * (lines->used + 1) <= nold)
		return 0;
	lines->nknown = nold ? 2 * nold : KNOWN_MIN;
	lines->known = calloc(lines->nknown, sizeof(*old));
	if (!lines->known) {
		lines->known = old;
		lines->nknown = nold;
		return -ENOMEM;
	}
	for (__u32 i = 0; i < nold; i++) {
		union policy_line copy[SET_LINES_MAX];
		const struct content content = { copy, old[i].count,
						 old[i].is_set };

		if (!old[i].line)
			continue;
		memcpy(copy, lines->lines + old[i].line,
		       content.count * sizeof(*copy));
		if (content.is_set)
			copy->set.words = 0;
		*known_find(lines, &content) = old[i];
	}
	free(old);
	return 0;
}

_Static_assert(BLOCK_LINES <= SET_LINES_MAX, "known_grow copies either");

static int content_add(struct lines *lines, const struct content *content,
		       __u32 *ret)
{
	struct known *known;
	int line = known_grow(lines);

	if (line)
		return line;
	known = known_find(lines, content);
	if (known->line) {
		*ret = known->line;
		return 0;
	}
	line = lines_add(lines, content->count);
	if (line < 0)
		return line;
	memcpy(lines->lines + line, content->lines,
	       content->count * sizeof(*content->lines));
	if (content->is_set)
		lines->lines[line].set.words = LINE_WORDS * (line + 1);
	*known = (struct known){ line, content->count, content->is_set };
	lines->used++;
	*ret = line;
	return 0;
}

int lines_add_set(struct lines *lines, const struct bits *bits, __u32 *ret)
{
	union policy_line copy[SET_LINES_MAX] = { 0 };
	struct content content = { .lines = copy, .is_set = true };
	struct policy_set *set = &copy->set;
	__u32 kept = 0;

	for (__u32 i = 0; i < POLICY_WORDS; i++) {
		if (i % 64 == 0)
			set->rank[i / 64] = kept;
		if (!bits->words[i])
			continue;
		set->groups[i / 64] |= 1ull << i % 64;
		copy[1 + kept / LINE_WORDS].words[kept % LINE_WORDS] =
			bits->words[i];
		kept++;
	}
	if (!kept) {
		*ret = 0;
		return 0;
	}
	content.count = 1 + (kept + LINE_WORDS - 1) / LINE_WORDS;
	return content_add(lines, &content, ret);
}

int lines_add_block(struct lines *lines, const __u32 refs[256], __u32 *ret)
{
	static const __u32 nothing[256];
	union policy_line copy[BLOCK_LINES];
	const struct content content = { .lines = copy, .count = BLOCK_LINES };

	if (!memcmp(refs, nothing, sizeof(nothing))) {
		*ret = 0;
		return 0;
	}
	memcpy(copy, refs, sizeof(copy));
	return content_add(lines, &content, ret);
}
