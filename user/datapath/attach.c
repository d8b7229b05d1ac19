/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* attach - the programs of a device, put on it by tcx or by clsact */
#include "datapath/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The two programs of one kind of device. */
struct pair {
	const char *ingress; /* pin name of the link; the program adds "bn_" */
	const char *egress;
	bool device_is_ours;
};

/*
 * A tcx link is what a device that is shared with others needs: it has an owner
 * and an order. It also makes the kernel wait for every CPU's readers, with the
 * lock of all network devices held, for each link that is made and again for
 * each when the device goes: four times some 10 ms for an endpoint. The host
 * end of an endpoint's veth was made by us a moment ago and goes with all that
 * is on it, so it has clsact filters, which take a fraction of one.
 */
static const struct pair endpoint_pair = { "from_container", "to_container",
					   true };
static const struct pair uplink_pair = { "from_uplink", "to_uplink", false };

#define HOOK_NAME_MAX 32

/* An earlier version put links on all devices: those stay what they are. */
static bool has_link(const struct datapath *dp, const struct pair *pair,
		     int ifindex)
{
	char pin[HOOK_NAME_MAX];

	snprintf(pin, sizeof(pin), "%s_%d", pair->ingress, ifindex);
	return pin_exists(dp->root, PIN_LINKS, pin);
}

/* One device, and how programs are put on it. */
struct place {
	const struct pair *pair;
	int ifindex;
	bool clsact;
};

static struct place place_of(const struct datapath *dp, const struct pair *pair,
			     int ifindex)
{
	return (struct place){
		.pair = pair,
		.ifindex = ifindex,
		.clsact = dp->clsact || (pair->device_is_ours &&
					 !has_link(dp, pair, ifindex)),
	};
}

static int tcx_attach(struct datapath *dp, const char *name, int ifindex,
		      bool egress, bool *ret_made, struct err *err)
{
	char pin[HOOK_NAME_MAX], program[HOOK_NAME_MAX];
	const struct hook hook = {
		.pin = pin,
		.program = program,
		.target = ifindex,
		.target_id = ifindex,
		.attach_type = egress ? TCX_EGRESS : TCX_INGRESS,
	};

	snprintf(pin, sizeof(pin), "%s_%d", name, ifindex);
	snprintf(program, sizeof(program), "bn_%s", name);
	return link_attach(dp, &hook, ret_made, err);
}

static int hook_attach(struct datapath *dp, const struct place *place,
		       bool egress, bool *ret_made, struct err *err)
{
	const char *name = egress ? place->pair->egress : place->pair->ingress;
	char program[HOOK_NAME_MAX];

	if (!place->clsact)
		return tcx_attach(dp, name, place->ifindex, egress, ret_made,
				  err);
	snprintf(program, sizeof(program), "bn_%s", name);
	return clsact_attach(dp, program, place->ifindex, egress, ret_made,
			     err);
}

static int hook_detach(struct datapath *dp, const struct place *place,
		       bool egress, struct err *err)
{
	char pin[HOOK_NAME_MAX];

	if (place->clsact)
		return clsact_detach(place->ifindex, egress, err);
	snprintf(pin, sizeof(pin), "%s_%d",
		 egress ? place->pair->egress : place->pair->ingress,
		 place->ifindex);
	return link_detach(dp, pin, err);
}

static int hooks_attach(struct datapath *dp, const struct place *place,
			struct err *err)
{
	bool made = false, ignored;
	int ret = hook_attach(dp, place, false, &made, err);

	if (ret)
		return ret;
	ret = hook_attach(dp, place, true, &ignored, err);
	if (ret && made)
		hook_detach(dp, place, false, NULL);
	return ret;
}

static int pair_attach(struct datapath *dp, const struct pair *pair,
		       int ifindex, struct err *err)
{
	struct place place = place_of(dp, pair, ifindex);
	int ret = 0;

	if (ifindex <= 0)
		return err_set(err, -ENODEV, "attach to device %d: %s", ifindex,
			       strerror(ENODEV));
	if (place.clsact)
		ret = clsact_prepare(pair->device_is_ours ? NULL : dp->root,
				     ifindex, err);
	ret = ret ? ret : hooks_attach(dp, &place, err);
	if (ret && place.clsact && !pair->device_is_ours)
		clsact_release(dp->root, ifindex, NULL);
	if (ret)
		err_prefix(err, "device %d", ifindex);
	return ret;
}

static int pair_detach(struct datapath *dp, const struct pair *pair,
		       int ifindex, struct err *err)
{
	struct place place = place_of(dp, pair, ifindex);
	int first, ret;

	first = hook_detach(dp, &place, false, err);
	ret = hook_detach(dp, &place, true, first ? NULL : err);
	first = first ?: ret;
	ret = 0;
	if (place.clsact && !pair->device_is_ours)
		ret = clsact_release(dp->root, ifindex, first ? NULL : err);
	first = first ?: ret;
	if (first)
		err_prefix(err, "device %d", ifindex);
	return first;
}

int attach_endpoint(struct datapath *dp, int ifindex, struct err *err)
{
	return pair_attach(dp, &endpoint_pair, ifindex, err);
}

int detach_endpoint(struct datapath *dp, int ifindex, struct err *err)
{
	return pair_detach(dp, &endpoint_pair, ifindex, err);
}

int attach_uplink(struct datapath *dp, int ifindex, struct err *err)
{
	return pair_attach(dp, &uplink_pair, ifindex, err);
}

int detach_uplink(struct datapath *dp, int ifindex, struct err *err)
{
	return pair_detach(dp, &uplink_pair, ifindex, err);
}

#define KERNEL_NAME_LEN 15

bool program_is_for(const struct device_program *program, bool uplink)
{
	const struct pair *pair = uplink ? &uplink_pair : &endpoint_pair;
	const char *name = program->egress ? pair->egress : pair->ingress;

	/* The kernel cuts names, which is all that there is without a pin. */
	return !strncmp(program->name, "bn_", 3) &&
	       !strncmp(program->name + 3, name, KERNEL_NAME_LEN - 3);
}
