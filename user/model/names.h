/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* names - the endpoints and networks of a model, found in constant time */
#ifndef BPFNET_NAMES_H
#define BPFNET_NAMES_H

#include "model/index.h"
#include "model/model.h"

/* Borrows from the model, whose endpoints and networks must stay as they are. */
struct names {
	struct index endpoints, networks;
};

/* 0 or -ENOMEM. */
int names_make(const struct model *m, struct names *ret);
void names_free(struct names *names);

/* NULL when there is none. */
const struct endpoint *names_find_endpoint(const struct names *names,
					   const char *name);
const struct network *names_find_network(const struct names *names,
					 const char *name);
/* Is all there that the rule names? */
bool names_has_peers(const struct names *names, const struct policy_rule *rule);

#define _cleanup_names_ __attribute__((cleanup(names_free)))

#endif
