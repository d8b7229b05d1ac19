/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* load - a fresh datapath: opened, sized, verified, pinned as a whole */
#include "datapath/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* bpftool's output casts const away. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "datapath.skel.h"
#include "gc.skel.h"
#include "socket.skel.h"
#pragma GCC diagnostic pop

/* The skeletons, and their objects in the order of loading: the maps of the
 * first one are everybody's. */
#define OBJECT_COUNT 3

struct objects {
	struct datapath_bpf *datapath;
	struct socket_bpf *socket;
	struct gc_bpf *gc;
	struct bpf_object *list[OBJECT_COUNT];
};

static void objects_close(struct objects *objects)
{
	datapath_bpf__destroy(objects->datapath);
	socket_bpf__destroy(objects->socket);
	gc_bpf__destroy(objects->gc);
}

static int objects_open(struct objects *objects, struct err *err)
{
	objects->datapath = datapath_bpf__open();
	objects->socket = socket_bpf__open();
	objects->gc = gc_bpf__open();
	if (!objects->datapath || !objects->socket || !objects->gc)
		return err_set(err, -EINVAL, "open the BPF objects: %s",
			       diag_reason());

	objects->list[0] = objects->datapath->obj;
	objects->list[1] = objects->socket->obj;
	objects->list[2] = objects->gc->obj;
	return 0;
}

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
		ret = bpf_map__reuse_fd(map, bpf_map__fd(shared));
		if (ret)
			return err_set(err, ret, "share map '%s': %s",
				       bpf_map__name(map), strerror(-ret));
	}
	return 0;
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

static int objects_load(struct objects *objects,
			const struct datapath_options *options, struct err *err)
{
	int ret;

	ret = flow_tables_size(objects, options->flows_max, err);
	if (ret)
		return ret;

	for (int i = 0; i < OBJECT_COUNT; i++) {
		if (i > 0)
			ret = share_maps(objects->list[0], objects->list[i],
					 err);
		if (ret)
			return ret;
		ret = bpf_object__load(objects->list[i]);
		if (ret)
			return load_failed(ret, err);
	}
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

static int make_dir(const char *path, struct err *err)
{
	if (mkdir(path, 0700) != 0)
		return err_set(err, -errno, "make %s: %s", path,
			       strerror(errno));
	return 0;
}

static int pin_one(int fd, const char *root, const char *dir, const char *name,
		   struct err *err)
{
	char path[PIN_PATH_MAX];
	int ret = bpf_obj_pin(fd, pin_path(path, root, dir, name));

	if (ret)
		return err_set(err, ret, "pin %s: %s", path, strerror(-ret));
	return 0;
}

static int pin_objects(const struct objects *objects, const char *root,
		       struct err *err)
{
	struct bpf_program *program;
	struct bpf_map *map;
	int ret;

	bpf_object__for_each_map(map, objects->list[0])
	{
		if (bpf_map__is_internal(map))
			continue;
		ret = pin_one(bpf_map__fd(map), root, PIN_MAPS,
			      bpf_map__name(map), err);
		if (ret)
			return ret;
	}
	for (int i = 0; i < OBJECT_COUNT; i++)
		bpf_object__for_each_program(program, objects->list[i])
		{
			ret = pin_one(bpf_program__fd(program), root, PIN_PROGS,
				      bpf_program__name(program), err);
			if (ret)
				return ret;
		}
	return 0;
}

/* Decided at load; later processes see what was decided then. */
static bool choose_clsact(const struct objects *objects,
			  const struct datapath_options *options)
{
	return options->force_clsact ||
	       !probe_tcx(bpf_program__fd(
		       objects->datapath->progs.bn_from_uplink));
}

static int make_dirs(const char *root, bool clsact, struct err *err)
{
	static const char *const dirs[] = { PIN_MAPS, PIN_PROGS, PIN_LINKS,
					    PIN_CLSACT };
	char path[PIN_PATH_MAX];
	size_t count = sizeof(dirs) / sizeof(*dirs) - (clsact ? 0 : 1);
	int ret;

	ret = make_dir(root, err);
	for (size_t i = 0; !ret && i < count; i++)
		ret = make_dir(pin_path(path, root, dirs[i], NULL), err);
	return ret;
}

/* Other processes see nothing of the instance, or all of it: it grows under
 * another name. The rename fails if somebody else was quicker. */
static int pin_all(const struct objects *objects,
		   const struct datapath_options *options, const char *root,
		   struct err *err)
{
	char fresh[PIN_ROOT_MAX];
	bool clsact = choose_clsact(objects, options);
	int ret;

	pin_fresh(fresh, root);
	ret = pin_remove(fresh, err);
	if (ret)
		return ret;

	ret = make_dirs(fresh, clsact, err);
	if (!ret)
		ret = pin_objects(objects, fresh, err);
	if (!ret && rename(fresh, root) != 0)
		ret = err_set(err, -errno, "rename %s to %s: %s", fresh, root,
			      strerror(errno));
	if (ret)
		pin_remove(fresh, NULL);
	return ret;
}

int datapath_load(const char *instance, const struct datapath_options *options,
		  struct datapath **ret, struct err *err)
{
	struct objects objects = {};
	char root[PIN_ROOT_MAX];
	int code;

	diag_init();
	code = pin_root(instance, root, err);
	if (code)
		return code;
	if (access(root, F_OK) == 0)
		return err_set(err, -EEXIST, "%s exists already", root);

	code = objects_open(&objects, err);
	if (!code)
		code = objects_load(&objects, options, err);
	if (!code)
		code = set_abi(&objects, err);
	if (!code)
		code = pin_all(&objects, options, root, err);
	objects_close(&objects);
	if (code)
		return code;

	code = datapath_open(instance, ret, err);
	if (code)
		pin_remove(root, NULL);
	return code;
}
