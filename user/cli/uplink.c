/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* uplink - the commands of uplinks */
#include <errno.h>
#include <string.h>

#include "cli/change.h"
#include "cli/output.h"
#include "lib/json.h"
#include "lib/suggest.h"

static int parse_snat(const char *value, void *target, struct err *err)
{
	struct uplink *uplink = target;
	size_t max = sizeof(uplink->snat) / sizeof(*uplink->snat);

	if (uplink->nsnat == max)
		return err_usage(err, "more than %zu addresses", max);
	if (arg_ip(value, &uplink->snat[uplink->nsnat], err))
		return -EINVAL;
	uplink->nsnat++;
	return 0;
}

static int uplink_parse(struct args *args, struct uplink *ret, struct err *err)
{
	const struct keyword keywords[] = {
		{ "snat", parse_snat, ret, KEYWORD_REPEAT },
	};
	const char *ifname;

	if (args_take(args, "IFNAME", &ifname, err) ||
	    arg_ifname(ifname, ret->ifname, err))
		return -EINVAL;
	return keywords_parse(args, keywords, 1, err);
}

static json_t *uplink_json(const struct uplink *uplink)
{
	json_t *snat = json_array();

	for (size_t i = 0; i < uplink->nsnat; i++)
		json_array_append_new(snat, json_ip(&uplink->snat[i]));
	return json_pack("{s:o,s:b,s:o}", "ifname", json_text(uplink->ifname),
			 "automatic", uplink->automatic, "snat", snat);
}

static json_t *uplink_array(const struct model *model, const char *ifname)
{
	json_t *list = json_array();

	for (size_t i = 0; i < model->nuplinks; i++)
		if (!ifname || !strcmp(model->uplinks[i].ifname, ifname))
			json_array_append_new(list,
					      uplink_json(&model->uplinks[i]));
	return list;
}

/* One that was found by itself becomes the user's choice. */
static int uplink_put(struct model *model, const struct uplink *wanted,
		      struct err *err)
{
	struct uplink *uplink = model_find_uplink(model, wanted->ifname);

	if (uplink && !uplink->automatic) {
		err_set(err, -EEXIST, "uplink '%s' exists and is different",
			wanted->ifname);
		err_hint(err, "delete it first");
		return -EEXIST;
	}
	if (uplink)
		*uplink = *wanted;
	else if (!model_add_uplink(model, wanted))
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

int cmd_uplink_add(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct uplink wanted = { .origin = ORIGIN_CLI };
	const struct uplink *uplink;
	int rc;

	if (uplink_parse(args, &wanted, err))
		return -EINVAL;
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;

	uplink = model_find_uplink(&change.desired, wanted.ifname);
	if (uplink && uplink_equal(uplink, &wanted))
		return change_none(cli, &change, "uplinks",
				   uplink_array(&change.desired, wanted.ifname),
				   err);
	rc = uplink_put(&change.desired, &wanted, err);
	if (!rc)
		rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	output_done(cli, "uplink %s added", wanted.ifname);
	return change_report(
		cli, &change, "uplinks",
		uplink_array(change_result(cli, &change), wanted.ifname), err);
}

int cmd_uplink_del(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct uplink *uplink;
	const char *ifname;
	int rc;

	if (args_take(args, "IFNAME", &ifname, err) || args_end(args, err))
		return -EINVAL;
	rc = change_open(cli, &change, err);
	if (rc)
		return rc;
	uplink = model_find_uplink(&change.desired, ifname);
	if (!uplink)
		return suggest_missing("uplink", ifname, change.desired.uplinks,
				       change.desired.nuplinks,
				       sizeof(*change.desired.uplinks), err);
	if (uplink->automatic) {
		err_set(err, -EBUSY,
			"uplink '%s' is there by itself, as the device of the "
			"default route",
			ifname);
		err_hint(err,
			 "'defaults: {uplink: none}' in a file, or 'uplink "
			 "add' another one");
		return -EBUSY;
	}

	model_del_uplink(&change.desired, uplink);
	rc = change_commit(cli, &change, err);
	if (rc)
		return rc;
	output_done(cli, "uplink %s deleted", ifname);
	return change_report(cli, &change, NULL, NULL, err);
}

int cmd_uplink_list(struct cli *cli, struct args *args, struct err *err)
{
	static const struct column columns[] = {
		{ "ifname", false },
		{ "automatic", false },
		{ "snat", false },
		{ 0 },
	};
	_cleanup_control_ struct control *control = NULL;
	json_t *root;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	if (rc)
		return rc;
	root = output_root();
	json_object_set_new(root, "uplinks",
			    uplink_array(control_model(control), NULL));
	return output_list(cli, root, "uplinks", columns, err);
}
