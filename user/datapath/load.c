/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* load - a fresh datapath: opened, sized, verified, pinned as a whole */
#include "datapath/objects.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Decided at load; later processes see what was decided then. */
static bool choose_clsact(const struct objects *objects,
			  const struct datapath_options *options)
{
	return options->force_clsact ||
	       !probe_tcx(objects_program(objects, "bn_from_uplink"));
}

static int pin_objects(const struct objects *objects, const char *root,
		       bool clsact, struct err *err)
{
	int ret = pin_dir(root, NULL, NULL, err);

	ret = ret ? ret : objects_pin(objects, root, PIN_MAPS, PIN_PROGS, err);
	ret = ret ? ret : pin_dir(root, PIN_LINKS, NULL, err);
	if (ret || !clsact)
		return ret;
	return pin_dir(root, PIN_CLSACT, NULL, err);
}

/* Other processes see nothing of the instance, or all of it: it grows under
 * another name. The rename fails if somebody else was quicker. */
static int pin_all(const struct objects *objects,
		   const struct datapath_options *options, const char *root,
		   struct err *err)
{
	char fresh[PIN_ROOT_MAX];
	int ret;

	pin_fresh(fresh, root);
	ret = pin_remove(fresh, err);
	if (ret)
		return ret;

	ret = pin_objects(objects, fresh, choose_clsact(objects, options), err);
	if (!ret && rename(fresh, root) != 0)
		ret = err_set(err, -errno, "rename %s to %s: %s", fresh, root,
			      strerror(errno));
	if (ret)
		pin_remove(fresh, NULL);
	return ret;
}

int datapath_load(const char *instance, const struct datapath_options *options,
		  struct datapath **ret, struct err *err)
{
	struct objects *objects = NULL;
	char root[PIN_ROOT_MAX];
	int code;

	diag_init();
	code = pin_root(instance, root, err);
	if (code)
		return code;
	if (access(root, F_OK) == 0)
		return err_set(err, -EEXIST, "%s exists already", root);

	code = objects_open(&objects, err);
	if (!code)
		code = objects_load(objects, options, NULL, err);
	if (!code)
		code = pin_all(objects, options, root, err);
	objects_close(objects);
	if (code)
		return code;

	code = datapath_open(instance, ret, err);
	if (code)
		pin_remove(root, NULL);
	return code;
}
