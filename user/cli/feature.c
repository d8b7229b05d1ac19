/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* feature - the command that tells what the kernel offers */
#include "control/feature.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/change.h"
#include "cli/output.h"

struct listing {
	json_t *list;
	bool tcx; /* the instance attaches by tcx, if it can */
	const char *missing; /* the first one that is needed */
	size_t count; /* of those */
};

/* What is needed is used; of the rest, bpfnet uses these. */
static bool is_used(const struct listing *listing,
		    const struct probe_info *info)
{
	if (!strcmp(info->name, "tcx"))
		return listing->tcx;
	return info->needed || !strcmp(info->name, "btf");
}

static json_t *availability(const struct cli *cli, enum probe_answer answer)
{
	if (answer == PROBE_UNKNOWN)
		return cli->json ? json_null() : json_string("unknown");
	return json_boolean(answer == PROBE_YES);
}

struct visit {
	const struct cli *cli;
	struct listing *listing;
};

static void on_feature(const struct probe_info *info, enum probe_answer answer,
		       void *arg)
{
	const struct visit *visit = arg;
	struct listing *listing = visit->listing;

	if (info->needed && answer == PROBE_NO && !listing->count++)
		listing->missing = info->name;
	json_array_append_new(
		listing->list,
		json_pack("{s:s,s:o,s:b,s:b,s:s,s:s}", "name", info->name,
			  "available", availability(visit->cli, answer),
			  "needed", info->needed, "used",
			  answer != PROBE_NO && is_used(listing, info), "since",
			  info->since, "purpose", info->purpose));
}

/* As an instance that is loaded does it, or as one would be. */
static int attaches_by_tcx(const struct cli *cli, bool *ret, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	const struct datapath *dp;
	int rc = control_open(&cli->instance, CONTROL_READ, &control, err);

	if (rc)
		return rc;
	dp = control_datapath(control);
	*ret = dp ? !strcmp(datapath_attach_mode(dp), "tcx") :
		    !cli->instance.force_clsact;
	return 0;
}

static json_t *root_of(const struct listing *listing)
{
	json_t *root = output_root();
	struct utsname system;

	if (!uname(&system))
		json_object_set_new(root, "kernel",
				    json_string(system.release));
	json_object_set(root, "features", listing->list);
	return root;
}

int cmd_feature(struct cli *cli, struct args *args, struct err *err)
{
	static const struct column columns[] = {
		{ "name", false },
		{ "since", false },
		{ "available", false },
		{ "needed", false },
		{ "used", false },
		{ "purpose", false },
		{ 0 },
	};
	struct listing listing = { 0 };
	struct visit visit = { cli, &listing };
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = attaches_by_tcx(cli, &listing.tcx, err);
	/* Where there is no BPF file system, that is for the list to tell. */
	if (rc && rc != -EOPNOTSUPP)
		return rc;
	listing.list = json_array();
	feature_each(on_feature, &visit);
	rc = output_list(cli, root_of(&listing), "features", columns, err);
	json_decref(listing.list);
	if (rc || !listing.count)
		return rc;
	err_set(err, -EOPNOTSUPP, "%s is missing", listing.missing);
	if (listing.count > 1)
		err_set(err, -EOPNOTSUPP, "%s and %zu more are missing",
			listing.missing, listing.count - 1);
	err_hint(err, "bpfnet needs Linux 6.1 or later, with bpffs and cgroup2 "
		      "mounted");
	return -EOPNOTSUPP;
}
