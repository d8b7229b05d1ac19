/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sysctl - /proc/sys values of the caller's network namespace */
#include "kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* The longest value that sysctl_set compares. */
#define VALUE_MAX 256

static int sysctl_open(const char *name, int flags, struct err *err)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "/proc/sys/%s", name) >=
	    (int)sizeof(path))
		return err_set(err, -ENAMETOOLONG, "sysctl name: %s",
			       strerror(ENAMETOOLONG));
	fd = open(path, flags | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return err_set(err, -ENOENT, "this kernel has no sysctl '%s'",
			       name);
	return err_set(err, -errno, "sysctl '%s': %s", name, strerror(errno));
}

int sysctl_read(const char *name, char *value, size_t len, struct err *err)
{
	_cleanup_close_ int fd = sysctl_open(name, O_RDONLY, err);
	char text[VALUE_MAX];
	ssize_t got;

	if (fd < 0)
		return fd;
	got = read(fd, text, sizeof(text));
	if (got < 0)
		return err_set(err, -errno, "read sysctl '%s': %s", name,
			       strerror(errno));
	while (got && text[got - 1] == '\n')
		got--;
	if ((size_t)got >= len || (size_t)got == sizeof(text))
		return err_set(err, -ENOSPC, "sysctl '%s': value too long",
			       name);
	memcpy(value, text, got);
	value[got] = '\0';
	return 0;
}

int sysctl_write(const char *name, const char *value, struct err *err)
{
	_cleanup_close_ int fd = sysctl_open(name, O_WRONLY, err);

	if (fd < 0)
		return fd;
	/* One write: the kernel parses each on its own. */
	if (write(fd, value, strlen(value)) < 0)
		return err_set(err, -errno, "set sysctl '%s' to '%s': %s", name,
			       value, strerror(errno));
	return 0;
}

int sysctl_set(const char *name, const char *value, char *old, size_t len,
	       bool *ret_changed, struct err *err)
{
	char current[VALUE_MAX];
	bool has_changed;
	int rc;

	/* Nothing is written unless what it replaces can be recorded. */
	rc = sysctl_read(name, current, len < VALUE_MAX ? len : VALUE_MAX, err);
	if (rc)
		return rc;
	has_changed = strcmp(current, value) != 0;
	if (has_changed)
		rc = sysctl_write(name, value, err);
	if (rc)
		return rc;
	memcpy(old, current, strlen(current) + 1);
	*ret_changed = has_changed;
	return 0;
}
