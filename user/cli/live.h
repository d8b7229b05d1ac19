/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* live - one walk over the flows, summed by publish, rule and state */
#ifndef BPFNET_LIVE_H
#define BPFNET_LIVE_H

#include "datapath/datapath.h"

/*
 * The datapath's hit counters hold only what ended; these add what still
 * flows. publish counts the direction towards the container, rule both.
 */
struct live {
	struct hits *publish; /* PUBLISH_MAX */
	struct hits *rule; /* RULES_MAX */
	__u64 established; /* flows: both directions were seen */
	__u64 embryonic; /* flows: no answer yet */
};

/* dp NULL: nothing is loaded, all is zero. */
int live_read(struct datapath *dp, struct live *ret, struct err *err);
void live_free(struct live *live);

/* What ended and what flows, put together. */
struct hits live_publish_hits(struct datapath *dp, const struct live *live,
			      __u32 id);
struct hits live_rule_hits(struct datapath *dp, const struct live *live,
			   __u32 id);

#define _cleanup_live_ __attribute__((cleanup(live_free)))

#endif
