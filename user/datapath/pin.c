/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* pin - an instance's directory in bpffs: names, opening what is there */
#include "datapath/internal.h"

#include <ctype.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

#define PROGRAM_MAPS_MAX 64

int pin_check_bpffs(struct err *err)
{
	struct statfs fs;

	if (statfs(BPFFS, &fs) == 0 && (__u32)fs.f_type == BPF_FS_MAGIC)
		return 0;
	err_set(err, -EOPNOTSUPP, "no bpf file system at %s", BPFFS);
	err_hint(err, "mount -t bpf bpf %s", BPFFS);
	return -EOPNOTSUPP;
}

/* bpffs reserves names with a dot for itself. */
static bool is_instance_name(const char *name)
{
	size_t len = strlen(name);

	if (len < 1 || len > NAME_LEN_MAX || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_-", name[i]))
			return false;
	return true;
}

int pin_root(const char *instance, char ret[PIN_ROOT_MAX], struct err *err)
{
	if (!is_instance_name(instance))
		return err_usage(err,
				 "instance '%s': at most %d letters, digits, "
				 "'_' and '-'",
				 instance, NAME_LEN_MAX);
	if (pin_check_bpffs(err))
		return -EOPNOTSUPP;
	snprintf(ret, PIN_ROOT_MAX, "%s/%s", BPFFS, instance);
	return 0;
}

const char *pin_path(char buf[PIN_PATH_MAX], const char *root, const char *dir,
		     const char *name)
{
	snprintf(buf, PIN_PATH_MAX, "%s/%s%s%s", root, dir, name ? "/" : "",
		 name ? name : "");
	return buf;
}

const char *pin_fresh(char buf[PIN_ROOT_MAX], const char *root)
{
	snprintf(buf, PIN_ROOT_MAX, "%s~new", root);
	return buf;
}

const char *pin_stale(char buf[PIN_ROOT_MAX], const char *root)
{
	snprintf(buf, PIN_ROOT_MAX, "%s~old", root);
	return buf;
}

bool pin_exists(const char *root, const char *dir, const char *name)
{
	char path[PIN_PATH_MAX];

	return access(pin_path(path, root, dir, name), F_OK) == 0;
}

int pin_dir(const char *root, const char *dir, const char *name,
	    struct err *err)
{
	char path[PIN_PATH_MAX];

	if (dir)
		pin_path(path, root, dir, name);
	else
		snprintf(path, sizeof(path), "%s", root);
	if (mkdir(path, 0700) != 0)
		return err_set(err, -errno, "make %s: %s", path,
			       strerror(errno));
	return 0;
}

int pin_program(const struct datapath *dp, const char *name, struct err *err)
{
	char path[PIN_PATH_MAX];
	int fd = bpf_obj_get(pin_path(path, dp->root, PIN_PROGS, name));

	if (fd < 0)
		return err_set(err, fd, "program '%s': %s", name,
			       strerror(-fd));
	return fd;
}

int program_id(int fd, __u32 *ret)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int code = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (!code)
		*ret = info.id;
	return code;
}

static bool map_is_called(__u32 id, const char *name)
{
	_cleanup_close_ int fd = bpf_map_get_fd_by_id(id);
	struct bpf_map_info info;

	return fd >= 0 && !map_info(fd, &info) && !strcmp(info.name, name);
}

bool program_has_map(int fd, const char *name)
{
	__u32 ids[PROGRAM_MAPS_MAX];
	struct bpf_prog_info info = { .nr_map_ids = PROGRAM_MAPS_MAX,
				      .map_ids = (uintptr_t)ids };
	__u32 len = sizeof(info), count;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return false;
	count = info.nr_map_ids < PROGRAM_MAPS_MAX ? info.nr_map_ids :
						     PROGRAM_MAPS_MAX;
	for (__u32 i = 0; i < count; i++)
		if (map_is_called(ids[i], name))
			return true;
	return false;
}

/* ---------------------------------------------------------- open */

static int unknown(const char *instance, struct err *err)
{
	err_set(err, -EPROTO, "%s/%s is not a datapath that this bpfnet knows",
		BPFFS, instance);
	err_kind(err, EXIT_CONFLICT, "abi-version");
	err_hint(err, "'bpfnet purge', then apply again");
	return -EPROTO;
}

int pin_refuse(const char *instance, const char *why, struct err *err)
{
	err_set(err, -EPROTO, "the programs that run for instance '%s' %s",
		instance, why);
	err_kind(err, EXIT_CONFLICT, "abi-version");
	err_hint(err, "'bpfnet upgrade --drop-flows' replaces them and "
		      "forgets all flows");
	return -EPROTO;
}

void pin_other_version(__u32 found, char why[BUILD_WHY_MAX])
{
	snprintf(why, BUILD_WHY_MAX,
		 "have layout version %u, those of this bpfnet %u", found,
		 (__u32)BN_ABI_VERSION);
}

int pin_config(const char *root, const char *maps, int *ret_fd,
	       struct datapath_config **ret)
{
	char path[PIN_PATH_MAX];
	int fd = bpf_obj_get(pin_path(path, root, maps, map_name[MAP_CONFIG]));
	struct datapath_config *page;

	if (fd < 0)
		return fd == -ENOENT ? -EPROTO : fd;
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	if (page != MAP_FAILED && page->magic == BN_ABI_MAGIC) {
		*ret_fd = fd;
		*ret = page;
		return 0;
	}
	if (page != MAP_FAILED)
		munmap(page, sizeof(*page));
	close(fd);
	return -EPROTO;
}

/* The first map decides whether the others are ours to open. */
static int open_config(struct datapath *dp, const char *instance,
		       const char *maps, struct err *err)
{
	char why[BUILD_WHY_MAX];
	int ret =
		pin_config(dp->root, maps, &dp->maps[MAP_CONFIG], &dp->config);

	if (ret == -EPROTO)
		return unknown(instance, err);
	if (ret)
		return err_set(err, ret, "open %s/%s/%s: %s", dp->root, maps,
			       map_name[MAP_CONFIG], strerror(-ret));
	if (dp->config->abi == BN_ABI_VERSION)
		return 0;
	pin_other_version(dp->config->abi, why);
	return pin_refuse(instance, why, err);
}

/* Of programs that were made before there was such a map, or of a pin that
 * somebody removed. */
static int no_map(const char *instance, enum map_id map, struct err *err)
{
	err_set(err, -EPROTO, "the datapath of instance '%s' has no map '%s'",
		instance, map_name[map]);
	err_kind(err, EXIT_CONFLICT, "abi-version");
	err_hint(err, "'bpfnet upgrade' replaces the programs");
	return -EPROTO;
}

static int open_maps(struct datapath *dp, const char *instance,
		     const char *maps, struct err *err)
{
	char path[PIN_PATH_MAX];
	int fd;

	for (int map = 0; map < MAP_COUNT; map++) {
		if (map == MAP_CONFIG)
			continue;
		fd = bpf_obj_get(pin_path(path, dp->root, maps, map_name[map]));
		if (fd == -ENOENT)
			return no_map(instance, map, err);
		if (fd < 0)
			return err_set(err, fd, "open %s: %s", path,
				       strerror(-fd));
		dp->maps[map] = fd;
	}
	return 0;
}

int pin_open(const char *instance, const char *maps, struct datapath **ret,
	     struct err *err)
{
	struct datapath *dp;
	int code;

	diag_init();
	dp = calloc(1, sizeof(*dp));
	if (!dp)
		return err_set(err, -ENOMEM, "out of memory");
	memset(dp->maps, -1, sizeof(dp->maps));

	code = pin_root(instance, dp->root, err);
	if (!code && access(dp->root, F_OK) != 0)
		code = err_set(
			err, -errno, "the datapath of '%s': %s", instance,
			errno == ENOENT ? "not loaded" : strerror(errno));
	if (!code)
		code = open_config(dp, instance, maps, err);
	if (!code)
		code = open_maps(dp, instance, maps, err);
	if (code) {
		datapath_close(dp);
		return code;
	}
	dp->clsact = pin_exists(dp->root, PIN_CLSACT, NULL);
	*ret = dp;
	return 0;
}

int datapath_open(const char *instance, struct datapath **ret, struct err *err)
{
	return pin_open(instance, PIN_MAPS, ret, err);
}

void datapath_close(struct datapath *dp)
{
	if (!dp)
		return;
	if (dp->config)
		munmap(dp->config, sizeof(*dp->config));
	for (int map = 0; map < MAP_COUNT; map++)
		cleanup_close(&dp->maps[map]);
	free(dp);
}

struct datapath_config *datapath_config(const struct datapath *dp)
{
	return dp->config;
}

void datapath_bump(struct datapath *dp)
{
	__atomic_fetch_add(&dp->config->generation, 1, __ATOMIC_SEQ_CST);
}

void datapath_bump_routes(struct datapath *dp)
{
	__atomic_fetch_add(&dp->config->route_generation, 1, __ATOMIC_SEQ_CST);
}

__u32 datapath_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (now.tv_sec * 1000000000ull + now.tv_nsec) >> FLOW_TICK_SHIFT;
}

const char *datapath_attach_mode(const struct datapath *dp)
{
	return dp->clsact ? "clsact" : "tcx";
}

int datapath_gc(struct datapath *dp, struct gc_args *args, struct err *err)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args,
		    .ctx_size_in = sizeof(*args));
	_cleanup_close_ int program = pin_program(dp, "bn_gc", err);
	int ret;

	if (program < 0)
		return program;
	/* The kernel writes the context of a syscall program back to ctx_in. */
	ret = bpf_prog_test_run_opts(program, &opts);
	if (ret)
		return err_set(err, ret, "run 'bn_gc': %s", strerror(-ret));
	if (opts.retval)
		return err_set(err, -EIO, "run 'bn_gc': it returned %d",
			       (int)opts.retval);
	return 0;
}
