/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* observe - what of the record the kernel still has */
#include <string.h>

#include "control/control_internal.h"
#include "control/state.h"
#include "kernel/netns.h"
#include "lib/log.h"

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

/* What an earlier process began and did not finish. */
static int clean_leftovers(struct work *work, const struct model *left,
			   struct err *err)
{
	int rc = 0;

	if (left->nendpoints + left->nnetworks + left->nnetns + left->nuplinks +
	    left->npublishes)
		log_warn("removing what an interrupted bpfnet left behind");
	for (size_t i = 0; i < left->npublishes && !rc; i++)
		rc = step_clean(work, OBJECT_PUBLISH, &left->publishes[i], err);
	for (size_t i = 0; i < left->nendpoints && !rc; i++)
		rc = step_clean(work, OBJECT_ENDPOINT, &left->endpoints[i],
				err);
	/* It may have been there before us: only a name that nobody uses. */
	for (size_t i = 0; i < left->nnetns && !rc; i++)
		rc = state_del(work->instance, OBJECT_NETNS, &left->netns[i],
			       err);
	for (size_t i = 0; i < left->nnetworks && !rc; i++)
		rc = step_clean(work, OBJECT_NETWORK, &left->networks[i], err);
	for (size_t i = 0; i < left->nuplinks && !rc; i++)
		rc = work->dp ? step_clean(work, OBJECT_UPLINK,
					   &left->uplinks[i], err) :
				state_del(work->instance, OBJECT_UPLINK,
					  &left->uplinks[i], err);
	return rc;
}

static bool rule_names(const struct policy_rule *rule, const char *endpoint)
{
	return (rule->from.kind == SEL_ENDPOINT &&
		!strcmp(rule->from.name, endpoint)) ||
	       (rule->to.kind == SEL_ENDPOINT &&
		!strcmp(rule->to.name, endpoint));
}

/* A container that ended took its device along; its endpoint goes, with what
 * only made sense for it. */
static int forget_endpoint(struct work *work, struct model *model,
			   struct endpoint *gone, struct err *err)
{
	size_t nrules = model->nrules;
	int rc = 0;

	log_warn("endpoint '%s': its device is gone, removing it", gone->name);
	for (size_t i = model->npublishes; i-- > 0 && !rc;) {
		if (strcmp(model->publishes[i].endpoint, gone->name))
			continue;
		rc = step_clean(work, OBJECT_PUBLISH, &model->publishes[i],
				err);
		model_del_publish(model, &model->publishes[i]);
	}
	for (size_t i = model->nrules; i-- > 0;)
		if (rule_names(&model->rules[i], gone->name)) {
			log_warn("policy rule '%s' names it, removing it",
				 model->rules[i].name);
			model_del_rule(model, &model->rules[i]);
		}
	if (!rc && nrules != model->nrules)
		rc = state_write_rules(work->instance, model, err);
	rc = rc ? rc : step_clean(work, OBJECT_ENDPOINT, gone, err);
	model_del_endpoint(model, gone);
	return rc;
}

/* The record says what was made; the kernel may have lost some of it. */
int observe(struct control *control, const struct model *leftovers,
	    struct err *err)
{
	struct model *model = &control->model;
	struct work work;
	struct host host;
	int rc = host_read(control->nl, &host, err);

	if (rc)
		return rc;
	work_init(control, &host, &work);
	rc = clean_leftovers(&work, leftovers, err);
	for (size_t i = model->nendpoints; i-- > 0 && !rc;)
		if (!host_find_link(&host, model->endpoints[i].host_ifname))
			rc = forget_endpoint(&work, model, &model->endpoints[i],
					     err);
	for (size_t i = model->nnetns; i-- > 0 && !rc;)
		if (!netns_exists(model->netns[i].name)) {
			rc = state_del(work.instance, OBJECT_NETNS,
				       &model->netns[i], err);
			model_del_netns(model, &model->netns[i]);
		}
	host_free(&host);
	return rc;
}
