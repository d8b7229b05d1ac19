/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* netns - named network namespaces, compatible with `ip netns` */
#include "kernel/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "kernel/link.h"
#include "lib/cleanup.h"
#include "lib/file.h"

#define RUN_DIR "/run/netns"
#define ETC_DIR "/etc/netns"
#define MADE_BY_US "trusted.bpfnet" /* an attribute of ETC_DIR */
#define TEMPORARY ".resolv.conf.bpfnet" /* becomes resolv.conf */
#define SELF "/proc/thread-self/ns/net"
#define NETNS_NEW (-2) /* no descriptor: one that is made */
/* Newer than the headers. */
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000u
#endif
#define LOOPBACK 1 /* ifindex of lo, the first device of every namespace */

static int check_name(const char *name, struct err *err)
{
	if (!name[0] || strchr(name, '/') || !strcmp(name, ".") ||
	    !strcmp(name, "..") || strlen(name) > NAME_MAX)
		return err_usage(err, "'%s' is no name for a network namespace",
				 name);
	return 0;
}

/* Opens path, which is what says. O_NONBLOCK: it may be anything, a FIFO too. */
static int open_checked(const char *path, const char *what, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct statfs fs;
	int type = 0;

	if (fd < 0 && errno == ENOENT)
		return err_set(err, -ENOENT, "%s does not exist", what);
	if (fd < 0 || fstatfs(fd, &fs))
		return err_set(err, -errno, "open %s: %s", what,
			       strerror(errno));
	/* Asked of a device, the ioctl's number could mean anything. */
	if (fs.f_type == NSFS_MAGIC)
		type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0)
		return err_set(err, -errno, "ask %s: %s", what,
			       strerror(errno));
	if (type != CLONE_NEWNET)
		return err_usage(err, "%s is no network namespace", what);
	return take_fd(fd);
}

static int open_pid(const char *digits, struct err *err)
{
	char what[64], path[64];

	if (!digits[0] || strspn(digits, "0123456789") != strlen(digits) ||
	    strlen(digits) > 10)
		return err_usage(err, "'pid:%s' names no process", digits);
	snprintf(what, sizeof(what), "process %s", digits);
	snprintf(path, sizeof(path), "/proc/%s/ns/net", digits);
	return open_checked(path, what, err);
}

int netns_open(const char *spec, struct err *err)
{
	char path[PATH_MAX], what[PATH_MAX + 32];
	int rc;

	if (!strncmp(spec, "pid:", 4))
		return open_pid(spec + 4, err);
	if (spec[0] == '/') {
		snprintf(what, sizeof(what), "'%s'", spec);
		return open_checked(spec, what, err);
	}
	rc = check_name(spec, err);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), RUN_DIR "/%s", spec);
	snprintf(what, sizeof(what), "network namespace '%s'", spec);
	return open_checked(path, what, err);
}

__u64 netns_mount_of(const char *spec)
{
	char path[PATH_MAX];
	struct statx st;

	if (!strncmp(spec, "pid:", 4))
		return 0;
	if (spec[0] == '/')
		snprintf(path, sizeof(path), "%s", spec);
	else
		snprintf(path, sizeof(path), RUN_DIR "/%s", spec);
	/* Of /proc/PID/ns/net the mount is one that all namespaces share. */
	if (statx(AT_FDCWD, path, 0, STATX_MNT_ID_UNIQUE, &st) ||
	    !(st.stx_mask & STATX_MNT_ID_UNIQUE) ||
	    !(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return 0;
	return st.stx_mnt_id;
}

int netns_open_self(struct err *err)
{
	return open_checked(SELF, "the caller's network namespace", err);
}

bool netns_exists(const char *name)
{
	_cleanup_close_ int fd = -1;

	if (check_name(name, NULL))
		return false;
	fd = netns_open(name, NULL);
	return fd >= 0;
}

bool netns_same(int fd_a, int fd_b)
{
	struct stat a, b;

	return !fstat(fd_a, &a) && !fstat(fd_b, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

int netns_cookie(__u64 *ret, struct err *err)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	__u64 cookie;
	socklen_t len = sizeof(cookie);

	if (fd < 0)
		return err_set(err, -errno, "open a socket: %s",
			       strerror(errno));
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len)) {
		/* Before 5.14. */
		int code = errno == ENOPROTOOPT ? -EOPNOTSUPP : -errno;

		return err_set(err, code, "read the namespace's cookie: %s",
			       strerror(-code));
	}
	*ret = cookie;
	return 0;
}

/* What is done in another namespace. */
struct stay {
	int fd; /* or NETNS_NEW */
	int (*fn)(void *arg, struct err *err);
	void *arg;
	struct err *err;
	int rc;
};

static void *stay_thread(void *arg)
{
	struct stay *stay = arg;

	if (stay->fd == NETNS_NEW && unshare(CLONE_NEWNET))
		stay->rc = err_set(stay->err, -errno,
				   "create a network namespace: %s",
				   strerror(errno));
	else if (stay->fd != NETNS_NEW && setns(stay->fd, CLONE_NEWNET))
		stay->rc = err_set(stay->err, -errno,
				   "enter a network namespace: %s",
				   strerror(errno));
	else
		stay->rc = stay->fn(stay->arg, stay->err);
	return NULL;
}

/*
 * A thread goes there and ends there. Coming back could fail, and all that the
 * process did from then on would be done in the wrong namespace.
 */
int netns_run(int fd, int (*fn)(void *arg, struct err *err), void *arg,
	      struct err *err)
{
	struct stay stay = { .fd = fd, .fn = fn, .arg = arg, .err = err };
	pthread_t thread;
	int code = pthread_create(&thread, NULL, stay_thread, &stay);

	/* EAGAIN would read as "locked, try again". */
	if (code)
		return err_set(err, -ENOMEM, "start a thread: %s",
			       strerror(code));
	pthread_join(thread, NULL);
	return stay.rc;
}

static int read_cookie(void *arg, struct err *err)
{
	return netns_cookie(arg, err);
}

int netns_cookie_of(int fd, __u64 *ret, struct err *err)
{
	return netns_run(fd, read_cookie, ret, err);
}

int netns_run_scratch(int (*fn)(void *arg, struct err *err), void *arg,
		      struct err *err)
{
	return netns_run(NETNS_NEW, fn, arg, err);
}

/*
 * Makes /run/netns a shared mount, so that namespaces named later appear, and
 * unmounts spread, in every mount namespace that has a copy of it. The lock
 * keeps a second adder (`ip netns` takes it too) from mounting it twice.
 */
static int share_run_dir(struct err *err)
{
	_cleanup_close_ int dir = -1;
	int rc = file_mkdir(RUN_DIR, err);

	if (rc)
		return rc;
	dir = open(RUN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || flock(dir, LOCK_EX))
		return err_set(err, -errno, "lock '%s': %s", RUN_DIR,
			       strerror(errno));
	if (!mount("", RUN_DIR, NULL, MS_SHARED | MS_REC, NULL))
		return 0;

	/* EINVAL: it is no mount point yet. */
	if (errno == EINVAL &&
	    !mount(RUN_DIR, RUN_DIR, NULL, MS_BIND | MS_REC, NULL) &&
	    !mount("", RUN_DIR, NULL, MS_SHARED | MS_REC, NULL))
		return 0;
	return err_set(err, -errno, "share '%s': %s", RUN_DIR, strerror(errno));
}

/* Runs inside the namespace. */
static int name_here(void *path, struct err *err)
{
	if (mount(SELF, path, NULL, MS_BIND, NULL))
		return err_set(err, -errno, "mount '%s': %s",
			       (const char *)path, strerror(errno));
	return 0;
}

/* Runs inside the new namespace. */
static int name_and_set_up(void *path, struct err *err)
{
	struct nl *nl;
	int rc = name_here(path, err);

	if (rc)
		return rc;
	rc = nl_open(-1, &nl, err);
	if (!rc) {
		rc = link_set_up(nl, LOOPBACK, true, err);
		nl_close(nl);
	}
	if (rc)
		umount2(path, MNT_DETACH);
	return rc;
}

static int take_name(const char *name, const char *path, struct err *err)
{
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);

	if (fd >= 0)
		return 0;
	if (errno != EEXIST)
		return err_set(err, -errno, "create '%s': %s", path,
			       strerror(errno));
	if (netns_exists(name))
		return err_set(err, -EEXIST,
			       "network namespace '%s' exists already", name);
	err_set(err, -EEXIST, "'%s' exists but is no network namespace", path);
	err_hint(err, "remove it: ip netns del %s", name);
	return -EEXIST;
}

/* Takes the name, calls fn for what it stands for, gives the name back when
 * that fails. fd: as for netns_run, where fn is called. */
static int name_make(const char *name, int fd,
		     int (*fn)(void *path, struct err *err), struct err *err)
{
	char path[PATH_MAX];
	int rc = check_name(name, err);

	rc = rc ? rc : share_run_dir(err);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), RUN_DIR "/%s", name);
	rc = take_name(name, path, err);
	if (rc)
		return rc;
	rc = netns_run(fd, fn, path, err);
	if (rc)
		unlink(path);
	return rc;
}

int netns_add(const char *name, struct err *err)
{
	return name_make(name, NETNS_NEW, name_and_set_up, err);
}

int netns_name(const char *name, int fd, struct err *err)
{
	return name_make(name, fd, name_here, err);
}

int netns_del(const char *name, struct err *err)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int rc = check_name(name, err);

	if (rc)
		return rc;
	fd = netns_open(name, NULL);
	snprintf(path, sizeof(path), RUN_DIR "/%s", name);
	/* A file whose mount is gone (the machine's /run was kept over a
	 * reboot) still has to go: only unlink decides. */
	umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	if (!unlink(path))
		return 0;
	if (errno == ENOENT)
		return err_set(err, -ENOENT,
			       "network namespace '%s' does not exist", name);
	rc = err_set(err, -errno, "delete network namespace '%s': %s", name,
		     strerror(errno));
	/* A name that stays must not lose what it stands for. */
	if (fd >= 0 && !netns_exists(name))
		netns_run(fd, name_here, path, NULL);
	return rc;
}

int netns_write_resolv(const char *name, const struct ipaddr *dns, size_t ndns,
		       struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX], temporary[PATH_MAX], ip[IP_TEXT_MAX];
	size_t len = 0, size = ndns * (IP_TEXT_MAX + 16) + 1;
	int rc = check_name(name, err);

	if (rc)
		return rc;
	text = calloc(1, size);
	if (!text)
		return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
	for (size_t i = 0; i < ndns; i++)
		len += snprintf(text + len, size - len, "nameserver %s\n",
				ip_print(&dns[i], ip));

	/* Where there are no such attributes, it stays. */
	if (!mkdir(ETC_DIR, 0755))
		setxattr(ETC_DIR, MADE_BY_US, "", 0, 0);
	snprintf(path, sizeof(path), ETC_DIR "/%s", name);
	rc = file_mkdir(path, err);
	/* Another instance may just have removed the directory above. */
	if (rc == -ENOENT)
		rc = file_mkdir(path, err);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), ETC_DIR "/%s/resolv.conf", name);
	snprintf(temporary, sizeof(temporary), ETC_DIR "/%s/" TEMPORARY, name);
	return file_write_by(path, temporary, text, len, err);
}

void netns_tidy_resolv(const char *name)
{
	char path[PATH_MAX];

	if (check_name(name, NULL))
		return;
	snprintf(path, sizeof(path), ETC_DIR "/%s/" TEMPORARY, name);
	unlink(path);
}

int netns_del_resolv(const char *name, struct err *err)
{
	char path[PATH_MAX];
	int rc = check_name(name, err);

	if (rc)
		return rc;
	snprintf(path, sizeof(path), ETC_DIR "/%s/resolv.conf", name);
	if (unlink(path) && errno != ENOENT)
		return err_set(err, -errno, "delete '%s': %s", path,
			       strerror(errno));
	netns_tidy_resolv(name);
	/* Other files there are the administrator's. */
	snprintf(path, sizeof(path), ETC_DIR "/%s", name);
	if (rmdir(path) && errno != ENOENT && errno != ENOTEMPTY &&
	    errno != EEXIST)
		return err_set(err, -errno, "delete '%s': %s", path,
			       strerror(errno));
	/* Nor does the one above it stay, unless it was there before, is not
	 * empty, or is a mount. */
	if (getxattr(ETC_DIR, MADE_BY_US, NULL, 0) >= 0)
		rmdir(ETC_DIR);
	return 0;
}
