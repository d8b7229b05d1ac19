/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* exchange - all hooks of an instance get the programs of one directory */
#include "datapath/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

static int program_add(const char *path, const char *name,
		       struct program_set *set)
{
	struct program *program = &set->list[set->count];
	int ret;

	if (set->count == PROGRAMS_MAX || strlen(name) >= sizeof(program->name))
		return -E2BIG;
	program->fd = bpf_obj_get(path);
	if (program->fd < 0)
		return program->fd;
	ret = program_id(program->fd, &program->id);
	if (ret) {
		close(program->fd);
		return ret;
	}
	snprintf(program->name, sizeof(program->name), "%s", name);
	set->count++;
	return 0;
}

/* The directory also has a name that says which build they are of. */
static bool is_program(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "bn_", 3) && entry->d_type != DT_DIR;
}

int programs_open(const char *root, const char *dir, struct program_set *ret,
		  struct err *err)
{
	struct program_set set = { 0 };
	const struct dirent *entry;
	char path[PIN_PATH_MAX];
	int code = 0;
	DIR *list;

	list = opendir(pin_path(path, root, dir, NULL));
	if (!list && errno != ENOENT)
		return err_set(err, -errno, "read %s: %s", path,
			       strerror(errno));
	while (list && !code && (entry = readdir(list)))
		if (is_program(entry))
			code = program_add(
				pin_path(path, root, dir, entry->d_name),
				entry->d_name, &set);
	if (list)
		closedir(list);
	if (code) {
		programs_close(&set);
		return err_set(err, code, "open %s: %s", path, strerror(-code));
	}
	*ret = set;
	return 0;
}

void programs_close(struct program_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		close(set->list[i].fd);
	set->count = 0;
}

const struct program *programs_find(const struct program_set *set,
				    const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (!strcmp(set->list[i].name, name))
			return &set->list[i];
	return NULL;
}

const struct program *programs_find_id(const struct program_set *set, __u32 id)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i].id == id)
			return &set->list[i];
	return NULL;
}

/* Whose filters they are is known by either build's programs. */
static int filters_put(const char *root, const struct program_set *set,
		       struct err *err)
{
	static const char *const dirs[] = { PIN_PROGS, PIN_PROGS_NEXT };
	int first = 0;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		struct program_set from = { 0 };
		int ret =
			programs_open(root, dirs[i], &from, first ? NULL : err);

		if (!ret)
			ret = clsact_put(&from, set, first ? NULL : err);
		first = first ? first : ret;
		programs_close(&from);
	}
	return first;
}

int programs_put(const char *root, const char *dir, struct err *err)
{
	struct program_set set;
	int first = programs_open(root, dir, &set, err);
	int ret;

	if (first)
		return first;
	first = filters_put(root, &set, err);
	ret = links_put(root, &set, first ? NULL : err);
	programs_close(&set);
	return first ? first : ret;
}
