/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* home - the network namespace that an instance belongs to */
#include "control/home.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#include "kernel/netns.h"
#include "lib/cleanup.h"

int home_is_here(__u64 cookie, bool *ret, struct err *err)
{
	__u64 own;
	int rc = netns_cookie(&own, err);

	if (!rc)
		*ret = !cookie || cookie == own;
	return rc;
}

/* Is it the one with this cookie? Most processes are in the caller's own,
 * which is not. */
static bool is_home(const char *path, int self, __u64 cookie)
{
	_cleanup_close_ int fd = netns_open(path, NULL);
	__u64 found = 0;

	return fd >= 0 && !netns_same(fd, self) &&
	       !netns_cookie_of(fd, &found, NULL) && found == cookie;
}

/* format: the path of a namespace by the name of an entry of dir. */
__attribute__((format(printf, 2, 0))) static bool
search(const char *dir, const char *format, int self, __u64 cookie)
{
	struct dirent *entry;
	DIR *list = opendir(dir);
	char path[PATH_MAX];
	bool found = false;

	while (list && !found && (entry = readdir(list))) {
		snprintf(path, sizeof(path), format, entry->d_name);
		found = is_home(path, self, cookie);
	}
	if (list)
		closedir(list);
	return found;
}

bool home_exists(__u64 cookie)
{
	_cleanup_close_ int self = netns_open_self(NULL);

	return self < 0 ||
	       search("/run/netns", "/run/netns/%s", self, cookie) ||
	       search("/proc", "/proc/%s/ns/net", self, cookie);
}
