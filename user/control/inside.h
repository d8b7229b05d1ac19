/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* inside - an endpoint's namespace, and what is set up there */
#ifndef BPFNET_INSIDE_H
#define BPFNET_INSIDE_H

#include "kernel/nl.h"
#include "model/model.h"

struct inside {
	int netns;
	struct nl *nl;
};

#define INSIDE_CLOSED       \
	{                   \
		.netns = -1 \
	}

/* See identity.h. Refuses the host's own namespace: both ends of a cable there would short its
 * routes. ret is closed, and to be closed also on failure. */
int inside_open(const struct endpoint *endpoint, struct inside *ret,
		struct err *err);
void inside_close(struct inside *inside);

/* The device of the endpoint's name: addresses, up, default route by the
 * network's gateways, where it has some; and lo up. IPv6 is switched on where
 * it has an address of it. */
int inside_set_up(struct inside *inside, const struct endpoint *endpoint,
		  const struct network *network, struct err *err);

#define _cleanup_inside_ __attribute__((cleanup(inside_close)))

#endif
