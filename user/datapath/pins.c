/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* pins - pins that somebody removed: found, and made again */
#include "datapath/objects.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

struct search {
	const char *root;
	void (*visit)(const char *pin, void *arg);
	void *arg;
};

static void tell(const struct search *search, const char *dir, const char *name)
{
	char pin[PIN_PATH_MAX];

	snprintf(pin, sizeof(pin), "%s/%s", dir, name);
	search->visit(pin, search->arg);
}

static void on_map(const char *name, void *arg)
{
	const struct search *search = arg;

	if (!pin_exists(search->root, PIN_MAPS, name))
		tell(search, PIN_MAPS, name);
}

static void on_program(const char *name, void *arg)
{
	const struct search *search = arg;

	if (!pin_exists(search->root, PIN_PROGS, name))
		tell(search, PIN_PROGS, name);
}

static int search_all(struct search *search, struct err *err)
{
	struct objects *objects;
	int ret = objects_open(&objects, err);

	if (ret)
		return ret;
	objects_each_map(objects, on_map, search);
	objects_each_program(objects, on_program, search);
	objects_close(objects);
	return 0;
}

int pins_lost(const char *instance, void (*visit)(const char *pin, void *arg),
	      void *arg, struct err *err)
{
	char root[PIN_ROOT_MAX];
	struct search search = { .root = root, .visit = visit, .arg = arg };
	int ret;

	diag_init();
	ret = pin_root(instance, root, err);
	if (ret || access(root, F_OK))
		return ret;
	if (!pin_exists(root, PIN_PROGS, NULL) ||
	    pin_exists(root, PIN_PROGS, objects_stamp))
		return search_all(&search, err);
	/* What another build has is for its own bpfnet to know, but for what
	 * this one opens. */
	for (int map = 0; map < MAP_COUNT; map++)
		on_map(map_name[map], &search);
	return 0;
}

/* ------------------------------------------------------------ made again */

/* The kernel cuts names. */
static bool is_called(const char *kernel_name, const char *name)
{
	return !strncmp(kernel_name, name, BPF_OBJ_NAME_LEN - 1);
}

/* A map that a program has; its fd, or -ENOENT. */
static int program_map(int program, const char *name)
{
	__u32 ids[64];
	struct bpf_prog_info info = { .nr_map_ids = 64,
				      .map_ids = (uintptr_t)ids };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(program, &info, &len))
		return -ENOENT;
	for (__u32 i = 0; i < info.nr_map_ids && i < 64; i++) {
		_cleanup_close_ int fd = bpf_map_get_fd_by_id(ids[i]);
		struct bpf_map_info map;

		if (fd >= 0 && !map_info(fd, &map) && is_called(map.name, name))
			return take_fd(fd);
	}
	return -ENOENT;
}

struct repin {
	const char *root;
	const struct program_set *set;
	int rc; /* the first failure */
	struct err *err;
};

static int map_repin(const struct repin *repin, const char *name)
{
	char path[PIN_PATH_MAX];

	for (size_t i = 0; i < repin->set->count; i++) {
		_cleanup_close_ int fd =
			program_map(repin->set->list[i].fd, name);

		if (fd >= 0)
			return bpf_obj_pin(fd, pin_path(path, repin->root,
							PIN_MAPS, name));
	}
	return -ENOENT;
}

static void on_lost_map(const char *name, void *arg)
{
	struct repin *repin = arg;

	if (repin->rc || pin_exists(repin->root, PIN_MAPS, name))
		return;
	repin->rc = map_repin(repin, name);
	/* One that the programs never had is no loss. */
	if (repin->rc == -ENOENT)
		repin->rc = 0;
	if (repin->rc)
		err_set(repin->err, repin->rc, "pin map '%s' again: %s", name,
			strerror(-repin->rc));
}

static int maps_repin(const char *root, struct err *err)
{
	struct program_set set;
	struct repin repin = { .root = root, .set = &set, .err = err };
	struct objects *objects;
	int ret = programs_open(root, PIN_PROGS, &set, err);

	if (ret)
		return ret;
	ret = objects_open(&objects, err);
	if (!ret) {
		objects_each_map(objects, on_lost_map, &repin);
		objects_close(objects);
		ret = repin.rc;
	}
	programs_close(&set);
	return ret;
}

static void count(const char *pin, void *arg)
{
	(void)pin;
	*(size_t *)arg += 1;
}

/* Without the name of its build, a datapath is one whose programs are to be
 * replaced, which loads and pins all of them. */
int pins_restore(const char *instance, struct err *err)
{
	char root[PIN_ROOT_MAX], path[PIN_PATH_MAX];
	size_t lost = 0;
	int ret = pin_root(instance, root, err);

	if (ret || access(root, F_OK))
		return ret;
	if (!pin_exists(root, PIN_MAPS, NULL))
		ret = pin_dir(root, PIN_MAPS, NULL, err);
	if (!ret && !pin_exists(root, PIN_PROGS, NULL))
		ret = pin_dir(root, PIN_PROGS, NULL, err);
	ret = ret ? ret : maps_repin(root, err);
	ret = ret ? ret : pins_lost(instance, count, &lost, err);
	if (ret || !lost)
		return ret;
	pin_path(path, root, PIN_PROGS, objects_stamp);
	return rmdir(path) && errno != ENOENT ?
		       err_set(err, -errno, "remove %s: %s", path,
			       strerror(errno)) :
		       0;
}
