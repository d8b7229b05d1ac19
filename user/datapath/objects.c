/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* objects - the programs of this executable, loaded but not yet in force */
#include "datapath/objects.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lib/cleanup.h"

/* bpftool's output casts const away. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "datapath.skel.h"
#include "gc.skel.h"
#include "socket.skel.h"
#pragma GCC diagnostic pop

const char objects_stamp[] =
	"bn_build_" datapath_bpf_DIGEST socket_bpf_DIGEST gc_bpf_DIGEST;

/* The skeletons, and their objects in the order of loading: the maps of the
 * first one are everybody's. */
#define OBJECT_COUNT 3

struct objects {
	struct datapath_bpf *datapath;
	struct socket_bpf *socket;
	struct gc_bpf *gc;
	struct bpf_object *list[OBJECT_COUNT];
};

void objects_close(struct objects *objects)
{
	if (!objects)
		return;
	datapath_bpf__destroy(objects->datapath);
	socket_bpf__destroy(objects->socket);
	gc_bpf__destroy(objects->gc);
	free(objects);
}

int objects_open(struct objects **ret, struct err *err)
{
	struct objects *objects = calloc(1, sizeof(*objects));

	if (!objects)
		return err_set(err, -ENOMEM, "out of memory");
	objects->datapath = datapath_bpf__open();
	objects->socket = socket_bpf__open();
	objects->gc = gc_bpf__open();
	if (!objects->datapath || !objects->socket || !objects->gc) {
		err_set(err, -EINVAL, "open the BPF objects: %s",
			diag_reason());
		objects_close(objects);
		return -EINVAL;
	}

	objects->list[0] = objects->datapath->obj;
	objects->list[1] = objects->socket->obj;
	objects->list[2] = objects->gc->obj;
	*ret = objects;
	return 0;
}

int objects_program(const struct objects *objects, const char *name)
{
	for (int i = 0; i < OBJECT_COUNT; i++) {
		const struct bpf_program *program =
			bpf_object__find_program_by_name(objects->list[i],
							 name);

		if (program)
			return bpf_program__fd(program);
	}
	return -ENOENT;
}

void objects_each_map(const struct objects *objects,
		      void (*visit)(const char *name, void *arg), void *arg)
{
	const struct bpf_map *map;

	bpf_object__for_each_map(map, objects->list[0])
	{
		if (!bpf_map__is_internal(map))
			visit(bpf_map__name(map), arg);
	}
}

void objects_each_program(const struct objects *objects,
			  void (*visit)(const char *name, void *arg), void *arg)
{
	struct bpf_program *program;

	for (int i = 0; i < OBJECT_COUNT; i++)
		bpf_object__for_each_program(program, objects->list[i])
		{
			visit(bpf_program__name(program), arg);
		}
}

/* ------------------------------------------------------------- compare */

/* Whether the pinned programs have a map of that name, which then lost its
 * pin: another one in its place would be empty. */
static bool is_in_use(const char *root, const char *name)
{
	struct program_set set;
	bool found = false;

	if (programs_open(root, PIN_PROGS, &set, NULL))
		return true;
	for (size_t i = 0; i < set.count && !found; i++)
		found = program_has_map(set.list[i].fd, name);
	programs_close(&set);
	return found;
}

/* How many flows there are is the user's choice, at load. */
static bool is_sized_at_load(const char *name)
{
	return !strcmp(name, map_name[MAP_FLOWS]) ||
	       !strcmp(name, map_name[MAP_EMBRYOS]);
}

static bool map_agrees(const struct bpf_map *map,
		       const struct bpf_map_info *info)
{
	return info->type == (__u32)bpf_map__type(map) &&
	       info->key_size == bpf_map__key_size(map) &&
	       info->value_size == bpf_map__value_size(map) &&
	       info->map_flags == bpf_map__map_flags(map) &&
	       (is_sized_at_load(bpf_map__name(map)) ||
		info->max_entries == bpf_map__max_entries(map));
}

static int map_compare(const struct bpf_map *map, const char *root,
		       char why[BUILD_WHY_MAX])
{
	const char *name = bpf_map__name(map);
	struct bpf_map_info info;
	char path[PIN_PATH_MAX];
	_cleanup_close_ int fd =
		bpf_obj_get(pin_path(path, root, PIN_MAPS, name));

	if (fd == -ENOENT && !is_in_use(root, name))
		return 0;
	if (fd >= 0 && !map_info(fd, &info) && map_agrees(map, &info))
		return 0;
	snprintf(why, BUILD_WHY_MAX,
		 fd < 0 ? "have lost their map '%s'" :
			  "have another layout of map '%s'",
		 name);
	return -EPROTO;
}

int objects_compare(const struct objects *objects, const char *root,
		    char why[BUILD_WHY_MAX])
{
	const struct bpf_map *map;
	int ret = 0;

	bpf_object__for_each_map(map, objects->list[0])
	{
		if (!ret && !bpf_map__is_internal(map))
			ret = map_compare(map, root, why);
	}
	return ret;
}

/* ---------------------------------------------------------------- load */

/* Why the kernel refused, best explanation first. */
static int load_failed(int code, struct err *err)
{
	const struct probe_info *missing = probe_missing();

	if (missing) {
		err_set(err, -EOPNOTSUPP, "this kernel lacks %s (since %s)",
			missing->name, missing->since);
		err_hint(err, "bpfnet needs Linux 6.1 or later");
		return -EOPNOTSUPP;
	}
	if (diag_is_verifier()) {
		err_set(err, code, "the kernel refuses %s", diag_reason());
		err_kind(err, EXIT_KERNEL, "verifier");
		err_hint(err, "-v shows the end of the verifier's log");
		return code;
	}
	if (code == -EPERM) {
		err_set(err, code, "load the BPF programs: not permitted");
		err_hint(err, "needs root, or CAP_BPF and CAP_NET_ADMIN");
		return code;
	}
	if (diag_reason()[0])
		return err_set(err, code, "load the BPF programs: %s",
			       diag_reason());
	return err_set(err, code, "load the BPF programs: %s", strerror(-code));
}

static int share_map(struct bpf_map *map, int fd, struct err *err)
{
	int ret = bpf_map__reuse_fd(map, fd);

	if (ret)
		return err_set(err, ret, "share map '%s': %s",
			       bpf_map__name(map), strerror(-ret));
	return 0;
}

static int share_maps(struct bpf_object *from, struct bpf_object *to,
		      struct err *err)
{
	struct bpf_map *map, *shared;
	int ret;

	bpf_object__for_each_map(map, to)
	{
		if (bpf_map__is_internal(map))
			continue;
		shared = bpf_object__find_map_by_name(from, bpf_map__name(map));
		if (!shared)
			continue;
		ret = share_map(map, bpf_map__fd(shared), err);
		if (ret)
			return ret;
	}
	return 0;
}

/* What has no pin is made. */
static int take_pinned_maps(const struct objects *objects, const char *root,
			    struct err *err)
{
	struct bpf_map *map;
	char path[PIN_PATH_MAX];
	int ret = 0;

	bpf_object__for_each_map(map, objects->list[0])
	{
		_cleanup_close_ int fd = -1;

		if (ret || bpf_map__is_internal(map))
			continue;
		fd = bpf_obj_get(
			pin_path(path, root, PIN_MAPS, bpf_map__name(map)));
		if (fd >= 0)
			ret = share_map(map, fd, err);
		else if (fd != -ENOENT)
			ret = err_set(err, fd, "open %s: %s", path,
				      strerror(-fd));
	}
	return ret;
}

/* Two entries for a flow. */
static int flow_tables_size(const struct objects *objects, __u32 flows,
			    struct err *err)
{
	__u32 embryos = flows / EMBRYOS_SHARE;
	int ret;

	if (embryos < EMBRYOS_MIN)
		embryos = EMBRYOS_MIN;
	ret = bpf_map__set_max_entries(objects->datapath->maps.bn_flows,
				       2 * flows);
	if (!ret)
		ret = bpf_map__set_max_entries(
			objects->datapath->maps.bn_embryos, 2 * embryos);
	if (ret)
		return err_set(err, ret, "size of the flow tables: %s",
			       strerror(-ret));
	return 0;
}

static int set_abi(const struct objects *objects, struct err *err)
{
	const struct datapath_config config = {
		.magic = BN_ABI_MAGIC,
		.abi = BN_ABI_VERSION,
	};
	int fd = bpf_map__fd(objects->datapath->maps.bn_config);
	__u32 zero = 0;
	int ret = bpf_map_update_elem(fd, &zero, &config, BPF_ANY);

	if (ret)
		return err_set(err, ret, "write to map 'bn_config': %s",
			       strerror(-ret));
	return 0;
}

int objects_load(struct objects *objects,
		 const struct datapath_options *options, const char *root,
		 struct err *err)
{
	int ret = root ? take_pinned_maps(objects, root, err) :
			 flow_tables_size(objects, options->flows_max, err);

	for (int i = 0; i < OBJECT_COUNT && !ret; i++) {
		if (i > 0)
			ret = share_maps(objects->list[0], objects->list[i],
					 err);
		if (ret)
			return ret;
		diag_reset();
		ret = bpf_object__load(objects->list[i]);
		if (ret)
			return load_failed(ret, err);
	}
	if (ret || root)
		return ret;
	return set_abi(objects, err);
}

/* ----------------------------------------------------------------- pin */

static int pin_one(int fd, const char *root, const char *dir, const char *name,
		   struct err *err)
{
	char path[PIN_PATH_MAX];
	int ret = bpf_obj_pin(fd, pin_path(path, root, dir, name));

	if (ret)
		return err_set(err, ret, "pin %s: %s", path, strerror(-ret));
	return 0;
}

static int pin_maps(const struct objects *objects, const char *root,
		    const char *dir, struct err *err)
{
	const struct bpf_map *map;
	int ret = pin_dir(root, dir, NULL, err);

	bpf_object__for_each_map(map, objects->list[0])
	{
		if (!ret && !bpf_map__is_internal(map))
			ret = pin_one(bpf_map__fd(map), root, dir,
				      bpf_map__name(map), err);
	}
	return ret;
}

static int pin_programs(const struct objects *objects, const char *root,
			const char *dir, struct err *err)
{
	struct bpf_program *program;
	int ret = pin_dir(root, dir, NULL, err);

	for (int i = 0; i < OBJECT_COUNT; i++)
		bpf_object__for_each_program(program, objects->list[i])
		{
			if (!ret)
				ret = pin_one(bpf_program__fd(program), root,
					      dir, bpf_program__name(program),
					      err);
		}
	return ret ? ret : pin_dir(root, dir, objects_stamp, err);
}

int objects_pin(const struct objects *objects, const char *root,
		const char *maps, const char *programs, struct err *err)
{
	int ret = pin_maps(objects, root, maps, err);

	return ret ? ret : pin_programs(objects, root, programs, err);
}
