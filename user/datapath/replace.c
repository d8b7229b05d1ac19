/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* replace - a whole map at once: what is wanted, and nothing else */
#include "datapath/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

/* The rows that are wanted, in the order of their keys. */
struct wanted {
	const char *keys, *values;
	size_t count, key_size, value_size;
	struct row {
		size_t index;
		bool done; /* the map has it, or a later row has the same key */
	} * rows;
	char *others; /* keys of the map that nobody wants */
	size_t nothers, room;
};

static const char *key_of(const struct wanted *wanted, size_t row)
{
	return wanted->keys + wanted->rows[row].index * wanted->key_size;
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct wanted *wanted = arg;
	size_t left = ((const struct row *)a)->index;
	size_t right = ((const struct row *)b)->index;
	int order = memcmp(wanted->keys + left * wanted->key_size,
			   wanted->keys + right * wanted->key_size,
			   wanted->key_size);

	return order ? order : (left > right) - (left < right);
}

/* Of rows with the same key the last one counts. */
static int wanted_sort(struct wanted *wanted)
{
	wanted->rows = calloc(wanted->count + 1, sizeof(*wanted->rows));
	if (!wanted->rows)
		return -ENOMEM;
	for (size_t i = 0; i < wanted->count; i++)
		wanted->rows[i].index = i;
	qsort_r(wanted->rows, wanted->count, sizeof(*wanted->rows), compare,
		wanted);
	for (size_t i = 0; i + 1 < wanted->count; i++)
		wanted->rows[i].done =
			!memcmp(key_of(wanted, i), key_of(wanted, i + 1),
				wanted->key_size);
	return 0;
}

/* The row that counts for a key, or NULL. */
static struct row *wanted_find(const struct wanted *wanted, const void *key)
{
	size_t low = 0, high = wanted->count;

	/* The first one beyond the key. */
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (memcmp(key_of(wanted, middle), key, wanted->key_size) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	if (!low || memcmp(key_of(wanted, low - 1), key, wanted->key_size) != 0)
		return NULL;
	return &wanted->rows[low - 1];
}

static int others_add(struct wanted *wanted, const void *key)
{
	if (wanted->nothers == wanted->room) {
		size_t room = wanted->room ? 2 * wanted->room : 64;
		char *more =
			reallocarray(wanted->others, room, wanted->key_size);

		if (!more)
			return -ENOMEM;
		wanted->others = more;
		wanted->room = room;
	}
	memcpy(wanted->others + wanted->nothers++ * wanted->key_size, key,
	       wanted->key_size);
	return 0;
}

static int on_present(const void *key, const void *value, void *arg)
{
	struct wanted *wanted = arg;
	struct row *row = wanted_find(wanted, key);

	if (!row)
		return others_add(wanted, key);
	row->done = !memcmp(wanted->values + row->index * wanted->value_size,
			    value, wanted->value_size);
	return 0;
}

static int set_rows(struct datapath *dp, enum map_id map,
		    const struct wanted *wanted, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < wanted->count && !rc; i++)
		if (!wanted->rows[i].done)
			rc = table_set(dp, map, key_of(wanted, i),
				       wanted->values +
					       wanted->rows[i].index *
						       wanted->value_size,
				       err);
	return rc;
}

static int del_others(struct datapath *dp, enum map_id map,
		      const struct wanted *wanted, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < wanted->nothers && !rc; i++)
		rc = table_del(dp, map, wanted->others + i * wanted->key_size,
			       err);
	return rc;
}

int table_replace(struct datapath *dp, enum map_id map, const void *keys,
		  const void *values, size_t count, struct err *err)
{
	struct wanted wanted = { .keys = keys,
				 .values = values,
				 .count = count };
	struct bpf_map_info info;
	int rc = map_info(dp->maps[map], &info);

	wanted.key_size = info.key_size;
	wanted.value_size = info.value_size;
	rc = rc ? rc : wanted_sort(&wanted);
	rc = rc ? rc : map_each(dp->maps[map], on_present, &wanted);
	if (rc)
		err_set(err, rc, "read map '%s': %s", map_name[map],
			strerror(-rc));
	rc = rc ? rc : set_rows(dp, map, &wanted, err);
	/* An array keeps what is not named. */
	if (!rc && info.type != BPF_MAP_TYPE_ARRAY)
		rc = del_others(dp, map, &wanted, err);
	free(wanted.rows);
	free(wanted.others);
	return rc;
}
