/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* replace - a whole map at once: what is wanted, and nothing else */
#include "datapath/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

static int compare(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(const size_t *)size);
}

static int is_wanted(const char *sorted, size_t count, size_t size,
		     const char *key)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = memcmp(key, sorted + middle * size, size);

		if (!order)
			return 1;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

/* All keys of the map, packed; freed by the caller. */
static int keys_read(int fd, const struct bpf_map_info *info, char **ret_keys,
		     size_t *ret_count)
{
	char *keys = malloc((size_t)info->max_entries * info->key_size + 1);
	void *previous = NULL;
	size_t count = 0;

	if (!keys)
		return -ENOMEM;
	while (count < info->max_entries) {
		char *next = keys + count * info->key_size;

		if (bpf_map_get_next_key(fd, previous, next))
			break;
		previous = next;
		count++;
	}
	*ret_keys = keys;
	*ret_count = count;
	return 0;
}

static int remove_others(struct datapath *dp, enum map_id map,
			 const struct bpf_map_info *info, const void *keys,
			 size_t count)
{
	_cleanup_free_ char *sorted = malloc(count * info->key_size + 1);
	_cleanup_free_ char *present = NULL;
	size_t size = info->key_size, npresent;
	int rc = keys_read(dp->maps[map], info, &present, &npresent);

	if (rc || !sorted)
		return rc ? rc : -ENOMEM;
	if (count) {
		memcpy(sorted, keys, count * size);
		qsort_r(sorted, count, size, compare, &size);
	}
	for (size_t i = 0; i < npresent && !rc; i++)
		if (!is_wanted(sorted, count, size, present + i * size))
			rc = bpf_map_delete_elem(dp->maps[map],
						 present + i * size);
	return rc == -ENOENT ? 0 : rc;
}

int table_replace(struct datapath *dp, enum map_id map, const void *keys,
		  const void *values, size_t count, struct err *err)
{
	struct bpf_map_info info;
	int rc = map_info(dp->maps[map], &info);

	for (size_t i = 0; i < count && !rc; i++)
		rc = table_set(dp, map, (const char *)keys + i * info.key_size,
			       (const char *)values + i * info.value_size, err);
	if (rc)
		return rc;
	if (info.type == BPF_MAP_TYPE_ARRAY)
		return 0;
	rc = remove_others(dp, map, &info, keys, count);
	if (rc)
		return err_set(err, rc, "clean map '%s': %s", map_name[map],
			       strerror(-rc));
	return 0;
}
