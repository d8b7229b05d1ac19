/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sockets - the programs of host sockets, put on a cgroup */
#include "datapath/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

static const struct {
	const char *program;
	enum bpf_attach_type type;
} sockets[] = {
	{ "bn_connect4", BPF_CGROUP_INET4_CONNECT },
	{ "bn_connect6", BPF_CGROUP_INET6_CONNECT },
	{ "bn_sendmsg4", BPF_CGROUP_UDP4_SENDMSG },
	{ "bn_sendmsg6", BPF_CGROUP_UDP6_SENDMSG },
	{ "bn_recvmsg4", BPF_CGROUP_UDP4_RECVMSG },
	{ "bn_recvmsg6", BPF_CGROUP_UDP6_RECVMSG },
	{ "bn_getpeer4", BPF_CGROUP_INET4_GETPEERNAME },
	{ "bn_getpeer6", BPF_CGROUP_INET6_GETPEERNAME },
};
#define SOCKET_COUNT (sizeof(sockets) / sizeof(*sockets))

static const char *pin_name(char buf[64], const char *program)
{
	snprintf(buf, 64, "cgroup_%s", program);
	return buf;
}

static int cgroup_root(char ret[PATH_MAX], struct err *err)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	int code = -ENOENT;

	if (!mounts)
		return err_set(err, -errno, "open /proc/self/mounts: %s",
			       strerror(errno));
	while (code && (mount = getmntent(mounts)))
		if (strcmp(mount->mnt_type, "cgroup2") == 0) {
			snprintf(ret, PATH_MAX, "%s", mount->mnt_dir);
			code = 0;
		}
	endmntent(mounts);
	if (!code)
		return 0;
	err_set(err, -EOPNOTSUPP, "no cgroup2 file system is mounted");
	err_hint(err, "mount -t cgroup2 none DIR");
	return -EOPNOTSUPP;
}

bool sockets_have_cgroup(void)
{
	char root[PATH_MAX];

	return !cgroup_root(root, NULL);
}

static int cgroup_open(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return err_set(err, -errno, "cgroup %s: %s", path,
			       strerror(errno));
	if (fstatfs(fd, &fs) != 0 || fs.f_type != CGROUP2_SUPER_MAGIC) {
		close(fd);
		return err_usage(err, "'%s' is not a cgroup2 directory", path);
	}
	return fd;
}

/* Takes back the links that this call has made. */
static void undo(struct datapath *dp, const bool made[SOCKET_COUNT])
{
	char pin[64];

	for (size_t i = 0; i < SOCKET_COUNT; i++)
		if (made[i])
			link_detach(dp, pin_name(pin, sockets[i].program),
				    NULL);
}

static int attach(struct datapath *dp, const char *cgroup, bool missing,
		  struct err *err)
{
	_cleanup_close_ int fd = -1;
	bool made[SOCKET_COUNT] = {};
	char root[PATH_MAX], pin[64];
	struct stat st;
	int ret;

	if (!cgroup) {
		ret = cgroup_root(root, err);
		if (ret)
			return ret;
		cgroup = root;
	}
	fd = cgroup_open(cgroup, err);
	if (fd < 0)
		return fd;
	/* The inode number of a cgroup directory is the cgroup's id. */
	if (fstat(fd, &st) != 0)
		return err_set(err, -errno, "cgroup %s: %s", cgroup,
			       strerror(errno));

	for (size_t i = 0; i < SOCKET_COUNT; i++) {
		const struct hook hook = {
			.pin = pin_name(pin, sockets[i].program),
			.program = sockets[i].program,
			.target = fd,
			.target_id = st.st_ino,
			.attach_type = sockets[i].type,
		};

		if (missing && pin_exists(dp->root, PIN_LINKS, pin))
			continue;
		ret = link_attach(dp, &hook, &made[i], err);
		if (ret) {
			undo(dp, made);
			err_prefix(err, "cgroup %s", cgroup);
			return ret;
		}
	}
	return 0;
}

int attach_sockets(struct datapath *dp, const char *cgroup, struct err *err)
{
	return attach(dp, cgroup, false, err);
}

int attach_sockets_missing(struct datapath *dp, const char *cgroup,
			   struct err *err)
{
	return attach(dp, cgroup, true, err);
}

int detach_sockets(struct datapath *dp, struct err *err)
{
	char pin[64];
	int first = 0;

	for (size_t i = 0; i < SOCKET_COUNT; i++) {
		int ret = link_detach(dp, pin_name(pin, sockets[i].program),
				      first ? NULL : err);

		first = first ? first : ret;
	}
	return first;
}

static bool is_attached(const struct datapath *dp, const char *program)
{
	_cleanup_close_ int fd = pin_program(dp, program, NULL);
	_cleanup_close_ int link = -1;
	struct bpf_link_info info = {};
	char path[PIN_PATH_MAX], pin[64];
	__u32 len = sizeof(info), id = 0;

	pin_path(path, dp->root, PIN_LINKS, pin_name(pin, program));
	link = bpf_obj_get(path);
	if (fd < 0 || link < 0 || program_id(fd, &id) ||
	    bpf_obj_get_info_by_fd(link, &info, &len))
		return false;
	/* A link that was detached, or whose cgroup is gone, has no cgroup. */
	return info.type == BPF_LINK_TYPE_CGROUP && info.cgroup.cgroup_id &&
	       info.prog_id == id;
}

size_t sockets_lost(const struct datapath *dp)
{
	size_t lost = 0;

	for (size_t i = 0; i < SOCKET_COUNT; i++)
		lost += !is_attached(dp, sockets[i].program);
	return lost;
}

int sockets_restore(struct datapath *dp, const char *cgroup, struct err *err)
{
	char pin[64];
	int ret = 0;

	for (size_t i = 0; i < SOCKET_COUNT && !ret; i++)
		if (!is_attached(dp, sockets[i].program))
			ret = link_detach(dp, pin_name(pin, sockets[i].program),
					  err);
	return ret ? ret : attach_sockets_missing(dp, cgroup, err);
}
