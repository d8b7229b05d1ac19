/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tables - elements of the maps: set, get, delete, walk */
#include "datapath/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

const char *const map_name[MAP_COUNT] = {
	[MAP_CONFIG] = "bn_config",
	[MAP_FLOWS] = "bn_flows",
	[MAP_EMBRYOS] = "bn_embryos",
	[MAP_EP_FLOWS] = "bn_ep_flows",
	[MAP_ENDPOINTS] = "bn_endpoints",
	[MAP_ADDRS] = "bn_addrs",
	[MAP_NETWORKS] = "bn_networks",
	[MAP_NO_MASQ] = "bn_no_masq",
	[MAP_SUBNETS] = "bn_subnets",
	[MAP_LOCALS] = "bn_locals",
	[MAP_UPLINKS] = "bn_uplinks",
	[MAP_PUBLISH] = "bn_publish",
	[MAP_PUB_FROM] = "bn_pub_from",
	[MAP_PUB_HITS] = "bn_pub_hits",
	[MAP_RULE_HITS] = "bn_rule_hits",
	[MAP_POLICY] = "bn_policy",
	[MAP_POLICY_CIDR] = "bn_policy_cidr",
	[MAP_REASONS] = "bn_reasons",
	[MAP_EP_STATS] = "bn_ep_stats",
	[MAP_STATS] = "bn_stats",
	[MAP_PEERS] = "bn_peers",
	[MAP_FRAGS] = "bn_frags",
	[MAP_EVENTS] = "bn_events",
};

/* Elements per system call: a bound on memory (0.6 MiB for flows). */
#define BATCH_ENTRIES 4096
/* Holds the resume point: a bucket number for hashes, a key for tries. */
#define BATCH_TOKEN_MAX 64

int datapath_map(const struct datapath *dp, enum map_id map)
{
	return dp->maps[map];
}

int table_set(struct datapath *dp, enum map_id map, const void *key,
	      const void *value, struct err *err)
{
	int ret = bpf_map_update_elem(dp->maps[map], key, value, BPF_ANY);

	if (!ret)
		return 0;
	/* Hashes say E2BIG and tries ENOSPC when all elements are in use, an
	 * array E2BIG for an index beyond its end. */
	if (ret == -E2BIG || ret == -ENOSPC)
		return err_set(err, -ENOSPC, "map '%s' is full", map_name[map]);
	return err_set(err, ret, "write to map '%s': %s", map_name[map],
		       strerror(-ret));
}

int table_get(struct datapath *dp, enum map_id map, const void *key,
	      void *value)
{
	return bpf_map_lookup_elem(dp->maps[map], key, value);
}

int table_del(struct datapath *dp, enum map_id map, const void *key,
	      struct err *err)
{
	int ret = bpf_map_delete_elem(dp->maps[map], key);

	if (!ret || ret == -ENOENT)
		return 0;
	return err_set(err, ret, "delete from map '%s': %s", map_name[map],
		       strerror(-ret));
}

int map_info(int fd, struct bpf_map_info *ret)
{
	__u32 len = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	return bpf_obj_get_info_by_fd(fd, ret, &len);
}

struct batch {
	char *keys;
	char *values;
	__u32 size; /* elements there is room for */
	char token[BATCH_TOKEN_MAX];
	bool started;
};

static int batch_grow(struct batch *batch, const struct bpf_map_info *info,
		      __u32 size)
{
	free(batch->keys);
	free(batch->values);
	batch->size = size;
	batch->keys = calloc(size, info->key_size);
	batch->values = calloc(size, info->value_size);
	return batch->keys && batch->values ? 0 : -ENOMEM;
}

/* Fills the batch. 1: there is more, 0: this was the last one. */
static int batch_next(int fd, struct batch *batch,
		      const struct bpf_map_info *info, __u32 *ret_count)
{
	__u32 count;
	int ret;

	for (;;) {
		count = batch->size;
		ret = bpf_map_lookup_batch(
			fd, batch->started ? batch->token : NULL, batch->token,
			batch->keys, batch->values, &count, NULL);
		if (ret != -ENOSPC)
			break;
		/* One hash bucket has more elements than fit. */
		ret = batch_grow(batch, info, 2 * batch->size);
		if (ret)
			return ret;
	}
	if (ret && ret != -ENOENT)
		return ret;

	batch->started = true;
	*ret_count = count;
	return !ret;
}

static int
batch_walk(int fd, struct batch *batch, const struct bpf_map_info *info,
	   int (*on_entry)(const void *key, const void *value, void *arg),
	   void *arg)
{
	__u32 count = 0;
	int more, ret;

	do {
		more = batch_next(fd, batch, info, &count);
		if (more < 0)
			return more;
		for (__u32 i = 0; i < count; i++) {
			ret = on_entry(batch->keys + i * info->key_size,
				       batch->values + i * info->value_size,
				       arg);
			if (ret)
				return ret;
		}
	} while (more);
	return 0;
}

int map_each(int fd,
	     int (*on_entry)(const void *key, const void *value, void *arg),
	     void *arg)
{
	struct batch batch = {};
	struct bpf_map_info info;
	int ret;

	ret = map_info(fd, &info);
	if (ret)
		return ret;
	if (info.key_size > BATCH_TOKEN_MAX)
		return -EINVAL;

	ret = batch_grow(&batch, &info, BATCH_ENTRIES);
	if (!ret)
		ret = batch_walk(fd, &batch, &info, on_entry, arg);
	free(batch.keys);
	free(batch.values);
	return ret;
}
