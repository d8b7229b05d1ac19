/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* live - one walk over the flows, summed by publish, rule and state */
#include "cli/live.h"

#include <errno.h>
#include <stdlib.h>

/* What an embryo has counted is in the hits already. */
static void hits_add(struct hits *hits, const struct flow *flow)
{
	if (flow->flags & FLOW_EMBRYO)
		return;
	if (!(flow->flags & FLOW_REPLY))
		hits->flows++;
	hits->packets += flow->packets;
	hits->bytes += flow->bytes;
}

static void rule_hits_add(struct live *live, const struct flow *flow)
{
	if (flow->rule && flow->rule < RULES_MAX)
		hits_add(&live->rule[flow->rule], flow);
}

static int on_flow(const struct flow_pair *pair, void *arg)
{
	const struct flow *forward = &pair->forward;
	struct live *live = arg;

	if (pair->reply_found && (pair->reply.seen & FLOW_SEEN))
		live->established++;
	else
		live->embryonic++;

	if (forward->publish)
		hits_add(&live->publish[forward->publish], forward);
	/* Each half is decided again by itself, so their rules may differ. */
	rule_hits_add(live, forward);
	if (pair->reply_found)
		rule_hits_add(live, &pair->reply);
	return 0;
}

int live_read(struct datapath *dp, struct live *ret, struct err *err)
{
	struct live live = { 0 };
	int rc = 0;

	live.publish = calloc(PUBLISH_MAX, sizeof(*live.publish));
	live.rule = calloc(RULES_MAX, sizeof(*live.rule));
	if (!live.publish || !live.rule)
		rc = err_set(err, -ENOMEM, "out of memory");
	else if (dp)
		rc = flows_each(dp, on_flow, &live, err);
	if (rc) {
		live_free(&live);
		return rc;
	}
	*ret = live;
	return 0;
}

void live_free(struct live *live)
{
	free(live->publish);
	free(live->rule);
	live->publish = NULL;
	live->rule = NULL;
}

/* A flow that changes its rule between the two readings may be missing from the
 * first one and be taken off in the second. */
static __u64 not_below_zero(__u64 count)
{
	return (__s64)count < 0 ? 0 : count;
}

static struct hits hits_total(struct datapath *dp, enum map_id map,
			      const struct hits *live, __u32 id)
{
	struct hits total = { 0 };

	/* A map that cannot be read has counted nothing that we know of. */
	if (!dp || table_get(dp, map, &id, &total))
		total = (struct hits){ 0 };
	total.packets = not_below_zero(total.packets + live->packets);
	total.bytes = not_below_zero(total.bytes + live->bytes);
	total.flows += live->flows;
	return total;
}

struct hits live_publish_hits(struct datapath *dp, const struct live *live,
			      __u32 id)
{
	return hits_total(dp, MAP_PUB_HITS, &live->publish[id % PUBLISH_MAX],
			  id);
}

struct hits live_rule_hits(struct datapath *dp, const struct live *live,
			   __u32 id)
{
	return hits_total(dp, MAP_RULE_HITS, &live->rule[id % RULES_MAX], id);
}
