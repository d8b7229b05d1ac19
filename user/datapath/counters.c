/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* counters - per-CPU values summed, and how full the maps are */
#include "datapath/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lib/cleanup.h"

/* Every counter structure is an array of __u64, so each CPU's copy is, too,
 * without padding between the copies. */
static int percpu_sum(struct datapath *dp, enum map_id map, __u32 index,
		      __u64 *sums, size_t count)
{
	_cleanup_free_ __u64 *values = NULL;
	int cpus = libbpf_num_possible_cpus();
	int ret;

	if (cpus < 0)
		return cpus;
	values = calloc(cpus * count, sizeof(*values));
	if (!values)
		return -ENOMEM;
	ret = bpf_map_lookup_elem(dp->maps[map], &index, values);
	if (ret)
		return ret;

	memset(sums, 0, count * sizeof(*sums));
	for (size_t i = 0; i < cpus * count; i++)
		sums[i % count] += values[i];
	return 0;
}

static int read_failed(enum map_id map, int ret, struct err *err)
{
	return err_set(err, ret, "read map '%s': %s", map_name[map],
		       strerror(-ret));
}

int counters_reasons(struct datapath *dp, __u64 ret_counts[REASON_COUNT],
		     struct err *err)
{
	__u64 counts[REASON_COUNT] = {};

	for (__u32 why = 0; why < REASON_COUNT; why++) {
		int ret = percpu_sum(dp, MAP_REASONS, why, &counts[why], 1);

		if (ret)
			return read_failed(MAP_REASONS, ret, err);
	}
	memcpy(ret_counts, counts, sizeof(counts));
	return 0;
}

int counters_endpoint(struct datapath *dp, __u32 slot,
		      struct endpoint_stats *ret_stats, struct err *err)
{
	__u64 sums[sizeof(*ret_stats) / sizeof(__u64)];
	int ret;

	ret = percpu_sum(dp, MAP_EP_STATS, slot, sums,
			 sizeof(sums) / sizeof(*sums));
	if (ret)
		return read_failed(MAP_EP_STATS, ret, err);
	memcpy(ret_stats, sums, sizeof(*ret_stats));
	return 0;
}

int counters_endpoint_clear(struct datapath *dp, __u32 slot, struct err *err)
{
	_cleanup_free_ struct endpoint_stats *zeros = NULL;
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return err_set(err, cpus, "number of CPUs: %s",
			       strerror(-cpus));
	zeros = calloc(cpus, sizeof(*zeros));
	if (!zeros)
		return err_set(err, -ENOMEM, "out of memory");
	return table_set(dp, MAP_EP_STATS, &slot, zeros, err);
}

int counters_flows(struct datapath *dp, struct flow_stats *ret_stats,
		   struct err *err)
{
	__u64 sums[sizeof(*ret_stats) / sizeof(__u64)];
	int ret;

	ret = percpu_sum(dp, MAP_STATS, 0, sums, sizeof(sums) / sizeof(*sums));
	if (ret)
		return read_failed(MAP_STATS, ret, err);
	memcpy(ret_stats, sums, sizeof(*ret_stats));
	return 0;
}

static int on_entry(const void *key, const void *value, void *arg)
{
	__u64 *entries = arg;

	(void)key;
	(void)value;
	(*entries)++;
	return 0;
}

static int map_memlock(int fd, __u64 *ret_bytes)
{
	_cleanup_fclose_ FILE *file = NULL;
	unsigned long long bytes;
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %llu", &bytes) == 1) {
			*ret_bytes = bytes;
			return 0;
		}
	return -ENODATA;
}

static bool is_array(const struct bpf_map_info *info)
{
	return info->type == BPF_MAP_TYPE_ARRAY ||
	       info->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	       info->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* The policy is an array of its own, which its number leads to. Only root may
 * open it by that; to others it takes no memory. */
static int policy_memlock(int fd, __u64 *bytes)
{
	_cleanup_close_ int lines = -1;
	__u32 zero = 0, id;
	__u64 more = 0;
	int ret = 0;

	if (bpf_map_lookup_elem(fd, &zero, &id))
		return 0;
	lines = bpf_map_get_fd_by_id(id);
	if (lines >= 0)
		ret = map_memlock(lines, &more);
	*bytes += more;
	return ret;
}

int map_usage_get(struct datapath *dp, enum map_id map,
		  struct map_usage *ret_usage, struct err *err)
{
	struct map_usage usage = { .name = map_name[map] };
	struct bpf_map_info info;
	int fd = dp->maps[map];
	int ret;

	ret = map_info(fd, &info);
	if (ret)
		return read_failed(map, ret, err);
	usage.max = info.max_entries;
	/* A ring buffer has bytes, not elements. */
	if (is_array(&info) || info.type == BPF_MAP_TYPE_RINGBUF)
		usage.entries = info.max_entries;
	else
		ret = map_each(fd, on_entry, &usage.entries);
	if (!ret)
		ret = map_memlock(fd, &usage.bytes);
	if (!ret && info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS)
		ret = policy_memlock(fd, &usage.bytes);
	if (ret)
		return read_failed(map, ret, err);
	*ret_usage = usage;
	return 0;
}
