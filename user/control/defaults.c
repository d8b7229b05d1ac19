/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* defaults - of one namespace, only one endpoint has the default route */
#include "control/defaults.h"

#include <errno.h>
#include <string.h>

#include "model/index.h"
#include "model/names.h"

static bool leads_out(const struct network *network, bool v4)
{
	for (size_t i = 0; i < network->nsubnets; i++)
		if (!ip_is_zero(&network->gateways[i]) &&
		    ip_is_v4(&network->gateways[i]) == v4)
			return true;
	return false;
}

static int conflict(const struct endpoint *endpoint,
		    const struct endpoint *first, struct err *err)
{
	err_set(err, -EEXIST,
		"endpoint '%s': '%s' has its default route by network '%s' "
		"already",
		endpoint->name, endpoint->netns, first->network);
	err_hint(err, "'default-route off'");
	err_about(err, "endpoint %s", endpoint->name);
	return -EEXIST;
}

/* Two that are there already are in order, whatever was done to their routes. */
static int check_one(const struct model *actual,
		     const struct endpoint *endpoint,
		     const struct endpoint *first, struct err *err)
{
	const struct endpoint *later = endpoint;

	if (model_find_endpoint(actual, endpoint->name)) {
		if (model_find_endpoint(actual, first->name))
			return 0;
		later = first;
		first = endpoint;
	}
	return conflict(later, first, err);
}

static int check_version(const struct model *desired,
			 const struct model *actual, const struct names *names,
			 bool v4, struct err *err)
{
	_cleanup_index_ struct index taken = { 0 };
	int rc = 0;

	if (index_make(desired->nendpoints, &taken))
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < desired->nendpoints && !rc; i++) {
		const struct endpoint *endpoint = &desired->endpoints[i];
		const struct network *network =
			names_find_network(names, endpoint->network);
		const struct endpoint *first;

		if (!endpoint->default_route || !network ||
		    !leads_out(network, v4))
			continue;
		first = index_add(&taken, endpoint->netns,
				  strlen(endpoint->netns), endpoint);
		rc = first ? check_one(actual, endpoint, first, err) : 0;
	}
	return rc;
}

int defaults_check(const struct model *desired, const struct model *actual,
		   struct err *err)
{
	_cleanup_names_ struct names names = { 0 };
	int rc;

	if (names_make(desired, &names))
		return err_set(err, -ENOMEM, "out of memory");
	rc = check_version(desired, actual, &names, true, err);
	return rc ? rc : check_version(desired, actual, &names, false, err);
}
