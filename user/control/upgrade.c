/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* upgrade - programs of another build replaced, for the model that exists */
#include "control/control_internal.h"
#include "control/sync.h"
#include "lib/log.h"

enum upgrade control_upgraded(const struct control *control)
{
	return control->upgraded;
}

struct filling {
	const struct control *control;
	const struct host *host;
};

/* Also where the tables are kept: this build may want more in them, and compile
 * the same policy to something else. */
static int fill(struct datapath *dp, void *arg, struct err *err)
{
	const struct filling *filling = arg;

	datapath_config(dp)->policy_hash = 0;
	return sync_tables(dp, &filling->control->model, NULL, filling->host,
			   err);
}

int control_attach_endpoints(struct control *control, const struct host *host,
			     struct err *err)
{
	const struct model *model = &control->model;
	int rc = 0;

	for (size_t i = 0; i < model->nendpoints && !rc; i++) {
		const struct link_info *link =
			host_find_link(host, model->endpoints[i].host_ifname);

		if (link)
			rc = attach_endpoint(control->dp, link->ifindex, err);
	}
	return rc;
}

/* Hooks that the other build did not have. Its own have their programs by now,
 * so nothing is undone for these. */
static void attach_missing(struct control *control, const struct host *host)
{
	struct err err;

	if (attach_sockets_missing(control->dp, control->instance.cgroup,
				   &err) ||
	    control_attach_endpoints(control, host, &err))
		log_warn("%s", err.text);
}

static int replace(struct control *control, bool keep, struct err *err)
{
	const struct datapath_options options = {
		.flows_max = control->model.settings.flows_max,
	};
	struct filling filling = { .control = control };
	const struct datapath_filler filler = { fill, &filling };
	struct datapath *dp;
	struct host host;
	int rc = host_read(control->nl, &host, err);

	if (rc)
		return rc;
	filling.host = &host;
	rc = datapath_upgrade(control->instance.name, &options, keep, &filler,
			      &dp, err);
	if (!rc) {
		datapath_close(control->dp);
		control->dp = dp;
		control->upgraded = keep ? UPGRADE_KEPT : UPGRADE_DROPPED;
		attach_missing(control, &host);
	}
	host_free(&host);
	return rc;
}

int control_upgrade(struct control *control, struct err *err)
{
	struct build build;
	bool keep;
	int rc;

	if (control->dp && datapath_is_current(control->dp))
		return 0;
	rc = datapath_compare(control->instance.name, &build, err);
	if (rc || build.state == BUILD_NONE)
		return rc;
	keep = build.state != BUILD_FOREIGN;
	if (!keep && control->mode != CONTROL_DROP_FLOWS)
		return datapath_refuse(control->instance.name, &build, err);
	rc = replace(control, keep, err);
	if (rc) {
		if (err && !err->hint[0])
			err_hint(err, "the programs in force go on as before");
		return err_prefix(err, "replace the programs of another build");
	}
	log_info("programs of another build were replaced%s",
		 keep ? "" : ", all flows began anew");
	return 0;
}
