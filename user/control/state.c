/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* state - /run/NAME: what exists, object by object */
#include "control/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/journal.h"
#include "control/unfinished.h"
#include "lib/cleanup.h"
#include "lib/file.h"
#include "lib/log.h"

#define JOURNAL "journal"
/* So much of a journal may say nothing before it is written anew: each command
 * reads it, and has a few lines to say. */
#define WASTE_LINES_MIN 256
#define WASTE_PART 4 /* of the lines that say something */

static const char *state_path(const char *instance, const char *file,
			      char buf[PATH_MAX])
{
	snprintf(buf, PATH_MAX, STATE_ROOT "/%s/%s", instance, file);
	return buf;
}

static size_t count_objects(const struct model *m)
{
	return m->nnetns + m->nnetworks + m->nendpoints + m->nuplinks +
	       m->npublishes + m->nrules;
}

/* ---------------------------------------------------------------- write */

static int journal_make(const char *path, const struct state *state,
			struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (journal_print(state, &text, &len))
		return err_set(err, -ENOMEM, "write %s: out of memory", path);
	return file_replace(path, text, len, err);
}

/* The first line of an instance comes behind a head. */
static int journal_open(const char *path, struct err *err)
{
	struct state none = { 0 };
	int fd, rc;

	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd >= 0 ? fd :
				 err_set(err, -errno, "open %s: %s", path,
					 strerror(errno));
	model_init(&none.model);
	rc = journal_make(path, &none, err);
	if (rc)
		return rc;
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	return fd >= 0 ? fd :
			 err_set(err, -errno, "open %s: %s", path,
				 strerror(errno));
}

static int append(const char *instance, const char *text, size_t len,
		  struct err *err)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd =
		journal_open(state_path(instance, JOURNAL, path), err);
	off_t before;
	ssize_t put;
	int rc;

	if (fd < 0)
		return fd;
	before = lseek(fd, 0, SEEK_END);
	put = write(fd, text, len);
	if (put == (ssize_t)len)
		return 0;
	rc = put < 0 ? -errno : -ENOSPC;
	/* Nothing may follow half a line. */
	if (ftruncate(fd, before))
		rc = -errno;
	return err_set(err, rc, "write %s: %s", path, strerror(-rc));
}

int state_write(const char *instance, enum object_kind kind, const void *object,
		bool complete, struct err *err)
{
	struct line line;

	journal_line(complete ? '+' : '?', kind, object, &line);
	return append(instance, line.text, line.len, err);
}

int state_del(const char *instance, enum object_kind kind, const void *object,
	      struct err *err)
{
	struct line line;

	journal_line('-', kind, object, &line);
	return append(instance, line.text, line.len, err);
}

int state_write_settings(const char *instance, const struct settings *settings,
			 struct err *err)
{
	struct model fresh;

	model_init(&fresh);
	if (settings_equal(settings, &fresh.settings))
		return state_del(instance, OBJECT_SETTINGS, settings, err);
	return state_write(instance, OBJECT_SETTINGS, settings, true, err);
}

/* dormant is nothing that a user wrote, so rule_equal leaves it out. */
static bool same_rule(const struct policy_rule *a, const struct policy_rule *b)
{
	return rule_equal(a, b) && a->dormant == b->dormant &&
	       a->origin == b->origin;
}

/* Of two lists, what is between the same beginning and the same end. */
struct difference {
	size_t at, del, add;
};

static struct difference rules_compare(const struct model *new,
				       const struct model *old)
{
	size_t nnew = new->nrules, nold = old->nrules, at = 0;

	if (new == old)
		return (struct difference){ 0, nold, nnew };
	while (at < nnew && at < nold &&
	       same_rule(&new->rules[at], &old->rules[at]))
		at++;
	while (nnew > at && nold > at &&
	       same_rule(&new->rules[nnew - 1], &old->rules[nold - 1])) {
		nnew--;
		nold--;
	}
	return (struct difference){ at, nold - at, nnew - at };
}

int state_write_rules(const char *instance, const struct model *model,
		      const struct model *old, struct err *err)
{
	struct difference d = rules_compare(model, old);
	_cleanup_free_ char *text = NULL;
	struct line line;
	size_t len;
	FILE *out;

	if (!d.del && !d.add)
		return 0;
	out = open_memstream(&text, &len);
	if (!out)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = d.at; i < d.at + d.add; i++) {
		journal_line('.', OBJECT_RULE, &model->rules[i], &line);
		fwrite(line.text, 1, line.len, out);
	}
	journal_policy_line(old->nrules, d.at, d.del, d.add, &line);
	fwrite(line.text, 1, line.len, out);
	if (fclose(out))
		return err_set(err, -ENOMEM, "out of memory");
	return append(instance, text, len, err);
}

/* ----------------------------------------------------------------- read */

int state_read(const char *instance, bool salvage, struct state *ret,
	       struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	struct state state = { 0 };
	size_t len = 0;
	int rc = 0;

	state.unfinished = unfinished_is_there(instance);
	model_init(&state.model);
	model_init(&state.leftovers);
	if (!access(state_path(instance, JOURNAL, path), F_OK)) {
		rc = file_read(path, &text, &len, err);
		rc = rc ? rc :
			  journal_read(path, text, len, salvage, &state, err);
	}
	if (rc) {
		model_free(&state.model);
		model_free(&state.leftovers);
		return rc;
	}
	*ret = state;
	return 0;
}

int state_clean(const char *instance, const struct state *state,
		struct err *err)
{
	size_t live =
		count_objects(&state->model) + count_objects(&state->leftovers);
	char path[PATH_MAX];
	struct stat st;

	if (stat(state_path(instance, JOURNAL, path), &st))
		return 0;
	if (state->outdated ||
	    state->waste > live / WASTE_PART + WASTE_LINES_MIN)
		return journal_make(path, state, err);
	if ((size_t)st.st_size > state->valid && truncate(path, state->valid))
		return err_set(err, -errno, "truncate %s: %s", path,
			       strerror(errno));
	return 0;
}

int state_copy(const char *instance, const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char journal[PATH_MAX];
	size_t len;
	int rc;

	if (access(state_path(instance, JOURNAL, journal), F_OK))
		return err_set(err, -ENOENT, "nothing is recorded");
	rc = file_read(journal, &text, &len, err);
	return rc ? rc : file_replace(path, text, len, err);
}

/* ----------------------------------------------------------------- seal */

void state_break_seal(int lock)
{
	/* At worst the journal is taken for one that was cut off. */
	if (ftruncate(lock, 0))
		log_warn("the lock file: %s", strerror(errno));
}

void state_seal(const char *instance, int lock)
{
	char path[PATH_MAX], text[32];
	struct stat st;
	int len;

	state_break_seal(lock);
	if (stat(state_path(instance, JOURNAL, path), &st))
		return;
	len = snprintf(text, sizeof(text), "%lld\n", (long long)st.st_size);
	if (pwrite(lock, text, len, 0) != len)
		state_break_seal(lock);
}

int state_check_seal(const char *instance, int lock, struct err *err)
{
	char path[PATH_MAX], text[32] = "";
	struct stat st = { 0 };
	long long sealed;

	if (pread(lock, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	sealed = strtoll(text, NULL, 10);
	if (stat(state_path(instance, JOURNAL, path), &st) && errno != ENOENT)
		return err_set(err, -errno, "read %s: %s", path,
			       strerror(errno));
	if (st.st_size >= sealed)
		return 0;
	err_set(err, -EINVAL, "%s: %lld of %lld bytes are left", path,
		(long long)st.st_size, sealed);
	err_hint(err, "the file is damaged: 'bpfnet purge' starts afresh");
	return -EINVAL;
}

/* -------------------------------------------------------------- rebuild */

static int keep_aside(const char *path, struct err *err)
{
	char aside[PATH_MAX + sizeof(".broken")];

	snprintf(aside, sizeof(aside), "%s.broken", path);
	if ((unlink(aside) && errno != ENOENT) || link(path, aside))
		return err_set(err, -errno, "keep %s: %s", aside,
			       strerror(errno));
	return 0;
}

int state_rebuild(const char *instance, const struct model *model,
		  struct err *err)
{
	char path[PATH_MAX];
	struct state state;
	int rc = state_read(instance, true, &state, err);

	if (rc)
		return rc;
	model_free(&state.model);
	state.model = *model;
	state_path(instance, JOURNAL, path);
	rc = keep_aside(path, err);
	rc = rc ? rc : journal_make(path, &state, err);
	model_free(&state.leftovers);
	return rc;
}

/* --------------------------------------------------------------- remove */

/* Also what a process that died while it wrote has left, and what somebody may
 * want to look at: journal.XXXXXX, journal.broken. */
static bool is_record(const char *name)
{
	static const char *const files[] = { JOURNAL,	     "unfinished",
					     "before",	     "previous",
					     "pending.json", "addresses.json" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!strncmp(name, files[i], strlen(files[i])))
			return true;
	return false;
}

/* NAME.XXXXXX, where NAME is that of a record. */
static bool is_scrap(const char *name)
{
	const char *dot = strrchr(name, '.');

	return is_record(name) && dot && strlen(dot) == sizeof(".XXXXXX") - 1 &&
	       strcmp(dot, ".broken") != 0;
}

static int remove_file(const char *dir, const char *name, struct err *err)
{
	char path[PATH_MAX + NAME_MAX + 2];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (remove(path) && errno != ENOENT)
		return err_set(err, -errno, "remove %s: %s", path,
			       strerror(errno));
	return 0;
}

static int remove_files(const char *root, bool (*is_one)(const char *name),
			struct err *err)
{
	const struct dirent *entry;
	DIR *dir = opendir(root);
	int rc = 0;

	while (dir && !rc && (entry = readdir(dir)))
		if (is_one(entry->d_name))
			rc = remove_file(root, entry->d_name, err);
	if (dir)
		closedir(dir);
	return rc;
}

/* The lock's removal lets the next process in: what is in the way of rmdir may
 * be its new lock. */
static int remove_root(const char *root, struct err *err)
{
	char path[PATH_MAX + sizeof("/lock")];
	int rc = remove_file(root, "lock", err);

	snprintf(path, sizeof(path), "%s/lock", root);
	if (rc || !rmdir(root) || errno == ENOENT)
		return rc;
	rc = -errno;
	if (!access(path, F_OK))
		return 0;
	return err_set(err, rc, "remove %s: %s", root, strerror(-rc));
}

int state_remove(const char *instance, struct err *err)
{
	char root[PATH_MAX];
	int rc;

	snprintf(root, sizeof(root), STATE_ROOT "/%s", instance);
	rc = remove_files(root, is_record, err);
	return rc ? rc : remove_root(root, err);
}

int state_sweep(const char *instance, struct err *err)
{
	char root[PATH_MAX];

	snprintf(root, sizeof(root), STATE_ROOT "/%s", instance);
	return remove_files(root, is_scrap, err);
}

/* What an instance without objects may still have: a state to go back to. */
static bool is_more(const char *name)
{
	return is_record(name) && strncmp(name, JOURNAL, strlen(JOURNAL)) != 0;
}

static bool has_more(const char *root)
{
	const struct dirent *entry;
	DIR *dir = opendir(root);
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = is_more(entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

void state_tidy(const char *instance)
{
	char root[PATH_MAX];
	struct state state;
	struct model fresh;
	bool empty;

	if (state_read(instance, false, &state, NULL))
		return;
	model_init(&fresh);
	empty = !state.unfinished && !count_objects(&state.model) &&
		!count_objects(&state.leftovers) &&
		settings_equal(&state.model.settings, &fresh.settings);
	model_free(&state.model);
	model_free(&state.leftovers);
	snprintf(root, sizeof(root), STATE_ROOT "/%s", instance);
	if (empty && !has_more(root) && !remove_files(root, is_record, NULL))
		remove_root(root, NULL);
}

static bool is_ours(const char *name)
{
	return is_record(name) || !strcmp(name, "lock") || name[0] == '.';
}

int state_check_owner(const char *instance, struct err *err)
{
	const struct dirent *entry;
	char path[PATH_MAX];
	bool ours = true;
	DIR *dir;

	snprintf(path, sizeof(path), STATE_ROOT "/%s", instance);
	dir = opendir(path);
	while (dir && ours && (entry = readdir(dir)))
		ours = is_ours(entry->d_name);
	if (dir)
		closedir(dir);
	if (ours)
		return 0;
	err_set(err, -EEXIST, "%s belongs to something else", path);
	err_hint(err, "choose another instance name");
	return -EEXIST;
}
