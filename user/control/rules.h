/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* rules - the policy of a model as the datapath reads it */
#ifndef BPFNET_RULES_H
#define BPFNET_RULES_H

#include "datapath/datapath.h"
#include "model/model.h"

/*
 * The model's rules in order, at most max entries. A rule with more port
 * ranges than one entry holds takes several, which share its id; a rule that
 * names an endpoint with no slot yet matches nothing and is left out. Returns
 * how many entries there are, or -ENOSPC.
 */
int rules_compile(const struct model *model, struct rule_val *ret, size_t max);

/* Writes them to the bank that is not in force and then puts it in force by one
 * store. The caller bumps the generation. */
int rules_write(struct datapath *dp, const struct model *model,
		struct err *err);

#endif
