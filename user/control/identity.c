/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* identity - is a namespace the one that an object was made in? */
#include "control/identity.h"

#include <errno.h>
#include <string.h>

#include "kernel/netns.h"
#include "lib/cleanup.h"

/* The number of a process is nobody's name: another process got it by chance,
 * and the namespace of the first one may well be alive. */
static bool names_process(const char *spec)
{
	return !strncmp(spec, "pid:", 4) || !strncmp(spec, "/proc/", 6);
}

/* Something was short: that says nothing about the namespace, and what is taken
 * for lost is removed. */
static bool is_shortage(int rc)
{
	return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM || rc == -EINTR;
}

static enum identity identity_of(const char *spec, __u64 cookie, __u64 mount)
{
	_cleanup_close_ int fd = -1;
	__u64 found;

	if (cookie && mount && netns_mount_of(spec) == mount)
		return IDENTITY_SAME;
	fd = netns_open(spec, NULL);
	if (fd < 0)
		return is_shortage(fd) ? IDENTITY_SAME : IDENTITY_LOST;
	if (cookie && !netns_cookie_of(fd, &found, NULL) && found != cookie)
		return names_process(spec) ? IDENTITY_LOST : IDENTITY_REPLACED;
	/* Without a record, a process id proves nothing. */
	return cookie || !names_process(spec) ? IDENTITY_SAME : IDENTITY_LOST;
}

enum identity identity_of_endpoint(const struct endpoint *endpoint)
{
	return identity_of(endpoint->netns, endpoint->netns_cookie,
			   endpoint->netns_mount);
}

enum identity identity_of_netns(const struct netns *netns)
{
	return identity_of(netns->name, netns->cookie, netns->mount);
}

int identity_open(const struct endpoint *endpoint, struct err *err)
{
	_cleanup_close_ int fd = netns_open(endpoint->netns, err);
	__u64 found;
	int rc;

	if (fd < 0)
		return fd;
	if (!endpoint->netns_cookie)
		return take_fd(fd);
	rc = netns_cookie_of(fd, &found, err);
	if (rc)
		return rc;
	if (found == endpoint->netns_cookie)
		return take_fd(fd);
	return err_set(err, -ENOENT, "'%s' is another namespace by now",
		       endpoint->netns);
}

/* The mount first: should the name move on in between, it is not taken for the
 * one that has the cookie. */
static void take(const char *spec, __u64 *ret_cookie, __u64 *ret_mount)
{
	__u64 mount = netns_mount_of(spec);
	_cleanup_close_ int fd = netns_open(spec, NULL);
	__u64 cookie;

	if (fd < 0 || netns_cookie_of(fd, &cookie, NULL))
		cookie = 0;
	*ret_cookie = cookie;
	*ret_mount = cookie ? mount : 0;
}

void identity_take(struct endpoint *endpoint)
{
	take(endpoint->netns, &endpoint->netns_cookie, &endpoint->netns_mount);
}

void identity_take_netns(struct netns *netns)
{
	take(netns->name, &netns->cookie, &netns->mount);
}
