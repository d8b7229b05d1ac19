/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* steps - one step of a plan, done in the kernel and recorded in /run */
#include "control/steps.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/identity.h"
#include "control/loopback.h"
#include "control/settle.h"
#include "control/state.h"
#include "control/wiring.h"
#include "kernel/netns.h"
#include "model/index.h"

/* ------------------------------------------------------------ namespaces */

/* A namespace that an endpoint names is used as it is when it is there. The
 * plan's pointers are constant; what is found out goes to the model. */
static void netns_find(struct work *work, const char *name)
{
	struct netns *netns = model_find_netns(work->desired, name);

	if (netns && netns->implied && netns_exists(name))
		netns->adopted = true;
}

/* The objects of a plan are those of the two models. */
static struct model *model_being_made(struct work *work)
{
	return work->undoing ? work->actual : work->desired;
}

static void netns_identify(struct work *work, const struct netns *netns)
{
	struct netns *made =
		model_find_netns(model_being_made(work), netns->name);

	if (made)
		identity_take_netns(made);
}

static void endpoint_identify(struct work *work,
			      const struct endpoint *endpoint)
{
	struct endpoint *made =
		model_find_endpoint(model_being_made(work), endpoint->name);

	if (!made)
		return;
	identity_take(made);
	loopback_look(work, made);
}

static int netns_check_free(const struct netns *netns, struct err *err)
{
	if (netns->adopted || !netns_exists(netns->name))
		return 0;
	err_set(err, -EEXIST, "namespace '%s' exists already", netns->name);
	err_hint(err, "'bpfnet endpoint attach' uses it as it is");
	return -EEXIST;
}

/* Keeps a namespace alive that is about to lose its name. A name that stands
 * for none (the machine's /run was kept over a reboot) has nothing to lose. */
static int netns_hold(struct work *work, const char *name, struct err *err)
{
	struct held *held =
		reallocarray(work->held, work->nheld + 1, sizeof(*held));
	int fd;

	if (!held)
		return err_set(err, -ENOMEM, "out of memory");
	work->held = held;
	fd = netns_open(name, err);
	if (fd == -ENOENT || fd == -EINVAL)
		return 0;
	if (fd < 0)
		return fd;
	work->held[work->nheld++] = (struct held){ name, fd };
	return 0;
}

void work_free(struct work *work)
{
	for (size_t i = 0; i < work->nheld; i++)
		close(work->held[i].fd);
	free(work->held);
	free(work->published);
	work->held = NULL;
	work->nheld = 0;
	work->published = NULL;
}

static int netns_make(const struct work *work, const char *name,
		      struct err *err)
{
	for (size_t i = 0; i < work->nheld; i++)
		if (!strcmp(work->held[i].name, name))
			return netns_name(name, work->held[i].fd, err);
	return netns_add(name, err);
}

static int netns_step_add(struct work *work, const struct netns *netns,
			  struct err *err)
{
	int rc = 0;

	if (!netns->adopted)
		rc = netns_make(work, netns->name, err);
	if (!rc)
		netns_identify(work, netns);
	if (rc || !netns->ndns)
		return rc;
	rc = netns_write_resolv(netns->name, netns->dns, netns->ndns, err);
	if (rc && !netns->adopted)
		netns_del(netns->name, NULL);
	return rc;
}

/* One that somebody has put in the place of ours is not ours. */
static int netns_step_del(struct work *work, const struct netns *netns,
			  struct err *err)
{
	int rc = 0;

	if (!netns->adopted && identity_of_netns(netns) != IDENTITY_REPLACED) {
		if (work->holding)
			rc = netns_hold(work, netns->name, err);
		rc = rc ? rc : netns_del(netns->name, err);
	}
	if (rc && rc != -ENOENT)
		return rc;
	return netns->ndns ? netns_del_resolv(netns->name, err) : 0;
}

/* Without a name server before and after, the file is not ours. */
static int netns_step_set(const struct netns *netns, const struct netns *old,
			  struct err *err)
{
	if (netns->ndns)
		return netns_write_resolv(netns->name, netns->dns, netns->ndns,
					  err);
	return old->ndns ? netns_del_resolv(netns->name, err) : 0;
}

/* ------------------------------------------------------------ endpoints */

/* One that was made and is undone had hardly a flow, but one that was made again
 * has those that it always had. */
static int endpoint_step_del(struct work *work, const struct endpoint *endpoint,
			     struct err *err)
{
	int rc = unwire_endpoint(work, endpoint, err);

	if (!rc && work->undoing && !endpoint_is_known(work, endpoint))
		work->untidy |= settle_endpoint(work->dp, endpoint) != 0;
	return rc;
}

/* -------------------------------------------------------------- uplinks */

static int uplink_step_add(struct work *work, const struct uplink *uplink,
			   struct err *err)
{
	struct link_info link;
	int rc = link_get(work->nl, uplink->ifname, &link, err);

	if (rc) {
		err_hint(err, "'ip link' lists the devices");
		return rc;
	}
	if (host_is_own_device(work_model(work), uplink->ifname)) {
		err_usage(err, "%s is a device of bpfnet's own",
			  uplink->ifname);
		err_hint(err, "an uplink leads outside");
		return err ? err->code : -EINVAL;
	}
	/* The programs read Ethernet headers. */
	if (link.type != ARPHRD_ETHER) {
		err_usage(err, "%s is no Ethernet device", uplink->ifname);
		err_hint(err, "tunnels without Ethernet headers cannot be "
			      "uplinks");
		return err ? err->code : -EINVAL;
	}
	return attach_uplink(work->dp, link.ifindex, err);
}

/* The hooks of a device that is gone are removed with the next filling of the
 * tables. */
static int uplink_step_del(struct work *work, const struct uplink *uplink,
			   struct err *err)
{
	struct link_info link;
	int rc;

	if (!work->dp)
		return 0;
	rc = link_get(work->nl, uplink->ifname, &link, err);
	if (rc == -ENODEV)
		return 0;
	return rc ? rc : detach_uplink(work->dp, link.ifindex, err);
}

/* -------------------------------------------------- counters of new ids */

static int published_find(struct work *work, struct err *err)
{
	const struct model *m = work->actual;

	if (work->published)
		return 0;
	work->published = calloc(PUBLISH_MAX, sizeof(*work->published));
	if (!work->published)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < m->npublishes; i++)
		work->published[m->publishes[i].id] = true;
	return 0;
}

/* One that is made again goes on counting. */
static int publish_step_add(struct work *work, const struct publish *publish,
			    struct err *err)
{
	const struct hits none = { 0 };
	int rc;

	if (work->undoing || work->replaying)
		return 0;
	rc = published_find(work, err);
	if (rc || work->published[publish->id])
		return rc;
	return table_set(work->dp, MAP_PUB_HITS, &publish->id, &none, err);
}

/* A rule that was not there before starts from zero; the others keep
 * counting. */
static int rules_step_set(struct work *work, const struct model *new,
			  const struct model *old, struct err *err)
{
	_cleanup_index_ struct index olds = { 0 };
	const struct hits none = { 0 };
	int rc = 0;

	if (index_make_names(old->rules, old->nrules, sizeof(*old->rules),
			     &olds))
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < new->nrules && !rc && !work->undoing; i++) {
		const struct policy_rule *was =
			index_find_name(&olds, new->rules[i].name);

		if (!work->replaying && (!was || was->id != new->rules[i].id))
			rc = table_set(work->dp, MAP_RULE_HITS,
				       &new->rules[i].id, &none, err);
	}
	return rc ? rc : state_write_rules(work->instance, new, old, err);
}

/* --------------------------------------------------------------- table */

static int object_add(struct work *work, enum object_kind kind,
		      const void *object, struct err *err)
{
	switch (kind) {
	case OBJECT_NETNS:
		return netns_step_add(work, object, err);
	case OBJECT_NETWORK:
		return wire_network(work, object, err);
	case OBJECT_ENDPOINT:
		return wire_endpoint(work, object, err);
	case OBJECT_UPLINK:
		return uplink_step_add(work, object, err);
	case OBJECT_PUBLISH:
		return publish_step_add(work, object, err);
	default:
		return 0;
	}
}

static int object_del(struct work *work, enum object_kind kind,
		      const void *object, struct err *err)
{
	switch (kind) {
	case OBJECT_NETNS:
		return netns_step_del(work, object, err);
	case OBJECT_NETWORK:
		return unwire_network(work, object, err);
	case OBJECT_ENDPOINT:
		return endpoint_step_del(work, object, err);
	case OBJECT_UPLINK:
		return uplink_step_del(work, object, err);
	default:
		return 0;
	}
}

static int object_set(struct work *work, enum object_kind kind,
		      const void *object, const void *old, struct err *err)
{
	switch (kind) {
	case OBJECT_NETNS:
		return netns_step_set(object, old, err);
	case OBJECT_NETWORK:
		return rewire_network(work, object, err);
	default:
		return 0;
	}
}

/* A row of a table leaves nothing behind that would have to be found. */
static bool is_row(enum object_kind kind)
{
	return kind == OBJECT_PUBLISH;
}

/* What has an object's name now is somebody else's. */
static int object_check_free(struct work *work, enum object_kind kind,
			     const void *object, struct err *err)
{
	switch (kind) {
	case OBJECT_NETNS:
		return netns_check_free(object, err);
	case OBJECT_NETWORK:
		return network_check_free(work, object, err);
	case OBJECT_ENDPOINT:
		return endpoint_check_free(work, object, err);
	default:
		return 0;
	}
}

/*
 * The record goes first and comes off last, see state.h. Whoever finds it
 * removes what it tells of, so nothing of that may be there before it.
 */
static int add(struct work *work, enum object_kind kind, const void *object,
	       struct err *err)
{
	int rc = object_check_free(work, kind, object, err);

	if (rc)
		return rc;
	if (kind == OBJECT_ENDPOINT)
		endpoint_identify(work, object);
	if (!is_row(kind))
		rc = state_write(work->instance, kind, object, false, err);
	rc = rc ? rc : object_add(work, kind, object, err);
	rc = rc ? rc : state_write(work->instance, kind, object, true, err);
	if (!rc)
		return 0;
	/* The next process makes again what an undo could not. */
	if (work->undoing) {
		state_write(work->instance, kind, object, true, NULL);
		return rc;
	}
	/* Also what was made and reported as failed. */
	if (rc != -EEXIST)
		object_del(work, kind, object, NULL);
	state_del(work->instance, kind, object, NULL);
	return rc;
}

static bool object_is_there(struct work *work, enum object_kind kind,
			    const void *object)
{
	switch (kind) {
	case OBJECT_NETNS:
		return netns_exists(((const struct netns *)object)->name);
	case OBJECT_NETWORK:
		return network_is_wired(work, object);
	case OBJECT_ENDPOINT:
		return endpoint_is_wired(work, object);
	default:
		return true;
	}
}

/* Whole again, by the model that it was made by. What has lost its device may
 * still have the rest. */
static void put_back(struct work *work, enum object_kind kind,
		     const void *object)
{
	if (!object_is_there(work, kind, object)) {
		object_del(work, kind, object, NULL);
		work->undoing = true;
		object_add(work, kind, object, NULL);
		work->undoing = false;
	}
	state_write(work->instance, kind, object, true, NULL);
}

static int del(struct work *work, enum object_kind kind, const void *object,
	       struct err *err)
{
	int rc = 0;

	if (!is_row(kind))
		rc = state_write(work->instance, kind, object, false, err);
	rc = rc ? rc : object_del(work, kind, object, err);
	rc = rc ? rc : state_del(work->instance, kind, object, err);
	/* What an undo cannot remove is left to the next process. */
	if (rc && !work->undoing)
		put_back(work, kind, object);
	return rc;
}

/* The record goes first: by it, whoever comes after a process that died sees
 * that there is something to set back. */
static int set(struct work *work, enum object_kind kind, const void *object,
	       const void *old, struct err *err)
{
	int rc = state_write(work->instance, kind, object, true, err);

	rc = rc ? rc : object_set(work, kind, object, old, err);
	if (!rc || work->undoing)
		return rc;
	work->undoing = true;
	object_set(work, kind, old, object, NULL);
	work->undoing = false;
	state_write(work->instance, kind, old, true, NULL);
	return rc;
}

static int check_whole(const struct work *work, enum object_kind kind,
		       const struct model *new, const struct model *old,
		       struct err *err)
{
	/* When an interrupted change of it is undone, all will go. */
	if (kind != OBJECT_SETTINGS || !work->was_loaded || work->replaying ||
	    new->settings.flows_max == old->settings.flows_max)
		return 0;
	err_set(err, -EBUSY,
		"flows.max cannot change while the datapath is loaded");
	err_hint(err, "'bpfnet purge' first, it ends all flows");
	err_about(err, SETTING_TEXT, (size_t)SETTING_MAX);
	return -EBUSY;
}

/* A list, or the settings. */
static int write_whole(struct work *work, enum object_kind kind,
		       const struct model *new, const struct model *old,
		       struct err *err)
{
	if (kind == OBJECT_RULE)
		return rules_step_set(work, new, old, err);
	return state_write_settings(work->instance, &new->settings, err);
}

static int set_whole(struct work *work, enum object_kind kind,
		     const struct model *new, const struct model *old,
		     struct err *err)
{
	int rc = check_whole(work, kind, new, old, err);

	if (rc)
		return rc;
	rc = write_whole(work, kind, new, old, err);
	if (rc && !work->undoing)
		write_whole(work, kind, old, old, NULL);
	return rc;
}

int step_do(struct work *work, const struct step *step, struct err *err)
{
	char text[160], object[OBJECT_TEXT_MAX];
	int rc;

	if (step->op == STEP_ADD && step->kind == OBJECT_NETNS)
		netns_find(work, ((const struct netns *)step->new)->name);
	if (step->kind == OBJECT_RULE || step->kind == OBJECT_SETTINGS)
		rc = set_whole(work, step->kind, work->desired, work->actual,
			       err);
	else if (step->op == STEP_ADD)
		rc = add(work, step->kind, step->new, err);
	else if (step->op == STEP_DEL)
		rc = del(work, step->kind, step->old, err);
	else
		rc = set(work, step->kind, step->new, step->old, err);
	if (!rc)
		return 0;
	if (step->kind != OBJECT_RULE)
		err_about(err, "%s",
			  object_print(step->kind,
				       step->new ? step->new : step->old,
				       object));
	return err_prefix(err, "%s", step_print(step, text, sizeof(text)));
}

int step_undo(struct work *work, const struct step *step, struct err *err)
{
	if (step->kind == OBJECT_RULE || step->kind == OBJECT_SETTINGS)
		return set_whole(work, step->kind, work->actual, work->desired,
				 err);
	if (step->op == STEP_ADD)
		return del(work, step->kind, step->new, err);
	if (step->op == STEP_DEL)
		return add(work, step->kind, step->old, err);
	return set(work, step->kind, step->old, step->new, err);
}

void step_settle(struct work *work, const struct step *step)
{
	/* What is undone for another process comes back with its flows. */
	if (step->op == STEP_DEL && step->kind == OBJECT_ENDPOINT &&
	    !work->replaying)
		work->untidy |= settle_endpoint(work->dp, step->old) != 0;
}

int step_clean(struct work *work, enum object_kind kind, const void *object,
	       struct err *err)
{
	int rc = object_del(work, kind, object, err);

	return rc ? rc : state_del(work->instance, kind, object, err);
}
