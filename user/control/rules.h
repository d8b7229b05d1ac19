/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* rules - the policy of a model as the datapath reads it */
#ifndef BPFNET_RULES_H
#define BPFNET_RULES_H

#include "control/compile.h"

/*
 * The model's rules in order; ret has room for all of them. A rule that names
 * an endpoint with no slot yet matches nothing and is left out; so the number of
 * them comes back, too. 0 or -ENOMEM.
 */
int rules_of(const struct model *model, struct rule_val *ret,
	     size_t *ret_count);

/* Compiles rules and puts them in force by one store. The caller bumps the
 * generation. */
int rules_put(struct datapath *dp, const struct rule_val *rules, size_t count,
	      struct err *err);
/* How much of the policy in force is not as the model has it. */
int rules_compare(const struct datapath *dp, const struct model *model,
		  size_t *ret_differ, struct err *err);
int rules_write(struct datapath *dp, const struct model *model,
		struct err *err);

#endif
