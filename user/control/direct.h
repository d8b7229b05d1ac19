/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* direct - cables from one endpoint to another, past the host */
#ifndef BPFNET_DIRECT_H
#define BPFNET_DIRECT_H

#include "control/steps.h"

/*
 * Both ends are one device, so they are made together: by the one of the two
 * endpoints that comes first, for the other there is nothing to do. The
 * namespaces of both have to be there. See model/cable.h for when an endpoint is at the end of such a cable.
 */
int direct_wire(struct work *work, const struct endpoint *endpoint,
		struct err *err);
/* Takes the other end along. No failure when it is gone. */
int direct_unwire(const struct endpoint *endpoint, struct err *err);

/* Is the endpoint's end where it should be? */
bool direct_is_wired(const struct endpoint *endpoint);
/* The same if somebody has changed its MAC: the other end, one of the model's,
 * leads to it. */
bool direct_is_there(const struct model *model,
		     const struct endpoint *endpoint);

#endif
