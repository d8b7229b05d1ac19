/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cleanup - memory and file descriptors released at the end of their scope */
#ifndef BPFNET_CLEANUP_H
#define BPFNET_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Declare with a value: `_cleanup_free_ char *text = NULL;`. For memory and
 * descriptors only: kernel objects (links, routes, pins) are undone by the
 * visible undo list of control/apply.c, where their order matters.
 */
static inline void cleanup_free(void *ptr)
{
	free(*(void **)ptr);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define _cleanup_free_ __attribute__((cleanup(cleanup_free)))
#define _cleanup_close_ __attribute__((cleanup(cleanup_close)))
#define _cleanup_fclose_ __attribute__((cleanup(cleanup_fclose)))

/* Hands the value over to the caller: the variable's cleanup does nothing. */
#define take_fd(fd)                  \
	({                           \
		int take_fd_ = (fd); \
		(fd) = -1;           \
		take_fd_;            \
	})
#define take_ptr(ptr)                              \
	({                                         \
		__typeof__(ptr) take_ptr_ = (ptr); \
		(ptr) = NULL;                      \
		take_ptr_;                         \
	})

#endif
