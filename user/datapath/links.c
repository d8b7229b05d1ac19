/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* links - hooks held by pinned BPF links: tcx and cgroup */
#include "datapath/internal.h"

#include <errno.h>
#include <stdio.h>
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

int link_detach(struct datapath *dp, const char *pin, struct err *err)
{
	char path[PIN_PATH_MAX];
	int link = bpf_obj_get(pin_path(path, dp->root, PIN_LINKS, pin));

	if (link == -ENOENT)
		return 0;
	if (link >= 0) {
		/* Fails for a device that is gone, which is just as well. */
		bpf_link_detach(link);
		close(link);
	}
	if (unlink(path) != 0 && errno != ENOENT)
		return err_set(err, -errno, "remove %s: %s", path,
			       strerror(errno));
	return 0;
}
