/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* recover - what a damaged record said, found again in the kernel */
#include "control/recover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/control_internal.h"
#include "control/rules.h"
#include "control/sync.h"
#include "lib/log.h"
#include "model/check.h"

static bool is_default(const struct host *host, const char *ifname)
{
	const struct link_info *link = host_find_link(host, ifname);

	for (size_t i = 0; link && i < host->ndefaults; i++)
		if (host->defaults[i].ifindex == link->ifindex)
			return true;
	return false;
}

/* An address that is not the device's own was chosen. */
static void take_snat(const struct recovery *recovery, struct uplink *uplink,
		      int ifindex, const struct ipaddr *snat, bool v4)
{
	const struct addr_info *own =
		host_find_addr(recovery->host, ifindex, v4);

	if (ip_is_zero(snat) || (own && ip_equal(&own->cidr.addr, snat)))
		return;
	uplink->snat[uplink->nsnat++] = *snat;
}

/* None is found where one is named. */
static void settle_automatic(struct model *model)
{
	bool named = false;

	for (size_t i = 0; i < model->nuplinks; i++)
		named |= !model->uplinks[i].automatic;
	for (size_t i = 0; i < model->nuplinks; i++)
		model->uplinks[i].automatic &= !named;
}

static int recover_uplinks(struct recovery *recovery, struct err *err)
{
	struct uplink_val value;

	for (__u32 i = 0; i < UPLINKS_MAX; i++) {
		struct uplink uplink = { .automatic = false };
		const struct link_info *link;

		if (table_get(recovery->dp, MAP_UPLINKS, &i, &value))
			continue;
		link = host_find_index(recovery->host, (int)value.ifindex);
		if (!link || model_find_uplink(recovery->model, link->name))
			continue;
		memcpy(uplink.ifname, link->name, sizeof(uplink.ifname));
		take_snat(recovery, &uplink, link->ifindex, &value.snat4, true);
		take_snat(recovery, &uplink, link->ifindex, &value.snat6,
			  false);
		uplink.automatic = !uplink.nsnat &&
				   recovery->model->settings.uplink_auto &&
				   is_default(recovery->host, link->name);
		recovery->found++;
		log_warn("uplink '%s' is recovered", uplink.ifname);
		if (!model_add_uplink(recovery->model, &uplink))
			return err_set(err, -ENOMEM, "out of memory");
	}
	settle_automatic(recovery->model);
	return 0;
}

/* Whether uplinks are to be found, no table knows: they were, unless others are
 * used, or none where there is one. */
static bool finds_uplinks(const struct recovery *recovery)
{
	const struct model *model = recovery->model;

	for (size_t i = 0; i < model->nuplinks; i++)
		if (!model->uplinks[i].automatic)
			return false;
	return model->nuplinks || !model->nnetworks ||
	       !recovery->host->ndefaults;
}

static int recover_settings(struct recovery *recovery, struct err *err)
{
	struct settings found = recovery->model->settings;
	int rc = settings_from_config(datapath_config(recovery->dp), &found,
				      err);
	struct model fresh;

	model_init(&fresh);
	if (settings_equal(&recovery->model->settings, &fresh.settings))
		found.uplink_auto = finds_uplinks(recovery);
	if (rc || settings_equal(&found, &recovery->model->settings))
		return rc;
	recovery->found++;
	log_warn("the settings are recovered");
	recovery->model->settings = found;
	return 0;
}

/*
 * What is compiled cannot be read back. Without the rules, something might be
 * open that they close, so they must be those that are in force. Where an
 * endpoint is lost, rules that name it match nothing.
 */
static int check_rules(const struct recovery *recovery, struct err *err)
{
	size_t differ;
	int rc = rules_compare(recovery->dp, recovery->model, &differ, err);

	if (rc || !differ || (recovery->lost && recovery->model->nrules))
		return rc;
	err_set(err, -EINVAL,
		"the record of the policy rules is damaged, and they cannot be "
		"read back from the kernel");
	err_hint(err, "they stay in force until 'bpfnet purge': then apply the "
		      "configuration that has them");
	return -EINVAL;
}

static int recover_all(struct recovery *recovery, struct err *err)
{
	int rc = recover_uplinks(recovery, err);

	rc = rc ? rc : recover_networks(recovery, err);
	rc = rc ? rc : recover_endpoints(recovery, err);
	rc = rc ? rc : recover_publishes(recovery, err);
	rc = rc ? rc : recover_settings(recovery, err);
	rc = rc ? rc : check_rules(recovery, err);
	return rc ? rc : model_check_first(recovery->model, err);
}

/* In the order that every later process sees. */
static int read_again(struct control *control, struct err *err)
{
	struct state state;
	int rc = state_read(control->instance.name, false, &state, err);

	if (rc)
		return rc;
	model_free(&control->model);
	model_free(&state.leftovers);
	control->model = state.model;
	return 0;
}

int recover(struct control *control, struct err *err)
{
	struct host host;
	struct recovery recovery = { .nl = control->nl,
				     .dp = control->dp,
				     .host = &host,
				     .model = &control->model };
	int rc;

	if (!control->dp) {
		*err = control->record_error;
		err_hint(err, "no programs are loaded that could know more: "
			      "'bpfnet purge' starts afresh");
		return err->code;
	}
	rc = host_read(control->nl, &host, err);
	if (rc)
		return rc;
	rc = recover_all(&recovery, err);
	host_free(&host);
	if (!rc) {
		state_break_seal(control->lock);
		rc = state_rebuild(control->instance.name, &control->model,
				   err);
	}
	if (rc)
		return err_prefix(err, "recover the record");
	control->readable = control->seals = true;
	log_warn("the damaged record is moved aside: %zu objects are "
		 "recovered, %zu are lost",
		 recovery.found, recovery.lost);
	return read_again(control, err);
}
