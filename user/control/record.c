/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* record - one JSON file of an instance, read and replaced as a whole */
#include "control/record.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/file.h"

int record_write(const char *path, json_t *json, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char dir[PATH_MAX];
	int rc;

	text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	json_decref(json);
	if (!text)
		return err_set(err, -ENOMEM, "write %s: out of memory", path);

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	rc = file_mkdir(dir, err);
	if (rc)
		return rc;
	return file_replace(path, text, strlen(text), err);
}

int record_read(const char *path, json_t **ret, struct err *err)
{
	json_error_t error;
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	if (!file)
		return err_set(err, -errno, "open '%s': %s", path,
			       strerror(errno));
	*ret = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	if (*ret)
		return 0;
	err_set(err, -EINVAL, "%s:%d:%d: %s", path, error.line, error.column,
		error.text);
	return record_damaged(-EINVAL, err);
}

int record_del(const char *path, struct err *err)
{
	if (unlink(path) && errno != ENOENT)
		return err_set(err, -errno, "remove %s: %s", path,
			       strerror(errno));
	return 0;
}

int record_damaged(int rc, struct err *err)
{
	if (rc == -EPROTO)
		return rc;
	err_hint(err, "the file is damaged: 'bpfnet purge' starts afresh");
	return rc;
}
