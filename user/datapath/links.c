/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* links - hooks held by pinned BPF links: tcx and cgroup */
#include "datapath/internal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

/* What a link hangs on; 0 when that is gone (the link outlives it). */
static __u64 link_target(const struct bpf_link_info *info)
{
	if (info->type == BPF_LINK_TYPE_CGROUP)
		return info->cgroup.cgroup_id;
	/* tcx has the device's index in the same place as xdp, whose part
	 * of the union the headers of Linux 6.1 know. */
	if (info->type == LINK_TYPE_TCX)
		return info->xdp.ifindex;
	return 0;
}

/* 1: the pinned link does what the hook wants, now if not before. 0: there is
 * none, or none that could. */
static int link_adopt(const char *path, const struct hook *hook, int program)
{
	_cleanup_close_ int link = bpf_obj_get(path);
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	__u32 wanted;
	int ret;

	if (link < 0)
		return link == -ENOENT ? 0 : link;
	ret = bpf_obj_get_info_by_fd(link, &info, &len);
	if (!ret)
		ret = program_id(program, &wanted);
	if (ret)
		return ret;
	if (link_target(&info) != hook->target_id) {
		/* Of a device or cgroup that is gone or not wanted any more. */
		bpf_link_detach(link);
		return unlink(path) == 0 ? 0 : -errno;
	}
	if (info.prog_id != wanted)
		ret = bpf_link_update(link, program, NULL);
	return ret ?: 1;
}

static int link_make(const char *path, const struct hook *hook, int program)
{
	_cleanup_close_ int link = -1;
	int ret;

	link = bpf_link_create(program, hook->target, hook->attach_type, NULL);
	if (link < 0)
		return link;
	/* Without a pin, closing the descriptor ends the link. */
	ret = bpf_obj_pin(link, path);
	return ret;
}

int link_attach(struct datapath *dp, const struct hook *hook, bool *ret_made,
		struct err *err)
{
	_cleanup_close_ int program = pin_program(dp, hook->program, err);
	char path[PIN_PATH_MAX];
	int ret;

	if (program < 0)
		return program;
	pin_path(path, dp->root, PIN_LINKS, hook->pin);
	ret = link_adopt(path, hook, program);
	if (ret > 0) {
		*ret_made = false;
		return 0;
	}
	if (!ret)
		ret = link_make(path, hook, program);
	if (ret)
		return err_set(err, ret, "attach '%s': %s", hook->program,
			       strerror(-ret));
	*ret_made = true;
	return 0;
}

static int link_end(const char *path)
{
	_cleanup_close_ int link = bpf_obj_get(path);

	/* Fails for a device that is gone, which is just as well. */
	if (link >= 0)
		bpf_link_detach(link);
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

int link_detach(struct datapath *dp, const char *pin, struct err *err)
{
	char path[PIN_PATH_MAX];
	int ret = link_end(pin_path(path, dp->root, PIN_LINKS, pin));

	if (ret)
		return err_set(err, ret, "remove %s: %s", path, strerror(-ret));
	return 0;
}

/* ------------------------------------------------------- all of them */

/* "from_uplink_7" is bn_from_uplink, "cgroup_bn_connect4" bn_connect4. */
static const struct program *program_of(const char *pin,
					const struct program_set *set)
{
	static const char cgroup[] = "cgroup_";
	char name[NAME_MAX + 8];
	size_t len;

	if (!strncmp(pin, cgroup, sizeof(cgroup) - 1))
		return programs_find(set, pin + sizeof(cgroup) - 1);
	len = snprintf(name, sizeof(name), "bn_%s", pin);
	while (isdigit((unsigned char)name[len - 1]))
		name[--len] = '\0';
	if (name[len - 1] == '_')
		name[len - 1] = '\0';
	return programs_find(set, name);
}

/* The directories among them are marks of clsact.c. */
static int is_link(const struct dirent *entry)
{
	return entry->d_type != DT_DIR;
}

/* Only that program is replaced which the link was seen to have. */
static int link_put(const char *path, const struct program *program)
{
	_cleanup_close_ int link = bpf_obj_get(path), old = -1;
	LIBBPF_OPTS(bpf_link_update_opts, opts, .flags = BPF_F_REPLACE);
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int ret;

	if (link < 0)
		return link;
	ret = bpf_obj_get_info_by_fd(link, &info, &len);
	if (ret || info.prog_id == program->id)
		return ret;
	old = bpf_prog_get_fd_by_id(info.prog_id);
	if (old < 0)
		return old;
	opts.old_prog_fd = old;
	ret = bpf_link_update(link, program->fd, &opts);
	/* Of a device or cgroup that is gone. */
	return ret == -ENOLINK ? 0 : ret;
}

/* Calls visit for each pinned link, in order of their names. Goes on after
 * failures; the first one is returned. */
static int links_each(const char *root, const struct program_set *set,
		      int (*visit)(const char *path,
				   const struct program *program),
		      struct err *err)
{
	char path[PIN_PATH_MAX];
	struct dirent **entries;
	int first = 0, count;

	count = scandir(pin_path(path, root, PIN_LINKS, NULL), &entries,
			is_link, alphasort);
	if (count < 0)
		return err_set(err, -errno, "read %s: %s", path,
			       strerror(errno));
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		int ret = visit(pin_path(path, root, PIN_LINKS, name),
				program_of(name, set));

		if (ret && !first)
			first = err_set(err, ret, "link '%s': %s", name,
					strerror(-ret));
		free(entries[i]);
	}
	free(entries);
	return first;
}

static int on_put(const char *path, const struct program *program)
{
	return program ? link_put(path, program) : 0;
}

int links_put(const char *root, const struct program_set *set, struct err *err)
{
	return links_each(root, set, on_put, err);
}

static int on_prune(const char *path, const struct program *program)
{
	return program ? 0 : link_end(path);
}

int links_prune(const char *root, const struct program_set *set,
		struct err *err)
{
	return links_each(root, set, on_prune, err);
}
