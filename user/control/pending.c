/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* pending - an apply that is undone unless somebody confirms it in time */
#include "control/pending.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/record.h"
#include "control/state.h"

#define SECOND 1000000000ll
#define TRIES_MAX 5

static const char *path_of(char buf[PATH_MAX], const char *instance)
{
	snprintf(buf, PATH_MAX, STATE_ROOT "/%s/pending.json", instance);
	return buf;
}

int pending_read(const char *instance, struct pending *ret, struct err *err)
{
	json_int_t deadline, tries;
	char path[PATH_MAX];
	json_t *root;
	int rc;

	if (access(path_of(path, instance), F_OK))
		return err_set(err, -ENOENT, "nothing waits for confirmation");
	rc = record_read(path, &root, err);
	if (rc)
		return rc;
	rc = json_unpack(root, "{s:I,s:I}", "deadline_ns", &deadline, "tries",
			 &tries);
	json_decref(root);
	if (rc || deadline < 0 || tries < 0 || tries > UINT_MAX) {
		err_set(err, -EINVAL, "%s: not what bpfnet writes", path);
		return record_damaged(-EINVAL, err);
	}
	*ret = (struct pending){ .deadline_ns = deadline, .tries = tries };
	return 0;
}

int pending_write(const char *instance, const struct pending *pending,
		  struct err *err)
{
	char path[PATH_MAX];

	return record_write(path_of(path, instance),
			    json_pack("{s:I,s:I}", "deadline_ns",
				      (json_int_t)pending->deadline_ns, "tries",
				      (json_int_t)pending->tries),
			    err);
}

int pending_del(const char *instance, struct err *err)
{
	char path[PATH_MAX];

	return record_del(path_of(path, instance), err);
}

bool pending_is_hopeless(const struct pending *pending)
{
	return pending->tries >= TRIES_MAX;
}

static __u64 now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

struct pending pending_make(__u32 seconds)
{
	return (struct pending){ .deadline_ns = now() + seconds * SECOND };
}

__s64 pending_left(const struct pending *pending)
{
	return (__s64)(pending->deadline_ns - now());
}

unsigned int pending_left_s(const struct pending *pending)
{
	__s64 left = pending_left(pending);

	return left > 0 ? (left + SECOND - 1) / SECOND : 0;
}
