/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* file - small files read and replaced as a whole */
#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define FILE_MAX_BYTES (16u << 20)
#define READ_FIRST_BYTES 4096u

static int read_all(int fd, const char *path, char **ret_text, size_t *ret_len,
		    struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t first = READ_FIRST_BYTES, size = 0, len = 0;
	struct stat st;

	/* Only to save copying: of pipes and of files in /proc it is 0. */
	if (!fstat(fd, &st) && st.st_size > 0 && st.st_size < FILE_MAX_BYTES)
		first = st.st_size + 2;
	for (;;) {
		ssize_t got;

		/* One byte stays free for the NUL. */
		if (len + 1 >= size) {
			char *more;

			size = size ? 2 * size : first;
			more = realloc(text, size);
			if (!more)
				return err_set(err, -ENOMEM,
					       "read '%s': out of memory",
					       path);
			text = more;
		}
		got = read(fd, text + len, size - len - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, -errno, "read '%s': %s", path,
				       strerror(errno));
		if (!got)
			break;
		len += got;
		if (len > FILE_MAX_BYTES)
			return err_set(err, -EFBIG,
				       "read '%s': larger than 16 MiB", path);
	}
	text[len] = '\0';
	*ret_text = take_ptr(text);
	if (ret_len)
		*ret_len = len;
	return 0;
}

int file_read(const char *path, char **ret_text, size_t *ret_len,
	      struct err *err)
{
	_cleanup_close_ int fd = -1;

	if (!strcmp(path, "-"))
		return read_all(STDIN_FILENO, "standard input", ret_text,
				ret_len, err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "open '%s': %s", path,
			       strerror(errno));
	return read_all(fd, path, ret_text, ret_len, err);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t put = write(fd, text, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		text += put;
		len -= put;
	}
	return 0;
}

/* A rename is on disk once its directory is. */
static int sync_parent(const char *path)
{
	_cleanup_close_ int fd = -1;
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";

	if (slash)
		snprintf(dir, sizeof(dir), "%.*s",
			 slash == path ? 1 : (int)(slash - path), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		return -errno;
	return 0;
}

static int write_temporary(int fd, const char *text, size_t len, bool durable)
{
	int rc = write_all(fd, text, len);

	if (rc)
		return rc;
	/* mkostemp makes it 0600. */
	if (fchmod(fd, 0644) || (durable && fsync(fd)))
		return -errno;
	return 0;
}

/* What is in temporary becomes the file, unless writing it has failed. */
static int commit(const char *path, const char *temporary, bool durable, int rc,
		  struct err *err)
{
	if (!rc && rename(temporary, path))
		rc = -errno;
	if (rc)
		unlink(temporary);
	else if (durable)
		rc = sync_parent(path);
	return rc ? err_set(err, rc, "write '%s': %s", path, strerror(-rc)) : 0;
}

static int replace(const char *path, const char *text, size_t len, bool durable,
		   struct err *err)
{
	_cleanup_close_ int fd = -1;
	char temporary[PATH_MAX];

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >=
	    (int)sizeof(temporary))
		return err_set(err, -ENAMETOOLONG, "write '%s': %s", path,
			       strerror(ENAMETOOLONG));
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "write '%s': %s", path,
			       strerror(errno));
	return commit(path, temporary, durable,
		      write_temporary(fd, text, len, durable), err);
}

int file_write_by(const char *path, const char *temporary, const char *text,
		  size_t len, struct err *err)
{
	_cleanup_close_ int fd =
		open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(err, -errno, "write '%s': %s", path,
			       strerror(errno));
	return commit(path, temporary, true,
		      write_temporary(fd, text, len, true), err);
}

int file_write_atomic(const char *path, const char *text, size_t len,
		      struct err *err)
{
	return replace(path, text, len, true, err);
}

int file_replace(const char *path, const char *text, size_t len,
		 struct err *err)
{
	return replace(path, text, len, false, err);
}

/* mkdir, content with a directory (or a link to one) that is there already. */
static int make_one(const char *path)
{
	struct stat st;

	if (!mkdir(path, 0755))
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_mkdir(const char *path, struct err *err)
{
	char part[PATH_MAX];
	int rc = 0;

	if (!path[0])
		return err_set(err, -ENOENT, "create '': %s", strerror(ENOENT));
	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return err_set(err, -ENAMETOOLONG, "create '%s': %s", path,
			       strerror(ENAMETOOLONG));
	for (char *slash = strchr(part + 1, '/'); slash && !rc;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		rc = make_one(part);
		*slash = '/';
	}
	if (!rc)
		rc = make_one(part);
	if (rc)
		return err_set(err, rc, "create '%s': %s", path, strerror(-rc));
	return 0;
}
