/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* file - small files read and replaced as a whole */
#ifndef BPFNET_FILE_H
#define BPFNET_FILE_H

#include <stddef.h>

#include "lib/err.h"

/* The whole file, NUL added, to be freed by the caller. "-": standard input.
 * At most 16 MiB (-EFBIG). */
int file_read(const char *path, char **ret_text, size_t *ret_len,
	      struct err *err);
/* Temporary file beside it, fsync, rename: readers see the old or the new
 * content, never a part. Mode 0644. */
int file_write_atomic(const char *path, const char *text, size_t len,
		      struct err *err);
/* The same without fsync: whole for other processes, not after a power cut. */
int file_replace(const char *path, const char *text, size_t len,
		 struct err *err);
/* The same by a file of that name, which must be nobody else's: where processes
 * that die may not leave files with names that nobody knows. */
int file_write_by(const char *path, const char *temporary, const char *text,
		  size_t len, struct err *err);
/* mkdir -p with mode 0755. */
int file_mkdir(const char *path, struct err *err);

#endif
