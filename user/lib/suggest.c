/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* suggest - the known word that a mistyped one probably meant */
#include "lib/suggest.h"

#include <string.h>

#define WORD_LEN_MAX 31

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t low = a < b ? a : b;

	return low < c ? low : c;
}

/* Levenshtein's distance, where swapping two neighbours counts once. */
static size_t distance(const char *a, const char *b)
{
	size_t row[3][WORD_LEN_MAX + 2];
	size_t *two = row[0], *one = row[1], *now = row[2];
	size_t len = strlen(b);

	for (size_t j = 0; j <= len; j++)
		one[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *spare = two;

		now[0] = i;
		for (size_t j = 1; j <= len; j++) {
			now[j] = min3(one[j] + 1, now[j - 1] + 1,
				      one[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = min3(now[j], two[j - 2] + 1, now[j]);
		}
		two = one;
		one = now;
		now = spare;
	}
	return one[len];
}

const char *suggest(const char *word, const char *const *names, size_t count,
		    size_t stride)
{
	size_t len = strlen(word);
	size_t best = len < 4 ? 2 : 3; /* one more than is accepted */
	const char *found = NULL;

	if (len > WORD_LEN_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const char *name = *(
			const char *const *)(const void *)((const char *)names +
							   i * stride);
		size_t away;

		if (!name || strlen(name) > WORD_LEN_MAX)
			continue;
		/* A distance as long as the word itself says nothing. */
		away = distance(word, name);
		if (away < best && away < len) {
			best = away;
			found = name;
		}
	}
	return found;
}
