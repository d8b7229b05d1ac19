/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* netns - named network namespaces, compatible with `ip netns` */
#ifndef BPFNET_KERNEL_NETNS_H
#define BPFNET_KERNEL_NETNS_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/ip.h"

/* /run/netns/NAME, created as `ip netns add` does it (shared mount of
 * /run/netns, bind mount of the namespace) with lo up. The caller's own
 * namespace is the same before and after. -EEXIST when the name is taken. */
int netns_add(const char *name, struct err *err);
/* The same for a namespace that exists, by its descriptor. */
int netns_name(const char *name, int fd, struct err *err);
/* As `ip netns del`. -ENOENT when there is none; on failure, the name is as it
 * was. Processes inside, and descriptors, keep it alive without its name. */
int netns_del(const char *name, struct err *err);
/* A file of that name that is no namespace does not count. */
bool netns_exists(const char *name);

/* Opens "NAME", "/PATH" or "pid:N"; O_CLOEXEC fd or -errno. A path that is no
 * network namespace is refused. */
int netns_open(const char *spec, struct err *err);
/* The caller's own namespace. */
int netns_open_self(struct err *err);
bool netns_same(int fd_a, int fd_b);
/* SO_NETNS_COOKIE of the caller's namespace. */
int netns_cookie(__u64 *ret, struct err *err);
/* That of another one. */
int netns_cookie_of(int fd, __u64 *ret, struct err *err);
/* The number of the mount that gives a namespace its name: none that was or will
 * be has the same until the machine starts again, and what is mounted there
 * does not change. Another mount namespace has other numbers for the same. 0:
 * spec is no such mount, or the kernel does not tell (before 6.8). */
__u64 netns_mount_of(const char *spec);
/* Calls fn in the namespace, in a thread of its own, and waits for it. Returns
 * what fn returns. The caller never leaves its namespace. */
int netns_run(int fd, int (*fn)(void *arg, struct err *err), void *arg,
	      struct err *err);

/* The same in a new namespace without a name, which ends with the call. */
int netns_run_scratch(int (*fn)(void *arg, struct err *err), void *arg,
		      struct err *err);

/* /etc/netns/NAME/resolv.conf; write replaces it atomically, delete also
 * removes the directory when it is empty, and /etc/netns if write made it. */
int netns_write_resolv(const char *name, const struct ipaddr *dns, size_t ndns,
		       struct err *err);
int netns_del_resolv(const char *name, struct err *err);
/* What a process has left of the file that died while it wrote it. */
void netns_tidy_resolv(const char *name);

/*
 * Replaces the process by argv run inside the namespace, as `ip netns exec`:
 * own mount namespace, /sys of the namespace, files of /etc/netns/NAME bound
 * over those of /etc (name taken from spec; none for pid: and paths outside
 * /run/netns). /sys/fs/bpf and the cgroup mounts stay visible. root: make
 * that directory the root first (NULL: no), with a /proc and a /sys where it has
 * the directories; those files are then bound over the ones there, which are
 * made (empty) where they are missing. Returns only on failure, and may then
 * have changed the caller's namespaces; a command that cannot be found is
 * -ENOENT.
 */
int netns_exec(const char *spec, const char *root, char *const argv[],
	       struct err *err);

#endif
