/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* wiring - bridges and cables: the devices of networks and endpoints */
#ifndef BPFNET_WIRING_H
#define BPFNET_WIRING_H

#include "control/steps.h"

/* The bridge with its gateway addresses, up. A network of type p2p has no
 * device of its own. */
int wire_network(struct work *work, const struct network *network,
		 struct err *err);
/* MTU of a running network and of its endpoints. */
int rewire_network(struct work *work, const struct network *network,
		   struct err *err);
/* The name of the bridge, or of the host's end, is nobody else's (-EEXIST). */
int network_check_free(struct work *work, const struct network *network,
		       struct err *err);
int endpoint_check_free(struct work *work, const struct endpoint *endpoint,
			struct err *err);
/* Is its device there? */
bool network_is_wired(struct work *work, const struct network *network);
bool endpoint_is_wired(struct work *work, const struct endpoint *endpoint);
int unwire_network(struct work *work, const struct network *network,
		   struct err *err);

/* The veth with its programs, addresses and default route; the host end is
 * still down. A failure takes back what was made. Of a cable that leaves the
 * host out, see direct.h. */
int wire_endpoint(struct work *work, const struct endpoint *endpoint,
		  struct err *err);
/* Is its number that of an endpoint that there was before the first step? */
bool endpoint_is_known(const struct work *work,
		       const struct endpoint *endpoint);
/* To zero, unless the endpoint is known. */
int endpoint_clear_counters(struct work *work, const struct endpoint *endpoint,
			    struct err *err);
/* Its flows do not end yet: see settle.h. */
int unwire_endpoint(struct work *work, const struct endpoint *endpoint,
		    struct err *err);

#endif
