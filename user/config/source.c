/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* source - the texts that make up one configuration: a file and its drop-ins */
#include "config/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/file.h"
#include "lib/log.h"

#define SUFFIX ".yaml"
#define DROP_INS ".d"

static bool ends_with_suffix(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(SUFFIX) &&
	       !strcmp(name + len - strlen(SUFFIX), SUFFIX);
}

static int is_drop_in(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && ends_with_suffix(entry->d_name);
}

/* alphasort asks the locale: the order of rules must not depend on it. */
static int compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

struct source source_of(const char *name, const char *text, size_t len)
{
	bool marked = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3);

	/* libyaml takes it for text, jansson for an error. */
	return (struct source){ .name = name,
				.text = marked ? text + 3 : text,
				.len = marked ? len - 3 : len };
}

/* Takes name, which may be NULL for want of memory. */
static int add(struct sources *sources, const char *path, char *name,
	       struct err *err)
{
	_cleanup_free_ char *owned = name;
	struct source *grown, source;
	char *text;
	size_t len;
	int rc;

	grown = reallocarray(sources->items, sources->count + 1,
			     sizeof(*grown));
	if (grown)
		sources->items = grown;
	if (!grown || !name)
		return err_set(err, -ENOMEM, "read '%s': out of memory", path);
	rc = file_read(path, &text, &len, err);
	if (rc)
		return rc;
	source = source_of(owned, text, len);
	source.owned[0] = take_ptr(owned);
	source.owned[1] = text;
	grown[sources->count++] = source;
	return 0;
}

static int add_drop_in(struct sources *sources, const char *dir,
		       const char *file, struct err *err)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, file) < 0)
		return err_set(err, -ENOMEM, "read '%s': out of memory", dir);
	log_info("reading %s", path);
	return add(sources, path, path, err);
}

static int add_drop_ins(struct sources *sources, const char *dir,
			struct err *err)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, is_drop_in, compare);
	int rc = 0;

	if (count < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (count < 0)
		return err_set(err, -errno, "read directory '%s': %s", dir,
			       strerror(errno));
	for (int i = 0; i < count; i++) {
		rc = rc ? rc :
			  add_drop_in(sources, dir, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

int sources_read(const char *path, struct sources *ret, struct err *err)
{
	bool is_stdin = !strcmp(path, "-");
	struct sources sources = { 0 };
	_cleanup_free_ char *dir = NULL;
	int rc = add(&sources, path, strdup(is_stdin ? "stdin" : path), err);

	if (!rc && ends_with_suffix(path)) {
		if (asprintf(&dir, "%.*s" DROP_INS,
			     (int)(strlen(path) - strlen(SUFFIX)), path) < 0)
			rc = err_set(err, -ENOMEM, "read '%s': out of memory",
				     path);
		rc = rc ? rc : add_drop_ins(&sources, dir, err);
	}
	if (rc)
		sources_free(&sources);
	else
		*ret = sources;
	return rc;
}

void sources_free(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		free(sources->items[i].owned[0]);
		free(sources->items[i].owned[1]);
	}
	free(sources->items);
	*sources = (struct sources){ 0 };
}
