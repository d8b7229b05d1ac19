/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* compare - what tables have beside what they should have; nothing is written */
#include "datapath/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

struct wanted {
	const char *keys;
	const char *values;
	size_t key_size;
	size_t value_size;
};

struct comparison {
	struct wanted wanted;
	size_t *sorted; /* indexes, by their keys */
	bool *seen; /* as sorted */
	size_t count;
	struct table_differ differ;
	bool is_array;
};

static int compare_rows(const void *a, const void *b, void *arg)
{
	size_t i = *(const size_t *)a, k = *(const size_t *)b;
	const struct wanted *wanted = arg;
	int order =
		memcmp(wanted->keys + i * wanted->key_size,
		       wanted->keys + k * wanted->key_size, wanted->key_size);

	if (order)
		return order;
	return i < k ? -1 : i > k;
}

static bool same_key(const struct comparison *c, size_t a, size_t b)
{
	size_t size = c->wanted.key_size;

	return !memcmp(c->wanted.keys + c->sorted[a] * size,
		       c->wanted.keys + c->sorted[b] * size, size);
}

/* Of rows with one key the last one counts, as it does when they are written. */
static void keep_last(struct comparison *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->count; i++)
		if (i + 1 == c->count || !same_key(c, i, i + 1))
			c->sorted[kept++] = c->sorted[i];
	c->count = kept;
}

/* Position in sorted; count: none. */
static size_t find(const struct comparison *c, const char *key)
{
	size_t low = 0, high = c->count, size = c->wanted.key_size;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = memcmp(
			key, c->wanted.keys + c->sorted[middle] * size, size);

		if (!order)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return c->count;
}

static void differ_add(struct comparison *c, enum table_flaw flaw,
		       const void *key)
{
	struct table_differ *differ = &c->differ;
	size_t size = c->wanted.key_size;
	bool is_first = !differ->count ||
			(flaw == FLAW_MISSING && differ->flaw != FLAW_MISSING);

	differ->count++;
	if (!is_first)
		return;
	differ->flaw = flaw;
	memcpy(differ->key, key,
	       size < sizeof(differ->key) ? size : sizeof(differ->key));
}

static int on_entry(const void *key, const void *value, void *arg)
{
	struct comparison *c = arg;
	size_t at = find(c, key);

	/* Arrays may have more than anybody named. */
	if (at == c->count) {
		if (!c->is_array)
			differ_add(c, FLAW_SURPLUS, key);
		return 0;
	}
	c->seen[at] = true;
	if (memcmp(value,
		   c->wanted.values + c->sorted[at] * c->wanted.value_size,
		   c->wanted.value_size) != 0)
		differ_add(c, FLAW_CHANGED, key);
	return 0;
}

static int walk(int fd, struct comparison *c)
{
	struct bpf_map_info info;
	int ret = map_info(fd, &info);

	if (ret)
		return ret;
	c->wanted.key_size = info.key_size;
	c->wanted.value_size = info.value_size;
	c->is_array = info.type == BPF_MAP_TYPE_ARRAY;
	for (size_t i = 0; i < c->count; i++)
		c->sorted[i] = i;
	qsort_r(c->sorted, c->count, sizeof(*c->sorted), compare_rows,
		&c->wanted);
	keep_last(c);
	ret = map_each(fd, on_entry, c);
	for (size_t i = 0; i < c->count && !ret; i++)
		if (!c->seen[i])
			differ_add(c, FLAW_MISSING,
				   c->wanted.keys +
					   c->sorted[i] * c->wanted.key_size);
	return ret;
}

static int rows_compare(int fd, const struct table_rows *rows,
			struct table_differ *ret_differ)
{
	_cleanup_free_ size_t *sorted =
		calloc(rows->count + 1, sizeof(*sorted));
	_cleanup_free_ bool *seen = calloc(rows->count + 1, sizeof(*seen));
	struct comparison c = { .wanted = { .keys = rows->keys,
					    .values = rows->values },
				.sorted = sorted,
				.seen = seen,
				.count = rows->count };
	int ret = sorted && seen ? walk(fd, &c) : -ENOMEM;

	if (!ret)
		*ret_differ = c.differ;
	return ret;
}

int table_compare(const struct datapath *dp, enum map_id map,
		  const struct table_rows *rows,
		  struct table_differ *ret_differ, struct err *err)
{
	int ret = rows_compare(dp->maps[map], rows, ret_differ);

	return ret ? err_set(err, ret, "read map '%s': %s", map_name[map],
			     strerror(-ret)) :
		     0;
}

int table_visit(const struct datapath *dp, enum map_id map,
		int (*visit)(const void *key, const void *value, void *arg),
		void *arg, struct err *err)
{
	int ret = map_each(dp->maps[map], visit, arg);

	return ret ? err_set(err, ret, "read map '%s': %s", map_name[map],
			     strerror(-ret)) :
		     0;
}

/* ---------------------------------------------------------- the policy */

/* The lines in force, but for the bank, which is another one each time. */
static int lines_compare(int fd, const struct policy_image *image,
			 size_t *ret_differ)
{
	size_t size = image->nlines * sizeof(*image->lines);
	struct bpf_map_info info;
	union policy_line *page;
	union policy_line head;
	int ret = map_info(fd, &info);

	if (ret)
		return ret;
	if (info.max_entries != image->nlines) {
		*ret_differ = image->nlines;
		return 0;
	}
	page = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	head = *page;
	head.head.bank = image->lines->head.bank;
	*ret_differ = memcmp(&head, image->lines, sizeof(head)) != 0;
	for (__u32 i = 1; i < image->nlines; i++)
		*ret_differ +=
			memcmp(&page[i], &image->lines[i], sizeof(*page)) != 0;
	munmap(page, size);
	return 0;
}

static int lines_in_force(const struct datapath *dp,
			  const struct policy_image *image, size_t *ret_differ)
{
	__u32 zero = 0, id;
	_cleanup_close_ int fd = -1;
	int ret = bpf_map_lookup_elem(dp->maps[MAP_POLICY], &zero, &id);

	if (ret == -ENOENT) {
		*ret_differ = image->lines->head.rules != 0;
		return 0;
	}
	if (ret)
		return ret;
	if (!image->lines->head.rules) {
		*ret_differ = 1;
		return 0;
	}
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? fd : lines_compare(fd, image, ret_differ);
}

static int cidrs_compare(const struct datapath *dp,
			 const struct policy_image *image, size_t *ret_differ)
{
	struct policy_cidr_key *keys;
	struct policy_cidr_val *values;
	struct table_differ differ = { 0 };
	int ret = -ENOMEM;

	keys = calloc(image->ncidrs + 1, sizeof(*keys));
	values = calloc(image->ncidrs + 1, sizeof(*values));
	for (size_t i = 0; keys && values && i < image->ncidrs; i++) {
		keys[i] = image->cidrs[i].key;
		keys[i].bank = dp->config->policy_bank;
		values[i] = image->cidrs[i].value;
	}
	if (keys && values)
		ret = rows_compare(
			dp->maps[MAP_POLICY_CIDR],
			&(struct table_rows){ keys, values, image->ncidrs },
			&differ);
	*ret_differ = differ.count;
	free(keys);
	free(values);
	return ret;
}

int policy_compare(const struct datapath *dp, const struct policy_image *image,
		   size_t *ret_differ, struct err *err)
{
	size_t lines = 0, cidrs = 0;
	int ret = lines_in_force(dp, image, &lines);

	ret = ret ? ret : cidrs_compare(dp, image, &cidrs);
	if (ret)
		return err_set(err, ret, "read the policy: %s", strerror(-ret));
	*ret_differ = lines + cidrs;
	return 0;
}

void policy_distrust(struct datapath *dp)
{
	dp->config->policy_hash = 0;
}
