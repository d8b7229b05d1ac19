/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* netns_exec - becomes a command that runs inside a network namespace */
#include "kernel/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"

#define ETC_DIR "/etc/netns"
/* Mounts carried over: those below /sys, then the files of /etc/netns/NAME. */
#define TREES_MAX 64

/*
 * A copy of a mount that is not mounted anywhere yet. Taken before /sys and
 * the root change, put back at the same path after.
 */
struct tree {
	int fd;
	char target[PATH_MAX];
};

struct trees {
	struct tree *list;
	int len;
};

static int tree_take(struct trees *trees, const char *source,
		     const char *target, struct err *err)
{
	struct tree *tree = &trees->list[trees->len];

	if (trees->len == TREES_MAX)
		return err_set(err, -ENOSPC,
			       "more than %d mounts to carry over", TREES_MAX);
	snprintf(tree->target, sizeof(tree->target), "%s", target);
	tree->fd =
		open_tree(AT_FDCWD, source,
			  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree->fd < 0)
		return err_set(err, -errno, "copy the mount of '%s': %s",
			       source, strerror(errno));
	trees->len++;
	return 0;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

/* Mounts inside a mount that is taken come along with it. */
static bool is_taken(const struct trees *trees, const char *path)
{
	for (int i = 0; i < trees->len; i++)
		if (is_below(path, trees->list[i].target))
			return true;
	return false;
}

/* bpffs, the cgroups and whatever else is mounted below /sys would be hidden by
 * the namespace's own sysfs. */
static int take_sys_mounts(struct trees *trees, struct err *err)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	int rc = 0;

	if (!mounts)
		return err_set(err, -errno, "read '/proc/self/mounts': %s",
			       strerror(errno));
	while (!rc && (mount = getmntent(mounts))) {
		if (!strcmp(mount->mnt_dir, "/sys") ||
		    !is_below(mount->mnt_dir, "/sys") ||
		    is_taken(trees, mount->mnt_dir))
			continue;
		rc = tree_take(trees, mount->mnt_dir, mount->mnt_dir, err);
	}
	endmntent(mounts);
	return rc;
}

/* The name that a namespace has for /etc/netns, or NULL. */
static const char *etc_name(const char *spec)
{
	static const char *const dirs[] = { "/run/netns/", "/var/run/netns/" };

	if (!strncmp(spec, "pid:", 4))
		return NULL;
	if (spec[0] != '/')
		return spec;
	for (int i = 0; i < 2; i++) {
		size_t len = strlen(dirs[i]);

		if (!strncmp(spec, dirs[i], len) && spec[len] &&
		    !strchr(spec + len, '/'))
			return spec + len;
	}
	return NULL;
}

static int take_etc_files(struct trees *trees, const char *name,
			  struct err *err)
{
	char dir_path[PATH_MAX], source[PATH_MAX], target[PATH_MAX];
	const struct dirent *entry;
	DIR *dir;
	int rc = 0;

	snprintf(dir_path, sizeof(dir_path), ETC_DIR "/%s", name);
	dir = opendir(dir_path);
	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return err_set(err, -errno, "read '%s': %s", dir_path,
			       strerror(errno));
	while (!rc && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(source, sizeof(source), ETC_DIR "/%s/%s", name,
			 entry->d_name);
		snprintf(target, sizeof(target), "/etc/%s", entry->d_name);
		rc = tree_take(trees, source, target, err);
	}
	closedir(dir);
	return rc;
}

/* A sysfs shows the devices of the namespace it was mounted in. */
static int mount_sys(struct err *err)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	struct statvfs fs;

	/* A root of its own need not have a /sys. */
	if (statvfs("/sys", &fs))
		return errno == ENOENT ? 0 :
					 err_set(err, -errno, "'/sys': %s",
						 strerror(errno));
	if (fs.f_flag & ST_RDONLY)
		flags |= MS_RDONLY;
	umount2("/sys", MNT_DETACH);
	if (mount("bpfnet", "/sys", "sysfs", flags, NULL))
		return err_set(err, -errno, "mount '/sys': %s",
			       strerror(errno));
	return 0;
}

/* Gives a root of its own the file to mount over, as container runtimes do: it
 * is the command's, unlike the host's /etc. */
static bool make_target(const struct tree *tree)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (!is_below(tree->target, "/etc") || fstat(tree->fd, &st) ||
	    !S_ISREG(st.st_mode))
		return false;
	fd = open(tree->target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return fd >= 0;
}

static int put_tree(const struct tree *tree)
{
	unsigned int flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS;

	return move_mount(tree->fd, "", AT_FDCWD, tree->target, flags);
}

static int put_trees(const struct trees *trees, bool is_own_root,
		     struct err *err)
{
	for (int i = 0; i < trees->len; i++) {
		const struct tree *tree = &trees->list[i];

		if (!put_tree(tree))
			continue;
		if (errno != ENOENT)
			return err_set(err, -errno, "mount '%s': %s",
				       tree->target, strerror(errno));
		if (is_own_root && make_target(tree) && !put_tree(tree))
			continue;
		/* A root without /sys has nothing to mount there. */
		if (is_below(tree->target, "/etc"))
			log_warn("'%s' does not exist, left out", tree->target);
	}
	return 0;
}

static int root_failed(const char *root, struct err *err)
{
	return err_set(err, -errno, "change the root to '%s': %s", root,
		       strerror(errno));
}

/*
 * The old root goes out of the mount namespace, so that nothing leads back
 * there, as it does from a chroot. A machine that runs from an initramfs has no
 * root that could go: a chroot is what is left then.
 */
static int change_root(const char *root, struct err *err)
{
	if (mount(root, root, NULL, MS_BIND | MS_REC, NULL) || chdir(root))
		return root_failed(root, err);
	if (syscall(SYS_pivot_root, ".", ".")) {
		if (errno != EINVAL || chroot("."))
			return root_failed(root, err);
	} else if (umount2(".", MNT_DETACH)) {
		return root_failed(root, err);
	}
	return chdir("/") ? root_failed(root, err) : 0;
}

/* Processes are the machine's; what /proc says of the network is that of the
 * process that reads. A root of its own need not have the directory. */
static int mount_proc(struct err *err)
{
	struct statfs fs;

	if (statfs("/proc", &fs) || fs.f_type == PROC_SUPER_MAGIC)
		return 0;
	if (mount("bpfnet", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL))
		return err_set(err, -errno, "mount '/proc': %s",
			       strerror(errno));
	return 0;
}

static int enter(const char *spec, const char *root, struct trees *trees,
		 struct err *err)
{
	_cleanup_close_ int fd = netns_open(spec, err);
	const char *name = etc_name(spec);
	int rc;

	if (fd < 0)
		return fd;
	if (setns(fd, CLONE_NEWNET) || unshare(CLONE_NEWNS))
		return err_set(err, -errno, "enter network namespace '%s': %s",
			       spec, strerror(errno));
	/* Nothing mounted here reaches the host; what the host mounts later
	 * still appears here. */
	if (mount("", "/", NULL, MS_SLAVE | MS_REC, NULL))
		return err_set(err, -errno, "separate the mounts: %s",
			       strerror(errno));
	rc = take_sys_mounts(trees, err);
	if (!rc && name)
		rc = take_etc_files(trees, name, err);
	if (rc)
		return rc;

	rc = root ? change_root(root, err) : 0;
	rc = rc || !root ? rc : mount_proc(err);
	rc = rc ? rc : mount_sys(err);
	return rc ? rc : put_trees(trees, root != NULL, err);
}

/* Then nothing has to change, and nothing of the host's may be made anew. */
static bool is_the_root(const char *dir)
{
	struct stat root, other;

	return !stat("/", &root) && !stat(dir, &other) &&
	       root.st_dev == other.st_dev && root.st_ino == other.st_ino;
}

int netns_exec(const char *spec, const char *root, char *const argv[],
	       struct err *err)
{
	_cleanup_free_ struct tree *list = calloc(TREES_MAX, sizeof(*list));
	struct trees trees = { .list = list };
	int rc;

	if (!list)
		return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
	if (root && is_the_root(root))
		root = NULL;
	rc = enter(spec, root, &trees, err);
	for (int i = 0; i < trees.len; i++)
		close(trees.list[i].fd);
	if (rc)
		return rc;

	execvp(argv[0], argv);
	if (errno == ENOENT)
		return err_set(err, -ENOENT, "command '%s' not found", argv[0]);
	return err_set(err, -errno, "run '%s': %s", argv[0], strerror(errno));
}
