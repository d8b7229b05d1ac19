/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* unload - an instance's hooks, pins and directories removed */
#include "datapath/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

/* Keeps the first failure; the removal goes on. */
static void note(int *first, struct err *err, int code, const char *what)
{
	if (*first)
		return;
	*first = err_set(err, code, "remove %s: %s", what, strerror(-code));
}

static void end_link(const char *path)
{
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return;
	/* The pin may not be the only reference, so its removal alone would
	 * not be enough. Fails for a device that is gone: nothing to detach. */
	bpf_link_detach(fd);
	close(fd);
}

/* Removes the pins of one directory, then the directory. Names that are never
 * ours stay, and then the directory stays, too. */
static void remove_dir(const char *root, const char *dir, int *first,
		       struct err *err)
{
	bool links = strcmp(dir, PIN_LINKS) == 0;
	char path[PIN_PATH_MAX];
	struct dirent *entry;
	DIR *list;

	list = opendir(pin_path(path, root, dir, NULL));
	if (!list) {
		if (errno != ENOENT)
			note(first, err, -errno, path);
		return;
	}
	while ((entry = readdir(list))) {
		if (!links && strncmp(entry->d_name, "bn_", 3) != 0)
			continue;
		if (entry->d_name[0] == '.')
			continue;
		pin_path(path, root, dir, entry->d_name);
		if (links)
			end_link(path);
		if (remove(path) != 0 && errno != ENOENT)
			note(first, err, -errno, path);
	}
	closedir(list);
	if (rmdir(pin_path(path, root, dir, NULL)) != 0)
		note(first, err, -errno, path);
}

int pin_remove_dir(const char *root, const char *dir, struct err *err)
{
	int first = 0;

	remove_dir(root, dir, &first, err);
	return first;
}

int pin_remove(const char *root, struct err *err)
{
	static const char *const dirs[] = { PIN_LINKS,	    PIN_CLSACT,
					    PIN_PROGS_NEXT, PIN_MAPS_NEXT,
					    PIN_PROGS,	    PIN_MAPS };
	int first = 0;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		remove_dir(root, dirs[i], &first, err);
	if (rmdir(root) != 0 && errno != ENOENT)
		note(&first, err, -errno, root);
	return first;
}

static int remove_whole(const char *root, struct err *err)
{
	if (access(root, F_OK) != 0)
		return 0;
	clsact_detach_all(root);
	return pin_remove(root, err);
}

int datapath_tidy(const char *instance, struct err *err)
{
	char root[PIN_ROOT_MAX], other[PIN_ROOT_MAX];
	int first, ret;

	diag_init();
	ret = pin_root(instance, root, err);
	if (ret)
		return ret;
	first = remove_whole(pin_stale(other, root), err);
	ret = remove_whole(pin_fresh(other, root), first ? NULL : err);
	return first ? first : ret;
}

/* Half of a datapath is none that anybody could use: so it goes as a whole, by
 * its name, and then piece by piece. */
int datapath_unload(const char *instance, struct err *err)
{
	char root[PIN_ROOT_MAX], stale[PIN_ROOT_MAX];
	int ret;

	diag_init();
	ret = pin_root(instance, root, err);
	ret = ret ? ret : datapath_tidy(instance, err);
	if (ret)
		return ret;
	if (rename(root, pin_stale(stale, root)) != 0)
		return errno == ENOENT ? 0 :
					 err_set(err, -errno, "remove %s: %s",
						 root, strerror(errno));
	ret = remove_whole(stale, err);
	/* Somebody else's pins are still in it. */
	if (ret == -ENOTEMPTY)
		rename(stale, root);
	return ret;
}
