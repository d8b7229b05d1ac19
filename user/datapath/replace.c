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

/* Those of the rows from first on, in the order of their keys. */
static int wanted_make(const struct table_rows *rows, size_t first,
		       size_t count, const struct bpf_map_info *info,
		       struct wanted *ret)
{
	*ret = (struct wanted){
		.keys = (const char *)rows->keys + first * info->key_size,
		.values = (const char *)rows->values + first * info->value_size,
		.count = count,
		.key_size = info->key_size,
		.value_size = info->value_size,
	};
	return wanted_sort(ret);
}

static void wanted_free(struct wanted *wanted)
{
	free(wanted->rows);
	free(wanted->others);
}

#define _cleanup_wanted_ __attribute__((cleanup(wanted_free)))

/* How many rows both have in common at the beginning. */
static size_t same_rows(const struct table_rows *a, const struct table_rows *b,
			const struct bpf_map_info *info)
{
	const char *keys = a->keys, *values = a->values;
	const char *other_keys = b->keys, *other_values = b->values;
	size_t max = a->count < b->count ? a->count : b->count;
	size_t i = 0;

	while (i < max &&
	       !memcmp(keys + i * info->key_size,
		       other_keys + i * info->key_size, info->key_size) &&
	       !memcmp(values + i * info->value_size,
		       other_values + i * info->value_size, info->value_size))
		i++;
	return i;
}

/* What nobody wants any more; or, behind the rows in common, nobody: then it is
 * what they say again. */
static int restore_others(struct datapath *dp, enum map_id map,
			  const struct wanted *wanted,
			  const struct wanted *common, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < wanted->nothers && !rc; i++) {
		const char *key = wanted->others + i * wanted->key_size;
		const struct row *row = wanted_find(common, key);

		if (row)
			rc = table_set(dp, map, key,
				       common->values +
					       row->index * common->value_size,
				       err);
		else
			rc = table_del(dp, map, key, err);
	}
	return rc;
}

int table_change(struct datapath *dp, enum map_id map,
		 const struct table_rows *before,
		 const struct table_rows *after, struct err *err)
{
	_cleanup_wanted_ struct wanted wanted = { 0 }, common = { 0 };
	struct bpf_map_info info;
	size_t same = 0;
	int rc = map_info(dp->maps[map], &info);

	if (!rc) {
		same = same_rows(before, after, &info);
		rc = wanted_make(after, same, after->count - same, &info,
				 &wanted);
	}
	for (size_t i = same; i < before->count && !rc; i++)
		rc = on_present((const char *)before->keys + i * info.key_size,
				(const char *)before->values +
					i * info.value_size,
				&wanted);
	if (!rc && wanted.nothers)
		rc = wanted_make(after, 0, same, &info, &common);
	if (rc)
		return err_set(err, rc, "change map '%s': %s", map_name[map],
			       strerror(-rc));
	rc = set_rows(dp, map, &wanted, err);
	return rc ? rc : restore_others(dp, map, &wanted, &common, err);
}

int table_replace(struct datapath *dp, enum map_id map, const void *keys,
		  const void *values, size_t count, struct err *err)
{
	const struct table_rows rows = { keys, values, count };
	_cleanup_wanted_ struct wanted wanted = { 0 };
	struct bpf_map_info info;
	int rc = map_info(dp->maps[map], &info);

	rc = rc ? rc : wanted_make(&rows, 0, count, &info, &wanted);
	rc = rc ? rc : map_each(dp->maps[map], on_present, &wanted);
	if (rc)
		err_set(err, rc, "read map '%s': %s", map_name[map],
			strerror(-rc));
	rc = rc ? rc : set_rows(dp, map, &wanted, err);
	/* An array keeps what is not named. */
	if (!rc && info.type != BPF_MAP_TYPE_ARRAY)
		rc = del_others(dp, map, &wanted, err);
	return rc;
}
