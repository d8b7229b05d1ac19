/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* upgrade - the programs of this build in the place of another's, atomically */
#include "datapath/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/cleanup.h"

/*
 * What runs is what the pins say, but for the time between the first hook and
 * the last one. The new maps and programs are pinned beside the old ones, in
 * directories of their own ("next"). Then:
 *
 *	1. every hook gets its new program
 *	2. maps and maps~next change places, in one step of the file system
 *	3. progs and progs~next likewise
 *	4. what is in the next directories now is the old build: it is removed
 *
 * A next directory that is there when somebody comes says that a process died
 * in the middle. Whichever programs are pinned as the current ones then are put
 * at every hook again, so that it does not matter where that was. Before 3 the
 * pins say the old build, and the exchange begins anew; after it there is only
 * the removal left. Between 2 and 3 the pinned maps are the new ones: with the
 * same tables that makes no difference, with others the old programs run on
 * tables that no pin shows, until the exchange is done again.
 *
 * Programs of both builds see the same tables while they are exchanged, so a
 * packet may meet either.
 */

/* ------------------------------------------------------------- compare */

static bool is_stamped(const char *root)
{
	return pin_exists(root, PIN_PROGS, objects_stamp);
}

static bool is_half_way(const char *root)
{
	return pin_exists(root, PIN_PROGS_NEXT, NULL) ||
	       pin_exists(root, PIN_MAPS_NEXT, NULL);
}

bool datapath_is_current(const struct datapath *dp)
{
	return is_stamped(dp->root) && !is_half_way(dp->root);
}

/* 0 or -EPROTO, as objects_compare. */
static int compare_version(const char *root, struct build *build)
{
	_cleanup_close_ int fd = -1;
	struct datapath_config *config;
	int ret = pin_config(root, PIN_MAPS, &fd, &config);

	if (ret) {
		snprintf(build->why, sizeof(build->why),
			 "are none that this bpfnet knows");
		return -EPROTO;
	}
	/* These stand in the same place in every version. */
	build->netns_cookie = config->netns_cookie;
	if (config->abi != BN_ABI_VERSION) {
		pin_other_version(config->abi, build->why);
		ret = -EPROTO;
	}
	munmap(config, sizeof(*config));
	return ret;
}

static int compare_tables(const char *root, struct build *build,
			  struct err *err)
{
	struct objects *objects;
	int ret = objects_open(&objects, err);

	if (ret)
		return ret;
	build->state = objects_compare(objects, root, build->why) ?
			       BUILD_FOREIGN :
			       BUILD_OTHER;
	objects_close(objects);
	return 0;
}

int datapath_compare(const char *instance, struct build *ret, struct err *err)
{
	struct build build = { .state = BUILD_NONE };
	char root[PIN_ROOT_MAX];
	int code;

	diag_init();
	code = pin_root(instance, root, err);
	if (code)
		return code;
	if (access(root, F_OK) != 0) {
		*ret = build;
		return 0;
	}
	if (compare_version(root, &build))
		build.state = BUILD_FOREIGN;
	else if (is_stamped(root) && !is_half_way(root))
		build.state = BUILD_SAME;
	else
		code = compare_tables(root, &build, err);
	if (!code)
		*ret = build;
	return code;
}

int datapath_refuse(const char *instance, const struct build *build,
		    struct err *err)
{
	return pin_refuse(instance, build->why, err);
}

/* ------------------------------------------------------------ exchange */

static int next_remove(const char *root, struct err *err)
{
	int ret = pin_remove_dir(root, PIN_PROGS_NEXT, err);

	return ret ? ret : pin_remove_dir(root, PIN_MAPS_NEXT, err);
}

/* What a process that died has left. The programs that came may be at hooks:
 * they must be known until they are no more. */
static int put_right(const char *root, struct err *err)
{
	int ret;

	if (!is_half_way(root))
		return 0;
	ret = programs_put(root, PIN_PROGS, err);
	return ret ? ret : next_remove(root, err);
}

/* Loads what comes, and pins it beside what there is. */
static int next_make(const char *root, const struct datapath_options *options,
		     bool keep, struct err *err)
{
	struct objects *objects;
	int ret = objects_open(&objects, err);

	if (ret)
		return ret;
	ret = objects_load(objects, options, keep ? root : NULL, err);
	if (!ret)
		ret = objects_pin(objects, root, PIN_MAPS_NEXT, PIN_PROGS_NEXT,
				  err);
	objects_close(objects);
	return ret;
}

static int dirs_exchange(const char *root, const char *a, const char *b,
			 struct err *err)
{
	char path_a[PIN_PATH_MAX], path_b[PIN_PATH_MAX];

	if (renameat2(AT_FDCWD, pin_path(path_a, root, a, NULL), AT_FDCWD,
		      pin_path(path_b, root, b, NULL), RENAME_EXCHANGE))
		return err_set(err, -errno, "exchange %s and %s: %s", path_a,
			       path_b, strerror(errno));
	return 0;
}

/* Nothing of it matters to packets any more, so nothing of it is undone: what
 * fails here is tried again by the next call. */
static void finish(const char *root)
{
	struct program_set set;

	if (!programs_open(root, PIN_PROGS, &set, NULL)) {
		links_prune(root, &set, NULL);
		programs_close(&set);
	}
	next_remove(root, NULL);
}

static int put_in_force(const char *root, struct err *err)
{
	int ret = programs_put(root, PIN_PROGS_NEXT, err);

	ret = ret ? ret : dirs_exchange(root, PIN_MAPS, PIN_MAPS_NEXT, err);
	if (ret)
		return ret;
	ret = dirs_exchange(root, PIN_PROGS, PIN_PROGS_NEXT, err);
	if (ret)
		dirs_exchange(root, PIN_MAPS, PIN_MAPS_NEXT, NULL);
	return ret;
}

static int take_back(const char *root, struct err *err)
{
	int ret = programs_put(root, PIN_PROGS, err);

	/* Else the next directories stay for the next call. */
	return ret ? ret : next_remove(root, err);
}

int datapath_upgrade(const char *instance,
		     const struct datapath_options *options, bool keep,
		     const struct datapath_filler *filler,
		     struct datapath **ret, struct err *err)
{
	struct datapath *dp = NULL;
	char root[PIN_ROOT_MAX];
	int code;

	diag_init();
	code = pin_root(instance, root, err);
	code = code ? code : put_right(root, err);
	if (code)
		return code;
	if (keep && is_stamped(root))
		return datapath_open(instance, ret, err);

	code = next_make(root, options, keep, err);
	code = code ? code : pin_open(instance, PIN_MAPS_NEXT, &dp, err);
	code = code ? code : filler->fill(dp, filler->arg, err);
	code = code ? code : put_in_force(root, err);
	if (code) {
		datapath_close(dp);
		take_back(root, NULL);
		return code;
	}
	finish(root);
	*ret = dp;
	return 0;
}
