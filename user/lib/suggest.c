/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* suggest - the known word that a mistyped one probably meant */
#include "lib/suggest.h"

#include <errno.h>
#include <string.h>

/* As long as names may be. */
#define WORD_LEN_MAX 63

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

/* The closest name so far, and what a closer one has to fall below. */
struct nearest {
	const char *word;
	size_t len, below;
	const char *found;
};

static struct nearest nearest_to(const char *word)
{
	size_t len = strlen(word);

	return (struct nearest){ .word = word,
				 .len = len,
				 .below = len < 4 ? 2 : 3 };
}

static void consider(struct nearest *nearest, const char *name)
{
	size_t len = strlen(name);
	size_t least =
		len > nearest->len ? len - nearest->len : nearest->len - len;
	size_t away;

	if (least >= nearest->below || len > WORD_LEN_MAX ||
	    nearest->len > WORD_LEN_MAX)
		return;
	/* A distance as long as the word itself says nothing. */
	away = distance(nearest->word, name);
	if (away < nearest->below && away < nearest->len) {
		nearest->below = away;
		nearest->found = name;
	}
}

const char *suggest(const char *word, const char *const *names, size_t count,
		    size_t stride)
{
	struct nearest nearest = nearest_to(word);

	for (size_t i = 0; i < count; i++) {
		const char *name = *(
			const char *const *)(const void *)((const char *)names +
							   i * stride);

		if (name)
			consider(&nearest, name);
	}
	return nearest.found;
}

void suggest_hint(const char *name, const void *items, size_t count,
		  size_t size, struct err *err)
{
	struct nearest nearest = nearest_to(name);

	for (size_t i = 0; i < count; i++)
		consider(&nearest, (const char *)items + i * size);
	if (nearest.found)
		err_hint(err, "did you mean '%s'?", nearest.found);
}

int suggest_missing(const char *what, const char *name, const void *items,
		    size_t count, size_t size, struct err *err)
{
	err_set(err, -ENOENT, "no %s '%s'", what, name);
	suggest_hint(name, items, count, size, err);
	return -ENOENT;
}
