/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* observe - what of the record the kernel still has */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/control_internal.h"
#include "control/direct.h"
#include "control/home.h"
#include "control/identity.h"
#include "control/ipam.h"
#include "control/previous.h"
#include "control/unfinished.h"
#include "control/settle.h"
#include "control/wiring.h"
#include "kernel/netns.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "model/cable.h"
#include "model/names.h"

void work_init(struct control *control, const struct host *host,
	       struct work *ret)
{
	*ret = (struct work){
		.instance = control->instance.name,
		.nl = control->nl,
		.dp = control->dp,
		.host = host,
		.actual = &control->model,
		.desired = &control->model,
	};
}

/* What an earlier process began and did not finish. A namespace that was there
 * before is recorded as adopted and stays. */
static int clean_leftovers(struct work *work, const struct model *left,
			   struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < left->npublishes && !rc; i++)
		rc = step_clean(work, OBJECT_PUBLISH, &left->publishes[i], err);
	for (size_t i = 0; i < left->nendpoints && !rc; i++)
		rc = step_clean(work, OBJECT_ENDPOINT, &left->endpoints[i],
				err);
	for (size_t i = 0; i < left->nnetns && !rc; i++)
		rc = step_clean(work, OBJECT_NETNS, &left->netns[i], err);
	for (size_t i = 0; i < left->nnetworks && !rc; i++)
		rc = step_clean(work, OBJECT_NETWORK, &left->networks[i], err);
	for (size_t i = 0; i < left->nuplinks && !rc; i++)
		rc = step_clean(work, OBJECT_UPLINK, &left->uplinks[i], err);
	return rc;
}

static bool has_objects(const struct model *m)
{
	return m->nendpoints + m->nnetworks + m->nnetns + m->nuplinks +
	       m->npublishes;
}

/* ------------------------------------------------- what is gone is forgotten */

#define DYING_WAIT_MS 300
#define DYING_RETRY_MS 10

/* Has the model's endpoint its device? host NULL: as the kernel says now. Of a
 * cable past the host, one end proves that there is the other. */
static bool is_there(struct nl *nl, const struct host *host,
		     const struct model *model, const struct endpoint *endpoint)
{
	const struct endpoint *other;
	struct link_info link;

	if (endpoint->host_ifname[0] && host)
		return host_find_link(host, endpoint->host_ifname);
	if (endpoint->host_ifname[0])
		return !link_get(nl, endpoint->host_ifname, &link, NULL);
	other = cable_find_other(model, endpoint);
	return direct_is_wired(endpoint) || (other && direct_is_wired(other));
}

/*
 * The kernel removes a namespace in the background: for a moment the devices
 * of one that was deleted look alive. Those that stay longer are in one that
 * processes keep, and are in order.
 */
static void await_dying(struct nl *nl, const struct model *model,
			const enum identity *netns)
{
	const struct timespec pause = { .tv_nsec = DYING_RETRY_MS * 1000000 };
	int left_ms = DYING_WAIT_MS;

	for (size_t i = 0; i < model->nendpoints; i++)
		while (left_ms > 0 && netns[i] == IDENTITY_LOST &&
		       is_there(nl, NULL, model, &model->endpoints[i])) {
			nanosleep(&pause, NULL);
			left_ms -= DYING_RETRY_MS;
		}
}

/* Ports of endpoints that are gone; also those that a process did not come to,
 * which died while it removed the endpoint. Rules stay, dormant: a container
 * must not get rid of a rule by ending, and its successor of the same name is
 * who they are meant for. */
static int forget_dangling(struct work *work, struct model *model,
			   bool *changed, struct err *err)
{
	_cleanup_names_ struct names names = { 0 };
	bool fallen_asleep = false;
	int rc = 0;

	if (names_make(model, &names))
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = model->npublishes; i-- > 0 && !rc;) {
		struct publish *publish = &model->publishes[i];

		if (names_find_endpoint(&names, publish->endpoint))
			continue;
		*changed = true;
		rc = step_clean(work, OBJECT_PUBLISH, publish, err);
		model_del_publish(model, publish);
	}
	for (size_t i = 0; i < model->nrules; i++) {
		struct policy_rule *rule = &model->rules[i];

		if (rule->dormant || names_has_peers(&names, rule))
			continue;
		log_warn("policy rule '%s' names what is gone: it is dormant "
			 "until that is there again",
			 rule->name);
		rule->dormant = fallen_asleep = true;
	}
	if (rc || !fallen_asleep)
		return rc;
	*changed = true;
	return state_write_rules(work->instance, model, model, err);
}

/*
 * A container that ended took its device along. Whoever runs inside may have
 * deleted the device, but the namespace is still there. Where another namespace
 * has its name, nothing leads to the endpoint's own any more.
 */
static bool is_gone(const struct work *work, const struct model *model,
		    const struct endpoint *endpoint, enum identity netns)
{
	return netns == IDENTITY_REPLACED ||
	       (netns == IDENTITY_LOST &&
		!is_there(work->nl, work->host, model, endpoint));
}

static int forget_endpoints(struct work *work, struct model *model,
			    const enum identity *netns, bool *changed,
			    struct err *err)
{
	int rc = 0;

	for (size_t i = model->nendpoints; i-- > 0 && !rc;) {
		struct endpoint *gone = &model->endpoints[i];

		if (!is_gone(work, model, gone, netns[i]))
			continue;
		log_warn("endpoint '%s': its %s is gone, removing it",
			 gone->name,
			 netns[i] == IDENTITY_REPLACED ? "namespace" :
							 "device");
		*changed = true;
		rc = step_clean(work, OBJECT_ENDPOINT, gone, err);
		previous_forget(work->instance, gone->name);
		rc = rc ? rc : ipam_forget(work->instance, model, gone, 1, err);
		model_del_endpoint(model, gone);
	}
	return rc;
}

static bool has_endpoints(const struct model *model, const char *netns)
{
	for (size_t i = 0; i < model->nendpoints; i++)
		if (!strcmp(model->endpoints[i].netns, netns))
			return true;
	return false;
}

/* Processes keep a namespace alive without its name, and its endpoints with
 * it: then it stays, too. */
static int forget_netns(struct work *work, struct model *model,
			const enum identity *netns, struct err *err)
{
	int rc = 0;

	for (size_t i = model->nnetns; i-- > 0 && !rc;) {
		struct netns *gone = &model->netns[i];

		if (netns[i] == IDENTITY_SAME ||
		    has_endpoints(model, gone->name))
			continue;
		rc = step_clean(work, OBJECT_NETNS, gone, err);
		model_del_netns(model, gone);
	}
	return rc;
}

/* ------------------------------------------- what is lost is made again */

/*
 * A bridge that somebody deleted, with its containers still running: they lost
 * nothing but the cable, so they get it back. When that fails (another device
 * has the addresses now) the user can still remove the network.
 */
static bool restore_network(struct work *work, const struct network *network)
{
	const struct link_info *link =
		host_find_link(work->host, network->bridge);
	struct err err;

	if (link || network->type == NETWORK_P2P)
		return false;
	log_warn("network '%s': its bridge is gone, making it again",
		 network->name);
	if (!wire_network(work, network, &err))
		return true;
	log_warn("network '%s': %s", network->name, err.text);
	return false;
}

/* Of a cable that lost an end there may be one left. */
static int rewire_cable(struct work *work, const struct endpoint *a,
			const struct endpoint *b, struct err *err)
{
	int rc = unwire_endpoint(work, a, err);

	rc = rc ? rc : unwire_endpoint(work, b, err);
	rc = rc ? rc : wire_endpoint(work, a, err);
	return rc ? rc : wire_endpoint(work, b, err);
}

/* Looked at once for both, by the first. What has no other end any more is for
 * straighten(); what cannot be reached stays as it is. */
static bool restore_cable(struct work *work, const struct endpoint *endpoint)
{
	const struct endpoint *other = cable_find_other(work->actual, endpoint);
	struct err err;

	if (!other || other < endpoint ||
	    identity_of_endpoint(endpoint) != IDENTITY_SAME ||
	    identity_of_endpoint(other) != IDENTITY_SAME ||
	    (direct_is_there(work->actual, endpoint) &&
	     direct_is_there(work->actual, other)))
		return false;
	log_warn("cable '%s': an end is gone, making it again",
		 endpoint->network);
	if (!rewire_cable(work, endpoint, other, &err))
		return true;
	log_warn("cable '%s': %s", endpoint->network, err.text);
	return false;
}

/* The device that a container has deleted comes back, with all its rules. */
static bool restore_endpoint(struct work *work, const struct endpoint *endpoint)
{
	struct err err;

	if (!endpoint->host_ifname[0])
		return restore_cable(work, endpoint);
	if (host_find_link(work->host, endpoint->host_ifname))
		return false;
	log_warn("endpoint '%s': its device is gone, making it again",
		 endpoint->name);
	/* The hooks of the old device are dead, but pinned. */
	settle_endpoint(work->dp, endpoint);
	if (!unwire_endpoint(work, endpoint, &err) &&
	    !wire_endpoint(work, endpoint, &err))
		return true;
	log_warn("endpoint '%s': %s", endpoint->name, err.text);
	return false;
}

/* Back on the bridge, where nobody has put it on another one. */
static bool restore_port(struct work *work, const struct endpoint *endpoint)
{
	const struct network *network =
		model_find_network(work->actual, endpoint->network);
	const struct link_info *port =
		host_find_link(work->host, endpoint->host_ifname);
	struct link_info bridge;
	struct err err;
	int rc;

	if (!network || network->type == NETWORK_P2P || !port ||
	    host_find_index(work->host, port->master))
		return false;
	rc = link_get(work->nl, network->bridge, &bridge, &err);
	rc = rc ? rc :
		  link_set_master(work->nl, port->ifindex, bridge.ifindex,
				  &err);
	if (rc)
		log_warn("endpoint '%s': %s", endpoint->name, err.text);
	return !rc;
}

/* Somebody removed the pins: no program runs any more. */
static int restore_datapath(struct control *control, struct work *work,
			    bool *changed, struct err *err)
{
	int rc;

	if (control->dp || !control_needs_datapath(control))
		return 0;
	log_warn("the datapath is not loaded, loading it");
	*changed = true;
	rc = control_load(control, &control->model.settings, err);
	work->dp = control->dp;
	return rc ? rc : control_attach_endpoints(control, work->host, err);
}

/* An uplink that was deleted and made again is another device. */
static bool uplink_is_new(const struct work *work, const struct uplink *uplink)
{
	const struct link_info *link =
		host_find_link(work->host, uplink->ifname);
	struct uplink_val value;

	for (__u32 i = 0; link && i < UPLINKS_MAX; i++)
		if (table_get(work->dp, MAP_UPLINKS, &i, &value) ||
		    (int)value.ifindex == link->ifindex)
			return false;
	return link;
}

static int restore(struct control *control, struct work *work, bool *changed,
		   struct err *err)
{
	const struct model *model = &control->model;
	int rc = restore_datapath(control, work, changed, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < model->nnetworks; i++)
		*changed |= restore_network(work, &model->networks[i]);
	for (size_t i = 0; i < model->nendpoints; i++)
		*changed |= restore_port(work, &model->endpoints[i]) ||
			    restore_endpoint(work, &model->endpoints[i]);
	for (size_t i = 0; i < model->nuplinks && work->dp; i++)
		*changed |= uplink_is_new(work, &model->uplinks[i]);
	if (*changed)
		rc = control_refresh(control, err);
	return rc;
}

struct devices {
	const struct model *model;
	const struct host *host;
};

static bool is_wanted(int ifindex, void *arg)
{
	const struct devices *devices = arg;
	const struct model *model = devices->model;
	const struct link_info *link = host_find_index(devices->host, ifindex);

	for (size_t i = 0; link && i < model->nendpoints; i++)
		if (!strcmp(model->endpoints[i].host_ifname, link->name))
			return true;
	return link && model_find_uplink(model, link->name);
}

static int tidy_hooks(struct control *control, struct err *err)
{
	struct devices devices = { .model = &control->model };
	struct host host;
	int rc = host_read(control->nl, &host, err);

	if (rc)
		return rc;
	devices.host = &host;
	rc = hooks_tidy(control->dp, is_wanted, &devices, err);
	host_free(&host);
	return rc;
}

/* ---------------------------------------------- what has to be another way */

static bool is_loose(const struct model *model, const struct endpoint *endpoint)
{
	return !endpoint->host_ifname[0] && !cable_find_other(model, endpoint);
}

/*
 * Of the two ends of a cable, one went away with its namespace: the other one
 * leads to the host now, as the model has it of a cable with one endpoint. The
 * way there is an ordinary plan.
 */
static void straighten(struct control *control)
{
	const struct model *model = &control->model;
	struct model desired;
	struct err err = { 0 };
	bool loose = false;
	int rc;

	for (size_t i = 0; i < model->nendpoints; i++) {
		if (!is_loose(model, &model->endpoints[i]))
			continue;
		loose = true;
		log_warn("endpoint '%s': the other end of its cable is gone, "
			 "it leads to the host now",
			 model->endpoints[i].name);
	}
	if (!loose)
		return;
	if (model_copy(model, &desired)) {
		log_warn("out of memory");
		return;
	}
	rc = control_reconcile(control, &desired, false, NULL, NULL, &err);
	if (rc)
		log_warn("%s", err.text);
	model_free(&desired);
}

/* --------------------------------------------- what somebody did not finish */

static int replay(struct control *control, struct err *err)
{
	struct model desired;
	size_t changes = 0;
	int rc;

	if (model_copy(&control->model, &desired))
		return err_set(err, -ENOMEM, "out of memory");
	rc = unfinished_replay(control->instance.name, &desired, err);
	control->replaying = true;
	rc = rc ? rc :
		  control_reconcile(control, &desired, false, NULL, &changes,
				    err);
	control->replaying = false;
	model_free(&desired);
	if (changes)
		log_warn("an interrupted change was undone");
	return rc;
}

/* What cannot be brought back, mostly since it is gone for good, must not keep
 * others from working with what there is. */
static int clear_up(struct control *control, struct work *work, struct err *err)
{
	struct err later;
	int rc;

	if (control->mode != CONTROL_PURGE && replay(control, &later))
		log_warn("an interrupted change was not undone: %s",
			 later.text);
	work->dp = control->dp;
	if (settle_orphans(control->dp, &control->model))
		work->untidy = true;
	for (size_t i = 0; i < control->model.nnetns; i++)
		netns_tidy_resolv(control->model.netns[i].name);
	rc = control->dp ? tidy_hooks(control, err) : 0;
	if (rc || work->untidy)
		return rc;
	return unfinished_end(control->instance.name, err);
}

/* ------------------------------------------------------------------- all */

/* Of the model's namespaces and of those that its endpoints are in, in their
 * order: each is looked at once. */
struct identities {
	enum identity *netns, *endpoints;
};

static void identities_free(struct identities *identities)
{
	free(identities->netns);
	free(identities->endpoints);
}

#define _cleanup_identities_ __attribute__((cleanup(identities_free)))

static int identities_find(const struct model *model, struct identities *ret)
{
	_cleanup_index_ struct index names = { 0 };

	ret->netns = calloc(model->nnetns + 1, sizeof(*ret->netns));
	ret->endpoints = calloc(model->nendpoints + 1, sizeof(*ret->endpoints));
	if (!ret->netns || !ret->endpoints ||
	    index_make_names(model->netns, model->nnetns, sizeof(*model->netns),
			     &names))
		return -ENOMEM;
	for (size_t i = 0; i < model->nnetns; i++)
		ret->netns[i] = identity_of_netns(&model->netns[i]);
	for (size_t i = 0; i < model->nendpoints; i++) {
		const struct endpoint *e = &model->endpoints[i];
		const struct netns *netns = index_find_name(&names, e->netns);

		if (netns && netns->cookie == e->netns_cookie &&
		    netns->mount == e->netns_mount)
			ret->endpoints[i] = ret->netns[netns - model->netns];
		else
			ret->endpoints[i] = identity_of_endpoint(e);
	}
	return 0;
}

static int forget(struct work *work, struct model *model,
		  const struct identities *identities, bool *changed,
		  struct err *err)
{
	int rc = forget_endpoints(work, model, identities->endpoints, changed,
				  err);

	rc = rc ? rc : forget_dangling(work, model, changed, err);
	return rc ? rc : forget_netns(work, model, identities->netns, err);
}

static void keep_seen(struct control *control, struct host *host, bool is_so)
{
	if (control->has_seen)
		host_free(&control->seen);
	control->has_seen = is_so;
	if (is_so)
		control->seen = *host;
	else
		host_free(host);
}

int observe(struct control *control, const struct state *state, struct err *err)
{
	_cleanup_identities_ struct identities identities = { 0 };
	bool changed = state->unfinished || has_objects(&state->leftovers);
	struct work work;
	struct host host;
	struct err later;
	int rc;

	if (identities_find(&control->model, &identities))
		return err_set(err, -ENOMEM, "out of memory");
	if (datapath_tidy(control->instance.name, &later) ||
	    state_sweep(control->instance.name, &later))
		log_warn("%s", later.text);
	await_dying(control->nl, &control->model, identities.endpoints);
	rc = host_look(control->nl, &control->model, &host, err);
	if (rc)
		return rc;
	work_init(control, &host, &work);
	if (changed)
		log_warn("cleaning up after an interrupted bpfnet");
	rc = clean_leftovers(&work, &state->leftovers, err);
	if (!rc && changed)
		rc = ipam_forget(work.instance, &control->model,
				 state->leftovers.endpoints,
				 state->leftovers.nendpoints, err);
	rc = rc ? rc :
		  forget(&work, &control->model, &identities, &changed, err);
	if (!rc && control->mode != CONTROL_PURGE)
		rc = restore(control, &work, &changed, err);
	if (!rc && state->unfinished)
		rc = clear_up(control, &work, err);
	if (!rc && control->mode != CONTROL_PURGE)
		rc = control_unload_unused(control, err);
	keep_seen(control, &host, !rc && !changed);
	if (!rc && control->mode != CONTROL_PURGE)
		straighten(control);
	return rc;
}

/* Has it gone by itself? As forget_endpoints, with nothing but questions. */
static bool has_gone(struct nl *nl, const struct model *model,
		     const struct endpoint *endpoint, enum identity netns)
{
	return netns == IDENTITY_REPLACED ||
	       (netns == IDENTITY_LOST && !is_there(nl, NULL, model, endpoint));
}

static int drop_gone(struct control *control, struct nl *nl, struct model *ret,
		     struct err *err)
{
	const struct model *model = &control->model;
	_cleanup_identities_ struct identities identities = { 0 };

	if (identities_find(model, &identities))
		return err_set(err, -ENOMEM, "out of memory");
	await_dying(nl, model, identities.endpoints);
	for (size_t i = 0; i < model->nendpoints; i++)
		if (has_gone(nl, model, &model->endpoints[i],
			     identities.endpoints[i]))
			previous_drop_endpoint(ret, model->endpoints[i].name);
	for (size_t i = ret->nnetns; i-- > 0;)
		if (identity_of_netns(&ret->netns[i]) != IDENTITY_SAME &&
		    !has_endpoints(ret, ret->netns[i].name))
			model_del_netns(ret, &ret->netns[i]);
	return 0;
}

int control_model_now(struct control *control, struct model *ret,
		      struct err *err)
{
	struct nl *nl = NULL;
	bool is_here;
	int rc = home_is_here(control->netns_cookie, &is_here, err);

	if (!rc && model_copy(&control->model, ret))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc)
		return rc;
	/* From elsewhere, no device of it can be seen. */
	if (is_here)
		rc = nl_open(-1, &nl, err);
	if (!rc && is_here)
		rc = drop_gone(control, nl, ret, err);
	if (nl)
		nl_close(nl);
	if (rc)
		model_free(ret);
	return rc;
}

int control_look(struct control *control, struct host *ret, struct err *err)
{
	if (!control->has_seen)
		return host_look(control->nl, &control->model, ret, err);
	*ret = control->seen;
	control->has_seen = false;
	return 0;
}
