/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fill - gives the fields that users may leave open their values */
#ifndef BPFNET_FILL_H
#define BPFNET_FILL_H

#include "model/memory.h"
#include "model/model.h"

/*
 * Fills every field marked "filled" in model.h. Pure and deterministic: what
 * actual already holds for an object of the same name (and the same subnets or
 * network) is kept, so that an unchanged object never changes its address, id
 * or device; the rest is taken free of both models. Also adds the namespaces
 * that endpoints imply (netns given as a plain name that no netns object has)
 * and drops implied ones that no endpoint uses any more. Check the result: an
 * address that was kept may be one that another endpoint now asks for.
 *
 * Subnets: see subnet.h, which knows nothing of the host here; whoever does
 * calls subnet_fill before. Gateways: the subnet's first address. Addresses:
 * those of the range in turn, see cursor.h; never one that a former endpoint
 * still has flows at, as far as memory can tell. MACs: locally administered, from
 * the names. Bridges "bn-NAME", host ends "bne-NAME", shortened with a hash
 * where NAME is too long. Ids: the lowest free number above the highest one in
 * actual, wrapping, so that a number is not reused at once. Fails with conflict
 * ("subnet 10.0.0.0/30 of network 'x' is full").
 */
int model_fill(struct model *desired, const struct model *actual,
	       struct err *err);
/* The same with what is known from before, and then of what was done now. memory
 * is only good when it was 0. */
int model_fill_remembering(struct model *desired, const struct model *actual,
			   struct memory *memory, struct err *err);

#endif
